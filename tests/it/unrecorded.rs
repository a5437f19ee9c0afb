//! A workload that a person moved to its rule without telling: only its use is seen.

use super::support::{Environment, Simulator};

const MAIN: &str = "main.keyless.hcl";
const BLOCK: &str = "  consumer \"manual\" \"desk\" {\n    instructions = \"Ask Ada\"\n  }\n";

/// The rule is there; Ada moved the workload and says nothing. Its calls of three hours are in the report.
fn moved() -> Environment {
    let environment = Environment::one_lane();
    let text = environment.read(MAIN);
    let (before, _) = text.split_once("  consumer \"dotenv\"").unwrap();
    let (_, after) = text.split_once("credential-report.json\"\n  }\n").unwrap();
    environment.write(MAIN, &format!("{before}{BLOCK}{after}"));
    environment.edit(MAIN, "skip_waits   = true", "skip_waits   = false");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    let records = environment.state()["records"].clone();
    let id = |address: &str| records[address]["id"].as_str().unwrap().to_owned();
    let workspace = records["federation_rule.ci"]["attributes"]["workspace_ids"][0].as_str().unwrap();
    let settings = format!(
        "ANTHROPIC_FEDERATION_RULE_ID={}\nANTHROPIC_ORGANIZATION_ID={}\nANTHROPIC_SERVICE_ACCOUNT_ID={}\nANTHROPIC_WORKSPACE_ID={workspace}\nANTHROPIC_IDENTITY_TOKEN_FILE=ci/identity-token\n",
        id("federation_rule.ci"),
        "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001",
        id("service_account.ci"),
    );
    environment.write("ci/.env", &settings);
    works(&environment, 3);
    environment
}

/// Lets hours pass in which the workload calls; none of its calls ever failed.
#[track_caller]
fn works(environment: &Environment, hours: u64) {
    let simulator = Simulator::start(environment);
    simulator.advance_hours(hours);
    for workload in simulator.run_workloads() {
        assert_eq!(workload["failed_calls"], 0, "{workload:#}");
    }
}

/// Whether the rule is archived.
fn archived(environment: &Environment) -> bool {
    let organization = Simulator::start(environment).get("/_simulator/organization");
    let rules = organization["federation_rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    !rules[0]["archived_at"].is_null()
}

#[test]
fn what_somebody_unknown_uses_stays_on_every_way_back() {
    let environment = moved();
    told!("unrecorded_destroy", environment.keyless("destroy -auto-approve").exits(1));
    told!("unrecorded_rollback", environment.keyless("rollback -auto-approve").exits(0));
    assert!(!archived(&environment));
    works(&environment, 1);
}

#[test]
fn what_somebody_unknown_uses_is_neither_archived_nor_narrowed() {
    let environment = moved();
    environment.edit(MAIN, "environment   = \"production\"", "environment   = \"staging\"");
    told!("unrecorded_narrowed", environment.keyless("apply -auto-approve").exits(1));
    environment.edit(MAIN, "environment   = \"staging\"", "environment   = \"production\"");
    let whole = environment.read(MAIN);
    let (before, _) = whole.split_once("service_account \"ci\"").unwrap();
    environment.write(MAIN, before);
    told!("unrecorded_removed", environment.keyless("apply -auto-approve").exits(1));
    works(&environment, 1);
    // A person knows better, until it is used again.
    let gone = "evidence add -manual -retire=federation_rule.ci -by=Ada -statement=Nobody.";
    told!("unrecorded_retired", environment.keyless(gone).exits(0));
    works(&environment, 2);
    environment.keyless("apply -auto-approve").exits(1).says("Somebody would be cut off");
    // Its workload is gone.
    let simulator = Simulator::start(&environment);
    simulator.pause("ci");
    drop(simulator);
    environment.keyless(gone).exits(0);
    told!("unrecorded_gone", environment.keyless("apply -auto-approve -parallelism=1").exits(0));
    assert!(archived(&environment));
}

#[test]
fn whoever_says_what_was_moved_binds_the_workload() {
    let environment = moved();
    let said = "evidence add -manual -key=api_key.ci -consumer=manual.desk -by=Ada -statement=Moved.";
    environment.keyless(said).exits(0);
    environment.edit(MAIN, "environment   = \"production\"", "environment   = \"staging\"");
    // No token shows that the successor works, and what the workload lives off stays.
    environment.keyless("apply -auto-approve").exits(1).says("Still lived off").says("✗ verify");
    works(&environment, 1);
}
