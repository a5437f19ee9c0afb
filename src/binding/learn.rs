//! Bindings kept in step with what is seen: what older records left open, what workloads report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyless_state::{
    Address, Binding, ConsumerId, Evidence, Fact, Grant, Identity, LaneRecord, Mutation, Record, State,
    Winner,
};

use super::by_hand::put_back_by_person;
use super::moved::{displaced, may_be_moved};
use super::{Word, grant, live, place, words};
use crate::config::{Configuration, Consumer, ConsumerDriver};
use crate::lane::Presence;
use crate::limits;

/// Federation settings found in consumers.
pub type Found = BTreeMap<(Address, ConsumerId), BTreeMap<String, String>>;

/// Consumers in whose places there are lines of ours.
pub type Marked = BTreeSet<(Address, ConsumerId)>;

/// What is known of bindings by now and is not recorded yet.
pub fn learn(
    configuration: &Configuration,
    state: &State,
    found: &Found,
    marked: &Marked,
    presence: &BTreeMap<(Address, ConsumerId), Presence>,
    now: Timestamp,
) -> Vec<Mutation> {
    let mut learnt = Vec::new();
    let mut told: BTreeMap<(&Address, &ConsumerId), Vec<&Evidence>> = BTreeMap::new();
    for evidence in &state.evidence {
        if let Fact::CredentialReport { key, consumer, .. } | Fact::Statement { key, consumer, .. } =
            &evidence.fact
        {
            told.entry((key, consumer)).or_default().push(evidence);
        }
    }
    let mut of_settings: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for evidence in &state.evidence {
        if let Fact::SettingsStatement { key_id, place, .. } = &evidence.fact {
            of_settings.insert((key_id, place), evidence.observed_at);
        }
    }
    let records: BTreeMap<&str, &Record> =
        state.records.values().map(|record| (record.id.as_str(), record)).collect();
    let words = words(state, now);
    for (lane, key) in &configuration.api_keys {
        let known_lane = state.lanes.get(lane).filter(|it| it.key_id == key.id);
        let mut record = known_lane.map(|known| LaneRecord { forgotten: false, ..known.clone() });
        for (id, consumer) in &key.consumers {
            let told = told.get(&(lane, id)).into_iter().flatten().copied();
            let told: Vec<&Evidence> = told.filter(|it| it.fact.is_about(lane, &key.id, id)).collect();
            let at = (lane.clone(), id.clone());
            let known = state.binding(&key.id, id);
            let here = place(id, &consumer.driver);
            // Our lines are where the block says: somebody moved the file.
            let is_moved = |known: &String| marked.contains(&at) && may_be_moved(known, &here);
            let before = displaced(id, consumer, known).map(str::to_owned);
            // What is seen elsewhere says nothing of the place that is recorded.
            let is_there = before.is_none_or(|before| is_moved(&before));
            let (found, holds) = (found.get(&at), presence.get(&at));
            let (found, holds) = (found.filter(|_| is_there), holds.filter(|_| is_there));
            let of_settings = of_settings.get(&(key.id.as_str(), here.as_str())).copied();
            let last = told.iter().map(|evidence| evidence.observed_at).max().max(of_settings);
            let seen = Seen { lane, id, consumer, state, told: &told, last, records: &records, found, holds };
            let known_or_shown = known.cloned().or_else(|| seen.vouched_for(&key.id));
            let Some(mut binding) = known_or_shown.or_else(|| seen.federating(&key.id, now)) else {
                continue;
            };
            // A lane that was forgotten may be declared again under another name.
            binding.lane.clone_from(lane);
            if binding.place.as_ref().is_none_or(is_moved) {
                binding.place = Some(here);
            }
            learnt.extend(seen.revive(&mut binding));
            seen.resolve(&mut binding);
            let had_key = known.is_none_or(Binding::has_key);
            seen.read(&mut binding, now);
            if had_key && !binding.has_key() && holds == Some(&Presence::Absent) {
                learnt.extend(seen.taken_out_again(&mut binding));
            }
            learnt.extend(seen.put_back(&mut binding, record.as_mut(), now));
            seen.follow(&mut binding);
            seen.meet(&mut binding, now);
            learnt.extend(seen.contradicted(&binding, &words));
            if known != Some(&binding) {
                learnt.push(binding.put());
            }
        }
        if let Some(record) = record.filter(|record| Some(record) != known_lane) {
            learnt.push(Mutation::PutLane { address: lane.clone(), lane: record });
        }
    }
    learnt.extend(spent(state));
    learnt
}

