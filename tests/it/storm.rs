//! Every fault on every kind of call of an apply, and then quiet runs: they end where an undisturbed
//! run does, with nothing twice, nothing forgotten and no workload without a credential.
//!
//! A storm over two lanes takes half a second of processor time in a debug build, one over the example of
//! eleven keys three seconds. So the whole matrix passes over two lanes, which make all kinds of calls
//! but one; over the example passes one storm of each fault, and two on the kind that is left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::Environment;

mod end;
mod fault;
mod kind;
mod misses;
mod trial;

use fault::{FAULTS, Fault, Reach};
use kind::Kind;
use trial::{Calm, Storm};

/// So many storms there were; fewer are a mistake, more are not.
const STORMS_LEAST: usize = 240;
const STORMS_OF_EXAMPLE_LEAST: usize = 12;

/// All storms of these kinds of calls.
fn matrix(kinds: &[Kind]) -> Vec<Storm> {
    let mut storms = Vec::new();
    for kind in kinds {
        for fault in FAULTS.into_iter().filter(|fault| fault.fits(kind)) {
            let reaches = fault.reaches(kind).into_iter();
            storms.extend(reaches.map(|reach| Storm { kind: kind.clone(), fault, reach }));
        }
    }
    storms
}

/// One storm of each fault, on kinds of calls in turn.
fn diagonal(kinds: &[Kind]) -> Vec<Storm> {
    let one = |(at, fault): (usize, Fault)| {
        let met: Vec<&Kind> = kinds.iter().filter(|kind| fault.meets(kind) && kind.calls > 1).collect();
        // Five steps ahead, so that the turn does not follow the alphabet.
        let kind = met[at * 5 % met.len()].clone();
        Storm { kind, fault, reach: Reach::Later }
    };
    FAULTS.into_iter().enumerate().map(one).collect()
}

/// Lets storms pass, several at a time; why some ended badly, by their places.
fn let_pass(storms: &[Storm], calm: &Calm, make: fn() -> Environment) -> Vec<(usize, String)> {
    let (next, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, storm)) = storms.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let pass = AssertUnwindSafe(|| storm.pass(&make().unrecorded(), &calm.end));
            let passed = catch_unwind(pass).unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
            if let Err(why) = passed {
                failed.lock().unwrap().push((at, why));
            }
            ended.fetch_add(1, Ordering::Relaxed);
        }
    };
    // Some wait for a call that nobody answers.
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    assert_eq!(ended.into_inner(), storms.len());
    failed.into_inner().unwrap()
}

/// Demands that all storms passed but those that are known to show a miss, and those as they are known.
fn judge(storms: &[Storm], failed: &[(usize, String)]) {
    let (mut known, mut wrong) = (0, Vec::new());
    for (at, storm) in storms.iter().enumerate() {
        let why = failed.iter().find(|(failed, _)| *failed == at).map(|(_, why)| why);
        match (why, misses::sign(storm)) {
            (Some(why), Some(sign)) if why.contains(sign) => known += 1,
            (Some(why), _) => wrong.push(format!("=== {}\n{why}", storm.name())),
            (None, Some(_)) => wrong.push(format!("=== {}\nit is no miss any more", storm.name())),
            (None, None) => {}
        }
    }
    println!("{} storms: {} known misses, {} new", storms.len(), known, wrong.len());
    assert!(wrong.is_empty(), "{} of {} storms:\n{}", wrong.len(), storms.len(), wrong.join("\n"));
}

#[test]
fn whatever_goes_wrong_with_a_call_later_runs_end_where_an_undisturbed_one_does() {
    let calm = Calm::reach(&Environment::two_lanes()).unwrap();
    let storms = matrix(&calm.kinds);
    assert!(storms.len() >= STORMS_LEAST, "{} storms of {:#?}", storms.len(), calm.kinds);
    let known = storms.iter().filter(|storm| misses::sign(storm).is_some()).count();
    assert_eq!(known, misses::count(), "a miss is known of a storm that is not there");
    judge(&storms, &let_pass(&storms, &calm, Environment::two_lanes));
}

#[test]
fn the_example_weathers_every_fault_and_the_worst_of_calls_that_only_it_makes() {
    let example = || Environment::example("eleven-keys");
    let (few, calm) = (Calm::reach(&Environment::two_lanes()).unwrap(), Calm::reach(&example()).unwrap());
    let is_new = |kind: &&Kind| few.kinds.iter().all(|other| other.name() != kind.name());
    let new: Vec<Kind> = calm.kinds.iter().filter(is_new).cloned().collect();
    let mut storms = diagonal(&calm.kinds);
    let telling = [Fault::Unavailable, Fault::GarbledObject];
    storms.extend(
        matrix(&new)
            .into_iter()
            .filter(|storm| storm.reach == Reach::Always && telling.contains(&storm.fault)),
    );
    assert!(storms.len() >= STORMS_OF_EXAMPLE_LEAST, "{storms:#?}");
    judge(&storms, &let_pass(&storms, &calm, example));
}

#[test]
fn every_fault_that_is_documented_is_let_loose() {
    let documented = include_str!("../../docs/simulator.md");
    let table = documented.split_once("| `fault` |").unwrap().1.split_once("\n\n").unwrap().0;
    let words = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    // No run of the program makes or changes a workspace.
    let met = words.filter(|word| !["workspace_created_incomplete", "change_outcome_unknown"].contains(word));
    for word in met {
        assert!(FAULTS.iter().any(|fault| fault.word() == word), "{word}");
    }
}
