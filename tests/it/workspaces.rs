//! In which workspace a workload works, before and after.

use serde_json::Value;

use super::support::{Environment, Simulator};

const MAIN: &str = "main.keyless.hcl";

/// The lane of a key of Engineering.
fn environment() -> Environment {
    let environment = Environment::with(&[
        (MAIN, include_str!("fixtures/day-two/main.keyless.hcl")),
        ("seed.json", include_str!("fixtures/day-two/seed.json")),
    ]);
    let data = "data \"workspace\" \"prod\" {\n  name = \"Production\"\n}\n\nprovider \"oidc\" \"dev\" {";
    environment.edit(MAIN, "provider \"oidc\" \"dev\" {", data);
    let member =
        "  membership {\n    workspace = data.workspace.prod\n    role      = \"workspace_developer\"\n  }\n";
    environment.edit(MAIN, "  membership {\n", &format!("{member}  membership {{\n"));
    environment
}

fn id(simulator: &Simulator, name: &str) -> String {
    let told = simulator.get("/_simulator/organization");
    let found = told["workspaces"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// The workload works by its own call, without its key, and where it should.
#[track_caller]
fn check_works_in(environment: &Environment, name: &str) {
    let simulator = Simulator::start(environment);
    for workload in simulator.run_workloads() {
        assert_eq!(workload["failed_calls"], Value::from(0), "{workload:#}");
    }
    let settings = environment.read("m/.env");
    assert!(settings.contains(&format!("ANTHROPIC_WORKSPACE_ID={}\n", id(&simulator, name))), "{settings}");
    assert!(!settings.lines().any(|line| line.starts_with("ANTHROPIC_API_KEY=")), "{settings}");
}

#[test]
fn a_workload_moves_with_its_key_and_elsewhere_only_where_its_block_says_so() {
    const ONE: &str = "[data.workspace.eng]";
    let both = environment();
    both.edit(MAIN, ONE, "[data.workspace.prod, data.workspace.eng]");
    both.keyless("apply -auto-approve").exits(0);
    check_works_in(&both, "Engineering");
    both.edit(
        MAIN,
        "consumer \"dotenv\" \"app\" {",
        "consumer \"dotenv\" \"app\" {\n    workspace = data.workspace.prod",
    );
    told!("workspace_of_a_moved_workload", both.keyless("apply -auto-approve").exits(1));
    check_works_in(&both, "Engineering");

    let elsewhere = environment();
    elsewhere.edit(MAIN, ONE, "[data.workspace.prod]");
    told!("workspace_of_the_key", elsewhere.keyless("plan").exits(1));
    elsewhere.keyless("apply -auto-approve").exits(1);
    assert!(elsewhere.read("m/.env").lines().any(|line| line.starts_with("ANTHROPIC_API_KEY=")));
    elsewhere.edit(
        MAIN,
        "consumer \"dotenv\" \"app\" {",
        "consumer \"dotenv\" \"app\" {\n    workspace = data.workspace.prod",
    );
    elsewhere.keyless("apply -auto-approve").exits(0);
    check_works_in(&elsewhere, "Production");
    elsewhere.keyless("plan -detailed-exitcode").exits(0);

    let uncovered = environment();
    uncovered.edit(
        MAIN,
        "consumer \"dotenv\" \"app\" {",
        "consumer \"dotenv\" \"app\" {\n    workspace = data.workspace.prod",
    );
    told!("workspace_not_covered", uncovered.keyless("plan").exits(1));
}
