//! Keys that would be put back and do not work.

use std::collections::BTreeSet;

use keyless_state::{Address, State};

use super::WayBack;
use crate::plan::Operation;
use crate::resource::{KeyStatus, Observed};

/// Why a way back cannot be taken as the world is: keys that would be put back and do not work.
/// Somebody else set them inactive, and that stays their choice.
pub fn dead_keys(back: &WayBack, now: &State, observed: &Observed) -> Vec<String> {
    let enabled: BTreeSet<&Address> = back
        .steps
        .iter()
        .filter_map(|step| match &step.operation {
            Operation::Enable { address, .. } => Some(address),
            _ => None,
        })
        .collect();
    let restored = back.steps.iter().filter_map(|step| match &step.operation {
        Operation::Restore { address, .. } => Some((address, now.lanes.get(address)?.key_id.as_str())),
        _ => None,
    });
    let mut dead: Vec<String> = Vec::new();
    let asked = back.asks.iter().map(|ask| (&ask.lane, ask.key_id.as_str()));
    for (address, id) in restored.chain(asked) {
        if let Some(object) = observed.unreadable.get(id) {
            dead.push(format!("{address}: the key {id} cannot be read: {}", object.why));
            continue;
        }
        let status = observed.api_keys.get(id).map(|key| &key.status);
        if status != Some(&KeyStatus::Active) && !enabled.contains(address) {
            let word = status.map_or("not listed", KeyStatus::word);
            dead.push(format!("{address}: the key {id} is {word}, and keyless did not do that; put back, it would win over federation and not work"));
        }
    }
    dead.sort();
    dead.dedup();
    dead
}
