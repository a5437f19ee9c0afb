//! Which entries become evidence, and which count.

use super::*;
use crate::sample::{ACCOUNT, ISSUER, RULE, address, built, hour, id_of};

struct World {
    configuration: Configuration,
    state: State,
    observed: Observed,
    exchanges: Vec<Activity>,
    changes: Vec<Activity>,
}

fn exchange(at: Timestamp, outcome: ExchangeOutcome, reason: &str) -> Activity {
    Activity {
        id: "activity_1".to_owned(),
        at,
        actor: None,
        event: ActivityEvent::Authentication {
            rule_id: Some(id_of(&address(RULE))),
            service_account_id: Some(id_of(&address(ACCOUNT))),
            outcome,
            reason: reason.to_owned(),
            request_id: None,
        },
    }
}

fn change(at: Timestamp, object: &str) -> Activity {
    let event = ActivityEvent::Change {
        kind: "platform_service_account_workspace_member_removed".to_owned(),
        objects: vec![object.to_owned()],
        updates: Vec::new(),
    };
    Activity { id: "activity_2".to_owned(), at, actor: None, event }
}

/// A rule that stands since hour 2 and accepted an exchange in hour 5.
fn world() -> World {
    let (configuration, state, mut observed) = built();
    let stamped = |provenance: &mut Provenance, at: i64| provenance.updated_at = Some(hour(at));
    stamped(&mut observed.rules.get_mut(&id_of(&address(RULE))).unwrap().provenance, 2);
    stamped(&mut observed.issuers.get_mut(&id_of(&address(ISSUER))).unwrap().provenance, 1);
    stamped(&mut observed.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap().provenance, 0);
    let exchanges = vec![exchange(hour(5), ExchangeOutcome::Accepted, "")];
    World { configuration, state, observed, exchanges, changes: Vec::new() }
}

type Seen = Option<(Option<Timestamp>, Option<Timestamp>, String)>;

#[track_caller]
fn check(bend: impl FnOnce(&mut World), expected: Seen) {
    let mut world = world();
    bend(&mut world);
    let World { configuration, state, observed, exchanges, changes } = &world;
    let found = authentications(exchanges, changes, configuration, state, observed, hour(10));
    let found = found.into_iter().map(|evidence| {
        assert_eq!((evidence.weight, evidence.source.as_str()), (Weight::Observed, "Activity Feed"));
        match evidence.fact {
            Fact::FederatedAuthentication {
                last_accepted,
                last_refused,
                reason,
                rule_digest: digest,
                ..
            } => {
                assert_eq!(Some(digest), rule_digest(&address(RULE), state));
                (last_accepted, last_refused, reason)
            }
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
}

fn accepted(at: i64) -> Seen {
    Some((Some(hour(at)), None, String::new()))
}

#[test]
fn the_newest_of_each_outcome_counts() {
    check(|_| {}, accepted(5));
    check(|w| w.exchanges.clear(), None);
    let more = |w: &mut World| {
        w.exchanges.push(exchange(hour(4), ExchangeOutcome::Accepted, ""));
        w.exchanges.push(exchange(hour(6), ExchangeOutcome::Refused, "jti_reused"));
        w.exchanges.push(exchange(hour(3), ExchangeOutcome::Refused, "match_subject_prefix"));
    };
    check(more, Some((Some(hour(5)), Some(hour(6)), "jti_reused".to_owned())));
    let strange = ExchangeOutcome::Other("perhaps".to_owned());
    check(|w| w.exchanges = vec![exchange(hour(5), strange, "")], None);
    check(|w| w.exchanges[0].at = hour(11), None);
}

#[test]
fn an_exchange_counts_for_its_rule_and_account_alone() {
    let with = |rule: &'static str, account: Option<&'static str>| {
        move |w: &mut World| {
            let ActivityEvent::Authentication { rule_id, service_account_id, .. } = &mut w.exchanges[0].event
            else {
                unreachable!()
            };
            *rule_id = Some(rule.to_owned());
            *service_account_id = account.map(str::to_owned);
        }
    };
    check(with("federation_rule_bot", None), accepted(5));
    check(with("federation_rule_bot", Some("svac_other")), None);
    check(with("fdrl_other", None), None);
}

#[test]
fn an_exchange_counts_only_after_the_last_change_of_all_that_it_went_through() {
    for part in [RULE, ISSUER, ACCOUNT] {
        let id = id_of(&address(part));
        check(|w| w.changes.push(change(hour(4), &id)), accepted(5));
        check(|w| w.changes.push(change(hour(5), &id)), None);
        check(|w| w.changes.push(change(hour(6), &id)), None);
    }
    check(|w| w.changes.push(change(hour(6), "fdrl_other")), accepted(5));
    let touched = |at: Option<Timestamp>| {
        move |w: &mut World| {
            w.observed.issuers.get_mut(&id_of(&address(ISSUER))).unwrap().provenance.updated_at = at;
        }
    };
    check(touched(Some(hour(6))), None);
    check(touched(None), None);
    check(|w| w.observed.rules.clear(), None);
    check(|w| drop(w.state.records.remove(&address(RULE))), None);
}

#[test]
fn nothing_is_asked_before_there_is_something_to_ask_about() {
    let World { configuration, state, .. } = world();
    let empty = State::default();
    assert_eq!(authentication_question(&configuration, &empty, hour(0)), None);
    assert_eq!(change_question(&empty, hour(0)), None);
    let asked = authentication_question(&configuration, &state, hour(0)).unwrap();
    assert_eq!((asked.about, asked.since), (ActivityKind::Authentications, hour(-24)));
    assert_eq!(change_question(&state, hour(0)).unwrap().since, hour(-30 * 24));
}
