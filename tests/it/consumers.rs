//! Keys in remote stores: taken out, and put back where the store allows it.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::support::{Answer, Asked, Environment, Run, Server};

/// One lane whose key is in a store. Waits are not skipped, so that it stands still once the key is
/// out.
fn lane(block: &str) -> Environment {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    let text = environment.read("main.keyless.hcl");
    let (before, _) = text.split_once("  consumer \"dotenv\"").unwrap();
    let (_, after) = text.split_once("credential-report.json\"\n  }\n").unwrap();
    environment.write("main.keyless.hcl", &format!("{before}{block}{after}"));
    environment
}

#[track_caller]
fn run(environment: &Environment, line: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = environment.command(&line.split_whitespace().collect::<Vec<_>>());
    command.envs(variables.iter().copied());
    environment.ended(command)
}

/// Makes the rule, after which Ada writes the workload's settings and says so.
#[track_caller]
fn settings_are_written(environment: &Environment, consumer: &str, variables: &[(&str, &str)]) {
    run(environment, "apply -auto-approve -parallelism=1", variables).exits(0);
    let id = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    let said = format!(
        "evidence add -manual -key=api_key.ci -consumer={consumer} -rule={id} -by=Ada -statement=Written."
    );
    run(environment, &said, variables).exits(0);
}

/// GitHub with one secret of one repository.
fn github(asked: &Asked, there: &mut bool) -> Answer {
    assert_eq!(asked.header("authorization"), "Bearer ghp_x");
    let secrets = "/repos/acme/app/actions/secrets";
    match (asked.method.as_str(), asked.path.strip_prefix(secrets)) {
        ("GET", Some("")) => {
            let names: Vec<_> = there.then(|| json!({ "name": "ANTHROPIC_API_KEY" })).into_iter().collect();
            Answer::json(200, json!({ "total_count": names.len(), "secrets": names }))
        }
        ("DELETE", Some("/ANTHROPIC_API_KEY")) => {
            *there = false;
            Answer::text(204, "")
        }
        _ => Answer::json(404, json!({ "message": "Not Found" })),
    }
}

const GITHUB: &str = r#"  consumer "github_secret" "actions" {
    repository               = "acme/app"
    name                     = "ANTHROPIC_API_KEY"
    acknowledge_irreversible = true
  }
"#;

#[test]
fn what_cannot_be_undone_is_acknowledged_first_and_told_in_the_plan() {
    let environment = lane(&GITHUB.replace("    acknowledge_irreversible = true\n", ""));
    told!("github_secret_unacknowledged", environment.keyless("validate").exits(1));

    let there = Arc::new(Mutex::new(true));
    let shared = Arc::clone(&there);
    let server = Server::start(move |asked| github(asked, &mut shared.lock().unwrap()));
    let variables = [("GITHUB_API_URL", &*server.url), ("GITHUB_TOKEN", "ghp_x")];
    let environment = lane(GITHUB);
    settings_are_written(&environment, "github_secret.actions", &variables);
    assert!(*there.lock().unwrap());
    told!("github_secret_plan", run(&environment, "plan", &variables).exits(0));
    assert!(*there.lock().unwrap());
    run(&environment, "apply -auto-approve -parallelism=1", &variables).exits(0);
    assert!(!*there.lock().unwrap());
    run(&environment, "plan -detailed-exitcode", &variables).exits(0);
    let rolled_back = run(&environment, "rollback -auto-approve -parallelism=1", &variables);
    rolled_back.says("GitHub never shows a secret's value again");
}

#[test]
fn without_a_credential_the_key_stays_and_the_lane_says_why() {
    let environment = lane(GITHUB);
    settings_are_written(&environment, "github_secret.actions", &[]);
    let refused = run(&environment, "apply -auto-approve", &[]).exits(0);
    refused.says("remove: refused").says("Set GITHUB_TOKEN or GH_TOKEN");
}

const GCP: &str = r#"  consumer "gcp_secret" "worker" {
    project = "acme"
    secret  = "claude"
  }
"#;

/// Secret Manager with one secret of three versions.
fn gcp(asked: &Asked, states: &mut [&'static str; 3]) -> Answer {
    let rest = asked.path.strip_prefix("/v1/projects/acme/secrets/claude/versions").unwrap();
    if asked.method == "GET" {
        let versions: Vec<_> = (1..=3)
            .map(|number| json!({ "name": format!("x/versions/{number}"), "state": states[number - 1] }))
            .collect();
        return Answer::json(200, json!({ "versions": versions }));
    }
    let (number, verb) = rest[1..].split_once(':').unwrap();
    states[number.parse::<usize>().unwrap() - 1] = if verb == "disable" { "DISABLED" } else { "ENABLED" };
    Answer::json(200, json!({}))
}

#[test]
fn a_rollback_brings_back_what_was_switched_off_and_nothing_else() {
    let states = Arc::new(Mutex::new(["ENABLED", "DISABLED", "ENABLED"]));
    let shared = Arc::clone(&states);
    let server = Server::start(move |asked| gcp(asked, &mut shared.lock().unwrap()));
    let variables = [
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", &*server.url),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.x"),
    ];
    let environment = lane(GCP);
    settings_are_written(&environment, "gcp_secret.worker", &variables);
    assert_eq!(*states.lock().unwrap(), ["ENABLED", "DISABLED", "ENABLED"]);
    run(&environment, "plan", &variables).exits(0).says("enable the secret's versions again");
    run(&environment, "apply -auto-approve -parallelism=1", &variables).exits(0);
    assert_eq!(*states.lock().unwrap(), ["DISABLED"; 3]);
    run(&environment, "plan -detailed-exitcode", &variables).exits(0);
    run(&environment, "rollback -auto-approve -parallelism=1", &variables).exits(0);
    assert_eq!(*states.lock().unwrap(), ["ENABLED", "DISABLED", "ENABLED"]);
}

#[test]
fn settings_of_claude_code_come_back_byte_for_byte() {
    let environment =
        lane("  consumer \"claude_code_settings\" \"dev\" {\n    path = \"settings.json\"\n  }\n");
    let original = "{\n  \"env\": {\n    \"A\": \"1\",\n    \"ANTHROPIC_API_KEY\": \"sk-x\"\n  }\n}\n";
    environment.write("settings.json", original);
    settings_are_written(&environment, "claude_code_settings.dev", &[]);
    assert_eq!(environment.read("settings.json"), original);
    environment.apply();
    let parked: serde_json::Value = serde_json::from_str(&environment.read("settings.json")).unwrap();
    assert_eq!(parked["env"], json!({ "A": "1" }));
    environment.keyless("rollback -auto-approve -parallelism=1").exits(0);
    assert_eq!(environment.read("settings.json"), original);
}

#[test]
fn every_documented_block_is_accepted() {
    let documented = include_str!("../../docs/consumers.md");
    let blocks: Vec<&str> =
        documented.split("```hcl\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 10, "{} examples", blocks.len());
    lane(&blocks.concat()).keyless("validate").exits(0);
}
