//! Counters of requests by their kind.

use serde_json::json;

use super::*;

const REQUESTS: &str = "/_simulator/requests";
const RULES: &str = "/v1/organizations/federation_rules";

/// The counters of one kind.
async fn counted(api: &Api, kind: &str) -> Value {
    api.get(REQUESTS).await.ok()["requests"][kind].clone()
}

#[tokio::test]
async fn requests_are_counted_by_kind_and_status_until_they_are_set_to_zero() {
    let api = Api::start().await;
    let none = json!({"total": 0, "requests": {}});
    assert_eq!(api.get(REQUESTS).await.ok(), none, "the controls themselves are not counted");
    for name in ["a", "b", "a"] {
        api.post("federation_rules", rule(name)).await;
    }
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    api.archive("federation_rules/fdrl_01Legacy").await.ok();
    api.get("federation_rules/fdrl_01Worker?beta=true").await.ok();
    assert_eq!(
        api.get(REQUESTS).await.ok(),
        json!({
            "total": 6,
            "requests": {
                format!("POST {RULES}"): {"total": 3, "by_status": {"200": 2, "409": 1}},
                format!("POST {RULES}/{{id}}/archive"): {"total": 2, "by_status": {"200": 2}},
                format!("GET {RULES}/{{id}}"): {"total": 1, "by_status": {"200": 1}},
            },
        })
    );
    assert_eq!(api.delete(REQUESTS).await.ok(), none);
    api.get("me").await.ok();
    assert_eq!(api.get(REQUESTS).await.ok()["total"], 1);
    assert_eq!(api.post(REQUESTS, json!({})).await.status, 405);
    let api = api.restart().await;
    assert_eq!(api.get(REQUESTS).await.ok(), none, "a start begins anew");
}

#[tokio::test]
async fn a_client_cannot_make_the_table_grow() {
    let api = Api::start().await;
    for number in 0..50 {
        api.get(&format!("/v1/invented/{number}")).await;
        api.send(&format!("M{number}"), "me", None).await;
    }
    let told = api.get(REQUESTS).await.ok();
    assert_eq!(told["requests"].as_object().unwrap().len(), 1);
    assert_eq!(told["requests"]["unknown"], json!({"total": 100, "by_status": {"404": 50, "405": 50}}));
}

#[tokio::test]
async fn refused_and_broken_calls_count_as_the_caller_saw_them() {
    let api = Api::start().await;
    let fault = |fault: &str| json!({"fault": fault, "method": "POST", "path": RULES});
    for (kind, name) in [("answer_lost", "lost"), ("reset", "broken"), ("rate_limited", "limited")] {
        api.post("/_simulator/faults", fault(kind)).await.ok();
        let request = api.client.post(format!("{}{RULES}", api.simulator.url())).bearer_auth(&api.token);
        let _ = request.header("anthropic-version", api.version).json(&rule(name)).send().await;
    }
    let expected = json!({"total": 3, "by_status": {"none": 2, "429": 1}});
    assert_eq!(counted(&api, &format!("POST {RULES}")).await, expected);
    let huge = api.client.post(format!("{}{RULES}", api.simulator.url())).body(vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(Api::read(huge).await.status, 413);
    assert_eq!(counted(&api, &format!("POST {RULES}")).await["by_status"]["413"], 1);
}

#[tokio::test]
async fn another_organization_leaves_the_counters_alone() {
    let api = Api::start().await;
    api.get("me").await.ok();
    let seed = serde_json::from_str(include_str!("seed.json")).unwrap();
    api.send("PUT", "/_simulator/organization", Some(seed)).await.ok();
    assert_eq!(counted(&api, "GET /v1/organizations/me").await["total"], 1);
}
