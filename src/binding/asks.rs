//! Keys that a way back cannot put back itself, so that it asks a person.

use std::fmt;

use keyless_state::{Address, ConsumerId, State};

use super::{by_hand, live};
use crate::config::Configuration;

/// A key that a person is asked to put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its lane.
    pub lane: Address,
    /// `apikey_…`.
    pub key_id: String,
    /// Where it belongs.
    pub consumer: ConsumerId,
    /// How, or why no driver does it.
    pub how: String,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ask { lane, key_id, consumer, how } = self;
        write!(
            f,
            "put the key {key_id} of {lane} back into {consumer} once it is active, and start its workload again: {how}"
        )
    }
}

/// What a person is asked to put back on the way from `now` to `then`.
pub fn asks(now: &State, then: &State, configuration: &Configuration) -> Vec<Ask> {
    let out = live(now).filter(|binding| {
        // A key that is archived can never work again.
        let is_over = now.lanes.get(&binding.lane).is_some_and(|lane| lane.archived_at.is_some());
        let before = then.binding(&binding.key_id, &binding.consumer);
        let was_out = before.is_some_and(|it| it.ended.is_none() && !it.has_key());
        !is_over && !binding.has_key() && !was_out
    });
    let asked = out.filter_map(|binding| {
        let how = by_hand(binding, configuration)?;
        let (lane, key_id) = (binding.lane.clone(), binding.key_id.clone());
        Some(Ask { lane, key_id, consumer: binding.consumer.clone(), how })
    });
    asked.collect()
}
