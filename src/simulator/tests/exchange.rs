//! The token endpoint and what minted tokens are good for: B32 to B37.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

const SUBJECT: &str = "system:serviceaccount:ml:worker";
const RULE: &str = "fdrl_01Worker";

impl Api {
    async fn worker_token(&self, claims: Value) -> String {
        self.identity_token("cluster", SUBJECT, claims).await
    }

    /// Calls the models with a credential.
    async fn message(&self, header: &str, credential: &str) -> Got {
        let request = self.client.post(format!("{}/v1/messages", self.simulator.url()));
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 8, "messages": [{"role": "user", "content": "Hi"}]});
        let value =
            if header == "authorization" { format!("Bearer {credential}") } else { credential.to_owned() };
        Api::read(request.header(header, value).header("anthropic-version", "2023-06-01").json(&body)).await
    }
}

#[tokio::test]
async fn an_exchange_mints_a_token_that_calls_the_models_and_nothing_else() {
    let mut api = Api::start().await;
    let token = api.worker_token(json!({})).await;
    let got = api
        .exchange(
            RULE,
            &token,
            json!({"service_account_id": "svac_01Worker", "workspace_id": "wrkspc_01Prod"}),
        )
        .await
        .ok();
    assert_eq!(
        (&got["token_type"], &got["scope"], &got["expires_in"]),
        (&json!("Bearer"), &json!("workspace:inference"), &json!(1200))
    );
    let minted = got["access_token"].as_str().unwrap();
    let called = api.message("authorization", minted).await;
    assert_eq!(called.headers["anthropic-workspace-id"], "wrkspc_01Prod");
    assert_eq!(called.ok()["type"], "message");
    api.token = minted.to_owned();
    assert_eq!(api.get("api_keys").await.outcome(), (403, "permission_error"));
    let operator = api.simulator.operator_token().expose();
    assert_eq!(api.message("authorization", operator).await.outcome(), (403, "permission_error"));
}

#[tokio::test]
async fn keys_call_the_models_while_they_are_active() {
    let api = Api::start().await;
    let secret = crate::simulator::ids::secret(3, "sk-ant-api03-", "apikey_01One");
    for header in ["x-api-key", "authorization"] {
        api.message(header, &secret).await.ok();
    }
    api.post("api_keys/apikey_01One", json!({"status": "inactive"})).await.ok();
    assert_eq!(api.message("x-api-key", &secret).await.outcome(), (401, "authentication_error"));
    assert_eq!(api.message("x-api-key", "sk-ant-api03-x").await.status, 401);
    assert_eq!(api.post("/v1/messages", json!({})).await.status, 403);
}

#[tokio::test]
async fn b32_malformed_requests_are_400_and_every_denial_is_the_same_401() {
    let api = Api::start().await;
    for more in [
        json!({"grant_type": "refresh_token"}),
        json!({"federation_rule_id": "release"}),
        json!({"federation_rule_id": ""}),
        json!({"organization_id": "acme"}),
        json!({"service_account_id": ""}),
        json!({"workspace_id": "prod"}),
        json!({"assertion": null}),
        json!({"assertion": 7}),
    ] {
        let token = api.worker_token(json!({})).await;
        assert_eq!(
            api.exchange(RULE, &token, more.clone()).await.outcome(),
            (400, "invalid_request_error"),
            "{more}"
        );
    }
    let check = async |rule: &str, claims: Value, more: Value, reason: &str| {
        let token = api.worker_token(claims).await;
        let got = api.exchange(rule, &token, more).await;
        assert_eq!(
            (got.outcome(), got.message()),
            ((401, "authentication_error"), "Authentication failed"),
            "{reason}"
        );
        if !reason.is_empty() {
            assert_eq!(api.last_reason().await, reason);
        }
    };
    check("fdrl_01Unknown", json!({}), json!({}), "").await;
    check(RULE, json!({}), json!({"organization_id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f9999"}), "").await;
    check(RULE, json!({}), json!({"service_account_id": "svac_01Boss"}), "service_account_mismatch").await;
    check(RULE, json!({"sub": "other"}), json!({}), "match_subject_prefix").await;
    check(RULE, json!({"aud": "https://other.example.com"}), json!({}), "match_audience").await;
    check(RULE, json!({"iss": "https://oidc.example.com/id/1/"}), json!({}), "jwt_issuer_mismatch").await;
    check(RULE, json!({}), json!({"assertion": "a.b.c"}), "jwt_malformed").await;
    check(RULE, json!({}), json!({"assertion": "x".repeat(16_385)}), "jwt_too_large").await;
    check(RULE, json!({}), json!({"workspace_id": "wrkspc_01Stage"}), "workspace_not_enabled").await;
    let foreign =
        api.identity_token("github", SUBJECT, json!({"iss": "https://oidc.example.com/id/1"})).await;
    check(RULE, json!({}), json!({"assertion": foreign}), "jwt_kid_not_in_jwks").await;
}

