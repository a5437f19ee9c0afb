//! Keys as things that a plan changes, and what others did to them.

use serde_json::{Value, json};

use super::super::attributes::{self, Attributes};
use super::super::build::PlanInput;
use super::super::change::{Action, Change, Drift, Reason};
use super::super::operation::Operation;
use super::super::plan_data::Step;
use crate::lane::{self, LaneFacts, Presence};
use crate::resource::KeyStatus;

/// What a plan does to a key, its consumers included.
pub(super) fn change(facts: &LaneFacts, steps: &[Step], input: &PlanInput<'_>) -> Change {
    let object = input.observed.api_keys.get(&facts.key.id);
    let mut before: Attributes = object.map(attributes::api_key).unwrap_or_default();
    let consumers = |after: bool| -> Value {
        let word = |consumer: &lane::ConsumerFacts| {
            let goes = steps.iter().any(|step| {
                matches!(&step.operation, Operation::Remove { consumer: id, .. } | Operation::TakeDeadKeyOut { consumer: id, .. } if *id == consumer.id)
            });
            let is_forgotten = steps.iter().any(|step| {
                matches!(&step.operation, Operation::ForgetParked { consumer: id, .. } if *id == consumer.id)
            });
            match (&consumer.presence, goes && after) {
                (Presence::Absent, false) if is_forgotten && !after => "keeps the key parked",
                (_, true) | (Presence::Absent, _) => "free of the key",
                (Presence::Present, _) => "holds the key",
                (Presence::Unknown(_), _) if consumer.removed_at.is_some() => "free of the key",
                (Presence::Unknown(_), _) => "unknown",
            }
        };
        let words = facts.consumers.iter().map(|consumer| (consumer.id.to_string(), json!(word(consumer))));
        Value::Object(words.collect())
    };
    before.insert("consumers".to_owned(), consumers(false));
    let mut after = before.clone();
    after.insert("consumers".to_owned(), consumers(true));
    for step in steps {
        match step.operation {
            Operation::Disable { .. } => after.insert("status".to_owned(), json!("inactive")),
            Operation::ArchiveKey { .. } => after.insert("status".to_owned(), json!("archived")),
            _ => None,
        };
    }
    let takes_out = |step: &Step| {
        matches!(step.operation, Operation::TakeDeadKeyOut { .. } | Operation::ForgetParked { .. })
    };
    let moves = steps.iter().any(|step| step.lane.is_some() || takes_out(step));
    Change {
        address: facts.address.clone(),
        action: if moves { Action::Update } else { Action::NoOp },
        reason: if moves { Reason::Lane } else { Reason::Equal },
        before: Some(before),
        after: Some(after),
        unknown: Vec::new(),
    }
}

/// Keys whose status somebody else changed since it was recorded.
pub(in crate::plan) fn key_drift(input: &PlanInput<'_>) -> Vec<Drift> {
    let mut drift = Vec::new();
    for (address, lane) in input.recorded.lanes.iter().filter(|(_, lane)| !lane.forgotten) {
        let Some(object) = input.observed.api_keys.get(&lane.key_id) else { continue };
        let recorded = match (lane.archived_at, lane.disabled_at) {
            (Some(_), _) => KeyStatus::Archived,
            (None, Some(_)) => KeyStatus::Inactive,
            (None, None) => KeyStatus::Active,
        };
        if object.status == recorded || object.status == KeyStatus::Expired {
            continue;
        }
        let status =
            |word: &str| -> Attributes { Attributes::from_iter([("status".to_owned(), json!(word))]) };
        drift.push(Drift {
            address: address.clone(),
            what: "changed".to_owned(),
            before: status(recorded.word()),
            after: Some(status(object.status.word())),
            by: None,
            at: None,
        });
    }
    drift
}
