//! Simulated workloads, from the static key to federation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::simulator::jwt;

const SAMPLE: &str = include_str!("../sample.json");
const FEDERATION: &str = "ci/federation.env";

impl Api {
    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.directory.path().join(path), text).unwrap();
    }

    /// The credential report, once its signature and its digest are found right.
    async fn report(&self) -> Value {
        let document: Value = serde_json::from_str(&self.text("ci/credential-report.json")).unwrap();
        let report = document["report"].as_str().unwrap();
        let proof = jwt::parse(document["proof"].as_str().unwrap()).unwrap();
        let url = "https://token.actions.githubusercontent.com/.well-known/jwks";
        let keys = self.get(&format!("/_simulator/fetch?url={url}")).await.ok();
        assert!(proof.is_signed_by(&keys["keys"][0]));
        let digest: String = Sha256::digest(report).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(proof.claims["aud"], format!("keyless-report:sha256:{digest}"));
        assert_eq!(proof.claims["sub"], "repo:acme/app:environment:production");
        assert_eq!(proof.claims["repository_owner"], "acme");
        serde_json::from_str(report).unwrap()
    }

    async fn run(&self) -> Value {
        self.post("/_simulator/workloads/run", json!({})).await.ok()["workloads"][0].clone()
    }

    /// Configures the federation that the workload's environment names already.
    async fn configure(&self) {
        let issuer = json!({"name": "github", "issuer_url": "https://token.actions.githubusercontent.com"});
        let issuer = self.post("federation_issuers", issuer).await.id();
        let account = self.post("service_accounts", json!({"name": "release"})).await.id();
        let member = json!({"workspace_id": "wrkspc_01Production", "workspace_role": "workspace_developer"});
        self.post(&format!("service_accounts/{account}/workspaces"), member).await.ok();
        let rule = json!({
            "name": "release",
            "issuer_id": issuer,
            "match": {"subject_prefix": "repo:acme/app:environment:production"},
            "target": {"type": "service_account", "service_account_id": account},
            "oauth_scope": "workspace:inference",
            "workspace_id": "wrkspc_01Production",
        });
        let rule = self.post("federation_rules", rule).await.id();
        assert!(self.text(FEDERATION).contains(&rule), "the seed names the id that the rule gets");
        assert!(self.text(FEDERATION).contains(&account));
    }

    /// Keys and accounts with usage, per hour bucket of the simulated time from 09:00 on.
    async fn used(&self) -> Vec<String> {
        let path = "usage_report/messages?starting_at=2026-11-20T09:00:00Z&bucket_width=1h&limit=168&group_by[]=api_key_id&group_by[]=service_account_id";
        let report = self.get(path).await.ok();
        let show = |row: &Value| {
            let tokens =
                row["uncached_input_tokens"].as_u64().unwrap() + row["output_tokens"].as_u64().unwrap();
            let caller = row["api_key_id"].as_str().map_or("account", |_| "key");
            format!("{caller} {tokens}")
        };
        let buckets = report["data"].as_array().unwrap().iter();
        buckets
            .map(|bucket| {
                bucket["results"].as_array().unwrap().iter().map(show).collect::<Vec<_>>().join(", ")
            })
            .collect()
    }
}

#[tokio::test]
async fn a_workload_uses_its_key_until_the_key_is_out_of_its_files() {
    let api = Api::seeded(SAMPLE, "").await;
    api.configure().await;
    let before = api.report().await;
    assert_eq!((&before["winner"], &before["winner_source"]), (&json!("api_key"), &json!("ci/key.env:2")));
    assert_eq!(before["shadows"][0]["place"], "ci/key.env:2");
    assert_eq!(before["key"], "api_key.ci_legacy");

    let parked = api.text("ci/key.env").replace("ANTHROPIC_API_KEY=", "KEYLESS_PARKED_ANTHROPIC_API_KEY=");
    api.write("ci/key.env", &parked);
    let workload = api.run().await;
    assert_eq!((&workload["failed_calls"], &workload["problem"]), (&json!(0), &json!(null)));
    let after = api.report().await;
    assert_eq!(
        (&after["winner"], &after["winner_source"]),
        (&json!("federation"), &json!("ci/federation.env:1"))
    );
    assert_eq!(after["shadows"], json!([]));
    assert!(after["rule_id"].as_str().unwrap().starts_with("fdrl_01"));

    let key = crate::simulator::ids::secret(7, "sk-ant-api03-", "apikey_01CiLegacy");
    assert!(parked.contains(&key));
    assert!(!api.text("ci/credential-report.json").contains(&key));
}

