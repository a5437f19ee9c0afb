//! One object under another address: all that is recorded of it follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, ConsumerId};
use crate::evidence::{Evidence, Fact};
use crate::state::{Mutation, State};

/// New names of consumers by lane and old name. Two may change places.
pub type ConsumerRenames = BTreeMap<(Address, ConsumerId), ConsumerId>;

/// New addresses by old ones. Two may change places.
pub type Renames = BTreeMap<Address, Address>;

/// Two changes of addresses, one after the other, as one.
pub fn then(first: &Renames, second: &Renames) -> Renames {
    let end = |to: &Address| second.get(to).unwrap_or(to).clone();
    let mut all: Renames = first.iter().map(|(from, to)| (from.clone(), end(to))).collect();
    let reached: BTreeSet<&Address> = first.values().collect();
    for (from, to) in second.iter().filter(|(from, _)| !reached.contains(from)) {
        all.insert(from.clone(), to.clone());
    }
    all.retain(|from, to| from != to);
    all
}

impl State {
    /// The same state with everything that is recorded under an old address under its new one.
    pub fn renamed(&self, renames: &Renames) -> State {
        let new = |address: &Address| renames.get(address).unwrap_or(address).clone();
        let mut state = self.clone();
        state.records = std::mem::take(&mut state.records)
            .into_iter()
            .map(|(address, mut record)| {
                record.depends_on.iter_mut().for_each(|part| *part = new(part));
                (new(&address), record)
            })
            .collect();
        state.lanes = std::mem::take(&mut state.lanes)
            .into_iter()
            .map(|(address, lane)| (new(&address), lane))
            .collect();
        // Our lines in the places go on bearing the old names.
        state.bindings.values_mut().for_each(|binding| binding.lane = new(&binding.lane));
        // What is known of something else that had the new name is of no use to who has it now.
        let is_stale = |at: &Address| !renames.contains_key(at) && renames.values().any(|to| to == at);
        state.evidence.retain_mut(|evidence| !is_stale(subject(&mut evidence.fact)));
        state.evidence.iter_mut().for_each(|evidence| rename(evidence, &new));
        state
    }

    /// The same state with everything that is recorded of consumers under their new names. Our lines in
    /// the places go on bearing the old ones.
    pub fn consumers_renamed(&self, renames: &ConsumerRenames) -> State {
        let new = |lane: &Address, consumer: &ConsumerId| {
            renames.get(&(lane.clone(), consumer.clone())).unwrap_or(consumer).clone()
        };
        let mut state = self.clone();
        if renames.is_empty() {
            return state;
        }
        // What is left of another consumer that had the new name is of no use to who has it now.
        let taken: BTreeSet<(&Address, &ConsumerId)> =
            renames.iter().map(|((lane, _), to)| (lane, to)).collect();
        let is_stale = |lane: &Address, consumer: &ConsumerId| {
            taken.contains(&(lane, consumer)) && !renames.contains_key(&(lane.clone(), consumer.clone()))
        };
        state.bindings.retain(|_, binding| !is_stale(&binding.lane, &binding.consumer));
        state.evidence.retain(|evidence| match &evidence.fact {
            Fact::CredentialReport { key, consumer, .. } | Fact::Statement { key, consumer, .. } => {
                !is_stale(key, consumer)
            }
            _ => true,
        });
        for (address, lane) in &mut state.lanes {
            lane.consumers.retain(|id, _| !is_stale(address, id));
            let consumers = std::mem::take(&mut lane.consumers);
            lane.consumers = consumers.into_iter().map(|(id, it)| (new(address, &id), it)).collect();
        }
        let renamed = std::mem::take(&mut state.bindings).into_values().map(|mut binding| {
            binding.consumer = new(&binding.lane, &binding.consumer);
            (binding.id(), binding)
        });
        state.bindings = renamed.collect();
        for evidence in &mut state.evidence {
            let (Fact::CredentialReport { key, consumer, .. } | Fact::Statement { key, consumer, .. }) =
                &mut evidence.fact
            else {
                continue;
            };
            let to = new(key, consumer);
            evidence.id = evidence.id.replace(&format!("/{consumer}"), &format!("/{to}"));
            *consumer = to;
        }
        state
    }

