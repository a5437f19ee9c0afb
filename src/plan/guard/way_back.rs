//! What a way back takes from workloads, and until when it waits for them.

use std::collections::BTreeSet;

use keyless_state::{Binding, ConsumerId};

use super::{Bound, Kept, Scene, named, workload};
use crate::binding::{self, Ask};
use crate::plan::operation::Operation;
use crate::plan::plan_data::Step;

/// The workloads that an operation would cut off if they do not use the keys yet that are back in their
/// places.
pub fn not_used_yet<'a>(operation: &Operation, scene: &Scene<'a>) -> Vec<&'a Binding> {
    if let Operation::Forget { address } = operation {
        let lane = scene.state.lanes.get(address);
        let is_its = |it: &&Binding| lane.is_some_and(|lane| lane.key_id == it.key_id);
        return binding::coming_back(scene.state, scene.configuration).filter(is_its).collect();
    }
    if binding::coming_back(scene.state, scene.configuration).next().is_none() {
        return Vec::new();
    }
    let harmed = Bound::new(*scene).harmed(operation).into_iter().map(|it| it.stake.binding);
    let is_coming = |it: &&Binding| binding::is_coming_back(it, scene.state, scene.configuration);
    let mut unused: Vec<&Binding> = harmed.filter(is_coming).collect();
    unused.sort_by_key(|binding| binding.id());
    unused.dedup_by_key(|binding| binding.id());
    unused
}

/// What of a way back waits until workloads are seen to use their keys again.
pub fn until_used(steps: &[Step], scene: &Scene<'_>) -> Vec<Kept> {
    let bound = Bound::new(*scene);
    let mut kept: Vec<Kept> = Vec::new();
    for step in steps {
        let address = step.operation.target().address;
        let harmed = bound.harmed(&step.operation);
        if harmed.is_empty() || kept.iter().any(|it| it.address == *address) {
            continue;
        }
        let workloads = named(harmed.iter().map(|it| workload(it.stake.binding)));
        let why = format!("{address} stays until each of these is seen to use its key again: {workloads}.");
        kept.push(Kept { address: address.clone(), why });
    }
    kept
}

/// Why a way back would cut workloads off, one sentence each. Those whose key it puts back or asks back are
/// not, nor those whose key is back: it waits for these.
pub fn cut_off(steps: &[Step], asks: &[Ask], scene: &Scene<'_>) -> Vec<String> {
    let asked = asks.iter().map(|ask| (ask.key_id.as_str(), &ask.consumer));
    let restored: BTreeSet<(&str, &ConsumerId)> = steps
        .iter()
        .filter_map(|step| match &step.operation {
            Operation::Restore { address, consumer, .. } => {
                Some((scene.state.lanes.get(address)?.key_id.as_str(), consumer))
            }
            _ => None,
        })
        .chain(asked)
        .collect();
    let bound = Bound::new(*scene);
    let mut told = Vec::new();
    for step in steps {
        let harmed = bound.harmed(&step.operation);
        let left = harmed
            .iter()
            .filter(|it| !it.stake.binding.has_key())
            .filter(|it| !restored.contains(&(it.stake.binding.key_id.as_str(), &it.stake.binding.consumer)));
        told.extend(left.map(|it| format!("{}: {}", workload(it.stake.binding), it.loss)));
    }
    told.sort();
    told.dedup();
    told
}
