//! Every gate: one line for each way in which it stays shut.

use keyless_state::{Shadow, Weight};

use super::super::facts::{ExchangeFacts, KeyFacts, ReportFacts, UsageFacts};
use super::*;
use crate::lane::NamedRule;
use crate::sample::{CONSUMER, KEY, RULE, address, consumer_id, hour, hours};

mod feed;
mod key;
mod named;
mod places;
mod properties;
mod remove;
mod rollback;
mod spared;

const NOW: i64 = 100;

fn rule() -> RuleFacts {
    RuleFacts {
        lost: Vec::new(),
        address: address(RULE),
        service_account: address("service_account.bot"),
        unconfigured: None,
        issuer_keys_seen: true,
        exchange: Some(ExchangeFacts { at: hour(NOW - 1), accepted: true, refusal: String::new() }),
        feed: None,
        reported_at: None,
        can_exchange: true,
        spared: None,
        traffic_at: Some(hour(2)),
    }
}

fn report(at: Timestamp, winner: Winner) -> ReportFacts {
    ReportFacts {
        at,
        weight: Weight::Signed,
        winner,
        winner_source: "here".to_owned(),
        through_our_rule: true,
        shadows: Vec::new(),
    }
}

fn consumer() -> ConsumerFacts {
    ConsumerFacts {
        id: consumer_id(CONSUMER),
        place: "app/.env".to_owned(),
        format: None,
        blocked: None,
        not_found: false,
        parked: Vec::new(),
        presence: Presence::Absent,
        returned: None,
        unconfigured: None,
        doubt: None,
        left_behind: None,
        removed_at: Some(hour(0)),
        displaced: None,
        names: NamedRule::Written,
        rule_id: Some("fdrl_1".to_owned()),
        rule: address("federation_rule.bot"),
        differs_otherwise: false,
        configured_at: None,
        bare: false,
        manual: false,
        reports: true,
        report: Some(report(hour(1), Winner::Federation)),
    }
}

/// A lane with all its evidence: the key may go.
fn ready() -> LaneFacts {
    LaneFacts {
        address: address(KEY),
        key: KeyFacts {
            id: "apikey_1".to_owned(),
            status: Some(KeyStatus::Active),
            disabled_at: None,
            reactivated_at: None,
            unreadable: None,
            approval: None,
        },
        rules: vec![rule()],
        consumers: vec![consumer()],
        usage: Some(UsageFacts { since: hour(0), complete_until: hour(99), last_used_before: None }),
        quiet_period: hours(72),
        archive_after: None,
        rolled_back_at: None,
        held: false,
        forgets_parked: false,
        refused: Vec::new(),
    }
}

/// A disabled key with all its evidence: it may be archived.
fn disabled() -> LaneFacts {
    let mut facts = ready();
    facts.key.status = Some(KeyStatus::Inactive);
    facts.key.disabled_at = Some(hour(10));
    facts.key.approval = Some(("Ada".to_owned(), hour(11)));
    facts.archive_after = Some(hours(80));
    facts
}

/// The judgement in a few words: stage, gate, who has to supply what.
fn told(assessment: &Assessment) -> String {
    let stage = assessment.stage;
    match &assessment.gate {
        Gate::Open => format!("{stage} open"),
        Gate::Waiting(needs) => {
            let needs: Vec<String> = needs.iter().map(|n| format!("{:?}: {}", n.supplier, n.what)).collect();
            format!("{stage} waits for {}", needs.join("; "))
        }
        Gate::Refused(refusals) => {
            let whys: Vec<&str> = refusals.iter().map(|refusal| refusal.why.as_str()).collect();
            format!("{stage} refused: {}", whys.join("; "))
        }
        Gate::Held(_) => format!("{stage} held"),
        Gate::Finished(reason) => format!("{stage} finished: {reason}"),
    }
}

#[track_caller]
fn check(mut facts: LaneFacts, change: impl FnOnce(&mut LaneFacts), expected: &str) {
    change(&mut facts);
    assert_eq!(told(&assess(&facts, hour(NOW))), expected);
}

#[track_caller]
fn check_ready(change: impl FnOnce(&mut LaneFacts), expected: &str) {
    check(ready(), change, expected);
}

#[track_caller]
fn check_disabled(change: impl FnOnce(&mut LaneFacts), expected: &str) {
    check(disabled(), change, expected);
}

