//! What a step that is done changes in what workloads live off.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, ConsumerId, Ended, Grant, LaneRecord, Mutation};

use super::prepare::Context;
use crate::binding::{grant, place, unsaid, words};
use crate::plan::Operation;

/// The change that a step in a consumer makes; none for other steps.
pub(super) fn of(
    operation: &Operation,
    key_id: &str,
    context: &Context<'_>,
    now: Timestamp,
) -> Option<Mutation> {
    let (Operation::Configure { address, consumer }
    | Operation::Unconfigure { address, consumer }
    | Operation::Remove { address, consumer }
    | Operation::Restore { address, consumer, .. }) = operation
    else {
        return None;
    };
    let known = context.state.binding(key_id, consumer);
    let mut binding = match known {
        Some(known) if known.ended.is_none() => known.clone(),
        // Who gets settings or loses a key is not gone; our lines in the place bear what they bore.
        Some(ended) => Binding { since: now, ended: None, ..ended.clone() },
        None => Binding::new(key_id, address, consumer, Grant::Key, now),
    };
    match operation {
        Operation::Configure { .. } => {
            binding.place = here(address, consumer, context);
            binding.settings = context.settings(address, consumer).into_iter().flatten().collect();
            if !binding.has_key() {
                binding.write(declared(address, consumer, &binding, context), now);
            }
        }
        Operation::Unconfigure { .. } => binding.settings = BTreeMap::new(),
        Operation::Remove { .. } => {
            binding.place = here(address, consumer, context);
            binding.written.retain(|written| written.grant != Grant::Key);
            let grant = declared(address, consumer, &binding, context);
            match binding.grant {
                Grant::Key => binding.settle(grant, now),
                // The key was out before: what it lives off shows elsewhere.
                Grant::Rule { .. } | Grant::Unresolved => binding.write(grant, now),
            }
        }
        // It goes on with what it lived off until it reads its key again.
        _ => binding.write(Grant::Key, now),
    }
    let is_over = binding.grant == Grant::Key && binding.settings.is_empty();
    match (is_over, known) {
        (true, Some(_)) => Some(Mutation::DropBinding { id: binding.id() }),
        (true, None) => None,
        (false, _) => Some(binding.put()),
    }
}

fn here(lane: &Address, consumer: &ConsumerId, context: &Context<'_>) -> Option<String> {
    let declared = context.configuration.api_keys.get(lane)?.consumers.get(consumer)?;
    Some(place(consumer, &declared.driver))
}

/// What a workload lives off that has just lost its key: the rule that its block names.
fn declared(lane: &Address, consumer: &ConsumerId, binding: &Binding, context: &Context<'_>) -> Grant {
    let declared = context.configuration.api_keys.get(lane).and_then(|key| key.consumers.get(consumer));
    let rule = declared.and_then(|declared| context.state.records.get(&declared.rule));
    let workspace = binding.settings.get("ANTHROPIC_WORKSPACE_ID").map(String::as_str);
    rule.map_or(Grant::Unresolved, |rule| grant(rule, workspace))
}

/// What forgetting a lane changes. What putting a key back needs stays, as long as a workload is without.
pub(super) fn forgotten(lane: &Address, context: &Context<'_>) -> Vec<Mutation> {
    let address = lane.clone();
    let Some(record) = context.state.lanes.get(lane) else { return vec![Mutation::DropLane { address }] };
    let of_key = || context.state.bindings.values().filter(|binding| binding.key_id == record.key_id);
    if of_key().any(|binding| binding.ended.is_none() && binding.grant != Grant::Key) {
        return vec![Mutation::PutLane { address, lane: LaneRecord { forgotten: true, ..record.clone() } }];
    }
    let over = of_key().filter(|binding| binding.ended.is_some());
    let dropped = over.map(|binding| Mutation::DropBinding { id: binding.id() });
    let said = unsaid(lane, context.state);
    std::iter::once(Mutation::DropLane { address }).chain(dropped).chain(said).collect()
}

/// What the end of a record changes: a workload that was given up has nothing any more, one that was on
/// its way to another rule lives off that, and the word is used up.
pub(super) fn archived(
    address: &Address,
    operation: &Operation,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Mutation> {
    let mut changes = vec![Mutation::DropRecord { address: address.clone() }];
    let record = context.state.records.get(address);
    let (Some(record), Operation::Archive { .. }) = (record, operation) else { return changes };
    let words = words(context.state, now);
    let Some(word) = words.get(record.id.as_str()) else { return changes };
    let names = |grant: &Grant| matches!(grant, Grant::Rule { rule_id, .. } if *rule_id == record.id);
    for known in context.state.bindings.values().filter(|it| it.ended.is_none() && it.grants().any(names)) {
        let mut binding = known.clone();
        binding.written.retain(|written| !names(&written.grant));
        if names(&binding.grant) {
            match binding.written.pop() {
                Some(next) => binding.settle(next.grant, next.at),
                None => binding.ended = Some(Ended { at: now, by: word.by.to_owned() }),
            }
        }
        let is_recorded = context.state.lanes.values().any(|lane| lane.key_id == binding.key_id);
        let uses_key = binding.grant == Grant::Key && binding.settings.is_empty();
        changes.push(match uses_key || binding.ended.is_some() && !is_recorded {
            true => Mutation::DropBinding { id: binding.id() },
            // The record of a lane without a binding would be taken for one of an older version.
            false => binding.put(),
        });
    }
    changes.push(Mutation::DropEvidence { id: word.id.to_owned() });
    changes
}
