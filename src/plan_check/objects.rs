//! The objects of a plan for apply: what is made, and what is archived.

use std::collections::HashMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, Fact, Grant, Kind};

use super::circles::Before;
use super::evidence::whole_hour;
use super::grants;
use super::invariant::{Invariant, Violation};
use super::known::{Known, Place};
use super::steps::{Steps, broken, created};
use crate::limits;
use crate::plan::{Operation, Step};

pub(super) fn check(steps: &Steps<'_>, moment: Option<&Known<'_>>, found: &mut Vec<Violation>) {
    one_address(steps, moment, found);
    let before = Before::new(steps, moment);
    for step in steps.all() {
        match &step.operation {
            Operation::CreateRule { provider, service_account, .. } => {
                let makes = |other: &&Step| {
                    created(&other.operation).is_some() || matches!(other.operation, Operation::Adopt { .. })
                };
                let needed = steps.about(provider).chain(steps.about(service_account)).filter(makes);
                steps.demand_before(Invariant::I7, step, needed, found);
            }
            Operation::Archive { address } => {
                before.demand(steps, step, address, found);
                if let Some(moment) = moment {
                    archive(steps, step, address, moment, found);
                }
            }
            _ => {}
        }
        if let Some(moment) = moment {
            made_once(step, moment, found);
            grants::keep(step, moment, |_| false, found);
        }
    }
}

/// An object that a block takes over is recorded for no other block, taken over by no other one, and not
/// archived under the address that it had.
fn one_address(steps: &Steps<'_>, moment: Option<&Known<'_>>, found: &mut Vec<Violation>) {
    let mut adopted: HashMap<&str, &Step> = HashMap::new();
    for step in steps.all() {
        let Operation::Adopt { address, id, .. } = &step.operation else { continue };
        let recorded = moment.and_then(|moment| moment.recorded_as(id)).filter(|known| *known != address);
        let other = adopted.insert(id, step).map(|other| other.operation.address());
        if let Some(other) = recorded.or(other) {
            let what = format!("{id}, which is that of {other}");
            found.push(broken(Invariant::I14, step, what, "an object of no other block"));
        }
    }
    let Some(moment) = moment else { return };
    for step in steps.all() {
        let Operation::Archive { address } = &step.operation else { continue };
        let id = moment.state.records.get(address).map(|record| record.id.as_str());
        if let Some(adopt) = id.and_then(|id| adopted.get(id)) {
            let what = format!("the object that {} takes over", adopt.id);
            found.push(broken(Invariant::I14, step, what, "what no block claims"));
        }
    }
}

/// A create of what is recorded, or of a name that is there, is a second one.
pub(super) fn made_once(step: &Step, moment: &Known<'_>, found: &mut Vec<Violation>) {
    let address = step.operation.address();
    if let Operation::Adopt { id, .. } = &step.operation
        && !moment.is_live(address.kind(), id)
    {
        found.push(broken(
            Invariant::I8,
            step,
            format!("{id} archived or gone"),
            "a live object to take over",
        ));
    }
    let Some((kind, name)) = created(&step.operation) else { return };
    if let Some(record) = moment.state.records.get(address) {
        if moment.is_live(address.kind(), &record.id) {
            let what = format!("{} recorded for it", record.id);
            found.push(broken(Invariant::I5, step, what, "no object for it yet"));
        } else {
            let what = format!("{}, recorded for it, archived by somebody", record.id);
            found.push(broken(Invariant::I8, step, what, "no successor without a choice"));
        }
    } else if let Some(id) = moment.live_named(address.kind(), name) {
        found.push(broken(
            Invariant::I5,
            step,
            format!("a live {kind} `{name}` ({id})"),
            "no object of this name",
        ));
    }
}

fn archive(
    steps: &Steps<'_>,
    step: &Step,
    address: &Address,
    moment: &Known<'_>,
    found: &mut Vec<Violation>,
) {
    if moment.declares(address) {
        found.push(broken(
            Invariant::I14,
            step,
            "that it is declared",
            "only what is no longer declared to go",
        ));
    }
    dependents_first(steps, step, address, moment, found);
}

/// Whether an update takes a rule away from what it stands on. Only its account can be another one; its
/// issuer stays, and an account that the update does not name stays too.
fn turns_away(account: Option<&Address>, from: &Address) -> bool {
    from.kind() == Kind::ServiceAccount && account.is_some_and(|account| account != from)
}

/// Rules go, or turn to something else, before what they stand on.
pub(super) fn dependents_first<'a>(
    steps: &Steps<'a>,
    step: &'a Step,
    address: &Address,
    moment: &Known<'_>,
    found: &mut Vec<Violation>,
) {
    let before = steps.before(step);
    for rule in moment.standing_on(address).iter().copied() {
        let goes = steps.about(rule).find(|other| match &other.operation {
            Operation::Archive { .. } => true,
            Operation::UpdateRule { service_account, .. } => turns_away(service_account.as_ref(), address),
            _ => false,
        });
        if !goes.is_some_and(|goes| before.has(goes)) {
            let what = format!("that {rule}, which stands on it, does not go before");
            found.push(broken(Invariant::I7, step, what, "rules archived before their issuer and account"));
        }
    }
}

