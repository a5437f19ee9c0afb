//! Looks again at what a step rests on, right before it takes a credential away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use keyless_state::Kind;

use super::moved::{believe, moved};
use super::run::Run;
use super::schedule::Status;
use super::stakes::{Stake, stakes, taken_from};
use crate::limits;
use crate::plan::{Operation, Step};
use crate::platform::{Named, Platform};
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
                Ok(stakes) if stakes.iter().any(|stake| self.is_being_written(stake)) => {}
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

    /// Whether a step under way writes an object, so that nobody can say how it should be.
    fn is_being_written(&self, stake: &Stake) -> bool {
        let writes = |step: &Step| {
            stake.address.as_ref() == Some(step.operation.target().address)
                && match stake.kind {
                    // The steps of its consumers leave the key itself as it is.
                    Kind::ApiKey => matches!(
                        step.operation,
                        Operation::Disable { .. } | Operation::Enable { .. } | Operation::ArchiveKey { .. }
                    ),
                    _ => !matches!(step.operation, Operation::Verify { .. }),
                }
        };
        self.schedule.with(Status::Running).iter().any(|id| writes(&self.steps[id]))
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
            false => (self.stakes_to_come(), self.list(&lacking).await),
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
        found.retain(|stake| !self.is_being_written(stake));
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

    /// Lists everything. When that fails, nothing of what was asked for could be read.
    async fn list(&self, wanted: &BTreeSet<Stake>) -> Observed {
        let managed = refresh::managed(&self.tools.configuration, self.store.state());
        match self.tools.remote.platform.observe(&managed).await {
            Ok(seen) => seen,
            Err(error) => {
                let mut seen = self.observed.clone();
                let unread = |stake: &Stake| {
                    (stake.id.clone(), Unreadable { noun: "object", name: None, why: error.told() })
                };
                seen.unreadable.extend(wanted.iter().map(unread));
                seen
            }
        }
    }
}
