//! Secrets of Azure Key Vaults.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::server::{Answer, Server};
use super::{Trial, VALUE};
use crate::config::{AzureSecret, ConsumerDriver};

/// Id, time of creation, and whether it is enabled.
type Versions = Arc<Mutex<Vec<(&'static str, i64, bool)>>>;

/// A vault with one secret; the list of its versions comes one a page, and the next page is said to
/// be at `next` unless that is empty.
fn vault(versions: &[(&'static str, i64, bool)], next: &'static str) -> (Server, Versions) {
    let versions: Versions = Arc::new(Mutex::new(versions.to_vec()));
    let shared = Arc::clone(&versions);
    let server = Server::start(move |asked| {
        let versions = &mut shared.lock().unwrap();
        assert_eq!(asked.query["api-version"], "7.4");
        if asked.header("authorization") != "Bearer eyJ.token" {
            return Answer::json(401, json!({ "error": { "code": "Unauthorized", "message": "AKV10000" } }));
        }
        if versions.is_empty() {
            let error = json!({ "error": { "code": "SecretNotFound", "message": "A secret was not found" } });
            return Answer::json(404, error);
        }
        let base = format!("http://{}", asked.header("host"));
        if asked.method == "GET" && asked.path == "/secrets/claude/versions" {
            let at: usize = asked.query.get("$skiptoken").map_or(0, |token| token.parse().unwrap());
            let (id, created, enabled) = versions[at];
            let id = format!("{base}/secrets/claude/{id}");
            let attributes = json!({ "enabled": enabled, "created": created });
            let host = if next.is_empty() { base } else { next.to_owned() };
            let link = format!("{host}{}?api-version=7.4&$skiptoken={}", asked.path, at + 1);
            let link = (at + 1 < versions.len()).then_some(link);
            let value = json!([{ "id": id, "attributes": attributes }]);
            return Answer::json(200, json!({ "value": value, "nextLink": link }));
        }
        assert_eq!(asked.method, "PATCH", "{} would answer with the value", asked.line());
        let id = asked.path.strip_prefix("/secrets/claude/").unwrap();
        let found = versions.iter_mut().find(|version| version.0 == id).unwrap();
        found.2 = asked.json()["attributes"]["enabled"].as_bool().unwrap();
        Answer::json(200, json!({ "value": VALUE })).endless()
    });
    (server, versions)
}

fn trial(server: &Server, version: Option<&str>) -> Trial {
    let driver = ConsumerDriver::AzureSecret(AzureSecret {
        vault_url: server.url.clone(),
        secret: "claude".to_owned(),
        version: version.map(str::to_owned),
    });
    Trial::new(driver, &[("AZURE_ACCESS_TOKEN", "eyJ.token")])
}

const VERSIONS: [(&str, i64, bool); 3] = [("old", 10, true), ("new", 30, true), ("mid", 20, false)];

#[tokio::test]
async fn the_current_version_is_disabled_and_enabled() {
    let (server, versions) = vault(&VERSIONS, "");
    let trial = trial(&server, None);
    assert_eq!(trial.there_and_back().await.unwrap(), json!({ "disabled_version": "new" }));
    assert_eq!(*versions.lock().unwrap(), VERSIONS);
    trial.take_out().await.unwrap();
    assert_eq!(*versions.lock().unwrap(), [VERSIONS[0], ("new", 30, false), VERSIONS[2]]);
    trial.put_back(None).await.unwrap();
    assert_eq!(*versions.lock().unwrap(), VERSIONS);
}

#[tokio::test]
async fn a_named_version_can_be_the_key() {
    let (server, versions) = vault(&VERSIONS, "");
    let trial = trial(&server, Some("old"));
    trial.there_and_back().await;
    trial.take_out().await.unwrap();
    assert_eq!(versions.lock().unwrap()[0], ("old", 10, false));
}

#[tokio::test]
async fn what_is_not_understood_is_not_absent() {
    for body in [
        json!({}),
        json!({ "value": 1 }),
        json!({ "value": [{ "id": "a/b", "attributes": { "created": 1 } }] }),
    ] {
        let server = Server::start(move |_| Answer::json(200, body.clone()));
        assert!(trial(&server, None).check().await.is_err());
    }
    let (server, _) = vault(&VERSIONS, "");
    let error = trial(&server, Some("odl")).check().await.unwrap_err();
    assert!(error.to_string().contains("there is no version odl"), "{error}");
    trial(&server, Some("OLD")).there_and_back().await;
}

#[tokio::test]
async fn a_secret_that_is_gone_holds_no_key() {
    let (server, _) = vault(&[], "");
    let trial = trial(&server, None);
    assert!(!trial.check().await.unwrap());
    trial.take_out().await.unwrap();
    assert!(trial.put_back(None).await.is_err());
}

#[tokio::test]
async fn the_token_follows_no_link_to_another_host() {
    let (server, _) = vault(&VERSIONS, "http://127.0.0.1:9");
    let error = trial(&server, None).check().await.unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    assert_eq!(server.log().len(), 1);
}
