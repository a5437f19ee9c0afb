//! API keys and workspaces: B29 to B31.

use serde_json::json;

use super::*;

#[tokio::test]
async fn b29_names_and_statuses_have_bounds() {
    let api = Api::start().await;
    let path = "api_keys/apikey_01One";
    for (body, status) in [
        (json!({"status": "expired"}), 400),
        (json!({"status": "gone"}), 400),
        (json!({"name": ""}), 400),
        (json!({"name": "x".repeat(501)}), 400),
        (json!({"name": "x".repeat(500)}), 200),
        (json!({"status": "inactive"}), 200),
        (json!({"status": "inactive"}), 200),
        (json!({"status": "active"}), 200),
        (json!({}), 200),
    ] {
        assert_eq!(api.post(path, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(api.get(path).await.ok()["status"], "active");
}

#[tokio::test]
async fn b29_reactivation_can_hit_the_limits() {
    let api = Api::start().await;
    let code = async |key: &str| {
        let got = api.post(&format!("api_keys/{key}"), json!({"status": "active"})).await;
        got.body["error"]["details"]["error_code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(code("apikey_01Two").await, "workspace_api_key_limit_exceeded");
    api.post("api_keys/apikey_01One", json!({"status": "inactive"})).await.ok();
    assert_eq!(code("apikey_01Two").await, "");
    assert_eq!(code("apikey_01Account").await, "");
    assert_eq!(code("apikey_01Short").await, "org_api_key_limit_exceeded");
}

#[tokio::test]
async fn b29_expired_keys_stay_expired() {
    let api = Api::start().await;
    api.advance(3600).await;
    let path = "api_keys/apikey_01Short";
    assert_eq!(api.get(path).await.ok()["status"], "expired");
    for status in ["active", "inactive"] {
        assert_eq!(api.post(path, json!({"status": status})).await.status, 400);
    }
    assert_eq!(api.post(path, json!({"status": "archived"})).await.ok()["status"], "archived");
}

#[tokio::test]
async fn b30_archived_keys_come_back_only_as_assumed() {
    for (assumption, status) in [("", 400), ("archived-key-reactivation=allowed", 200)] {
        let api = Api::assuming(assumption).await;
        let path = "api_keys/apikey_01One";
        for _ in 0..2 {
            assert_eq!(api.post(path, json!({"status": "archived"})).await.ok()["status"], "archived");
        }
        assert_eq!(api.post(path, json!({"status": "active"})).await.status, status);
        assert_eq!(api.post(path, json!({"status": "inactive"})).await.status, status);
    }
}

#[tokio::test]
async fn b31_a_workspace_takes_its_keys_into_the_archive() {
    for assumption in ["", "archived-key-reactivation=allowed"] {
        let api = Api::assuming(assumption).await;
        let first = api.archive("workspaces/wrkspc_01Prod").await.ok();
        api.advance(60).await;
        assert_eq!(api.archive("workspaces/wrkspc_01Prod").await.ok(), first);
        for (key, status) in
            [("apikey_01One", "archived"), ("apikey_01Two", "archived"), ("apikey_01Default", "active")]
        {
            assert_eq!(api.get(&format!("api_keys/{key}")).await.ok()["status"], status, "{key}");
        }
        assert_eq!(api.post("api_keys/apikey_01One", json!({"status": "active"})).await.status, 400);
    }
}

#[tokio::test]
async fn key_lists_filter_and_page_by_window() {
    let api = Api::start().await;
    let check = async |query: &str, expected: &[&str]| {
        let list = api.get(&format!("api_keys?{query}")).await.ok();
        let ids: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
        list["has_more"].clone()
    };
    let all = ["apikey_01Short", "apikey_01Account", "apikey_01Default", "apikey_01Two", "apikey_01One"];
    check("", &all).await;
    assert_eq!(check("limit=2", &all[..2]).await, true);
    assert_eq!(check("limit=5&after_id=apikey_01Account", &all[2..]).await, false);
    check("before_id=apikey_01Default&limit=1", &all[1..2]).await;
    check("status=active", &["apikey_01Default", "apikey_01One"]).await;
    check("workspace_id=wrkspc_01Default", &["apikey_01Default"]).await;
    check("created_by_user_id=user_01Operator", &["apikey_01Two"]).await;
    for query in ["status=gone", "limit=1001", "after_id=x", "after_id=apikey_01One&before_id=apikey_01Two"] {
        assert_eq!(api.get(&format!("api_keys?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn keys_have_two_shapes_and_never_show_the_secret() {
    let mut api = Api::start().await;
    let new = api.get("api_keys/apikey_01Account").await.ok();
    assert_eq!(new["scope"], json!({"type": "workspace", "workspace_id": "wrkspc_01Stage"}));
    assert_eq!(
        new["principal"],
        json!({"type": "service_account_actor", "service_account_id": "svac_01Worker"})
    );
    assert_eq!(api.get("api_keys/apikey_01Default").await.ok()["scope"]["workspace_id"], "wrkspc_01Default");
    api.version = "2023-06-01";
    let old = api.get("api_keys/apikey_01Account").await.ok();
    assert_eq!((&old["workspace_id"], old.get("scope")), (&json!("wrkspc_01Stage"), None));
    assert_eq!(old["principal"], json!({"id": "svac_01Worker", "type": "service_account"}));
    assert_eq!(api.get("api_keys/apikey_01Default").await.ok()["workspace_id"], json!(null));
    let secret = crate::simulator::ids::secret(3, "sk-ant-api03-", "apikey_01One");
    for path in ["api_keys", "/_simulator/organization"] {
        assert!(!api.get(path).await.ok().to_string().contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn workspaces_are_listed_created_and_changed() {
    let api = Api::start().await;
    let names = async |query: &str| {
        let list = api.get(&format!("workspaces?{query}")).await.ok();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names("").await, "Staging Production");
    assert_eq!(names("include_default=true").await, "Staging Production Default");
    assert_eq!(names("ids[]=wrkspc_01Prod&ids[]=wrkspc_01Unknown").await, "Production");
    assert_eq!(api.get("workspaces?ids[]=Production").await.status, 400);
    assert_eq!(api.get("api_keys?workspace_id=Production").await.status, 400);
    assert_eq!(api.get("workspaces/wrkspc_01Default").await.ok()["name"], "Default");
    assert_eq!(api.post("workspaces/wrkspc_01Default", json!({"name": "x"})).await.status, 400);
    assert_eq!(api.archive("workspaces/wrkspc_01Default").await.status, 400);

    let made = api.post("workspaces", json!({"name": "New", "tags": {"team": "a", "cost": "b"}})).await;
    let path = format!("workspaces/{}", made.id());
    let changed =
        api.post(&path, json!({"name": "Newer", "tags": {"team": null}, "external_key_id": "k"})).await.ok();
    assert_eq!((&changed["name"], &changed["tags"]), (&json!("Newer"), &json!({"cost": "b"})));
    for body in [
        json!({"external_key_id": "other"}),
        json!({"display_color": "red"}),
        json!({"tags": {"anthropic-x": "y"}}),
        json!({"data_residency": {"workspace_geo": "eu"}}),
        json!({"name": "x".repeat(41)}),
    ] {
        assert_eq!(api.post(&path, body.clone()).await.status, 400, "{body}");
    }
    api.archive(&path).await.ok();
    assert_eq!(names("").await, "Staging Production");
    assert_eq!(names("include_archived=true&limit=1").await, "Newer");
    assert_eq!(api.post(&path, json!({"name": "x"})).await.status, 400);
}
