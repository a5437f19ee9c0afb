//! What is refused stops what is tied to it, and nothing else.

use serde_json::Value;

use super::support::{Environment, Simulator};

const MAIN: &str = "main.keyless.hcl";
const BATCH: &str = "batch.keyless.hcl";
const RULE: &str = "federation_rule \"ci\" {";

/// A finished lane, and another one that is declared by now.
fn one_finished() -> Environment {
    let environment = Environment::two_lanes();
    let batch = environment.read(BATCH);
    environment.write(BATCH, "");
    environment.apply();
    environment.write(BATCH, &batch);
    environment
}

#[track_caller]
fn check_workloads(environment: &Environment) {
    let simulator = Simulator::start(environment);
    for workload in simulator.run_workloads() {
        assert_eq!(workload["failed_calls"], Value::from(0), "{workload:#}");
    }
}

#[test]
fn an_edit_that_is_refused_stops_its_own_lane_alone() {
    let environment = one_finished();
    let as_it_was = environment.read(MAIN);
    environment.edit(MAIN, RULE, &format!("{RULE}\n  oauth_scope     = \"workspace:developer\""));
    let plan = environment.keyless("plan -json -out=plan.json").exits(1);
    let told: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!((&told["errored"], &told["complete"]), (&Value::from(true), &Value::from(false)));
    assert_eq!(told["keyless"]["refused"][0]["address"], "federation_rule.ci");
    told!("refused_alone", environment.keyless("apply -auto-approve -parallelism=1").exits(1));
    assert_eq!(environment.lane("api_key.batch")["key_status"], "inactive");
    told!("refused_again", environment.keyless("apply -auto-approve").exits(1));
    told!("refused_markdown", environment.keyless("show -format=markdown plan.json").exits(0));
    check_workloads(&environment);
    environment.write(MAIN, &as_it_was);
    environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
}

#[test]
fn a_saved_plan_carries_out_what_is_not_refused() {
    let environment = one_finished();
    environment.edit(MAIN, RULE, &format!("{RULE}\n  oauth_scope     = \"workspace:developer\""));
    environment.keyless("plan -out=plan.json").exits(1);
    environment
        .keyless("apply plan.json")
        .exits(1)
        .says("nothing was done with what is refused: federation_rule.ci");
    assert_eq!(environment.lane("api_key.batch")["key_status"], "inactive");
    check_workloads(&environment);
}

#[test]
fn a_workspace_that_is_gone_stops_the_lanes_that_name_it_alone() {
    let environment = one_finished();
    let gone = "data \"workspace\" \"gone\" {\n  name = \"Gone\"\n}\n";
    let named = environment.read(BATCH).replace("data.workspace.production", "data.workspace.gone");
    environment.write(BATCH, &format!("{named}\n{gone}"));
    told!("workspace_gone", environment.keyless("apply -auto-approve").exits(1));
    assert_eq!(environment.lane("api_key.batch")["key_status"], "active");
    check_workloads(&environment);
}
