//! Proofs where a trial would use up the token off which a workload lives.

use super::super::super::facts::SparedFacts;
use super::*;

/// A lane whose rule is not tried, for the sake of a workload that lives off it or off another one.
fn spare(f: &mut LaneFacts, lives_off_it: bool) {
    let rule = &mut f.rules[0];
    let workload = "dotenv.app of api_key.old".to_owned();
    (rule.can_exchange, rule.exchange) = (false, None);
    rule.spared = Some(SparedFacts { workload, lives_off_it });
}

#[test]
fn a_signed_report_counts_where_a_trial_would_use_a_token_up() {
    let reported = |at: Timestamp, lives_off_it: bool| {
        move |f: &mut LaneFacts| {
            spare(f, lives_off_it);
            f.rules[0].reported_at = Some(at);
        }
    };
    let wants = "confirm waits for Workload: an accepted token exchange through federation_rule.bot";
    check_ready(|f| spare(f, true), wants);
    check_ready(|f| spare(f, false), &wants.replace("Workload", "Person"));
    check_ready(reported(hour(NOW), true), "confirm open");
    check_ready(reported(hour(NOW - 24), true), "confirm open");
    let second = SignedDuration::from_secs(1);
    check_ready(reported(hour(NOW - 24) - second, true), wants);
    check_ready(reported(hour(NOW) + second, true), wants);
    // Where the engine can try the rule, it does.
    let tried = |f: &mut LaneFacts| {
        f.rules[0].exchange = None;
        f.rules[0].reported_at = Some(hour(NOW));
    };
    check_ready(tried, &wants.replace("Workload", "Engine"));
}
