//! Service accounts and memberships: B18, B26 to B28.

use serde_json::json;

use super::*;

#[tokio::test]
async fn b18_only_a_person_sends_the_admin_role() {
    let mut api = Api::start().await;
    api.post("service_accounts", json!({"name": "a", "organization_role": "admin"})).await.ok();
    api.token = api.as_workload().await;
    for (path, body) in [
        ("service_accounts", json!({"name": "b", "organization_role": "admin"})),
        ("service_accounts/svac_01Boss", json!({"organization_role": "admin"})),
    ] {
        assert_eq!(api.post(path, body).await.outcome(), (403, "permission_error"), "{path}");
    }
    let made = api.post("service_accounts", json!({"name": "b"})).await.ok();
    assert_eq!(
        (&made["organization_role"], &made["created_by_actor_id"]),
        (&json!("developer"), &json!("svac_01Boss"))
    );
    api.post("service_accounts/svac_01Boss", json!({"organization_role": null, "description": "x"}))
        .await
        .ok();
    for role in [json!("owner"), json!(null)] {
        let made = api.post("service_accounts", json!({"name": "c", "organization_role": role})).await;
        assert_eq!(made.status, 400, "{role}");
    }
}

#[tokio::test]
async fn b26_memberships_are_upserted() {
    let api = Api::start().await;
    let path = "service_accounts/svac_01Worker/workspaces";
    let missing = api.post(path, json!({"workspace_id": "wrkspc_01Stage"})).await;
    assert_eq!((missing.status, missing.message()), (400, "workspace_role: Field required"));
    for role in ["workspace_user", "workspace_admin"] {
        let body = json!({"workspace_id": "wrkspc_01Stage", "workspace_role": role});
        assert_eq!(api.post(path, body).await.ok()["workspace_role"], role);
    }
    let from_workspace = "workspaces/wrkspc_01Stage/service_accounts";
    let body = json!({"service_account_id": "svac_01Boss", "workspace_role": "workspace_developer"});
    api.post(from_workspace, body).await.ok();
    assert_eq!(api.get(from_workspace).await.ok()["data"].as_array().unwrap().len(), 2);
    let one = format!("{from_workspace}/svac_01Boss");
    assert_eq!(
        api.post(&one, json!({"workspace_role": "workspace_user"})).await.ok()["workspace_role"],
        "workspace_user"
    );
    let billing = json!({"workspace_role": "workspace_billing"});
    assert_eq!(api.post(&one, billing).await.status, 400);
    for _ in 0..2 {
        api.delete(&one).await.ok();
    }
    assert_eq!(api.get(&one).await.status, 404);
    assert_eq!(api.post(&one, json!({"workspace_role": "workspace_user"})).await.status, 404);
}

