//! The one async loop: announce, call, record; wait where evidence is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use keyless_state::{Address, Checkpoint, ConsumerId, Mutation, Store, StoreError, credential_text};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::before::Before;
use super::carry_out::{Done, Failure, Tools, carry_out, explain};
use super::looks::Looks;
use super::prepare::{self, Context};
use super::record;
use super::schedule::{Schedule, Status};
use super::sightings;
use super::stakes::taken_from;
use crate::config::{Configuration, EnvFiles, WorkspaceRef};
use crate::lane::{self, Assessment, Gate, Sightings, Stage};
use crate::plan::{Mode, Operation, Plan, Step};
use crate::platform::{ApiError, Platform};
use crate::refresh::{DisbelievedReport, Remote};
use crate::resource::Observed;

/// How to apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// Identifies this run in the journal.
    pub run: String,
    /// Steps in flight.
    pub parallelism: usize,
    /// Whether a wait for time moves the simulated clock instead.
    pub skip_waits: bool,
    /// The configuration directory.
    pub base: PathBuf,
}

/// What happens while a plan is applied.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A step begins.
    Began(&'a Step),
    /// A step ended well.
    Done(&'a Step),
    /// A change was set back, since its proof failed.
    SetBack(&'a Step),
    /// A change whose proof failed stays, since the rule of somebody else was proved on it.
    Stays(&'a Address),
    /// A step ended without effect.
    Failed(&'a Step, &'a str),
    /// A checkpoint was taken.
    Checkpoint(&'a Checkpoint),
    /// The simulated clock was moved instead of waiting.
    ClockMoved {
        /// From when.
        from: Timestamp,
        /// To when.
        to: Timestamp,
    },
    /// A rule's proof has aged and could not be given again.
    Unproven(&'a Address, &'a str),
    /// A credential report was there and not believed.
    Disbelieved(&'a DisbelievedReport),
}

/// A step that ended without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The step.
    pub step: String,
    /// Why.
    pub error: String,
}

/// How a run ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Ids of the steps that were done.
    pub done: Vec<String>,
    /// Steps that failed.
    pub failed: Vec<StepFailure>,
    /// Steps that were not begun because their gate stayed closed.
    pub waiting: Vec<String>,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
    /// How each lane stands at the end.
    pub lanes: BTreeMap<Address, Assessment>,
}

/// Why a run could not go on at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What happened cannot be recorded, so nothing more may happen.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform does not answer.
    #[error("{}", explain(.0))]
    Api(#[from] ApiError),
}

pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) store: &'a mut Store,
    pub(super) tools: Tools,
    pub(super) options: &'a Options,
    pub(super) observed: Observed,
    pub(super) looks: Looks,
    pub(super) sightings: Sightings,
    pub(super) workspaces: &'a BTreeMap<Address, String>,
    pub(super) schedule: Schedule,
    pub(super) steps: BTreeMap<String, Step>,
    pub(super) outcome: Outcome,
    pub(super) checkpoints: Vec<String>,
    pub(super) before: Before,
    /// Steps that set a change back.
    pub(super) undoing: BTreeSet<String>,
    /// Until when each lane, or step without one, waits, and how often that grew.
    pub(super) waited_for: BTreeMap<String, (Timestamp, u32)>,
    pub(super) now: Timestamp,
    pub(super) tell: &'a mut dyn FnMut(Event<'_>),
}