#[tokio::test]
async fn passed_hours_are_accounted_for_with_the_files_as_they_are() {
    let api = Api::seeded(SAMPLE, "").await;
    api.configure().await;
    api.advance(2 * 3600).await;
    api.write("ci/key.env", "");
    api.advance(1800).await;
    api.advance(2 * 3600).await;
    let used = api.used().await;
    assert_eq!(used, ["key 13000", "key 12000", "account 12000", "account 12000", ""]);
    let workloads = api.get("/_simulator/organization").await.ok()["workloads"].clone();
    assert_eq!((&workloads[0]["calls"], &workloads[0]["failed_calls"]), (&json!(49), &json!(0)));
}

#[tokio::test]
async fn the_token_in_the_file_is_fresh_and_unused() {
    let api = Api::seeded(SAMPLE, "").await;
    api.configure().await;
    api.write("ci/key.env", "");
    let first = api.text("ci/identity-token");
    api.run().await;
    let second = api.text("ci/identity-token");
    assert_ne!(first, second);
    let rule = api.get("federation_rules").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    let organization = json!({"organization_id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001"});
    api.exchange(&rule, &second, organization.clone()).await.ok();
    assert_eq!(api.exchange(&rule, &second, organization).await.status, 401);
}

#[tokio::test]
async fn what_does_not_work_is_counted_and_never_called_federation() {
    let api = Api::seeded(SAMPLE, "").await;
    let check = async |files: (&str, &str), winner: &str, shadows: usize| {
        api.write("ci/key.env", files.0);
        let federation = api.text(FEDERATION);
        if !files.1.is_empty() {
            api.write(FEDERATION, files.1);
        }
        let failed = |workload: &Value| workload["failed_calls"].as_u64().unwrap();
        let before = api.get("/_simulator/organization").await.ok()["workloads"][0].clone();
        assert_eq!(failed(&api.run().await), failed(&before) + 1, "{files:?}");
        let report = api.report().await;
        assert_eq!(
            (&report["winner"], report["shadows"].as_array().unwrap().len()),
            (&json!(winner), shadows),
            "{files:?}"
        );
        api.write(FEDERATION, &federation);
    };
    check(("", ""), "nothing", 0).await;
    check(("", "ANTHROPIC_ORGANIZATION_ID=x"), "nothing", 0).await;
    check(("ANTHROPIC_API_KEY=", ""), "nothing", 1).await;
    check(("ANTHROPIC_API_KEY=wrong", ""), "api_key", 1).await;
    check(("ANTHROPIC_AUTH_TOKEN=wrong\nANTHROPIC_API_KEY=", ""), "auth_token", 2).await;
    let elsewhere = api.text(FEDERATION).replace("ci/identity-token", "ci/other");
    api.configure().await;
    check(("", &elsewhere), "nothing", 0).await;
    api.post("api_keys/apikey_01CiLegacy", json!({"status": "inactive"})).await.ok();
    let key = crate::simulator::ids::secret(7, "sk-ant-api03-", "apikey_01CiLegacy");
    check((&format!("ANTHROPIC_API_KEY={key}"), ""), "api_key", 1).await;
}

#[tokio::test]
async fn a_paused_workload_rests() {
    let api = Api::seeded(SAMPLE, "").await;
    let before = api.text("ci/credential-report.json");
    let paused = api.post("/_simulator/workloads/ci", json!({"paused": true})).await.ok();
    assert_eq!(paused["paused"], true);
    api.advance(7200).await;
    api.run().await;
    assert_eq!(api.text("ci/credential-report.json"), before);
    api.post("/_simulator/workloads/ci", json!({"paused": false})).await.ok();
    api.run().await;
    assert_ne!(api.text("ci/credential-report.json"), before);
    assert_eq!(api.post("/_simulator/workloads/nobody", json!({"paused": true})).await.status, 404);
}

#[tokio::test]
async fn a_workload_runs_at_every_start() {
    let api = Api::seeded(SAMPLE, "").await;
    let first = api.text("ci/identity-token");
    let api = api.restart().await;
    let second = api.text("ci/identity-token");
    assert_ne!(first, second);
    let claims = second.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(claims["repository"], "acme/app");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_and_the_rest_goes_on() {
    let api = Api::seeded(SAMPLE, "").await;
    api.write("ci/key.env", &"#".repeat(1024 * 1024 + 1));
    let problem = api.run().await["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("ci/key.env"), "{problem}");
    api.write("ci/key.env", "");
    assert_eq!(api.run().await["problem"], json!(null));
}
