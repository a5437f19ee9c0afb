//! Secrets of Google Cloud.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Trial;
use super::server::{Answer, Asked, Server};
use crate::config::{ConsumerDriver, GcpSecret};

type States = Arc<Mutex<Vec<&'static str>>>;

const BASE: &str = "/v1/projects/acme/secrets/claude/versions";

fn secret(version: Option<&str>) -> ConsumerDriver {
    ConsumerDriver::GcpSecret(GcpSecret {
        project: "acme".to_owned(),
        secret: "claude".to_owned(),
        version: version.map(str::to_owned),
    })
}

/// Secret Manager with one secret, whose versions, from 1, have these states.
fn secret_manager(states: &[&'static str]) -> (Server, States) {
    secret_manager_with(states, "none")
}

/// The same, where the version of this number can be neither enabled nor disabled.
fn secret_manager_with(states: &[&'static str], broken: &'static str) -> (Server, States) {
    let states: States = Arc::new(Mutex::new(states.to_vec()));
    let shared = Arc::clone(&states);
    let server = Server::start(move |asked| answer(asked, &mut shared.lock().unwrap(), broken));
    (server, states)
}

fn answer(asked: &Asked, states: &mut [&'static str], broken: &str) -> Answer {
    let refuse = |status: u16, word: &str| {
        Answer::json(status, json!({ "error": { "code": status, "message": "no", "status": word } }))
    };
    if asked.header("authorization") != "Bearer ya29.token" {
        return refuse(401, "UNAUTHENTICATED");
    }
    let Some(rest) = asked.path.strip_prefix(BASE).filter(|_| !states.is_empty()) else {
        return refuse(404, "NOT_FOUND");
    };
    if asked.method == "GET" && rest.is_empty() {
        // Two a page, newest first, whatever was asked for: a page may always be smaller.
        let from: usize = asked.query.get("pageToken").map_or(0, |token| token.parse().unwrap());
        let numbers: Vec<usize> = (1..=states.len()).rev().skip(from).take(2).collect();
        let show = |number: &usize| json!({ "name": format!("projects/77/secrets/claude/versions/{number}"), "state": states[number - 1] });
        let versions: Vec<_> = numbers.iter().map(show).collect();
        let next = if from + 2 < states.len() { (from + 2).to_string() } else { String::new() };
        return Answer::json(200, json!({ "versions": versions, "nextPageToken": next }));
    }
    let (number, verb) = rest[1..].split_once(':').unwrap_or_else(|| panic!("{}", asked.line()));
    assert_ne!(verb, "access", "the value is asked for");
    let broken = number == broken;
    let state = &mut states[number.parse::<usize>().unwrap() - 1];
    if *state == "DESTROYED" || broken {
        return refuse(400, "FAILED_PRECONDITION");
    }
    *state = if verb == "disable" { "DISABLED" } else { "ENABLED" };
    Answer::json(200, json!({ "state": state }))
}

fn trial(driver: ConsumerDriver, server: &Server) -> Trial {
    let endpoint = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", &*server.url);
    Trial::new(driver, &[endpoint, ("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.token")])
}

const STATES: [&str; 5] = ["DESTROYED", "ENABLED", "DISABLED", "ENABLED", "ENABLED"];

#[tokio::test]
async fn every_enabled_version_is_disabled_and_only_those_come_back() {
    let (server, states) = secret_manager(&STATES);
    let receipt = trial(secret(None), &server).there_and_back().await;
    assert_eq!(receipt.unwrap(), json!({ "disabled_versions": ["2", "4", "5"] }));
    assert_eq!(*states.lock().unwrap(), STATES);
}

#[tokio::test]
async fn one_version_alone_can_be_the_key() {
    let (server, states) = secret_manager(&STATES);
    let trial = trial(secret(Some("4")), &server);
    trial.there_and_back().await;
    trial.take_out().await.unwrap();
    assert_eq!(*states.lock().unwrap(), ["DESTROYED", "ENABLED", "DISABLED", "DISABLED", "ENABLED"]);
}

#[tokio::test]
async fn half_a_removal_is_taken_back() {
    let before = ["DESTROYED", "ENABLED", "DISABLED", "ENABLED"];
    let (server, states) = secret_manager_with(&before, "4");
    let error = trial(secret(None), &server).take_out().await.unwrap_err();
    assert_eq!(error.code, "FAILED_PRECONDITION");
    assert_eq!(*states.lock().unwrap(), before);
    assert!(server.log().contains(&format!("POST {BASE}/2:disable")));
}

#[tokio::test]
async fn without_a_receipt_the_newest_version_comes_back() {
    let (server, states) = secret_manager(&STATES);
    let trial = trial(secret(None), &server);
    trial.take_out().await.unwrap();
    // A run that was killed right after it knows of nothing that it disabled.
    let second = trial.take_out().await.unwrap();
    trial.put_back(second.as_ref()).await.unwrap();
    assert_eq!(*states.lock().unwrap(), ["DESTROYED", "DISABLED", "DISABLED", "DISABLED", "ENABLED"]);
}

#[tokio::test]
async fn what_is_not_understood_is_not_absent() {
    let check = async |states: &[&'static str], version: Option<&str>, expected: &str| {
        let (server, _) = secret_manager(states);
        let error = trial(secret(version), &server).check().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(&["ENABLED", "PAUSED"], None, "the state \"PAUSED\" of a version is not known").await;
    check(&["ENABLED"], Some("7"), "there is no version 7").await;
    for body in [
        json!({ "versions": {} }),
        json!({ "versions": [{}] }),
        json!({ "versions": [{ "state": "ENABLED" }] }),
    ] {
        let server = Server::start(move |_| Answer::json(200, body.clone()));
        assert!(trial(secret(None), &server).check().await.is_err());
    }
}

#[tokio::test]
async fn a_list_in_circles_is_not_followed() {
    let server = Server::start(|_| Answer::json(200, json!({ "versions": [], "nextPageToken": "same" })));
    let error = trial(secret(None), &server).check().await.unwrap_err();
    assert!(error.to_string().contains("leads back to the page just read"), "{error}");
    let many: Vec<_> = (0..1_001)
        .map(|number| json!({ "name": format!("x/versions/{number}"), "state": "DISABLED" }))
        .collect();
    let server = Server::start(move |_| Answer::json(200, json!({ "versions": many })));
    let error = trial(secret(None), &server).check().await.unwrap_err();
    assert!(error.to_string().contains("larger than was asked for"), "{error}");
}

#[tokio::test]
async fn a_secret_that_is_gone_holds_no_key_and_cannot_come_back() {
    let (server, _) = secret_manager(&[]);
    let trial = trial(secret(None), &server);
    assert!(!trial.check().await.unwrap());
    trial.take_out().await.unwrap();
    assert!(trial.put_back(None).await.is_err());
}
