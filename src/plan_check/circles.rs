//! What is done before an archive.
//!
//! A *circle* is what works together: a rule with what it stands on, a lane with its rules and what they stand
//! on. Past members count, and an object that a block had before is in the circles of its block. Whatever is built
//! or tried in a circle is done before an object of it goes: it may be what takes the place of that.

use std::collections::{HashMap, HashSet};

use keyless_state::{Address, Binding, Fact, Grant, Kind};

use super::invariant::{Invariant, Violation};
use super::known::Known;
use super::steps::{Steps, Whole};
use crate::lane::Stage;
use crate::plan::{Operation, Step};

/// What is done before each archive of a plan.
pub(super) enum Before<'a> {
    /// All that builds: somebody may live off anything.
    Everything(Whole<'a>),
    /// What builds in the circles of each block of which something is archived.
    Circles(HashMap<Address, Vec<&'a Step>>),
}

impl<'a> Before<'a> {
    pub(super) fn new(steps: &Steps<'a>, moment: Option<&Known<'_>>) -> Before<'a> {
        if moment.is_some_and(Known::has_lost_track) {
            return Before::Everything(steps.whole(builds));
        }
        let archived = steps.all().filter_map(|step| match &step.operation {
            Operation::Archive { address } => Some((address.present(), Vec::new())),
            _ => None,
        });
        let mut going: HashMap<Address, Vec<&Step>> = archived.collect();
        if going.is_empty() {
            return Before::Circles(going);
        }
        let stands_on = stands_on(steps, moment);
        let mut circles: Vec<HashSet<Address>> = going.keys().map(|it| [it.clone()].into()).collect();
        circles.extend(stands_on.iter().map(|(rule, parts)| joined([rule], parts)));
        circles.extend(lanes(steps, moment).into_iter().map(|(lane, named)| {
            let parts = named.iter().filter_map(|rule| stands_on.get(rule)).flatten();
            joined([&lane], named.iter().chain(parts))
        }));
        for circle in circles {
            let members: Vec<&Address> = circle.iter().filter(|it| going.contains_key(it)).collect();
            if members.is_empty() {
                continue;
            }
            let built: Vec<&Step> =
                circle.iter().flat_map(|it| steps.about(it)).filter(|step| builds(step)).collect();
            for member in members {
                going.get_mut(member).expect("it is one of these").extend(&built);
            }
        }
        Before::Circles(going)
    }

    /// Demands them.
    pub(super) fn demand(
        &self,
        steps: &Steps<'a>,
        archive: &'a Step,
        address: &Address,
        found: &mut Vec<Violation>,
    ) {
        match self {
            Before::Everything(whole) => steps.demand_whole(Invariant::I7, archive, whole, found),
            Before::Circles(going) => {
                let mut seen = HashSet::new();
                let mut needed = going.get(&address.present()).cloned().unwrap_or_default();
                needed.retain(|step| seen.insert(step.id.as_str()));
                steps.demand_before(Invariant::I7, archive, needed.into_iter(), found);
            }
        }
    }
}

fn builds(step: &Step) -> bool {
    step.stage <= Stage::Verify
}

fn joined<'b>(
    some: impl IntoIterator<Item = &'b Address>,
    others: impl IntoIterator<Item = &'b Address>,
) -> HashSet<Address> {
    some.into_iter().chain(others).cloned().collect()
}

/// Rules with what they stand on, stood on, or come to stand on.
fn stands_on(steps: &Steps<'_>, moment: Option<&Known<'_>>) -> HashMap<Address, HashSet<Address>> {
    let mut all: HashMap<Address, HashSet<Address>> = HashMap::new();
    let mut note = |rule: &Address, part: &Address| {
        all.entry(rule.present()).or_default().insert(part.present());
    };
    for step in steps.all() {
        match &step.operation {
            Operation::CreateRule { address, provider, service_account, .. } => {
                [provider, service_account].iter().for_each(|part| note(address, part));
            }
            Operation::UpdateRule { address, provider, service_account, .. } => {
                service_account.iter().chain([provider]).for_each(|part| note(address, part));
            }
            Operation::Adopt { address, depends_on, .. } => {
                depends_on.iter().for_each(|part| note(address, part));
            }
            _ => {}
        }
    }
    let Some(moment) = moment else { return all };
    for (rule, declared) in &moment.configuration.federation_rules {
        [&declared.provider, &declared.service_account].iter().for_each(|part| note(rule, part));
    }
    for (address, record) in &moment.state.records {
        if address.kind() == Kind::FederationRule {
            record.depends_on.iter().for_each(|part| note(address, part));
        }
    }
    all
}

/// Lanes with all that they name, that their workloads were seen to name, and that these may live off.
fn lanes(steps: &Steps<'_>, moment: Option<&Known<'_>>) -> HashMap<Address, HashSet<Address>> {
    let mut all: HashMap<Address, HashSet<Address>> = HashMap::new();
    for view in &steps.plan.lanes {
        all.entry(view.address.clone()).or_default().extend(view.replaced_by.iter().cloned());
    }
    let Some(moment) = moment else { return all };
    let mut of_key: HashMap<&str, &Address> = HashMap::new();
    for (lane, key) in &moment.configuration.api_keys {
        of_key.insert(&key.id, lane);
        let rules = key.consumers.values().map(|it| &it.rule).chain(&key.replaced_by);
        all.entry(lane.clone()).or_default().extend(rules.cloned());
    }
    let mut note = |lane: &Address, id: &str| {
        if let Some(object) = moment.recorded_as(id) {
            all.entry(lane.clone()).or_default().insert(object.present());
        }
    };
    for binding in moment.state.bindings.values() {
        let lane = of_key.get(binding.key_id.as_str()).copied().unwrap_or(&binding.lane);
        for grant in binding.grants() {
            if let Grant::Rule { rule_id, service_account_id, issuer_id, .. } = grant {
                [rule_id, service_account_id, issuer_id].iter().for_each(|id| note(lane, id));
            }
        }
    }
    for evidence in &moment.state.evidence {
        match &evidence.fact {
            Fact::CredentialReport { key, rule_id: Some(id), .. }
            | Fact::Statement { key, rule_id: Some(id), .. } => note(key, id),
            Fact::SettingsStatement { key_id, rule_id, .. } => {
                of_key.get(key_id.as_str()).into_iter().for_each(|lane| note(lane, rule_id));
            }
            _ => {}
        }
    }
    all
}

impl Known<'_> {
    /// Tells whether a workload lost its key and may live off anything.
    fn has_lost_track(&self) -> bool {
        let may_be_any = |binding: &Binding| {
            binding.ended.is_none() && binding.grants().any(|grant| matches!(grant, Grant::Unresolved))
        };
        let is_unbound = |lane: &Address| {
            let record = &self.state.lanes[lane];
            let declared = self.configuration.api_keys.get(lane);
            record.consumers.iter().any(|(id, consumer)| {
                consumer.removed_at.is_some()
                    && self.state.binding(&record.key_id, id).is_none()
                    && declared.is_none_or(|key| !key.consumers.contains_key(id))
            })
        };
        self.state.bindings.values().any(may_be_any) || self.state.lanes.keys().any(is_unbound)
    }
}
