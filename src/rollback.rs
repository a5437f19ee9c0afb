//! The way back: from what is recorded now to a checkpoint, or to nothing at all.
//!
//! Pure. The steps come from the difference of two states, so they are right whatever happened in
//! between. The key comes first: it works again and is back in its place before anything that
//! replaced it goes.

mod dead;
mod hold;
mod operations;
mod spare;

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, ConsumerId, Grant, Kind, LaneRecord, Origin, Record, State};
use serde_json::Value;

use crate::binding::{self, Ask};
use crate::config::{Configuration, PutBack};
use crate::lane::{Presence, Stage};
use crate::plan::{Action, Attributes, Change, Operation, Reason, Step, Undo};

pub use dead::dead_keys;
pub use hold::{hold_asked, holds};
pub(crate) use operations::operations_to;
pub use spare::spare;

/// The steps of a way back, what they change, and what stays behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WayBack {
    /// The steps in an order that holds.
    pub steps: Vec<Step>,
    /// What is done with each thing.
    pub changes: Vec<Change>,
    /// What cannot be taken back, one sentence each.
    pub residue: Vec<String>,
    /// What a person is asked to put back.
    pub asks: Vec<Ask>,
}

/// Whether the key is in each consumer, as far as anybody looked.
pub type Presences = BTreeMap<(Address, ConsumerId), Presence>;

/// The way from `now` to `then`. For a destroy, `then` is an empty state.
pub fn way_back(
    now: &State,
    then: &State,
    configuration: &Configuration,
    presence: &Presences,
    reason: Reason,
) -> WayBack {
    let asks = binding::asks(now, then, configuration);
    let mut back = Planner {
        asked: asks.iter().map(|ask| (ask.key_id.clone(), ask.consumer.clone())).collect(),
        back: WayBack { asks, ..WayBack::default() },
        configuration,
        presence,
        now,
        then,
        reason,
        restored: Vec::new(),
        stranded: false,
    };
    let empty = LaneRecord::default();
    for (address, lane) in &now.lanes {
        // A lane of another key that had this name says nothing of this one.
        let before = then.lanes.get(address).filter(|before| before.key_id == lane.key_id);
        back.lane(address, lane, before.unwrap_or(&empty), before.is_none());
    }
    for (address, record) in &now.records {
        if let Some(old) = then.records.get(address)
            && old.id == record.id
            && old.attributes != record.attributes
        {
            back.change_back(address, record, old);
        }
    }
    for (address, record) in &then.records {
        if !now.records.contains_key(address) {
            let line = format!("{address} ({}) was archived since and cannot come back", record.id);
            back.back.residue.push(line);
        }
    }
    if back.stranded && now.records.keys().any(|address| !then.records.contains_key(address)) {
        let line = "what was created since stays: a workload without its key lives off it";
        back.back.residue.push(line.to_owned());
        return back.back;
    }
    let mut made: Vec<(&Address, &Record)> =
        now.records.iter().filter(|(address, _)| !then.records.contains_key(address)).collect();
    made.sort_by_key(|(address, _)| (archive_order(address.kind()), (*address).clone()));
    for (address, record) in made {
        back.archive(address, record, now);
    }
    back.back
}

fn archive_order(kind: Kind) -> u8 {
    match kind {
        Kind::ApiKey | Kind::Data => 0,
        Kind::FederationRule => 1,
        Kind::Provider => 2,
        Kind::ServiceAccount => 3,
    }
}

struct Planner<'a> {
    back: WayBack,
    configuration: &'a Configuration,
    presence: &'a Presences,
    now: &'a State,
    then: &'a State,
    reason: Reason,
    restored: Vec<String>,
    /// What a person is asked to put back, by key and consumer.
    asked: BTreeSet<(String, ConsumerId)>,
    /// Whether a workload cannot get its key back and so lives off what replaced it.
    stranded: bool,
}