/// Forgotten lanes whose workloads were all given up.
fn spent(state: &State) -> Vec<Mutation> {
    let living: BTreeSet<&str> = live(state).map(|binding| binding.key_id.as_str()).collect();
    let mut spent = Vec::new();
    let over = |lane: &LaneRecord| lane.forgotten && !living.contains(lane.key_id.as_str());
    for (address, lane) in state.lanes.iter().filter(|(_, lane)| over(lane)) {
        spent.push(Mutation::DropLane { address: address.clone() });
        let of_key = state.bindings.values().filter(|it| it.key_id == lane.key_id && it.ended.is_some());
        spent.extend(of_key.map(|binding| Mutation::DropBinding { id: binding.id() }));
        spent.extend(unsaid(address, state));
    }
    spent
}

/// What forgets the words of persons about the consumers of a lane that is forgotten: who declares it again says
/// anew what he did.
pub fn unsaid(lane: &Address, state: &State) -> Vec<Mutation> {
    let is_said = |it: &&Evidence| matches!(&it.fact, Fact::Statement { key, .. } | Fact::SettingsStatement { key, .. } if key == lane);
    let said = state.evidence.iter().filter(is_said);
    said.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }).collect()
}

/// What is seen of one declared consumer.
struct Seen<'a> {
    lane: &'a Address,
    id: &'a ConsumerId,
    consumer: &'a Consumer,
    state: &'a State,
    /// Reports and statements about it.
    told: &'a [&'a Evidence],
    /// The newest of these, or of what a person said of its settings.
    last: Option<Timestamp>,
    /// What is recorded, by the ids of the API.
    records: &'a BTreeMap<&'a str, &'a Record>,
    found: Option<&'a BTreeMap<String, String>>,
    /// Whether its key is in its place.
    holds: Option<&'a Presence>,
}

impl<'a> Seen<'a> {
    /// A consumer that only a person reaches is bound by that person's word, of after the last way back.
    fn vouched_for(&self, key_id: &str) -> Option<Binding> {
        let lane = self.state.lanes.get(self.lane).filter(|lane| lane.key_id == key_id);
        let back = lane.and_then(|lane| lane.rolled_back_at);
        let stated = self.stated().filter(|stated| Some(stated.observed_at) > back)?;
        // Nobody lives off a rule that was never there.
        self.declared()?;
        Some(Binding::new(key_id, self.lane, self.id, Grant::Unresolved, stated.observed_at))
    }

