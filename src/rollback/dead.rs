//! Keys that would be put back and do not work.

use keyless_state::{Address, State};

use super::WayBack;
use crate::plan::Operation;
use crate::resource::{KeyStatus, Observed};

/// Why a way back cannot be taken as the world is: keys that would be put back and do not work.
/// Somebody else set them inactive, and that stays their choice.
pub fn dead_keys(back: &WayBack, now: &State, observed: &Observed) -> Vec<String> {
    let enables = |lane: &Address| {
        back.steps
            .iter()
            .any(|step| matches!(&step.operation, Operation::Enable { address, .. } if address == lane))
    };
    let mut dead: Vec<String> = Vec::new();
    for step in &back.steps {
        let Operation::Restore { address, .. } = &step.operation else { continue };
        let id = now.lanes.get(address).map(|lane| lane.key_id.as_str()).unwrap_or_default();
        if let Some(object) = observed.unreadable.get(id) {
            dead.push(format!("{address}: the key {id} cannot be read: {}", object.why));
            continue;
        }
        let status = observed.api_keys.get(id).map(|key| &key.status);
        if status != Some(&KeyStatus::Active) && !enables(address) {
            let word = status.map_or("not listed", KeyStatus::word);
            dead.push(format!("{address}: the key {id} is {word}, and keyless did not do that; put back, it would win over federation and not work"));
        }
    }
    dead.dedup();
    dead
}
