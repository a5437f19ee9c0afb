//! Another organization by the controls, and switches turned by them.

use serde_json::json;

use super::*;

const OTHER: &str = r#"{
    "clock": {"start": "2026-12-01T00:00:00Z"},
    "seed": 9,
    "organization": {"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0009", "name": "Other"},
    "assumptions": {"name-reuse": "allowed"},
    "users": [{"id": "user_01Zoe", "name": "Zoe", "email": "zoe@other.example"}],
    "service_accounts": [{"name": "robot", "organization_role": "admin"}],
    "api_keys": [
        {"id": "apikey_01Zoe", "name": "of a member", "user": "zoe@other.example"},
        {"id": "apikey_01Wide", "name": "wide", "user": "user_01Zoe", "organization_wide": true},
        {"id": "apikey_01Robot", "name": "robot", "service_account": "robot", "organization_wide": true}
    ],
    "files": [{"path": "other/.env", "text": "KEY={{key:apikey_01Zoe}}"}]
}"#;

fn key(id: &str) -> String {
    crate::simulator::ids::secret(9, "sk-ant-api03-", id)
}

async fn replaced(assumptions: &str) -> Api {
    let api = Api::assuming(assumptions).await;
    let dump =
        api.send("PUT", "/_simulator/organization", Some(serde_json::from_str(OTHER).unwrap())).await.ok();
    assert_eq!(dump, api.get("/_simulator/organization").await.ok());
    api
}

#[tokio::test]
async fn an_organization_is_replaced_and_who_is_connected_stays() {
    let api = replaced("carve-out-status=400").await;
    assert_eq!(api.get("me").await.ok()["name"], "Other");
    assert_eq!(api.get("/_simulator/clock").await.ok()["now"], "2026-12-01T00:00:00Z");
    let made = api.post("service_accounts", json!({"name": "new"})).await.ok();
    assert_eq!(made["created_by_actor_id"], "user_01Zoe");
    let text = std::fs::read_to_string(api.directory.path().join("other/.env")).unwrap();
    assert_eq!(text, format!("KEY={}", key("apikey_01Zoe")));
    // The seed's switches and those of the start both count.
    let assumed = api.get("/_simulator/assumptions").await.ok();
    assert_eq!((&assumed["name-reuse"], &assumed["carve-out-status"]), (&json!("allowed"), &json!("400")));
    let api = api.restart().await;
    assert_eq!(api.get("me").await.ok()["name"], "Other");
    assert_eq!(api.get("/_simulator/assumptions").await.ok()["name-reuse"], "allowed");
}

#[tokio::test]
async fn credentials_of_every_organization_before_go_on_working() {
    let mut api = Api::start().await;
    let mut told = vec![api.get("/_simulator/tokens").await.ok()];
    for seed in [9, 10, 9] {
        let mut other: Value = serde_json::from_str(OTHER).unwrap();
        other["seed"] = json!(seed);
        api.send("PUT", "/_simulator/organization", Some(other)).await.ok();
        told.push(api.get("/_simulator/tokens").await.ok());
    }
    let keys: std::collections::BTreeSet<_> = told.iter().map(|it| it["compliance_key"].as_str()).collect();
    assert_eq!(keys.len(), 3, "the organizations have keys of their own");
    let activities = "/v1/compliance/activities";
    let opens = async |api: &mut Api, told: &Value| {
        for (name, path, closed) in [
            ("operator", "federation_rules", activities),
            ("person", "federation_rules", activities),
            ("admin_key", "api_keys", "federation_rules"),
            ("compliance_key", activities, "api_keys"),
        ] {
            api.token = told[name].as_str().unwrap().to_owned();
            assert_eq!(api.get(path).await.status, 200, "{name} {path}");
            assert_eq!(api.get(closed).await.status, 401, "{name} {closed}");
        }
    };
    for told in &told {
        opens(&mut api, told).await;
    }
    api.token = told[0]["person"].as_str().unwrap().to_owned();
    let made = api.post("service_accounts", json!({"name": "new"})).await.ok();
    assert!(made["created_by_actor_id"].as_str().unwrap().starts_with("user_"));
    // What is saved holds them as well.
    api.token = told[3]["operator"].as_str().unwrap().to_owned();
    let mut api = api.restart().await;
    for told in &told {
        opens(&mut api, told).await;
    }
}

