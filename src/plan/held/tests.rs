use super::*;
use crate::plan::{self, Plan, PlanInput};
use crate::sample::{ACCOUNT, ISSUER, KEY, RULE, address, built, hour, id_of, plan_input, sightings};

type World = (Configuration, State, Observed);

fn unreadable(noun: &'static str, name: Option<&str>) -> Unreadable {
    Unreadable { noun, name: name.map(str::to_owned), why: "missing field `match`".to_owned() }
}

fn plan(world: &World) -> Plan {
    let (configuration, state, observed) = world;
    let input = PlanInput {
        now: hour(10),
        skip_waits: true,
        ..plan_input(
            configuration,
            state,
            observed,
            sightings(configuration, &crate::lane::Presence::Present),
        )
    };
    plan::build(input).expect("the rest goes on")
}

/// What is held back, and whether the lane may move.
#[track_caller]
fn check(world: &World, held: &[&str], moves: bool) -> Plan {
    let plan = plan(world);
    let found: Vec<String> = plan.held.iter().map(|held| held.address.to_string()).collect();
    assert_eq!(found, held);
    let of_held =
        plan.steps.iter().filter(|step| found.contains(&step.operation.target().address.to_string()));
    assert_eq!(of_held.count(), 0, "{:?}", plan.steps);
    assert_eq!(plan.steps.iter().any(|step| step.lane.is_some()), moves, "{:?}", plan.steps);
    plan
}

/// Takes an object out of what can be read.
fn spoil(world: &mut World, object: &str, noun: &'static str) {
    let id = id_of(&address(object));
    world.2.rules.remove(&id);
    world.2.issuers.remove(&id);
    world.2.service_accounts.remove(&id);
    world.2.unreadable.insert(id, unreadable(noun, None));
}

#[test]
fn nothing_is_done_with_what_cannot_be_read_and_its_lane() {
    check(&built(), &[], true);
    for (object, noun, mut held) in [
        (RULE, "federation rule", vec![RULE]),
        (ISSUER, "federation issuer", vec![RULE, ISSUER]),
        (ACCOUNT, "service account", vec![RULE, ACCOUNT]),
    ] {
        let mut world = built();
        spoil(&mut world, object, noun);
        held.sort_by_key(|text| address(text));
        let plan = check(&world, &held, false);
        assert!(plan.drift.is_empty(), "it is not gone: {:?}", plan.drift);
    }
    let mut world = built();
    world.2.api_keys.remove("apikey_1");
    world.2.unreadable.insert("apikey_1".to_owned(), unreadable("API key", None));
    check(&world, &[KEY], false);
}

#[test]
fn what_is_declared_and_may_be_there_is_not_created() {
    for (name, held) in [(None, true), (Some("other"), false)] {
        let mut world = built();
        spoil(&mut world, RULE, "federation rule");
        world.1.records.remove(&address(RULE));
        world.2.unreadable.insert(id_of(&address(RULE)), unreadable("federation rule", name));
        let plan = plan(&world);
        let creates = plan.steps.iter().any(|step| step.id == format!("create/{RULE}"));
        assert_eq!((!plan.held.is_empty(), creates), (held, !held), "{name:?}");
    }
}

#[test]
fn what_is_no_longer_declared_stays_until_it_can_be_read() {
    let mut world = built();
    spoil(&mut world, RULE, "federation rule");
    world.0.api_keys.clear();
    world.0.federation_rules.clear();
    world.0.providers.clear();
    world.0.service_accounts.clear();
    let plan = plan(&world);
    assert!(
        !plan.steps.iter().any(|step| step.operation.target().address != &address(KEY)),
        "{:?}",
        plan.steps
    );
    assert_eq!(plan.held.len(), 3);
}