#[tokio::test]
async fn b33_the_life_follows_the_rule_and_the_identity_token() {
    let api = Api::start().await;
    for (remaining, rule_lifetime, expected) in
        [(600, 3600, 1200), (3000, 3600, 3600), (20, 3600, 60), (-20, 3600, 60), (600, 100, 100)]
    {
        api.post("federation_rules/fdrl_01Worker", json!({"token_lifetime_seconds": rule_lifetime}))
            .await
            .ok();
        let body = json!({"subject": SUBJECT, "lifetime_seconds": remaining});
        let token = api.post("/_simulator/identity_providers/cluster/token", body).await.ok();
        let got = api.exchange(RULE, token["token"].as_str().unwrap(), json!({})).await.ok();
        assert_eq!(got["expires_in"], expected, "{remaining} {rule_lifetime}");
    }
}

#[tokio::test]
async fn b34_a_jti_is_used_once() {
    let api = Api::start().await;
    let token = api.worker_token(json!({})).await;
    api.exchange(RULE, &token, json!({})).await.ok();
    assert_eq!(api.exchange(RULE, &token, json!({})).await.outcome(), (401, "authentication_error"));
    assert_eq!(api.last_reason().await, "jti_reused");
    let without = api.worker_token(json!({"jti": null})).await;
    for _ in 0..2 {
        api.exchange(RULE, &without, json!({})).await.ok();
    }
    api.post("federation_issuers/fdis_01Cluster", json!({"check_jti": false})).await.ok();
    api.exchange(RULE, &token, json!({})).await.ok();
}

#[tokio::test]
async fn b35_times_have_a_leeway_of_30_seconds_and_a_longest_life() {
    let api = Api::start().await;
    let now = "2026-11-20T09:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    for (claims, reason) in [
        (json!({"exp": now - 29}), "accepted"),
        (json!({"exp": now - 30}), "jwt_expired"),
        (json!({"exp": null}), "jwt_exp_missing"),
        (json!({"iat": now + 30}), "accepted"),
        (json!({"iat": now + 31}), "jwt_iat_in_future"),
        (json!({"iat": null}), "jwt_iat_missing"),
        (json!({"iat": "now"}), "jwt_iat_missing"),
        (json!({"nbf": now + 30}), "accepted"),
        (json!({"nbf": now + 31}), "jwt_not_yet_valid"),
        (json!({"nbf": null}), "accepted"),
        (json!({"exp": now + 3600}), "accepted"),
        (json!({"exp": now + 3601}), "jwt_lifetime_too_long"),
        (json!({"sub": null}), "jwt_subject_missing"),
    ] {
        let token = api.worker_token(claims.clone()).await;
        let status = api.exchange(RULE, &token, json!({})).await.status;
        assert_eq!(api.last_reason().await, reason, "{claims}");
        assert_eq!(status, if reason == "accepted" { 200 } else { 401 }, "{claims}");
    }
}

#[tokio::test]
async fn b35_algorithms_and_key_ids_are_checked() {
    let api = Api::start().await;
    let token = api.worker_token(json!({})).await;
    let (_, signed) = token.split_once('.').unwrap();
    let kid = {
        let keys = api.get("/_simulator/fetch?url=https://oidc.example.com/id/1/.well-known/jwks").await.ok();
        keys["keys"][0]["kid"].clone()
    };
    for (header, reason) in [
        (json!({"alg": "none", "kid": kid}), "jwt_algorithm_not_allowed"),
        (json!({"alg": "HS256", "kid": kid}), "jwt_algorithm_not_allowed"),
        (json!({"alg": "EdDSA", "kid": kid}), "jwt_algorithm_not_allowed"),
        (json!({"alg": "ES256"}), "jwt_kid_missing"),
        (json!({"alg": "ES256", "kid": "other"}), "jwt_kid_not_in_jwks"),
        (json!({"alg": "RS256", "kid": kid}), "jwt_signature_invalid"),
        (json!({"alg": "ES256", "kid": kid, "x": 1}), "jwt_signature_invalid"),
    ] {
        let forged = format!("{}.{signed}", URL_SAFE_NO_PAD.encode(header.to_string()));
        assert_eq!(api.exchange(RULE, &forged, json!({})).await.status, 401, "{header}");
        assert_eq!(api.last_reason().await, reason, "{header}");
    }
    api.exchange(RULE, &token, json!({})).await.ok();
}

