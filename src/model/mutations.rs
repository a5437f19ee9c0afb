//! Each guard switched off, one at a time: the model must find what it guards against.

use stateright::{Checker, HasDiscoveries, Model};

use super::explore::left;
use super::scope::{Scope, Without};
use super::world::{Left, Wrong};
use crate::lane::blindfold::Blind;

/// Explores with something switched off; what went wrong must be one of these.
#[track_caller]
fn found(without: Without, scope: Scope, expected: &[Wrong]) {
    let scope = Scope { without, ..scope };
    let checker = scope.checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let discoveries = checker.discoveries();
    let wrong =
        discoveries.values().find_map(|path| path.last_state().wrong.as_ref().map(|(wrong, _)| *wrong));
    let states = checker.unique_state_count();
    println!("{without:?}: {wrong:?} after {states} states");
    assert!(
        wrong.is_some_and(|wrong| expected.contains(&wrong)),
        "{without:?}: {wrong:?} after {states} states"
    );
}

fn gate(blind: Blind) -> Without {
    Without { gate: Some(blind), ..Without::default() }
}

fn small(left: Left) -> Scope {
    Scope { left, ..Scope::of(1, 1, 1) }
}

macro_rules! without {
    ($($name:ident: $without:expr, $scope:expr, $expected:expr;)*) => { $(
        #[test]
        fn $name() {
            found($without, $scope, &$expected);
        }
    )* };
}

use Wrong::{Harmed, Lost, NotBack, Overridden, Plan, Stuck, Unfounded};

without! {
    no_proof: gate(Blind::Proof), Scope { broken: true, ..small(left(0)) }, [Plan, Unfounded, Harmed];
    no_age_of_the_proof: gate(Blind::ProofAge),
        small(Left { days: 1, crashes: 1, ..left(0) }), [Plan, Unfounded, Harmed];
    no_sign_that_a_workload_knows_its_rule: gate(Blind::Named),
        small(left(0)).by_hand(), [Plan, Unfounded, Harmed];
    no_removal: gate(Blind::Removal), Scope { report_together: true, ..small(left(3)) }, [Plan, Unfounded, Harmed];
    no_report: gate(Blind::Report), small(left(3)), [Plan, Unfounded];
    no_age_of_the_report: gate(Blind::ReportAge),
        small(Left { keys_put_back: 1, reports: 2, ..left(3) }), [Plan, Unfounded];
    no_winner_of_the_report: gate(Blind::ReportWinner),
        small(Left { days: 1, ..left(3) }), [Plan, Unfounded, Harmed];
    no_silence: gate(Blind::Use), small(Left { strangers: 1, ..left(3) }), [Plan, Unfounded];
    no_traffic: gate(Blind::Traffic), small(Left { idle: 2, ..left(3) }), [Plan, Unfounded];
    no_reactivation: gate(Blind::Reactivation), small(Left { status_by_hand: 1, ..left(3) }), [Plan, Unfounded];
    no_noticing_of_a_reactivation: Without { noticing: true, ..Without::default() },
        small(Left { status_by_hand: 1, ..left(3) }), [Overridden];
    no_respect_for_somebody_elses_choice: gate(Blind::SomebodyElse),
        small(Left { status_by_hand: 1, ..left(3) }).archiving(), [Plan, Unfounded, Overridden];
    no_hold_after_a_way_back: gate(Blind::Held), small(Left { backs: 1, ..left(3) }), [Plan, Unfounded, Overridden];
    no_new_evidence_after_a_way_back: gate(Blind::RolledBack),
        small(Left { backs: 1, reports: 2, ..left(3) }), [Plan, Unfounded, Overridden];
    no_wait_before_archive: gate(Blind::ArchiveWait), small(left(2)).archiving(), [Plan, Unfounded];
    no_approval: gate(Blind::Approval), small(left(3)).archiving(), [Plan, Unfounded];
    no_look_at_use_while_inactive: gate(Blind::UseWhileInactive), small(Left { strangers: 1, ..left(4) }).archiving(), [Plan, Unfounded];
    no_second_look_at_a_status: Without { rereads: true, ..Without::default() },
        small(Left { status_by_hand: 1, backs: 1, ..left(2) }), [Plan, Harmed, Overridden];
    no_settling: Without { settling: true, ..Without::default() },
        small(Left { crashes: 1, ..left(3) }), [Lost, Stuck, Plan];
    no_announcing: Without { announcing: true, ..Without::default() },
        small(Left { crashes: 1, ..left(3) }), [Lost, Stuck, Plan];
    no_doubt_after_a_lost_answer: Without { doubting: true, ..Without::default() },
        small(Left { lost: 1, ..left(3) }), [Lost, Stuck, Plan];
    no_look_before_a_create: Without { looking: true, doubting: true, ..Without::default() },
        Scope { built: false, ..small(Left { lost: 1, ..left(0) }) }, [Unfounded, Plan];
    no_order_of_removal: Without { order: Some("remove"), gate: Some(Blind::Configured), ..Without::default() },
        small(left(0)), [Plan, Unfounded, Harmed];
    no_order_of_put_back: Without { order: Some("restore"), rereads: true, ..Without::default() },
        Scope { parallelism: 2, ..small(Left { backs: 1, ..left(2) }) }, [Unfounded, Harmed];
    no_order_of_taking_settings_out: Without { order: Some("unconfigure"), ..Without::default() },
        Scope { parallelism: 2, ..small(Left { backs: 1, ..left(1) }) }, [Unfounded, Harmed];
    no_order_of_archives: Without { order: Some("archive"), ..Without::default() },
        Scope { built: false, parallelism: 8, ..small(Left { backs: 1, ..left(0) }) }, [Unfounded, Harmed, NotBack];
}
