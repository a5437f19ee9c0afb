//! Forgeries of a plan that makes everything.

use serde_json::{Value, json};

use super::{CONFIRM, DISABLE, Forger, add, forge, made, of, step, without};
use crate::support::Environment;

const ISSUER: &str = "create/provider.github_actions.github";
const ACCOUNT: &str = "create/service_account.ci";
const RULE: &str = "create/federation_rule.ci";
const CONFIGURE: &str = "configure/api_key.ci/dotenv.runner";
const VERIFY: &str = "verify/federation_rule.ci";
const REMOVE: &str = "remove/api_key.ci/dotenv.runner";

#[test]
fn a_forged_first_plan_does_nothing() {
    let environment = Environment::one_lane();
    environment.keyless("plan -out=first.plan").exits(0);
    let mut forger = Forger { environment: &environment, plan: "first.plan", count: 0 };
    guards(&mut forger);
    objects(&mut forger);
    left_out(&mut forger);
    smuggled_in(&mut forger);
    shown(&mut forger);
    assert!(forger.count >= 30, "{}", forger.count);
    // Waiting for more is no harm.
    forge(&environment, "first.plan", "patient.plan", |plan| {
        let after = step(plan, ISSUER)["after"].as_array_mut().unwrap();
        assert!(!after.contains(&json!(ACCOUNT)));
        after.push(json!(ACCOUNT));
    });
    let untouched = environment.copied();
    environment.keyless("apply patient.plan").exits(0);
    untouched.keyless("apply first.plan").exits(0);
    for environment in [&environment, &untouched] {
        assert_eq!(environment.lane("api_key.ci")["key_status"], "inactive");
    }
}

/// Another gate, another key, another way back.
fn guards(forger: &mut Forger<'_>) {
    forger.refused(|plan| step(plan, DISABLE)["lane"] = Value::Null, &[DISABLE]);
    forger.refused(|plan| step(plan, DISABLE)["stage"] = json!("configure"), &[DISABLE]);
    forger.refused(|plan| step(plan, DISABLE)["operation"]["id"] = json!("apikey_01Other"), &[DISABLE]);
    forger.refused(
        |plan| {
            step(plan, DISABLE)["operation"]["id"] = json!("apikey_01Other");
            of(plan, "lanes", "api_key.ci")["key_id"] = json!("apikey_01Other");
        },
        &[DISABLE],
    );
    forger.refused(
        |plan| step(plan, DISABLE)["undo"]["how"] = json!("call us"),
        &[DISABLE, "undo.how is \"call us\", and \"set the key active again\" in a plan made now"],
    );
    forger
        .refused(|plan| step(plan, REMOVE)["undo"] = json!({ "undo": "impossible", "why": "so" }), &[REMOVE]);
    forger
        .refused(|plan| plan["mode"] = json!("destroy"), &[REMOVE, "no key to be taken away on a way back"]);
    forger.refused(|plan| plan["mode"] = json!("rollback"), &[REMOVE]);
    forger.refused(|plan| plan["mode"] = json!("refresh_only"), &[REMOVE]);
}

/// Wider arguments, shown as they are done.
fn objects(forger: &mut Forger<'_>) {
    let rule = |path: &'static [&'static str], shown: &'static str, value: Value| {
        move |plan: &mut Value| {
            let arguments = &mut step(plan, RULE)["operation"]["arguments"];
            *path.iter().fold(arguments, |at, name| &mut at[*name]) = value.clone();
            let after = &mut of(plan, "changes", "federation_rule.ci")["after"];
            let (first, rest) = shown.split_once('.').unwrap_or((shown, ""));
            let at = &mut after[first];
            *(if rest.is_empty() { at } else { &mut at[rest] }) = value;
        }
    };
    forger.refused(rule(&["matching", "subject_prefix"], "match.subject_prefix", json!("repo:*")), &[RULE]);
    forger.refused(rule(&["oauth_scope"], "oauth_scope", json!("org:admin")), &[RULE]);
    forger.refused(rule(&["token_lifetime_seconds"], "token_lifetime_seconds", json!(86_400)), &[RULE]);
    forger.refused(
        |plan| step(plan, RULE)["operation"]["arguments"]["description"] = json!("approved by security"),
        &[RULE],
    );
    let issuer = |name: &'static str, value: Value| {
        move |plan: &mut Value| {
            let arguments = &mut step(plan, ISSUER)["operation"]["arguments"];
            assert!(arguments.get(name).is_some(), "{arguments:#}");
            arguments[name] = value.clone();
            of(plan, "changes", "provider.github_actions.github")["after"][name] = value;
        }
    };
    forger.refused(
        issuer("check_jti", json!(false)),
        &[ISSUER, "operation.arguments.check_jti is false, and true in a plan made now"],
    );
    forger.refused(issuer("max_jwt_lifetime_seconds", json!(86_399)), &[ISSUER]);
    forger.refused(issuer("issuer_url", json!("https://evil.example.com")), &[ISSUER]);
    forger.refused(issuer("name", json!("mine")), &[ISSUER]);
    let admin = |plan: &mut Value| {
        step(plan, ACCOUNT)["operation"]["arguments"]["organization_role"] = json!("admin");
        of(plan, "changes", "service_account.ci")["after"]["organization_role"] = json!("admin");
    };
    forger.refused(admin, &[ACCOUNT]);
}