    fn stated(&self) -> Option<&'a Evidence> {
        let is_it = |evidence: &&Evidence| matches!(&evidence.fact, Fact::Statement { .. });
        let is_manual = self.consumer.driver.is_manual();
        self.told.iter().copied().filter(is_it).max_by_key(|it| it.observed_at).filter(|_| is_manual)
    }

    /// The rule that a person's word is about: that says nothing of another one. Older versions did not
    /// record it.
    fn stated_rule(&self) -> Option<&'a str> {
        match &self.stated()?.fact {
            Fact::Statement { rule_id, .. } => rule_id.as_deref(),
            _ => None,
        }
    }

    /// The newest report by which the workload federates: when, and through which rule.
    fn reported(&self) -> Option<(Timestamp, &'a str)> {
        let newest = self.told.iter().filter_map(|evidence| match &evidence.fact {
            Fact::CredentialReport { winner, rule_id, .. } => {
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
        self.records.get(rule_id).copied()
    }

    fn declared(&self) -> Option<&'a Record> {
        self.state.records.get(&self.consumer.rule)
    }

    fn setting(&self, name: &str) -> Option<&'a String> {
        self.found.and_then(|found| found.get(name))
    }

    /// A place without its key, in which there are settings of ours: its workload lives off what these name, also
    /// where it had gone back to its key for good. Where nobody reads its settings, and its key was back and is gone
    /// again, that is the rule of its block.
    fn federating(&self, key_id: &str, now: Timestamp) -> Option<Binding> {
        if self.holds != Some(&Presence::Absent) {
            return None;
        }
        let named = self.setting("ANTHROPIC_FEDERATION_RULE_ID").and_then(|id| self.by_id(id));
        let rule = named.or_else(|| self.declared().filter(|_| self.lost_again(key_id)))?;
        let workspace = self.setting("ANTHROPIC_WORKSPACE_ID").map(String::as_str);
        Some(Binding::new(key_id, self.lane, self.id, grant(rule, workspace), now))
    }

    /// Whether a key that keyless had put back is gone from a place whose settings nobody reads.
    fn lost_again(&self, key_id: &str) -> bool {
        let lane = self.state.lanes.get(self.lane).filter(|lane| lane.key_id == key_id);
        !self.reads_settings()
            && lane.is_some_and(|lane| {
                lane.rolled_back_at.is_some()
                    && lane.consumers.get(self.id).is_some_and(|it| it.removed_at.is_none())
            })
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
        let named = named.or_else(|| self.reported().map(|(_, rule)| rule)).or_else(|| self.stated_rule());
        let rule = named.map_or_else(|| self.declared(), |rule| self.by_id(rule));
        if let Some(rule) = rule {
            let workspace = self.setting("ANTHROPIC_WORKSPACE_ID").map(String::as_str);
            binding.grant = grant(rule, workspace);
        }
    }

    /// A workload that was given up and is seen again was not gone, and that word says nothing any more.
    fn revive(&self, binding: &mut Binding) -> Vec<Mutation> {
        if binding.ended.as_ref().is_none_or(|ended| self.last <= Some(ended.at)) {
            return Vec::new();
        }
        binding.ended = None;
        let is_it = |evidence: &&Evidence| matches!(&evidence.fact, Fact::Retirement { object_id, .. } if *object_id == binding.key_id);
        let words = self.state.evidence.iter().filter(is_it);
        words.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }).collect()
    }

    /// What was said of a workload while it had its key says nothing any more, once that is gone.
    fn taken_out_again(&self, binding: &mut Binding) -> Vec<Mutation> {
        binding.ended = None;
        let rules: BTreeSet<&str> = binding
            .grants()
            .filter_map(|grant| match grant {
                Grant::Rule { rule_id, .. } => Some(rule_id.as_str()),
                Grant::Key | Grant::Unresolved => None,
            })
            .collect();
        let is_it = |evidence: &&Evidence| {
            matches!(&evidence.fact, Fact::Retirement { object_id, .. }
                if *object_id == binding.key_id || rules.contains(object_id.as_str()))
        };
        let words = self.state.evidence.iter().filter(is_it);
        words.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }).collect()
    }

    /// Words by which a person gave up what it may live off, although it is seen since.
    fn contradicted(&self, binding: &Binding, words: &BTreeMap<&str, Word<'_>>) -> Vec<Mutation> {
        let about = binding.grants().filter_map(|grant| match grant {
            Grant::Rule { rule_id, .. } => words.get(rule_id.as_str()),
            Grant::Key | Grant::Unresolved => None,
        });
        let contradicted = about.filter(|word| self.last.is_some_and(|last| last > word.at));
        contradicted.map(|word| Mutation::DropEvidence { id: word.id.to_owned() }).collect()
    }

    /// Notes what the settings in the place name, whoever wrote them.
    fn read(&self, binding: &mut Binding, now: Timestamp) {
        let is_out = self.holds == Some(&Presence::Absent);
        if binding.has_key() && !is_out {
            return;
        }
        if binding.grant != Grant::Key {
            binding.written.retain(|written| written.grant != Grant::Key);
        }
        let Some(rule) = self.setting("ANTHROPIC_FEDERATION_RULE_ID").and_then(|id| self.by_id(id)) else {
            return;
        };
        let named = grant(rule, self.setting("ANTHROPIC_WORKSPACE_ID").map(String::as_str));
        // Somebody took its key out, so that it lives off what its settings name.
        match binding.grant {
            Grant::Key => binding.settle(named, now),
            Grant::Rule { .. } | Grant::Unresolved => binding.write(named, now),
        }
    }

    /// Notes that somebody put a key back: one that keyless had not taken out, or that it asked back.
    ///
    /// Where nobody reads the settings, one that came back unasked may be all that its workload has: what a person
    /// said of its settings is forgotten.
    fn put_back(
        &self,
        binding: &mut Binding,
        lane: Option<&mut LaneRecord>,
        now: Timestamp,
    ) -> Vec<Mutation> {
        let is_rule = matches!(binding.grant, Grant::Rule { .. });
        if self.holds != Some(&Presence::Present) || !is_rule || binding.has_key() {
            return Vec::new();
        }
        let Some(lane) = lane else { return Vec::new() };
        let is_asked = lane.held && put_back_by_person(&self.consumer.driver).is_some();
        let Some(record) = lane.consumers.get_mut(self.id) else { return Vec::new() };
        if record.removed_at.is_none() || is_asked {
            (record.removed_at, record.receipt) = (None, None);
            binding.write(Grant::Key, now);
        } else if !self.reads_settings() {
            binding.write(Grant::Key, now);
            let here = place(self.id, &self.consumer.driver);
            let is_it = |evidence: &&Evidence| {
                matches!(&evidence.fact, Fact::SettingsStatement { key_id, place, .. }
                    if *key_id == binding.key_id && *place == here)
            };
            let words = self.state.evidence.iter().filter(is_it);
            return words.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }).collect();
        }
        Vec::new()
    }

    fn reads_settings(&self) -> bool {
        matches!(self.consumer.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. })
    }

    /// Takes over what a workload shows that it lives off something else by now.
    fn follow(&self, binding: &mut Binding) {
        if !matches!(binding.grant, Grant::Rule { .. }) {
            return;
        }
        // A report names the rule and not the workspace.
        let of = |rule: &Record| {
            let is_it = |grant: &&Grant| matches!(grant, Grant::Rule { rule_id, .. } if *rule_id == rule.id);
            let mut known: Vec<&Grant> = binding.grants().filter(is_it).collect();
            known.dedup();
            match known[..] {
                [] => Some(grant(rule, None)),
                [only] => Some(only.clone()),
                _ => None,
            }
        };
        let reported = self.reported().filter(|(at, _)| *at > binding.since);
        let by_report = reported.and_then(|(at, rule)| Some((at, of(self.by_id(rule)?)?)));
        // A word may be of the same moment.
        let stated = self.stated().filter(|stated| stated.observed_at >= binding.since);
        let by_word =
            stated.and_then(|stated| Some((stated.observed_at, of(self.by_id(self.stated_rule()?)?)?)));
        if let Some((at, grant)) = by_report.into_iter().chain(by_word).max_by_key(|(at, _)| *at)
            && (grant != binding.grant || !binding.written.is_empty())
        {
            binding.settle(grant, at);
        }
    }

    /// Remembers as whom a workload showed itself lately.
    fn meet(&self, binding: &mut Binding, now: Timestamp) {
        for evidence in self.told {
            let Fact::CredentialReport { identity, .. } = &evidence.fact else { continue };
            if identity.is_empty() {
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
