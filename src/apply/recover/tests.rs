//! Steps that were left in doubt, and what later looks make of them.

use keyless_state::Mutation;

use super::*;
use crate::plan::{self, PlanInput};
use crate::resource::Provenance;
use crate::sample::{ACCOUNT, RULE, address, bare, built, hour, id_of, plan_input, record, sightings};

type World = (Configuration, State, Observed);

/// The create of the account was announced in hour 10; the account is not recorded.
fn doubt(world: &World) -> InDoubt {
    let arguments = world.2.service_accounts[&id_of(&address(ACCOUNT))].arguments.clone();
    let operation = Operation::CreateServiceAccount { address: address(ACCOUNT), arguments };
    let operation = serde_json::to_value(operation).unwrap();
    InDoubt { run: "run".to_owned(), step: "create/account".to_owned(), operation, since: hour(10) }
}

/// A world in which an account of that name is there since this hour, without memberships.
fn world(created: Option<i64>) -> World {
    let (configuration, mut state, mut observed) = built();
    state.records.remove(&address(ACCOUNT));
    let account = observed.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
    assert!(!account.memberships.is_empty(), "memberships follow as steps of their own");
    account.memberships.clear();
    account.provenance = Provenance { created_at: created.map(hour), ..Provenance::default() };
    (configuration, state, observed)
}

fn look(world: &World, at: i64) -> Option<Event> {
    let (configuration, state, observed) = world;
    let seen = sightings(configuration, &Presence::Present);
    settle(&doubt(&self::world(None)), configuration, state, observed, &seen, hour(at))
}

#[track_caller]
fn check_failed(event: Option<Event>, why: &str) {
    match event {
        Some(Event::StepFailed { error, .. }) => assert!(error.contains(why), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_create_that_is_not_seen_stays_in_doubt_for_a_while() {
    let mut world = world(Some(10));
    world.2 = bare();
    assert_eq!(look(&world, 10), None);
    check_failed(look(&world, 11), "no list shows");
}

#[test]
fn what_it_made_is_recorded_as_ours_and_its_memberships_follow() {
    let mut world = world(Some(10));
    let Some(Event::StepDone { changes, .. }) = look(&world, 10) else { panic!("it is seen") };
    let [Mutation::PutRecord { record, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(record.origin, keyless_state::Origin::Created);
    changes.iter().for_each(|change| world.1.apply(change));
    let (configuration, state, observed) = &world;
    let input = PlanInput {
        now: hour(10),
        ..plan_input(configuration, state, observed, sightings(configuration, &Presence::Present))
    };
    let plan = plan::build(input).unwrap();
    let words = plan.steps.iter().filter(|step| *step.operation.target().address == address(ACCOUNT));
    let words: Vec<&str> = words.map(|step| step.operation.word()).collect();
    assert!(!words.is_empty() && words.iter().all(|word| *word == "set-membership"), "{words:?}");
}

#[test]
fn what_was_there_before_or_tells_no_time_is_not_ours() {
    assert_eq!(look(&world(Some(9)), 10), None);
    assert_eq!(look(&world(None), 10), None);
}

#[test]
fn what_is_not_what_was_asked_is_not_ours() {
    let mut world = world(Some(10));
    let account = world.2.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
    account.arguments.description.push_str(" of others");
    assert_eq!(look(&world, 10), None);
}

#[test]
fn an_account_that_another_step_made_is_not_recorded_again() {
    let mut world = world(Some(10));
    world.1.records.insert(address(ACCOUNT), record("svac_other", plan::Attributes::new(), &[]));
    check_failed(look(&world, 10), "another step");
}

#[test]
fn an_archive_is_not_done_where_the_object_is_not_shown() {
    let (configuration, state, mut observed) = built();
    let operation = serde_json::to_value(Operation::Archive { address: address(RULE) }).unwrap();
    let doubt =
        InDoubt { run: "run".to_owned(), step: "archive/rule".to_owned(), operation, since: hour(10) };
    let seen = sightings(&configuration, &Presence::Present);
    let rule = observed.rules.get_mut(&id_of(&address(RULE))).unwrap();
    rule.provenance.archived_at = Some(hour(10));
    let done = settle(&doubt, &configuration, &state, &observed, &seen, hour(10));
    assert!(matches!(done, Some(Event::StepDone { .. })), "{done:?}");
    observed.rules.clear();
    check_failed(settle(&doubt, &configuration, &state, &observed, &seen, hour(10)), "before it took effect");
}
