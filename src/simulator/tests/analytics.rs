//! Usage analytics, models, and who is told to be who.

use serde_json::json;

use super::*;

const RANGE: &str = "starting_at=2026-11-20T00:00:00Z&ending_at=2026-11-21T00:00:00Z";

impl Api {
    async fn analytics(&self, query: &str) -> Got {
        let url = format!("{}{ORGANIZATION}analytics/usage?{query}", self.simulator.url());
        let request = self.client.get(url).header("x-api-key", &self.admin_key);
        let request = request.header("anthropic-beta", "other-2026-01-01,analytics-usage-cost-2026-08-24");
        Api::read(request.header("anthropic-version", self.version)).await
    }

    /// The rows, each as hour, actor, key and requests.
    async fn counted(&self, query: &str) -> Vec<String> {
        let page = self.analytics(&format!("{RANGE}&{query}")).await.ok();
        let one = |row: &Value| {
            let (group, actor) = (&row["group"], &row["group"]["actor"]);
            let ids = ["service_account_id", "user_id", "api_key_id"];
            let actor = ids.iter().find_map(|name| actor[*name].as_str()).unwrap_or("-");
            let key = group["api_key_id"].as_str().unwrap_or("-");
            let hour = row["starting_at"].as_str().unwrap().get(11..16).unwrap();
            format!("{hour} {actor} {key} {}", row["usage"]["requests"])
        };
        page["data"].as_array().unwrap().iter().map(one).collect()
    }

    pub(super) async fn says(&self, credential: &str) -> Got {
        let request = self.client.post(format!("{}/v1/messages", self.simulator.url()));
        let body = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]});
        let request = request.bearer_auth(credential).header("anthropic-version", "2026-10-21");
        Api::read(request.json(&body)).await
    }

    pub(super) async fn federated(&self) -> String {
        let token = self.identity_token("cluster", "system:serviceaccount:ml:worker", json!({})).await;
        let minted = self.exchange("fdrl_01Worker", &token, json!({})).await.ok();
        minted["access_token"].as_str().unwrap().to_owned()
    }
}

fn key(id: &str) -> String {
    crate::simulator::ids::secret(3, "sk-ant-api03-", id)
}

#[tokio::test]
async fn use_is_counted_by_hour_actor_and_key() {
    let api = Api::assuming("usage-delay-seconds=0").await;
    api.says(&api.federated().await).await.ok();
    for _ in 0..2 {
        api.says(&key("apikey_01One")).await.ok();
    }
    api.advance(3600).await;
    api.post("api_keys/apikey_01One", json!({"status": "inactive"})).await.ok();
    api.post("api_keys/apikey_01Account", json!({"status": "active"})).await.ok();
    api.says(&key("apikey_01Account")).await.ok();
    api.advance(60).await;
    let by = "group_by[]=actor&group_by[]=api_key_id&time_bucket_width=1h";
    let check = async |query: &str, expected: &[&str]| {
        assert_eq!(api.counted(query).await, expected, "{query}");
    };
    let federated = "09:00 svac_01Worker - 1";
    let with_key = "09:00 apikey_01One apikey_01One 2";
    // A service account's key is told from federation by the key alone.
    let account_key = "10:00 svac_01Worker apikey_01Account 1";
    check(&format!("{by}&order_by=time"), &[account_key, with_key, federated]).await;
    check(&format!("{by}&order_by=time&order=asc"), &[with_key, federated, account_key]).await;
    check(&format!("{by}&order_by=requests"), &[with_key, federated, account_key]).await;
    check(&format!("{by}&api_key_ids[]=apikey_01One&order_by=time"), &[with_key]).await;
    check(&format!("{by}&api_key_ids[]=apikey_01One&api_key_ids[]=&order_by=time"), &[with_key, federated])
        .await;
    check(&format!("{by}&actor_ids[]=svac_01Worker&order_by=time"), &[account_key, federated]).await;
    check(&format!("{by}&actor_types[]=api_actor"), &[with_key]).await;
    check(&format!("{by}&session_ids[]=sesn_1"), &[]).await;
    check("", &["00:00 - - 4"]).await;
    check("group_by[]=workspace_id&workspace_ids[]=wrkspc_01Stage", &["00:00 - - 1"]).await;
    check("time_bucket_width=1d", &["00:00 - - 4"]).await;
}

