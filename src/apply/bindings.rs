//! What a step that is done changes in what workloads live off.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, ConsumerId, Ended, Grant, Mutation};

use super::prepare::Context;
use crate::binding::{grant, place, word};
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
        // Our lines in the place may still bear what they bore.
        Some(ended) => Binding { grant: Grant::Key, since: now, ended: None, ..ended.clone() },
        None => Binding::new(key_id, address, consumer, Grant::Key, now),
    };
    match operation {
        Operation::Configure { .. } => {
            binding.place = here(address, consumer, context);
            binding.settings = context.settings(address, consumer).into_iter().flatten().collect();
        }
        Operation::Unconfigure { .. } => binding.settings = BTreeMap::new(),
        Operation::Remove { .. } => {
            binding.place = here(address, consumer, context);
            binding.grant = declared(address, consumer, &binding, context);
            binding.since = now;
        }
        _ => {
            binding.grant = Grant::Key;
            binding.since = now;
        }
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

/// What forgetting a lane changes: bindings stay, those apart that somebody's word has ended.
pub(super) fn forgotten(lane: &Address, context: &Context<'_>) -> Vec<Mutation> {
    let key_id = context.state.lanes.get(lane).map(|lane| &lane.key_id);
    let over = context.state.bindings.values().filter(|it| Some(&it.key_id) == key_id && it.ended.is_some());
    let dropped = over.map(|it| Mutation::DropBinding { id: it.id() });
    std::iter::once(Mutation::DropLane { address: lane.clone() }).chain(dropped).collect()
}

/// What the end of a record changes: with an object that is archived end the bindings that a person gave
/// up, and that word is used up.
pub(super) fn archived(
    address: &Address,
    operation: &Operation,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Mutation> {
    let mut changes = vec![Mutation::DropRecord { address: address.clone() }];
    let record = context.state.records.get(address);
    let (Some(record), Operation::Archive { .. }) = (record, operation) else { return changes };
    for binding in context.state.bindings.values().filter(|binding| binding.ended.is_none()) {
        let object = match &binding.grant {
            Grant::Rule { rule_id, .. } if *rule_id == record.id => rule_id,
            Grant::Unresolved => &binding.key_id,
            Grant::Rule { .. } | Grant::Key => continue,
        };
        let Some(word) = word(context.state, object, now) else { continue };
        let is_recorded = context.state.lanes.values().any(|lane| lane.key_id == binding.key_id);
        changes.push(match is_recorded {
            // The record of a lane without a binding would be taken for one of an older version.
            true => {
                Binding { ended: Some(Ended { at: now, by: word.by.to_owned() }), ..binding.clone() }.put()
            }
            false => Mutation::DropBinding { id: binding.id() },
        });
    }
    let used = word(context.state, &record.id, now);
    changes.extend(used.map(|word| Mutation::DropEvidence { id: word.id.to_owned() }));
    changes
}
