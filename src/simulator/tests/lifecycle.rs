//! Starting, stopping, saving, attaching, and seeds.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::simulator::{Attached, SimulatorError, attach, seed};

#[tokio::test]
async fn what_was_done_survives_a_restart() {
    let api = Api::start().await;
    let made = api.post("federation_rules", rule("kept")).await.ok();
    api.advance(60).await;
    let token = api.identity_token("cluster", "system:serviceaccount:ml:worker", json!({})).await;
    api.exchange("fdrl_01Worker", &token, json!({})).await.ok();
    let api = api.restart().await;
    assert_eq!(api.get(&format!("federation_rules/{}", made["id"].as_str().unwrap())).await.ok(), made);
    assert_eq!(api.get("/_simulator/clock").await.ok()["now"], "2026-11-20T09:01:00Z");
    assert_eq!(api.exchange("fdrl_01Worker", &token, json!({})).await.status, 401);
    assert_eq!(api.last_reason().await, "jti_reused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_sent_after_the_change_is_on_disk() {
    let api = std::sync::Arc::new(Api::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let api = std::sync::Arc::clone(&api);
        tasks.spawn(async move {
            let id = api.post("service_accounts", json!({"name": format!("a-{number}-z")})).await.id();
            let saved = std::fs::read_to_string(api.directory.path().join(".keyless/simulator/redo.jsonl"));
            assert!(saved.unwrap().contains(&format!("a-{number}-z")));
            id
        });
    }
    let ids: std::collections::BTreeSet<String> = tasks.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 20);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in ["world.json", "redo.jsonl", "server.json"] {
            let path = api.directory.path().join(".keyless/simulator").join(name);
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
}

#[tokio::test]
async fn the_same_calls_give_the_same_ids_in_any_order() {
    let mut found = Vec::new();
    for names in [["a", "b"], ["b", "a"]] {
        let api = Api::start().await;
        let mut ids = Vec::new();
        for name in names {
            ids.push((name, api.post("federation_rules", rule(name)).await.id()));
        }
        ids.sort();
        found.push(ids);
    }
    assert_eq!(found[0], found[1]);
}

#[tokio::test]
async fn one_process_serves_and_others_attach() {
    let api = Api::start().await;
    let options = options(api.directory.path(), "");
    let busy = start(options.clone()).await.unwrap_err();
    assert!(matches!(busy, SimulatorError::Busy { .. }), "{busy}");
    let attached = attach(options.clone()).await.unwrap();
    assert_eq!(
        (attached.url(), attached.operator_token().expose()),
        (api.simulator.url(), api.token.as_str())
    );
    assert!(matches!(attached, Attached::Other { .. }));
    attached.stop().await.unwrap();
    api.get("me").await.ok();
    let Api { simulator, directory, kept, .. } = api;
    drop(kept);
    simulator.stop().await.unwrap();
    assert!(!directory.path().join(".keyless/simulator/server.json").exists());
    let own = attach(options).await.unwrap();
    assert!(matches!(own, Attached::Own(_)));
    own.stop().await.unwrap();
}

/// Starts on what a kill left after two changes, bent.
async fn after_a_kill(bend: fn(String) -> String) -> Result<Api, String> {
    let api = Api::start().await;
    for name in ["first", "second"] {
        api.post("service_accounts", json!({"name": name})).await.ok();
    }
    let copy = tempfile::tempdir().unwrap();
    let path = |directory: &TempDir, name: &str| directory.path().join(".keyless/simulator").join(name);
    std::fs::create_dir_all(copy.path().join(".keyless/simulator")).unwrap();
    std::fs::copy(path(&api.directory, "world.json"), path(&copy, "world.json")).unwrap();
    let log = std::fs::read_to_string(path(&api.directory, "redo.jsonl")).unwrap();
    std::fs::write(path(&copy, "redo.jsonl"), bend(log)).unwrap();
    match start(options(copy.path(), "")).await {
        Ok(simulator) => {
            simulator.stop().await.unwrap();
            Ok(Api::at(copy, "").await)
        }
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn a_kill_loses_at_most_what_was_not_answered() {
    let check = async |bend: fn(String) -> String, expected: &[&str]| {
        let api = after_a_kill(bend).await.unwrap();
        let page = api.get("service_accounts").await.ok();
        let names: Vec<&str> =
            page["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        let mut new: Vec<&str> =
            names.into_iter().filter(|name| !["boss", "worker"].contains(name)).collect();
        new.sort_unstable();
        assert_eq!(new, expected);
    };
    check(|log| log, &["first", "second"]).await;
    check(|log| log[..log.len() - 3].to_owned(), &["first"]).await;
    check(|log| format!("{log}{{\"change\": 3, \"now\""), &["first", "second"]).await;
    check(|_| String::new(), &[]).await;
    let error = after_a_kill(|log| log.replacen("first", "first_", 1)).await.err().unwrap();
    assert!(
        error.contains("line 2 does not lead to what it led to") && error.contains("delete the folder"),
        "{error}"
    );
    let error = after_a_kill(|log| {
        log.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| format!("{line}\n")).collect()
    })
    .await
    .err()
    .unwrap();
    assert!(error.contains("line 2 does not follow"), "{error}");
    let error = after_a_kill(|log| log.replacen("\"change\"", "\"chance\"", 1)).await.err().unwrap();
    assert!(error.contains("line 2 is damaged"), "{error}");
}

#[tokio::test]
async fn a_damaged_or_newer_organization_is_refused_with_the_way_out() {
    for (text, expected) in [
        ("{\"format\":1,", "damaged"),
        ("{\"format\":2}", "format 2"),
        ("{\"format\":1}", "damaged"),
        ("[]", "format"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path(), "");
        std::fs::create_dir_all(&options.directory).unwrap();
        std::fs::write(options.directory.join("world.json"), text).unwrap();
        let error = start(options).await.unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("delete the folder"), "{error}");
    }
}

#[tokio::test]
async fn only_the_local_machine_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..options(directory.path(), "") };
    assert!(matches!(start(options).await.unwrap_err(), SimulatorError::NotLoopback { .. }));
}

