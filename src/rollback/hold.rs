//! The lanes that a rollback holds: all in which something is taken back, by a step or not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keyless_state::{Address, Fact, LaneRecord, Mutation, State};

use super::WayBack;
use crate::binding::{self, Ask};
use crate::config::{ApiKey, Configuration};

/// What holds the lanes that go back from `now` to `then`, all of them or `only` one.
///
/// A lane goes back when anything is recorded of it since, when a person stated something about it since,
/// or when one of its rules is changed or archived; no matter whether a step brings its key back.
pub fn holds(
    back: &WayBack,
    (now, then): (&State, &State),
    configuration: &Configuration,
    only: Option<&Address>,
    at: Timestamp,
) -> Vec<Mutation> {
    let asked: BTreeSet<&Address> = back.asks.iter().map(|ask| &ask.lane).collect();
    let goes_back = |address: &Address, key: &ApiKey| {
        let is_stated = now.evidence.iter().any(|evidence| {
            let is_about = matches!(&evidence.fact, Fact::Statement { key, .. } if key == address);
            is_about && !then.evidence.contains(evidence)
        });
        let loses_rule =
            back.steps.iter().any(|step| key.replaced_by.contains(step.operation.target().address));
        is_stated
            || asked.contains(address)
            || loses_rule
            || now.lanes.get(address) != then.lanes.get(address)
    };
    let lanes = configuration.api_keys.iter().filter(|(address, _)| only.is_none_or(|only| only == *address));
    lanes
        .filter(|(address, key)| goes_back(address, key))
        .filter_map(|(address, key)| {
            let known = now.lanes.get(address).cloned().unwrap_or_default();
            // What is archived is at its end.
            known.archived_at.is_none().then(|| {
                // A sign that its key is used again counts from when it was first held.
                let back = known.rolled_back_at.filter(|_| known.held).unwrap_or(at);
                let lane =
                    LaneRecord { key_id: key.id.clone(), rolled_back_at: Some(back), held: true, ..known };
                Mutation::PutLane { address: address.clone(), lane }
            })
        })
        .collect()
}

/// What holds the lanes of these from now on, and those whose keys are back and wait to be used: nothing may take a key
/// out or set it inactive that is being put back.
pub fn hold_asked(asks: &[Ask], state: &State, at: Timestamp) -> Vec<Mutation> {
    let asked = asks.iter().map(|ask| (&ask.lane, &ask.key_id));
    let restored = binding::restored(state).map(|binding| (&binding.lane, &binding.key_id));
    let lanes: BTreeSet<(&Address, &String)> = asked.chain(restored).collect();
    let held = lanes.into_iter().filter_map(|(address, key_id)| {
        let known = state.lanes.get(address);
        // What is recorded of another key of that name is refused elsewhere.
        if known.is_some_and(|known| known.held || known.key_id != *key_id) {
            return None;
        }
        let known = known.cloned().unwrap_or_default();
        let lane = LaneRecord { key_id: key_id.clone(), rolled_back_at: Some(at), held: true, ..known };
        Some(Mutation::PutLane { address: address.clone(), lane })
    });
    held.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reason;
    use crate::rollback::way_back;
    use crate::sample::{CONSUMER, KEY, address, built, consumer_id, evidence, hour, lane};

    /// Which lanes are held on the way back from a state that was changed.
    #[track_caller]
    fn check(change: impl FnOnce(&mut State), expected: &[&str]) {
        let (configuration, then, _) = built();
        let mut now = then.clone();
        change(&mut now);
        let back =
            way_back(&now, &then, &configuration, &std::collections::BTreeMap::new(), Reason::Rollback);
        for only in [None, Some(address(KEY))] {
            let found = holds(&back, (&now, &then), &configuration, only.as_ref(), hour(9));
            let held: Vec<String> = found
                .iter()
                .map(|change| match change {
                    Mutation::PutLane { address, lane } => {
                        assert_eq!((lane.held, lane.rolled_back_at), (true, Some(hour(9))));
                        address.to_string()
                    }
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(held, expected);
        }
        let other = address("api_key.other");
        assert_eq!(holds(&back, (&now, &then), &configuration, Some(&other), hour(9)), []);
    }

    #[test]
    fn every_lane_that_goes_back_is_held() {
        check(|_| (), &[]);
        check(|now| drop(now.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(1))]))), &[KEY]);
        // Only a person can take this back.
        let stated = |now: &mut State| {
            let fact = Fact::Statement {
                key: address(KEY),
                consumer: consumer_id(CONSUMER),
                key_id: None,
                rule_id: None,
                by: "Ada".to_owned(),
                statement: "It is out.".to_owned(),
            };
            now.evidence.push(evidence("statement", hour(1), fact));
        };
        check(stated, &[KEY]);
        let rule = |now: &mut State| {
            let record = now.records.get_mut(&address(crate::sample::RULE)).unwrap();
            record.attributes.insert("description".to_owned(), "new".into());
        };
        check(rule, &[KEY]);
        let ended = |now: &mut State| {
            let record = LaneRecord { archived_at: Some(hour(1)), ..lane("apikey_1", &[]) };
            now.lanes.insert(address(KEY), record);
        };
        check(ended, &[]);
    }
}