    /// The changes that make another state of this one, outputs apart.
    pub fn changes_to(&self, other: &State) -> Vec<Mutation> {
        let mut changes = Vec::new();
        for address in self.records.keys().filter(|address| !other.records.contains_key(*address)) {
            changes.push(Mutation::DropRecord { address: address.clone() });
        }
        for (address, record) in other.records.iter().filter(|(at, it)| self.records.get(*at) != Some(*it)) {
            changes.push(Mutation::PutRecord { address: address.clone(), record: record.clone() });
        }
        for address in self.lanes.keys().filter(|address| !other.lanes.contains_key(*address)) {
            changes.push(Mutation::DropLane { address: address.clone() });
        }
        for (address, lane) in other.lanes.iter().filter(|(at, it)| self.lanes.get(*at) != Some(*it)) {
            changes.push(Mutation::PutLane { address: address.clone(), lane: lane.clone() });
        }
        for id in self.bindings.keys().filter(|id| !other.bindings.contains_key(*id)) {
            changes.push(Mutation::DropBinding { id: id.clone() });
        }
        for (id, binding) in other.bindings.iter().filter(|(id, it)| self.bindings.get(*id) != Some(*it)) {
            changes.push(Mutation::PutBinding { id: id.clone(), binding: Box::new(binding.clone()) });
        }
        let changed = |evidence: &&Evidence| !self.evidence.contains(evidence);
        let gone = self.evidence.iter().filter(|evidence| !other.evidence.contains(evidence));
        changes.extend(gone.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }));
        let put = |evidence: &Evidence| Mutation::PutEvidence { evidence: evidence.clone() };
        changes.extend(other.evidence.iter().filter(changed).map(put));
        changes
    }
}

/// Ids of evidence are made of a word and of addresses, with slashes between.
fn rename(evidence: &mut Evidence, new: &impl Fn(&Address) -> Address) {
    let part =
        |part: &str| part.parse::<Address>().map_or_else(|_| part.to_owned(), |at| new(&at).to_string());
    evidence.id = evidence.id.split('/').map(part).collect::<Vec<_>>().join("/");
    let subject = subject(&mut evidence.fact);
    *subject = new(subject);
}

