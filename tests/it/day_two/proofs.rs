//! What is changed in place under workloads is proved at once, at no cost to them.

use super::{MAIN, SKIPS, Stage, WAITS, check_moves, check_workload, edit_named, hours_pass, reach, replace};
use crate::support::Environment;

fn shorter(environment: &Environment) {
    replace(
        environment,
        &[(
            "  match {\n    subject = \"device:one\"",
            "  token_lifetime_seconds = 1800\n\n  match {\n    subject = \"device:one\"",
        )],
    );
}

/// The trial is made with a token that the API refuses, since it is one of another day.
fn outdate(environment: &Environment, token: &str) {
    environment.edit(MAIN, "    file = \"m/identity-token\"", "    file = \"m/outdated\"");
    environment.write("m/outdated", token);
}

/// The trial is made with what is no token.
fn spoil(environment: &Environment) {
    environment.edit(MAIN, "    file = \"m/identity-token\"", "    file = \"m/spoilt\"");
    environment.write("m/spoilt", "not a token");
}

#[test]
fn a_change_under_a_finished_lane_is_proved_at_once_and_set_back_where_it_fails() {
    let finished = reach(Stage::Finished);
    let proved = finished.copied();
    shorter(&proved);
    told!("change_proved", proved.keyless("apply -auto-approve").exits(0));
    proved.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    check_workload(&proved, "proved");
    let lifetime = |environment: &Environment| {
        environment.state()["records"]["federation_rule.app"]["attributes"]["token_lifetime_seconds"].clone()
    };
    assert_eq!(lifetime(&proved), 1800);
    let refused = finished.copied();
    shorter(&refused);
    spoil(&refused);
    told!("change_set_back", refused.keyless("apply -auto-approve").exits(1));
    assert_eq!(lifetime(&refused), 3600);
    check_workload(&refused.copied(), "set back");
    // The rule is what it was, and proved as it was.
    refused.write(MAIN, &finished.read(MAIN));
    refused.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    let outdated = finished.copied();
    let token = outdated.read("m/identity-token");
    hours_pass(&outdated);
    shorter(&outdated);
    outdate(&outdated, &token);
    outdated
        .keyless("apply -auto-approve")
        .exits(1)
        .says("the API refused a trial exchange")
        .says("set back");
    assert_eq!(lifetime(&outdated), 3600);
    outdated.write(MAIN, &finished.read(MAIN));
    outdated.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    check_workload(&outdated, "refused and set back");
    // What things are called needs no proof.
    let renamed = finished.copied();
    spoil(&renamed);
    replace(
        &renamed,
        &[("federation_rule \"app\" {", "federation_rule \"app\" {\n  description = \"Devices\"")],
    );
    renamed.keyless("apply -auto-approve").exits(0).says("1 changed");
}

#[test]
fn a_change_that_a_killed_run_did_not_prove_is_set_back_by_the_next_one() {
    let environment = reach(Stage::Finished);
    let by_command = "  identity_token {\n    command = [\"sh\", \"token.sh\"]";
    environment.edit(MAIN, "  identity_token {\n    file = \"m/identity-token\"", by_command);
    // Killed when the change is made and its trial has begun.
    environment.write("token.sh", "kill -9 $PPID\n");
    shorter(&environment);
    assert_eq!(environment.keyless("apply -auto-approve").code, None, "a signal ends it");
    let lifetime = || {
        environment.state()["records"]["federation_rule.app"]["attributes"]["token_lifetime_seconds"].clone()
    };
    environment.write("token.sh", "echo not a token\n");
    // By now the API has what the blocks say.
    told!("killed_set_back", environment.keyless("apply -auto-approve").exits(1));
    assert_eq!(lifetime(), 3600);
    check_workload(&environment.copied(), "set back");
    let proved = environment.copied();
    proved.write("token.sh", "cat m/identity-token\n");
    proved.keyless("apply -auto-approve").exits(0).says("1 changed");
    proved.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    check_workload(&proved, "proved");
}