#[test]
fn configure_waits_for_every_object_and_setting() {
    check_ready(
        |f| f.rules[0].unconfigured = Some("the rule".into()),
        "configure waits for Engine: the rule",
    );
    check_ready(|f| f.consumers[0].unconfigured = Some("it".into()), "configure waits for Engine: it");
    let both = |f: &mut LaneFacts| {
        f.rules[0].unconfigured = Some("the rule".into());
        f.consumers[0].unconfigured = Some("the settings".into());
        f.consumers[0].presence = Presence::Present;
    };
    check_ready(both, "configure waits for Engine: the rule; Engine: the settings");
}

fn exchanged(facts: &mut LaneFacts, at: Timestamp, accepted: bool) {
    let refusal = if accepted { "" } else { "401" }.to_owned();
    facts.rules[0].exchange = Some(ExchangeFacts { at, accepted, refusal });
}

/// A lane that has not lost its key yet.
fn present() -> LaneFacts {
    let mut facts = ready();
    facts.consumers[0].presence = Presence::Present;
    facts.consumers[0].removed_at = None;
    facts.consumers[0].report = None;
    facts
}

#[test]
fn verify_wants_a_fresh_accepted_exchange_and_the_issuer_s_keys() {
    let remove = "remove waits for Engine: dotenv.app free of the key";
    check(present(), |_| {}, remove);
    check(present(), |f| exchanged(f, hour(NOW - 24), true), remove);
    let second = SignedDuration::from_secs(1);
    let old = format!(
        "verify waits for Engine: a newer token exchange through federation_rule.bot than the one of {}",
        hour(NOW - 24) - second
    );
    check(present(), |f| exchanged(f, hour(NOW - 24) - second, true), &old);
    let none = "an accepted token exchange through federation_rule.bot";
    check(present(), |f| f.rules[0].exchange = None, &format!("verify waits for Engine: {none}"));
    let by_hand = |f: &mut LaneFacts| {
        f.rules[0].exchange = None;
        f.rules[0].can_exchange = false;
    };
    check(present(), by_hand, &format!("verify waits for Person: {none}"));
    let refused = "the API refused an exchange through federation_rule.bot: 401";
    check(present(), |f| exchanged(f, hour(NOW), false), &format!("verify waits for Engine: {refused}"));
    let final_refusal = |f: &mut LaneFacts| {
        exchanged(f, hour(NOW), false);
        f.rules[0].can_exchange = false;
    };
    check(present(), final_refusal, &format!("verify refused: {refused}"));
    let keys = "verify waits for Engine: the published keys of the issuer of federation_rule.bot";
    check(present(), |f| f.rules[0].issuer_keys_seen = false, keys);
    let two = |f: &mut LaneFacts| {
        f.rules.push(RuleFacts { address: address("federation_rule.z"), exchange: None, ..rule() });
    };
    check(present(), two, "verify waits for Engine: an accepted token exchange through federation_rule.z");
}

#[test]
fn a_proof_must_be_fresh_again_when_the_key_goes() {
    check_ready(
        |f| exchanged(f, hour(NOW - 25), true),
        &format!(
            "confirm waits for Engine: a newer token exchange through federation_rule.bot than the one of {}",
            hour(NOW - 25)
        ),
    );
    check_ready(
        |f| f.rules[0].exchange = None,
        "confirm waits for Engine: an accepted token exchange through federation_rule.bot",
    );
}

fn by_hand(facts: &mut LaneFacts) {
    facts.consumers[0].manual = true;
    facts.consumers[0].presence = Presence::Unknown("only a person can look there".to_owned());
}

#[test]
fn confirm_wants_a_report_newer_than_the_removal() {
    let wants = |who: &str| {
        format!(
            "confirm waits for {who}: a credential report from dotenv.app, newer than the removal of the key"
        )
    };
    let reported =
        |at: Timestamp| move |f: &mut LaneFacts| f.consumers[0].report = Some(report(at, Winner::Federation));
    check_ready(|f| f.consumers[0].report = None, &wants("Workload"));
    check_ready(reported(hour(-1)), &wants("Workload"));
    check_ready(reported(hour(0)), &wants("Workload"));
    check_ready(reported(hour(0) + SignedDuration::from_nanos(1)), "confirm open");
    let stated = |at: Timestamp| {
        move |f: &mut LaneFacts| {
            by_hand(f);
            f.consumers[0].report = Some(report(at, Winner::Federation));
        }
    };
    check_ready(stated(hour(0)), "confirm open");
    check_ready(stated(hour(-1)), &wants("Person"));
    let two = |f: &mut LaneFacts| {
        let id = consumer_id("dotenv.b");
        f.consumers.push(ConsumerFacts {
            id,
            report: Some(report(hour(-5), Winner::Federation)),
            ..consumer()
        });
    };
    check_ready(two, &wants("Workload").replace("dotenv.app", "dotenv.b"));
}

