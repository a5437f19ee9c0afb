//! The record of the traffic, and its judge.

use serde_json::json;

use super::contract::{Sender, judge};
use super::*;

#[tokio::test]
async fn calls_are_recorded_without_credentials() {
    let api = Api::start().await;
    let token = api.as_workload().await;
    api.get("federation_issuers?limit=2").await.ok();
    let text = std::fs::read_to_string(api.directory.path().join(TRAFFIC)).unwrap();
    for secret in [token.as_str(), &api.token, &api.person, &api.admin_key, "eyJ"] {
        assert!(!text.contains(secret), "a credential is recorded");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().map(|call| (&call["method"], &call["path"], &call["status"])).collect();
    assert_eq!(
        told,
        [
            (&json!("POST"), &json!("/v1/oauth/token"), &json!(200)),
            (&json!("GET"), &json!("/v1/organizations/federation_issuers"), &json!(200)),
        ]
    );
    assert_eq!((&lines[1]["query"], &lines[1]["version"]), (&json!("limit=2"), &json!("2026-10-21")));
    assert_eq!(lines[1]["response"]["data"].as_array().unwrap().len(), 2);
}

/// One recorded call, as the judge should accept it.
fn call(changes: Value) -> String {
    let mut call = json!({
        "method": "GET",
        "path": "/v1/organizations/me",
        "query": "",
        "version": "2026-10-21",
        "beta": null,
        "request": null,
        "status": 200,
        "headers": {"request-id": "req_1", "content-type": "application/json"},
        "response": {"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003", "name": "Acme", "type": "organization"},
    });
    for (name, value) in changes.as_object().unwrap() {
        call[name] = value.clone();
    }
    call.to_string()
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let refused = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "req_1"});
    let check = |changes: Value, by_tests: &str, by_client: &str| {
        for (sender, expected) in [(Sender::Tests, by_tests), (Sender::Client, by_client)] {
            let found = judge(&call(changes.clone()), sender).join("; ");
            assert_eq!(found.is_empty(), expected.is_empty(), "{changes}: {found}");
            assert!(found.contains(expected), "{changes}: {found}");
        }
    };
    let both = |changes: Value, expected: &str| check(changes, expected, expected);
    both(json!({}), "");
    both(json!({"response": {"id": "1", "name": "Acme", "type": "organization"}}), "not a \"uuid\"");
    both(json!({"response": {"name": "Acme", "type": "organization"}}), "\"id\" is a required property");
    both(json!({"headers": {"content-type": "application/json"}}), "no request-id");
    both(json!({"headers": {"request-id": "req_1"}}), "content type");
    both(json!({"status": 201}), "this status is not described");
    both(json!({"path": "/v1/organizations/nothing"}), "answered, but not described");
    both(json!({"version": "2020-01-01"}), "anthropic-version");
    check(json!({"version": null, "status": 400, "response": refused}), "", "anthropic-version is missing");
    both(json!({"status": 400}), "request_id of the body");
    both(json!({"status": 429, "response": refused}), "429 without retry-after");
    let issuer = json!({"method": "POST", "path": "/v1/organizations/federation_issuers", "status": 400, "response": refused});
    let sending = |body: Value| {
        let mut changes = issuer.clone();
        changes["request"] = body;
        changes
    };
    both(sending(json!({"name": "a", "issuer_url": "https://a.example"})), "");
    check(sending(json!({"name": "A", "issuer_url": "https://a.example"})), "", "/name");
    check(sending(json!({"name": "a", "issuer_url": "b", "more": 1})), "", "more");
    let listing = |query: &str| json!({"path": "/v1/organizations/api_keys", "query": query, "status": 400, "response": refused});
    both(listing("limit=5&status=active&beta=true"), "");
    check(listing("limit=0"), "", "limit");
    check(listing("limit=many"), "", "limit");
    check(listing("sort=name"), "", "sort is not described");
}
