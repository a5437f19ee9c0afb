//! Places in which somebody else takes the key out, or brings federation back, between two commands.

use super::day_two::{
    MAIN, SKIPS, Stage, WAITS, check_workload, check_works_again, edit_named, hours_pass, reach, replace,
};
use super::support::Environment;

/// A finished lane in which nothing is waited for.
fn finished() -> Environment {
    let environment = reach(Stage::Finished);
    environment.edit(MAIN, SKIPS, WAITS);
    environment
}

/// Goes back to the checkpoint with these words in its name.
fn roll_back(environment: &Environment, to: &str) {
    let list = environment.keyless("checkpoint list").exits(0).stdout;
    let name = list.split_whitespace().find(|word| word.contains(to)).unwrap();
    environment.keyless(&format!("rollback -to={name} -auto-approve")).exits(0);
}

fn take_key_out(environment: &Environment) {
    let text = environment.read("m/.env");
    assert!(text.lines().any(|line| line.starts_with("ANTHROPIC_API_KEY=")), "the key is in the file");
    let without = text.lines().filter(|line| !line.starts_with("ANTHROPIC_API_KEY="));
    environment.write("m/.env", &without.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn a_file_that_comes_back_without_its_key_gets_the_key_before_its_settings_go() {
    for is_used in [false, true] {
        let environment = finished();
        let saved = environment.read("m/.env");
        environment.keyless("destroy -auto-approve").exits(0).says("Destroy waits");
        if is_used {
            hours_pass(&environment);
            // By now it is known to live off its key alone.
            environment.keyless("apply -auto-approve").exits(0);
            assert!(environment.state()["bindings"].is_null(), "{:#}", environment.state());
        }
        environment.write("m/.env", &saved);
        environment.keyless("destroy -auto-approve").exits(0).says("put the key back");
        check_workload(&environment.copied(), &format!("used: {is_used}"));
        hours_pass(&environment);
        environment.keyless("destroy -auto-approve").exits(0).says("Destroy complete!");
        check_workload(&environment, "destroyed");
    }
}

#[test]
fn settings_stay_where_the_key_is_gone_for_good() {
    let environment = finished();
    roll_back(&environment, "before-remove-api_key.app");
    let saved = environment.copied();
    take_key_out(&environment);
    told!("key_gone_destroy", environment.keyless("destroy -auto-approve").exits(1));
    check_workload(&environment.copied(), "destroyed");
    // A plan of before is no way round it.
    saved.keyless("plan -destroy -out=destroy.plan").exits(0);
    take_key_out(&saved);
    saved.keyless("apply destroy.plan").exits(1);
    check_workload(&saved, "by a saved plan");
}

/// A lane of which no rule was proved, so that keyless has written settings and left the key.
fn unproved() -> Environment {
    let environment = reach(Stage::NotBegun);
    environment.edit(MAIN, SKIPS, WAITS);
    environment.edit(MAIN, "    file = \"m/identity-token\"", "    file = \"m/spoilt\"");
    environment.write("m/spoilt", "not a token");
    environment.keyless("apply -auto-approve").exits(1);
    take_key_out(&environment);
    environment
}

#[test]
fn a_workload_whose_key_somebody_took_out_is_bound_by_its_settings() {
    let rolled_back = unproved();
    rolled_back.keyless("rollback -to=1-before-first-change -auto-approve").exits(1);
    check_workload(&rolled_back, "rolled back");
    let destroyed = unproved();
    destroyed.keyless("destroy -auto-approve").exits(1);
    check_workload(&destroyed, "destroyed");
    for name in ["another subject", "another account"] {
        let edited = unproved();
        edit_named(&edited, name);
        edited.keyless("apply -auto-approve");
        check_workload(&edited, name);
    }
}

#[test]
fn a_lane_goes_on_after_a_destroy_that_waits_and_an_edit() {
    for name in ["another subject", "another account", "account with another name"] {
        let environment = finished();
        environment.keyless("destroy -auto-approve").exits(0).says("Destroy waits");
        edit_named(&environment, name);
        let run = environment.keyless("apply -auto-approve -resume=api_key.app");
        assert!(!run.told().contains("an error in keyless itself"), "{name}\n{}", run.told());
        check_workload(&environment.copied(), name);
        // Once the key is seen to be used, nobody lives off the rule.
        hours_pass(&environment);
        let run = environment.keyless("apply -auto-approve -resume=api_key.app");
        assert!(!run.told().contains("an error in keyless itself"), "{name}\n{}", run.told());
        check_workload(&environment, name);
    }
}

#[test]
fn settings_are_not_judged_by_a_workspace_that_is_not_found() {
    let environment = finished();
    replace(&environment, &[("  name = \"Engineering\"", "  name = \"Nope\"")]);
    told!("workspace_nope", environment.keyless("plan").exits(1));
    told!("workspace_nope_status", environment.keyless("status").exits(0));
    environment.keyless("drift -detailed-exitcode").exits(0);
    check_workload(&environment, "workspace not found");
}

#[test]
fn an_edit_takes_nothing_from_a_place_that_went_back_to_federation() {
    for name in ["another account", "another subject", "another workspace"] {
        let environment = finished();
        let saved = environment.read("m/.env");
        environment.keyless("destroy -auto-approve").exits(0).says("Destroy waits");
        hours_pass(&environment);
        environment.keyless("apply -auto-approve").exits(0);
        environment.write("m/.env", &saved);
        edit_named(&environment, name);
        environment.keyless("apply -auto-approve");
        check_workload(&environment, name);
    }
}

#[test]
fn a_place_that_is_left_with_nothing_is_told_although_its_lane_is_held() {
    let environment = finished();
    roll_back(&environment, "before-first-change");
    hours_pass(&environment);
    environment.keyless("drift -detailed-exitcode").exits(0);
    take_key_out(&environment);
    told!("left_with_nothing", environment.keyless("status").exits(0));
    environment
        .keyless("drift -detailed-exitcode")
        .exits(2)
        .says("holds neither its key nor federation settings");
    // What it advises helps.
    environment.keyless("apply -auto-approve -resume=api_key.app").exits(0);
    assert!(environment.read("m/.env").contains("ANTHROPIC_FEDERATION_RULE_ID="));
    check_works_again(&environment, "resumed");
}
