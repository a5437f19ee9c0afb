//! What becomes evidence of what is known about use.

use keyless_state::LaneRecord;

use super::*;
use crate::platform::{UsageRow, UsageSource};
use crate::sample::{ACCOUNT, CONSUMER, KEY, address, built, hour, id_of, lane, statement};

fn row(start: i64, key: Option<&str>, account: Option<&str>, tokens: u64, requests: Option<u64>) -> UsageRow {
    UsageRow {
        starting_at: hour(start),
        ending_at: hour(start + 1),
        api_key_id: key.map(str::to_owned),
        service_account_id: account.map(str::to_owned),
        tokens,
        requests,
    }
}

/// Until when the key's use is known, when it was used last, and when its account was seen.
type Told = (Timestamp, Option<Timestamp>, Option<Timestamp>);

#[track_caller]
fn check(rows: Vec<UsageRow>, complete_until: Option<Timestamp>, expected: Told) {
    let (configuration, state, _) = built();
    let known = Usage { rows, complete_until, source: UsageSource::Analytics };
    let found = usage(&known, hour(0), &configuration, &state, hour(50));
    let mut told: Told = (Timestamp::MIN, None, None);
    for evidence in found {
        assert_eq!((evidence.source.as_str(), evidence.observed_at), ("usage analytics", hour(50)));
        match evidence.fact {
            Fact::KeyUsage { key, since, complete_until, last_used_before } => {
                assert_eq!((key, since), (address(KEY), hour(0)));
                (told.0, told.1) = (complete_until, last_used_before);
            }
            Fact::AccountTraffic { service_account, last_seen } => {
                assert_eq!(service_account, address(ACCOUNT));
                told.2 = Some(last_seen);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, expected);
}

#[test]
fn the_answers_own_bound_of_completeness_goes_before_the_usual_delay() {
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    check(vec![], None, (hour(50) - delay, None, None));
    check(vec![], Some(hour(48)), (hour(48), None, None));
    // A clock that is ahead of ours claims nothing about the future, and an early one nothing at all.
    check(vec![], Some(hour(60)), (hour(50), None, None));
    check(vec![], Some(hour(-5)), (hour(0), None, None));
}

#[test]
fn a_failed_request_is_use_of_a_key_and_no_proof_of_an_account() {
    let account = id_of(&address(ACCOUNT));
    let (key, account, until) = (Some("apikey_1"), Some(account.as_str()), Some(hour(49)));
    let all = |last: Option<i64>, seen: Option<i64>| (hour(49), last.map(hour), seen.map(hour));
    check(vec![row(3, key, None, 5, None), row(1, key, None, 9, None)], until, all(Some(4), None));
    check(vec![row(3, key, None, 0, Some(2))], until, all(Some(4), None));
    check(
        vec![row(3, None, account, 5, Some(1)), row(7, None, account, 0, Some(1))],
        until,
        all(None, Some(3)),
    );
    // A key that acts as the account is a key all the same.
    check(vec![row(3, key, account, 5, None)], until, all(Some(4), None));
    check(
        vec![row(3, Some("apikey_2"), account, 5, None), row(4, None, None, 5, None)],
        until,
        all(None, None),
    );
}

#[test]
fn use_is_asked_about_from_the_first_removal_on() {
    let (configuration, mut state, _) = built();
    let asked = |configuration: &Configuration, state: &State, goes: Goes| {
        usage_question(configuration, state, goes, hour(1_000))
    };
    assert_eq!(asked(&configuration, &state, Goes::Undeclared), None);
    // What goes may be used by somebody who is not recorded.
    let week = Some(hour(1_000 - 8 * 24));
    let since_of = |question: Option<UsageQuestion>| question.map(|it| it.since);
    assert_eq!(since_of(asked(&configuration, &state, Goes::Recorded)), week);
    assert_eq!(since_of(asked(&Configuration::default(), &state, Goes::Undeclared)), week);
    assert_eq!(asked(&configuration, &State::default(), Goes::Recorded), None);
    state.evidence.push(statement(KEY, CONSUMER, hour(5)));
    let since = |state: &State| asked(&configuration, state, Goes::Undeclared).unwrap().since;
    assert_eq!(since(&state), hour(5));
    state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(3))]));
    assert_eq!(since(&state), hour(3));
    let keys = asked(&configuration, &state, Goes::Undeclared).unwrap().key_ids;
    assert_eq!(keys, ["apikey_1".to_owned()].into());
}

#[test]
fn a_status_may_be_late_for_a_moment() {
    let seconds = |seconds| hour(10) + SignedDuration::from_secs(seconds);
    for (now, late) in [(seconds(0), true), (seconds(59), true), (seconds(60), false)] {
        let (_, mut state, mut observed) = built();
        let recorded = LaneRecord { disabled_at: Some(hour(10)), ..lane("apikey_1", &[]) };
        state.lanes.insert(address(KEY), recorded);
        set_late_statuses_aside(&mut observed, &state, now);
        assert_eq!(observed.unreadable.contains_key("apikey_1"), late, "{now}");
        assert_eq!(reactivations(&state, &observed, now).is_empty(), late, "{now}");
        // What is shown as it was set is as it was set.
        let (_, _, mut observed) = built();
        observed.api_keys.get_mut("apikey_1").unwrap().status = KeyStatus::Inactive;
        set_late_statuses_aside(&mut observed, &state, now);
        assert!(observed.unreadable.is_empty());
    }
}