impl Planner<'_> {
    fn step(&mut self, stage: Stage, operation: Operation, after: Vec<String>, undo: Undo) -> String {
        let target = operation.target();
        let id = match target.part.as_str() {
            "" => format!("{}/{}", operation.word(), target.address),
            part => format!("{}/{}/{part}", operation.word(), target.address),
        };
        self.back.steps.push(Step { id: id.clone(), stage, lane: None, operation, after, undo });
        id
    }

    fn changed(
        &mut self,
        address: &Address,
        action: Action,
        before: Option<Attributes>,
        after: Option<Attributes>,
    ) {
        self.back.changes.push(Change {
            address: address.clone(),
            action,
            reason: self.reason,
            before,
            after,
            unknown: Vec::new(),
        });
    }

    fn lane(&mut self, address: &Address, lane: &LaneRecord, before: &LaneRecord, forget: bool) {
        let forget = forget && self.reason == Reason::Destroy;
        if lane.archived_at.is_some() && before.archived_at.is_none() {
            let mut bound = self.now.bindings.values().filter(|it| it.key_id == lane.key_id).peekable();
            if bound.peek().is_some() && bound.all(|binding| binding.ended.is_some()) {
                // All its workloads are gone.
                self.forget(address, forget);
                return;
            }
            let line = format!("{address}: the key {} is archived and can never work again", lane.key_id);
            self.back.residue.push(line);
            self.stranded = true;
            return;
        }
        let mut after: Vec<String> = Vec::new();
        let mut touched = false;
        let again = Undo::Possible { how: "apply again".to_owned(), leaves: String::new() };
        if lane.disabled_at.is_some() && before.disabled_at.is_none() {
            let operation = Operation::Enable { address: address.clone(), id: lane.key_id.clone() };
            after.push(self.step(Stage::Revoke, operation, Vec::new(), again.clone()));
            self.restored.extend(after.iter().cloned());
            touched = true;
        }
        let none = keyless_state::ConsumerRecord::default();
        for (id, consumer) in &lane.consumers {
            let was = before.consumers.get(id).unwrap_or(&none);
            if self.is_given_up(&lane.key_id, id) {
                continue;
            }
            let mut chain = after.clone();
            let written = |state: &State, record: &keyless_state::ConsumerRecord| {
                let bound = state.binding(&lane.key_id, id).is_some_and(|it| !it.settings.is_empty());
                record.configured_at.is_some() || bound
            };
            let is_written = written(self.now, consumer) && !written(self.then, was);
            // Settings go only beside a key. Where somebody else took it out, it comes back first.
            let binding = self.now.binding(&lane.key_id, id);
            let moved = binding.is_some_and(|it| it.grants().any(|grant| *grant != Grant::Key));
            let is_out = consumer.removed_at.is_some()
                || ((is_written || moved) && self.is_seen_without_key(address, id));
            if is_out && was.removed_at.is_none() {
                if self.is_asked(&lane.key_id, id) || self.is_back_by_hand(address, id) {
                    continue;
                }
                if let Some(why) = self.cannot_restore(address, id) {
                    self.stranded = true;
                    self.back
                        .residue
                        .push(format!("{address}: the key has to be put back into {id} by hand: {why}"));
                    continue;
                }
                let operation = Operation::Restore {
                    address: address.clone(),
                    consumer: id.clone(),
                    receipt: consumer.receipt.clone(),
                };
                chain = vec![self.step(Stage::Remove, operation, chain, again.clone())];
                touched = true;
            }
            if is_written && is_out && was.removed_at.is_some() {
                let line =
                    format!("{address}: the federation settings in {id} stay, since its key was out then");
                self.back.residue.push(line);
                continue;
            }
            if let Some(place) = self.displaced(address, id).filter(|_| is_written) {
                let line = format!(
                    "{address}: the settings in `{place}` have to be taken out by hand: {id} names another place by now"
                );
                self.back.residue.push(line);
                continue;
            }
            if is_written {
                let operation = Operation::Unconfigure { address: address.clone(), consumer: id.clone() };
                chain = vec![self.step(Stage::Configure, operation, chain, again.clone())];
                touched = true;
            }
            self.restored.extend(chain);
        }
        if touched {
            let status = |word: &str| Some(Attributes::from_iter([("status".to_owned(), Value::from(word))]));
            let was = if lane.disabled_at.is_some() { "inactive" } else { "active" };
            self.changed(address, Action::Update, status(was), status("active"));
        }
        self.forget(address, forget);
    }

    fn forget(&mut self, address: &Address, forget: bool) {
        if forget {
            let after = self.restored.clone();
            self.step(Stage::Revoke, Operation::Forget { address: address.clone() }, after, Undo::Nothing);
        }
    }

    /// Whether a person said that the workload is gone.
    fn is_given_up(&self, key_id: &str, consumer: &ConsumerId) -> bool {
        self.now.binding(key_id, consumer).is_some_and(|binding| binding.ended.is_some())
    }

    /// Whether a person is asked to put a key back.
    fn is_asked(&self, key_id: &str, consumer: &ConsumerId) -> bool {
        self.asked.contains(&(key_id.to_owned(), consumer.clone()))
    }

    /// Whether a key is seen in a place into which only a person can have put it.
    fn is_back_by_hand(&self, key: &Address, id: &ConsumerId) -> bool {
        let consumer = self.configuration.api_keys.get(key).and_then(|key| key.consumers.get(id));
        let by_driver = consumer.is_none_or(|it| matches!(it.driver.put_back(), PutBack::ByDriver(_)));
        !by_driver
            && self.displaced(key, id).is_none()
            && self.presence.get(&(key.clone(), id.clone())) == Some(&Presence::Present)
    }

    /// Whether a place was looked into and is not known to hold the key.
    fn is_seen_without_key(&self, key: &Address, id: &ConsumerId) -> bool {
        let seen = self.presence.get(&(key.clone(), id.clone()));
        seen.is_some_and(|presence| *presence != Presence::Present)
    }

    /// The recorded place of a consumer whose block names another one.
    fn displaced(&self, key: &Address, id: &ConsumerId) -> Option<String> {
        let declared = self.configuration.api_keys.get(key)?;
        let binding = self.now.binding(&declared.id, id);
        binding::displaced(id, declared.consumers.get(id)?, binding).map(str::to_owned)
    }

    fn cannot_restore(&self, key: &Address, id: &ConsumerId) -> Option<String> {
        let consumer = self.configuration.api_keys.get(key).and_then(|key| key.consumers.get(id));
        if let Some(place) = self.displaced(key, id) {
            return Some(format!("its block names another place than `{place}` by now"));
        }
        match consumer.map(|consumer| consumer.driver.put_back()) {
            None => Some("it is no longer declared".to_owned()),
            Some(PutBack::ByPerson(why) | PutBack::Impossible(why)) => Some(why),
            Some(PutBack::ByDriver(_)) => None,
        }
    }

    fn change_back(&mut self, address: &Address, now: &Record, then: &Record) {
        let again = Undo::Possible { how: "apply again".to_owned(), leaves: String::new() };
        let operations = operations_to(address, now, then);
        if operations.is_empty() {
            return;
        }
        // A change can cut a workload off as an archive can, so the keys are back before it too.
        let mut after = self.restored.clone();
        for operation in operations {
            after = vec![self.step(Stage::Configure, operation, after, again.clone())];
        }
        self.changed(address, Action::Update, Some(now.attributes.clone()), Some(then.attributes.clone()));
    }

    fn archive(&mut self, address: &Address, record: &Record, now: &State) {
        // A rule that is not ours stays, and what it stands on stays with it.
        let stood_on = now
            .records
            .values()
            .any(|other| other.origin == Origin::Adopted && other.depends_on.contains(address));
        let ours = record.origin == Origin::Created && !stood_on;
        let users: Vec<String> = now
            .records
            .iter()
            .filter(|(_, other)| other.depends_on.contains(address))
            .flat_map(|(user, _)| {
                let about = |step: &&Step| step.operation.target().address == user;
                self.back.steps.iter().filter(about).map(|step| step.id.clone()).collect::<Vec<_>>()
            })
            .collect();
        let after: Vec<String> = self.restored.iter().cloned().chain(users).collect();
        let (action, operation, undo) = if ours {
            let why = "an archived object cannot come back; a successor gets a new id".to_owned();
            (Action::Archive, Operation::Archive { address: address.clone() }, Undo::Impossible { why })
        } else {
            (Action::Forget, Operation::Forget { address: address.clone() }, Undo::Nothing)
        };
        self.changed(address, action, Some(record.attributes.clone()), None);
        self.step(Stage::Revoke, operation, after, undo);
    }
}

#[cfg(test)]
mod tests;
