//! What a saved plan shows: a reviewer reads it, so it is what a plan made now shows.
//!
//! Evidence comes in and ages, so how a lane stands is not compared; what its steps do is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keyless_state::{Address, Kind};
use serde_json::{Value, json};

use super::departure::{Departure, How, Place, differences};
use crate::lane::Stage;
use crate::plan::{Action, Change, Drift, LaneView, Mode, Operation, Plan, Reason, Step};

pub(super) fn compare(saved: &Plan, fresh: &Plan, found: &mut Vec<Departure>) {
    if (&saved.moves, &saved.consumers_moved) != (&fresh.moves, &fresh.consumers_moved) {
        let was = json!({ "moves": saved.moves, "consumers_moved": saved.consumers_moved });
        let is = json!({ "moves": fresh.moves, "consumers_moved": fresh.consumers_moved });
        differences(&Place::Moves, &was, &is, found);
    }
    let of = by_address(saved);
    lanes(saved, fresh, &of, found);
    changes(saved, fresh, &of, found);
    drift(saved, fresh, &of, found);
}

type ByAddress<'a> = HashMap<&'a Address, Vec<&'a Step>>;

fn by_address(plan: &Plan) -> ByAddress<'_> {
    let mut of = ByAddress::new();
    for step in &plan.steps {
        of.entry(step.operation.address()).or_default().push(step);
    }
    of
}

fn lanes(saved: &Plan, fresh: &Plan, of: &ByAddress<'_>, found: &mut Vec<Departure>) {
    let mut now: BTreeMap<&Address, &LaneView> =
        fresh.lanes.iter().map(|lane| (&lane.address, lane)).collect();
    for lane in &saved.lanes {
        let place = Place::Lane(lane.address.clone());
        let Some(now) = now.remove(&lane.address) else {
            found.push(Departure { place, how: not_due() });
            continue;
        };
        let told = |lane: &LaneView| json!({ "key_id": lane.key_id, "replaced_by": lane.replaced_by, "key_status": lane.key_status });
        let (was, is) = (&lane.replaced_by, &now.replaced_by);
        if (&lane.key_id, was, &lane.key_status) != (&now.key_id, is, &now.key_status) {
            differences(&place, &told(lane), &told(now), found);
        }
        if saved.mode == Mode::Apply {
            stages(lane, &place, of, found);
        }
    }
    found
        .extend(now.into_keys().map(|lane| Departure { place: Place::Lane(lane.clone()), how: How::Hidden }));
}

/// The stages that a lane is said to move through are those of its steps. A trial exchange belongs to
/// one of the lanes that need it.
fn stages(lane: &LaneView, place: &Place, of: &ByAddress<'_>, found: &mut Vec<Departure>) {
    let stages = |address: &Address| of.get(address).into_iter().flatten().map(|step| step.stage);
    let own: BTreeSet<Stage> = stages(&lane.address).collect();
    let told: BTreeSet<Stage> = lane.moves.iter().copied().collect();
    let shared: BTreeSet<Stage> = lane.replaced_by.iter().flat_map(stages).collect();
    if !told.is_superset(&own) || !told.iter().all(|stage| own.contains(stage) || shared.contains(stage)) {
        let how = How::Stages { shown: lane.moves.clone(), covered: own.into_iter().collect() };
        found.push(Departure { place: place.clone(), how });
    }
}

/// The changes of what steps touch, and all that are shown to be more than nothing.
fn changes(saved: &Plan, fresh: &Plan, of: &ByAddress<'_>, found: &mut Vec<Departure>) {
    let is: HashMap<&Address, &Change> =
        fresh.changes.iter().map(|change| (&change.address, change)).collect();
    let mut hidden: BTreeSet<&Address> =
        of.keys().copied().filter(|address| is.contains_key(address)).collect();
    let due = by_address(fresh);
    for change in &saved.changes {
        let address = &change.address;
        hidden.remove(address);
        let steps = of.get(address).map(Vec::as_slice).unwrap_or_default();
        if steps.is_empty() && change.action == Action::NoOp {
            continue;
        }
        let place = Place::Change(address.clone());
        let Some(now) = is.get(address) else {
            found.push(Departure { place, how: not_due() });
            continue;
        };
        let all = due.get(address).map(Vec::as_slice).unwrap_or_default();
        if change == *now && steps.len() == all.len() {
            continue;
        }
        if address.kind() == Kind::ApiKey && saved.mode == Mode::Apply {
            let now = key(now, steps);
            if *change != now {
                differences(&place, change, &now, found);
            }
            continue;
        }
        if change != *now {
            differences(&place, change, now, found);
        }
        let kept: BTreeSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        let missing = due
            .get(address)
            .into_iter()
            .flatten()
            .filter(|step| step.stage != Stage::Verify && !kept.contains(step.id.as_str()));
        let missing: Vec<String> = missing.map(|step| step.id.clone()).collect();
        if change.action != Action::NoOp && !missing.is_empty() {
            found.push(Departure { place, how: How::Part(missing) });
        }
    }
    found.extend(
        hidden
            .into_iter()
            .map(|address| Departure { place: Place::Change(address.clone()), how: How::Hidden }),
    );
}

/// What becomes of a key by these steps. A plan made now may go further with it.
fn key(now: &Change, steps: &[&Step]) -> Change {
    let mut after = now.before.clone().unwrap_or_default();
    for step in steps {
        match &step.operation {
            Operation::Remove { consumer, .. } => {
                if let Some(Value::Object(consumers)) = after.get_mut("consumers") {
                    consumers.insert(consumer.to_string(), json!("free of the key"));
                }
            }
            Operation::Disable { .. } => drop(after.insert("status".to_owned(), json!("inactive"))),
            Operation::ArchiveKey { .. } => drop(after.insert("status".to_owned(), json!("archived"))),
            _ => {}
        }
    }
    let moves = steps.iter().any(|step| step.lane.is_some());
    Change {
        action: if moves { Action::Update } else { Action::NoOp },
        reason: if moves { Reason::Lane } else { Reason::Equal },
        after: Some(after),
        ..now.clone()
    }
}

/// What others did. A refresh records it, so it has to be so; otherwise it concerns what steps touch.
/// Who did it may become known later.
fn drift(saved: &Plan, fresh: &Plan, of: &ByAddress<'_>, found: &mut Vec<Departure>) {
    let concerns = |drift: &&Drift| saved.mode == Mode::RefreshOnly || of.contains_key(&drift.address);
    let told = |drift: &Drift| json!({ "what": drift.what, "before": drift.before, "after": drift.after });
    let mut now: BTreeMap<&Address, &Drift> =
        fresh.drift.iter().filter(concerns).map(|drift| (&drift.address, drift)).collect();
    for drift in saved.drift.iter().filter(concerns) {
        let place = Place::Drift(drift.address.clone());
        match now.remove(&drift.address) {
            Some(now) => differences(&place, &told(drift), &told(now), found),
            None => found.push(Departure { place, how: not_due() }),
        }
    }
    found.extend(now.into_keys().map(|it| Departure { place: Place::Drift(it.clone()), how: How::Hidden }));
}

fn not_due() -> How {
    How::NotDue { on_evidence: false, lacking: Vec::new() }
}
