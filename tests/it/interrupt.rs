//! Runs that are stopped: by Ctrl-C, by the kernel, by another run's lock.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr};

use serde_json::Value;

use super::support::Environment;

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-parallelism=1"];

/// Names and states of all objects, without what depends on when a run happened.
fn objects(environment: &Environment) -> Vec<String> {
    let world = environment.world();
    let mut found = Vec::new();
    for kind in ["issuers", "service_accounts", "rules", "api_keys"] {
        for (id, object) in world[kind].as_object().unwrap() {
            found.push(format!(
                "{kind} {id} {} {} {}",
                object["name"], object["status"], object["archived_at"]
            ));
        }
    }
    found
}

fn uninterrupted() -> Vec<String> {
    let environment = Environment::two_lanes();
    environment.apply();
    objects(&environment)
}

/// A run that stands still in the middle of taking a key out.
fn blocked(environment: &Environment) -> (Child, BufReader<ChildStderr>) {
    environment.pipe("started");
    environment.pipe("go");
    let mut child = environment.command(&APPLY).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    // Opening a pipe waits for the other side, so the removal has begun when this returns.
    assert_eq!(environment.read("started"), "started\n");
    std::fs::remove_file(environment.path("started")).unwrap();
    (child, stderr)
}

#[test]
fn a_killed_run_is_taken_up_again_without_doubles() {
    let expected = uninterrupted();
    for moment in ["kill-before", "kill-after"] {
        let environment = Environment::two_lanes();
        environment.write(moment, "");
        assert_eq!(environment.run(&APPLY).code, None, "a signal ends it {moment}");
        let again = environment.run(&APPLY).exits(0);
        insta::assert_snapshot!(format!("after_{moment}"), again.told());
        environment.keyless("plan -detailed-exitcode").exits(0);
        assert_eq!(objects(&environment), expected, "{moment}");
    }
}

#[test]
fn an_interrupted_run_ends_cleanly_and_goes_on_later() {
    let environment = Environment::two_lanes();
    environment.write("interrupt", "");
    let (mut child, mut stderr) = blocked(&environment);
    let mut told = String::new();
    while !told.contains("Interrupt received") {
        assert!(stderr.read_line(&mut told).unwrap() > 0, "{told}");
    }
    std::fs::remove_file(environment.path("interrupt")).unwrap();
    environment.write("go", "go\n");
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(told.contains("Interrupted. What was begun has ended and is recorded"), "{told}");
    let state: Value = environment.state();
    assert!(state["lanes"]["api_key.batch"].is_object(), "{state:#}");
    environment.apply();
    assert_eq!(objects(&environment), uninterrupted());
}

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let environment = Environment::two_lanes();
    let (mut child, mut stderr) = blocked(&environment);
    told!("locked", environment.run(&APPLY).exits(1));
    environment.write("go", "go\n");
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
    assert_eq!(objects(&environment), uninterrupted());
}

#[test]
fn a_removal_that_took_effect_and_failed_is_settled_by_looking() {
    let environment = Environment::two_lanes();
    environment.keyless("plan").exits(0);
    let vault = environment.read("batch/key.env");
    environment.edit("remove.sh", "# Takes", "echo called >> calls\n# Takes");
    let script = environment.read("remove.sh");
    environment.write("remove.sh", &format!("{script}\nexit 3\n"));
    environment.run(&APPLY).exits(1);
    assert!(environment.read("batch/key.env") != vault);
    assert_eq!(environment.lane("api_key.batch")["key_status"], "active");
    environment.write("remove.sh", &script);
    environment.apply();
    assert_eq!(environment.read("calls"), "called\n", "what was found done is not done again");
    assert_eq!(objects(&environment), uninterrupted());
}
