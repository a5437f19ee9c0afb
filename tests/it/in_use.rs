//! A destroy waits until each workload is seen to use its key again.

use super::day_two::{FILES, KEY, MAIN, SKIPS, Stage, WAITS, check_workload, hours_pass, reach, without};
use super::support::{Environment, Run, Simulator};

/// A finished lane, and the settings that its workload has.
fn finished() -> (Environment, String) {
    let environment = reach(Stage::Finished);
    environment.edit(MAIN, SKIPS, WAITS);
    let settings = environment.read("m/.env");
    (environment, settings)
}

fn destroy(environment: &Environment) -> Run {
    environment.keyless("destroy -auto-approve -parallelism=1")
}

/// A destroy that waits: the key is back, and nothing else is gone.
fn waiting() -> (Environment, String) {
    let (environment, settings) = finished();
    destroy(&environment).exits(0).says("Destroy waits: 3 of 7 steps done");
    (environment, settings)
}

fn say(environment: &Environment, what: &[&str]) {
    let word = ["-by=Ada Ash", "-statement=It was started again."];
    environment.run(&[&["evidence", "add", "-manual"], what, &word[..]].concat()).exits(0);
}

#[test]
fn a_destroy_ends_waiting_with_the_rules_alive() {
    let (environment, settings) = finished();
    told!("destroy_waits_plan", environment.keyless("plan -destroy").exits(0));
    let run = destroy(&environment);
    told!("destroy_waits", run.exits(0));
    // The workload still has the settings that it was started with.
    let running = environment.copied();
    running.write("m/.env", &settings);
    check_workload(&running, "before it reads its key");
    // Nothing is put back twice, and nothing goes without a sign.
    told!("destroy_waits_again", destroy(&environment).exits(0));
    let recorded = environment.state();
    assert!(recorded["lanes"]["api_key.app"].is_object(), "{recorded:#}");
    assert_eq!(recorded["records"].as_object().unwrap().len(), 3);
    check_workload(&environment.copied(), "once it reads its key");
    hours_pass(&environment);
    told!("destroy_goes_on", destroy(&environment).exits(0));
    let recorded = environment.state();
    assert!(
        recorded["lanes"].as_object().unwrap().is_empty()
            && recorded["records"].as_object().unwrap().is_empty(),
        "{recorded:#}"
    );
    assert!(recorded["bindings"].is_null(), "{recorded:#}");
    check_workload(&environment, "destroyed");
}

#[test]
fn a_destroy_foresees_that_what_was_parked_is_gone() {
    let (environment, settings) = finished();
    let key = settings.lines().find_map(|line| Some(line.split_once("ANTHROPIC_API_KEY=")?.1)).unwrap();
    let left: Vec<&str> = settings.lines().filter(|line| !line.contains("ANTHROPIC_API_KEY=")).collect();
    environment.write("m/.env", &(left.join("\n") + "\n"));
    let foreseen = "by hand: put the key of api_key.app back into dotenv.app once it is active";
    environment.keyless("plan -destroy").exits(0).says(foreseen);
    destroy(&environment).exits(1).says(foreseen).says("set apikey_01App active");
    check_workload(&environment.copied(), "asked");
    // What it asks for helps.
    environment.write("m/.env", &format!("ANTHROPIC_API_KEY={key}\n{}\n", left.join("\n")));
    destroy(&environment).exits(0).lacks("by hand").says("Destroy waits");
    hours_pass(&environment);
    destroy(&environment).exits(0).says("Destroy complete!");
    check_workload(&environment, "destroyed");
}

#[test]
fn hours_alone_are_no_sign() {
    let (environment, _) = waiting();
    environment.write(MAIN, FILES[0].1);
    let simulator = Simulator::start(&environment);
    simulator.pause("app");
    simulator.advance_hours(50);
    drop(simulator);
    environment.edit(MAIN, SKIPS, WAITS);
    destroy(&environment).exits(0).says("Destroy waits: 0 of 4 steps done");
    // Nor is a clock that is moved.
    environment.write(MAIN, FILES[0].1);
    destroy(&environment).exits(0).says("Destroy waits: 0 of 4 steps done");
}

#[test]
fn a_persons_word_lets_the_rest_go() {
    for what in ["-retire=federation_rule.app", "-retire=api_key.app"] {
        let (environment, _) = waiting();
        say(&environment, &[what]);
        destroy(&environment).exits(0).says("Destroy complete! Resources: 3 destroyed.");
        let recorded = environment.state();
        assert!(
            recorded["lanes"].as_object().unwrap().is_empty() && recorded["bindings"].is_null(),
            "{recorded:#}"
        );
    }
}

#[test]
fn an_edit_takes_nothing_from_a_workload_that_did_not_read_its_key_yet() {
    let (environment, settings) = waiting();
    let rule = "federation_rule \"app\" {";
    without(&environment, KEY);
    without(&environment, rule);
    environment.keyless("apply -auto-approve").exits(1).says("Workload would be cut off");
    environment.write("m/.env", &settings);
    check_workload(&environment, "edited");
}

#[test]
fn a_lane_goes_on_after_a_destroy_that_waits() {
    let (environment, _) = waiting();
    environment.write(MAIN, FILES[0].1);
    environment.keyless("apply -auto-approve -resume=api_key.app").exits(0);
    assert_eq!(environment.lane("api_key.app")["key_status"], "inactive");
    check_workload(&environment, "taken out again");
    let recorded = environment.state();
    let binding = &recorded["bindings"]["apikey_01App/dotenv.app"];
    assert!(binding["grant"]["kind"] == "rule" && binding["written"].is_null(), "{recorded:#}");
}
