//! The steps of a plan, with the questions that are asked of them.

use std::collections::{HashMap, HashSet};

use keyless_state::Address;

use super::invariant::{Invariant, Violation};
use crate::plan::{Change, LaneView, Operation, Plan, Step};

/// The steps of a plan by id, and what the plan shows by address.
pub(super) struct Steps<'a> {
    pub(super) plan: &'a Plan,
    places: HashMap<&'a str, usize>,
    about: HashMap<&'a Address, Vec<&'a Step>>,
    lanes: HashMap<&'a Address, &'a LaneView>,
    changes: HashMap<&'a Address, &'a Change>,
}

/// The steps that are done before another.
pub(super) struct Before<'a>(HashSet<&'a str>);

impl Before<'_> {
    pub(super) fn has(&self, step: &Step) -> bool {
        self.0.contains(step.id.as_str())
    }
}

/// Steps for all of which others wait.
pub(super) struct Whole<'a> {
    members: Vec<&'a Step>,
    /// The steps that are seen at once to wait for all of them.
    waiting: HashSet<&'a str>,
}

/// Up to so many are looked through one by one; a step with more members before it is followed to the ground.
const FEW: usize = 16;

impl<'a> Steps<'a> {
    pub(super) fn new(plan: &'a Plan) -> Steps<'a> {
        let mut steps = Steps {
            plan,
            places: HashMap::with_capacity(plan.steps.len()),
            about: HashMap::with_capacity(plan.changes.len()),
            lanes: HashMap::with_capacity(plan.lanes.len()),
            changes: HashMap::with_capacity(plan.changes.len()),
        };
        for (place, step) in plan.steps.iter().enumerate() {
            steps.places.entry(&step.id).or_insert(place);
            steps.about.entry(step.operation.address()).or_default().push(step);
        }
        for lane in &plan.lanes {
            steps.lanes.entry(&lane.address).or_insert(lane);
        }
        for change in &plan.changes {
            steps.changes.entry(&change.address).or_insert(change);
        }
        steps
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a Step> {
        self.plan.steps.iter()
    }

    /// The place of the first step with an id.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The steps about one declared thing.
    pub(super) fn about(&self, address: &Address) -> impl Iterator<Item = &'a Step> {
        self.about.get(address).into_iter().flatten().copied()
    }

    pub(super) fn lane(&self, address: &Address) -> Option<&'a LaneView> {
        self.lanes.get(address).copied()
    }

    /// What the plan shows of one declared thing.
    pub(super) fn change(&self, address: &Address) -> Option<&'a Change> {
        self.changes.get(address).copied()
    }

    /// Everything that is done before a step, however far back.
    pub(super) fn before(&self, step: &'a Step) -> Before<'a> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut open: Vec<&str> = step.after.iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(at) = self.places.get(id)
            {
                open.extend(self.plan.steps[*at].after.iter().map(String::as_str));
            }
        }
        Before(seen)
    }

    /// Demands that every one of `needed` is done before `step`.
    pub(super) fn demand_before(
        &self,
        invariant: Invariant,
        step: &'a Step,
        needed: impl Iterator<Item = &'a Step>,
        found: &mut Vec<Violation>,
    ) {
        let many: Option<HashSet<&str>> =
            (step.after.len() > FEW).then(|| step.after.iter().map(String::as_str).collect());
        let is_named = |id: &str| match &many {
            Some(named) => named.contains(id),
            None => step.after.iter().any(|before| before == id),
        };
        let mut missing: Vec<&str> =
            needed.map(|needed| needed.id.as_str()).filter(|id| !is_named(id)).collect();
        if missing.is_empty() {
            return;
        }
        let before = self.before(step);
        missing.retain(|id| !before.0.contains(id));
        if !missing.is_empty() {
            let what = format!("that it does not wait for {}", missing.join(", "));
            found.push(broken(invariant, step, what, "these done before"));
        }
    }

    /// The steps that `is_member` tells, for [`demand_whole`](Steps::demand_whole).
    ///
    /// One pass in the order of the plan: each step has what its predecessors have before them.
    pub(super) fn whole(&self, is_member: impl Fn(&'a Step) -> bool) -> Whole<'a> {
        let steps = &self.plan.steps;
        let members: Vec<&Step> = steps.iter().filter(|step| is_member(step)).collect();
        let mut waiting = HashSet::new();
        // The members before each step, where they are few, and the last step that counted each.
        let mut few: Vec<Vec<usize>> = Vec::with_capacity(steps.len());
        let mut counted: Vec<usize> = vec![usize::MAX; steps.len()];
        for (place, step) in steps.iter().enumerate() {
            let mut own = Vec::new();
            let mut waits = false;
            for id in &step.after {
                let Some(before) = self.places.get(id.as_str()).copied().filter(|at| *at < place) else {
                    continue;
                };
                waits |= waiting.contains(id.as_str());
                let itself = is_member(&steps[before]).then_some(before);
                for member in few[before].iter().copied().chain(itself) {
                    if std::mem::replace(&mut counted[member], place) != place {
                        own.push(member);
                    }
                }
            }
            if waits || own.len() == members.len() {
                waiting.insert(step.id.as_str());
            }
            own.truncate(if own.len() > FEW { 0 } else { FEW });
            few.push(own);
        }
        Whole { members, waiting }
    }

    /// Demands that every member of a whole is done before `step`.
    pub(super) fn demand_whole(
        &self,
        invariant: Invariant,
        step: &'a Step,
        whole: &Whole<'a>,
        found: &mut Vec<Violation>,
    ) {
        if !whole.waiting.contains(step.id.as_str()) {
            self.demand_before(invariant, step, whole.members.iter().copied(), found);
        }
    }
}

/// How a step breaks an invariant.
pub(super) fn broken(
    invariant: Invariant,
    step: &Step,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Violation {
    Violation { invariant, step: Some(step.id.clone()), found: found.into(), expected: expected.into() }
}

/// What a step creates: the kind's word and the name at the API.
pub(super) fn created(operation: &Operation) -> Option<(&'static str, &str)> {
    match operation {
        Operation::CreateIssuer { arguments, .. } => Some(("issuer", &arguments.name)),
        Operation::CreateServiceAccount { arguments, .. } => Some(("service account", &arguments.name)),
        Operation::CreateRule { arguments, .. } => Some(("rule", &arguments.name)),
        _ => None,
    }
}
