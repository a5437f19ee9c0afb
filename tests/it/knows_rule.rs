//! Workloads whose settings keyless does not write: the key stays until they are known to name the rule.

use super::support::Environment;

const LANE: &str = "api_key.batch";

/// The lane whose key a command takes out, with waits that are real.
fn waiting() -> Environment {
    let environment = Environment::two_lanes();
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment
}

fn rule_id(environment: &Environment) -> String {
    environment.state()["records"]["federation_rule.batch"]["id"].as_str().unwrap().to_owned()
}

fn has_key(environment: &Environment) -> bool {
    environment.read("batch/key.env").starts_with("ANTHROPIC_API_KEY=")
}

/// Adds what Ada says about a rule.
fn says(environment: &Environment, rule_id: &str) -> super::support::Run {
    environment.keyless(&format!(
        "evidence add -manual -key={LANE} -consumer=command.vault -rule={rule_id} -by=Ada -statement=Set."
    ))
}

#[test]
fn a_key_stays_until_its_workload_reports_the_rule_or_somebody_says_so() {
    let environment = waiting();
    // The settings are not there, and the report comes without a rule.
    environment.edit("acme.json", "ANTHROPIC_FEDERATION_RULE_ID={{rule:batch}}", "OTHER=1");
    told!("unknown_rule_plan", environment.keyless("plan").exits(0));
    says(&environment, "fdrl_01").exits(1).says("no rule that replaces api_key.batch exists yet");
    for _ in 0..2 {
        environment.keyless("apply -auto-approve -parallelism=1").exits(0);
        assert!(has_key(&environment));
    }
    told!("unknown_rule_status", environment.keyless("status").exits(0));
    says(&environment, "fdrl_01").exits(1).says("fdrl_01 is no rule that replaces api_key.batch");
    told!("unknown_rule_stated", says(&environment, &rule_id(&environment)).exits(0));
    environment.keyless("apply -auto-approve").exits(0);
    assert!(!has_key(&environment));
    let of_ours = "evidence add -manual -key=api_key.ci -consumer=dotenv.runner -rule=x -by=A -statement=B";
    environment.keyless(of_ours).exits(1).says("keyless writes the settings of dotenv.runner itself");
}

#[test]
fn a_report_that_names_the_rule_beside_the_key_lets_the_key_go() {
    let environment = waiting();
    environment.keyless("apply -auto-approve").exits(0);
    assert!(has_key(&environment));
    environment.keyless("apply -auto-approve").exits(0);
    assert!(!has_key(&environment));
}
