//! The Activity Feed.

use serde_json::json;

use super::*;

const FEED: &str = "/v1/compliance/activities";

impl Api {
    /// Reads the feed with the Admin API key.
    async fn feed(&self, query: &str) -> Got {
        let url = format!("{}{FEED}?{query}", self.simulator.url());
        let request = self.client.get(url).header("x-api-key", &self.admin_key);
        Api::read(request.header("anthropic-version", self.version)).await
    }

    /// The entries, each as its type without the prefix, its actor and its updates.
    async fn told(&self, query: &str) -> Vec<String> {
        let page = self.feed(query).await.ok();
        let entries = page["data"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let one = |entry: &Value| {
            let kind = text(&entry["type"]).replace("platform_", "");
            let actor = &entry["actor"];
            let ids = ["user_id", "service_account_id", "admin_api_key_id", "api_key_id", "subject", "type"];
            let by = ids.iter().find_map(|name| actor[*name].as_str()).unwrap();
            let updates = entry["updates"].as_array().cloned().unwrap_or_default();
            let updates = updates.iter().map(|update| {
                let [kind, before, after] =
                    ["type", "previous_value", "current_value"].map(|it| text(&update[it]));
                format!(" {kind}:{before}>{after}")
            });
            format!("{kind} {by}{}", updates.collect::<String>())
        };
        entries.map(one).collect()
    }
}

#[tokio::test]
async fn exchanges_are_told_with_their_outcome_and_verified_claims() {
    let api = Api::assuming("feed-delay-seconds=0").await;
    let good = api.identity_token("cluster", "system:serviceaccount:ml:worker", json!({"team": "ml"})).await;
    let minted = api.exchange("fdrl_01Worker", &good, json!({"service_account_id": "svac_01Worker"})).await;
    let request_id = minted.headers["request-id"].to_str().unwrap().to_owned();
    minted.ok();
    let other = api.identity_token("cluster", "stranger", json!({})).await;
    assert_eq!(api.exchange("fdrl_01Worker", &other, json!({})).await.status, 401);
    assert_eq!(api.exchange("fdrl_01Worker", "forged", json!({})).await.status, 401);
    // Nothing tells of a rule that does not exist, nor of a request that is malformed.
    assert_eq!(api.exchange("fdrl_01Unknown", &other, json!({})).await.status, 401);
    assert_eq!(api.exchange("rule", &other, json!({})).await.status, 400);

    let page = api.feed("activity_types[]=platform_federated_authentication").await.ok();
    let entries = page["data"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    let [forged, denied, accepted] = [&entries[0], &entries[1], &entries[2]];
    assert_eq!(accepted["status"], json!({"outcome": "success", "reason": null, "detail": null}));
    assert_eq!(accepted["request_id"], request_id);
    assert_eq!(accepted["actor"]["subject"], "system:serviceaccount:ml:worker");
    assert_eq!(accepted["actor"]["issuer"], "https://oidc.example.com/id/1");
    let data = &accepted["event_data"];
    assert_eq!(
        (&data["federation_rule_id"], &data["issuer_id"]),
        (&json!("fdrl_01Worker"), &json!("fdis_01Cluster"))
    );
    assert_eq!(data["requested_service_account_id"], "svac_01Worker");
    assert_eq!(data["oidc_token"]["claims"]["team"], "ml");
    assert_eq!(
        (&denied["status"]["outcome"], &denied["status"]["reason"]),
        (&json!("failure"), &json!("match_subject_prefix"))
    );
    assert_eq!(denied["actor"]["subject"], "stranger", "the signature was good");
    assert_eq!(
        (&forged["status"]["reason"], &forged["actor"]["type"]),
        (&json!("jwt_malformed"), &json!("federated_actor"))
    );
    assert_eq!(forged["event_data"]["oidc_token"], json!(null));
}

#[tokio::test]
async fn changes_are_told_with_who_and_what() {
    let mut api = Api::assuming("feed-delay-seconds=0").await;
    api.post("federation_rules", rule("new")).await.ok();
    api.post("federation_issuers/fdis_01Cluster", json!({"name": "moved", "check_jti": false})).await.ok();
    api.post("federation_issuers/fdis_01Cluster", json!({"name": "moved"})).await.ok();
    api.token = api.person.clone();
    api.post("federation_rules/fdrl_01Worker", json!({"token_lifetime_seconds": 600})).await.ok();
    api.post("federation_rules/fdrl_01Worker/workspaces", json!({"workspace_id": "wrkspc_01Stage"}))
        .await
        .ok();
    api.post("federation_rules/fdrl_01Worker/workspaces", json!({"workspace_id": "wrkspc_01Stage"}))
        .await
        .ok();
    api.delete("federation_rules/fdrl_01Worker/workspaces/wrkspc_01Stage").await.ok();
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    api.post("service_accounts/svac_01Worker", json!({"description": "x"})).await.ok();
    let member = json!({"service_account_id": "svac_01Worker", "workspace_role": "workspace_user"});
    api.post("workspaces/wrkspc_01Stage/service_accounts", member.clone()).await.ok();
    api.post(
        "service_accounts/svac_01Worker/workspaces",
        json!({"workspace_id": "wrkspc_01Stage", "workspace_role": "workspace_admin"}),
    )
    .await
    .ok();
    api.delete("workspaces/wrkspc_01Stage/service_accounts/svac_01Worker").await.ok();
    api.token = api.admin_key.clone();
    api.post("api_keys/apikey_01One", json!({"status": "inactive"})).await.ok();
    // What is refused is not told.
    assert_eq!(api.post("api_keys/apikey_01One", json!({"status": "expired"})).await.status, 400);
    let made = api.post("workspaces", json!({"name": "Lab"})).await.ok();
    api.archive(&format!("workspaces/{}", made["id"].as_str().unwrap())).await.ok();
    let admin = api.told("actor_ids[]=user_01Person&limit=1").await;
    assert_eq!(admin, ["service_account_workspace_member_removed user_01Person"]);
    let mut told = api.told("").await;
    told.reverse();
    let key = told.last().unwrap().split(' ').nth(1).unwrap().to_owned();
    assert_eq!(
        told,
        [
            "federation_issuer_updated user_01Operator check_jti:true>false name:cluster>moved".to_owned(),
            "federation_rule_updated user_01Person token_lifetime_seconds:3600>600".to_owned(),
            "federation_rule_workspace_added user_01Person".to_owned(),
            "federation_rule_workspace_removed user_01Person".to_owned(),
            "federation_rule_archived user_01Person".to_owned(),
            "service_account_updated user_01Person description:->x".to_owned(),
            "service_account_workspace_member_added user_01Person".to_owned(),
            "service_account_workspace_member_updated user_01Person workspace_role:workspace_user>workspace_admin"
                .to_owned(),
            "service_account_workspace_member_removed user_01Person".to_owned(),
            format!("api_key_updated {key} status:active>inactive"),
            format!("workspace_created {key}"),
            format!("workspace_archived {key}"),
        ]
    );
}

#[tokio::test]
async fn the_feed_tells_how_many_calls_are_left() {
    let api = Api::start().await;
    let headers = api.feed("").await.headers;
    assert_eq!(headers["anthropic-ratelimit-requests-limit"], "600");
    assert_eq!(headers["anthropic-ratelimit-requests-remaining"], "599");
}

#[tokio::test]
async fn creations_show_as_assumed() {
    for (assumption, expected) in [("", 0), ("creation-activities=shown", 1)] {
        let api = Api::assuming(&format!("feed-delay-seconds=0,{assumption}")).await;
        api.post("federation_rules", rule("new")).await.ok();
        assert_eq!(api.told("activity_types[]=platform_federation_rule_created").await.len(), expected);
    }
}

#[tokio::test]
async fn the_feed_is_filtered_and_paged() {
    let api = Api::assuming("feed-delay-seconds=0").await;
    for minute in 0..4 {
        api.post("api_keys/apikey_01One", json!({"name": format!("n{minute}")})).await.ok();
        api.advance(60).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let page = api.feed(query).await.ok();
        let name = |entry: &Value| entry["updates"][0]["current_value"].as_str().unwrap().to_owned();
        page["data"].as_array().unwrap().iter().map(name).collect()
    };
    let check = async |query: &str, expected: &[&str]| assert_eq!(names(query).await, expected, "{query}");
    check("", &["n3", "n2", "n1", "n0"]).await;
    check("created_at.gte=2026-11-20T09:02:00Z", &["n3", "n2"]).await;
    check("created_at.gt=2026-11-20T09:02:00Z", &["n3"]).await;
    check("created_at.lt=2026-11-20T09:01:00Z", &["n0"]).await;
    check("created_at.lte=2026-11-20T09:01:00Z", &["n1", "n0"]).await;
    check("exclude_activity_types[]=platform_api_key_updated", &[]).await;
    check("actor_ids[]=user_01Person", &[]).await;
    check("actor_ids[]=user_01Operator&limit=1", &["n3"]).await;
    check("organization_ids[]=0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003&limit=1", &["n3"]).await;
    check("organization_ids[]=org_01Other", &[]).await;
    let first = api.feed("limit=2").await.ok();
    assert_eq!(first["has_more"], true);
    let last = first["last_id"].as_str().unwrap();
    assert_eq!(names(&format!("limit=2&after_id={last}")).await, ["n1", "n0"]);
    assert_eq!(names(&format!("limit=2&before_id={last}")).await, ["n3"]);
    for query in [
        "limit=0",
        "limit=5001",
        "activity_types[]=a&exclude_activity_types[]=b",
        "after_id=activity_1",
        "created_at.gte=yesterday",
        "after_id=a&before_id=b",
    ] {
        assert_eq!(api.feed(query).await.outcome(), (400, "invalid_request_error"), "{query}");
    }
}

#[tokio::test]
async fn the_feed_lags_as_assumed() {
    let api = Api::start().await;
    api.post("api_keys/apikey_01One", json!({"name": "renamed"})).await.ok();
    api.advance(59).await;
    assert!(api.told("").await.is_empty());
    api.advance(1).await;
    assert_eq!(api.told("").await.len(), 1);
}

#[tokio::test]
async fn the_feed_takes_its_own_keys_and_others_as_assumed() {
    let check = async |assumptions: &str, expected: [u16; 4]| {
        let api = Api::assuming(assumptions).await;
        let tokens = api.get("/_simulator/tokens").await.ok();
        let keys =
            [&tokens["compliance_key"], &tokens["admin_key"], &tokens["operator"], &json!("sk-ant-api03-x")];
        for (key, status) in keys.iter().zip(expected) {
            let url = format!("{}{FEED}", api.simulator.url());
            let request = api.client.get(url).header("x-api-key", key.as_str().unwrap());
            assert_eq!(
                Api::read(request.header("anthropic-version", api.version)).await.status,
                status,
                "{key}"
            );
        }
        // It opens nothing else.
        let request = api.client.get(format!("{}{ORGANIZATION}me", api.simulator.url()));
        assert_eq!(Api::read(request.header("x-api-key", keys[0].as_str().unwrap())).await.status, 401);
    };
    check("", [200, 200, 401, 401]).await;
    check("feed-oauth=allowed,feed-admin-key=refused", [200, 403, 200, 401]).await;
}
