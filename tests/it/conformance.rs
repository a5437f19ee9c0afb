//! The simulator checked against the vendor's SDKs and the description of the API.
//!
//! The parts that this needs come from package registries, so it runs only where it is asked for.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::support::Environment;
use super::support::contract::{Sender, judge};

const ASKED_FOR: &str = "KEYLESS_CONFORMANCE";

#[test]
fn what_the_program_sends_is_recorded_and_judged() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    let record = environment.traffic();
    let calls: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for list in ["federation_issuers", "federation_rules", "service_accounts", "api_keys", "workspaces"] {
        let path = format!("/v1/organizations/{list}");
        assert!(calls.iter().any(|call| call["path"] == path.as_str()), "{path} is not recorded");
    }
    let wrong = calls[0].to_string().replace("2026-10-21", "2020-01-01");
    assert!(judge(&wrong, Sender::Client).join("\n").contains("anthropic-version"));
}

#[test]
fn the_simulator_is_as_the_sdks_and_the_description_have_it() {
    if std::env::var_os(ASKED_FOR).is_none_or(|value| value.is_empty()) {
        println!("skipped: set {ASKED_FOR}=1 to install the SDKs and to run tests/conformance/run");
        return;
    }
    let work = tempfile::TempDir::new().unwrap();
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/run");
    let status = Command::new(run)
        .arg(env!("CARGO_BIN_EXE_keyless"))
        .env("KEYLESS_CONFORMANCE_WORK", work.path())
        .status()
        .unwrap();
    assert!(status.success(), "tests/conformance/run failed; what failed is told above");

    // What the SDKs and the attack were answered is judged as in every other test.
    for part in ["python", "typescript", "attack"] {
        let record = std::fs::read_to_string(work.path().join(part).join("traffic.jsonl")).unwrap();
        let problems: Vec<_> = record.lines().flat_map(|line| judge(line, Sender::Tests)).collect();
        assert!(problems.is_empty(), "{part}: {}", problems.join("\n"));
        println!("{part}: {} calls are as the API is described", record.lines().count());
    }
}
