//! Bindings kept in step with what is seen: what older records left open, what workloads report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{
    Address, Binding, ConsumerId, Evidence, Fact, Grant, Identity, Mutation, Record, State, Winner,
};

use super::moved::may_be_moved;
use super::{grant, place};
use crate::config::{Configuration, Consumer, ConsumerDriver};
use crate::limits;

/// Federation settings found in consumers.
pub type Found = BTreeMap<(Address, ConsumerId), BTreeMap<String, String>>;

/// What is known of bindings by now and is not recorded yet.
pub fn learn(configuration: &Configuration, state: &State, found: &Found, now: Timestamp) -> Vec<Mutation> {
    let mut learnt = Vec::new();
    for (lane, key) in &configuration.api_keys {
        for (id, consumer) in &key.consumers {
            let seen = Seen { lane, id, consumer, state, found: found.get(&(lane.clone(), id.clone())) };
            let known = state.binding(&key.id, id);
            let Some(mut binding) = known.cloned().or_else(|| seen.vouched_for(&key.id)) else { continue };
            // A lane that was forgotten may be declared again under another name.
            binding.lane.clone_from(lane);
            let here = place(id, &consumer.driver);
            // Our lines are where the block says: somebody moved the file.
            let is_moved = |known: &String| seen.found.is_some() && may_be_moved(known, &here);
            if binding.place.as_ref().is_none_or(is_moved) {
                binding.place = Some(here);
            }
            seen.resolve(&mut binding);
            seen.follow(&mut binding);
            seen.meet(&mut binding, now);
            if known != Some(&binding) {
                learnt.push(binding.put());
            }
        }
    }
    learnt
}

/// What is seen of one declared consumer.
struct Seen<'a> {
    lane: &'a Address,
    id: &'a ConsumerId,
    consumer: &'a Consumer,
    state: &'a State,
    found: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Seen<'a> {
    /// A consumer that only a person reaches is bound by that person's word.
    fn vouched_for(&self, key_id: &str) -> Option<Binding> {
        let stated = self.stated()?;
        Some(Binding::new(key_id, self.lane, self.id, Grant::Unresolved, stated.observed_at))
    }

    fn stated(&self) -> Option<&'a Evidence> {
        let is_it = |evidence: &&Evidence| matches!(&evidence.fact, Fact::Statement { key, consumer, .. } if key == self.lane && consumer == self.id);
        let is_manual = matches!(self.consumer.driver, ConsumerDriver::Manual { .. });
        self.state
            .evidence
            .iter()
            .filter(is_it)
            .max_by_key(|evidence| evidence.observed_at)
            .filter(|_| is_manual)
    }

    /// The newest report by which the workload federates: when, and through which rule.
    fn reported(&self) -> Option<(Timestamp, &'a str)> {
        let newest = self.state.evidence.iter().filter_map(|evidence| match &evidence.fact {
            Fact::CredentialReport { key, consumer, winner, rule_id, .. }
                if key == self.lane && consumer == self.id =>
            {
                Some((evidence.observed_at, *winner, rule_id.as_deref()))
            }
            _ => None,
        });
        match newest.max_by_key(|(at, ..)| *at)? {
            (at, Winner::Federation, Some(rule)) => Some((at, rule)),
            _ => None,
        }
    }

    fn by_id(&self, rule_id: &str) -> Option<&'a Record> {
        self.state.records.values().find(|record| record.id == rule_id)
    }

    fn declared(&self) -> Option<&'a Record> {
        self.state.records.get(&self.consumer.rule)
    }

    fn setting(&self, name: &str) -> Option<&'a String> {
        self.found.and_then(|found| found.get(name))
    }

    /// Tells what an older record left open: by the settings in the place, else by the workload's own
    /// report, else by the block.
    fn resolve(&self, binding: &mut Binding) {
        if binding.settings.is_empty()
            && let Some(found) = self.found
        {
            binding.settings.clone_from(found);
        }
        if binding.grant != Grant::Unresolved {
            return;
        }
        let named = self.setting("ANTHROPIC_FEDERATION_RULE_ID").map(String::as_str);
        let named = named.or_else(|| self.reported().map(|(_, rule)| rule));
        let rule = named.map_or_else(|| self.declared(), |rule| self.by_id(rule));
        if let Some(rule) = rule {
            let workspace = self.setting("ANTHROPIC_WORKSPACE_ID").map(String::as_str);
            binding.grant = grant(rule, workspace);
        }
    }

    /// Takes over what a workload shows that it lives off something else by now.
    fn follow(&self, binding: &mut Binding) {
        let Grant::Rule { rule_id, .. } = &binding.grant else { return };
        let reported = self.reported().filter(|(at, _)| *at > binding.since);
        let by_report = reported.and_then(|(at, rule)| Some((at, self.by_id(rule)?)));
        let stated = self.stated().filter(|stated| stated.observed_at > binding.since);
        let by_word = stated.and_then(|stated| Some((stated.observed_at, self.declared()?)));
        if let Some((at, rule)) = by_report.or(by_word).filter(|(_, rule)| rule.id != *rule_id) {
            let workspace = binding.settings.get("ANTHROPIC_WORKSPACE_ID").map(String::as_str);
            binding.grant = grant(rule, workspace);
            binding.since = at;
        }
    }

    /// Remembers as whom a workload showed itself lately.
    fn meet(&self, binding: &mut Binding, now: Timestamp) {
        for evidence in &self.state.evidence {
            let Fact::CredentialReport { key, consumer, identity, .. } = &evidence.fact else { continue };
            if key != self.lane || consumer != self.id || identity.is_empty() {
                continue;
            }
            let seen_at = evidence.observed_at;
            match binding.identities.iter_mut().find(|known| known.claims == *identity) {
                // A record that is renewed with each report would be no news.
                Some(known) if seen_at.duration_since(known.seen_at) >= limits::IDENTITY_RENEWED => {
                    known.seen_at = seen_at;
                }
                Some(_) => {}
                None => binding.identities.push(Identity { claims: identity.clone(), seen_at }),
            }
        }
        let newest = binding.identities.iter().map(|known| known.seen_at).max();
        binding.identities.retain(|known| {
            now.duration_since(known.seen_at) < limits::IDENTITY_COUNTS || Some(known.seen_at) == newest
        });
        let surplus = binding.identities.len().saturating_sub(limits::IDENTITIES_MAX);
        if surplus > 0 {
            binding.identities.sort_by_key(|known| known.seen_at);
            binding.identities.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests;
