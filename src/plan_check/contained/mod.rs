//! Whether a saved plan is part of the plan that would be made now.
//!
//! A file can be written by anyone, its digest with it, so nothing that it says is believed: each of its
//! steps has to be a step of a plan made now, from the configuration, the record and the API, and has to
//! wait for all that the same step waits for there. What that plan has on top waits for the next one.

mod departure;
mod shown;

use std::collections::{HashMap, HashSet};

use keyless_state::Address;
use serde::Serialize;

use departure::differences;
pub use departure::{Departure, How, Place};

use crate::lane::Stage;
use crate::plan::{LaneView, Operation, Plan, Step, Undo};

/// Everything in which a saved plan departs from the one that would be made now; empty when all that it
/// does and shows would be done and shown by that, too.
///
/// Both are of one mode. What can be told of a plan by itself, such as an id that is there twice, is for
/// [`check`](super::check).
pub fn contained(saved: &Plan, fresh: &Plan) -> Vec<Departure> {
    let mut found = Vec::new();
    steps(saved, fresh, &mut found);
    shown::compare(saved, fresh, &mut found);
    found
}

/// What a step is, apart from its id and what it waits for.
#[derive(PartialEq, Serialize)]
struct Content<'a> {
    stage: Stage,
    lane: &'a Option<Address>,
    operation: &'a Operation,
    undo: &'a Undo,
}

impl<'a> Content<'a> {
    fn of(step: &'a Step) -> Content<'a> {
        Content { stage: step.stage, lane: &step.lane, operation: &step.operation, undo: &step.undo }
    }
}

fn steps(saved: &Plan, fresh: &Plan, found: &mut Vec<Departure>) {
    let kept: HashSet<&str> = saved.steps.iter().map(|step| step.id.as_str()).collect();
    let due: HashMap<&str, (usize, &Step)> =
        fresh.steps.iter().enumerate().map(|(rank, step)| (step.id.as_str(), (rank, step))).collect();
    let lanes: HashMap<&Address, &LaneView> = fresh.lanes.iter().map(|lane| (&lane.address, lane)).collect();
    let mut last: Option<(usize, &str)> = None;
    for step in &saved.steps {
        let place = || Place::Step(step.id.clone());
        let mut tell = |how: How| found.push(Departure { place: place(), how });
        let Some((rank, now)) = due.get(step.id.as_str()).copied() else {
            tell(not_due(step, &lanes));
            continue;
        };
        // Waiting for what is nowhere in the file is no waiting.
        let left_out: Vec<String> =
            now.after.iter().filter(|before| !kept.contains(before.as_str())).cloned().collect();
        if !left_out.is_empty() {
            tell(How::LeftOut(left_out));
        }
        if step.after != now.after {
            let after: HashSet<&str> = step.after.iter().map(String::as_str).collect();
            let unwaited = now.after.iter().map(String::as_str);
            let unwaited: Vec<String> = unwaited
                .filter(|before| kept.contains(before) && !after.contains(before))
                .map(str::to_owned)
                .collect();
            if !unwaited.is_empty() {
                tell(How::Unwaited(unwaited));
            }
        }
        match last {
            Some((before, id)) if rank < before => tell(How::After(id.to_owned())),
            _ => last = Some((rank, &step.id)),
        }
        let (saved, fresh) = (Content::of(step), Content::of(now));
        if saved != fresh {
            differences(&place(), &saved, &fresh, found);
        }
    }
}

/// A step that is in no plan made now, with what its lane lacks.
fn not_due(step: &Step, lanes: &HashMap<&Address, &LaneView>) -> How {
    let lane = lanes.get(step.operation.address());
    let needs = lane.into_iter().flat_map(|lane| lane.needs.iter().map(|need| need.what.clone()));
    let refusals = lane.into_iter().flat_map(|lane| lane.refusals.iter().map(|refusal| refusal.why.clone()));
    How::NotDue { on_evidence: step.lane.is_some(), lacking: needs.chain(refusals).collect() }
}
