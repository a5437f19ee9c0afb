//! Secrets of GitHub.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Trial;
use super::server::{Answer, Asked, Server};
use crate::config::{ConsumerDriver, GithubOwner, GithubSecret};

fn secret(owner: GithubOwner, app: &str) -> ConsumerDriver {
    ConsumerDriver::GithubSecret(GithubSecret { owner, app: app.to_owned(), name: "CLAUDE_KEY".to_owned() })
}

fn repository() -> GithubOwner {
    GithubOwner::Repository("acme/app".to_owned())
}

/// GitHub with these secrets under one path.
fn github(path: &'static str, names: &[&str]) -> (Server, Arc<Mutex<Vec<String>>>) {
    let names: Arc<Mutex<Vec<String>>> = Arc::new(Mutex::new(names.iter().map(|&n| n.to_owned()).collect()));
    let shared = Arc::clone(&names);
    let server = Server::start(move |asked| answer(asked, path, &mut shared.lock().unwrap()));
    (server, names)
}

fn answer(asked: &Asked, path: &str, names: &mut Vec<String>) -> Answer {
    if asked.header("authorization") != "Bearer ghp_token" {
        return Answer::json(401, json!({ "message": "Bad credentials" }))
            .header("x-github-request-id", "C0:FFEE");
    }
    let Some(rest) = asked.path.strip_prefix(path) else {
        return Answer::json(404, json!({ "message": "Not Found" }));
    };
    match (asked.method.as_str(), rest) {
        ("GET", "") => {
            let page: usize = asked.query["page"].parse().unwrap();
            let size: usize = asked.query["per_page"].parse().unwrap();
            let shown: Vec<_> = names.iter().skip((page - 1) * size).take(size).collect();
            let secrets: Vec<_> = shown.iter().map(|name| json!({ "name": name })).collect();
            Answer::json(200, json!({ "total_count": names.len(), "secrets": secrets }))
        }
        ("DELETE", name) => {
            let before = names.len();
            names.retain(|known| *known != name[1..]);
            Answer::text(if names.len() < before { 204 } else { 404 }, "")
        }
        _ => Answer::text(405, ""),
    }
}

fn trial(driver: ConsumerDriver, server: &Server) -> Trial {
    Trial::new(driver, &[("GITHUB_API_URL", &server.url), ("GH_TOKEN", "ghp_token\n")])
}

#[tokio::test]
async fn a_secret_is_deleted_and_cannot_come_back() {
    for (owner, app, path) in [
        (repository(), "actions", "/repos/acme/app/actions/secrets"),
        (repository(), "dependabot", "/repos/acme/app/dependabot/secrets"),
        (GithubOwner::Organization("acme".to_owned()), "actions", "/orgs/acme/actions/secrets"),
        (
            GithubOwner::Environment {
                repository: "acme/app".to_owned(),
                environment: "prod/eu west".to_owned(),
            },
            "actions",
            "/repos/acme/app/environments/prod%2Feu%20west/secrets",
        ),
    ] {
        let (server, names) = github(path, &["OTHER", "CLAUDE_KEY", "CLAUDE_KEY_2"]);
        let trial = trial(secret(owner, app), &server);
        assert!(trial.check().await.unwrap());
        trial.take_out().await.unwrap();
        assert!(!trial.check().await.unwrap());
        trial.take_out().await.unwrap();
        assert_eq!(*names.lock().unwrap(), ["OTHER", "CLAUDE_KEY_2"]);
        let error = trial.put_back(None).await.unwrap_err();
        assert!(error.to_string().contains("Set it anew"), "{error}");
    }
}

#[tokio::test]
async fn every_page_of_names_is_looked_through() {
    let many: Vec<String> = (0..150).map(|number| format!("S_{number}")).collect();
    let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
    let path = "/repos/acme/app/actions/secrets";
    let (server, _) = github(path, &names);
    assert!(!trial(secret(repository(), "actions"), &server).check().await.unwrap());
    assert_eq!(server.log().len(), 2);
    // GitHub shows names in capitals, however they were written.
    names.push("claude_key");
    let (server, _) = github(path, &names);
    assert!(trial(secret(repository(), "actions"), &server).check().await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_seen_is_not_taken_for_absent() {
    let (server, _) = github("/repos/acme/other/actions/secrets", &[]);
    let error = trial(secret(repository(), "actions"), &server).check().await.unwrap_err();
    assert_eq!(error.status, Some(404));
    let wrong = [("GITHUB_API_URL", &*server.url), ("GITHUB_TOKEN", "ghp_expired")];
    let error = Trial::new(secret(repository(), "actions"), &wrong).check().await.unwrap_err();
    let told = error.to_string();
    for words in ["401 Bad credentials", "C0:FFEE", "/repos/acme/app/actions/secrets", "get a new one"] {
        assert!(told.contains(words), "{told}");
    }
    let error = Trial::new(secret(repository(), "actions"), &[]).check().await.unwrap_err();
    assert!(error.to_string().contains("GITHUB_TOKEN or GH_TOKEN"), "{error}");
}
