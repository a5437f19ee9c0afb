//! B40 and B41: what goes wrong on request.

use serde_json::json;

use super::*;

impl Api {
    async fn fault(&self, fault: Value) {
        self.post("/_simulator/faults", fault).await.ok();
    }

    /// Sends a request that stays without an answer.
    async fn unanswered(&self, method: reqwest::Method, path: &str, body: Value) {
        let request = self.client.request(method, format!("{}{ORGANIZATION}{path}", self.simulator.url()));
        let request = request.bearer_auth(&self.token).header("anthropic-version", self.version).json(&body);
        let error = request.send().await.expect_err("no answer");
        assert!(error.is_request() && !error.is_connect(), "{error:?}");
    }

    async fn names(&self, collection: &str) -> Vec<String> {
        let page = self.get(collection).await.ok();
        page["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn account(name: &str) -> Value {
    json!({"name": name})
}

#[tokio::test]
async fn b40_calls_fail_as_scripted() {
    let api = Api::start().await;
    api.fault(json!({"fault": "rate_limited", "retry_after_seconds": 3, "path": "/v1/organizations/me"}))
        .await;
    let got = api.get("me").await;
    assert_eq!(got.outcome(), (429, "rate_limit_error"));
    assert_eq!(got.headers["retry-after"], "3");
    assert_eq!(got.body["request_id"], got.headers["request-id"].to_str().unwrap());
    api.get("me").await.ok();

    api.fault(json!({"fault": "unavailable", "should_retry": false, "times": 2})).await;
    let got = api.post("service_accounts", account("spared")).await;
    assert_eq!(got.outcome(), (529, "overloaded_error"));
    assert_eq!(got.headers["x-should-retry"], "false");
    api.get("/_simulator/clock").await.ok();
    assert_eq!(api.get("me").await.status, 529);
    assert_eq!(api.names("service_accounts").await, ["boss", "worker"], "nothing was made");

    api.fault(json!({"fault": "expired_token"})).await;
    assert_eq!(api.get("me").await.outcome(), (401, "authentication_error"));
    api.get("me").await.ok();

    api.fault(json!({"fault": "latency", "milliseconds": 1})).await;
    api.get("me").await.ok();
    let told = api.get("/_simulator/faults").await.ok();
    let met: Vec<_> = told["faults"].as_array().unwrap().iter().map(|it| it["met"].clone()).collect();
    assert_eq!(met, [1, 2, 1, 1]);
    let gone = api.delete("/_simulator/faults").await.ok();
    assert_eq!(gone, json!({"faults": []}));
}

#[tokio::test]
async fn b40_an_answer_is_lost_after_the_effect() {
    let api = Api::start().await;
    api.fault(json!({"fault": "answer_lost", "method": "POST"})).await;
    api.unanswered(reqwest::Method::POST, "service_accounts", account("made")).await;
    assert_eq!(api.names("service_accounts").await, ["made", "boss", "worker"]);
    assert_eq!(api.post("service_accounts", account("made")).await.outcome(), (409, "conflict_error"));
}

#[tokio::test]
async fn b40_a_workspace_is_made_although_503_is_answered() {
    let api = Api::start().await;
    api.fault(json!({"fault": "workspace_created_incomplete"})).await;
    let got = api.post("workspaces", json!({"name": "Half"})).await;
    assert_eq!(got.outcome(), (503, "api_error"));
    let details = &got.body["error"]["details"];
    assert_eq!(details["error_code"], "workspace_created_incomplete");
    let path = format!("workspaces/{}", details["workspace_id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok()["name"], "Half");

    api.fault(json!({"fault": "change_outcome_unknown"})).await;
    let got = api.post(&path, json!({"name": "Whole"})).await;
    assert_eq!(got.outcome(), (503, "api_error"));
    assert_eq!(got.body["error"]["details"], json!({"error_code": "change_outcome_unknown"}));
    assert_eq!(api.get(&path).await.ok()["name"], "Whole");
    assert_eq!(api.post(&path, json!({"name": "Whole"})).await.ok()["name"], "Whole");
    let refused = json!({"fault": "workspace_created_incomplete", "path": "/v1/organizations/me"});
    assert_eq!(api.post("/_simulator/faults", refused).await.status, 400);
}

#[tokio::test]
async fn b40_a_refused_write_of_a_workspace_stays_refused() {
    let api = Api::start().await;
    api.fault(json!({"fault": "workspace_created_incomplete"})).await;
    assert_eq!(api.post("workspaces", json!({"name": 1})).await.outcome(), (400, "invalid_request_error"));
}

#[tokio::test]
async fn b40_a_revoked_token_never_works_again() {
    let mut api = Api::start().await;
    let operator = api.token.clone();
    api.token = api.as_workload().await;
    api.fault(json!({"fault": "expired_token"})).await;
    assert_eq!(api.get("me").await.outcome(), (401, "authentication_error"));
    api.get("me").await.ok();
    api.fault(json!({"fault": "revoked_token"})).await;
    assert_eq!(api.get("me").await.outcome(), (401, "authentication_error"));
    assert_eq!(api.get("me").await.outcome(), (401, "authentication_error"), "later calls as well");
    let workload = std::mem::replace(&mut api.token, operator);
    api.get("me").await.ok();
    let mut api = api.restart().await;
    api.token = workload;
    assert_eq!(api.get("me").await.status, 401, "a restart does not bring it back");
    api.token = api.as_workload().await;
    api.get("me").await.ok();
}

#[tokio::test]
async fn an_object_is_garbled_in_a_list_and_alone() {
    let api = Api::start().await;
    api.fault(json!({"fault": "garbled_object", "times": 2})).await;
    api.get("me").await.ok();
    let listed = api.get("service_accounts").await.ok();
    let names: Vec<bool> =
        listed["data"].as_array().unwrap().iter().map(|row| row["name"].is_string()).collect();
    assert_eq!(names, [false, true], "the first row alone");
    assert!(api.get("service_accounts/svac_01Worker").await.ok()["name"].is_object());
    assert_eq!(api.names("service_accounts").await, ["boss", "worker"]);
}

#[tokio::test]
async fn b40_a_connection_breaks_without_effect() {
    for fault in [json!({"fault": "reset"}), json!({"fault": "timeout", "milliseconds": 1})] {
        let api = Api::start().await;
        api.fault(fault).await;
        api.unanswered(reqwest::Method::POST, "service_accounts", account("not-made")).await;
        assert_eq!(api.names("service_accounts").await, ["boss", "worker"]);
    }
}

#[tokio::test]
async fn b41_reads_are_stale_for_a_while_after_a_write() {
    let check = async |api: Api| {
        let made = api.post("service_accounts", account("new")).await.ok();
        let path = format!("service_accounts/{}", made["id"].as_str().unwrap());
        assert_eq!(api.get(&path).await.outcome(), (404, "not_found_error"));
        api.get("me").await.ok();
        assert_eq!(api.names("service_accounts").await, ["boss", "worker"]);
        assert_eq!(api.names("service_accounts").await, ["new", "boss", "worker"]);
        assert_eq!(api.get(&path).await.ok(), made);
        api
    };
    let api = Api::start().await;
    api.fault(json!({"fault": "stale_reads", "reads": 2})).await;
    let api = check(api).await;
    // The fault met one write; the next one shows at once.
    api.post("service_accounts", account("newer")).await.ok();
    assert_eq!(api.names("service_accounts").await[0], "newer");
    check(Api::assuming("stale-reads=2").await).await;
}

#[tokio::test]
async fn b41_writes_in_a_row_come_to_be_seen_together() {
    let api = Api::assuming("stale-reads=1").await;
    api.post("service_accounts", account("first")).await.ok();
    api.post("service_accounts", account("second")).await.ok();
    assert_eq!(api.names("service_accounts").await, ["boss", "worker"]);
    assert_eq!(api.names("service_accounts").await, ["second", "first", "boss", "worker"]);
    api.post("service_accounts", account("third")).await.ok();
    assert_eq!(api.names("service_accounts").await, ["second", "first", "boss", "worker"]);
}

#[tokio::test]
async fn b41_writes_see_what_was_written() {
    let api = Api::assuming("stale-reads=100").await;
    api.post("federation_rules", rule("once")).await.ok();
    assert_eq!(api.post("federation_rules", rule("once")).await.status, 409);
    let token = api.identity_token("cluster", "system:serviceaccount:ml:worker", json!({})).await;
    let minted = api.exchange("fdrl_01Worker", &token, json!({})).await.ok();
    // A new token is known at once.
    let mut api = api;
    api.token = minted["access_token"].as_str().unwrap().to_owned();
    assert_eq!(api.get("api_keys").await.status, 403);
}

#[tokio::test]
async fn faults_outlive_a_restart_and_come_with_a_seed() {
    let seed = r#"{"organization": {"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003", "name": "Faulty"},
        "faults": [{"fault": "unavailable", "times": 2}]}"#;
    let api = Api::seeded(seed, "").await;
    assert_eq!(api.get("me").await.status, 529);
    let api = api.restart().await;
    assert_eq!(api.get("me").await.status, 529);
    api.get("me").await.ok();
}

#[tokio::test]
async fn a_fault_is_met_by_calls_that_it_can_bend() {
    let api = Api::start().await;
    let quota =
        json!({"rate_limits": [{"path": "/v1/organizations/service_accounts", "requests_per_minute": 1}]});
    api.send("PUT", "/_simulator/rate_limits", Some(quota)).await.ok();
    api.post("service_accounts", account("first")).await.ok();
    api.fault(json!({"fault": "answer_lost", "path": "/v1/organizations/service_accounts"})).await;
    assert_eq!(api.post("service_accounts", account("second")).await.status, 429, "and not a lost answer");
    api.send("PUT", "/_simulator/rate_limits", Some(json!({"rate_limits": []}))).await.ok();
    api.unanswered(reqwest::Method::POST, "service_accounts", account("third")).await;
    api.send("PUT", "/_simulator/faults", Some(json!({"fault": "stale_reads"}))).await.ok();
    api.identity_token("cluster", "system:serviceaccount:ml:worker", json!({})).await;
    api.exchange("fdrl_01Worker", "eyJ", json!({})).await;
    let told = api.get("/_simulator/faults").await.ok();
    assert_eq!(told["faults"][0]["met"], 0, "an exchange writes nothing that can be read stale");
}

#[tokio::test]
async fn used_up_faults_make_room_and_waiting_ones_do_not() {
    let api = Api::start().await;
    let many = |count| json!({"faults": vec![json!({"fault": "latency", "milliseconds": 0}); count]});
    api.fault(many(100)).await;
    assert_eq!(api.post("/_simulator/faults", many(1)).await.status, 400);
    api.get("me").await.ok();
    api.fault(many(100)).await;
}

#[tokio::test]
async fn calls_are_limited_with_a_time_to_wait() {
    let api = Api::start().await;
    let limits =
        json!({"rate_limits": [{"path": "/v1/organizations/me", "requests_per_minute": 1, "burst": 2}]});
    api.send("PUT", "/_simulator/rate_limits", Some(limits.clone())).await.ok();
    let first = api.get("me").await;
    assert_eq!(first.headers["anthropic-ratelimit-requests-limit"], "1");
    assert_eq!(first.headers["anthropic-ratelimit-requests-remaining"], "1");
    first.headers["anthropic-ratelimit-requests-reset"].to_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    api.get("me").await.ok();
    let got = api.get("me").await;
    assert_eq!(got.outcome(), (429, "rate_limit_error"));
    assert!((1..=60).contains(&got.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap()));
    assert!(!api.get("api_keys").await.headers.contains_key("anthropic-ratelimit-requests-limit"));
    assert_eq!(api.get("/_simulator/rate_limits").await.ok(), limits);
    for wrong in [
        json!({}),
        json!({"rate_limits": [{"path": "/"}]}),
        json!({"rate_limits": [{"path": "/", "requests_per_minute": 1}]}),
    ] {
        assert_eq!(api.send("PUT", "/_simulator/rate_limits", Some(wrong)).await.status, 400);
    }
}

#[tokio::test]
async fn wrong_scripts_are_refused_whole() {
    let api = Api::start().await;
    let two = json!({"faults": [{"fault": "reset"}, {"fault": "reset", "percent": 0}]});
    let got = api.post("/_simulator/faults", two).await;
    assert_eq!((got.status, got.message()), (400, "faults[1]: percent: from 1 to 100"));
    assert_eq!(api.get("/_simulator/faults").await.ok(), json!({"faults": []}));
    assert_eq!(api.send("PATCH", "/_simulator/faults", None).await.status, 405);
}
