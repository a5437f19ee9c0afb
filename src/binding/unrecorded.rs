//! Use of what keyless made, by somebody of whom nothing is recorded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Fact, Grant, Kind, State};

use super::{live, words};
use crate::limits;
use crate::resource::next_hour;

/// A rule off which somebody lives of whom nothing is recorded, such as a workload that a person moved and did
/// not tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnrecordedUse {
    /// The rule.
    pub rule: Address,
    /// Its service account.
    pub account: Address,
    /// Start of the last reporting bucket in which the account used tokens without a key.
    pub last_seen: Timestamp,
}

/// The recorded rules whose service account used tokens lately, although no workload is known that lives off
/// it. What was used before the last time that a workload moved, went back or was given up is not held
/// against anybody: that may have been the use.
pub fn unrecorded_use(state: &State, now: Timestamp) -> Vec<UnrecordedUse> {
    let traffic = state.evidence.iter().filter_map(|evidence| match &evidence.fact {
        Fact::AccountTraffic { service_account, last_seen } => Some((service_account, *last_seen)),
        _ => None,
    });
    let words = words(state, now);
    let settled = settled_at(state);
    let left = left_at(state);
    let mut found = Vec::new();
    for (account, last_seen) in traffic {
        let Some(record) = state.records.get(account) else { continue };
        let is_late = now.duration_since(last_seen) > limits::UNRECORDED_USE_COUNTS;
        let settled = settled.max(left.get(record.id.as_str()).copied());
        if is_late || settled.is_some_and(|at| last_seen < next_hour(at)) || is_known(state, &record.id) {
            continue;
        }
        let rules = state.records.iter().filter(|(address, rule)| {
            address.kind() == Kind::FederationRule && rule.depends_on.contains(account)
        });
        for (rule, record) in rules {
            // A word is about the rest of the hour in which it is given, too.
            let word = words.get(record.id.as_str());
            if word.is_none_or(|word| last_seen >= next_hour(word.at)) {
                found.push(UnrecordedUse { rule: rule.clone(), account: account.clone(), last_seen });
            }
        }
    }
    found
}

/// Whether a workload is known that may live off an account.
fn is_known(state: &State, account_id: &str) -> bool {
    live(state).flat_map(|binding| binding.grants()).any(|grant| match grant {
        Grant::Key => false,
        Grant::Unresolved => true,
        Grant::Rule { service_account_id, .. } => service_account_id == account_id,
    })
}

/// Until when workloads that use their keys again may have used accounts, by the ids of these.
fn left_at(state: &State) -> BTreeMap<&str, Timestamp> {
    let mut left = BTreeMap::new();
    for (account, at) in state.lanes.values().flat_map(|lane| &lane.left) {
        let last = left.entry(account.as_str()).or_insert(*at);
        *last = (*at).max(*last);
    }
    left
}

/// The last time that a workload moved, went back or was given up.
fn settled_at(state: &State) -> Option<Timestamp> {
    let bound = state.bindings.values().flat_map(|binding| {
        let ended = binding.ended.as_ref().map(|ended| ended.at);
        ended.into_iter().chain((binding.grant != Grant::Key).then_some(binding.since))
    });
    bound.chain(state.lanes.values().filter_map(|lane| lane.rolled_back_at)).max()
}

#[cfg(test)]
mod tests {
    use keyless_state::{Binding, Ended, LaneRecord};

    use super::*;
    use crate::binding::grant;
    use crate::sample::{ACCOUNT, CONSUMER, KEY, RULE, address, built, consumer_id, evidence, hour, lane};

    const USED: i64 = 100;

    fn half_past(at: i64) -> Timestamp {
        hour(at) + jiff::SignedDuration::from_mins(30)
    }

    fn used() -> State {
        let (_, mut state, _) = built();
        let fact = Fact::AccountTraffic { service_account: address(ACCOUNT), last_seen: hour(USED) };
        state.evidence.push(evidence("traffic", hour(USED + 1), fact));
        state
    }

    /// Whether the use is held against somebody unknown at an hour.
    #[track_caller]
    fn check(at: i64, change: impl FnOnce(&mut State), expected: bool) {
        let mut state = used();
        change(&mut state);
        let found = unrecorded_use(&state, hour(at));
        let one = UnrecordedUse { rule: address(RULE), account: address(ACCOUNT), last_seen: hour(USED) };
        assert_eq!(found, if expected { vec![one] } else { Vec::new() });
    }

    fn bound(state: &mut State, since: i64) -> Binding {
        let grant = grant(&state.records[&address(RULE)], None);
        Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, half_past(since))
    }

    #[test]
    fn use_that_no_workload_explains_is_somebody_s() {
        check(USED + 2, |_| {}, true);
        check(USED + 8 * 24, |_| {}, true);
        check(USED + 8 * 24 + 1, |_| {}, false);
        check(USED + 2, |state| state.evidence.clear(), false);
        check(USED + 2, |state| drop(state.records.remove(&address(RULE))), false);
        // A known workload lives off the account, through whichever rule.
        let live = |state: &mut State| {
            let binding = bound(state, 1);
            state.apply(&binding.put());
        };
        check(USED + 2, live, false);
        let key = |state: &mut State| {
            let binding = Binding { grant: Grant::Key, ..bound(state, USED) };
            state.apply(&binding.put());
        };
        check(USED + 2, key, true);
    }

    #[test]
    fn use_from_before_a_workload_left_is_that_workload_s() {
        let elsewhere = |since: i64| {
            move |state: &mut State| {
                let mut binding = bound(state, since);
                let Grant::Rule { service_account_id, .. } = &mut binding.grant else { panic!("a rule") };
                *service_account_id = "svac_9".to_owned();
                state.apply(&binding.put());
            }
        };
        check(USED + 2, elsewhere(USED), false);
        check(USED + 2, elsewhere(USED - 1), true);
        let ended = |at: i64| {
            move |state: &mut State| {
                let ended = Some(Ended { at: half_past(at), by: "Ada".to_owned() });
                let binding = Binding { ended, ..bound(state, 1) };
                state.apply(&binding.put());
            }
        };
        check(USED + 2, ended(USED), false);
        check(USED + 2, ended(USED - 1), true);
        let back = |at: i64| {
            move |state: &mut State| {
                let record = LaneRecord { rolled_back_at: Some(half_past(at)), ..lane("apikey_1", &[]) };
                state.lanes.insert(address(KEY), record);
            }
        };
        check(USED + 2, back(USED), false);
        check(USED + 2, back(USED - 1), true);
    }

    #[test]
    fn a_word_counts_until_the_account_is_used_again() {
        let word = |at: i64| {
            move |state: &mut State| {
                let fact = Fact::Retirement {
                    grant: address(RULE),
                    object_id: state.records[&address(RULE)].id.clone(),
                    consumer: None,
                    by: "Ada".to_owned(),
                    statement: "nobody".to_owned(),
                };
                state.evidence.push(evidence("word", half_past(at), fact));
            }
        };
        check(USED + 2, word(USED + 1), false);
        check(USED + 2, word(USED), false);
        check(USED + 2, word(USED - 1), true);
        check(USED + 1 + 7 * 24, word(USED + 1), false);
        check(USED + 2 + 7 * 24, word(USED + 1), true);
    }
}
