//! No step takes the last credential of a workload: what would is refused before there is a plan.
//!
//! Whose credential that is says the record of bindings, not the configuration, so that it makes no
//! difference whether the blocks of a workload are there, gone or called otherwise.

mod harm;
#[cfg(test)]
mod tests;
mod wider;

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, Grant, State};
use serde::{Deserialize, Serialize};

use super::change::Action;
use super::diff::Diff;
use super::operation::Operation;
use super::plan_data::Step;
use crate::binding;
use crate::config::Configuration;
use crate::diagnostic::Diagnostic;
use crate::resource::Observed;
use harm::harm;

/// More workloads than these are counted and not named.
const NAMED_MAX: usize = 5;

/// What the guard rests on.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded, evidence included.
    pub state: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// The platform's time.
    pub now: Timestamp,
}

/// Something that is not declared any more and stays until the workloads that live off it have moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The recorded thing.
    pub address: Address,
    /// Why it stays, as a whole sentence.
    pub why: String,
}

impl Kept {
    /// The warning that names it.
    pub fn warning(&self) -> Diagnostic {
        Diagnostic::warning("Still lived off")
            .address(&self.address)
            .detail(&self.why)
            .hint("apply, let the workloads run and report, and apply again")
    }
}

/// A workload and why an operation would cut it off.
struct Harmed<'a> {
    binding: &'a Binding,
    why: String,
}

impl<'a> Scene<'a> {
    /// The workloads that an operation would cut off.
    fn harmed(&self, operation: &Operation) -> Vec<Harmed<'a>> {
        binding::live(self.state, self.now)
            .filter_map(|binding| Some(Harmed { binding, why: harm(operation, binding, self)? }))
            .collect()
    }

    /// Whether the block of a workload names another rule by now, so that it is on its way to that one.
    fn moves(&self, binding: &Binding) -> bool {
        let Grant::Rule { rule_id, .. } = &binding.grant else { return false };
        let mut keys = self.configuration.api_keys.values().filter(|key| key.id == binding.key_id);
        keys.any(|key| {
            key.consumers.get(&binding.consumer).is_some_and(|consumer| {
                self.state.records.get(&consumer.rule).is_none_or(|record| record.id != *rule_id)
            })
        })
    }
}

/// Takes out of the work what has to wait until workloads have moved, and refuses what would cut one off.
pub(super) fn guard(scene: &Scene<'_>, diff: &mut Diff) {
    let mut refused: BTreeMap<Address, Vec<Harmed<'_>>> = BTreeMap::new();
    let mut kept: BTreeMap<Address, String> = BTreeMap::new();
    for (operation, _) in &diff.work {
        let harmed = scene.harmed(operation);
        let address = operation.target().address.clone();
        if harmed.is_empty() {
            continue;
        }
        let is_archive = matches!(operation, Operation::Archive { .. });
        if is_archive && harmed.iter().all(|it| scene.moves(it.binding)) {
            kept.insert(address.clone(), waiting(&address, &harmed));
        } else {
            refused.entry(address).or_default().extend(harmed);
        }
    }
    for (address, why) in kept {
        diff.work.retain(|(operation, _)| *operation.target().address != address);
        diff.changes.retain(|change| change.address != address || change.action != Action::Archive);
        diff.kept.push(Kept { address, why });
    }
    for (address, harmed) in refused {
        diff.problems.push(refusal(&address, &harmed, scene));
    }
}

/// Why a way back would cut workloads off, one sentence each. Those whose key it puts back are not.
pub fn cut_off(steps: &[Step], scene: &Scene<'_>) -> Vec<String> {
    let restored = |binding: &Binding| {
        steps.iter().any(|step| {
            matches!(&step.operation, Operation::Restore { address, consumer, .. }
                if *consumer == binding.consumer
                    && scene.state.lanes.get(address).is_some_and(|lane| lane.key_id == binding.key_id))
        })
    };
    let mut told = Vec::new();
    for step in steps {
        let harmed = scene.harmed(&step.operation);
        told.extend(
            harmed
                .iter()
                .filter(|it| !restored(it.binding))
                .map(|it| format!("{}: {}", workload(it.binding), it.why)),
        );
    }
    told.sort();
    told.dedup();
    told
}

fn workload(binding: &Binding) -> String {
    format!("{} of {} ({})", binding.consumer, binding.lane, binding.key_id)
}

fn named(harmed: &[Harmed<'_>], mut line: impl FnMut(&Harmed<'_>) -> String) -> String {
    let mut lines: Vec<String> = harmed.iter().map(&mut line).collect();
    lines.sort();
    lines.dedup();
    let more = lines.len().saturating_sub(NAMED_MAX);
    lines.truncate(NAMED_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("; ")
}

fn waiting(address: &Address, harmed: &[Harmed<'_>]) -> String {
    format!(
        "{address} is no longer declared and stays until what lives off it reports that it lives off what its block names: {}.",
        named(harmed, |it| workload(it.binding))
    )
}

fn refusal(address: &Address, harmed: &[Harmed<'_>], scene: &Scene<'_>) -> Diagnostic {
    let lives = |it: &Harmed<'_>| {
        let off = match binding::rule(it.binding, scene.state) {
            Some(rule) => format!("lives off {rule} since {}", it.binding.since),
            None => format!("has been without its key since {}", it.binding.since),
        };
        format!("{} {off}: {}", workload(it.binding), it.why)
    };
    Diagnostic::error("Workload would be cut off")
        .address(address)
        .detail(format!("{}. Nothing of this plan is done.", named(harmed, lives)))
        .hint(hint(address, harmed, scene))
}

fn hint(address: &Address, harmed: &[Harmed<'_>], scene: &Scene<'_>) -> String {
    let Some(rule) = harmed.iter().find_map(|it| binding::rule(it.binding, scene.state)) else {
        let lane = &harmed[0].binding.lane;
        return format!(
            "declare {lane} again with its consumers, so that it is known what they live off; or, if these workloads are gone: keyless evidence add -manual -retire={lane} -by=\"YOUR NAME\" -statement=\"…\""
        );
    };
    let retire = format!(
        "if these workloads are gone: keyless evidence add -manual -retire={rule} -by=\"YOUR NAME\" -statement=\"…\""
    );
    let is_declared = scene.configuration.federation_rules.contains_key(rule);
    let beside = format!(
        "leave {address} as it was and declare a second rule beside {rule} with what is wanted; name it in `replaced_by` and as the consumers' `rule`, apply, and remove {rule} once they report the new one"
    );
    match is_declared {
        true => format!("{beside}; or, {retire}"),
        false if address == rule => format!("declare {rule} as it was; or, {retire}"),
        false => format!("declare {address} as it was, and {rule}; or, {retire}"),
    }
}
