//! One storm: a disturbed apply, and what quiet ones make of it.

use super::end::End;
use super::fault::{Fault, Reach};
use super::kind::Kind;
use crate::support::{Environment, Run, Simulator};

const APPLY: &str = "apply -auto-approve -parallelism=1";
/// Most quiet runs until nothing is left to do.
const RUNS_MAX: usize = 3;

/// A fault on a kind of call.
#[derive(Clone, Debug)]
pub(super) struct Storm {
    pub(super) kind: Kind,
    pub(super) fault: Fault,
    pub(super) reach: Reach,
}

/// An undisturbed run: how it ended, and which calls it made.
pub(super) struct Calm {
    pub(super) end: End,
    pub(super) kinds: Vec<Kind>,
}

impl Calm {
    /// Applies without any fault, until nothing is left to do.
    pub(super) fn reach(environment: &Environment) -> Result<Calm, String> {
        environment.hasten();
        let simulator = Simulator::start(environment);
        within(environment.keyless(APPLY), &[0])?;
        let kinds = Kind::arrived(&simulator);
        serves_all(&simulator)?;
        settle(environment)?;
        Ok(Calm { end: End::of(environment, &simulator)?, kinds })
    }
}

impl Storm {
    pub(super) fn name(&self) -> String {
        format!("{} {} on {}", self.fault.word(), self.reach.word(), self.kind.name())
    }

    /// Lets it pass over an environment; fails unless it ends as the undisturbed run did.
    pub(super) fn pass(&self, environment: &Environment, calm: &End) -> Result<(), String> {
        environment.hasten();
        let mut simulator = Simulator::start(environment);
        let login = Login::of(environment);
        let blamed = self.disturb(environment, &simulator)?;
        simulator.mend();
        if self.fault.lasts() {
            drop(simulator);
            login.renew(environment);
            simulator = Simulator::start(environment);
        }
        settle(environment)?;
        serves_all(&simulator)?;
        let differs = End::of(environment, &simulator)?.differs_from(calm);
        differs.or(blamed).map_or(Ok(()), Err)
    }

    /// The runs that meet the fault. What is told wrongly meanwhile is given back, since the end counts
    /// for more.
    fn disturb(&self, environment: &Environment, simulator: &Simulator) -> Result<Option<String>, String> {
        let mut blamed = None;
        let is_hasty = self.fault == Fault::Timeout && self.reach == Reach::Once;
        if is_hasty {
            environment.give_up_early();
        }
        simulator.fault(&self.fault.order(self.reach, &self.kind));
        for _ in 0..self.reach.runs() {
            let codes: &[i32] = if self.is_harmless() { &[0] } else { &[0, 1] };
            blamed = blamed.or(blame(&within(environment.keyless(APPLY), codes)?));
            serves_all(simulator)?;
        }
        if is_hasty {
            environment.be_patient_again();
        }
        let met = simulator.faults_met()[0];
        match (met > 0, self.fault.meets(&self.kind)) {
            (true, true) | (false, false) => Ok(blamed),
            (false, true) => Err("the fault met no call".to_owned()),
            (true, false) => Err("the fault met a call that it is not for".to_owned()),
        }
    }

    fn is_harmless(&self) -> bool {
        self.fault.is_harmless() || !self.fault.meets(&self.kind)
    }
}

/// Applies until nothing is left to do.
fn settle(environment: &Environment) -> Result<(), String> {
    let mut runs = Vec::new();
    for _ in 0..RUNS_MAX {
        runs.push(environment.keyless(APPLY));
        if runs.last().is_some_and(|run| run.code == Some(0)) {
            let plan = environment.keyless("plan -detailed-exitcode");
            if plan.code == Some(0) {
                return doubtless(&plan);
            }
            runs.push(plan);
        }
    }
    let told: Vec<String> = runs.iter().map(Run::told).collect();
    Err(format!("{RUNS_MAX} quiet runs leave something to do:\n{}", told.join("\n")))
}

/// Nothing may be left in doubt either.
fn doubtless(plan: &Run) -> Result<(), String> {
    match plan.stderr.contains("is not seen yet") {
        true => Err(format!("something stays in doubt:\n{}", plan.told())),
        false => Ok(()),
    }
}

fn within(run: Run, codes: &[i32]) -> Result<Run, String> {
    match run.code.is_some_and(|code| codes.contains(&code)) {
        true => Ok(run),
        false => Err(format!("a run does not exit with one of {codes:?}:\n{}", run.told())),
    }
}

/// Nobody archived or changed anything, so nothing of that kind may be told.
fn blame(run: &Run) -> Option<String> {
    let is_blamed = [&run.stdout, &run.stderr].iter().any(|told| told.contains("outside of keyless"));
    is_blamed.then(|| format!("a run takes a fault for the deed of a person:\n{}", run.told()))
}

/// Every workload calls with success now, and has done so whenever it called before.
fn serves_all(simulator: &Simulator) -> Result<(), String> {
    let workloads = simulator.run_workloads();
    let cut_off = workloads.iter().filter(|workload| {
        let is_served = workload["calls"].as_u64().is_some_and(|calls| calls > 0);
        !is_served || workload["failed_calls"] != 0 || !workload["problem"].is_null()
    });
    let names: Vec<String> = cut_off.map(|workload| format!("{workload:#}")).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(format!("a workload is or was without a credential: {}", names.join(", "))),
    }
}

/// The engine's login at the simulator, which cannot be renewed there once it is revoked: the saved
/// organization gets it back, as if the operator had logged in again.
struct Login {
    tokens: serde_json::Value,
}

impl Login {
    fn of(environment: &Environment) -> Login {
        Login { tokens: environment.world()["tokens"].take() }
    }

    fn renew(&self, environment: &Environment) {
        let mut world = environment.world();
        let live = world["tokens"].as_object_mut().unwrap();
        live.extend(self.tokens.as_object().unwrap().clone());
        environment.write(".keyless/simulator/world.json", &world.to_string());
    }
}
