//! Runs that are stopped: by Ctrl-C, by the kernel, by another run's lock.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command};

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
    blocked_in(environment, environment.command(&APPLY))
}

fn blocked_in(environment: &Environment, mut command: Command) -> (Child, BufReader<ChildStderr>) {
    environment.pipe("started");
    environment.pipe("go");
    let mut child = command.spawn().unwrap();
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

/// Reads on until these words were told.
#[track_caller]
fn until(stderr: &mut BufReader<ChildStderr>, told: &mut String, words: &str) {
    while !told.contains(words) {
        assert!(stderr.read_line(told).unwrap() > 0, "no {words:?} in\n{told}");
    }
}

/// Sends a signal to a process, or to a whole group where its number is negative.
fn signal(name: &str, process: i64) {
    let status = Command::new("kill").args([&format!("-{name}"), "--", &process.to_string()]).status();
    assert!(status.unwrap().success());
}

/// The removal that had begun ends and is recorded, and nothing after it is begun.
#[track_caller]
fn ends_cleanly(environment: &Environment, mut child: Child, mut stderr: impl Read, mut told: String) {
    environment.write("go", "go\n");
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(told.contains("Interrupted. What was begun has ended and is recorded"), "{told}");
    let state: Value = environment.state();
    assert!(state["lanes"]["api_key.batch"].is_object(), "{state:#}");
    environment.apply();
    assert_eq!(objects(environment), uninterrupted());
}

#[test]
fn an_interrupted_run_ends_cleanly_and_goes_on_later() {
    let signals = [
        ("INT", "Interrupt received"),
        ("TERM", "Termination asked for (SIGTERM)"),
        ("HUP", "The terminal went away (SIGHUP)"),
    ];
    for (name, words) in signals {
        let environment = Environment::two_lanes();
        environment.write("signal", name);
        let (child, mut stderr) = blocked(&environment);
        let mut told = String::new();
        until(&mut stderr, &mut told, words);
        std::fs::remove_file(environment.path("signal")).unwrap();
        ends_cleanly(&environment, child, stderr, told);
    }
}

#[test]
fn an_interrupt_of_the_terminal_reaches_no_command() {
    let environment = Environment::two_lanes();
    let mut command = environment.command(&APPLY);
    command.process_group(0);
    let (child, mut stderr) = blocked_in(&environment, command);
    let mut told = String::new();
    signal("INT", -i64::from(child.id()));
    until(&mut stderr, &mut told, "Interrupt received");
    ends_cleanly(&environment, child, stderr, told);
}

/// What holds the pipe `held` open is gone when this returns.
fn is_let_go(environment: &Environment) -> std::thread::JoinHandle<String> {
    environment.pipe("held");
    let path = environment.path("held");
    std::thread::spawn(move || std::fs::read_to_string(path).unwrap())
}

#[test]
fn the_second_signal_ends_at_once_also_what_blocks() {
    let environment = Environment::two_lanes();
    let script = environment.read("remove.sh");
    environment.write("remove.sh", &format!("if [ -e held ]; then exec 3> held; sleep 1000 & fi\n{script}"));
    let held = is_let_go(&environment);
    let (mut child, mut stderr) = blocked(&environment);
    let mut told = String::new();
    signal("INT", child.id().into());
    until(&mut stderr, &mut told, "Interrupt received");
    signal("TERM", child.id().into());
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    held.join().unwrap();
    std::fs::remove_file(environment.path("held")).unwrap();
    std::fs::remove_file(environment.path("go")).unwrap();
    environment.apply();
    assert_eq!(objects(&environment), uninterrupted());
}

#[test]
fn a_look_ends_at_the_first_signal_with_the_commands_it_started() {
    let environment = Environment::two_lanes();
    environment.edit(
        "batch.keyless.hcl",
        "\"if grep -q",
        "\"echo started > started; exec 3> held; read -r _ < go; if grep -q",
    );
    let held = is_let_go(&environment);
    environment.pipe("started");
    environment.pipe("go");
    let mut child = environment.command(&["plan"]).spawn().unwrap();
    assert_eq!(environment.read("started"), "started\n");
    signal("INT", child.id().into());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    held.join().unwrap();
}

#[test]
fn a_simulator_that_is_asked_to_end_saves_its_organization() {
    let environment = Environment::one_lane();
    let mut child = environment.command(&["simulate"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    signal("TERM", child.id().into());
    assert_eq!(child.wait().unwrap().code(), Some(0));
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
