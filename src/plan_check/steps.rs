//! The steps of a plan, with the questions that are asked of them.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::Address;

use super::invariant::{Invariant, Violation};
use crate::plan::{LaneView, Operation, Plan, Step};

/// The steps of a plan by id.
pub(super) struct Steps<'a> {
    pub(super) plan: &'a Plan,
    by_id: BTreeMap<&'a str, &'a Step>,
    about: BTreeMap<&'a Address, Vec<&'a Step>>,
}

/// The steps that are done before another.
pub(super) struct Before<'a>(BTreeSet<&'a str>);

impl Before<'_> {
    pub(super) fn has(&self, step: &Step) -> bool {
        self.0.contains(step.id.as_str())
    }
}

impl<'a> Steps<'a> {
    pub(super) fn new(plan: &'a Plan) -> Steps<'a> {
        let mut about: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            about.entry(step.operation.target().address).or_default().push(step);
        }
        Steps { plan, by_id: plan.steps.iter().map(|step| (step.id.as_str(), step)).collect(), about }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a Step> {
        self.plan.steps.iter()
    }

    /// The steps about one declared thing.
    pub(super) fn about(&self, address: &Address) -> impl Iterator<Item = &'a Step> {
        self.about.get(address).into_iter().flatten().copied()
    }

    pub(super) fn lane(&self, address: &Address) -> Option<&'a LaneView> {
        self.plan.lanes.iter().find(|lane| lane.address == *address)
    }

    /// Everything that is done before a step, however far back.
    pub(super) fn before(&self, step: &'a Step) -> Before<'a> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = step.after.iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(step) = self.by_id.get(id)
            {
                open.extend(step.after.iter().map(String::as_str));
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
        let before = self.before(step);
        let missing: Vec<&str> =
            needed.filter(|needed| !before.has(needed)).map(|needed| needed.id.as_str()).collect();
        if !missing.is_empty() {
            let what = format!("that it does not wait for {}", missing.join(", "));
            found.push(broken(invariant, step, what, "these done before"));
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
