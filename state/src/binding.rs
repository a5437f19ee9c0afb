//! What a workload lives off, remembered whatever becomes of the blocks that said so.
//!
//! A binding is recorded when federation settings are written beside a key, follows the workload from
//! its key to a rule, and ends by evidence alone: removing, renaming or forgetting a block leaves it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::{Address, ConsumerId};
use crate::evidence::Fact;
use crate::state::{Mutation, State, tag};

/// What one consumer lives off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The key that its workload used, or still uses.
    pub key_id: String,
    /// The lane as it was last called.
    pub lane: Address,
    /// The consumer as it was last called.
    pub consumer: ConsumerId,
    /// Kind, place and variable, which tell a consumer whatever it is called; none until its block was
    /// seen by a version that records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What our lines in the place bear.
    pub marker: String,
    /// The federation settings that we wrote there; empty where none are ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// What it lives off, as far as evidence tells.
    pub grant: Grant,
    /// Since when that is known.
    pub since: Timestamp,
    /// What its settings have named since then, oldest first: it may live off these by now. The key stands
    /// among these where it was put back and is not seen to be used yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<Written>,
    /// As whom its workload showed itself: claims of its identity tokens that stay the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Identity>,
    /// When it ended, by whose word; kept while its lane is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What a workload lives off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Grant {
    /// The key in its place.
    Key,
    /// A federation rule, as the account and in the workspace that its settings name.
    Rule {
        /// `fdrl_…`.
        rule_id: String,
        /// `svac_…`.
        service_account_id: String,
        /// `fdis_…`.
        issuer_id: String,
        /// `wrkspc_…` or `default`; none where it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspace_id: Option<String>,
    },
    /// Not its key any more; by which rule is not known. It stands in records of older versions whose
    /// blocks are gone.
    Unresolved,
}

/// What settings of a workload name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// What they name.
    pub grant: Grant,
    /// Since when.
    pub at: Timestamp,
}

/// As whom a workload showed itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Claims of its token, without those that differ from token to token.
    pub claims: Map<String, Value>,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// The end of a binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// By whose word.
    pub by: String,
}

/// The name of a binding in a state: a workload is told by the key that it used.
fn binding_id(key_id: &str, consumer: &ConsumerId) -> String {
    format!("{key_id}/{consumer}")
}

impl Binding {
    /// A binding of which nothing but names is known yet.
    pub fn new(
        key_id: &str,
        lane: &Address,
        consumer: &ConsumerId,
        grant: Grant,
        since: Timestamp,
    ) -> Binding {
        Binding {
            key_id: key_id.to_owned(),
            lane: lane.clone(),
            consumer: consumer.clone(),
            place: None,
            marker: tag(lane, consumer),
            settings: BTreeMap::new(),
            grant,
            since,
            written: Vec::new(),
            identities: Vec::new(),
            ended: None,
        }
    }

    /// Its name in a state.
    pub fn id(&self) -> String {
        binding_id(&self.key_id, &self.consumer)
    }

    /// Everything that it may live off.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        std::iter::once(&self.grant).chain(self.written.iter().map(|written| &written.grant))
    }

    /// Since when its key is back in its place, of one that may live off something else yet.
    pub fn key_back_at(&self) -> Option<Timestamp> {
        let back = self.written.iter().find(|written| written.grant == Grant::Key);
        back.filter(|_| self.grant != Grant::Key).map(|written| written.at)
    }

    /// Whether its key is in its place as far as is recorded, used or not.
    pub fn has_key(&self) -> bool {
        self.grant == Grant::Key || self.key_back_at().is_some()
    }

    /// Notes what its settings name by now.
    pub fn write(&mut self, grant: Grant, at: Timestamp) {
        let last = self.written.last().map_or(&self.grant, |written| &written.grant);
        if *last != grant {
            self.written.retain(|written| written.grant != grant);
            self.written.push(Written { grant, at });
        }
    }

    /// Takes what it was shown to live off at a time. What its settings name stays possible, and what was
    /// written later.
    pub fn settle(&mut self, grant: Grant, at: Timestamp) {
        let last = self.written.len();
        let mut number = 0;
        self.written.retain(|written| {
            number += 1;
            number == last || written.at >= at
        });
        self.written.retain(|written| written.grant != grant);
        self.grant = grant;
        self.since = at;
    }

    /// The change that records it.
    pub fn put(self) -> Mutation {
        Mutation::PutBinding { id: self.id(), binding: Box::new(self) }
    }
}

impl State {
    /// The binding of a consumer.
    pub fn binding(&self, key_id: &str, consumer: &ConsumerId) -> Option<&Binding> {
        self.bindings.get(&binding_id(key_id, consumer))
    }

