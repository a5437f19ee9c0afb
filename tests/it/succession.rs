//! What cannot be changed under its workloads gets a successor beside it, which takes over.

use super::day_two::{FILES, SKIPS, Stage, WAITS, check_workload, edit_named, hours_pass, reach};
use super::day_two::{MAIN, replace};
use super::support::{Environment, Run, Simulator};

/// Edits that a workload follows by itself.
const FOLLOWED: [&str; 4] =
    ["another workspace", "another account", "account with another name", "another provider of one URL"];

/// What is recorded under an address of its own until its workloads have moved.
fn deposed(environment: &Environment) -> Vec<String> {
    let state = environment.state();
    let deposed = state["records"].as_object().unwrap().keys().filter(|address| address.contains("deposed"));
    deposed.cloned().collect()
}

fn rule_id(environment: &Environment) -> String {
    environment.state()["records"]["federation_rule.app"]["id"].as_str().unwrap().to_owned()
}

fn apply(environment: &Environment) -> Run {
    environment.keyless("apply -auto-approve").exits(0)
}

#[test]
fn a_successor_takes_over_and_the_old_one_goes() {
    for stage in [Stage::UnderWay, Stage::Finished] {
        let reached = reach(stage);
        for name in FOLLOWED {
            let what = format!("{name}, {stage:?}");
            let environment = reached.copied();
            edit_named(&environment, name);
            let first = rule_id(&environment);
            apply(&environment).says("Still lived off");
            assert_ne!(first, rule_id(&environment), "{what}");
            assert!(environment.read("m/.env").contains(&rule_id(&environment)), "{what}");
            assert!(!deposed(&environment).is_empty(), "{what}");
            check_workload(&environment.copied(), &what);
            hours_pass(&environment);
            apply(&environment).says("nobody lives off it any more");
            assert!(deposed(&environment).is_empty(), "{what}");
            check_workload(&environment.copied(), &what);
            if stage == Stage::Finished {
                environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
                check_workload(&destroyed(environment), &what);
            }
        }
    }
}

fn destroyed(environment: Environment) -> Environment {
    environment.keyless("destroy -auto-approve").exits(0);
    assert!(environment.state()["records"].as_object().unwrap().is_empty());
    environment
}

#[test]
fn what_is_deposed_is_destroyed_too() {
    let environment = reach(Stage::UnderWay);
    edit_named(&environment, "another account");
    apply(&environment);
    environment.keyless("destroy -auto-approve").exits(0).says("Destroy waits:");
    check_workload(&environment.copied(), "its key is back");
    hours_pass(&environment);
    check_workload(&destroyed(environment), "destroyed on its way");
}

#[test]
fn a_block_that_asks_for_what_it_had_gets_it_back() {
    // Where a block does not give the name of an account, that keeps the one it has.
    let others = FOLLOWED.into_iter().filter(|name| *name != "account with another name");
    for name in others.chain(["another subject", "another issuer"]) {
        let environment = reach(Stage::UnderWay);
        let (before, first) = (environment.read(MAIN), rule_id(&environment));
        edit_named(&environment, name);
        apply(&environment);
        environment.write(MAIN, &before);
        let run = environment.keyless("plan").exits(0);
        assert!(
            run.told().contains("federation_rule.app.deposed-1 has moved to federation_rule.app"),
            "{}",
            run.told()
        );
        apply(&environment);
        assert_eq!(rule_id(&environment), first, "{name}");
        check_workload(&environment.copied(), name);
        hours_pass(&environment);
        apply(&environment);
        assert!(deposed(&environment).is_empty(), "{name}");
        check_workload(&environment, name);
    }
}

#[test]
fn settings_stay_where_the_successor_would_not_let_the_workload_in() {
    let environment = reach(Stage::Finished);
    edit_named(&environment, "another subject");
    let first = rule_id(&environment);
    told!("denied", apply(&environment));
    assert!(environment.read("m/.env").contains(&first));
    apply(&environment).says("Its settings stay as they are");
    // Both are let in for the time of the move.
    replace(
        &environment,
        &[(
            "subject = \"device:two\"",
            "condition = \"claims.sub in ['device:one', 'device:two', 'device:three']\"",
        )],
    );
    apply(&environment);
    hours_pass(&environment);
    apply(&environment);
    assert!(environment.read("m/.env").contains(&rule_id(&environment)));
    assert!(deposed(&environment).is_empty());
    check_workload(&environment, "let in");
}

#[test]
fn settings_stay_where_it_is_not_known_as_whom_the_workload_shows_itself() {
    let environment = reach(Stage::NotBegun);
    let both = "condition = \"claims.sub in ['device:one', 'device:two']\"";
    replace(
        &environment,
        &[
            (SKIPS, WAITS),
            ("subject = \"device:one\"", both),
            ("    report              = \"m/credential-report.json\"\n", ""),
            ("    file = \"m/identity-token\"", "    command = [\"cat\", \"m/identity-token\"]"),
        ],
    );
    apply(&environment);
    let first = rule_id(&environment);
    replace(&environment, &[(both, "condition = \"claims.sub == 'device:one'\"")]);
    // The token of the trial exchange may be another one's.
    told!("unknown", apply(&environment));
    assert_ne!(rule_id(&environment), first);
    assert!(environment.read("m/.env").contains(&first));
    check_workload(&environment.copied(), "unknown");
    replace(
        &environment,
        &[("    command = [\"cat\", \"m/identity-token\"]", "    file = \"m/identity-token\"")],
    );
    apply(&environment);
    assert!(environment.read("m/.env").contains(&rule_id(&environment)));
    check_workload(&environment, "tried with its own token");
}

