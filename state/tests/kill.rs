//! A process that is killed loses nothing it was told is on the disk.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keyless_state::Checkpoint;
use serde_json::json;
use support::{at, done, folder, open, outputs, put, started};

/// Set for the process that is going to be killed: the folder of its store.
const FOLDER: &str = "KEYLESS_TEST_FOLDER";

/// Carries numbered steps out, saying so on standard output once each is acknowledged.
fn work(dir: &Path, rounds: u64) {
    let mut store = open(dir);
    let count =
        |store: &keyless_state::Store| store.state().outputs.get("count").and_then(|o| o.value.as_u64());
    let first = count(&store).unwrap_or(0) + 1;
    let run = format!("run-{first}");
    for round in first..first + rounds {
        let step = format!("step-{round}");
        store.append(&run, at(1), started(&step)).expect("appended");
        let changes = vec![outputs(round), put(&format!("n{}", round % 5), json!(round))];
        store.append(&run, at(1), done(&step, changes)).expect("appended");
        say("acknowledged", round);
        if round % 7 == 0 {
            let state = store.state().clone();
            let (name, reason) = (format!("c{round}"), "often".to_owned());
            let checkpoint = Checkpoint { name, taken_at: at(1), reason, lane: None, serial: 0, state };
            store.checkpoint(&run, checkpoint).expect("taken");
            say("kept", round);
        }
        if round % 3 == 0 {
            store.save(at(1), "0.1.0").expect("saved");
        }
    }
    store.close().expect("closed");
}

/// Tells the parent. The line break before it keeps the line apart from what the test runner prints.
fn say(what: &str, round: u64) {
    println!("\n{what} {round}");
    std::io::stdout().flush().expect("a pipe");
}

/// The work alone; under the variable it goes on until the process is killed.
#[test]
fn acknowledged_work_is_there() {
    match std::env::var_os(FOLDER) {
        Some(dir) => work(&PathBuf::from(dir), u64::MAX / 2),
        None => {
            let dir = folder();
            work(dir.path(), 10);
            check(dir.path(), 10, &[7]);
        }
    }
}

fn check(dir: &Path, acknowledged: u64, kept: &[u64]) {
    let mut store = open(dir);
    let count = store.state().outputs["count"].value.as_u64().expect("a number");
    assert!(count >= acknowledged, "{acknowledged} steps were acknowledged, {count} are there");
    let history = store.journal_history().expect("all");
    let told = |round: u64| {
        let step = format!("step-{round}");
        history
            .iter()
            .any(|entry| matches!(&entry.event, keyless_state::Event::StepDone { step: s, .. } if *s == step))
    };
    assert!((1..=count).all(told), "the history lacks steps");
    assert!(history.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "the history has holes");
    let checkpoints = store.checkpoints().expect("all");
    let found = |round: &u64| checkpoints.iter().any(|checkpoint| checkpoint.name == format!("c{round}"));
    assert!(kept.iter().all(found), "checkpoints are missing");
    // A step that was under way when the process was killed is settled, as an apply would.
    for step in store.in_doubt().to_vec() {
        let failed = keyless_state::Event::StepFailed { step: step.step, error: "killed".to_owned() };
        store.append(&step.run, at(2), failed).expect("settled");
    }
    assert!(store.in_doubt().is_empty());
    store.close().expect("closed");
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let dir = folder();
    let (mut last, mut kept) = (0, Vec::new());
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", "acknowledged_work_is_there"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut heard = 0;
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("kept ") {
                kept.push(number.parse().expect("a number"));
            }
            let Some(number) = line.strip_prefix("acknowledged ") else { continue };
            last = number.parse().expect("a number");
            heard += 1;
            if heard == 1 + round * 2 {
                child.kill().expect("killed");
            }
        }
        assert!(!child.wait().expect("over").success(), "the child ended by itself");
        check(dir.path(), last, &kept);
    }
    assert!(last > 12, "the children did next to nothing");
}