    /// The changes that give every consumer a binding that older versions recorded without one, and
    /// every one that a person vouches for.
    pub fn missing_bindings(&self) -> Vec<Mutation> {
        let mut missing: BTreeMap<String, Binding> = BTreeMap::new();
        for (lane, record) in &self.lanes {
            for (consumer, known) in &record.consumers {
                let (grant, since) = match (known.removed_at, known.configured_at) {
                    (Some(at), _) => (Grant::Unresolved, at),
                    (None, Some(at)) => (Grant::Key, at),
                    (None, None) => continue,
                };
                let mut binding = Binding::new(&record.key_id, lane, consumer, grant, since);
                if let Some(tag) = &known.tag {
                    binding.marker.clone_from(tag);
                }
                missing.insert(binding.id(), binding);
            }
        }
        for evidence in &self.evidence {
            let Fact::Statement { key, consumer, .. } = &evidence.fact else { continue };
            let Some(record) = self.lanes.get(key) else { continue };
            // What was said before the key went back says nothing any more.
            if !evidence.fact.is_about(key, &record.key_id, consumer)
                || Some(evidence.observed_at) <= record.rolled_back_at
            {
                continue;
            }
            let since = evidence.observed_at;
            let binding = Binding::new(&record.key_id, key, consumer, Grant::Unresolved, since);
            missing.insert(binding.id(), binding);
        }
        missing.retain(|id, _| !self.bindings.contains_key(id));
        missing.into_values().map(Binding::put).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Weight};
    use crate::state::{ConsumerRecord, LaneRecord};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn state() -> State {
        let of = |configured, removed, tag: Option<&str>| ConsumerRecord {
            configured_at: configured,
            removed_at: removed,
            tag: tag.map(str::to_owned),
            ..ConsumerRecord::default()
        };
        let consumers = [
            ("dotenv.new", of(None, None, None)),
            ("dotenv.set", of(Some(at(1)), None, None)),
            ("dotenv.out", of(Some(at(1)), Some(at(2)), Some("api_key.old/dotenv.out"))),
        ];
        let consumers = consumers.map(|(id, record)| (id.parse().unwrap(), record)).into();
        let lane = LaneRecord { key_id: "apikey_1".to_owned(), consumers, ..LaneRecord::default() };
        let mut state = State::default();
        state.lanes.insert("api_key.ci".parse().unwrap(), lane);
        state.evidence.push(Evidence {
            id: "statement".to_owned(),
            observed_at: at(3),
            weight: Weight::Stated,
            source: String::new(),
            digest: None,
            fact: Fact::Statement {
                key: "api_key.ci".parse().unwrap(),
                consumer: "manual.desk".parse().unwrap(),
                key_id: None,
                rule_id: None,
                by: "Ada".to_owned(),
                statement: "gone".to_owned(),
            },
        });
        state
    }

    #[test]
    fn what_older_versions_recorded_is_bound() {
        let mut state = state();
        state.missing_bindings().iter().for_each(|change| state.apply(change));
        let told: Vec<(&str, &Grant, &str, i64)> = state
            .bindings
            .iter()
            .map(|(id, it)| (id.as_str(), &it.grant, it.marker.as_str(), it.since.as_second()))
            .collect();
        assert_eq!(
            told,
            [
                ("apikey_1/dotenv.out", &Grant::Unresolved, "api_key.old/dotenv.out", 2),
                ("apikey_1/dotenv.set", &Grant::Key, "api_key.ci/dotenv.set", 1),
                ("apikey_1/manual.desk", &Grant::Unresolved, "api_key.ci/manual.desk", 3),
            ]
        );
        assert_eq!(state.missing_bindings(), [], "nothing is bound twice");
    }

    #[test]
    fn what_was_written_counts_until_a_newer_report() {
        let rule = |id: &str| Grant::Rule {
            rule_id: id.to_owned(),
            service_account_id: "svac_1".to_owned(),
            issuer_id: "fdis_1".to_owned(),
            workspace_id: None,
        };
        let id = "dotenv.app".parse().unwrap();
        let mut binding = Binding::new("apikey_1", &"api_key.ci".parse().unwrap(), &id, rule("a"), at(0));
        binding.write(rule("a"), at(1));
        assert_eq!(binding.written, [], "it lives off that already");
        for (second, name) in [(2, "b"), (3, "c"), (4, "a")] {
            binding.write(rule(name), at(second));
        }
        let told = |binding: &Binding| {
            let name = |grant: &Grant| match grant {
                Grant::Rule { rule_id, .. } => rule_id.clone(),
                _ => String::new(),
            };
            binding.grants().map(name).collect::<Vec<_>>().concat()
        };
        assert_eq!(told(&binding), "abca");
        let mut early = binding.clone();
        early.settle(rule("b"), at(2));
        assert_eq!(told(&early), "bca", "what was written later may be taken up yet");
        binding.settle(rule("b"), at(9));
        assert_eq!(told(&binding), "ba", "its settings name that");
        binding.settle(rule("a"), at(10));
        assert_eq!((told(&binding).as_str(), binding.since), ("a", at(10)));
    }

    #[test]
    fn a_binding_outlives_its_lane() {
        let mut state = state();
        state.missing_bindings().iter().for_each(|change| state.apply(change));
        state.apply(&Mutation::DropLane { address: "api_key.ci".parse().unwrap() });
        assert_eq!(state.bindings.len(), 3);
    }
}
