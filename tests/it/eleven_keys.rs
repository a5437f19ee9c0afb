//! The main example from the first plan to the last lane that can move.

use serde_json::json;

use super::support::{Environment, Simulator};

#[test]
fn nine_lanes_are_revoked_one_waits_and_one_is_refused() {
    let environment = Environment::example("eleven-keys");
    environment.keyless("plan -detailed-exitcode").exits(2);
    environment.apply().says("Lanes: 11 in all, 9 revoked, 1 waiting, 1 refused.");
    let again = environment.apply();
    told!("eleven_keys_second_apply", again);
    assert!(again.stdout.contains("0 added, 0 changed, 0 destroyed"));
    told!("eleven_keys_status", environment.keyless("status"));
    let laptop = environment.lane("api_key.laptop");
    assert_eq!(laptop["refusals"][0]["place"], ".keyless/machines/laptop/zprofile:5");
    let partner = environment.lane("api_key.partner_batch");
    assert!(partner["needs"][0]["what"].as_str().unwrap().contains("named person"), "{partner:#}");
    told!("eleven_keys_output", environment.keyless("output"));
    told!("eleven_keys_checkpoints", environment.keyless("checkpoint list"));
}

#[test]
fn a_trap_that_was_cured_lets_its_lane_go_on() {
    let environment = Environment::example("eleven-keys");
    environment.apply();
    let profile = ".keyless/machines/laptop/zprofile";
    let kept: Vec<String> = environment
        .read(profile)
        .lines()
        .filter(|line| !line.contains("ANTHROPIC_API_KEY"))
        .map(str::to_owned)
        .collect();
    environment.write(profile, &kept.join("\n"));
    environment.apply().says("Lanes: 11 in all, 10 revoked, 1 waiting.");
    assert_eq!(environment.lane("api_key.laptop")["key_status"], "inactive");
}

#[test]
fn a_statement_frees_the_waiting_lane() {
    let environment = Environment::example("eleven-keys");
    environment.apply();
    let simulator = Simulator::start(&environment);
    let add = |consumer: &str, statement: &str| {
        environment.run(&[
            "evidence",
            "add",
            "-manual",
            "-key=api_key.partner_batch",
            consumer,
            "-by=Berta",
            statement,
        ])
    };
    told!("evidence_of_unknown_consumer", add("-consumer=manual.nobody", "-statement=gone").exits(1));
    told!(
        "evidence_with_secret",
        add("-consumer=manual.partner", "-statement=it was sk-ant-api03-xxxxxxxxxxxx").exits(1)
    );
    told!("evidence_added", add("-consumer=manual.partner", "-statement=Deleted it").exits(0));
    environment.keyless("plan -detailed-exitcode");
    environment.apply();
    let lane = environment.lane("api_key.partner_batch");
    assert_ne!(lane["stage"], "remove", "{lane:#}");
    drop(simulator);
}

#[test]
fn an_archive_needs_time_and_a_named_approval() {
    let environment = Environment::example("eleven-keys");
    environment.apply();
    let archived = || environment.world()["api_keys"]["apikey_01ReleaseNotes"]["status"] == json!("archived");
    environment.keyless("apply -auto-approve -approve-archive=api_key.nobody -by=Ada").exits(1);
    let without = environment.keyless("apply -auto-approve").exits(0);
    without.says("waits for a named approval: archiving is final");
    assert!(!archived());
    let with =
        environment.keyless("apply -auto-approve -approve-archive=api_key.release_notes -by=Ada").exits(0);
    // The time that still has to pass is skipped, and said to be.
    with.says("(skip_waits: 72h");
    assert!(archived());
}
