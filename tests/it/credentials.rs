//! Where the program takes its own credential from, seen from outside.

use std::process::Command;

use serde_json::{Value, json};

use super::support::{Environment, Run, ScriptedApi, Simulator, answer};

/// An organization whose operator made a rule for the engine by hand, with an issuer of its own.
struct Bootstrapped {
    environment: Environment,
    simulator: Simulator,
}

impl Bootstrapped {
    fn start() -> Bootstrapped {
        let environment = Environment::one_lane();
        let mut acme: Value = serde_json::from_str(&environment.read("acme.json")).unwrap();
        acme["identity_providers"].as_array_mut().unwrap().push(json!({
            "name": "runner", "issuer_url": "https://oidc.acme.example",
        }));
        acme["issuers"] = json!([{"name": "bootstrap", "issuer_url": "https://oidc.acme.example"}]);
        acme["service_accounts"] = json!([{"name": "keyless", "organization_role": "admin"}]);
        acme["rules"] = json!([{
            "id": "fdrl_01Bootstrap", "name": "keyless", "issuer": "bootstrap", "service_account": "keyless",
            "match": {"subject_prefix": "repo:acme/infra:ref:refs/heads/main"},
            "oauth_scope": "org:admin", "workspaces": ["Default"],
        }]);
        environment.write("acme.json", &acme.to_string());
        let simulator = Simulator::start(&environment);
        // From here on the program speaks to that process as to the real API.
        let platform =
            "platform \"simulator\" {\n    organization = \"acme.json\"\n    skip_waits   = true\n  }";
        environment.edit("main.keyless.hcl", platform, "platform \"claude\" {}");
        // Its issuer is simulated over there, and this program would ask the real one for its keys.
        let report = "    report              = \"ci/credential-report.json\"\n";
        environment.edit("main.keyless.hcl", report, "");
        Bootstrapped { environment, simulator }
    }

    fn rotate(&self, subject: &str) {
        let claims = json!({"subject": subject, "audience": "https://api.anthropic.com"});
        self.environment.write("engine-token", &self.simulator.identity_token("runner", &claims));
    }

    /// The program with the federation variables of the rule that was made by hand.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.command(arguments);
        command
            .env("ANTHROPIC_BASE_URL", self.simulator.url())
            .env("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_01Bootstrap")
            .env("ANTHROPIC_ORGANIZATION_ID", "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001")
            .env("ANTHROPIC_WORKSPACE_ID", "default")
            .env("ANTHROPIC_IDENTITY_TOKEN_FILE", self.environment.path("engine-token"));
        command
    }

    fn plan(&self, bend: impl FnOnce(&mut Command)) -> Run {
        let mut command = self.command(&["plan", "-parallelism=1"]);
        bend(&mut command);
        self.environment.ended(command)
    }
}

const MAIN: &str = "repo:acme/infra:ref:refs/heads/main";

#[test]
fn a_workload_plans_with_an_identity_token_alone() {
    let world = Bootstrapped::start();
    world.rotate(MAIN);
    world.plan(|_| {}).exits(0).says("Plan: 3 to add");
    // Each process exchanges anew, and the issuer remembers the token.
    told!("identity_token_used", world.plan(|_| {}).exits(1));
    world.rotate("repo:acme/infra:ref:refs/heads/other");
    world.plan(|_| {}).exits(1).says("Authentication failed").says("history");
    world.rotate(MAIN);
    world.plan(|_| {}).exits(0);
}

#[test]
fn a_workload_is_told_what_a_person_has_to_do() {
    let world = Bootstrapped::start();
    world.rotate(MAIN);
    let account = "service_account \"ci\" {";
    world.environment.edit(
        "main.keyless.hcl",
        account,
        &format!("{account}\n  organization_role = \"admin\""),
    );
    told!("workload_gives_admin", world.plan(|_| {}).exits(0));
}

#[test]
fn keys_beside_the_credential_are_named() {
    let world = Bootstrapped::start();
    world.rotate(MAIN);
    let run = world.plan(|command| {
        command.env("ANTHROPIC_API_KEY", "sk-ant-api03-fake-fake-fake-fake");
        command.env("ANTHROPIC_ADMIN_API_KEY", "sk-ant-oat01-fake-fake-fake-fake");
    });
    run.exits(0)
        .says("warning: ANTHROPIC_API_KEY is set. keyless does not use it")
        .says("warning: ANTHROPIC_ADMIN_API_KEY is not used: it holds an OAuth token");
}

#[test]
fn a_key_that_a_lane_retires_reads_no_report() {
    let world = Bootstrapped::start();
    world.rotate(MAIN);
    let organization = world.simulator.get("/_simulator/organization");
    let keys = organization["api_keys"].as_array().unwrap();
    let retired = keys.iter().find(|key| key["id"] == "apikey_01Ci").unwrap();
    let hint = retired["partial_key_hint"].as_str().unwrap();
    let key = hint.replace("...", "-fake-");
    assert_ne!(key, hint);
    world
        .plan(|command| {
            command.env("ANTHROPIC_ANALYTICS_API_KEY", &key);
        })
        .exits(1)
        .says("ANTHROPIC_ANALYTICS_API_KEY holds a key that looks like")
        .says("which a lane retires");
    let calls = world.environment.traffic();
    assert!(!calls.contains("analytics/usage") && !calls.contains("usage_report"), "{calls}");
}

#[test]
fn a_profile_of_a_login_is_found_at_home() {
    let world = Bootstrapped::start();
    let token = world.simulator.get("/_simulator/tokens")["person"].as_str().unwrap().to_owned();
    world.environment.write(
        ".config/anthropic/configs/default.json",
        r#"{"version": "1.0", "authentication": {"type": "user_oauth"}}"#,
    );
    let tokens = ".config/anthropic/credentials/default.json";
    world.environment.write(tokens, &json!({"access_token": token}).to_string());
    let unset = |command: &mut Command| {
        command.env_remove("ANTHROPIC_FEDERATION_RULE_ID");
    };
    world.plan(unset).exits(1).says("can be opened by others; run `chmod 600` on it");
    let path = world.environment.path(tokens);
    assert!(Command::new("chmod").arg("600").arg(&path).status().unwrap().success());
    world.plan(unset).exits(0).says("Plan: 3 to add");
}

#[test]
fn a_refused_token_is_named_by_its_source() {
    let api = ScriptedApi::start(answer(
        "401 Unauthorized",
        "x-should-retry: false\r\n",
        r#"{"error": {"type": "authentication_error", "message": "Invalid bearer token"}}"#,
    ));
    let world = Bootstrapped::start();
    world.rotate(MAIN);
    let run = world.plan(|command| {
        command
            .env("ANTHROPIC_BASE_URL", &api.url)
            .env("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-fake-fake-fake-fake-fake");
    });
    run.exits(1)
        .says("The token came from ANTHROPIC_AUTH_TOKEN")
        .says("warning: ANTHROPIC_AUTH_TOKEN is used, and ANTHROPIC_FEDERATION_RULE_ID beside it is not");
}
