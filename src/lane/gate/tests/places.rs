//! Consumers whose blocks or settings have changed since.

use super::*;
use crate::binding::Doubt;
use crate::lane::Returned;

#[test]
fn a_block_of_another_place_stops_its_lane() {
    let displace = |f: &mut LaneFacts| f.consumers[0].displaced = Some("dotenv old/.env KEY".to_owned());
    let why = "refused: dotenv.app names another place by now; under that name is recorded what keyless changed in `dotenv old/.env KEY`";
    check_ready(displace, &format!("configure {why}"));
    check_disabled(displace, &format!("revoke {why}"));
}

#[test]
fn a_report_from_before_settings_were_written_anew_says_nothing() {
    let written = |at: i64| move |f: &mut LaneFacts| f.consumers[0].configured_at = Some(hour(at));
    check_ready(written(0), "confirm open");
    let waits =
        "confirm waits for Workload: a credential report from dotenv.app, newer than the removal of the key";
    check_ready(written(1), waits);
}

#[test]
fn places_of_a_finished_lane_are_looked_at() {
    let finished = "revoke finished: the key is archived";
    let archived = |change: fn(&mut ConsumerFacts), expected: &str| {
        check_disabled(
            |f| {
                f.key.status = Some(KeyStatus::Archived);
                change(&mut f.consumers[0]);
            },
            expected,
        );
    };
    archived(|_| {}, finished);
    let back = "revoke refused: dotenv.app holds a key again, which wins over federation; if it is the one of this lane, every call fails";
    archived(|c| c.presence = Presence::Present, back);
    check_disabled(|f| f.consumers[0].presence = Presence::Present, back);
    let line = |dead: Option<&str>| {
        let dead = dead.map(str::to_owned);
        move |f: &mut LaneFacts| {
            f.consumers[0].presence = Presence::Present;
            f.consumers[0].returned = Some(Returned { line: 7, dead: dead.clone() });
        }
    };
    check_disabled(line(None), back);
    let dead = "revoke waits for Engine: the line of the dead key apikey_9 out of dotenv.app again (app/.env:7): it wins over federation, and every call fails";
    check_disabled(line(Some("apikey_9")), dead);
    let unclear = |c: &mut ConsumerFacts| {
        c.presence = Presence::Unknown("app/.env: line 3 names KEY".to_owned());
        c.blocked = Some("app/.env: line 3 names KEY".to_owned());
    };
    archived(
        unclear,
        "revoke refused: it cannot be told whether a key is in dotenv.app again: app/.env: line 3 names KEY",
    );
    let lacks =
        |c: &mut ConsumerFacts| c.unconfigured = Some("the federation settings in dotenv.app".to_owned());
    archived(lacks, "revoke waits for Engine: the federation settings in dotenv.app");
    let differs = |c: &mut ConsumerFacts| {
        c.unconfigured = Some("the federation settings in dotenv.app".to_owned());
        c.differs_otherwise = true;
    };
    let otherwise = "revoke refused: the federation settings in dotenv.app name its rule and are otherwise not what its block asks for";
    archived(differs, otherwise);
    let unread = |c: &mut ConsumerFacts| {
        c.unconfigured = Some("the federation settings in dotenv.app".to_owned());
        c.presence = Presence::Unknown("no such file".to_owned());
    };
    archived(unread, "revoke refused: it cannot be told off what dotenv.app lives: no such file");
    // What keyless did not take out may lie wherever it does.
    archived(
        |c| {
            c.removed_at = None;
            c.presence = Presence::Present;
        },
        finished,
    );
}

#[test]
fn settings_of_a_finished_lane_wait_for_the_proof_of_their_rule() {
    let unproved = |can_exchange: bool| {
        move |f: &mut LaneFacts| {
            f.consumers[0].unconfigured = Some("its settings".to_owned());
            f.rules[0].exchange = None;
            f.rules[0].can_exchange = can_exchange;
        }
    };
    let exchange = "an accepted token exchange through federation_rule.bot";
    check_disabled(unproved(true), &format!("revoke waits for Engine: {exchange}; Engine: its settings"));
    check_disabled(unproved(false), &format!("revoke waits for Person: {exchange}; Engine: its settings"));
}

#[test]
fn settings_stay_where_their_rule_may_not_let_the_workload_in() {
    let denied = Doubt::Denied { seen_at: hour(2), why: "it is another".to_owned() };
    let told = |doubt: &Doubt| {
        match doubt {
        Doubt::Denied { .. } => format!(
            "refused: federation_rule.bot would not let dotenv.app in as whom it showed itself at {}: it is another",
            hour(2)
        ),
        Doubt::Unknown => "refused: as whom dotenv.app shows itself is not known, and federation_rule.bot lets in others than what it lives off".to_owned(),
    }
    };
    for doubt in [denied, Doubt::Unknown] {
        let why = format!("{}. Its settings stay as they are", told(&doubt));
        let lacks = |f: &mut LaneFacts| {
            f.consumers[0].unconfigured = Some("its settings".to_owned());
            f.consumers[0].doubt = Some(doubt.clone());
        };
        check_ready(lacks, &format!("configure {why}"));
        check_disabled(lacks, &format!("revoke {why}"));
        // They are what they are to be, whoever wrote them.
        check_ready(|f| f.consumers[0].doubt = Some(doubt.clone()), "confirm open");
    }
}
