//! What holds for any facts, said again without the code that judges them.

use proptest::prelude::*;

use super::super::super::facts::FeedFacts;
use super::*;

fn mostly<T: Clone + std::fmt::Debug + 'static>(good: T, bad: Vec<T>) -> impl Strategy<Value = T> {
    prop_oneof![12 => Just(good), 1 => proptest::sample::select(bad)]
}

prop_compose! {
    fn any_consumer()(
        presence in mostly(Presence::Absent, vec![Presence::Present, Presence::Unknown("x".into())]),
        removed in proptest::option::weighted(0.95, 0i64..12),
        manual in proptest::bool::weighted(0.2),
        reported in proptest::option::weighted(0.95, 0i64..200),
        winner in mostly(Winner::Federation, vec![Winner::ApiKey, Winner::AuthToken, Winner::Nothing]),
        ours in proptest::bool::weighted(0.95),
    ) -> ConsumerFacts {
        ConsumerFacts {
            presence: if manual { Presence::Unknown("x".into()) } else { presence },
            removed_at: removed.map(quarter),
            manual,
            report: reported.map(|at| ReportFacts { through_our_rule: ours, ..report(quarter(at), winner) }),
            ..consumer()
        }
    }
}

prop_compose! {
    fn any_rule()(
        unconfigured in proptest::option::weighted(0.03, Just("it".to_owned())),
        seen in proptest::bool::weighted(0.95),
        exchanged in proptest::option::weighted(0.95, 200i64..400),
        accepted in proptest::bool::weighted(0.95),
        can_exchange in any::<bool>(),
        others in proptest::option::weighted(0.3, 200i64..450),
        traffic in proptest::option::weighted(0.95, 0i64..100),
    ) -> RuleFacts {
        RuleFacts {
            unconfigured,
            issuer_keys_seen: seen,
            exchange: exchanged.map(|at| ExchangeFacts { at: quarter(at), accepted, refusal: String::new() }),
            feed: others.map(|at| FeedFacts {
                accepted_at: Some(quarter(at)),
                refused_at: None,
                reason: String::new(),
            }),
            can_exchange,
            traffic_at: traffic.map(hour),
            ..rule()
        }
    }
}

prop_compose! {
    fn any_facts()(
        consumers in proptest::collection::vec(any_consumer(), 1..4),
        rules in proptest::collection::vec(any_rule(), 1..3),
        status in mostly(KeyStatus::Active, vec![KeyStatus::Inactive, KeyStatus::Expired]),
        reactivated in proptest::option::weighted(0.1, 0i64..100),
        disabled in proptest::option::of(0i64..100),
        approved in proptest::option::of(0i64..200),
        since in mostly(0i64, vec![1, 3, 9]),
        until in 200i64..400,
        last in proptest::option::of(0i64..90),
        archive_after in proptest::option::of((0i64..100).prop_map(hours)),
    ) -> LaneFacts {
        let mut facts = ready();
        facts.consumers = consumers;
        facts.rules = rules;
        facts.key.disabled_at = disabled.map(quarter).filter(|_| status == KeyStatus::Inactive);
        facts.key.status = Some(status);
        facts.key.reactivated_at = reactivated.map(quarter);
        facts.key.approval = approved.map(|at| ("Ada".to_owned(), quarter(at)));
        facts.archive_after = archive_after;
        facts.usage = Some(UsageFacts {
            since: hour(since),
            complete_until: quarter(until),
            last_used_before: last.map(hour),
        });
        facts
    }
}

fn quarter(quarters: i64) -> Timestamp {
    hour(0) + SignedDuration::from_mins(15 * quarters)
}