/// Applies a plan, from the journal entry that starts the run up to the one that ends it, which the
/// caller writes once all that belongs to the run is recorded. The store is held by this process; `observed` and `sightings` are what the plan
/// was made from.
///
/// # Errors
/// Only when going on would be blind: the journal cannot be written, or the platform's clock or
/// evidence cannot be read. A step that fails is part of the outcome.
#[allow(clippy::too_many_arguments, reason = "each is one of the parts that only the shell can provide")]
pub async fn run(
    plan: &Plan,
    configuration: Arc<Configuration>,
    remote: Remote,
    store: &mut Store,
    observed: Observed,
    sightings: Sightings,
    workspaces: &BTreeMap<Address, String>,
    options: &Options,
    stop: &CancellationToken,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, RunError> {
    let now = remote.platform.now().await?;
    let organization_id = observed.organization.id.clone();
    let mut before = Before::new(plan, store.state());
    let unproved = Before::unproved(plan, store.state(), &observed);
    if !unproved.is_empty() {
        let (history, checkpoints) = (store.evidence_history()?, store.checkpoints()?);
        unproved.iter().for_each(|rule| before.recall(rule, store.state(), &history, &checkpoints));
    }
    let files = Arc::new(EnvFiles::of(&configuration));
    let tools = Tools { remote, configuration, files, base: options.base.clone(), organization_id };
    let mut run = Run {
        plan,
        store,
        tools,
        options,
        observed,
        looks: Looks::default(),
        sightings,
        workspaces,
        schedule: Schedule::new(&plan.steps),
        steps: plan.steps.iter().map(|step| (step.id.clone(), step.clone())).collect(),
        outcome: Outcome::default(),
        checkpoints: Vec::new(),
        before,
        undoing: BTreeSet::new(),
        waited_for: BTreeMap::new(),
        now,
        tell,
    };
    run.sightings.wanted_settings = run.wanted_settings();
    run.go(stop).await
}

type Ended = (String, Result<Done, Failure>);

impl Run<'_> {
    async fn go(mut self, stop: &CancellationToken) -> Result<Outcome, RunError> {
        let started = keyless_state::Event::RunStarted {
            base_serial: self.store.snapshot().serial,
            operation: self.plan.mode.word().to_owned(),
        };
        self.journal(started)?;
        if self.plan.steps.iter().any(|step| step.stage == Stage::Configure) {
            self.checkpoint("before-first-change", "before the first change", None)?;
        }
        let mut in_flight: JoinSet<Ended> = JoinSet::new();
        let mut tried = BTreeSet::new();
        loop {
            // A run that is stopped still sets back what failed its proof.
            self.begin_ready(&mut in_flight, stop.is_cancelled()).await?;
            if in_flight.is_empty() {
                if stop.is_cancelled() {
                    self.outcome.interrupted = true;
                    break;
                }
                if self.confirm_ready().await? {
                    continue;
                }
                if !self.schedule.ready().is_empty() {
                    continue;
                }
                // What went by a person's word was the last that a lane waited for.
                if self.plan.mode != Mode::Apply && self.reopen() {
                    continue;
                }
                if !self.skip_wait(&mut tried).await? {
                    break;
                }
                continue;
            }
            tokio::select! {
                Some(ended) = in_flight.join_next() => {
                    let (id, result) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    self.end(&id, result)?;
                }
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
        self.outcome.waiting = self.schedule.with(Status::Waiting);
        for (address, assessment) in self.assess_all() {
            self.outcome.lanes.insert(address, assessment);
        }
        Ok(self.outcome)
    }

    pub(super) fn journal(&mut self, event: keyless_state::Event) -> Result<(), StoreError> {
        tokio::task::block_in_place(|| self.store.append(&self.options.run, self.now, event))
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            configuration: &self.tools.configuration,
            state: self.store.state(),
            observed: &self.observed,
            workspaces: self.workspaces,
        }
    }

    pub(super) fn assess(&self, lane: &Address) -> Option<Assessment> {
        let configuration = &self.tools.configuration;
        let key = configuration.api_keys.get(lane)?;
        let facts =
            lane::gather(lane, key, configuration, self.store.state(), &self.observed, &self.sightings);
        Some(lane::assess(&facts, self.now))
    }

    fn assess_all(&self) -> Vec<(Address, Assessment)> {
        let keys = self.tools.configuration.api_keys.keys();
        keys.filter_map(|key| self.assess(key).map(|assessment| (key.clone(), assessment))).collect()
    }

    /// Begins every step that is ready and whose gate is open, up to the number in flight.
    async fn begin_ready(
        &mut self,
        in_flight: &mut JoinSet<Ended>,
        is_stopped: bool,
    ) -> Result<(), RunError> {
        let room = self.options.parallelism.saturating_sub(in_flight.len());
        let mut verdicts = self.look_again(room).await;
        for id in self.schedule.ready() {
            let step = self.steps[&id].clone();
            if is_stopped && !self.undoing.contains(&id)
                || matches!(step.operation, Operation::Confirm { .. })
            {
                continue;
            }
            if in_flight.len() >= self.options.parallelism {
                break;
            }
            let verdict = verdicts.remove(&id);
            if let Some(Err(why)) = verdict {
                self.announce(&step)?;
                self.end(&id, Err(why.into()))?;
                continue;
            }
            if self.gate_of(&step).is_err() {
                self.schedule.end(&id, Status::Waiting);
                continue;
            }
            if taken_from(&step.operation).is_some() && verdict.is_none() {
                continue;
            }
            self.checkpoint_before(&step)?;
            let prepared = prepare::prepare(&step.operation, &self.context());
            let rule_digest = match &step.operation {
                Operation::Verify { address } => lane::rule_digest(address, self.store.state()),
                _ => None,
            };
            self.announce(&step)?;
            match prepared {
                Err(error) => self.end(&id, Err(error.into()))?,
                Ok(task) => {
                    let (tools, now) = (self.tools.clone(), self.now);
                    in_flight.spawn(async move { (id, carry_out(tools, task, rule_digest, now).await) });
                }
            }
        }
        Ok(())
    }

    /// The gate that is closed to a step, if one is.
    pub(super) fn gate_of(&self, step: &Step) -> Result<(), Gate> {
        let Some(lane) = &step.lane else { return self.use_gate(&step.operation) };
        match self.assess(lane) {
            Some(assessment) => lane::permits(&assessment, step.stage),
            None => Err(Gate::Waiting(Vec::new())),
        }
    }

    /// Makes the intent durable before anything is sent.
    pub(super) fn announce(&mut self, step: &Step) -> Result<(), StoreError> {
        let operation = serde_json::to_value(&step.operation).expect("an operation is plain data");
        self.journal(keyless_state::Event::StepStarted { step: step.id.clone(), operation })?;
        self.schedule.begin(&step.id);
        (self.tell)(Event::Began(step));
        Ok(())
    }

    fn checkpoint_before(&mut self, step: &Step) -> Result<(), StoreError> {
        let Some(lane) = &step.lane else { return Ok(()) };
        let (name, reason) = match step.operation {
            Operation::Remove { .. } => ("before-remove", "before the first removal"),
            Operation::Disable { .. } => ("before-revoke", "before the key is set inactive"),
            Operation::ArchiveKey { .. } => ("before-archive", "before the key is archived"),
            _ => return Ok(()),
        };
        self.checkpoint(&format!("{name}-{lane}"), reason, Some(lane.clone()))
    }

    /// A name for a checkpoint: a run that was killed before it could save leaves its checkpoints
    /// under the names of this one, and they stay, since they tell what was before it.
    fn free_name(&self, name: &str) -> Result<String, StoreError> {
        let mut free = name.to_owned();
        let mut number = 1;
        while self.store.find_checkpoint(&free)?.is_some() {
            number += 1;
            free = format!("{name}-{number}");
        }
        Ok(free)
    }

    fn checkpoint(&mut self, name: &str, reason: &str, lane: Option<Address>) -> Result<(), StoreError> {
        let serial = self.store.snapshot().serial;
        let name = format!("{}-{name}", serial + 1);
        if self.checkpoints.contains(&name) {
            return Ok(());
        }
        let checkpoint = Checkpoint {
            name: self.free_name(&name)?,
            taken_at: self.now,
            reason: reason.to_owned(),
            lane,
            serial,
            state: self.store.state().clone(),
        };
        tokio::task::block_in_place(|| self.store.checkpoint(&self.options.run, checkpoint.clone()))?;
        self.checkpoints.push(name);
        (self.tell)(Event::Checkpoint(&checkpoint));
        Ok(())
    }

    /// Records how a step ended.
    pub(super) fn end(&mut self, id: &str, result: Result<Done, Failure>) -> Result<(), StoreError> {
        let step = self.steps[id].clone();
        let mut failure = match result {
            Err(error) => error,
            Ok(done) => {
                let mut changes: Vec<Mutation> =
                    done.evidence.into_iter().map(|evidence| Mutation::PutEvidence { evidence }).collect();
                match done.failure {
                    Some(failure) => {
                        self.journal(keyless_state::Event::Recorded { changes })?;
                        failure.into()
                    }
                    None => {
                        changes.extend(record::effects(
                            &step.operation,
                            done.answer.as_ref(),
                            done.receipt,
                            &self.context(),
                            self.now,
                        ));
                        self.journal(keyless_state::Event::StepDone { step: id.to_owned(), changes })?;
                        self.note_effect(&step, done.answer.as_ref());
                        self.schedule.end(id, Status::Done);
                        if self.undoing.contains(id) {
                            let changes = self.before.proofs_again(self.store.state());
                            if !changes.is_empty() {
                                self.journal(keyless_state::Event::Recorded { changes })?;
                            }
                            (self.tell)(Event::SetBack(&step));
                            return Ok(());
                        }
                        (self.tell)(Event::Done(&step));
                        self.outcome.done.push(id.to_owned());
                        self.set_back_untried(&step);
                        return Ok(());
                    }
                }
            }
        };
        // What the outside says is not chosen here, and a message holds no secret.
        credential_text::mask(&mut failure.told);
        if let Some(receipt) = failure.receipt {
            let changes = record::keep_receipt(&step.operation, receipt, &self.context());
            self.journal(keyless_state::Event::Recorded { changes })?;
        }
        // A step that may have taken effect is left open in the journal, as after a crash.
        if !failure.in_doubt {
            let error = failure.told.clone();
            self.journal(keyless_state::Event::StepFailed { step: id.to_owned(), error })?;
        }
        self.schedule.end(id, Status::Failed);
        (self.tell)(Event::Failed(&step, &failure.told));
        self.outcome.failed.push(StepFailure { step: id.to_owned(), error: failure.told });
        self.set_back_unproved(&step);
        Ok(())
    }

    fn wanted_settings(&self) -> BTreeMap<(Address, ConsumerId), String> {
        let workspace_id = |workspace: &WorkspaceRef| match workspace {
            WorkspaceRef::Id(id) => id.clone(),
            WorkspaceRef::Data(data) => self.workspaces.get(data).cloned().unwrap_or_default(),
        };
        crate::plan::wanted_settings(
            &self.tools.configuration,
            self.store.state(),
            &self.observed,
            workspace_id,
        )
    }

    /// Keeps what is known about the world in step with what was just done.
    fn note_effect(&mut self, step: &Step, answer: Option<&crate::platform::Answer>) {
        self.believe_answer(&step.operation, answer);
        let wanted = match step.operation {
            Operation::Configure { .. } => Some(self.wanted_settings()),
            _ => None,
        };
        sightings::after_step(step, &self.plan.steps, &self.schedule, wanted, &mut self.sightings);
    }
}
