//! Lanes that were rolled back.

use super::*;

fn back(f: &mut LaneFacts) {
    f.rolled_back_at = Some(hour(0));
    f.held = true;
}

#[test]
fn a_lane_that_was_rolled_back_is_held_in_every_stage() {
    check_ready(back, "confirm held");
    let holds_key = |f: &mut LaneFacts| {
        back(f);
        f.consumers[0].presence = Presence::Present;
    };
    check_ready(holds_key, "remove held");
    let refused = |f: &mut LaneFacts| {
        back(f);
        f.consumers[0].report = Some(report(hour(1), Winner::Nothing));
    };
    check_ready(refused, "confirm held");
    check_disabled(back, "revoke held");
    let ended = |f: &mut LaneFacts| {
        back(f);
        f.archive_after = None;
    };
    check_disabled(ended, "revoke finished: the key is inactive");
    let unknown = |f: &mut LaneFacts| {
        back(f);
        f.key.status = None;
    };
    check_ready(unknown, "configure refused: the API lists no key with the id apikey_1");
    let mut facts = ready();
    back(&mut facts);
    let held = assess(&facts, hour(NOW));
    for stage in [Stage::Remove, Stage::Confirm, Stage::Revoke] {
        assert_eq!(permits(&held, stage), Err(Gate::Held(hour(0))), "{stage}");
    }
}

/// A lane that goes on, rolled back at an hour.
#[track_caller]
fn check_resumed(at: i64, change: fn(&mut LaneFacts), expected: &str) {
    let mut facts = ready();
    change(&mut facts);
    facts.rolled_back_at = Some(hour(at));
    assert_eq!(told(&assess(&facts.since_rollback(), hour(NOW))), expected);
}

#[test]
fn what_was_seen_before_a_rollback_does_not_count_again() {
    let before = hour(0) - SignedDuration::from_mins(30);
    let mut facts = ready();
    facts.rolled_back_at = Some(before);
    assert_eq!(told(&assess(&facts.since_rollback(), hour(NOW))), "confirm open");
    let mut facts = ready();
    facts.rolled_back_at = Some(hour(NOW));
    let unproven = told(&assess(&facts.since_rollback(), hour(NOW)));
    let needs = "confirm waits for Engine: an accepted token exchange through federation_rule.bot; ";
    assert!(unproven.starts_with(needs), "{unproven}");
    let report_missing =
        "confirm waits for Workload: a credential report from dotenv.app, newer than the removal of the key";
    let proven = |f: &mut LaneFacts| {
        f.rules[0].exchange.as_mut().unwrap().at = hour(NOW);
        f.rules[0].traffic_at = Some(hour(NOW));
    };
    check_resumed(2, proven, report_missing);
    let reported = |f: &mut LaneFacts| {
        f.rules[0].exchange.as_mut().unwrap().at = hour(NOW);
        f.rules[0].traffic_at = Some(hour(NOW));
        f.consumers[0].report = Some(report(hour(NOW), Winner::Federation));
    };
    check_resumed(2, reported, "confirm open");
    // The silence of before is none of after.
    check_resumed(40, reported, "confirm waits for Time: no use of the key for 72h (quiet_period)");
    let by_hand = |f: &mut LaneFacts| {
        f.rules[0].exchange.as_mut().unwrap().at = hour(NOW);
        f.consumers[0].manual = true;
        f.consumers[0].presence = Presence::Unknown("nobody can look".to_owned());
    };
    let said = "remove waits for Person: a named person who took the key out of dotenv.app (app/.env)";
    check_resumed(2, by_hand, said);
}
