//! Settings that keyless does not write.

use super::*;
use crate::lane::OtherRule;

#[test]
fn settings_that_keyless_does_not_write_have_to_name_a_rule_of_the_lane() {
    let names = |is_live: bool| {
        move |f: &mut LaneFacts| {
            f.consumers[0].names = NamedRule::Other(OtherRule { id: "fdrl_9".to_owned(), is_live });
        }
    };
    let holds_key = |f: &mut LaneFacts| {
        names(true)(f);
        f.consumers[0].presence = Presence::Present;
        f.consumers[0].removed_at = None;
    };
    let why = |dead: &str| {
        format!(
            "refused: the settings of dotenv.app name fdrl_9 by its newest report{dead}, and not federation_rule.bot; keyless does not write them, so without its key it would have nothing that this lane proves"
        )
    };
    check_ready(holds_key, &format!("verify {}", why("")));
    let mut facts = ready();
    holds_key(&mut facts);
    assert!(permits(&assess(&facts, hour(NOW)), Stage::Remove).is_err());
    check_disabled(names(false), &format!("revoke {}", why(", which is archived")));
    let waits =
        "revoke waits for Person: the settings of dotenv.app to name federation_rule.bot and not fdrl_9";
    check_disabled(names(true), waits);
}

#[test]
fn settings_that_keyless_does_not_write_have_to_be_shown_before_the_key_goes() {
    let unknown = |change: fn(&mut ConsumerFacts)| {
        move |f: &mut LaneFacts| {
            let consumer = &mut f.consumers[0];
            (consumer.presence, consumer.removed_at) = (Presence::Present, None);
            consumer.names = NamedRule::Unknown;
            change(consumer);
        }
    };
    let sign = "a sign that dotenv.app knows federation_rule.bot: ";
    let reported = format!("{sign}a credential report that names it");
    let stated = format!("{sign}a named person who says that its settings name it");
    check_ready(unknown(|_| {}), &format!("verify waits for Workload: {reported}"));
    check_ready(unknown(|it| it.reports = false), &format!("verify waits for Person: {stated}"));
    let nothing = unknown(|it| it.report = Some(report(hour(1), Winner::Nothing)));
    check_ready(nothing, "verify refused: dotenv.app has no working credential");
    let removes = "remove waits for Engine: dotenv.app free of the key";
    let own = |at: i64| NamedRule::Own { at: hour(at), is_stated: false };
    check_ready(unknown(|it| it.names = NamedRule::Own { at: hour(1), is_stated: false }), removes);
    let aged = |by: i64| {
        let mut facts = ready();
        unknown(|_| {})(&mut facts);
        facts.consumers[0].names = own(NOW - 31 * 24 - by);
        told(&assess(&facts, hour(NOW)))
    };
    assert_eq!(aged(0), removes);
    assert_eq!(
        aged(1),
        format!("verify waits for Workload: {reported}, newer than that of {}", hour(NOW - 31 * 24 - 1))
    );
    let by_hand = "remove waits for Person: a named person who took the key out of dotenv.app (app/.env)";
    check_ready(
        unknown(|it| {
            it.manual = true;
            it.presence = Presence::Unknown("nobody looks".to_owned());
        }),
        by_hand,
    );
    // All that is missing is told at once.
    let both = |f: &mut LaneFacts| {
        unknown(|_| {})(f);
        f.rules[0].exchange = None;
    };
    let exchange = "verify waits for Engine: an accepted token exchange through federation_rule.bot";
    check_ready(both, &format!("{exchange}; Workload: {reported}"));
    let mut facts = ready();
    unknown(|_| {})(&mut facts);
    assert!(permits(&assess(&facts, hour(NOW)), Stage::Remove).is_err());
    let Gate::Waiting(needs) = assess(&facts, hour(NOW)).gate else { panic!("it waits") };
    let command = "keyless evidence add -manual -key=api_key.old -consumer=dotenv.app -rule=fdrl_1 ";
    assert!(needs[0].remedy.as_ref().is_some_and(|remedy| remedy.contains(command)), "{needs:?}");
}

#[test]
fn a_person_moves_what_no_program_reaches() {
    let moves = |f: &mut LaneFacts| {
        f.consumers[0].manual = true;
        f.consumers[0].presence = Presence::Unknown("by hand".to_owned());
        f.consumers[0].left_behind = Some("fdrl_9".to_owned());
    };
    let waits = "revoke waits for Person: a named person who moves dotenv.app (app/.env) from fdrl_9 to federation_rule.bot";
    check_disabled(moves, waits);
    check_ready(moves, &waits.replace("revoke", "confirm"));
}
