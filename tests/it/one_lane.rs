//! One key from start to end, and what every command says of it.

use serde_json::json;

use super::support::{Environment, Simulator};

#[test]
fn a_migration_from_start_to_end() {
    let environment = Environment::one_lane();
    told!("validate", environment.keyless("validate").exits(0));
    told!("validate_json", environment.keyless("validate -json").exits(0));
    told!("status_before", environment.keyless("status").exits(0));
    told!("show_before", environment.keyless("show").exits(0));
    told!("output_before", environment.keyless("output").exits(0));
    told!("plan", environment.keyless("plan").exits(0));
    told!("apply_without_approval", environment.keyless("apply").exits(1));
    assert!(!environment.path(".keyless/state.json").exists() || environment.state()["records"] == json!({}));
    told!("apply", environment.apply());
    told!("status_after", environment.keyless("status").exits(0));
    told!("status_json", environment.keyless("status -json").exits(0));
    told!("show_after", environment.keyless("show").exits(0));
    told!("evidence_list", environment.keyless("evidence list").exits(0));
    told!("apply_again", environment.apply());
    assert_eq!(environment.world()["api_keys"]["apikey_01Ci"]["status"], "inactive");
}

#[test]
fn a_lane_goes_on_in_a_later_run() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    told!("stops_at_the_wait", environment.keyless("apply -auto-approve -parallelism=1").exits(0));
    Simulator::start(&environment).advance_hours(26);
    told!("goes_on_after_the_wait", environment.keyless("apply -auto-approve -parallelism=1").exits(0));
    assert_eq!(environment.lane("api_key.ci")["key_status"], "inactive");
    environment.keyless("plan -detailed-exitcode").exits(0);
}

#[test]
fn outputs_are_shown_in_three_ways() {
    let environment = Environment::one_lane();
    environment.apply();
    let id = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    told!("output", environment.keyless("output").exits(0));
    told!("output_json", environment.keyless("output -json").exits(0));
    assert_eq!(environment.keyless("output -json rule").exits(0).json(), json!(id));
    assert_eq!(environment.keyless("output -raw rule").exits(0).stdout.trim_end(), id);
    told!("output_unknown", environment.keyless("output nothing").exits(1));
}

#[test]
fn the_version_is_told() {
    let environment = Environment::with(&[]);
    environment.keyless("version").exits(0).says(concat!("keyless v", env!("CARGO_PKG_VERSION")));
    let version = environment.keyless("version -json").exits(0).json();
    assert_eq!(version["keyless_version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn usage_errors_exit_with_one() {
    let environment = Environment::one_lane();
    told!("usage_unknown_command", environment.keyless("migrate").exits(1));
    told!("usage_unknown_flag", environment.keyless("plan -destory").exits(1));
    told!("usage_bad_address", environment.keyless("plan -approve-archive=ci").exits(1));
    told!("usage_missing_directory", environment.keyless("-chdir=nowhere plan").exits(1));
}

#[test]
fn a_lane_that_fails_stops_no_other() {
    let environment = Environment::two_lanes();
    environment.write("fail", "");
    told!("one_lane_fails", environment.keyless("apply -auto-approve -parallelism=1").exits(1));
    assert_eq!(environment.lane("api_key.ci")["key_status"], "inactive");
    assert_eq!(environment.lane("api_key.batch")["key_status"], "active");
    std::fs::remove_file(environment.path("fail")).unwrap();
    environment.apply();
    assert_eq!(environment.lane("api_key.batch")["key_status"], "inactive");
}