#[tokio::test]
async fn a_seed_that_is_wrong_changes_nothing_and_tells_every_problem() {
    let api = Api::start().await;
    let check = async |seed: Value, expected: &[&str]| {
        let got = api.send("PUT", "/_simulator/organization", Some(seed)).await;
        assert_eq!(got.outcome(), (400, "invalid_request_error"));
        for words in expected {
            assert!(got.message().contains(words), "{}", got.message());
        }
        assert_eq!(api.get("me").await.ok()["name"], "Tested");
    };
    check(json!({}), &["missing field `organization`"]).await;
    check(json!([]), &["the request"]).await;
    let organization = json!({"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0009", "name": "Other"});
    check(
        json!({"organization": organization, "assumptions": {"x": "y"}}),
        &["there is no assumption `x`", "name-reuse"],
    )
    .await;
    let wrong = json!({
        "organization": {"id": "x", "name": "Other"},
        "faults": [{"fault": "reset", "percent": 0}],
        "rate_limits": [{"path": "/", "requests_per_minute": 1}],
        "api_keys": [
            {"id": "apikey_1", "name": "a", "user": "nobody", "organization_wide": true},
            {"id": "apikey_2", "name": "b", "organization_wide": true, "workspace": "Default"},
        ],
    });
    check(
        wrong,
        &[
            "organization.id",
            "faults[0]: percent",
            "rate_limits[0]: path",
            "there is no user nobody",
            "api_keys[1]",
        ],
    )
    .await;
}

#[tokio::test]
async fn switches_are_turned_while_it_runs() {
    let api = Api::start().await;
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    assert_eq!(api.post("federation_rules", rule("worker")).await.status, 409);
    let all = api
        .post("/_simulator/assumptions", json!({"name-reuse": "allowed", "usage-delay-seconds": 7}))
        .await
        .ok();
    assert_eq!((&all["name-reuse"], &all["usage-delay-seconds"]), (&json!("allowed"), &json!("7")));
    api.post("federation_rules", rule("worker")).await.ok();
    let got = api.post("/_simulator/assumptions", json!({"name-reuse": "refused", "nonsense": 1})).await;
    assert_eq!(got.status, 400);
    assert!(
        got.message().contains("there is no assumption `nonsense`; there are admin-key-status"),
        "{}",
        got.message()
    );
    assert_eq!(api.get("/_simulator/assumptions").await.ok()["name-reuse"], "allowed");
}

#[tokio::test]
async fn keys_act_as_whom_they_belong_to() {
    let mut api = replaced("").await;
    let wide = key("apikey_01Wide");
    for (token, path, status) in [
        (key("apikey_01Zoe"), "me", 401),
        (wide.clone(), "me", 200),
        (wide.clone(), "api_keys", 200),
        (wide.clone(), "federation_rules", 401),
        (key("apikey_01Robot"), "api_keys", 200),
    ] {
        api.token = token;
        assert_eq!(api.get(path).await.status, status, "{path}");
    }
    let listed = api.get("api_keys/apikey_01Wide").await.ok();
    assert_eq!(
        (&listed["scope"], &listed["principal"]),
        (&json!({"type": "organization"}), &json!({"type": "user_actor", "user_id": "user_01Zoe"}))
    );
    api.post("/_simulator/assumptions", json!({"organization-key-federation": "allowed"})).await.ok();
    api.token = key("apikey_01Robot");
    // Such a key acts as its service account, with the limits of a workload.
    let admin = json!({"name": "chief", "organization_role": "admin"});
    assert_eq!(api.post("service_accounts", admin).await.status, 403);
    let made = api.post("service_accounts", json!({"name": "helper"})).await.ok();
    assert!(made["created_by_actor_id"].as_str().unwrap().starts_with("svac_"));
}
