//! The usage report: B38, and B39 for all answers.

use serde_json::json;

use super::*;

impl Api {
    async fn call(&self, credential: &str) {
        let request =
            self.client.post(format!("{}/v1/messages", self.simulator.url())).bearer_auth(credential);
        let body = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]});
        Api::read(request.header("anthropic-version", "2026-10-21").json(&body)).await.ok();
    }

    /// The rows of all buckets, each as start, key, account and workspace.
    async fn rows(&self, query: &str) -> Vec<String> {
        let path = format!(
            "usage_report/messages?starting_at=2026-11-20T00:00:00Z&bucket_width=1h&limit=168&{query}"
        );
        let report = self.get(&path).await.ok();
        let word = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let buckets = report["data"].as_array().unwrap().iter();
        buckets
            .flat_map(|bucket| {
                let start = bucket["starting_at"].as_str().unwrap().get(11..16).unwrap().to_owned();
                let rows = bucket["results"].as_array().unwrap().iter();
                rows.map(move |row| {
                    let (key, account) = (word(row, "api_key_id"), word(row, "service_account_id"));
                    format!("{start} {key} {account} {}", word(row, "workspace_id"))
                })
                .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn key(id: &str) -> String {
    crate::simulator::ids::secret(3, "sk-ant-api03-", id)
}

#[tokio::test]
async fn b38_usage_appears_late_and_federated_rows_have_no_key() {
    for (assumption, delay) in [("", 300), ("usage-delay-seconds=600", 600)] {
        let api = Api::assuming(assumption).await;
        let token = api.identity_token("cluster", "system:serviceaccount:ml:worker", json!({})).await;
        let minted = api.exchange("fdrl_01Worker", &token, json!({})).await.ok();
        api.call(minted["access_token"].as_str().unwrap()).await;
        api.call(&key("apikey_01One")).await;
        api.advance(delay - 1).await;
        let grouped = "group_by[]=api_key_id&group_by[]=service_account_id&group_by[]=workspace_id";
        assert!(api.rows(grouped).await.is_empty());
        api.advance(1).await;
        let expected = ["09:00 - svac_01Worker wrkspc_01Prod", "09:00 apikey_01One - wrkspc_01Prod"];
        assert_eq!(api.rows(grouped).await, expected);
    }
}

#[tokio::test]
async fn usage_is_grouped_and_filtered() {
    let api = Api::assuming("usage-delay-seconds=0").await;
    api.call(&key("apikey_01One")).await;
    api.call(&key("apikey_01Default")).await;
    api.advance(3600).await;
    api.call(&key("apikey_01One")).await;
    api.advance(60).await;
    let check = async |query: &str, expected: &[&str]| assert_eq!(api.rows(query).await, expected, "{query}");
    check("", &["09:00 - - -", "10:00 - - -"]).await;
    let both = "group_by[]=api_key_id&group_by[]=workspace_id";
    check(
        both,
        &[
            "09:00 apikey_01Default - -",
            "09:00 apikey_01One - wrkspc_01Prod",
            "10:00 apikey_01One - wrkspc_01Prod",
        ],
    )
    .await;
    check("api_key_ids[]=apikey_01Default", &["09:00 - - -"]).await;
    check("api_key_ids[]=apikey_01Two", &[]).await;
    check(
        "workspace_ids[]=wrkspc_01Prod&group_by[]=api_key_id",
        &["09:00 apikey_01One - -", "10:00 apikey_01One - -"],
    )
    .await;
    check("ending_at=2026-11-20T10:00:00Z", &["09:00 - - -"]).await;
}

#[tokio::test]
async fn the_speed_is_told_to_those_who_know_its_beta() {
    let api = Api::assuming("usage-delay-seconds=0").await;
    api.call(&key("apikey_01One")).await;
    api.advance(60).await;
    let path = "usage_report/messages?starting_at=2026-11-20T00:00:00Z&group_by[]=speed&speeds[]=standard";
    assert!(api.get(path).await.message().starts_with("speed: "));
    let request =
        api.client.get(format!("{}{ORGANIZATION}{path}", api.simulator.url())).bearer_auth(&api.token);
    let request = request.header("anthropic-beta", "fast-mode-2026-02-01");
    let report = Api::read(request.header("anthropic-version", "2026-10-21")).await.ok();
    assert_eq!(report["data"][0]["results"][0]["speed"], "standard");
}

#[tokio::test]
async fn reports_are_paged_in_buckets() {
    let api = Api::start().await;
    let base = "usage_report/messages?starting_at=2026-11-18T13:00:00Z&ending_at=2026-11-20T00:00:00Z";
    let first = api.get(&format!("{base}&limit=1")).await.ok();
    assert_eq!(
        first["data"][0],
        json!({"starting_at": "2026-11-18T00:00:00Z", "ending_at": "2026-11-19T00:00:00Z", "results": []})
    );
    assert_eq!(first["has_more"], true);
    let next = first["next_page"].as_str().unwrap();
    let second = api.get(&format!("{base}&limit=1&page={next}")).await.ok();
    assert_eq!((&second["has_more"], &second["next_page"]), (&json!(false), &json!(null)));
    for query in [
        "",
        "starting_at=yesterday",
        "starting_at=2026-11-20T00:00:00Z&bucket_width=1w",
        "starting_at=2026-11-20T00:00:00Z&group_by[]=color",
        "starting_at=2026-11-20T00:00:00Z&limit=32",
        "starting_at=2026-11-20T00:00:00Z&page=page_x",
        "starting_at=2026-11-20T00:00:00Z&ending_at=2026-11-19T00:00:00Z",
    ] {
        assert_eq!(api.get(&format!("usage_report/messages?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_report_takes_admin_keys_and_oauth_as_assumed() {
    for (assumption, status) in [("", 200), ("usage-admin-key=required", 401)] {
        let mut api = Api::assuming(assumption).await;
        let path = "usage_report/messages?starting_at=2026-11-20T00:00:00Z";
        assert_eq!(api.get(path).await.status, status);
        api.token = api.admin_key.clone();
        api.get(path).await.ok();
    }
}

#[tokio::test]
async fn b39_every_answer_has_a_request_id_of_its_own() {
    let api = Api::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for path in ["me", "me", "federation_rules/fdrl_01Unknown", "/nowhere", "/_simulator/clock"] {
        let got = api.get(path).await;
        let id = got.headers["request-id"].to_str().unwrap().to_owned();
        assert!(id.starts_with("req_"));
        if got.status != 200 {
            assert_eq!(got.body["request_id"], id.as_str());
            assert_eq!(got.body["type"], "error");
        }
        assert!(seen.insert(id), "{path}");
    }
    let organization = api.get("me").await.headers["anthropic-organization-id"].clone();
    assert_eq!(organization, "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003");
    let first = seen;
    let api = api.restart().await;
    assert!(!first.contains(api.get("me").await.headers["request-id"].to_str().unwrap()));
}