#[test]
fn confirm_is_refused_when_a_report_names_another_winner() {
    let winner =
        |winner: Winner| move |f: &mut LaneFacts| f.consumers[0].report = Some(report(hour(1), winner));
    let sends = "confirm refused: dotenv.app still sends a static credential: here wins over federation, so the migration only looks done";
    check_ready(winner(Winner::ApiKey), sends);
    check_ready(winner(Winner::AuthToken), sends);
    check_ready(winner(Winner::Nothing), "confirm refused: dotenv.app has no working credential");
    let stranger = |f: &mut LaneFacts| f.consumers[0].report.as_mut().unwrap().through_our_rule = false;
    check_ready(stranger, "confirm refused: dotenv.app federates, but not through a rule of this lane");
    let shadows = |f: &mut LaneFacts| {
        let shadow =
            |name: &str| Shadow { name: name.into(), place: ".env:3".into(), fix: "Drop it.".into() };
        let mut report = report(hour(1), Winner::ApiKey);
        report.shadows = vec![shadow("A"), shadow("B")];
        f.consumers[0].report = Some(report);
    };
    check_ready(
        shadows,
        &format!(
            "{}; {}",
            sends.replace("here", "A"),
            &sends["confirm refused: ".len()..].replace("here", "B")
        ),
    );
    // An old report of another winner is no evidence against what was removed since.
    let old = |f: &mut LaneFacts| f.consumers[0].report = Some(report(hour(-1), Winner::ApiKey));
    check_ready(
        old,
        "confirm waits for Workload: a credential report from dotenv.app, newer than the removal of the key",
    );
}

fn used(since: Timestamp, complete_until: Timestamp, last: Option<Timestamp>) -> impl FnOnce(&mut LaneFacts) {
    move |f| f.usage = Some(UsageFacts { since, complete_until, last_used_before: last })
}

#[test]
fn silence_is_counted_in_whole_hours_after_the_last_removal() {
    let silent = "confirm waits for Engine: no use of the key for 72h (quiet_period)";
    let missing = "confirm waits for Engine: a usage report about the key";
    let used_at = |at: Timestamp| {
        format!(
            "confirm refused: the key was used after it was removed everywhere that is declared, last before {at}"
        )
    };
    let second = SignedDuration::from_secs(1);
    check_ready(|f| f.usage = None, missing);
    check_ready(used(hour(0) + second, hour(99), None), missing);
    check_ready(used(hour(0), hour(72), None), "confirm open");
    check_ready(used(hour(0), hour(72) - second, None), silent);
    // Use in the very hour of the removal may have been before it; later use may not.
    check_ready(used(hour(-9), hour(99), Some(hour(0))), "confirm open");
    // Every consumer reported after that use that it federates, so silence is counted anew.
    let counted = format!(
        "{silent}, counted from its last use before {}; every declared place federates by now, so if it is used again, somebody undeclared holds it",
        hour(1)
    );
    check_ready(used(hour(0), hour(72), Some(hour(1))), &counted);
    check_ready(used(hour(0), hour(73), Some(hour(1))), "confirm open");
    check_ready(used(hour(0), hour(99), Some(hour(98))), &used_at(hour(98)));
    check_ready(used(hour(0), hour(99), Some(hour(100))), &used_at(hour(100)));
    let minute = SignedDuration::from_mins(1);
    let late = |until: Timestamp| {
        move |f: &mut LaneFacts| {
            f.consumers[0].removed_at = Some(hour(0) + minute);
            used(hour(0), until, Some(hour(1)))(f);
        }
    };
    check_ready(late(hour(73)), "confirm open");
    check_ready(late(hour(73) - second), silent);
    let last_of_two = |f: &mut LaneFacts| {
        let report = Some(report(hour(60), Winner::Federation));
        f.consumers.push(ConsumerFacts { removed_at: Some(hour(50)), report, ..consumer() });
        f.rules[0].traffic_at = Some(hour(70));
    };
    check_ready(last_of_two, "confirm waits for Time: no use of the key for 72h (quiet_period)");
}

#[test]
fn a_wait_for_silence_names_its_earliest_end() {
    let mut facts = ready();
    facts.consumers[0].removed_at = Some(hour(40));
    facts.consumers[0].report = Some(report(hour(41), Winner::Federation));
    facts.rules[0].traffic_at = Some(hour(41));
    let Gate::Waiting(needs) = assess(&facts, hour(NOW)).gate else { panic!("it waits") };
    assert_eq!(needs[0].earliest, Some(hour(112) + SignedDuration::from_mins(10)));
    facts.usage.as_mut().unwrap().last_used_before = Some(hour(20));
    let Gate::Waiting(again) = assess(&facts, hour(NOW)).gate else { panic!("it waits") };
    assert_eq!(needs, again, "use before the removal changes nothing");
}

