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
    says(&environment, "fdrl_01").exits(1).says("federation_rule.batch does not exist yet");
    for _ in 0..2 {
        environment.keyless("apply -auto-approve -parallelism=1").exits(0);
        assert!(has_key(&environment));
    }
    told!("unknown_rule_status", environment.keyless("status").exits(0));
    says(&environment, "fdrl_01").exits(1).says("lets it federate through federation_rule.batch");
    told!("unknown_rule_stated", says(&environment, &rule_id(&environment)).exits(0));
    environment.keyless("apply -auto-approve").exits(0);
    assert!(!has_key(&environment));
    let pasted = "evidence add -manual -key=api_key.batch -consumer=command.vault -by=Ada -statement=…";
    environment.keyless(pasted).exits(1).says("put your name into -by");
    let of_ours = "evidence add -manual -key=api_key.ci -consumer=dotenv.runner -rule=x -by=A -statement=B";
    environment.keyless(of_ours).exits(1).says("keyless writes the settings of dotenv.runner itself");
}

#[test]
fn another_rule_of_the_lane_is_none_that_the_consumer_knows() {
    let environment = waiting();
    let both = "replaced_by  = [federation_rule.batch, federation_rule.ci]";
    environment.edit("batch.keyless.hcl", "replaced_by  = [federation_rule.batch]", both);
    let rule = "consumer \"command\" \"vault\" {\n    rule = federation_rule.batch";
    environment.edit("batch.keyless.hcl", "consumer \"command\" \"vault\" {", rule);
    // The settings name the other one, which does not let this workload in.
    environment.edit("acme.json", "{{rule:batch}}", "{{rule:ci}}");
    for _ in 0..3 {
        environment.keyless("apply -auto-approve").exits(0);
        assert!(has_key(&environment));
    }
    told!("rule_of_another", environment.keyless("status").exits(0));
    let other = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    says(&environment, &other).exits(1).says("lets it federate through federation_rule.batch");
}

#[test]
fn a_word_about_one_workload_is_none_about_another() {
    let environment = waiting();
    environment.edit("acme.json", "ANTHROPIC_FEDERATION_RULE_ID={{rule:batch}}", "OTHER=1");
    environment.keyless("apply -auto-approve").exits(0);
    says(&environment, &rule_id(&environment)).exits(0);
    // Its label is that of another key by now, and its place another one.
    environment.edit("batch.keyless.hcl", "grep -q '^ANTHROPIC_API_KEY=' batch/key.env", "true");
    environment.keyless("plan").exits(0).says("waits for a sign that command.vault knows");
    environment.edit("batch.keyless.hcl", "true", "grep -q '^ANTHROPIC_API_KEY=' batch/key.env");
    environment.keyless("plan").exits(0).says("take the key out of command.vault");
    // Under another name it is the same.
    environment.edit("batch.keyless.hcl", "api_key \"batch\"", "api_key \"night\"");
    environment.keyless("plan").exits(0).says("take the key out of command.vault");
}

#[test]
fn a_report_that_names_the_rule_beside_the_key_lets_the_key_go() {
    let environment = waiting();
    environment.keyless("apply -auto-approve").exits(0);
    assert!(has_key(&environment));
    environment.keyless("apply -auto-approve").exits(0);
    assert!(!has_key(&environment));
}
