//! Forgeries of later plans: of a lane under way, of a way back, of a refresh.

use serde_json::{Value, json};

use super::{CONFIRM, DISABLE, Forger, add, made, of, step, without};
use crate::support::{Environment, Simulator};

#[test]
fn a_forged_plan_of_a_lane_under_way_does_nothing() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    assert_eq!(environment.lane("api_key.ci")["key_status"], "active");
    environment.keyless("plan -out=waiting.plan").exits(0);
    let mut forger = Forger { environment: &environment, plan: "waiting.plan", count: 0 };
    let disable = |after: Value| {
        let undo = json!({ "undo": "possible", "how": "set the key active again", "leaves": "" });
        let operation = json!({ "operation": "disable", "address": "api_key.ci", "id": "apikey_01Ci" });
        let mut step = made(DISABLE, "revoke", json!("api_key.ci"), operation, undo);
        step["after"] = after;
        step
    };
    let confirm = || {
        let operation = json!({ "operation": "confirm", "address": "api_key.ci" });
        made(CONFIRM, "confirm", json!("api_key.ci"), operation, json!({ "undo": "nothing" }))
    };
    // Confirmed by nothing, and by a step that a plan does not have yet.
    forger.refused(|plan| add(plan, disable(json!([]))), &[DISABLE, "evidence"]);
    forger.refused(
        |plan| {
            add(plan, confirm());
            add(plan, disable(json!([CONFIRM])));
        },
        &[
            "step confirm/api_key.ci: a plan made now does not have it",
            "step disable/api_key.ci: a plan made now does not have it",
        ],
    );
    environment.edit(
        "main.keyless.hcl",
        "\"ci\" {\n  membership",
        "\"ci\" {\n  description = \"CI\"\n  membership",
    );
    environment.keyless("plan -out=second.plan").exits(0);
    forger.plan = "second.plan";
    let admin = |plan: &mut Value| {
        step(plan, "update/service_account.ci")["operation"]["organization_role"] = json!("admin");
        of(plan, "changes", "service_account.ci")["after"]["organization_role"] = json!("admin");
    };
    forger.refused(admin, &["step update/service_account.ci"]);
    let described = |plan: &mut Value| {
        step(plan, "update/service_account.ci")["operation"]["description"] = json!("mine");
        of(plan, "changes", "service_account.ci")["after"]["description"] = json!("mine");
    };
    forger.refused(described, &["step update/service_account.ci: operation.description is \"mine\""]);
    let unmember = |plan: &mut Value| {
        let workspace = of(plan, "changes", "service_account.ci")["before"]["memberships"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone();
        let id = format!("remove-membership/service_account.ci/{workspace}");
        let operation = json!({ "operation": "remove_membership", "address": "service_account.ci", "workspace_id": workspace });
        let undo = json!({ "undo": "possible", "how": "give it back", "leaves": "" });
        add(plan, made(&id, "configure", Value::Null, operation, undo));
    };
    forger.refused(unmember, &["step remove-membership/service_account.ci/"]);
    let elsewhere = |plan: &mut Value| {
        let disabled = json!({ "operation": "disable_workspace", "address": "federation_rule.ci", "workspace_id": "wrkspc_1" });
        let undo = json!({ "undo": "possible", "how": "enable it again", "leaves": "" });
        add(
            plan,
            made("disable-workspace/federation_rule.ci/wrkspc_1", "configure", Value::Null, disabled, undo),
        );
    };
    forger.refused(elsewhere, &["disable-workspace/federation_rule.ci/wrkspc_1"]);
    environment.keyless("apply second.plan").exits(0);
}

#[test]
fn a_forged_way_back_does_nothing() {
    let environment = Environment::one_lane();
    environment.apply();
    environment.keyless("plan -destroy -out=back.plan").exits(0);
    let mut forger = Forger { environment: &environment, plan: "back.plan", count: 0 };
    let receipt = |plan: &mut Value| {
        step(plan, "restore/api_key.ci/dotenv.runner")["operation"]["receipt"] = json!({ "line": "x" });
    };
    forger.refused(receipt, &["step restore/api_key.ci/dotenv.runner: operation.receipt"]);
    forger.refused(
        |plan| without(plan, "forget/api_key.ci"),
        &["the change of api_key.ci as it is shown: the file shows all of it and leaves out forget/api_key.ci"],
    );
    forger.refused(
        |plan| step(plan, "archive/federation_rule.ci")["undo"]["why"] = json!("so"),
        &["step archive/federation_rule.ci: undo.why is \"so\""],
    );
    forger.refused(|plan| plan["mode"] = json!("apply"), &["enable/api_key.ci"]);
    forger.refused(|plan| plan["mode"] = json!("rollback"), &["a rollback cannot be applied from a file"]);
    environment.keyless("apply back.plan").exits(0);
}

#[test]
fn a_forged_refresh_records_nothing() {
    let environment = Environment::one_lane();
    environment.apply();
    let rule = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    Simulator::start(&environment)
        .as_person(&format!("federation_rules/{rule}"), &json!({ "token_lifetime_seconds": 7200 }));
    environment.keyless("plan -refresh-only -out=refresh.plan").exits(0);
    let mut forger = Forger { environment: &environment, plan: "refresh.plan", count: 0 };
    forger.refused(
        |plan| of(plan, "drift", "federation_rule.ci")["after"]["token_lifetime_seconds"] = json!(60),
        &["what others did to federation_rule.ci: after.token_lifetime_seconds is 60, and 7200 in a plan made now"],
    );
    forger.refused(
        |plan| plan["drift"] = json!([]),
        &["what others did to federation_rule.ci: the file leaves it out"],
    );
    forger.refused(
        |plan| of(plan, "drift", "federation_rule.ci")["address"] = json!("service_account.ci"),
        &["what others did to service_account.ci: a plan made now does not have it"],
    );
    environment.keyless("apply refresh.plan").exits(0);
    let recorded = environment.state();
    assert_eq!(recorded["records"]["federation_rule.ci"]["attributes"]["token_lifetime_seconds"], 7200);
}

#[test]
fn an_approval_is_given_to_apply_and_to_no_file() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "\"24h\"", "\"24h\"\n  archive_after = \"48h\"");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    Simulator::start(&environment).advance_hours(60);
    environment
        .keyless("plan -approve-archive=api_key.ci -by=Ada -out=last.plan")
        .exits(0)
        .says("archive apikey_01Ci");
    let told = environment.keyless("apply last.plan").exits(1);
    told.says("step archive/api_key.ci: a plan made now does not have it");
    assert_eq!(environment.lane("api_key.ci")["key_status"], "inactive");
    environment.keyless("apply -approve-archive=api_key.ci -by=Ada last.plan").exits(0);
    assert_eq!(environment.lane("api_key.ci")["key_status"], "archived");
}