#[tokio::test]
async fn b26_archived_workspaces_and_accounts_are_refused() {
    let api = Api::start().await;
    let added = json!({"workspace_id": "wrkspc_01Stage", "workspace_role": "workspace_user"});
    api.post("service_accounts/svac_01Worker/workspaces", added.clone()).await.ok();
    api.archive("workspaces/wrkspc_01Stage").await.ok();
    assert_eq!(api.post("service_accounts/svac_01Boss/workspaces", added.clone()).await.status, 400);
    assert_eq!(api.delete("service_accounts/svac_01Worker/workspaces/wrkspc_01Stage").await.status, 400);
    assert_eq!(api.get("workspaces/wrkspc_01Stage/service_accounts").await.status, 400);
    let audit = api.get("service_accounts/svac_01Worker/workspaces").await.ok();
    assert!(audit["data"].as_array().unwrap().iter().any(|row| row["workspace_id"] == "wrkspc_01Stage"));

    let account = api.post("service_accounts", json!({"name": "a"})).await.id();
    let prod = json!({"workspace_id": "wrkspc_01Prod", "workspace_role": "workspace_user"});
    let path = format!("service_accounts/{account}/workspaces");
    api.post(&path, prod.clone()).await.ok();
    api.archive(&format!("service_accounts/{account}")).await.ok();
    assert_eq!(api.post(&path, prod).await.status, 400);
    assert_eq!(api.get(&path).await.ok(), json!({"data": [], "next_page": null}));
    assert_eq!(api.get(&format!("workspaces/wrkspc_01Prod/service_accounts/{account}")).await.status, 404);
    let members = api.get("workspaces/wrkspc_01Prod/service_accounts").await.ok();
    assert_eq!(members["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn b27_the_default_workspace_has_implicit_members() {
    let api = Api::start().await;
    let path = "service_accounts/svac_01Worker/workspaces";
    let page = api.get(&format!("{path}?limit=1")).await.ok();
    let rows = page["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["workspace_id"], &rows[0]["implicit"]), (&json!("wrkspc_01Default"), &json!(true)));
    assert_eq!((&rows[1]["workspace_id"], &rows[1]["implicit"]), (&json!("wrkspc_01Prod"), &json!(null)));
    assert_eq!(page["next_page"], json!(null));

    let stage = json!({"workspace_id": "wrkspc_01Stage", "workspace_role": "workspace_user"});
    api.post(path, stage).await.ok();
    let page = api.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!((page["data"].as_array().unwrap().len(), page["next_page"].is_string()), (2, true));
    api.delete("service_accounts/svac_01Worker/workspaces/wrkspc_01Stage").await.ok();

    let one = "workspaces/wrkspc_01Default/service_accounts/svac_01Worker";
    assert_eq!(api.get(one).await.ok()["workspace_role"], "workspace_user");
    assert_eq!(api.get("workspaces/wrkspc_01Default/service_accounts").await.ok()["data"], json!([]));
    assert_eq!(api.post(one, json!({"workspace_role": "workspace_admin"})).await.status, 404);
    api.delete(one).await.ok();
    assert_eq!(api.get(one).await.ok()["implicit"], json!(true));

    api.post(path, json!({"workspace_id": "wrkspc_01Default", "workspace_role": "workspace_admin"}))
        .await
        .ok();
    assert_eq!(api.get(one).await.ok()["implicit"], json!(null));
    assert_eq!(api.get(&format!("{path}?limit=1")).await.ok()["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        api.get("workspaces/wrkspc_01Default/service_accounts").await.ok()["data"][0]["workspace_role"],
        "workspace_admin"
    );
    api.delete(one).await.ok();
    assert_eq!(api.get(one).await.ok()["implicit"], json!(true));
}

#[tokio::test]
async fn b28_a_stale_cursor_is_refused() {
    let api = Api::start().await;
    let add = json!({"workspace_id": "wrkspc_01Stage", "workspace_role": "workspace_user"});
    let path = "service_accounts/svac_01Worker/workspaces";
    api.post(path, add).await.ok();
    let first = api.get(&format!("{path}?limit=1")).await.ok();
    let next = first["next_page"].as_str().unwrap().to_owned();
    assert_eq!(
        api.get(&format!("{path}?page={next}")).await.ok()["data"][0]["workspace_id"],
        "wrkspc_01Stage"
    );
    api.delete("workspaces/wrkspc_01Prod/service_accounts/svac_01Worker").await.ok();
    assert_eq!(api.get(&format!("{path}?page={next}")).await.status, 400);
}

#[tokio::test]
async fn both_sides_agree_and_unknown_ids_are_not_found() {
    let api = Api::start().await;
    for path in [
        "service_accounts/svac_01Unknown",
        "service_accounts/svac_01Unknown/workspaces",
        "workspaces/wrkspc_01Unknown/service_accounts",
        "workspaces/wrkspc_01Prod/service_accounts/svac_01Unknown",
        "workspaces/wrkspc_01Unknown",
        "api_keys/apikey_01Unknown",
        "federation_issuers/fdis_01Unknown",
        "federation_rules/fdrl_01Unknown/workspaces",
    ] {
        assert_eq!(api.get(path).await.outcome(), (404, "not_found_error"), "{path}");
    }
    let body = json!({"service_account_id": "svac_01Unknown", "workspace_role": "workspace_user"});
    assert_eq!(api.post("workspaces/wrkspc_01Prod/service_accounts", body).await.status, 400);
}