impl<'a> Known<'a> {
    fn declares(&self, address: &Address) -> bool {
        let configuration = self.configuration;
        match address.kind() {
            Kind::Provider => configuration.providers.contains_key(address),
            Kind::ServiceAccount => configuration.service_accounts.contains_key(address),
            Kind::FederationRule => configuration.federation_rules.contains_key(address),
            Kind::ApiKey => configuration.api_keys.contains_key(address),
            Kind::Data => false,
        }
    }

    /// Tells whether an object is there and not archived.
    pub(super) fn is_live(&self, kind: Kind, id: &str) -> bool {
        let observed = self.observed;
        match kind {
            Kind::Provider => observed.issuers.get(id).map(|it| &it.provenance),
            Kind::ServiceAccount => observed.service_accounts.get(id).map(|it| &it.provenance),
            Kind::FederationRule => observed.rules.get(id).map(|it| &it.provenance),
            Kind::ApiKey | Kind::Data => None,
        }
        .is_some_and(|provenance| provenance.archived_at.is_none())
    }

    /// The consumers that lost their key and live off a rule, or off what it stands on: those that are
    /// bound to it, and declared ones of which no binding is recorded.
    pub(super) fn lives_off(&self, address: &Address) -> Vec<Place<'a>> {
        let id = self.state.records.get(address).map(|record| record.id.as_str()).unwrap_or_default();
        let bound = self.bindings(id).into_iter().filter(|binding| self.is_bound(binding, id));
        let bound = bound.map(|binding| (&binding.lane, &binding.consumer));
        bound.chain(self.unbound(address).iter().copied()).collect()
    }

    /// Tells whether a binding rests on an object, and nobody's word has ended it.
    fn is_bound(&self, binding: &Binding, id: &str) -> bool {
        if binding.ended.is_some() || binding.grant == Grant::Key {
            return false;
        }
        binding.grants().any(|grant| match grant {
            Grant::Key => false,
            Grant::Unresolved => true,
            Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
                let rests = [rule_id, service_account_id, issuer_id].into_iter().any(|it| it == id);
                rests && !self.is_given_up(rule_id, binding)
            }
        })
    }

    /// Use of a rule's account without a key, by no workload that is known.
    pub(super) fn unexplained_use(&self, rule: &Address) -> Option<String> {
        if rule.kind() != Kind::FederationRule {
            return None;
        }
        let record = self.state.records.get(rule)?;
        let account = record.depends_on.iter().find(|part| part.kind() == Kind::ServiceAccount)?;
        let (_, seen) = self.latest(account, |fact| match fact {
            Fact::AccountTraffic { last_seen, .. } => Some(*last_seen),
            _ => None,
        })?;
        let is_live = |binding: &&Binding| binding.ended.is_none() && binding.grant != Grant::Key;
        let account_id = &self.state.records.get(account)?.id;
        let word = self.retirement(&record.id).map(|evidence| evidence.observed_at);
        let counts = |at: &Timestamp| self.now.duration_since(*at) < limits::RETIREMENT_COUNTS;
        let left = self.left(account_id);
        let explained = self.settled().max(word.filter(counts)).max(left);
        let is_old = self.now.duration_since(seen) > limits::UNRECORDED_USE_COUNTS;
        if is_old
            || explained.is_some_and(|at| seen < whole_hour(at))
            || self.bindings(account_id).iter().any(is_live)
        {
            return None;
        }
        Some(format!("that {account} is used since {seen} by somebody who is not recorded"))
    }

    /// Tells whether a person gave up what lives off a rule, after the last sign of this workload.
    fn is_given_up(&self, rule_id: &str, binding: &Binding) -> bool {
        let word = self.retirement(rule_id);
        let sign = self.latest(&binding.lane, |fact| match fact {
            fact if fact.is_about(&binding.lane, &binding.key_id, &binding.consumer) => Some(()),
            _ => None,
        });
        let sign = sign.map(|(evidence, ())| evidence.observed_at);
        let rule = self.state.records.values().find(|record| record.id == rule_id);
        let parts = rule.into_iter().flat_map(|record| &record.depends_on);
        let traffic = parts.filter_map(|part| {
            self.latest(part, |fact| match fact {
                Fact::AccountTraffic { last_seen, .. } => Some(*last_seen),
                _ => None,
            })
        });
        let used = traffic.map(|(_, seen)| seen).max();
        word.is_some_and(|evidence| {
            let at = evidence.observed_at;
            self.now.duration_since(at) < limits::RETIREMENT_COUNTS
                && sign.is_none_or(|sign| sign <= at)
                && used.is_none_or(|used| used < whole_hour(at))
        })
    }

    /// The recorded rule through which a consumer said that it federates.
    pub(super) fn reported_rule(
        &self,
        lane: &Address,
        id: &keyless_state::ConsumerId,
    ) -> Option<&'a Address> {
        let newest = self
            .evidence(lane)
            .filter_map(|evidence| match &evidence.fact {
                Fact::CredentialReport { key, consumer, rule_id: Some(rule_id), .. }
                    if key == lane && consumer == id =>
                {
                    Some((evidence.observed_at, rule_id))
                }
                _ => None,
            })
            .max_by_key(|(at, _)| *at)?;
        self.recorded_as(newest.1)
    }
}
