//! What a person chooses on the command line for one plan: archives of keys to approve, lanes to resume,
//! archived objects to replace.
//!
//! Each is for the plan that it is given with, and one that this plan has no use for is an error, so that
//! none lies in wait for a later one.

use clap::Args;
use keyless_state::{Address, Evidence, Fact, Mutation, Record, Weight};

use super::look::Look;
use crate::cli::store::user;
use crate::plan::{Mode, Operation, Plan};
use crate::resource::{Caller, KeyStatus};

#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Choices {
    /// Approve the final archive of a key in this plan; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    approve_archive: Vec<Address>,
    /// Who approves; the user of this login when left out
    #[arg(long, value_name = "NAME", requires = "approve_archive")]
    by: Option<String>,
    /// Go on with a lane that was rolled back; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    resume: Vec<Address>,
    /// Make a successor of an object that somebody else archived; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    replace: Vec<Address>,
    /// Delete what is parked of keys that are out of use; no rollback can put these back then
    #[arg(long)]
    forget_parked: bool,
}

/// Whether nobody can live off an object, since it or what it stands on is archived.
fn is_dead(record: &Record, look: &Look) -> bool {
    let parts = record.depends_on.iter().filter_map(|part| look.state.records.get(part));
    std::iter::once(record).chain(parts).any(|record| look.observed.is_lost(&record.id))
}

impl Choices {
    /// Takes the choices into what is known; they are recorded when the plan is applied.
    ///
    /// # Errors
    /// Names everything that cannot be chosen; nothing is taken in then.
    pub(super) fn take(&self, look: &mut Look, mode: Mode) -> Result<(), String> {
        let mut problems = Vec::new();
        if mode != Mode::Apply && !self.flags().is_empty() {
            problems.push(format!("{} is for a plan that applies the configuration", self.flags()));
        }
        let mut changes = Vec::new();
        for lane in &self.resume {
            match look.state.lanes.get(lane) {
                Some(record) if record.held => {
                    let lane_record = keyless_state::LaneRecord { held: false, ..record.clone() };
                    changes.push(Mutation::PutLane { address: lane.clone(), lane: lane_record });
                }
                _ => problems.push(format!(
                    "-resume={lane}: it was not rolled back, or goes on already; `keyless status` shows the lanes that are held"
                )),
            }
        }
        if self.forget_parked {
            match self.forgetting(look) {
                found if found.is_empty() => problems.push(
                    "-forget-parked: no lane has a key out of use and parked; `keyless status` shows where keys are parked".to_owned(),
                ),
                found => changes.extend(found),
            }
        }
        for address in &self.replace {
            match look.state.records.get(address) {
                Some(record) if is_dead(record, look) => {
                    let parts = record.depends_on.iter().filter(|part| {
                        let known = look.state.records.get(*part);
                        known.is_some_and(|part| look.observed.is_lost(&part.id)) && !self.replace.contains(part)
                    });
                    problems.extend(parts.map(|part| {
                        format!("-replace={address}: it stands on {part}, which is archived too; add -replace={part}")
                    }));
                    changes.push(Mutation::DropRecord { address: address.clone() });
                }
                Some(record) => problems.push(format!(
                    "-replace={address}: {} is alive, and workloads may live off it; change its block, and what they need gets a successor beside it",
                    record.id
                )),
                None => problems.push(format!("-replace={address}: nothing is recorded for it")),
            }
        }
        match self.by(look.caller) {
            Err(problem) => problems.push(problem),
            Ok(by) => changes.extend(self.approve_archive.iter().map(|key| {
                let fact = Fact::ArchiveApproval { key: key.clone(), by: by.clone() };
                let evidence = Evidence {
                    id: format!("approval/{key}"),
                    observed_at: look.now,
                    weight: Weight::Stated,
                    source: "-approve-archive on the command line".to_owned(),
                    digest: None,
                    fact,
                };
                Mutation::PutEvidence { evidence }
            })),
        }
        if !problems.is_empty() {
            return Err(format!("{}. Nothing was changed", problems.join(";\n  ")));
        }
        changes.iter().for_each(|change| look.state.apply(change));
        look.learnt.extend(changes);
        Ok(())
    }

    /// The choices as they are typed; empty where there are none.
    pub(super) fn flags(&self) -> String {
        let each = |flag: &str, addresses: &[Address]| -> Vec<String> {
            addresses.iter().map(|address| format!("-{flag}={address}")).collect()
        };
        let mut flags = each("approve-archive", &self.approve_archive);
        flags.extend(self.by.iter().map(|by| format!("-by={by:?}")));
        flags.extend(each("resume", &self.resume));
        flags.extend(each("replace", &self.replace));
        flags.extend(self.forget_parked.then(|| "-forget-parked".to_owned()));
        flags.join(" ")
    }

    /// Marks the lanes whose keys are out of use and parked.
    fn forgetting(&self, look: &Look) -> Vec<Mutation> {
        let is_parked = |lane: &Address| look.sightings.parked.keys().any(|(key, _)| key == lane);
        let is_out = |id: &str| {
            let status = look.observed.api_keys.get(id).map(|key| &key.status);
            matches!(status, Some(KeyStatus::Inactive | KeyStatus::Archived | KeyStatus::Expired))
        };
        let lanes = look
            .state
            .lanes
            .iter()
            .filter(|(address, lane)| !lane.held && is_out(&lane.key_id) && is_parked(address));
        let mark = |(address, lane): (&Address, &keyless_state::LaneRecord)| Mutation::PutLane {
            address: address.clone(),
            lane: keyless_state::LaneRecord { forgets_parked: true, ..lane.clone() },
        };
        lanes.map(mark).collect()
    }

    /// The name of who approves. A pipeline approves nothing by itself.
    fn by(&self, caller: Caller) -> Result<String, String> {
        if self.approve_archive.is_empty() {
            return Ok(String::new());
        }
        let given = self.by.as_deref().map(str::trim).filter(|by| !by.is_empty()).map(str::to_owned);
        let login = user().filter(|_| caller != Caller::Workload);
        given.or(login).ok_or_else(|| {
            "-approve-archive: an archive is final, and nobody can be named who approves it; add -by=\"YOUR NAME\"".to_owned()
        })
    }

    /// Refuses approvals of steps that are not in the plan.
    ///
    /// # Errors
    /// Names them.
    pub(super) fn demand_use(&self, plan: &Plan) -> Result<(), String> {
        let archives = |key: &Address| {
            plan.steps.iter().any(
                |step| matches!(&step.operation, Operation::ArchiveKey { address, .. } if address == key),
            )
        };
        let unused: Vec<String> = self
            .approve_archive
            .iter()
            .filter(|key| !archives(key))
            .map(|key| format!("-approve-archive={key}: this plan does not archive that key"))
            .collect();
        match unused.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "{}. Nothing was changed or recorded: an approval is for the plan that it is given with. Run it without; `keyless status` tells when an approval is all that is missing",
                unused.join("; ")
            )),
        }
    }
}
