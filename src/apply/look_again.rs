//! Looks again at what a step rests on, right before it takes a credential away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use keyless_state::{Address, Kind};

use super::moved::{Moved, believe, moved};
use super::record;
use super::run::Run;
use super::schedule::Status;
use super::stakes::{Stake, stakes, taken_from};
use crate::limits;
use crate::plan::Operation;
use crate::platform::{Answer, ApiError, Named, Platform};
use crate::refresh;
use crate::resource::{Observed, Unreadable};

/// Whether a step may take a credential away, by its id; otherwise why not.
pub(super) type Verdicts = BTreeMap<String, Result<(), String>>;

impl Run<'_> {
    /// Looks at what the next steps rest on that take a credential away, as far as nobody has lately,
    /// and says of each whether all of that is still as it was. A step without a verdict has to wait
    /// for one.
    pub(super) async fn look_again(&mut self, room: usize) -> Verdicts {
        let mut verdicts = Verdicts::new();
        let written = self.being_written();
        let mut resting: Vec<(String, BTreeSet<Stake>)> = Vec::new();
        for id in self.schedule.ready() {
            if verdicts.len() + resting.len() >= room {
                break;
            }
            let step = &self.steps[&id];
            if taken_from(&step.operation).is_none() || self.gate_of(step).is_err() {
                continue;
            }
            match stakes(&step.operation, &self.context()) {
                Ok(stakes) if stakes.iter().any(|stake| is_in(&written, stake)) => {}
                Ok(stakes) => resting.push((id, stakes)),
                Err(why) => {
                    drop(verdicts.insert(id, Err(format!("{why}. Nothing was taken away; plan again."))))
                }
            }
        }
        let all: BTreeSet<Stake> = resting.iter().flat_map(|(_, stakes)| stakes.clone()).collect();
        self.look_at(&all).await;
        for (id, stakes) in resting {
            let verdict = match self.looks.first_moved(&stakes) {
                Some((stake, moved)) => Err(moved.told(stake)),
                None => Ok(()),
            };
            verdicts.insert(id, verdict);
        }
        verdicts
    }

    /// What the steps under way write, so that nobody can say how it should be.
    fn being_written(&self) -> BTreeSet<Address> {
        let running = self.schedule.with(Status::Running).into_iter().map(|id| &self.steps[&id].operation);
        let writes = |operation: &&Operation| match operation {
            Operation::Verify { .. } => false,
            Operation::Disable { .. } | Operation::Enable { .. } | Operation::ArchiveKey { .. } => true,
            // The other steps of a lane leave the key itself as it is.
            other => other.target().address.kind() != Kind::ApiKey,
        };
        running.filter(writes).map(|operation| operation.target().address.clone()).collect()
    }

    /// Takes what a step wrote into what is believed, as its answer shows it.
    pub(super) fn believe_answer(&mut self, operation: &Operation, answer: Option<&Answer>) {
        let now = Instant::now();
        if let Some(answer) = answer {
            let lost = lost_workspaces(operation, answer, &self.observed);
            record::observe_change(&mut self.observed, answer);
            let is_whole = !matches!(operation, Operation::UpdateServiceAccount { .. });
            match answer.id() {
                // Its answer shows no memberships.
                Some(id) if !is_whole => self.looks.linked(id, now),
                Some(id) => self.looks.answered(id, now),
                None => {}
            }
            if let Some(stake) = lost {
                self.looks.note(&stake, Some(Moved::Changed(["workspace_ids".to_owned()].into())), now);
            }
        }
        if let Some(id) = record::observe_link(&mut self.observed, operation, self.store.state()) {
            self.looks.linked(&id, now);
        }
    }

    async fn look_at(&mut self, stakes: &BTreeSet<Stake>) {
        let start = Instant::now();
        let lacking = self.looks.lacking(stakes, start);
        if lacking.is_empty() {
            return;
        }
        // A list shows all, so that one look serves whatever comes next.
        let (stakes, mut seen) = match lacking.len() <= limits::READ_SINGLY_MAX {
            true => {
                let seen = self.read_singly(&lacking).await;
                (lacking, seen)
            }
            false => match self.list().await {
                Ok(seen) => (self.stakes_to_come(), seen),
                Err(error) => {
                    let seen = self.unread(&lacking, &error);
                    (lacking, seen)
                }
            },
        };
        // A read may still show how something was before this run wrote it.
        let mut tries = 0;
        let lagging = |run: &Self, seen: &Observed| -> BTreeSet<Stake> {
            let lags = |stake: &&Stake| {
                run.looks.may_lag(&stake.id, start) && moved(stake, &run.observed, seen).is_some()
            };
            stakes.iter().filter(lags).cloned().collect()
        };
        let mut late = lagging(self, &seen);
        while !late.is_empty() && tries < limits::FRESH_TRIES_MAX {
            tries += 1;
            self.tools.remote.platform.pause(tries).await;
            let newer = self.read_singly(&late).await;
            for stake in &late {
                seen.unreadable.remove(&stake.id);
                believe(stake, &mut seen, &newer);
            }
            seen.unreadable.extend(newer.unreadable);
            late = lagging(self, &seen);
        }
        for stake in &stakes {
            let moved = moved(stake, &self.observed, &seen);
            self.looks.note(stake, moved, start);
            // What is seen is so, whatever it means for this run: gates judge by it.
            believe(stake, &mut self.observed, &seen);
        }
    }

    /// What the steps to come rest on, as far as that is there and nobody is writing it.
    fn stakes_to_come(&self) -> BTreeSet<Stake> {
        let mut found = BTreeSet::new();
        for status in [Status::Pending, Status::Waiting] {
            for id in self.schedule.with(status) {
                found.extend(stakes(&self.steps[&id].operation, &self.context()).unwrap_or_default());
            }
        }
        let written = self.being_written();
        found.retain(|stake| !is_in(&written, stake));
        found
    }

    async fn read_singly(&self, stakes: &BTreeSet<Stake>) -> Observed {
        let mut named = Named::default();
        for stake in stakes {
            let ids = match stake.kind {
                Kind::Provider => &mut named.issuers,
                Kind::ServiceAccount => &mut named.service_accounts,
                Kind::FederationRule => &mut named.rules,
                Kind::ApiKey => &mut named.api_keys,
                Kind::Data => &mut named.workspaces,
            };
            ids.insert(stake.id.clone());
        }
        self.tools.remote.platform.read(&named, &self.observed).await
    }

    async fn list(&self) -> Result<Observed, ApiError> {
        let managed = refresh::managed(&self.tools.configuration, self.store.state());
        self.tools.remote.platform.observe(&managed).await
    }

    /// What is seen when the lists fail: nothing of what was asked for.
    fn unread(&self, wanted: &BTreeSet<Stake>, error: &ApiError) -> Observed {
        let mut seen = self.observed.clone();
        let unread =
            |stake: &Stake| (stake.id.clone(), Unreadable { noun: "object", name: None, why: error.told() });
        seen.unreadable.extend(wanted.iter().map(unread));
        seen
    }
}

fn is_in(written: &BTreeSet<Address>, stake: &Stake) -> bool {
    stake.address.as_ref().is_some_and(|address| written.contains(address))
}

/// The rule that an update left with other workspaces than it had, since it leaves these as they are.
fn lost_workspaces(operation: &Operation, answer: &Answer, believed: &Observed) -> Option<Stake> {
    let (Operation::UpdateRule { address, applies_to_all_workspaces: None, .. }, Answer::Rule(rule)) =
        (operation, answer)
    else {
        return None;
    };
    let before = believed.rules.get(&rule.id)?;
    let differs = before.arguments.workspaces != rule.arguments.workspaces;
    differs.then(|| Stake { kind: address.kind(), id: rule.id.clone(), address: Some(address.clone()) })
}