/// What a fact is about.
fn subject(fact: &mut Fact) -> &mut Address {
    match fact {
        Fact::IssuerKeys { provider, .. } => provider,
        Fact::Exchange { rule, .. } | Fact::FederatedAuthentication { rule, .. } => rule,
        Fact::CredentialReport { key, .. }
        | Fact::Statement { key, .. }
        | Fact::SettingsStatement { key, .. }
        | Fact::AbsenceStatement { key, .. }
        | Fact::KeyUsage { key, .. }
        | Fact::ArchiveApproval { key, .. } => key,
        Fact::AccountTraffic { service_account, .. } => service_account,
        Fact::Retirement { grant, .. } => grant,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::binding::{Binding, Grant};
    use crate::evidence::Weight;
    use crate::state::{ConsumerRecord, LaneRecord, Origin, Record};

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn record(id: &str, depends_on: &[&str]) -> Record {
        Record {
            id: id.to_owned(),
            origin: Origin::Created,
            attributes: Default::default(),
            depends_on: depends_on.iter().map(|text| at(text)).collect(),
        }
    }

    fn approval(key: &str) -> Evidence {
        Evidence {
            id: format!("approval/{key}"),
            observed_at: Timestamp::UNIX_EPOCH,
            weight: Weight::Stated,
            source: String::new(),
            digest: None,
            fact: Fact::ArchiveApproval { key: at(key), by: "Ada".to_owned() },
        }
    }

    fn state() -> State {
        let mut state = State::default();
        state.records.insert(at("service_account.a"), record("svac_a", &[]));
        state.records.insert(at("service_account.b"), record("svac_b", &[]));
        state.records.insert(at("federation_rule.r"), record("fdrl_r", &["service_account.a"]));
        let consumers = [("dotenv.app".parse().unwrap(), ConsumerRecord::default())];
        let lane = LaneRecord { consumers: consumers.into(), ..LaneRecord::default() };
        state.lanes.insert(at("api_key.k"), lane);
        let id = "dotenv.app".parse().unwrap();
        let binding = Binding::new("apikey_k", &at("api_key.k"), &id, Grant::Key, Timestamp::UNIX_EPOCH);
        state.bindings.insert(binding.id(), binding);
        state.evidence = vec![approval("api_key.k"), approval("api_key.other")];
        state
    }

    #[track_caller]
    fn check(renames: &[(&str, &str)]) -> State {
        let renames: Renames = renames.iter().map(|(from, to)| (at(from), at(to))).collect();
        let state = state();
        let renamed = state.renamed(&renames);
        let mut changed = state.clone();
        state.changes_to(&renamed).iter().for_each(|change| changed.apply(change));
        let sorted = |state: &State| {
            let mut state = state.clone();
            state.evidence.sort_by(|a, b| a.id.cmp(&b.id));
            state
        };
        assert_eq!(sorted(&changed), sorted(&renamed));
        renamed
    }

    #[test]
    fn whatever_refers_to_the_old_address_follows() {
        let renamed = check(&[("service_account.a", "service_account.c"), ("api_key.k", "api_key.l")]);
        assert_eq!(renamed.records[&at("service_account.c")].id, "svac_a");
        assert_eq!(renamed.records[&at("federation_rule.r")].depends_on, [at("service_account.c")]);
        assert_eq!(renamed.lanes[&at("api_key.l")].consumers.len(), 1);
        let binding = &renamed.bindings["apikey_k/dotenv.app"];
        assert_eq!((&binding.lane, binding.marker.as_str()), (&at("api_key.l"), "api_key.k/dotenv.app"));
        assert_eq!(renamed.evidence, [approval("api_key.l"), approval("api_key.other")]);
        assert!(!renamed.lanes.contains_key(&at("api_key.k")));
    }

    #[test]
    fn what_is_left_of_another_consumer_of_that_name_is_forgotten() {
        let mut state = state();
        let lane = state.lanes.get_mut(&at("api_key.k")).unwrap();
        let removed_at = Some(Timestamp::UNIX_EPOCH);
        let record = ConsumerRecord { removed_at, ..ConsumerRecord::default() };
        lane.consumers.insert("dotenv.app".parse().unwrap(), record);
        lane.consumers.insert("dotenv.two".parse().unwrap(), ConsumerRecord::default());
        let from_to = |from: &str, to: &str| ((at("api_key.k"), from.parse().unwrap()), to.parse().unwrap());
        let renamed = state.consumers_renamed(&[from_to("dotenv.app", "dotenv.two")].into());
        let consumers = &renamed.lanes[&at("api_key.k")].consumers;
        let told: Vec<(String, bool)> =
            consumers.iter().map(|(id, it)| (id.to_string(), it.removed_at.is_some())).collect();
        assert_eq!(told, [("dotenv.two".to_owned(), true)]);
        assert_eq!(renamed.bindings.keys().collect::<Vec<_>>(), ["apikey_k/dotenv.two"]);
        let swapped = [from_to("dotenv.app", "dotenv.two"), from_to("dotenv.two", "dotenv.app")];
        assert_eq!(state.consumers_renamed(&swapped.into()).lanes[&at("api_key.k")].consumers.len(), 2);
    }

    #[test]
    fn two_may_change_places() {
        let renamed =
            check(&[("service_account.a", "service_account.b"), ("service_account.b", "service_account.a")]);
        assert_eq!(renamed.records[&at("service_account.a")].id, "svac_b");
        assert_eq!(renamed.records[&at("service_account.b")].id, "svac_a");
        assert_eq!(renamed.records[&at("federation_rule.r")].depends_on, [at("service_account.b")]);
    }

    #[test]
    fn what_was_known_of_another_of_that_name_is_forgotten() {
        let renamed = check(&[("api_key.k", "api_key.other")]);
        assert_eq!(renamed.evidence, [approval("api_key.other")]);
        assert_eq!(renamed.evidence[0].id, "approval/api_key.other");
    }

    #[test]
    fn two_changes_of_addresses_are_one() {
        let renames = |pairs: &[(&str, &str)]| -> Renames {
            pairs.iter().map(|(from, to)| (at(from), at(to))).collect()
        };
        let rule = |name: &str| format!("federation_rule.{name}");
        let (a, b, c) = (rule("a"), rule("b"), rule("c"));
        let check = |first: &[(&str, &str)], second: &[(&str, &str)], expected: &[(&str, &str)]| {
            assert_eq!(then(&renames(first), &renames(second)), renames(expected));
        };
        check(&[(&a, &b)], &[(&b, &c)], &[(&a, &c)]);
        check(&[(&a, &b)], &[(&b, &a)], &[]);
        check(&[(&a, &b), (&b, &a)], &[(&b, &c)], &[(&a, &c), (&b, &a)]);
        check(&[], &[(&a, &b)], &[(&a, &b)]);
        check(&[(&a, &b)], &[(&c, &a)], &[(&a, &b), (&c, &a)]);
    }
}
