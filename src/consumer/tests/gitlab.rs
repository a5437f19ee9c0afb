//! Variables of GitLab.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::server::{Answer, Asked, Server};
use super::{Trial, VALUE};
use crate::config::{ConsumerDriver, GitlabOwner, GitlabVariable};

type Variables = Arc<Mutex<Vec<(String, String)>>>;

fn variable(scope: &str, park: bool) -> ConsumerDriver {
    ConsumerDriver::GitlabVariable(GitlabVariable {
        owner: GitlabOwner::Project("acme/apps/app".to_owned()),
        key: "CLAUDE_KEY".to_owned(),
        environment_scope: scope.to_owned(),
        park,
    })
}

/// GitLab with variables as pairs of key and scope. `wants_value`: a change without value is refused.
fn gitlab(pairs: &[(&str, &str)], wants_value: bool) -> (Server, Variables) {
    let owned = |(key, scope): &(&str, &str)| ((*key).to_owned(), (*scope).to_owned());
    let variables: Variables = Arc::new(Mutex::new(pairs.iter().map(owned).collect()));
    let shared = Arc::clone(&variables);
    let server = Server::start(move |asked| {
        if asked.header("authorization") != "Bearer glpat-token" {
            return Answer::json(401, json!({ "message": "401 Unauthorized" }));
        }
        let variables = &mut shared.lock().unwrap();
        if asked.path == "/api/graphql" {
            graph(asked, variables)
        } else {
            rest(asked, variables, wants_value)
        }
    });
    (server, variables)
}

/// Answers with what the query names, one variable a page.
fn graph(asked: &Asked, variables: &[(String, String)]) -> Answer {
    let body = asked.json();
    let query = body["query"].as_str().unwrap();
    assert!(query.contains("project(fullPath: $path)") && !query.contains("value"), "{query}");
    if body["variables"]["path"] != "acme/apps/app" {
        return Answer::json(200, json!({ "data": { "project": null } }));
    }
    let at: usize = body["variables"]["after"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
    let nodes: Vec<_> = variables.iter().skip(at).take(1).collect();
    let nodes: Vec<_> =
        nodes.iter().map(|(key, scope)| json!({ "key": key, "environmentScope": scope })).collect();
    let more = at + 1 < variables.len();
    let page = json!({ "hasNextPage": more, "endCursor": (at + 1).to_string() });
    let found = json!({ "ciVariables": { "nodes": nodes, "pageInfo": page } });
    Answer::json(200, json!({ "data": { "project": found } }))
}

fn rest(asked: &Asked, variables: &mut Vec<(String, String)>, wants_value: bool) -> Answer {
    assert_eq!(asked.path, "/api/v4/projects/acme%2Fapps%2Fapp/variables/CLAUDE_KEY");
    let scope = &asked.query["filter[environment_scope]"];
    let is_ours = |(key, of): &(String, String)| key == "CLAUDE_KEY" && of == scope;
    let Some(at) = variables.iter().position(is_ours) else {
        return Answer::json(404, json!({ "message": "404 Variable Not Found" }));
    };
    match asked.method.as_str() {
        "PUT" => {
            let body = asked.json();
            assert!(body.get("value").is_none());
            if wants_value {
                return Answer::json(400, json!({ "error": "value is missing" }));
            }
            let wanted = body["environment_scope"].as_str().unwrap().to_owned();
            if variables.iter().any(|(key, of)| key == "CLAUDE_KEY" && *of == wanted) {
                let taken = json!({ "message": { "key": ["(CLAUDE_KEY) has already been taken"] } });
                return Answer::json(400, taken);
            }
            variables[at].1 = wanted;
            Answer::json(200, json!({ "key": "CLAUDE_KEY", "value": VALUE })).endless()
        }
        "DELETE" => {
            variables.remove(at);
            Answer::text(204, "")
        }
        _ => panic!("{} would answer with the value", asked.line()),
    }
}

fn trial(driver: ConsumerDriver, server: &Server) -> Trial {
    Trial::new(driver, &[("GITLAB_URL", &server.url), ("GITLAB_TOKEN", "glpat-token")])
}

#[tokio::test]
async fn a_variable_is_parked_in_a_scope_of_no_environment() {
    for (scope, parked) in [
        ("*", "keyless-parked/{any}"),
        ("production", "keyless-parked/production"),
        ("review/*", "keyless-parked/review/{any}"),
    ] {
        let others = [("OTHER", "*"), ("CLAUDE_KEY", "staging"), ("CLAUDE_KEY", scope)];
        let (server, variables) = gitlab(&others, false);
        let trial = trial(variable(scope, true), &server);
        trial.there_and_back().await;
        assert_eq!(variables.lock().unwrap()[2].1, scope);
        trial.take_out().await.unwrap();
        assert_eq!(variables.lock().unwrap()[2].1, parked);
        assert_eq!(variables.lock().unwrap()[1].1, "staging");
    }
}

#[tokio::test]
async fn a_variable_can_be_deleted_instead() {
    let (server, variables) = gitlab(&[("CLAUDE_KEY", "*"), ("CLAUDE_KEY", "staging")], false);
    let trial = trial(variable("*", false), &server);
    assert!(trial.check().await.unwrap());
    trial.take_out().await.unwrap();
    trial.take_out().await.unwrap();
    assert!(!trial.check().await.unwrap());
    assert_eq!(variables.lock().unwrap().len(), 1);
    assert!(trial.put_back(None).await.is_err());
}

#[tokio::test]
async fn refusals_say_what_else_is_possible() {
    let (server, variables) = gitlab(&[("CLAUDE_KEY", "*")], true);
    let error = trial(variable("*", true), &server).take_out().await.unwrap_err();
    assert!(
        error.to_string().contains("value is missing") && error.to_string().contains("park = false"),
        "{error}"
    );
    assert_eq!(variables.lock().unwrap().len(), 1);
    let (server, _) = gitlab(&[], false);
    let error = trial(variable("*", true), &server).put_back(None).await.unwrap_err();
    assert!(error.to_string().contains("keyless-parked/{any}"), "{error}");
    let mut elsewhere = variable("*", true);
    let ConsumerDriver::GitlabVariable(variable) = &mut elsewhere else { unreachable!() };
    variable.owner = GitlabOwner::Project("acme/hidden".to_owned());
    let error = trial(elsewhere, &server).check().await.unwrap_err();
    assert!(error.to_string().contains("acme/hidden is not there"), "{error}");
}

#[tokio::test]
async fn a_list_in_circles_is_not_followed() {
    let page = json!({ "nodes": [], "pageInfo": { "hasNextPage": true, "endCursor": "same" } });
    let server = Server::start(move |_| {
        Answer::json(200, json!({ "data": { "project": { "ciVariables": page.clone() } } }))
    });
    let error = trial(variable("*", true), &server).check().await.unwrap_err();
    assert!(error.to_string().contains("leads back to the page just read"), "{error}");
}
