//! What was seen outside the API, kept in step with what a run does.

use std::collections::BTreeMap;

use keyless_state::{Address, ConsumerId, Kind};

use super::schedule::{Schedule, Status};
use crate::lane::{Presence, Sightings, Stage};
use crate::plan::{Action, Operation, Plan, Step};

/// Notes what a plan's diff knew of things that are not yet as configured.
pub fn before_run(plan: &Plan, sightings: &mut Sightings) {
    for change in &plan.changes {
        if matches!(change.action, Action::Create | Action::Update | Action::Adopt)
            && change.address.kind() != Kind::ApiKey
        {
            let what = format!("{}, which is not as configured yet", change.address);
            sightings.unconfigured.insert(change.address.clone(), what);
        }
    }
    for task in &plan.console {
        let what = format!("{}, which a person has to see to in the Console", task.address);
        sightings.unconfigured.insert(task.address.clone(), what);
    }
}

/// Notes what a step that is done changed. `wanted` are the settings that each consumer should have,
/// for a step that wrote some.
pub fn after_step(
    step: &Step,
    steps: &[Step],
    schedule: &Schedule,
    wanted: Option<BTreeMap<(Address, ConsumerId), String>>,
    sightings: &mut Sightings,
) {
    match &step.operation {
        Operation::Remove { address, consumer } => {
            sightings.presence.insert((address.clone(), consumer.clone()), Presence::Absent);
        }
        Operation::TakeDeadKeyOut { address, consumer, .. } => {
            let place = (address.clone(), consumer.clone());
            sightings.returned.remove(&place);
            sightings.presence.insert(place, Presence::Absent);
        }
        Operation::ForgetParked { address, consumer } => {
            sightings.parked.remove(&(address.clone(), consumer.clone()));
        }
        Operation::Restore { address, consumer, .. } => {
            sightings.presence.insert((address.clone(), consumer.clone()), Presence::Present);
        }
        Operation::Configure { address, consumer } => {
            let place = (address.clone(), consumer.clone());
            let wanted = wanted.unwrap_or_default();
            if let Some(digest) = wanted.get(&place) {
                sightings.settings.insert(place, digest.clone());
            }
            sightings.wanted_settings = wanted;
        }
        _ => {}
    }
    let address = step.operation.target().address;
    let unfinished = steps.iter().any(|other| {
        other.operation.target().address == address
            && other.lane.is_none()
            && other.stage == Stage::Configure
            && other.id != step.id
            && schedule.status(&other.id) != Status::Done
    });
    if !unfinished {
        sightings.unconfigured.remove(address);
    }
}
