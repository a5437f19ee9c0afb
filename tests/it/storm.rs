//! Every fault on every kind of call of an apply, and then quiet runs: they end where an undisturbed
//! run does, with nothing twice, nothing forgotten and no workload without a credential.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::Environment;

mod end;
mod fault;
mod kind;
mod misses;
mod trial;

use fault::{FAULTS, REACHES, Reach};
use kind::Kind;
use trial::{Calm, Storm};

/// All storms of these kinds of calls.
fn storms(kinds: &[Kind]) -> Vec<Storm> {
    let mut storms = Vec::new();
    for kind in kinds {
        for fault in FAULTS.into_iter().filter(|fault| fault.fits(kind)) {
            for reach in REACHES.into_iter().filter(|reach| *reach != Reach::Later || kind.calls > 1) {
                storms.push(Storm { kind: kind.clone(), fault, reach });
            }
        }
    }
    storms
}

/// Lets storms pass, several at a time; what failed, and how many passed or failed.
fn let_pass(storms: &[Storm], calm: &Calm, make: fn() -> Environment) -> (Vec<(usize, String)>, usize) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let ended = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(storm) = storms.get(at) else { break };
            if let Err(why) = storm.pass(&make(), &calm.end) {
                failed.lock().unwrap().push((at, why));
            }
            ended.fetch_add(1, Ordering::Relaxed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    (failed, ended.into_inner())
}

#[test]
fn whatever_goes_wrong_with_a_call_later_runs_end_where_an_undisturbed_one_does() {
    let calm = Calm::reach(&Environment::two_lanes()).unwrap();
    let storms = storms(&calm.kinds);
    let (failed, ended) = let_pass(&storms, &calm, Environment::two_lanes);
    eprintln!("{ended} storms: {} kinds of calls, {} failed", calm.kinds.len(), failed.len());
    for (at, why) in &failed {
        eprintln!("=== {}\n{why}", storms[*at].name());
    }
    assert!(failed.is_empty());
}
