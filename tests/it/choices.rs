//! What a person chooses on the command line: lanes to resume, archives to approve, objects to replace.

use serde_json::json;

use super::support::{Environment, Simulator};

const MAIN: &str = "main.keyless.hcl";
const LANE: &str = "api_key.ci";

fn waits(environment: &Environment, waits: bool) {
    let (on, off) = ("skip_waits   = true", "skip_waits   = false");
    let (from, to) = if waits { (on, off) } else { (off, on) };
    environment.edit(MAIN, from, to);
}

/// A lane whose key was taken out and put back.
fn rolled_back() -> (Environment, String) {
    let environment = Environment::one_lane();
    waits(&environment, true);
    environment.keyless("plan").exits(0);
    let original = environment.read("ci/.env");
    environment.apply();
    environment.keyless("rollback -to=1-before-first-change -auto-approve -parallelism=1").exits(0);
    assert!(environment.read("ci/.env") == original);
    (environment, original)
}

#[test]
fn a_rollback_holds_until_the_lane_is_resumed() {
    let (environment, original) = rolled_back();
    waits(&environment, false);
    // However often, and with all waits skipped, nothing is taken away again.
    for _ in 0..2 {
        environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("-resume=api_key.ci");
        assert!(environment.read("ci/.env") == original);
    }
    told!("held_status", environment.keyless("status").exits(0));
    environment.keyless("plan -detailed-exitcode").exits(0).says("held");
    environment
        .keyless("apply -refresh-only -resume=api_key.ci")
        .exits(1)
        .says("-resume=api_key.ci is for a plan");
    environment
        .keyless("plan -resume=api_key.ci -out=go.plan")
        .exits(0)
        .says("apply -resume=api_key.ci go.plan");
    environment.keyless("apply go.plan").exits(1).says("give these to apply as well");
    let wrong = environment.keyless("apply -auto-approve -resume=api_key.other").exits(1);
    wrong.says("-resume=api_key.other: it was not rolled back");
    environment.keyless("apply -auto-approve -parallelism=1 -resume=api_key.ci").exits(0);
    assert_eq!(environment.lane(LANE)["key_status"], "inactive");
    environment.keyless("apply -auto-approve -resume=api_key.ci").exits(1).says("goes on already");
}

#[test]
fn evidence_from_before_a_rollback_does_not_count_again() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    environment.apply();
    assert_eq!(environment.lane(LANE)["key_status"], "inactive");
    // Only the key is set active; that it was out of its place, silent and reported was true before.
    let list = environment.keyless("checkpoint list").exits(0).stdout;
    let name = list.split_whitespace().find(|word| word.contains("before-revoke-api_key.ci"));
    environment.keyless(&format!("rollback -to={} -auto-approve", name.unwrap())).exits(0);
    waits(&environment, true);
    environment.keyless("apply -auto-approve").exits(0).says("held");
    environment
        .keyless("apply -auto-approve -resume=api_key.ci")
        .exits(0)
        .says("no use of the key for 24h")
        .says("a credential report from dotenv.runner, newer than the removal of the key");
    assert_eq!(environment.lane(LANE)["key_status"], "active");
    waits(&environment, false);
    environment.keyless("apply -auto-approve").exits(0);
    assert_eq!(environment.lane(LANE)["key_status"], "inactive");
}

#[test]
fn an_approval_is_for_one_plan_and_has_a_name() {
    let environment = Environment::one_lane();
    environment.edit(MAIN, "\"24h\"", "\"24h\"\n  archive_after = \"48h\"");
    let approve = "apply -auto-approve -approve-archive=api_key.ci";
    // Given too early, it is an error and no approval for later.
    let early = environment.keyless(&format!("{approve} -by=Ada")).exits(1);
    early.says("-approve-archive=api_key.ci: this plan does not archive that key");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    Simulator::start(&environment).advance_hours(60);
    let waiting = environment.keyless("apply -auto-approve").exits(0);
    waiting.says("waits for a named approval: archiving is final");
    environment.keyless("apply -auto-approve -by=Ada").exits(1).says("-approve-archive");
    assert_eq!(environment.lane(LANE)["key_status"], "inactive");
    environment.keyless(&format!("{approve} -by=Ada")).exits(0);
    told!("approved_status", environment.keyless("status").exits(0));
    environment.keyless(&format!("{approve} -by=Ada")).exits(1).says("this plan does not archive that key");
}