/// The invariant in its own words, from the facts alone.
fn key_may_go(facts: &LaneFacts, now: Timestamp) -> bool {
    let brought_back = facts.key.reactivated_at.unwrap_or(Timestamp::MIN);
    let federates = |consumer: &ConsumerFacts| {
        let (Some(removed), Some(report)) = (consumer.removed_at, &consumer.report) else { return false };
        let newer = if consumer.manual {
            report.at >= removed && report.at >= brought_back
        } else {
            report.at > removed && report.at > brought_back && consumer.presence == Presence::Absent
        };
        newer && report.winner == Winner::Federation && report.through_our_rule
    };
    let last_removal = facts.consumers.iter().filter_map(|consumer| consumer.removed_at).max();
    let from = last_removal.unwrap_or(Timestamp::MAX).max(brought_back);
    let works = |rule: &RuleFacts| {
        let fresh = |at: Timestamp| now.duration_since(at) <= hours(24);
        let own = rule.exchange.as_ref().is_some_and(|e| e.accepted && fresh(e.at)) && rule.issuer_keys_seen;
        let others = rule.feed.as_ref().and_then(|feed| feed.accepted_at).is_some_and(|at| {
            let overtaken = rule.exchange.as_ref().is_some_and(|e| !e.accepted && e.at >= at);
            !rule.can_exchange && at <= now && fresh(at) && !overtaken
        });
        (own || others) && rule.unconfigured.is_none() && rule.traffic_at >= Some(from)
    };
    let silent = facts.usage.as_ref().is_some_and(|usage| {
        let covers =
            usage.since < from + hours(1) && usage.complete_until.duration_since(from) >= facts.quiet_period;
        let last = usage.last_used_before.filter(|used| used.duration_since(from) >= hours(1));
        covers && last.is_none_or(|used| usage.complete_until.duration_since(used) >= facts.quiet_period)
    });
    facts.consumers.iter().all(federates) && facts.rules.iter().all(works) && silent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_key_goes_only_with_all_its_evidence(facts in any_facts(), now in 380i64..420) {
        let now = quarter(now);
        let active = facts.key.status == Some(KeyStatus::Active);
        if active && permits(&assess(&facts, now), Stage::Revoke).is_ok() {
            prop_assert!(key_may_go(&facts, now));
        }
    }

    #[test]
    fn time_alone_replaces_no_person_and_no_workload(
        facts in any_facts(), now in 200i64..420, minutes in 0i64..100_000,
    ) {
        // What is yet to come would be news by then.
        let accepted = |rule: &RuleFacts| rule.feed.as_ref().and_then(|feed| feed.accepted_at);
        let is_past = facts.rules.iter().filter_map(accepted).all(|at| at <= quarter(now));
        if is_past
            && let Gate::Waiting(needs) = assess(&facts, quarter(now)).gate
            && needs.iter().any(|need| matches!(need.supplier, Supplier::Person | Supplier::Workload))
        {
            let later = assess(&facts, quarter(now) + SignedDuration::from_mins(minutes));
            prop_assert_ne!(later.gate, Gate::Open);
        }
    }

    #[test]
    fn an_archive_is_approved_after_the_disabling_and_long_enough_after(
        facts in any_facts(), now in 0i64..900,
    ) {
        let now = quarter(now);
        let inactive = facts.key.status == Some(KeyStatus::Inactive);
        if inactive && permits(&assess(&facts, now), Stage::Revoke).is_ok() {
            let disabled = facts.key.disabled_at.unwrap();
            prop_assert!(now.duration_since(disabled) >= facts.archive_after.unwrap());
            prop_assert!(facts.key.approval.unwrap().1 >= disabled);
        }
    }
}

#[test]
fn stages_permit_what_belongs_to_them() {
    let permitted = |facts: &LaneFacts| -> String {
        let assessment = assess(facts, hour(NOW));
        let words = Stage::ALL.into_iter().filter(|stage| permits(&assessment, *stage).is_ok());
        words.map(Stage::word).collect::<Vec<_>>().join(" ")
    };
    let check = |facts: LaneFacts, change: fn(&mut LaneFacts), expected: &str| {
        let mut facts = facts;
        change(&mut facts);
        assert_eq!(permitted(&facts), expected);
    };
    check(ready(), |f| f.key.status = None, "configure verify");
    check(ready(), |f| f.rules[0].unconfigured = Some("it".into()), "configure verify");
    check(present(), |f| f.rules[0].exchange = None, "configure verify");
    check(present(), |_| {}, "configure verify remove");
    check(ready(), |f| f.consumers[0].report = None, "configure verify remove");
    check(ready(), |_| {}, "configure verify remove confirm revoke");
    check(disabled(), |_| {}, "configure verify revoke");
    check(disabled(), |f| f.key.approval = None, "configure verify");
    check(disabled(), |f| f.key.status = Some(KeyStatus::Archived), "configure verify");
}
