//! `doctor`, and the published SDKs beside it.

use std::path::Path;
use std::process::Command;

use crate::support::{Environment, Run};

const FEDERATION: [(&str, &str); 3] = [
    ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_01"),
    ("ANTHROPIC_ORGANIZATION_ID", "00000000-0000-4000-8000-000000000001"),
    ("ANTHROPIC_IDENTITY_TOKEN_FILE", "token"),
];
const KEY: &str = "sk-ant-api03-AAAAAAAAAAAAAAAAAAAA";

/// A directory that is home and working directory in one, with an identity token.
fn workload() -> Environment {
    Environment::with(&[("token", "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl\n")])
}

fn doctor(environment: &Environment, variables: &[(&str, &str)], flags: &[&str]) -> Run {
    let mut command = environment.command(&[&["doctor"], flags].concat());
    command.envs(FEDERATION);
    command.envs(variables.iter().copied());
    environment.ended(command)
}

#[test]
fn federation_wins_in_a_clean_environment() {
    let run = doctor(&workload(), &[], &[]).exits(0);
    told!("doctor_federation_wins", run);
}

#[test]
fn a_key_shadows_federation_in_every_client() {
    let environment = workload();
    environment.write(".bashrc", &format!("alias l=ls\nexport ANTHROPIC_API_KEY={KEY}\n"));
    let run = doctor(&environment, &[("ANTHROPIC_API_KEY", KEY)], &[]).exits(1);
    told!("doctor_key_shadows", run);
}

#[test]
fn keys_in_claude_code_settings_are_found_with_nothing_in_the_environment() {
    let environment = workload();
    let settings = format!("{{\n  \"env\": {{\n    \"ANTHROPIC_API_KEY\": \"{KEY}\"\n  }}\n}}\n");
    environment.write(".claude/settings.json", &settings);
    let run = doctor(&environment, &[], &["-client=claude-code"]).exits(1);
    told!("doctor_claude_code_settings", run);
    doctor(&environment, &[], &["-client=python"]).exits(0);
}

#[test]
fn an_empty_variable_is_a_trap_for_some_clients() {
    let run = doctor(&workload(), &[("ANTHROPIC_API_KEY", "")], &[]).exits(1);
    told!("doctor_empty_key", run);
}

#[test]
fn the_json_form_is_stable() {
    let run =
        doctor(&workload(), &[("ANTHROPIC_API_KEY", KEY)], &["-json", "-client=python@1.17.0"]).exits(1);
    told!("doctor_json", run);
}

#[test]
fn described_sources_are_answered_line_by_line() {
    let environment = workload();
    environment.write(
        "sources.jsonl",
        "{\"variables\": {\"ANTHROPIC_AUTH_TOKEN\": \"sk-ant-oat01-AAAAAAAAAAAA\"}}\n{\"variables\": {}}\n",
    );
    let run = doctor(&environment, &[], &["-sources=sources.jsonl", "-json", "-client=go"]).exits(1);
    let winners: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["clients"][0]["winner"].to_string()
        })
        .collect();
    assert_eq!(winners, ["\"auth_token\"", "\"nothing\""]);
    environment.write("sources.jsonl", &format!("{{\"variable\": {{\"ANTHROPIC_API_KEY\": \"{KEY}\"}}}}\n"));
    let run = doctor(&environment, &[], &["-sources=sources.jsonl", "-json"]).exits(1);
    run.says("sources.jsonl:1: the sources are not as they should be");
}

#[test]
fn an_unknown_client_is_refused_with_the_names() {
    doctor(&workload(), &[], &["-client=ruby"]).exits(1).says("python, typescript, go, ant, claude-code");
}

/// A small part of `tests/differential/run`, which continuous integration runs with more.
#[test]
fn the_published_sdks_do_what_the_resolver_says() {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts/install");
    let parts = [("python", "conformance"), ("node", "conformance"), ("python", "sdk-1.17.0")];
    for (kind, name) in parts.into_iter().chain([("python", "sdk-0.121.0"), ("node", "sdk-0.137.0")]) {
        let look = Command::new(&install).args(["-look", kind, name]).output().unwrap();
        if !look.status.success() {
            println!(
                "skipped: {name} for {kind} is not here; tests/differential/run installs all and runs the whole test"
            );
            return;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/run");
    let output =
        Command::new(script).arg("100").env("KEYLESS", env!("CARGO_BIN_EXE_keyless")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(told.matches(" 0 differ").count(), 5, "{told}");
}
