//! Whether a saved plan still stands on the ground on which it was made.

use std::collections::BTreeSet;

use super::plan_data::{Base, Plan};

/// Refuses a saved plan whose ground has moved: what was reviewed would not be what happens. `fresh` is
/// the plan as it would be made now.
///
/// # Errors
/// What has moved; that the plan was carried out already is told as that, and blames nobody.
pub fn refuse_stale(saved: &Plan, fresh: &Plan) -> Result<(), String> {
    let moved = moved(&saved.base, &fresh.base);
    if moved.is_empty() {
        return Ok(());
    }
    if is_done(saved, fresh) {
        return Err(format!(
            "the saved plan was applied already, or another run did the same: the state has serial {} and the plan was \
             made from {}, and nothing is left of what it does. Nothing was changed",
            fresh.base.serial, saved.base.serial
        ));
    }
    Err(format!("the saved plan is stale: {}. Nothing was changed; make a new plan", moved.join("; ")))
}

/// Whether runs were recorded since, on the same state.
fn went_on(saved: &Base, now: &Base) -> bool {
    let same = saved.lineage.is_none() || saved.lineage == now.lineage;
    same && now.lineage.is_some() && now.serial > saved.serial
}

/// Whether runs since have left nothing of the plan to do.
fn is_done(saved: &Plan, fresh: &Plan) -> bool {
    let (then, now) = (&saved.base, &fresh.base);
    let left: BTreeSet<&String> = fresh.steps.iter().map(|step| &step.id).collect();
    went_on(then, now)
        && then.organization_id == now.organization_id
        && then.configuration_digest == now.configuration_digest
        && !saved.steps.is_empty()
        && saved.steps.iter().all(|step| !left.contains(&step.id))
        // What is refused or changed by others has no steps either, and is not done.
        && fresh.refused.is_empty()
        && fresh.drift.is_empty()
}

fn moved(saved: &Base, now: &Base) -> Vec<String> {
    let mut moved = Vec::new();
    let (serial, went_on) = (now.serial, went_on(saved, now));
    if saved.lineage.is_none() && now.lineage.is_some() {
        moved.push(format!(
            "it was made before anything was applied, and the state has serial {serial} by now"
        ));
    } else if saved.lineage != now.lineage {
        moved.push("it belongs to another state (its lineage differs)".to_owned());
    } else if saved.serial != serial {
        moved.push(format!("the state has serial {serial} and the plan was made from {}", saved.serial));
    }
    if saved.organization_id != now.organization_id {
        moved.push("it is for another organization".to_owned());
    }
    if saved.configuration_digest != now.configuration_digest {
        moved.push("the configuration has changed".to_owned());
    }
    if saved.observed_digest != now.observed_digest {
        // What keyless did since changed them too, so that it cannot be said to be somebody else's doing.
        moved.push(match went_on {
            true => "the objects at the API are no longer as they were".to_owned(),
            false => "somebody changed the objects at the API".to_owned(),
        });
    }
    moved
}
