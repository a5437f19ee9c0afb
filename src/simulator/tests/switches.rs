//! What no source settles, turned both ways; and that no switch is without a test.

use serde_json::json;

use super::*;

/// Sends a request under each value of a switch and compares the statuses.
async fn check(switch: &str, expected: [(&str, u16); 2], method: &str, path: &str, body: Value) {
    for (value, status) in expected {
        let api = Api::assuming(&format!("{switch}={value}")).await;
        let body = (!body.is_null()).then(|| body.clone());
        let got = api.send(method, path, body).await;
        assert_eq!(got.status, status, "{switch}={value}: {}", got.body);
    }
}

#[tokio::test]
async fn requests_are_refused_or_allowed_as_assumed() {
    let allowed_by_default = [("allowed", 200), ("refused", 400)];
    let empty = json!({"match": {"claims": {}}});
    let rules = "federation_rules";
    check("empty-claims", [("refused", 400), ("allowed", 200)], "POST", rules, rule_with("a", empty)).await;
    let both = json!({"oauth_scope": "workspace:inference workspace:developer"});
    check("several-scopes", allowed_by_default, "POST", rules, rule_with("a", both)).await;
    let all = json!({"applies_to_all_workspaces": true});
    check("workspace-with-all", allowed_by_default, "POST", rules, rule_with("a", all)).await;
    let archive = "workspaces/wrkspc_01Prod/archive";
    check("referenced-workspace-archive", allowed_by_default, "POST", archive, json!(null)).await;
    let key = json!({"kty": "EC", "kid": "1", "d": "secret"});
    let issuer =
        json!({"name": "a", "issuer_url": "https://a.example", "jwks": {"type": "inline", "keys": [key]}});
    check("private-jwk", allowed_by_default, "POST", "federation_issuers", issuer).await;
}

#[tokio::test]
async fn an_update_that_changes_nothing_moves_the_time_as_assumed() {
    for (assumption, moves) in [("", true), ("unchanged-update=keeps", false)] {
        let api = Api::assuming(assumption).await;
        for (path, same, other) in [
            ("federation_issuers/fdis_01Cluster", json!({"check_jti": true}), json!({"check_jti": false})),
            (
                "federation_rules/fdrl_01Worker",
                json!({"token_lifetime_seconds": 3600}),
                json!({"name": "other"}),
            ),
            ("service_accounts/svac_01Worker", json!({}), json!({"description": "other"})),
        ] {
            let before = api.get(path).await.ok()["updated_at"].clone();
            api.advance(60).await;
            let after = api.post(path, same).await.ok()["updated_at"].clone();
            assert_eq!(after != before, moves, "{path}");
            assert_ne!(api.post(path, other).await.ok()["updated_at"], before, "{path}");
        }
    }
}

#[tokio::test]
async fn a_disabled_key_stops_as_soon_as_assumed() {
    for (assumption, at_once, later) in [("", 401, 401), ("key-disable-delay-seconds=60", 200, 401)] {
        let api = Api::assuming(assumption).await;
        let key = crate::simulator::ids::secret(3, "sk-ant-api03-", "apikey_01One");
        api.post("api_keys/apikey_01One", json!({"status": "inactive"})).await.ok();
        assert_eq!(api.says(&key).await.status, at_once);
        api.advance(60).await;
        assert_eq!(api.says(&key).await.status, later);
    }
}

#[tokio::test]
async fn an_archived_account_takes_its_credentials_along_as_assumed() {
    let check = async |assumptions: &str, expected: [u16; 2]| {
        let api = Api::assuming(assumptions).await;
        api.post("api_keys/apikey_01Account", json!({"status": "active"})).await.ok();
        let key = crate::simulator::ids::secret(3, "sk-ant-api03-", "apikey_01Account");
        let token = api.federated().await;
        for rule in ["fdrl_01Worker", "fdrl_01Legacy", "fdrl_01Unpinned"] {
            api.archive(&format!("federation_rules/{rule}")).await.ok();
        }
        api.says(&token).await.ok();
        api.archive("service_accounts/svac_01Worker").await.ok();
        assert_eq!([api.says(&key).await.status, api.says(&token).await.status], expected, "{assumptions}");
    };
    check("", [401, 200]).await;
    check("archived-account-keys=work,archived-account-tokens=end", [200, 401]).await;
}

#[tokio::test]
async fn a_member_that_left_keeps_its_tokens_as_assumed() {
    for (assumption, status) in [("", 200), ("removed-member-tokens=end", 401)] {
        let api = Api::assuming(assumption).await;
        let token = api.federated().await;
        api.delete("workspaces/wrkspc_01Stage/service_accounts/svac_01Worker").await.ok();
        api.says(&token).await.ok();
        api.delete("workspaces/wrkspc_01Prod/service_accounts/svac_01Worker").await.ok();
        assert_eq!(api.says(&token).await.status, status, "{assumption}");
    }
}

#[tokio::test]
async fn a_jti_is_remembered_for_whom_it_is_assumed() {
    for (assumption, status) in [("", 200), ("jti-memory=organization", 401)] {
        let api = Api::assuming(assumption).await;
        let twin = json!({"name": "twin", "issuer_url": "https://oidc.example.com/id/1"});
        let issuer = api.post("federation_issuers", twin).await.id();
        let subject = "system:serviceaccount:ml:worker";
        let other = rule_with("twin", json!({"issuer_id": issuer, "match": {"subject_prefix": subject}}));
        let rule = api.post("federation_rules", other).await.id();
        let token = api.identity_token("cluster", subject, json!({})).await;
        api.exchange("fdrl_01Worker", &token, json!({})).await.ok();
        assert_eq!(api.exchange(&rule, &token, json!({})).await.status, status, "{assumption}");
        assert_eq!(api.exchange("fdrl_01Worker", &token, json!({})).await.status, 401);
    }
}

#[test]
fn no_switch_is_without_a_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator/tests");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let text: String = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let missing: Vec<_> = Assumptions::NAMES
        .iter()
        .filter(|name| !text.contains(&format!("{name}=")) && !text.contains(&format!("\"{name}\"")))
        .collect();
    assert!(missing.is_empty(), "no test turns {missing:?}");
}

#[test]
fn every_switch_and_every_fault_is_documented() {
    let page = include_str!("../../../docs/simulator.md");
    let values = Assumptions::default().all();
    for name in Assumptions::NAMES {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` | `")));
        let row = row.unwrap_or_else(|| panic!("docs/simulator.md does not tell of {name}"));
        let default = row.split('`').nth(3).unwrap();
        assert_eq!(default, values[name], "the first value of {name} is the default");
    }
    let refusal = crate::simulator::faults::read(br#"{"fault": "x"}"#).err().unwrap();
    let kinds = refusal.message.split('`').skip(3).step_by(2);
    for kind in kinds.inspect(|kind| assert!(!kind.contains(' '), "{kind}")) {
        assert!(page.contains(&format!("| `{kind}` |")), "docs/simulator.md does not tell of {kind}");
    }
}
