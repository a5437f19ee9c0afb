//! Saved plans: what was reviewed is what happens, or nothing.

use serde_json::{Value, json};

use super::support::{Environment, Simulator};

#[test]
fn a_saved_plan_is_shown_and_carried_out() {
    let environment = Environment::one_lane();
    told!("plan_out", environment.keyless("plan -out=first.plan").exits(0));
    told!("show_plan", environment.keyless("show first.plan").exits(0));
    told!("show_plan_markdown", environment.keyless("show -format=markdown first.plan").exits(0));
    let shown = environment.keyless("show -json first.plan").exits(0).json();
    assert_eq!(shown["format_version"], "1.2");
    let creates = shown["resource_changes"].as_array().unwrap().iter();
    assert_eq!(creates.filter(|change| change["change"]["actions"] == json!(["create"])).count(), 3);
    told!("apply_plan_file", environment.keyless("apply -parallelism=1 first.plan").exits(0));
    environment.keyless("plan -detailed-exitcode").exits(0);
    told!("plan_file_applied_twice", environment.keyless("apply first.plan").exits(1));
}

#[test]
fn a_plan_is_stale_after_the_configuration_changed() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    environment.edit("main.keyless.hcl", "\"24h\"", "\"48h\"");
    told!("stale_configuration", environment.keyless("apply first.plan").exits(1));
    assert_eq!(environment.world()["rules"], json!({}));
}

#[test]
fn a_plan_is_stale_after_somebody_changed_the_organization() {
    let environment = Environment::one_lane();
    environment.apply();
    environment.edit(
        "main.keyless.hcl",
        "service_account \"ci\" {",
        "service_account \"ci\" {\n  description = \"CI\"",
    );
    environment.keyless("plan -out=second.plan").exits(0);
    let rule = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    Simulator::start(&environment)
        .as_person(&format!("federation_rules/{rule}"), &json!({ "token_lifetime_seconds": 7200 }));
    told!("stale_remote", environment.keyless("apply second.plan").exits(1));
    assert_eq!(environment.world()["rules"][&rule]["token_lifetime_seconds"], 7200);
}

#[test]
fn a_name_that_somebody_took_meanwhile_is_told() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    Simulator::start(&environment)
        .as_person("service_accounts", &json!({ "name": "ci", "organization_role": "developer" }));
    told!("name_taken_meanwhile", environment.keyless("apply first.plan").exits(1));
    assert_eq!(environment.world()["rules"], json!({}));
}

#[test]
fn a_plan_is_stale_after_another_run() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment.apply();
    Simulator::start(&environment).advance_hours(26);
    environment.keyless("plan -out=second.plan").exits(0);
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    told!("stale_state", environment.keyless("apply second.plan").exits(1));
}

#[test]
fn a_plan_that_was_edited_is_refused() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    let mut plan: Value = serde_json::from_str(&environment.read("first.plan")).unwrap();
    let text = plan.to_string();
    plan = serde_json::from_str(&text.replace("workspace_developer", "workspace_admin")).unwrap();
    environment.write("edited.plan", &plan.to_string());
    told!("plan_edited", environment.keyless("apply edited.plan").exits(1));
    environment.write("cut.plan", &environment.read("first.plan")[..200]);
    told!("plan_cut_short", environment.keyless("apply cut.plan").exits(1));
    told!("plan_missing", environment.keyless("apply nothing.plan").exits(1));
    assert_eq!(environment.world()["service_accounts"], json!({}));
}