#[tokio::test]
async fn b36_membership_is_enforced_but_not_for_legacy_bindings() {
    let api = Api::start().await;
    api.post("federation_rules/fdrl_01Worker/workspaces", json!({"workspace_id": "wrkspc_01Stage"}))
        .await
        .ok();
    let stage = json!({"workspace_id": "wrkspc_01Stage"});
    let token = api.worker_token(json!({})).await;
    assert_eq!(api.exchange(RULE, &token, stage.clone()).await.status, 401);
    assert_eq!(api.last_reason().await, "sa_not_in_workspace");
    let member = json!({"workspace_id": "wrkspc_01Stage", "workspace_role": "workspace_user"});
    api.post("service_accounts/svac_01Worker/workspaces", member).await.ok();
    api.exchange(RULE, &token, stage).await.ok();
    api.delete("service_accounts/svac_01Worker/workspaces/wrkspc_01Stage").await.ok();
    let legacy = api.identity_token("cluster", "legacy", json!({})).await;
    api.exchange("fdrl_01Legacy", &legacy, json!({})).await.ok();
}

#[tokio::test]
async fn a_workspace_is_resolved_as_documented() {
    for (assumption, without_default, with_default) in [
        ("", "workspace_id_required", "accepted"),
        ("workspace-fallback=denied", "workspace_id_required", "workspace_id_required"),
    ] {
        let api = Api::assuming(assumption).await;
        let check = async |more: Value, reason: &str| {
            let token = api.worker_token(json!({})).await;
            api.exchange(RULE, &token, more).await;
            assert_eq!(api.last_reason().await, reason);
        };
        let workspaces = "federation_rules/fdrl_01Worker/workspaces";
        check(json!({}), "accepted").await;
        check(json!({"workspace_id": "default"}), "workspace_not_enabled").await;
        api.post(workspaces, json!({"workspace_id": "wrkspc_01Stage"})).await.ok();
        check(json!({}), without_default).await;
        api.post(workspaces, json!({"workspace_id": "wrkspc_01Default"})).await.ok();
        check(json!({}), with_default).await;
        check(json!({"workspace_id": "default"}), "accepted").await;
        check(json!({"workspace_id": "wrkspc_01Default"}), "accepted").await;
    }
}

#[tokio::test]
async fn b37_minted_tokens_outlive_their_rule_until_they_end() {
    let api = Api::start().await;
    let token = api.worker_token(json!({})).await;
    let got = api.exchange(RULE, &token, json!({})).await.ok();
    let minted = got["access_token"].as_str().unwrap();
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    let fresh = api.worker_token(json!({})).await;
    assert_eq!(api.exchange(RULE, &fresh, json!({})).await.status, 401);
    assert_eq!(api.last_reason().await, "rule_archived");
    api.advance(1199).await;
    api.message("authorization", minted).await.ok();
    api.advance(1).await;
    assert_eq!(api.message("authorization", minted).await.status, 401);
}

#[tokio::test]
async fn a_demoted_account_gets_no_admin_token() {
    let api = Api::start().await;
    api.as_workload().await;
    api.post("service_accounts/svac_01Boss", json!({"organization_role": "developer"})).await.ok();
    let token = api.identity_token("cluster", "boss", json!({})).await;
    assert_eq!(api.exchange("fdrl_01Bootstrap", &token, json!({})).await.status, 401);
    assert_eq!(api.last_reason().await, "role_not_sufficient");
}

#[tokio::test]
async fn keys_come_from_wherever_the_issuer_says() {
    let api = Api::start().await;
    let keys = api.get("/_simulator/fetch?url=https://oidc.example.com/id/1/.well-known/jwks").await.ok();
    for (jwks, reason) in [
        (json!({"type": "inline", "keys": keys["keys"]}), "accepted"),
        (
            json!({"type": "explicit_url", "url": "https://oidc.example.com/id/1/.well-known/jwks"}),
            "accepted",
        ),
        (json!({"type": "explicit_url", "url": "https://oidc.example.com/nothing"}), "jwks_not_available"),
        (
            json!({"type": "discovery", "discovery_base": "https://token.actions.githubusercontent.com"}),
            "jwt_kid_not_in_jwks",
        ),
        (json!({"type": "discovery"}), "accepted"),
    ] {
        api.post("federation_issuers/fdis_01Cluster", json!({"jwks": jwks})).await.ok();
        let token = api.worker_token(json!({})).await;
        api.exchange(RULE, &token, json!({})).await;
        assert_eq!(api.last_reason().await, reason, "{jwks}");
    }
    let status = api.get("federation_issuers/fdis_01Cluster").await.ok()["poll_status"].clone();
    assert_eq!(
        (&status["consecutive_failures"], &status["last_fetched_at"]),
        (&json!(0), &json!("2026-11-20T09:00:00Z"))
    );
}
