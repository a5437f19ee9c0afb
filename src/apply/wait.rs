//! What a run does where evidence is missing: read it again, prove rules again, or move the
//! simulated clock.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, Mutation};

use super::carry_out::{Done, carry_out};
use super::prepare;
use super::run::{Event, Run, RunError};
use super::schedule::Status;
use crate::evidence::Goes;
use crate::lane::{self, Assessment, Gate, Supplier};
use crate::plan::{Operation, Step};
use crate::platform::Platform;
use crate::refresh;

impl Run<'_> {
    /// Reads the evidence once for every lane that is ready to be confirmed; true when a lane goes on.
    pub(super) async fn confirm_ready(&mut self) -> Result<bool, RunError> {
        let ready: Vec<String> = self.schedule.ready().into_iter().collect();
        let confirms: Vec<Step> = ready
            .iter()
            .map(|id| self.steps[id].clone())
            .filter(|step| matches!(step.operation, Operation::Confirm { .. }))
            .collect();
        if confirms.is_empty() {
            return Ok(false);
        }
        self.read_evidence().await?;
        self.prove_again(&confirms).await?;
        let mut opened = self.reopen();
        for step in confirms {
            if self.gate_of(&step).is_err() {
                self.schedule.end(&step.id, Status::Waiting);
                continue;
            }
            self.announce(&step)?;
            self.end(&step.id, Ok(Done::default()))?;
            opened = true;
        }
        Ok(opened)
    }

    /// Takes up again what waited and has its evidence by now; true when there is any.
    pub(super) fn reopen(&mut self) -> bool {
        let mut any = false;
        for id in self.schedule.with(Status::Waiting) {
            if self.gate_of(&self.steps[&id]).is_ok() {
                self.schedule.reopen(&id);
                any = true;
            }
        }
        any
    }

    /// Repeats the trial exchange of rules whose proof has aged while a lane waited, where that is
    /// all the lane still lacks.
    async fn prove_again(&mut self, waiting: &[Step]) -> Result<(), RunError> {
        let mut stale: BTreeSet<Address> = BTreeSet::new();
        for lane in waiting.iter().filter_map(|step| step.lane.as_ref()) {
            let Some(Assessment { gate: Gate::Waiting(needs), .. }) = self.assess(lane) else { continue };
            if needs.iter().all(|need| need.supplier == Supplier::Engine) {
                stale.extend(self.unproven_rules(lane));
            }
        }
        for rule in stale {
            let operation = Operation::Verify { address: rule.clone() };
            let digest = lane::rule_digest(&rule, self.store.state());
            let proved = match prepare::prepare(&operation, &self.context()) {
                Ok(task) => carry_out(self.tools.clone(), task, digest, self.now)
                    .await
                    .map_err(|failure| failure.told),
                Err(error) => Err(error),
            };
            match proved {
                Ok(done) => {
                    let changes = done
                        .evidence
                        .into_iter()
                        .map(|evidence| Mutation::PutEvidence { evidence })
                        .collect();
                    self.journal(keyless_state::Event::Recorded { changes })?;
                    if let Some(failure) = done.failure {
                        (self.tell)(Event::Unproven(&rule, &failure));
                    }
                }
                Err(error) => (self.tell)(Event::Unproven(&rule, &error)),
            }
        }
        Ok(())
    }

    fn unproven_rules(&self, lane: &Address) -> Vec<Address> {
        let configuration = &self.tools.configuration;
        let Some(key) = configuration.api_keys.get(lane) else { return Vec::new() };
        let facts =
            lane::gather(lane, key, configuration, self.store.state(), &self.observed, &self.sightings);
        let unproven = |rule: &&lane::RuleFacts| rule.can_exchange && !lane::rule_is_verified(rule, self.now);
        facts.rules.iter().filter(unproven).map(|rule| rule.address.clone()).collect()
    }

    async fn read_evidence(&mut self) -> Result<(), RunError> {
        let gathered = refresh::gather(
            &self.tools.remote,
            &self.tools.configuration,
            self.store.state(),
            &self.observed,
            Goes::Undeclared,
            &self.options.base,
            self.now,
        )
        .await?;
        for report in &gathered.disbelieved {
            (self.tell)(Event::Disbelieved(report));
        }
        let changes: Vec<Mutation> =
            gathered.evidence.into_iter().map(|evidence| Mutation::PutEvidence { evidence }).collect();
        if !changes.is_empty() {
            self.journal(keyless_state::Event::Recorded { changes })?;
        }
        Ok(self.note_use()?)
    }

    /// Moves the simulated clock to the next time at which a waiting lane could go on; false when
    /// no lane waits for time alone, when time is real, or when moving it changed nothing.
    ///
    /// `tried` are the waits without a known time for which the clock was moved before.
    pub(super) async fn skip_wait(&mut self, tried: &mut BTreeSet<String>) -> Result<bool, RunError> {
        if !self.options.skip_waits {
            return Ok(false);
        }
        // A workload shows in the usage report once its hour is over and the report has caught up.
        let lag = SignedDuration::from_secs(3_600 + crate::limits::USAGE_DELAY_SECONDS);
        let soon = later(self.now, lag);
        let (known, unknown) = self.waits();
        // A lane that waits for no known time gets one more reporting hour; if that changed nothing, the
        // clock is not what it lacks.
        let untried = unknown.iter().any(|wait| !tried.contains(wait));
        let Some(to) = known.into_iter().chain(untried.then_some(soon)).min() else { return Ok(false) };
        if to >= soon {
            tried.extend(unknown);
        }
        if !self.tools.remote.platform.advance_clock(to).await? {
            return Ok(false);
        }
        self.looks.outdate();
        let from = self.now;
        self.now = self.tools.remote.platform.now().await?;
        (self.tell)(Event::ClockMoved { from, to: self.now });
        self.read_evidence().await?;
        let waiting = self.schedule.with(Status::Waiting);
        let waiting: Vec<Step> = waiting.iter().map(|id| self.steps[id].clone()).collect();
        self.prove_again(&waiting).await?;
        waiting.iter().for_each(|step| self.schedule.reopen(&step.id));
        Ok(true)
    }

    /// What the steps wait for that wait for no person: times that are known, and the rest in words.
    fn waits(&mut self) -> (Vec<Timestamp>, BTreeSet<String>) {
        let (mut known, mut unknown) = (Vec::new(), BTreeSet::new());
        for id in self.schedule.with(Status::Waiting) {
            let Err(Gate::Waiting(needs)) = self.gate_of(&self.steps[&id]) else { continue };
            if needs.iter().any(|need| need.supplier == Supplier::Person) {
                continue;
            }
            let last = needs.iter().filter_map(|need| need.earliest).max();
            // A wait that gets longer each time it was waited for is not for time: what is waited for is in
            // use. Once is no sign of that: the report lags, and may only now show what was before; and on
            // a way back each workload has to have run again.
            if let Some(last) = last {
                let lane = self.steps[&id].lane.as_ref();
                let (waiter, often) = lane.map_or_else(|| (id.clone(), 3), |lane| (lane.to_string(), 1));
                let (before, grown) = self.waited_for.get(&waiter).copied().unwrap_or((last, 0));
                let grown = grown + u32::from(before < last);
                self.waited_for.insert(waiter, (last, grown));
                if grown > often {
                    continue;
                }
            }
            match last.filter(|at| *at > self.now) {
                Some(at) => known.push(at),
                None => {
                    let what: Vec<&str> = needs.iter().map(|need| need.what.as_str()).collect();
                    unknown.insert(format!("{id}: {}", what.join("; ")));
                }
            }
        }
        (known, unknown)
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