/// What is declared and not done, with and without a trace.
fn left_out(forger: &mut Forger<'_>) {
    forger.refused(|plan| without(plan, CONFIGURE), &[REMOVE, "it waits for configure/api_key.ci/dotenv.runner, which the file leaves out and which is not done"]);
    forger.refused(|plan| without(plan, VERIFY), &[CONFIRM]);
    forger.refused(
        |plan| {
            for id in [ISSUER, ACCOUNT, RULE, CONFIGURE, VERIFY, REMOVE] {
                without(plan, id);
            }
            let members: Vec<String> = plan["steps"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| step["id"].as_str().unwrap().to_owned())
                .collect();
            members.iter().filter(|id| id.starts_with("set-membership/")).for_each(|id| without(plan, id));
            plan["changes"].as_array_mut().unwrap().retain(|change| change["address"] == "api_key.ci");
        },
        &[CONFIRM, DISABLE],
    );
    forger.refused(|plan| without(plan, CONFIRM), &[DISABLE]);
    let membership = |plan: &mut Value| {
        let steps = plan["steps"].as_array().unwrap();
        let ids: Vec<String> = steps.iter().map(|step| step["id"].as_str().unwrap().to_owned()).collect();
        let id = ids.iter().find(|id| id.starts_with("set-membership/service_account.ci")).unwrap();
        without(plan, id);
        of(plan, "changes", "service_account.ci")["after"]["memberships"] = json!({});
    };
    forger.refused(membership, &[RULE, "it waits for set-membership/service_account.ci/"]);
    let workspaces = |plan: &mut Value| {
        step(plan, RULE)["operation"]["arguments"]["workspaces"] = json!({ "these": [] });
        of(plan, "changes", "federation_rule.ci")["after"]["workspace_ids"] = json!([]);
    };
    forger.refused(workspaces, &[]);
    forger.refused(
        |plan| step(plan, DISABLE)["after"].as_array_mut().unwrap().push(json!("confirm/api_key.other")),
        &[DISABLE, "confirm/api_key.other, which no earlier step is"],
    );
    forger.refused(|plan| step(plan, DISABLE)["after"] = json!([]), &[DISABLE]);
    let issuer_first = |plan: &mut Value| {
        let steps = plan["steps"].as_array_mut().unwrap();
        let at = steps.iter().position(|step| step["id"] == ISSUER).unwrap();
        let issuer = steps.remove(at);
        steps.insert(0, issuer);
    };
    forger.refused(issuer_first, &["step create/service_account.ci: it comes after create/provider"]);
    forger.refused(|plan| plan["steps"].as_array_mut().unwrap().reverse(), &[DISABLE]);
}

/// Steps of no plan that the program would make.
fn smuggled_in(forger: &mut Forger<'_>) {
    let forget = made(
        "forget/api_key.ci",
        "revoke",
        Value::Null,
        json!({ "operation": "forget", "address": "api_key.ci" }),
        json!({ "undo": "nothing" }),
    );
    forger.refused(|plan| add(plan, forget), &["step forget/api_key.ci: a plan made now does not have it"]);
    let final_ = json!({ "undo": "impossible", "why": "an archived object cannot come back" });
    let archive = made(
        "archive/service_account.old",
        "revoke",
        Value::Null,
        json!({ "operation": "archive", "address": "service_account.old" }),
        final_.clone(),
    );
    forger.refused(|plan| add(plan, archive), &["step archive/service_account.old"]);
    // An approval is no part of a file, so it can only be the step that would need one.
    let approved = made(
        "archive/api_key.ci",
        "revoke",
        json!("api_key.ci"),
        json!({ "operation": "archive_key", "address": "api_key.ci", "id": "apikey_01Ci" }),
        final_,
    );
    forger.refused(|plan| add(plan, approved), &["step archive/api_key.ci"]);
    let back = json!({ "undo": "possible", "how": "apply again", "leaves": "" });
    let enable = made(
        "enable/api_key.ci",
        "revoke",
        Value::Null,
        json!({ "operation": "enable", "address": "api_key.ci", "id": "apikey_01Ci" }),
        back.clone(),
    );
    forger.refused(|plan| add(plan, enable), &["step enable/api_key.ci"]);
    let restore = made(
        "restore/api_key.ci/dotenv.runner",
        "remove",
        Value::Null,
        json!({ "operation": "restore", "address": "api_key.ci", "consumer": "dotenv.runner", "receipt": null }),
        back,
    );
    forger.refused(|plan| add(plan, restore), &["step restore/api_key.ci/dotenv.runner"]);
    forger.refused(
        |plan| {
            let again = step(plan, CONFIRM).clone();
            add(plan, again);
        },
        &[CONFIRM, "the same step twice"],
    );
}

/// What a reviewer reads.
fn shown(forger: &mut Forger<'_>) {
    forger.refused(
        |plan| of(plan, "lanes", "api_key.ci")["replaced_by"] = json!(["federation_rule.other"]),
        &["the lane api_key.ci as it is shown: replaced_by is [\"federation_rule.other\"]"],
    );
    forger.refused(
        |plan| of(plan, "lanes", "api_key.ci")["moves"] = json!(["configure"]),
        &["the lane api_key.ci as it is shown: it moves through configure"],
    );
    forger.refused(
        |plan| {
            let consumers = &mut of(plan, "changes", "api_key.ci")["after"]["consumers"];
            consumers["dotenv.runner"] = json!("holds the key");
        },
        &["the change of api_key.ci as it is shown: after.consumers.dotenv.runner is \"holds the key\""],
    );
    forger.refused(
        |plan| plan["changes"].as_array_mut().unwrap().retain(|change| change["address"] != "api_key.ci"),
        &["the change of api_key.ci as it is shown: the file leaves it out"],
    );
    forger.refused(
        |plan| plan["moves"] = json!([{ "from": "api_key.old", "to": "api_key.ci" }]),
        &["the renamed blocks: moves is"],
    );
}