#[test]
fn a_successor_that_somebody_archived_gives_way_to_what_was_before() {
    let environment = reach(Stage::UnderWay);
    let (before, first) = (environment.read(MAIN), rule_id(&environment));
    edit_named(&environment, "another account");
    apply(&environment);
    let after = environment.read(MAIN);
    let successor = rule_id(&environment);
    environment.write(MAIN, FILES[0].1);
    let simulator = Simulator::start(&environment);
    simulator.as_person(&format!("federation_rules/{successor}/archive"), &serde_json::json!({}));
    drop(simulator);
    environment.write(MAIN, &after);
    apply(&environment).says("archived outside of keyless");
    environment.write(MAIN, &before);
    apply(&environment);
    assert_eq!(rule_id(&environment), first);
    assert!(environment.read("m/.env").contains(&first));
}

#[test]
fn what_was_deposed_goes_where_its_block_goes() {
    let environment = reach(Stage::UnderWay);
    let first = rule_id(&environment);
    let before = environment.read(MAIN);
    edit_named(&environment, "another account");
    apply(&environment);
    edit_named(&environment, "rule renamed");
    apply(&environment).says("federation_rule.app.deposed-1 has moved to federation_rule.v2.deposed-1");
    let renamed = [
        ("federation_rule \"app\"", "federation_rule \"v2\""),
        ("[federation_rule.app]", "[federation_rule.v2]"),
    ];
    environment.write(MAIN, &before);
    replace(&environment, &renamed);
    apply(&environment);
    assert_eq!(environment.state()["records"]["federation_rule.v2"]["id"], first.as_str());
    check_workload(&environment, "renamed and taken back");
}

#[test]
fn a_second_edit_changes_a_successor_in_place_or_makes_one_more() {
    let environment = reach(Stage::UnderWay);
    let first = rule_id(&environment);
    edit_named(&environment, "another subject");
    apply(&environment);
    let second = rule_id(&environment);
    // Nobody lives off the second one.
    replace(&environment, &[("device:two", "device:three")]);
    apply(&environment);
    assert_eq!(rule_id(&environment), second);
    replace(
        &environment,
        &[(
            "subject = \"device:three\"",
            "condition = \"claims.sub in ['device:one', 'device:two', 'device:three']\"",
        )],
    );
    apply(&environment);
    assert_eq!(rule_id(&environment), second);
    // Its settings name the second one by now, and it may live off either.
    edit_named(&environment, "another account");
    apply(&environment);
    assert_ne!(rule_id(&environment), second);
    assert_eq!(deposed(&environment), ["federation_rule.app.deposed-1", "federation_rule.app.deposed-2"]);
    check_workload(&environment.copied(), "two edits");
    hours_pass(&environment);
    apply(&environment);
    assert!(deposed(&environment).is_empty());
    assert!(![first, second].contains(&rule_id(&environment)));
    check_workload(&environment, "two edits and a report");
}

#[test]
fn a_saved_plan_makes_a_successor() {
    let environment = reach(Stage::UnderWay);
    edit_named(&environment, "another account");
    environment.keyless("plan -out=plan.json").exits(0);
    assert!(deposed(&environment).is_empty(), "a plan changes nothing");
    environment.keyless("apply plan.json").exits(0);
    assert_eq!(deposed(&environment), ["federation_rule.app.deposed-1"]);
    // Looking changes nothing either.
    environment.keyless("drift -detailed-exitcode").exits(0);
    environment.keyless("status").exits(0);
    check_workload(&environment, "saved");
}

#[test]
fn a_rollback_takes_a_successor_back_and_knows_what_was_deposed() {
    let environment = reach(Stage::UnderWay);
    let (before, first) = (environment.read(MAIN), rule_id(&environment));
    edit_named(&environment, "another subject");
    apply(&environment);
    environment.keyless("rollback -auto-approve").exits(0).says("1 destroyed");
    check_workload(&environment.copied(), "rolled back");
    assert_eq!(deposed(&environment), ["federation_rule.app.deposed-1"]);
    environment.write(MAIN, &before);
    apply(&environment);
    assert_eq!((rule_id(&environment), deposed(&environment)), (first, Vec::new()));
    check_workload(&environment, "rolled back and asked for again");
}

#[test]
fn a_workload_without_a_block_keeps_what_it_lives_off() {
    let environment = reach(Stage::Finished);
    super::day_two::without(&environment, super::day_two::KEY);
    apply(&environment);
    edit_named(&environment, "another subject");
    environment.keyless("apply -auto-approve").exits(1).says("Workload would be cut off");
    environment.write(MAIN, &FILES[0].1.replace(SKIPS, WAITS));
    check_workload(&environment, "forgotten");
}
