//! What others change by hand: it is told with name and time, and never undone blindly.

use serde_json::json;

use super::support::{Environment, Simulator};

fn id(environment: &Environment, address: &str) -> String {
    environment.state()["records"][address]["id"].as_str().unwrap().to_owned()
}

#[test]
fn without_drift_nothing_is_told() {
    let environment = Environment::one_lane();
    environment.apply();
    told!("drift_none", environment.keyless("drift -detailed-exitcode").exits(0));
}

#[test]
fn a_key_that_was_brought_back_gathers_evidence_anew() {
    let environment = Environment::one_lane();
    environment.apply();
    {
        let simulator = Simulator::start(&environment);
        simulator.advance_hours(2);
        simulator.as_person("api_keys/apikey_01Ci", &json!({ "status": "active" }));
    }
    told!("key_brought_back_drift", environment.keyless("drift -detailed-exitcode").exits(2));
    told!("key_brought_back_refresh_only", environment.keyless("plan -refresh-only"));
    told!("key_brought_back_apply", environment.apply());
    assert_eq!(environment.world()["api_keys"]["apikey_01Ci"]["status"], "inactive");
    environment.keyless("drift -detailed-exitcode").exits(0);
}

#[test]
fn a_rule_that_was_changed_by_hand_is_corrected() {
    let environment = Environment::one_lane();
    environment.apply();
    let rule = id(&environment, "federation_rule.ci");
    {
        let simulator = Simulator::start(&environment);
        simulator.as_person(&format!("federation_rules/{rule}"), &json!({ "token_lifetime_seconds": 7200 }));
    }
    told!("rule_changed_drift", environment.keyless("drift -detailed-exitcode").exits(2));
    told!("rule_changed_drift_json", environment.keyless("drift -json").exits(0));
    told!("rule_changed_plan", environment.keyless("plan -detailed-exitcode").exits(2));
    told!("rule_changed_apply", environment.apply());
    assert_eq!(environment.world()["rules"][&rule]["token_lifetime_seconds"], 3600);
}

#[test]
fn drift_can_be_recorded_without_being_corrected() {
    let environment = Environment::one_lane();
    environment.apply();
    let rule = id(&environment, "federation_rule.ci");
    {
        let simulator = Simulator::start(&environment);
        simulator.as_person(&format!("federation_rules/{rule}"), &json!({ "token_lifetime_seconds": 7200 }));
    }
    told!("refresh_only_apply", environment.keyless("apply -refresh-only -auto-approve").exits(0));
    assert_eq!(environment.world()["rules"][&rule]["token_lifetime_seconds"], 7200);
    environment.keyless("drift -detailed-exitcode").exits(0);
    environment.keyless("plan -detailed-exitcode").exits(2);
}

#[test]
fn what_was_archived_by_hand_is_never_made_again() {
    for (address, path, kind) in [
        ("federation_rule.ci", "federation_rules", "rules"),
        ("provider.github_actions.github", "federation_issuers", "issuers"),
    ] {
        let environment = Environment::one_lane();
        environment.apply();
        let id = id(&environment, address);
        {
            let simulator = Simulator::start(&environment);
            if kind == "issuers" {
                let rule = self::id(&environment, "federation_rule.ci");
                simulator.as_person(&format!("federation_rules/{rule}/archive"), &json!({}));
            }
            simulator.as_person(&format!("{path}/{id}/archive"), &json!({}));
        }
        let count = || environment.world()[kind].as_object().unwrap().len();
        let before = count();
        let run = environment.keyless("apply -auto-approve -parallelism=1");
        insta::assert_snapshot!(format!("archived_by_hand_{kind}"), run.told());
        assert_eq!(count(), before);
    }
}