#[tokio::test]
async fn the_page_says_until_when_it_is_complete() {
    let api = Api::start().await;
    api.says(&key("apikey_01One")).await.ok();
    api.advance(299).await;
    let early = api.analytics(RANGE).await.ok();
    assert_eq!(early["data"], json!([]));
    assert_eq!(early["data_refreshed_at"], "2026-11-20T08:59:59Z");
    api.advance(1).await;
    let page = api.analytics(&format!("{RANGE}&group_by[]=workspace_id&group_by[]=model")).await.ok();
    assert_eq!(page["data_refreshed_at"], "2026-11-20T09:00:00Z");
    let row = &page["data"][0];
    // Without a bucket a row covers whole hours of the range; only what was asked for is told.
    assert_eq!(
        (&row["starting_at"], &row["ending_at"]),
        (&json!("2026-11-20T00:00:00Z"), &json!("2026-11-21T00:00:00Z"))
    );
    let group = &row["group"];
    assert_eq!((&group["workspace_id"], &group["model"]), (&json!("wrkspc_01Prod"), &json!("m")));
    assert_eq!((&group["api_key_id"], &group["session_id"]), (&json!(null), &json!(null)));
    let usage = &row["usage"];
    let sum = usage["uncached_input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], sum);
}

#[tokio::test]
async fn analytics_are_paged_and_refuse_what_is_wrong() {
    let api = Api::assuming("usage-delay-seconds=0").await;
    api.says(&key("apikey_01One")).await.ok();
    api.says(&key("apikey_01Default")).await.ok();
    api.advance(60).await;
    let by = format!("{RANGE}&group_by[]=api_key_id&limit=1");
    let first = api.analytics(&by).await.ok();
    let next = first["next_page"].as_str().unwrap();
    let second = api.analytics(&format!("{by}&page={next}")).await.ok();
    assert_eq!(
        (&first["has_more"], &second["has_more"], &second["next_page"]),
        (&json!(true), &json!(false), &json!(null))
    );
    assert_ne!(first["data"][0]["group"]["api_key_id"], second["data"][0]["group"]["api_key_id"]);
    for query in [
        "ending_at=2026-11-21T00:00:00Z",
        "starting_at=2025-12-31T23:59:59Z",
        "starting_at=2026-11-20T00:00:00Z&time_bucket_width=1h",
        "starting_at=2026-10-20T00:00:00Z&ending_at=2026-11-20T00:00:01Z",
        "starting_at=2026-11-18T00:00:00Z&ending_at=2026-11-20T00:00:00Z&time_bucket_width=1m",
        "starting_at=2026-11-20T00:00:00Z&ending_at=2026-11-19T00:00:00Z",
    ] {
        assert_eq!(api.analytics(query).await.outcome(), (400, "invalid_request_error"), "{query}");
    }
    for query in [
        "time_bucket_width=1w",
        "group_by[]=color",
        "group_by[]=actor&group_by[]=model&group_by[]=speed&group_by[]=product&group_by[]=api_key_id&group_by[]=workspace_id",
        "order_by=color",
        "order=up",
        "limit=1001",
        "page=page_x",
    ] {
        assert_eq!(api.analytics(&format!("{RANGE}&{query}")).await.status, 400, "{query}");
    }
    let path = format!("analytics/usage?{RANGE}");
    assert_eq!(api.get(&path).await.status, 401, "an OAuth token is refused");
    let mut api = Api::assuming("analytics-oauth=allowed").await;
    assert!(api.get(&path).await.message().starts_with("anthropic-beta: "));
    api.token = key("apikey_01One");
    assert_eq!(api.get(&path).await.status, 401);
}

#[tokio::test]
async fn a_message_tells_who_was_recognized() {
    let api = Api::start().await;
    let text = async |credential: &str| {
        let got = api.says(credential).await.ok();
        got["content"][0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        text(&api.federated().await).await,
        "The simulator knows you as svac_01Worker, by an access token."
    );
    assert_eq!(
        text(&key("apikey_01One")).await,
        "The simulator knows you by the API key apikey_01One alone."
    );
    for credential in [&api.admin_key, &api.token, "sk-ant-api03-nobody"] {
        assert!([401, 403].contains(&api.says(credential).await.status));
    }
}

#[tokio::test]
async fn models_are_listed_for_whoever_may_call_them() {
    let mut api = Api::start().await;
    assert_eq!(api.get("/v1/models").await.status, 403);
    api.token = key("apikey_01One");
    let first = api.get("/v1/models?limit=2").await.ok();
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    let id = first["last_id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/v1/models?after_id={id}")).await.ok()["has_more"], false);
    assert_eq!(api.get(&format!("/v1/models/{id}")).await.ok()["type"], "model");
    assert_eq!(api.get("/v1/models/claude-0").await.status, 404);
    assert_eq!(api.get("/v1/models").await.headers["anthropic-workspace-id"], "wrkspc_01Prod");
}