#[test]
fn an_object_that_somebody_archived_is_replaced_by_choice() {
    let environment = Environment::two_lanes();
    environment.apply();
    let id = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    environment.keyless("apply -auto-approve -replace=federation_rule.ci").exits(1).says("is alive");
    environment
        .keyless("apply -auto-approve -replace=federation_rule.none")
        .exits(1)
        .says("nothing is recorded");
    let simulator = Simulator::start(&environment);
    simulator.as_person(&format!("federation_rules/{id}/archive"), &json!({}));
    drop(simulator);
    told!("archived_rule", environment.keyless("plan").exits(0));
    environment.keyless("apply -auto-approve -parallelism=1 -replace=federation_rule.ci").exits(0);
    let record = &environment.state()["records"]["federation_rule.ci"];
    assert!(record["id"] != id.as_str() && record["attributes"]["name"] == "ci-2", "{record:#}");
    assert!(environment.read("ci/.env").contains(record["id"].as_str().unwrap()), "the settings name it");
    environment.keyless("plan -detailed-exitcode").exits(0);
}

#[test]
fn what_stands_on_an_archived_object_is_replaced_with_it() {
    let environment = Environment::one_lane();
    environment.apply();
    let id = |address: &str| environment.state()["records"][address]["id"].as_str().unwrap().to_owned();
    let (issuer, rule) = (id("provider.github_actions.github"), id("federation_rule.ci"));
    let simulator = Simulator::start(&environment);
    simulator.as_person(&format!("federation_rules/{rule}/archive"), &json!({}));
    simulator.as_person(&format!("federation_issuers/{issuer}/archive"), &json!({}));
    drop(simulator);
    let both = "-replace=provider.github_actions.github -replace=federation_rule.ci";
    environment.keyless("plan").exits(0).says(&format!("keyless apply {both}"));
    environment.keyless(&format!("apply -auto-approve {both}")).exits(0);
    assert!(id("provider.github_actions.github") != issuer && id("federation_rule.ci") != rule);
    let simulator = Simulator::start(&environment);
    let failed = || simulator.run_workloads()[0]["failed_calls"].as_u64().unwrap();
    assert_eq!(failed(), failed(), "its calls work again");
}

#[test]
fn what_was_destroyed_can_be_made_again() {
    let environment = Environment::one_lane();
    environment.apply();
    environment.keyless("destroy -auto-approve").exits(0);
    environment.apply();
    assert_eq!(environment.lane(LANE)["key_status"], "inactive");
    let account = &environment.state()["records"]["service_account.ci"]["attributes"]["name"];
    assert_eq!(account, "ci-2", "whether the name of the archived one is free is not known");
    environment.keyless("plan -detailed-exitcode").exits(0);
}

#[test]
fn a_name_that_was_made_up_is_nobody_elses() {
    let environment = Environment::one_lane();
    environment.apply();
    environment.keyless("destroy -auto-approve").exits(0);
    let text = environment.read(MAIN);
    let block = text.split("federation_rule \"ci\" {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let second = format!("\nfederation_rule \"second\" {{\n  name = \"ci-2\"{block}\n}}\n");
    environment.write(MAIN, &format!("{text}{second}"));
    environment.apply();
    let name = |rule: &str| environment.state()["records"][rule]["attributes"]["name"].clone();
    assert_eq!((name("federation_rule.ci"), name("federation_rule.second")), (json!("ci-3"), json!("ci-2")));
    // A block that claims the name of another one's object gets neither.
    let third = second.replace("\"second\"", "\"third\"").replace("\"ci-2\"", "\"ci-3\"");
    environment.write(MAIN, &format!("{text}{second}{third}"));
    environment.keyless("plan").exits(1).says("The name `ci-3` is that of federation_rule.ci");
}

