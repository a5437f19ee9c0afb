//! Places into which only a person can put a key back.

use keyless_state::{Binding, LaneRecord, State};

use super::{displaced, live};
use crate::config::{Configuration, ConsumerDriver, PutBack};

/// How a person puts the key of a workload back where no driver does. None where one does, and where its block
/// is gone or names another place.
pub fn by_hand(binding: &Binding, configuration: &Configuration) -> Option<String> {
    let key = configuration.api_keys.get(&binding.lane).filter(|key| key.id == binding.key_id)?;
    let consumer = key.consumers.get(&binding.consumer)?;
    if displaced(&binding.consumer, consumer, Some(binding)).is_some() {
        return None;
    }
    put_back_by_person(&consumer.driver)
}

/// How a person puts a key back where no driver does.
pub(super) fn put_back_by_person(driver: &ConsumerDriver) -> Option<String> {
    match driver.put_back() {
        // What a block says to persons is how the key is taken out.
        PutBack::ByPerson(how) => Some(format!("the reverse of \"{how}\"")),
        PutBack::Impossible(why) => Some(why),
        PutBack::ByDriver(_) => None,
    }
}

/// Whether the key of a workload is back, or asked back of a person, while it may live off something else yet.
pub fn is_coming_back(binding: &Binding, state: &State, configuration: &Configuration) -> bool {
    binding.key_back_at().is_some() || is_asked_back(binding, state, configuration)
}

/// Whether a person is asked to put a key back: a way back was taken, and no driver does it.
pub(super) fn is_asked_back(binding: &Binding, state: &State, configuration: &Configuration) -> bool {
    lane_of(binding, state).is_some_and(|lane| lane.held)
        && !binding.has_key()
        && by_hand(binding, configuration).is_some()
}

/// What is recorded of the lane of a workload.
pub(super) fn lane_of<'a>(binding: &Binding, state: &'a State) -> Option<&'a LaneRecord> {
    state.lanes.get(&binding.lane).filter(|lane| lane.key_id == binding.key_id)
}

/// Workloads whose keys are back, or asked back, and that may live off something else yet.
pub fn coming_back<'a>(
    state: &'a State,
    configuration: &'a Configuration,
) -> impl Iterator<Item = &'a Binding> {
    live(state).filter(|binding| is_coming_back(binding, state, configuration))
}
