//! A saved plan that somebody edited with care: the checksum fits, and it is refused all the same.

use serde_json::{Value, json};

use super::forged_plan::{forge, step};
use super::support::Environment;

#[test]
fn the_checksum_alone_is_no_protection() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    forge(&environment, "first.plan", "same.plan", |plan| plan["created_at"] = json!("2030-01-01T00:00:00Z"));
    environment.keyless("show same.plan").exits(0);
}

#[test]
fn an_edited_plan_with_a_fitting_checksum_is_refused() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    let check = |name: &str, edit: fn(&mut Value), words: &str| {
        forge(&environment, "first.plan", name, edit);
        environment.keyless(&format!("apply {name}")).exits(1).says(words).says("what every plan keeps");
    };
    let unguarded = |plan: &mut Value| step(plan, "disable/api_key.ci")["lane"] = Value::Null;
    check("gate.plan", unguarded, "step disable/api_key.ci: found no gate; expected the gate of api_key.ci");
    let unproved = |plan: &mut Value| {
        let remove = step(plan, "remove/api_key.ci/dotenv.runner");
        let after = remove["after"].as_array_mut().unwrap();
        after.retain(|id| id != "verify/federation_rule.ci");
    };
    check("proof.plan", unproved, "I3 (every consumer has a working credential at every instant)");
    // What is shown is edited with what is done; only the configuration still tells.
    let wider = |plan: &mut Value| {
        let prefix = json!("repo:acme/*");
        step(plan, "create/federation_rule.ci")["operation"]["arguments"]["matching"]["subject_prefix"] =
            prefix.clone();
        let changes = plan["changes"].as_array_mut().unwrap();
        let rule = changes.iter_mut().find(|change| change["address"] == "federation_rule.ci").unwrap();
        rule["after"]["match"]["subject_prefix"] = prefix;
    };
    check("wider.plan", wider, "I11 (what a rule admits never widens without the plan showing it)");
    assert_eq!(environment.world()["rules"], json!({}));
    forge(&environment, "first.plan", "shown.plan", unguarded);
    told!("show_forged_plan", environment.keyless("show shown.plan").exits(1));
    told!("apply_forged_plan", environment.keyless("apply shown.plan").exits(1));
    environment.keyless("apply first.plan").exits(0);
}

#[test]
fn an_edited_way_back_is_refused() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    environment.apply();
    environment.keyless("plan -destroy -out=back.plan").exits(0);
    forge(&environment, "back.plan", "forged.plan", |plan| {
        let steps = plan["steps"].as_array_mut().unwrap();
        steps.retain(|step| step["id"] != "enable/api_key.ci");
        for step in steps {
            step["after"].as_array_mut().unwrap().retain(|id| id != "enable/api_key.ci");
        }
    });
    let told = environment.keyless("apply forged.plan").exits(1);
    told.says("step restore/api_key.ci/dotenv.runner: found the key inactive; expected a key that works");
    assert_eq!(environment.lane("api_key.ci")["key_status"], "inactive");
    environment.keyless("apply back.plan").exits(0);
}
