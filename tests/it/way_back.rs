//! Rollback and destroy: keys are back where they were, byte for byte.

use serde_json::json;

use super::support::{Environment, Simulator};

/// Waits are not skipped here, so that the migration stands still with the key taken out.
fn stopped_half_way() -> (Environment, String) {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment.keyless("plan").exits(0);
    let original = environment.read("ci/.env");
    environment.apply().says("waits for no use of the key for 24h");
    assert!(!environment.read("ci/.env").contains("\nANTHROPIC_API_KEY="));
    (environment, original)
}

#[test]
fn rollback_returns_to_the_last_checkpoint() {
    let (environment, original) = stopped_half_way();
    told!("rollback", environment.keyless("rollback -auto-approve -parallelism=1").exits(0));
    let now = environment.read("ci/.env");
    assert!(now.starts_with(&original), "{}", now.replace("sk-ant", "key"));
    assert_eq!(environment.lane("api_key.ci")["key_status"], "active");
}

#[test]
fn rollback_returns_to_a_named_checkpoint() {
    let (environment, original) = stopped_half_way();
    told!("checkpoint_list", environment.keyless("checkpoint list").exits(0));
    told!("rollback_to_unknown", environment.keyless("rollback -to=nowhere -auto-approve").exits(1));
    let run = environment.keyless("rollback -to=1-before-first-change -auto-approve -parallelism=1").exits(0);
    told!("rollback_to", run);
    assert!(environment.read("ci/.env") == original);
}

#[test]
fn destroy_restores_keys_first_and_archives_rules_before_issuers() {
    let environment = Environment::two_lanes();
    environment.keyless("plan").exits(0);
    let original = environment.read("ci/.env");
    let vault = environment.read("batch/key.env");
    environment.apply();
    told!("plan_destroy", environment.keyless("plan -destroy").exits(0));
    let run = environment.keyless("destroy -auto-approve -parallelism=1").exits(0);
    told!("destroy", run);
    assert!(environment.read("ci/.env") == original && environment.read("batch/key.env") == vault);
    let at = |words: &str| run.stderr.find(words).unwrap_or_else(|| panic!("no {words} in\n{}", run.told()));
    assert!(at("api_key.ci  set apikey_01Ci active") < at("federation_rule.ci  archive it"));
    assert!(at("federation_rule.ci  archive it") < at("provider.github_actions.github  archive it"));
    assert!(at("federation_rule.batch  archive it") < at("provider.github_actions.github  archive it"));
    told!("destroy_again", environment.keyless("destroy -auto-approve").exits(0));
}

#[test]
fn a_key_that_somebody_else_set_inactive_is_not_put_back() {
    let (environment, _) = stopped_half_way();
    let taken_out = environment.read("ci/.env");
    Simulator::start(&environment).as_person("api_keys/apikey_01Ci", &json!({ "status": "inactive" }));
    told!("rollback_of_a_dead_key", environment.keyless("rollback -auto-approve").exits(1));
    environment.keyless("destroy -auto-approve").exits(1).says("would leave a workload without a credential");
    assert!(environment.read("ci/.env") == taken_out);
}
