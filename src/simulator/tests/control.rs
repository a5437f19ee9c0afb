//! The controls, and answers to requests that make no sense.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_clock_moves_forward_only() {
    let api = Api::start().await;
    let start = json!({"now": "2026-11-20T09:00:00Z", "runs": false});
    assert_eq!(api.get("/_simulator/clock").await.ok(), start);
    let check = async |body: Value, expected: &str| {
        let got = api.post("/_simulator/clock", body.clone()).await;
        assert_eq!(got.body["now"].as_str().unwrap_or_else(|| got.message()), expected, "{body}");
    };
    check(json!({"advance_seconds": 60}), "2026-11-20T09:01:00Z").await;
    check(json!({"advance_to": "2026-11-21T00:00:00Z"}), "2026-11-21T00:00:00Z").await;
    check(json!({"advance_to": "2026-11-21T00:00:00Z"}), "2026-11-21T00:00:00Z").await;
    for body in [
        json!({"advance_to": "2026-11-20T00:00:00Z"}),
        json!({"advance_to": "tomorrow"}),
        json!({"advance_to": "9999-01-01T00:00:00Z"}),
        json!({"advance_seconds": -1}),
        json!({"advance_seconds": 1, "advance_to": "2026-11-22T00:00:00Z"}),
        json!({}),
    ] {
        assert_eq!(api.post("/_simulator/clock", body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn a_control_behind_two_slashes_is_a_control_and_is_saved_whole() {
    let api = Api::start().await;
    let got = api.post("//_simulator/clock", json!({"advance_seconds": 60})).await.ok();
    assert_eq!(got["now"], "2026-11-20T09:01:00Z");
    let log = std::fs::read_to_string(api.directory.path().join(".keyless/simulator/redo.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 1, "what workloads did is not to be made again: {log}");
}

#[tokio::test]
async fn two_people_act_under_their_own_names() {
    let mut api = Api::start().await;
    api.token = api.person.clone();
    let made = api.post("federation_rules", rule("by-hand")).await.ok();
    assert_eq!(made["created_by_actor_id"], "user_01Person");
}

#[tokio::test]
async fn the_simulated_internet_answers_for_its_identity_providers() {
    let api = Api::start().await;
    let discovery = api
        .get("/_simulator/fetch?url=https://oidc.example.com/id/1/.well-known/openid-configuration")
        .await
        .ok();
    assert_eq!(discovery["issuer"], "https://oidc.example.com/id/1");
    let keys =
        api.get(&format!("/_simulator/fetch?url={}", discovery["jwks_uri"].as_str().unwrap())).await.ok();
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    assert!(keys["keys"][0].get("d").is_none());
    assert_eq!(api.get("/_simulator/fetch?url=https://oidc.example.com/other").await.status, 404);
    assert_eq!(api.get("/_simulator/fetch").await.status, 400);
}

#[tokio::test]
async fn the_dump_names_everything_and_holds_no_secret() {
    let api = Api::start().await;
    let dump = api.get("/_simulator/organization").await.ok();
    assert_eq!(dump["federation_rules"].as_array().unwrap().len(), 4);
    assert_eq!(dump["memberships"][0]["service_account_id"], "svac_01Worker");
    let saved = std::fs::read_to_string(api.directory.path().join(".keyless/simulator/world.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    let text = dump.to_string();
    let secrets = [
        saved["admin_key"].as_str().unwrap(),
        saved["identity_providers"]["cluster"]["private_key"].as_str().unwrap(),
        saved["api_keys"]["apikey_01One"]["secret"].as_str().unwrap(),
        api.token.as_str(),
    ];
    for secret in secrets {
        assert!(!text.contains(secret));
    }
}

#[tokio::test]
async fn nonsense_is_answered_politely() {
    let api = Api::start().await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v1/organizations", 404),
        ("GET", "/v1/organizations/", 404),
        ("GET", "federation_rules/fdrl_01Worker/nothing", 404),
        ("GET", "federation_rules//workspaces", 404),
        ("GET", "/v1/messages", 404),
        ("GET", "/_simulator/nothing", 404),
        ("POST", "/_simulator/workloads/nobody", 400),
        ("PUT", "federation_rules", 405),
        ("DELETE", "federation_rules/fdrl_01Worker", 405),
        ("DELETE", "api_keys/apikey_01One", 405),
        ("POST", "me", 405),
    ] {
        assert_eq!(api.send(method, path, None).await.status, status, "{method} {path}");
    }
    let url = format!("{}/v1/organizations/federation_rules", api.simulator.url());
    let raw = |body: Vec<u8>| {
        Api::read(
            api.client
                .post(&url)
                .bearer_auth(&api.token)
                .header("anthropic-version", "2026-10-21")
                .body(body),
        )
    };
    for body in [&b"{"[..], b"[]", b"null", b"\xff\xfe", b"\"x\"", "[".repeat(100_000).as_bytes()] {
        assert_eq!(raw(body.to_vec()).await.outcome(), (400, "invalid_request_error"));
    }
    assert_eq!(raw(vec![b' '; 1024 * 1024 + 1]).await.outcome(), (413, "request_too_large"));
    assert_eq!(raw(rule("fine").to_string().into_bytes()).await.status, 200);
}

#[tokio::test]
async fn the_version_header_is_required_as_assumed() {
    for (assumption, status) in [("", 400), ("version-header=optional", 200)] {
        let api = Api::assuming(assumption).await;
        let request =
            api.client.get(format!("{}/v1/organizations/me", api.simulator.url())).bearer_auth(&api.token);
        assert_eq!(Api::read(request).await.status, status);
    }
}