#[tokio::test]
async fn there_is_an_organization_without_a_seed() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { organization: None, ..options(directory.path(), "") };
    let simulator = start(options).await.unwrap();
    assert!(simulator.url().starts_with("http://127.0.0.1:"));
    simulator.stop().await.unwrap();
}

#[test]
fn the_documented_sample_is_a_seed() {
    let text = include_str!("../sample.json");
    let built = seed::build("sample.json", text, |_| Err(String::new()), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(built.files.len(), 2);
    assert!(built.files[0].private && built.files[0].text.contains("ANTHROPIC_API_KEY=sk-ant-api03-"));
    assert!(!built.files[1].private && !built.files[1].text.contains("{{"));
}

#[test]
fn wrong_seeds_name_every_problem_and_its_place() {
    let check = |text: &str, expected: &[&str]| {
        let built = seed::build("s.json", text, |_| Err(String::from("no such file")), Timestamp::UNIX_EPOCH);
        let error = built.err().unwrap().to_string();
        assert!(error.contains("s.json"), "{error}");
        for words in expected {
            assert!(error.contains(words), "{error} lacks {words}");
        }
    };
    check("{", &["line 1"]);
    check(
        "{\"organization\": {\"id\": \"x\", \"name\": \"y\", \"colour\": 1}}",
        &["unknown field `colour`", "line 1"],
    );
    let organization = json!({"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003", "name": "x"});
    let workload = json!({"name": "w", "lane": "api_key.a", "consumer": "dotenv.b", "identity_provider": "none", "subject": "s",
        "identity_token_file": "/etc/token", "environment": ["../x"], "report": "r.json"});
    let seed = json!({
        "organization": {"id": "x", "name": "y"},
        "api_keys": [{"id": "key", "name": "k", "workspace": "none", "created_by": "nobody"}],
        "identity_providers": [{"name": "a b", "issuer_url": "https://a.example.com", "algorithm": "HS256"}],
        "issuers": [{"name": "i", "issuer_url": "https://a.example.com", "jwks": {"type": "other"}}],
        "rules": [{"name": "r", "issuer": "none", "service_account": "none", "match": {}, "oauth_scope": "x"}],
        "service_accounts": [{"name": "a", "memberships": [{"workspace": "Default", "role": "king"}]}, {"name": "a"}],
        "files": [{"path": "../x", "text": ""}, {"path": "a", "text": "{{key:none}}"}, {"path": "b", "template": "t"}, {"path": "c"}],
        "workloads": [workload],
    });
    check(
        &seed.to_string(),
        &[
            "organization.id",
            "api_keys[0].id",
            "api_keys[0].workspace: there is no workspace none",
            "api_keys[0].created_by",
            "identity_providers[0].name",
            "identity_providers[0].algorithm",
            "issuers[0]: jwks.type",
            "rules[0].issuer",
            "service_accounts[0].memberships[0]",
            "service_accounts[1]",
            "files[0].path",
            "files[1]: there is no API key none",
            "files[2]: template t: no such file",
            "files[3]: give either",
            "workloads[0].identity_provider",
            "workloads[0].identity_token_file",
            "workloads[0].environment[0]",
        ],
    );
    check(
        &json!({"organization": organization, "files": [{"path": "a", "text": "{{x"}]}).to_string(),
        &["no }}"],
    );
}