/// Two lanes; the settings of the one called batch are written by nobody.
fn by_hand() -> Environment {
    let environment = Environment::two_lanes();
    environment.apply();
    assert_eq!(environment.lane("api_key.batch")["key_status"], "inactive");
    environment
}

#[track_caller]
fn check_works(environment: &Environment) {
    let simulator = Simulator::start(environment);
    let failed =
        || simulator.run_workloads().iter().map(|it| it["failed_calls"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(failed(), failed());
}

#[test]
fn settings_that_nobody_writes_have_to_name_the_rule_of_today() {
    for back in ["rollback -to=1-before-first-change -auto-approve", "destroy -auto-approve"] {
        let environment = by_hand();
        environment.keyless(back).exits(0);
        let resume = if back.starts_with("roll") { " -resume=api_key.batch" } else { "" };
        // Its settings name a rule that is gone, and the new one has another id.
        for again in [resume, ""] {
            let run = environment.keyless(&format!("apply -auto-approve{again}")).exits(0);
            run.says("the settings of command.vault");
            check_works(&environment);
        }
    }
    let environment = by_hand();
    let id = environment.state()["records"]["federation_rule.batch"]["id"].as_str().unwrap().to_owned();
    let simulator = Simulator::start(&environment);
    simulator.as_person(&format!("federation_rules/{id}/archive"), &json!({}));
    drop(simulator);
    environment.keyless("apply -auto-approve -replace=federation_rule.batch").exits(0);
    let told = environment.keyless("status").exits(0);
    told.says(&format!("the settings of command.vault name {id} by its newest report, which is archived"));
}

#[test]
fn a_lane_is_held_that_only_a_person_can_take_back() {
    let environment = Environment::example("eleven-keys");
    environment.apply();
    let file = ".keyless/machines/partner-batch/.env";
    let text = environment.read(file);
    let without: String = text
        .lines()
        .filter(|line| !line.starts_with("ANTHROPIC_API_KEY="))
        .map(|line| format!("{line}\n"))
        .collect();
    environment.write(file, &without);
    let word = ["-by=Pat", "-statement=It is out."];
    let lane = ["-key=api_key.partner_batch", "-consumer=manual.partner"];
    environment.run(&[&["evidence", "add", "-manual"], &lane[..], &word[..]].concat()).exits(0);
    environment
        .keyless("rollback -to=1-before-first-change -auto-approve")
        .exits(0)
        .says("by hand: put the key apikey_01PartnerBatch of api_key.partner_batch back into manual.partner");
    environment.keyless("apply -auto-approve").exits(0);
    let lane = environment.lane("api_key.partner_batch");
    assert_eq!((&lane["key_status"], &lane["standing"]["state"]), (&json!("active"), &json!("held")));
}

#[test]
fn a_held_lane_keeps_what_it_lives_off() {
    let environment = Environment::one_lane();
    environment.apply();
    let list = environment.keyless("checkpoint list").exits(0).stdout;
    let name = list.split_whitespace().find(|word| word.contains("before-revoke-api_key.ci")).unwrap();
    environment.keyless(&format!("rollback -to={name} -auto-approve")).exits(0);
    let id = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    let simulator = Simulator::start(&environment);
    simulator.as_person(&format!("federation_rules/{id}/archive"), &json!({}));
    drop(simulator);
    environment.keyless("apply -auto-approve -replace=federation_rule.ci").exits(0).says("held");
    check_works(&environment);
    assert_eq!(environment.lane(LANE)["key_status"], "active");
}
