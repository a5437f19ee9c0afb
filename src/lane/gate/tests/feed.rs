//! What the Activity Feed adds to the proof of a rule.

use super::super::super::facts::FeedFacts;
use super::*;

fn feed(accepted: Option<Timestamp>, refused: Option<Timestamp>, reason: &str) -> FeedFacts {
    FeedFacts { accepted_at: accepted, refused_at: refused, reason: reason.to_owned() }
}

/// A lane whose rule the engine cannot try out, while others may.
#[track_caller]
fn check_others(accepted: Timestamp, change: impl FnOnce(&mut LaneFacts), expected: &str) {
    check_ready(
        |f| {
            let rule = &mut f.rules[0];
            (rule.can_exchange, rule.exchange, rule.issuer_keys_seen) = (false, None, false);
            rule.feed = Some(feed(Some(accepted), None, ""));
            change(f);
        },
        expected,
    );
}

const WANTS: &str = "confirm waits for Person: an accepted token exchange through federation_rule.bot";

#[test]
fn an_exchange_by_others_counts_where_the_engine_cannot_make_one() {
    check_others(hour(NOW), |_| {}, "confirm open");
    check_others(hour(NOW - 24), |_| {}, "confirm open");
    let second = SignedDuration::from_secs(1);
    check_others(hour(NOW - 24) - second, |_| {}, WANTS);
    check_others(hour(NOW) + second, |_| {}, WANTS);
    let engine = WANTS.replace("Person", "Engine");
    check_others(hour(NOW), |f| f.rules[0].can_exchange = true, &engine);
}

#[test]
fn a_refusal_of_our_own_outweighs_what_was_accepted_before_it() {
    let own = |at: i64| {
        move |f: &mut LaneFacts| {
            let refusal = "401".to_owned();
            f.rules[0].exchange = Some(ExchangeFacts { at: hour(at), accepted: false, refusal });
        }
    };
    let refused = "confirm refused: the API refused an exchange through federation_rule.bot: 401";
    check_others(hour(NOW - 2), own(NOW - 3), "confirm open");
    check_others(hour(NOW - 2), own(NOW - 2), refused);
    check_others(hour(NOW - 2), own(NOW - 1), refused);
    // A stranger that is refused says nothing against a rule that admits the right ones.
    let stranger = |f: &mut LaneFacts| {
        f.rules[0].feed = Some(feed(Some(hour(NOW - 2)), Some(hour(NOW - 1)), "match_subject_prefix"));
    };
    check_others(hour(NOW - 2), stranger, "confirm open");
}

#[test]
fn a_refused_exchange_is_told_with_the_reason_in_the_feed() {
    let refused = |refused: Timestamp, reason: &'static str| {
        move |f: &mut LaneFacts| {
            let refusal = "401 Authentication failed".to_owned();
            f.rules[0].exchange = Some(ExchangeFacts { at: hour(NOW - 1), accepted: false, refusal });
            f.rules[0].feed = Some(feed(None, Some(refused), reason));
        }
    };
    let plain = "confirm waits for Engine: the API refused an exchange through federation_rule.bot: 401 Authentication failed";
    let minute = SignedDuration::from_mins(1);
    let told = format!("{plain}; the Activity Feed gives the reason `jti_reused`");
    check_ready(refused(hour(NOW - 1) + minute, "jti_reused"), &told);
    check_ready(refused(hour(NOW - 1) - minute, "jti_reused"), &told);
    check_ready(refused(hour(NOW - 1) + minute * 3, "jti_reused"), plain);
    check_ready(refused(hour(NOW - 1), ""), plain);
}

#[test]
fn while_people_take_the_key_out_an_exchange_by_others_may_age() {
    let by_hand = |f: &mut LaneFacts| {
        f.consumers[0] = ConsumerFacts {
            presence: Presence::Unknown("x".into()),
            manual: true,
            removed_at: None,
            ..consumer()
        };
    };
    check_others(
        hour(NOW - 48),
        by_hand,
        "remove waits for Person: a named person who took the key out of dotenv.app (app/.env)",
    );
}
