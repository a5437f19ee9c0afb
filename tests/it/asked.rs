//! Keys that only a person can put back: a way back asks for them, and waits.

use super::day_two::{FILES, MAIN, SKIPS, WAITS};
use super::support::{Environment, Simulator};

const DOTENV: &str = "  consumer \"dotenv\" \"app\" {
    path                = \"m/.env\"
    identity_token_file = \"m/identity-token\"
";
const BY_HAND: &str = "  consumer \"manual\" \"app\" {
    instructions = \"Ask Ada to edit m/.env\"
";

fn with_file(environment: &Environment, edit: impl Fn(&str) -> String) {
    let text = environment.read("m/.env");
    let lines = text.lines().map(|line| edit(line) + "\n");
    environment.write("m/.env", &lines.collect::<String>());
}

/// What the person does whom keyless asks to take a key out.
fn person_takes_out(environment: &Environment) {
    with_file(environment, |line| line.replace("ANTHROPIC_API_KEY=", "# was here: "));
    let state = environment.state();
    let record = |address: &str| state["records"][address].clone();
    let (rule, account) = (record("federation_rule.app"), record("service_account.app"));
    let seed: serde_json::Value = serde_json::from_str(FILES[1].1).unwrap();
    let settings = [
        ("FEDERATION_RULE_ID", &rule["id"]),
        ("SERVICE_ACCOUNT_ID", &account["id"]),
        ("ORGANIZATION_ID", &seed["organization"]["id"]),
        ("WORKSPACE_ID", &rule["attributes"]["workspace_ids"][0]),
        ("IDENTITY_TOKEN_FILE", &serde_json::json!("m/identity-token")),
    ];
    let lines = settings.map(|(name, value)| format!("ANTHROPIC_{name}={}\n", value.as_str().unwrap()));
    environment.write("m/.env", &(environment.read("m/.env") + &lines.concat()));
    let word = "evidence add -manual -key=api_key.app -consumer=manual.app -by=Ada -statement=Gone.";
    environment.keyless(word).exits(0);
}

/// What the person does whom keyless asks to put it back.
fn person_puts_back(environment: &Environment) {
    with_file(environment, |line| line.replace("# was here: ", "ANTHROPIC_API_KEY="));
}

/// The workload's calls go on working.
#[track_caller]
fn check_works(environment: &Environment, what: &str) {
    let now = environment.read(MAIN);
    environment.write(MAIN, &by_hand());
    let simulator = Simulator::start(environment);
    let workloads = simulator.run_workloads();
    drop(simulator);
    environment.write(MAIN, &now);
    assert_eq!((workloads.len(), &workloads[0]["failed_calls"]), (1, &0.into()), "{what}: {workloads:?}");
}

fn by_hand() -> String {
    FILES[0].1.replace(DOTENV, BY_HAND)
}

/// A lane whose key a person took out.
fn migrated() -> Environment {
    let environment = Environment::with(&[
        (MAIN, &by_hand()),
        (FILES[1].0, &FILES[1].1.replace("dotenv.app", "manual.app")),
    ]);
    environment.hasten();
    environment.apply();
    person_takes_out(&environment);
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "inactive");
    environment.edit(MAIN, SKIPS, WAITS);
    check_works(&environment.copied(), "migrated");
    environment
}

fn hours_pass(environment: &Environment) {
    let now = environment.read(MAIN);
    environment.write(MAIN, &by_hand());
    Simulator::start(environment).advance_hours(2);
    environment.write(MAIN, &now);
}

fn destroy(environment: &Environment) -> super::support::Run {
    environment.keyless("destroy -auto-approve -parallelism=1")
}

#[test]
fn a_destroy_sets_the_key_active_before_it_asks_for_it() {
    let environment = migrated();
    told!("asked_plan", environment.keyless("plan -destroy").exits(0));
    told!("asked_destroy", destroy(&environment).exits(0));
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    check_works(&environment.copied(), "asked");
    // Hours alone, and an apply that runs every night, change nothing.
    hours_pass(&environment);
    environment.keyless("apply -auto-approve").exits(0).says("held");
    destroy(&environment).exits(0).says("Destroy waits: 0 of 4 steps done");
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    person_puts_back(&environment);
    check_works(&environment.copied(), "put back");
    // Its own report says so.
    hours_pass(&environment);
    told!("asked_destroyed", destroy(&environment).exits(0));
    check_works(&environment, "destroyed");
    destroy(&environment).exits(0).says("Nothing is recorded that could be destroyed.");
    // What was said of the lane that is gone says nothing of a new one.
    environment.edit(MAIN, WAITS, SKIPS);
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    check_works(&environment, "made again");
}

#[test]
fn a_persons_word_lets_the_rest_go() {
    for what in ["-retire=federation_rule.app", "-retire=api_key.app -consumer=manual.app"] {
        let environment = migrated();
        destroy(&environment).exits(0).says("Destroy waits: 1 of 5 steps done");
        person_puts_back(&environment);
        environment.keyless(&format!("evidence add -manual {what} -by=Ada -statement=Back.")).exits(0);
        destroy(&environment).exits(0).says("Destroy complete!");
        check_works(&environment, what);
        destroy(&environment).exits(0).says("Nothing is recorded that could be destroyed.");
    }
}

#[test]
fn a_rollback_asks_too_and_holds_the_lane() {
    let environment = migrated();
    let back = "rollback -to=1-before-first-change -auto-approve -parallelism=1";
    told!("asked_rollback", environment.keyless(back).exits(0));
    check_works(&environment.copied(), "asked");
    person_puts_back(&environment);
    hours_pass(&environment);
    environment.keyless("apply -auto-approve").exits(0).says("held");
    environment.keyless(back).exits(0).says("Rollback complete!");
    check_works(&environment, "rolled back");
}

#[test]
fn nobody_is_asked_to_put_back_a_key_that_somebody_set_inactive() {
    let environment = migrated();
    destroy(&environment).exits(0);
    let now = environment.read(MAIN);
    environment.write(MAIN, &by_hand());
    let simulator = Simulator::start(&environment);
    simulator.as_person("api_keys/apikey_01App", &serde_json::json!({ "status": "inactive" }));
    drop(simulator);
    environment.write(MAIN, &now);
    told!("asked_dead_key", destroy(&environment).exits(1));
    check_works(&environment, "asked");
}
