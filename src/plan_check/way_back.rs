//! A plan that goes back: a rollback or a destroy.

use keyless_state::{Address, ConsumerId};

use super::grants;
use super::invariant::{Invariant, Violation};
use super::known::{Known, Place};
use super::objects::dependents_first;
use super::steps::{Steps, broken};
use crate::config::PutBack;
use crate::plan::{Operation, Step};
use crate::resource::KeyStatus;

pub(super) fn check(steps: &Steps<'_>, moment: Option<&Known<'_>>, found: &mut Vec<Violation>) {
    let brings_back =
        |step: &&Step| matches!(step.operation, Operation::Enable { .. } | Operation::Restore { .. });
    let back = steps.whole(|step| brings_back(&step));
    for step in steps.all() {
        match &step.operation {
            Operation::Enable { address, id } => {
                let Some(moment) = moment else { continue };
                let lane = moment.state.lanes.get(address);
                if lane.is_none_or(|lane| lane.disabled_at.is_none() || lane.key_id != *id) {
                    let what = format!("{id}, which keyless did not set inactive");
                    found.push(broken(
                        Invariant::I8,
                        step,
                        what,
                        "a key of the lane that keyless set inactive",
                    ));
                }
            }
            Operation::Restore { address, consumer, .. } => {
                let enables = |other: &&Step| matches!(other.operation, Operation::Enable { .. });
                steps.demand_before(Invariant::I3, step, steps.about(address).filter(enables), found);
                if let Some(moment) = moment {
                    let enabled = steps.about(address).any(|other| enables(&other));
                    restore(step, address, consumer, enabled, moment, found);
                }
            }
            Operation::Unconfigure { address, consumer } => {
                let restores = |other: &&Step| matches!(&other.operation, Operation::Restore { consumer: of, .. } if of == consumer);
                let restore: Vec<&Step> = steps.about(address).filter(restores).collect();
                steps.demand_before(Invariant::I3, step, restore.iter().copied(), found);
                let lost = |moment: &Known<'_>| {
                    moment.removed_at(address, consumer).is_some() || moment.lacks_key(address, consumer)
                };
                if restore.is_empty() && moment.is_some_and(lost) {
                    let what = format!("that {consumer} lost its key and does not get it back");
                    found.push(broken(Invariant::I3, step, what, "the key back before federation goes"));
                }
            }
            Operation::Forget { .. } => {}
            _ => steps.demand_whole(Invariant::I3, step, &back, found),
        }
        if let (Operation::Archive { address }, Some(moment)) = (&step.operation, moment) {
            dependents_first(steps, step, address, moment, found);
        }
        if let Some(moment) = moment {
            // All that brings a key back is done before, as is demanded above. That it is used as well shows
            // only then, and is asked right before the step.
            let is_restored = |(lane, id): &Place<'_>| {
                moment.is_key_back(lane, id) || is_asked_back(steps, lane, id, moment) || steps.about(lane).any(
                    |other| matches!(&other.operation, Operation::Restore { consumer, .. } if consumer == *id),
                )
            };
            grants::keep(step, moment, is_restored, found);
        }
    }
}

/// Whether only a person can put a key back that works by then.
fn is_asked_back(steps: &Steps<'_>, lane: &Address, id: &ConsumerId, moment: &Known<'_>) -> bool {
    let Some(key) = moment.configuration.api_keys.get(lane) else { return false };
    let Some(consumer) = key.consumers.get(id) else { return false };
    if matches!(consumer.driver.put_back(), PutBack::ByDriver(_)) {
        return false;
    }
    let works = moment.observed.api_keys.get(&key.id).is_some_and(|it| it.status == KeyStatus::Active);
    works
        || steps
            .about(lane)
            .any(|step| matches!(&step.operation, Operation::Enable { id, .. } if *id == key.id))
}

fn restore(
    step: &Step,
    address: &Address,
    consumer: &ConsumerId,
    enabled: bool,
    moment: &Known<'_>,
    found: &mut Vec<Violation>,
) {
    let lane = moment.state.lanes.get(address);
    let is_taken =
        lane.and_then(|lane| lane.consumers.get(consumer)).is_some_and(|record| record.removed_at.is_some());
    if !is_taken && !moment.lacks_key(address, consumer) {
        let what = format!("{consumer}, from which keyless took no key");
        found.push(broken(Invariant::I8, step, what, "a consumer from which keyless took the key"));
    }
    let status =
        lane.and_then(|lane| moment.observed.api_keys.get(&lane.key_id)).map(|object| &object.status);
    // A key that wins over federation and does not work is worse than none.
    if !enabled && status != Some(&KeyStatus::Active) {
        let what = format!("the key {}", status.map_or("not listed", KeyStatus::word));
        found.push(broken(Invariant::I3, step, what, "a key that works before it is put back"));
    }
}