#[test]
fn a_change_that_is_never_tried_since_another_failed_is_set_back() {
    let environment = reach(Stage::Finished);
    shorter(&environment);
    environment.edit(
        MAIN,
        "  check_jti  = false\n",
        "  check_jti  = false\n  max_jwt_lifetime_seconds = 7200\n",
    );
    let simulator = crate::support::Simulator::start(&environment);
    let fault = serde_json::json!({
        "fault": "expired_token", "method": "POST", "path": "/v1/organizations/federation_rules/*", "times": null,
    });
    simulator.fault(&fault);
    told!("untried_set_back", environment.keyless("apply -auto-approve -parallelism=1").exits(1));
    let longest = || {
        let records = environment.state()["records"].clone();
        records["provider.oidc.dev"]["attributes"]["max_jwt_lifetime_seconds"].clone()
    };
    assert_eq!(longest(), 3600);
    simulator.mend();
    environment.keyless("apply -auto-approve").exits(0).says("2 changed");
    assert_eq!(longest(), 7200);
}

const SHARED: &str = "  check_jti  = false\n";

/// A finished lane whose workload lives off the very tokens with which its rule is tried, each of which works once.
fn finished_on_single_tokens() -> Environment {
    let environment = reach(Stage::NotBegun);
    environment.edit(MAIN, SHARED, "");
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "inactive");
    environment
}

#[test]
fn a_token_that_works_once_is_left_to_its_workload() {
    let environment = finished_on_single_tokens();
    edit_named(&environment, "a second rule instead");
    let run = environment.keyless("apply -auto-approve").exits(0);
    told!("single_use", run);
    assert!(!run.stderr.contains("✓ verify"), "{}", run.told());
    // What it advises helps.
    environment.edit(
        MAIN,
        "  issuer_url = \"https://devices.acme.example.com\"\n",
        &format!("  issuer_url = \"https://devices.acme.example.com\"\n{SHARED}"),
    );
    environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
    check_moves(&environment);
}

#[test]
fn a_workload_on_single_tokens_shows_by_itself_that_its_rule_works() {
    let environment = reach(Stage::NotBegun);
    environment.edit(MAIN, SHARED, "");
    environment.edit(MAIN, SKIPS, WAITS);
    environment.keyless("apply -auto-approve").exits(0);
    let simulator = crate::support::Simulator::start(&environment);
    simulator.advance_hours(26);
    drop(simulator);
    // The proof is more than a day old, and the report that came meanwhile takes its place.
    let run = environment.keyless("apply -auto-approve").exits(0);
    assert!(!run.stderr.contains("✓ verify") && run.stderr.contains("✓ revoke"), "{}", run.told());
    check_workload(&environment, "revoked");
}

#[test]
fn a_change_under_way_on_single_tokens_waits_for_the_next_report() {
    let environment = reach(Stage::NotBegun);
    environment.edit(MAIN, SHARED, "");
    environment.edit(MAIN, SKIPS, WAITS);
    environment.keyless("apply -auto-approve").exits(0);
    environment.edit(MAIN, WAITS, SKIPS);
    shorter(&environment);
    let run = environment.keyless("apply -auto-approve").exits(0);
    assert!(!run.stderr.contains("✓ verify") && !run.stderr.contains("✓ revoke"), "{}", run.told());
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "inactive");
    check_workload(&environment, "revoked");
}

#[test]
fn a_workload_that_no_longer_reports_is_missed() {
    let environment = reach(Stage::Finished);
    environment.keyless("status").exits(0).says("done: the key is inactive");
    let simulator = crate::support::Simulator::start(&environment);
    simulator.pause("app");
    simulator.advance_hours(31 * 24);
    drop(simulator);
    let run = environment.keyless("status").exits(0);
    run.says("no credential report of dotenv.app since");
    environment.keyless("drift -detailed-exitcode").exits(0).says("No drift");
}
