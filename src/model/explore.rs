//! Full explorations, each with its bound. The names say what may happen besides keyless runs, hours
//! that pass and reports of workloads.

use stateright::{Checker, DiscoveryClassification, Model};

use super::scope::Scope;
use super::world::Left;

/// Explores every state of a scope, and tells how many there are.
#[track_caller]
fn explore(name: &str, scope: Scope) {
    let checker = scope.checker().threads(1).spawn_bfs().join();
    assert!(checker.is_done(), "{name} was not explored to its end");
    for (property, path) in checker.discoveries() {
        if let DiscoveryClassification::Counterexample = checker.discovery_classification(property) {
            let wrong = path.last_state().wrong.clone();
            panic!("{name}: {property}: {wrong:?}\n{:#?}", path.into_actions());
        }
    }
    checker.assert_properties();
    println!("{name}: {} states", checker.unique_state_count());
}

/// So many hours, and one report.
pub(super) fn left(hours: u8) -> Left {
    Left { hours, reports: 1, ..Left::default() }
}

/// One key with one consumer and one rule.
fn one(left: Left) -> Scope {
    Scope { left, ..Scope::of(1, 1, 1) }
}

/// The same, where nothing is built yet.
fn from_nothing(left: Left) -> Scope {
    Scope { built: false, ..one(left) }
}

/// The workloads of a lane report together.
fn several(keys: usize, consumers: usize, parallelism: usize, left: Left) -> Scope {
    Scope { parallelism, report_together: true, left, ..Scope::of(keys, consumers, 2) }
}

macro_rules! explorations {
    ($($name:ident: $scope:expr;)*) => { $(
        #[test]
        fn $name() {
            explore(stringify!($name), $scope);
        }
    )* };
}

explorations! {
    nothing_else: one(left(2));
    two_crashes: one(Left { crashes: 2, ..left(2) });
    nothing_built_crash_and_failure: from_nothing(Left { crashes: 1, failures: 1, ..left(2) });
    nothing_built_crash_and_way_back: from_nothing(Left { crashes: 1, backs: 1, ..left(2) });
    nothing_built_lost_answer: from_nothing(Left { lost: 1, ..left(2) });
    lost_answer_and_crash: one(Left { lost: 1, crashes: 1, ..left(2) });
    lost_answer_and_way_back: one(Left { lost: 1, backs: 1, ..left(2) });
    status_by_hand_and_crash: one(Left { status_by_hand: 1, crashes: 1, ..left(3) });
    status_by_hand_twice: one(Left { status_by_hand: 2, ..left(2) });
    status_by_hand_and_way_back: one(Left { status_by_hand: 1, backs: 1, ..left(2) });
    key_put_back_and_report_withdrawn: one(Left { keys_put_back: 1, withdrawn: 1, reports: 2, ..left(3) });
    stranger_and_crash: one(Left { strangers: 1, crashes: 1, ..left(3) });
    idle_workload: one(Left { idle: 2, ..left(4) });
    broken_rule_rule_and_settings_by_hand:
        Scope { broken: true, ..one(Left { rules_by_hand: 1, settings_by_hand: 1, ..left(2) }) };
    broken_rule_a_day_and_crash: Scope { broken: true, ..one(Left { days: 1, crashes: 1, ..left(2) }) };
    settings_by_hand_and_crash: one(Left { crashes: 1, reports: 2, ..left(2) }).by_hand();
    settings_by_hand_nothing_built_and_way_back: from_nothing(Left { backs: 1, reports: 2, ..left(2) }).by_hand();
    archive_and_crash: one(Left { crashes: 1, ..left(3) }).archiving();
    archive_status_by_hand_and_stranger: one(Left { status_by_hand: 1, strangers: 1, ..left(3) }).archiving();
    three_consumers_that_report_one_by_one: Scope { left: Left { reports: 3, ..left(2) }, ..Scope::of(1, 3, 2) };
    three_consumers_two_calls_in_flight_and_crash: several(1, 3, 2, Left { crashes: 1, ..left(2) });
    two_keys_two_calls_in_flight: several(2, 1, 2, Left { reports: 2, ..left(2) });
    two_keys_and_crash: several(2, 1, 1, Left { crashes: 1, reports: 2, ..left(2) });
    three_keys: several(3, 3, 1, Left { reports: 3, ..left(2) });
    three_keys_and_crash: several(3, 3, 1, Left { crashes: 1, ..left(2) });
}
