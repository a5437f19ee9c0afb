//! Lanes whose blocks are gone.

use super::{KEY, MAIN, Stage, check_workload, edit_named, reach, told_file, without};

#[test]
fn a_forgotten_lane_is_taken_up_again() {
    let environment = reach(Stage::UnderWay);
    let whole = environment.read(MAIN);
    without(&environment, KEY);
    environment.keyless("apply -auto-approve").exits(0);
    // The second rule is proven, and the first stays until the workload reports.
    environment.write(MAIN, &whole);
    edit_named(&environment, "a second rule instead");
    for _ in 0..2 {
        let run = environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
        assert!(!run.stderr.contains("remove     api_key.app"), "{}", run.told());
    }
    check_workload(&environment, "taken up again");
}

#[test]
fn a_finished_lane_that_was_forgotten_is_put_back() {
    let environment = reach(Stage::Finished);
    let whole = environment.read(MAIN);
    without(&environment, KEY);
    environment.keyless("apply -auto-approve").exits(0);
    environment.keyless("plan -detailed-exitcode").exits(0);
    environment.write(MAIN, &whole);
    environment.keyless("apply -auto-approve").exits(0);
    environment.keyless("destroy -auto-approve").exits(0);
    let file = told_file(&environment);
    assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"), "{file}");
}

#[test]
fn a_forgotten_lane_is_not_destroyed_under_its_workload() {
    let environment = reach(Stage::UnderWay);
    let whole = environment.read(MAIN);
    without(&environment, KEY);
    environment.keyless("apply -auto-approve").exits(0).says("will be forgotten");
    told!("destroy_forgotten", environment.keyless("destroy -auto-approve").exits(1));
    check_workload(&environment.copied(), "forgotten");
    // With its block it is known again how to put the key back, whatever the block is called.
    environment.write(MAIN, &whole.replace("api_key \"app\"", "api_key \"device\""));
    environment.keyless("apply -auto-approve").exits(0);
    environment.keyless("destroy -auto-approve").exits(0);
    let file = told_file(&environment);
    assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"), "{file}");
}