#[test]
fn confirm_wants_traffic_without_a_key_from_each_account() {
    let wants = |who: &str| {
        format!("confirm waits for Workload: traffic of {who} that no key authenticated, after the removal")
    };
    check_ready(|f| f.rules[0].traffic_at = None, &wants("service_account.bot"));
    check_ready(|f| f.rules[0].traffic_at = Some(hour(-1)), &wants("service_account.bot"));
    check_ready(|f| f.rules[0].traffic_at = Some(hour(0)), "confirm open");
    let within = |f: &mut LaneFacts| {
        f.consumers[0].removed_at = Some(hour(0) + SignedDuration::from_secs(1));
        f.rules[0].traffic_at = Some(hour(0));
    };
    check_ready(within, &wants("service_account.bot"));
}

#[test]
fn a_key_brought_back_by_somebody_counts_anew() {
    let back = |at: i64| move |f: &mut LaneFacts| f.key.reactivated_at = Some(hour(at));
    check_ready(back(0), "confirm open");
    let mut facts = ready();
    facts.key.reactivated_at = Some(hour(20));
    facts.consumers[0].report = Some(report(hour(21), Winner::Federation));
    facts.rules[0].traffic_at = Some(hour(21));
    check(facts.clone(), |_| {}, "confirm open");
    check(
        facts.clone(),
        |f| f.consumers[0].report = Some(report(hour(20), Winner::Federation)),
        "confirm waits for Workload: a credential report from dotenv.app, newer than the removal of the key",
    );
    check(
        facts.clone(),
        |f| f.rules[0].traffic_at = Some(hour(19)),
        "confirm waits for Workload: traffic of service_account.bot that no key authenticated, after the removal",
    );
    check(facts, |f| f.key.reactivated_at = Some(hour(20) - SignedDuration::from_secs(1)), "confirm open");
}

#[test]
fn all_that_is_missing_is_told_at_once_and_a_refusal_outweighs_it() {
    let nothing = |f: &mut LaneFacts| {
        f.rules[0].exchange = None;
        f.rules[0].traffic_at = None;
        f.consumers[0].report = None;
        f.usage = None;
    };
    let mut facts = ready();
    nothing(&mut facts);
    let Gate::Waiting(needs) = assess(&facts, hour(NOW)).gate else { panic!("it waits") };
    assert_eq!(needs.len(), 4);
    facts.consumers[0].report = Some(report(hour(1), Winner::Nothing));
    check(facts, |_| {}, "confirm refused: dotenv.app has no working credential");
}

#[test]
fn archiving_wants_time_silence_and_an_approval() {
    check_disabled(|_| {}, "revoke open");
    check_disabled(|f| f.archive_after = None, "revoke finished: the key is inactive");
    let just_now = |f: &mut LaneFacts| {
        f.archive_after = Some(hours(90));
        used(hour(0), hour(100) - SignedDuration::from_mins(10), None)(f);
    };
    check_disabled(just_now, "revoke open");
    let early = |f: &mut LaneFacts| f.archive_after = Some(hours(91));
    check_disabled(early, "revoke waits for Time: the key inactive for 91h (archive_after)");
    let approval = "revoke waits for Person: a named approval: archiving is final";
    check_disabled(|f| f.key.approval = None, approval);
    // An approval is for one disabling; one given for an earlier one says nothing.
    check_disabled(|f| f.key.approval = Some(("Ada".into(), hour(9))), approval);
    check_disabled(|f| f.key.approval = Some(("Ada".into(), hour(10))), "revoke open");
    let used_at =
        |at: i64| format!("revoke refused: the key was used after it was disabled, last before {}", hour(at));
    check_disabled(used(hour(0), hour(99), Some(hour(10))), "revoke open");
    check_disabled(used(hour(0), hour(99), Some(hour(11))), &used_at(11));
    let usage = "revoke waits for Engine: a usage report over the time for which the key was inactive";
    check_disabled(|f| f.usage = None, usage);
    check_disabled(used(hour(11), hour(99), None), usage);
    check_disabled(used(hour(0), hour(89), None), usage);
    check_disabled(used(hour(0), hour(90) - SignedDuration::from_mins(10), None), "revoke open");
}
