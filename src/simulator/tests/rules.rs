//! Issuers and rules: B01 to B17, B25.

use serde_json::json;

use super::*;

#[tokio::test]
async fn b01_federation_refuses_admin_keys() {
    for (assumption, status) in [("", 401), ("admin-key-status=403", 403)] {
        let mut api = Api::assuming(assumption).await;
        api.token = api.admin_key.clone();
        for path in [
            "federation_issuers",
            "federation_rules",
            "service_accounts",
            "workspaces/wrkspc_01Prod/service_accounts",
        ] {
            assert_eq!(api.get(path).await.status, status, "{path}");
            assert_eq!(api.post(path, json!({})).await.status, status, "{path}");
        }
        for path in ["api_keys", "workspaces", "me"] {
            assert_eq!(api.get(path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn b01_other_credentials_are_refused_too() {
    let mut api = Api::start().await;
    for token in ["", "sk-ant-oat01-unknown", "sk-ant-api03-unknown", "nonsense"] {
        api.token = token.to_owned();
        assert_eq!(api.get("federation_rules").await.outcome(), (401, "authentication_error"), "{token}");
    }
    let url = format!("{}/v1/organizations/me", api.simulator.url());
    let without = Api::read(api.client.get(url).header("anthropic-version", "2026-10-21")).await;
    assert_eq!(without.outcome(), (401, "authentication_error"));
}

#[tokio::test]
async fn b02_unknown_fields_are_refused() {
    let api = Api::start().await;
    let check = async |path: &str, body: serde_json::Value| {
        let got = api.post(path, body).await;
        assert_eq!(got.outcome(), (400, "invalid_request_error"), "{path}: {}", got.body);
        assert!(got.message().contains("Extra inputs are not permitted"), "{path}: {}", got.message());
    };
    check(
        "federation_issuers",
        json!({"name": "a", "issuer_url": "https://a.example.com", "description": "x"}),
    )
    .await;
    check("federation_issuers/fdis_01Cluster", json!({"colour": "red"})).await;
    check("federation_issuers/fdis_01Paused/archive", json!({"why": "x"})).await;
    check("federation_rules", rule_with("a", json!({"scope": "x"}))).await;
    check("federation_rules", rule_with("a", json!({"match": {"subject": "x"}}))).await;
    check("federation_rules/fdrl_01Worker", json!({"issuer_id": "fdis_01Cluster"})).await;
    check("federation_rules/fdrl_01Worker/workspaces", json!({"workspace": "x"})).await;
    check("service_accounts", json!({"name": "a", "role": "admin"})).await;
    check("service_accounts/svac_01Worker", json!({"name": "b"})).await;
    check("api_keys/apikey_01One", json!({"scope": "x"})).await;
    check("workspaces", json!({"name": "a", "colour": "x"})).await;
    check("/v1/oauth/token", json!({"scope": "x"})).await;
    check("/_simulator/clock", json!({"to": "x"})).await;
}

#[tokio::test]
async fn b03_names_are_slugs_and_unique_among_live_objects() {
    let api = Api::start().await;
    let issuer = |name: &str| json!({"name": name, "issuer_url": "https://a.example.com"});
    for name in ["", "A", "a_b", "a b", "é", &"a".repeat(256)] {
        assert_eq!(api.post("federation_issuers", issuer(name)).await.status, 400, "{name}");
        assert_eq!(api.post("federation_rules", rule(name)).await.status, 400, "{name}");
        assert_eq!(api.post("service_accounts", json!({"name": name})).await.status, 400, "{name}");
    }
    api.post("federation_issuers", issuer(&"a".repeat(255))).await.ok();
    for (path, body) in [
        ("federation_issuers", issuer("cluster")),
        ("federation_rules", rule("worker")),
        ("service_accounts", json!({"name": "worker"})),
        ("federation_issuers/fdis_01Github", json!({"name": "cluster"})),
        ("federation_rules/fdrl_01Worker", json!({"name": "legacy"})),
    ] {
        assert_eq!(api.post(path, body).await.outcome(), (409, "conflict_error"), "{path}");
    }
    api.post("federation_rules/fdrl_01Worker", json!({"name": "worker"})).await.ok();
}

#[tokio::test]
async fn b04_names_of_archived_objects_are_taken_or_free_as_assumed() {
    for (assumption, status) in [("", 409), ("name-reuse=allowed", 200)] {
        let api = Api::assuming(assumption).await;
        let first = api.post("service_accounts", json!({"name": "a"})).await.id();
        api.archive(&format!("service_accounts/{first}")).await.ok();
        let second = api.post("service_accounts", json!({"name": "a"})).await;
        assert_eq!(second.status, status);
        assert_ne!(second.body["id"], first.as_str());
    }
}

#[tokio::test]
async fn a_renamed_object_keeps_its_id_and_its_old_name_gets_another() {
    let api = Api::start().await;
    let first = api.post("federation_rules", rule("a")).await.id();
    api.post(&format!("federation_rules/{first}"), json!({"name": "b"})).await.ok();
    let second = api.post("federation_rules", rule("a")).await.id();
    assert_ne!(first, second);
    assert_eq!(api.get(&format!("federation_rules/{first}")).await.ok()["name"], "b");
}

#[tokio::test]
async fn b05_issuers_have_defaults_and_bounds() {
    let api = Api::start().await;
    let issuer = api
        .post("federation_issuers", json!({"name": "a", "issuer_url": "https://a.example.com"}))
        .await
        .ok();
    let discovery = json!({"type": "discovery", "discovery_base": null, "ca_cert_pem": null});
    assert_eq!(
        (&issuer["jwks"], &issuer["check_jti"], &issuer["max_jwt_lifetime_seconds"]),
        (&discovery, &json!(true), &json!(3600))
    );
    assert_eq!(issuer["created_by_actor_id"], "user_01Operator");
    assert_eq!(issuer["created_at"], "2026-11-20T09:00:00Z");
    let path = format!("federation_issuers/{}", issuer["id"].as_str().unwrap());
    for (seconds, status) in [(0, 400), (1, 200), (176_400, 200), (176_401, 400)] {
        let got = api.post(&path, json!({"max_jwt_lifetime_seconds": seconds})).await;
        assert_eq!(got.status, status, "{seconds}");
    }
    let changed = api.post(&path, json!({"check_jti": false, "name": null})).await.ok();
    assert_eq!((&changed["check_jti"], &changed["name"]), (&json!(false), &json!("a")));
}

#[tokio::test]
async fn b06_dialled_urls_are_public_and_the_message_names_the_field() {
    let api = Api::start().await;
    let check = async |issuer_url: &str, jwks: serde_json::Value, expected: &str| {
        let got = api
            .post("federation_issuers", json!({"name": "x", "issuer_url": issuer_url, "jwks": jwks}))
            .await;
        assert_eq!(got.message().split_once(':').map_or("", |(field, _)| field), expected, "{}", got.body);
        if got.status == 200 {
            api.post(&format!("federation_issuers/{}", got.id()), json!({"name": "y"})).await.ok();
        }
    };
    check("http://a.example.com", json!({"type": "discovery"}), "issuer_url").await;
    check("https://10.1.2.3", json!({"type": "discovery"}), "issuer_url").await;
    check(
        "https://a.example.com",
        json!({"type": "discovery", "discovery_base": "https://x.local"}),
        "jwks.discovery_base",
    )
    .await;
    check(
        "https://a.example.com",
        json!({"type": "explicit_url", "url": "https://a.example.com:8443/k"}),
        "jwks.url",
    )
    .await;
    check("http://internal:8080", json!({"type": "inline", "keys": [{"kty": "RSA"}]}), "").await;
    let got = api.post("federation_issuers/fdis_01Cluster", json!({"issuer_url": "https://localhost"})).await;
    assert!(got.message().starts_with("issuer_url: "), "{}", got.message());
}

#[tokio::test]
async fn b07_polling_can_only_be_resumed() {
    for (assumption, cleared) in [("", true), ("polling-resume=keeps", false)] {
        let api = Api::assuming(assumption).await;
        let path = "federation_issuers/fdis_01Paused";
        assert_eq!(api.get(path).await.ok()["jwks_polling_disabled_at"], "2026-11-19T00:00:00Z");
        assert_eq!(api.post(path, json!({"jwks_polling_disabled": true})).await.status, 400);
        let resumed = api.post(path, json!({"jwks_polling_disabled": false})).await.ok();
        assert_eq!(resumed["jwks_polling_disabled_at"].is_null(), cleared);
    }
}

#[tokio::test]
async fn b08_archive_is_blocked_by_a_live_rule() {
    let api = Api::start().await;
    for path in ["federation_issuers/fdis_01Cluster", "service_accounts/svac_01Worker"] {
        assert_eq!(api.archive(path).await.outcome(), (400, "invalid_request_error"), "{path}");
    }
    for rule in ["fdrl_01Worker", "fdrl_01Legacy", "fdrl_01Unpinned"] {
        api.archive(&format!("federation_rules/{rule}")).await.ok();
    }
    for path in ["federation_issuers/fdis_01Cluster", "service_accounts/svac_01Worker"] {
        assert_eq!(api.archive(path).await.ok()["archived_by_actor_id"], "user_01Operator", "{path}");
    }
}

#[tokio::test]
async fn b09_a_second_archive_keeps_the_first_time() {
    let mut api = Api::start().await;
    for path in ["federation_rules/fdrl_01Worker", "federation_issuers/fdis_01Paused"] {
        let first = api.archive(path).await.ok();
        api.advance(60).await;
        api.token = api.person.clone();
        assert_eq!(api.archive(path).await.ok(), first, "{path}");
        assert!(first["archived_at"].is_string());
    }
}

#[tokio::test]
async fn b10_archived_objects_cannot_be_updated() {
    let api = Api::start().await;
    for rule in ["fdrl_01Worker", "fdrl_01Legacy", "fdrl_01Unpinned"] {
        api.archive(&format!("federation_rules/{rule}")).await.ok();
    }
    api.archive("federation_issuers/fdis_01Cluster").await.ok();
    api.archive("service_accounts/svac_01Worker").await.ok();
    for (path, body) in [
        ("federation_rules/fdrl_01Worker", json!({"name": "x"})),
        ("federation_issuers/fdis_01Cluster", json!({"name": "x"})),
        ("service_accounts/svac_01Worker", json!({"description": "x"})),
    ] {
        assert_eq!(api.post(path, body).await.status, 400, "{path}");
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    let live = api.get("federation_rules").await.ok();
    let all = api.get("federation_rules?include_archived=true").await.ok();
    assert_eq!((live["data"].as_array().unwrap().len(), all["data"].as_array().unwrap().len()), (1, 4));
}

#[tokio::test]
async fn b11_a_rule_needs_a_workspace_or_all() {
    let api = Api::start().await;
    let none = rule_with("a", json!({"workspace_id": null}));
    let check = async |body: serde_json::Value, status: u16| {
        let got = api.post("federation_rules", body).await;
        assert_eq!(got.status, status, "{}", got.body);
        got.body
    };
    check(none, 400).await;
    check(rule_with("a", json!({"workspace_id": null, "applies_to_all_workspaces": false})), 400).await;
    let all =
        check(rule_with("a", json!({"workspace_id": null, "applies_to_all_workspaces": true})), 200).await;
    assert_eq!((&all["workspace_ids"], &all["applies_to_all_workspaces"]), (&json!([]), &json!(true)));
    let one = check(rule("b"), 200).await;
    assert_eq!(
        (&one["workspace_ids"], &one["token_lifetime_seconds"]),
        (&json!(["wrkspc_01Prod"]), &json!(3600))
    );
}

#[tokio::test]
async fn b12_references_must_exist_and_live() {
    let api = Api::start().await;
    api.archive("workspaces/wrkspc_01Stage").await.ok();
    api.archive("federation_issuers/fdis_01Paused").await.ok();
    let target = |id: &str| json!({"type": "service_account", "service_account_id": id});
    for changes in [
        json!({"issuer_id": "fdis_01Unknown"}),
        json!({"issuer_id": "fdis_01Paused"}),
        json!({"issuer_id": "svac_01Worker"}),
        json!({"target": target("svac_01Unknown")}),
        json!({"target": {"type": "user", "service_account_id": "svac_01Worker"}}),
        json!({"target": {"service_account_id": "svac_01Worker"}}),
        json!({"workspace_id": "wrkspc_01Unknown"}),
        json!({"workspace_id": "wrkspc_01Stage"}),
        json!({"oauth_scope": "workspace:everything"}),
        json!({"token_lifetime_seconds": 59}),
        json!({"token_lifetime_seconds": 86_401}),
        json!({"attributes": {"a": "b"}}),
    ] {
        assert_eq!(
            api.post("federation_rules", rule_with("a", changes.clone())).await.status,
            400,
            "{changes}"
        );
    }
    let path = "federation_rules/fdrl_01Worker";
    for change in [json!({"target": target("svac_01Unknown")}), json!({"workspace_id": "wrkspc_01Unknown"})] {
        assert_eq!(api.post(path, change.clone()).await.status, 400, "{change}");
    }
    let named = json!({"type": "service_account", "service_account_id": "svac_01Boss", "service_account_name": "ignored"});
    assert_eq!(api.post(path, json!({"target": named})).await.ok()["target"]["service_account_name"], "boss");
    assert_eq!(api.get("federation_rules/fdrl_01Unknown").await.outcome(), (404, "not_found_error"));
}

#[tokio::test]
async fn b13_b14_matches_are_checked_on_create_and_update() {
    let api = Api::start().await;
    for matching in [
        json!({}),
        json!({"audience": "x"}),
        json!({"subject_prefix": "*"}),
        json!({"claims": {}}),
        json!({"condition": "true"}),
        json!({"condition": "'text'"}),
        json!({"condition": "subject == 'x'"}),
        json!({"condition": "claims.a =="}),
        json!({"condition": format!("1{}", "+1".repeat(2000))}),
    ] {
        let created = api.post("federation_rules", rule_with("a", json!({"match": matching}))).await;
        let updated = api.post("federation_rules/fdrl_01Worker", json!({"match": matching})).await;
        assert_eq!((created.status, updated.status), (400, 400), "{matching}");
    }
    let replaced = api
        .post("federation_rules/fdrl_01Worker", json!({"match": {"condition": "claims.a == 'b'"}}))
        .await
        .ok();
    assert_eq!(replaced["match"]["subject_prefix"], json!(null));
}

#[tokio::test]
async fn b15_shared_issuers_need_a_tenant_pin_on_create_and_on_any_update() {
    for (assumption, status) in [("", 400), ("tenant-pin-status=403", 403)] {
        let api = Api::assuming(assumption).await;
        let on_github = |matching: serde_json::Value| {
            rule_with("a", json!({"issuer_id": "fdis_01Github", "match": matching}))
        };
        assert_eq!(
            api.post("federation_rules", on_github(json!({"claims": {"ref": "x"}}))).await.status,
            status
        );
        api.post("federation_rules", on_github(json!({"subject_prefix": "repo:acme/*"}))).await.ok();
        let path = "federation_rules/fdrl_01Unpinned";
        assert_eq!(api.post(path, json!({"name": "renamed"})).await.status, status);
        let pinned = json!({"name": "renamed", "match": {"claims": {"repository_owner": "acme"}}});
        api.post(path, pinned).await.ok();
        let moved = json!({"issuer_url": "https://gitlab.com"});
        assert_eq!(api.post("federation_issuers/fdis_01Cluster", moved).await.status, status);
    }
}

#[tokio::test]
async fn b16_other_scopes_are_the_consoles() {
    for (assumption, status) in [("", 403), ("carve-out-status=400", 400)] {
        let mut api = Api::assuming(assumption).await;
        for is_workload in [false, true] {
            if is_workload {
                api.token = api.as_workload().await;
            }
            let scoped = |scope: &str| rule_with("a", json!({"oauth_scope": scope}));
            for scope in ["org:admin", "workspace:manage_tunnels", "workspace:inference org:admin"] {
                assert_eq!(api.post("federation_rules", scoped(scope)).await.status, status, "{scope}");
            }
            let path = "federation_rules/fdrl_01Bootstrap";
            assert_eq!(api.post(path, json!({"description": "x"})).await.status, status);
            assert_eq!(
                api.post("federation_rules/fdrl_01Worker", json!({"oauth_scope": "org:admin"})).await.status,
                status
            );
            assert_eq!(api.archive(path).await.status, status);
            let workspaces = format!("{path}/workspaces");
            assert_eq!(api.post(&workspaces, json!({"workspace_id": "wrkspc_01Prod"})).await.status, status);
            assert_eq!(api.delete(&format!("{workspaces}/wrkspc_01Default")).await.status, status);
            assert_eq!(api.get(path).await.status, 200);
        }
    }
}

#[tokio::test]
async fn b17_an_issuer_behind_such_a_rule_cannot_be_updated() {
    let api = Api::start().await;
    let got = api.post("federation_issuers/fdis_01Console", json!({"jwks_polling_disabled": false})).await;
    assert_eq!(got.outcome(), (403, "permission_error"));
    api.post("federation_issuers/fdis_01Cluster", json!({"check_jti": false})).await.ok();
}

#[tokio::test]
async fn b25_a_description_of_null_reads_back_empty() {
    let api = Api::start().await;
    for path in ["federation_rules/fdrl_01Worker", "service_accounts/svac_01Worker"] {
        assert_eq!(api.post(path, json!({"description": "x"})).await.ok()["description"], "x");
        assert_eq!(api.post(path, json!({"description": null})).await.ok()["description"], "");
        assert_eq!(api.post(path, json!({})).await.ok()["description"], "");
        assert_eq!(api.post(path, json!({"description": "x".repeat(2001)})).await.status, 400);
    }
}

#[tokio::test]
async fn lists_page_by_cursor_newest_first_and_filter_by_issuer() {
    let api = Api::start().await;
    for number in 0..3 {
        api.post("federation_rules", rule(&format!("new-{number}"))).await.ok();
    }
    let mut names = Vec::new();
    let mut page = String::from("federation_rules?issuer_id=fdis_01Cluster&limit=2");
    loop {
        let got = api.get(&page).await.ok();
        names.extend(
            got["data"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = got["next_page"].as_str() else { break };
        page = format!("federation_rules?issuer_id=fdis_01Cluster&limit=2&page={next}");
    }
    assert_eq!(names, ["new-2", "new-1", "new-0", "legacy", "worker"]);
    for query in ["limit=0", "limit=101", "limit=x", "page=x"] {
        assert_eq!(api.get(&format!("federation_rules?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn versions_select_the_shape() {
    let mut api = Api::start().await;
    let new = api.get("federation_rules/fdrl_01Legacy").await.ok();
    assert!(new.get("workspace_id").is_none() && new.get("attributes").is_none());
    let beta = api.get("federation_rules/fdrl_01Legacy?beta=true").await.ok();
    assert_eq!(
        (&beta["workspace_id"], beta.get("attributes")),
        (&json!("wrkspc_01Stage"), Some(&json!(null)))
    );
    api.version = "2023-06-01";
    let old = api.get("federation_rules/fdrl_01Legacy").await.ok();
    assert_eq!((&old["workspace_id"], &old["workspace_ids"]), (&json!("wrkspc_01Stage"), &json!([])));
    api.version = "2020-01-01";
    assert_eq!(api.get("federation_rules").await.status, 400);
}
