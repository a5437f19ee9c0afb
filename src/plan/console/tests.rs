use jiff::Timestamp;

use super::*;
use crate::config::{Configuration, FederationRule};
use crate::lane::Presence;
use crate::plan::{Mode, PlanInput, build};
use crate::resource::OrganizationRole;
use crate::sample::{
    ACCOUNT, ISSUER, KEY, RULE, account, address, bare, built, configuration, hour, plan_input,
    rule_arguments, rule_object, sightings, these,
};

type World = (Configuration, State, Observed);

fn fresh() -> World {
    (configuration(), State::default(), bare())
}

fn plan(world: &World, caller: Caller, mode: Mode) -> Plan {
    let input = PlanInput {
        mode,
        caller,
        ..plan_input(&world.0, &world.1, &world.2, sightings(&world.0, &Presence::Present))
    };
    let plan = build(input).unwrap();
    let moment = crate::plan_check::Moment {
        configuration: &world.0,
        state: &world.1,
        observed: &world.2,
        sightings: &sightings(&world.0, &Presence::Present),
        now: hour(0),
    };
    assert_eq!(crate::plan_check::check(&plan, Some(&moment)), []);
    plan
}

/// The addresses held back, each with what it waits for, and the steps at the API that go on.
#[track_caller]
fn check(
    mut world: World,
    caller: Caller,
    bend: impl FnOnce(&mut World),
    held: &[(&str, Option<&str>)],
    steps: &[&str],
) -> Plan {
    bend(&mut world);
    let plan = plan(&world, caller, Mode::Apply);
    let found: Vec<(String, Option<String>)> = plan
        .console
        .iter()
        .map(|task| (task.address.to_string(), task.waits_for.as_ref().map(Address::to_string)))
        .collect();
    let expected: Vec<(String, Option<String>)> =
        held.iter().map(|(address, root)| ((*address).to_owned(), root.map(str::to_owned))).collect();
    assert_eq!(found, expected);
    let ids = plan.steps.iter().filter(|step| step.operation.target().address.kind() != Kind::ApiKey);
    assert_eq!(ids.map(|step| step.id.as_str()).collect::<Vec<_>>(), steps);
    for task in &plan.console {
        assert!(plan.changes.iter().all(|change| change.address != task.address), "counted twice");
    }
    plan
}

fn the_rule(world: &mut World) -> &mut FederationRule {
    world.0.federation_rules.get_mut(&address(RULE)).unwrap()
}

fn admin_scope(world: &mut World) {
    the_rule(world).oauth_scope = "org:admin".to_owned();
}

/// The rule has the scope already, at the API and in the record.
fn admin_world() -> World {
    let mut world = built();
    admin_scope(&mut world);
    let observed = crate::sample::build(&world.0);
    let state = crate::sample::recorded(&world.0, &observed);
    (world.0, state, observed)
}

fn admin_role(world: &mut World) {
    world.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap().organization_role = OrganizationRole::Admin;
}

const ACCOUNT_STEPS: [&str; 2] =
    ["create/service_account.bot", "set-membership/service_account.bot/wrkspc_a"];

#[test]
fn a_rule_with_another_scope_is_made_by_hand_and_the_rest_goes_on() {
    let steps = [&ACCOUNT_STEPS[..], &["create/provider.oidc.ci"]].concat();
    let plan = check(fresh(), Caller::Person, admin_scope, &[(RULE, None)], &steps);
    let task = &plan.console[0];
    assert_eq!(task.action, Action::Create);
    assert!(task.why.contains("the scope `org:admin`") && task.how.contains("create the rule"), "{task:?}");
    assert_eq!(task.after.as_ref().unwrap()["oauth_scope"], "org:admin");
    assert_eq!(plan.counts().0, 2, "the rule is not counted as added");
    let tunnels = |world: &mut World| the_rule(world).oauth_scope = "workspace:inference workspace:x".into();
    check(fresh(), Caller::Unknown, tunnels, &[(RULE, None)], &steps);
}

#[test]
fn a_rule_made_by_hand_is_taken_under_care() {
    let (configuration, _, observed) = admin_world();
    let adopted = ["adopt/service_account.bot", "adopt/provider.oidc.ci", "adopt/federation_rule.bot"];
    let plan = plan(&(configuration, State::default(), observed), Caller::Person, Mode::Apply);
    assert!(plan.console.is_empty());
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids[..3], adopted);
}

#[test]
fn such_a_rule_is_changed_and_archived_by_hand() {
    let lifetime = |world: &mut World| the_rule(world).token_lifetime_seconds = 600;
    let plan = check(admin_world(), Caller::Person, lifetime, &[(RULE, None)], &[]);
    assert_eq!(plan.console[0].action, Action::Update);
    let workspaces = |world: &mut World| the_rule(world).workspaces = these(&["wrkspc_a", "wrkspc_b"]);
    check(admin_world(), Caller::Person, workspaces, &[(RULE, None)], &[]);
    // Losing the scope is a change of a rule that still has it.
    let narrow = |world: &mut World| the_rule(world).oauth_scope = "workspace:inference".into();
    check(admin_world(), Caller::Person, narrow, &[(RULE, None)], &[]);
    let widen = |world: &mut World| admin_scope(world);
    check(built(), Caller::Person, widen, &[(RULE, None)], &[]);
}

#[test]
fn what_such_a_rule_stands_on_is_archived_after_it() {
    let undeclared = |world: &mut World| {
        world.0.federation_rules.clear();
        world.0.providers.clear();
        world.0.service_accounts.clear();
        world.0.api_keys.clear();
    };
    let waits = Some(RULE);
    check(admin_world(), Caller::Person, undeclared, &[(RULE, None), (ISSUER, waits), (ACCOUNT, waits)], &[]);
}

#[test]
fn an_issuer_answers_for_the_rules_of_others_too() {
    let patience = |world: &mut World| {
        world.0.providers.get_mut(&address(ISSUER)).unwrap().max_jwt_lifetime_seconds = 60;
    };
    check(built(), Caller::Person, patience, &[], &["update/provider.oidc.ci", "verify/federation_rule.bot"]);
    let others = |archived: bool| {
        move |world: &mut World| {
            let mut arguments = rule_arguments(the_rule(world));
            (arguments.name, arguments.oauth_scope) = ("bootstrap".into(), "org:admin".into());
            let mut rule = rule_object("fdrl_other", arguments);
            rule.provenance.archived_at = archived.then_some(Timestamp::UNIX_EPOCH);
            world.2.rules.insert(rule.id.clone(), rule);
            patience(world);
        }
    };
    let plan = check(built(), Caller::Person, others(false), &[(ISSUER, None)], &[]);
    assert!(plan.console[0].why.contains("the rule bootstrap (fdrl_other)"), "{:?}", plan.console);
    check(
        built(),
        Caller::Person,
        others(true),
        &[],
        &["update/provider.oidc.ci", "verify/federation_rule.bot"],
    );
}

#[test]
fn only_a_person_gives_the_role_admin() {
    let all = [
        &ACCOUNT_STEPS[..],
        &["create/provider.oidc.ci", "create/federation_rule.bot", "verify/federation_rule.bot"],
    ]
    .concat();
    for caller in [Caller::Person, Caller::Unknown] {
        let plan = check(fresh(), caller, admin_role, &[], &all);
        assert_eq!(cautions(&plan, caller).len(), usize::from(caller == Caller::Unknown));
    }
    let held = [(ACCOUNT, None), (RULE, Some(ACCOUNT))];
    let plan = check(fresh(), Caller::Workload, admin_role, &held, &["create/provider.oidc.ci"]);
    assert!(plan.console[0].how.contains("person's login"), "{:?}", plan.console);
    let plan = check(built(), Caller::Workload, admin_role, &[(ACCOUNT, None)], &[]);
    assert_eq!(plan.console[0].action, Action::Update);
    // A description of an account that has the role already may be changed by anybody.
    let mut world = built();
    admin_role(&mut world);
    let observed = crate::sample::build(&world.0);
    let state = crate::sample::recorded(&world.0, &observed);
    let describe = |world: &mut World| {
        world.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap().description = "new".into();
    };
    let steps = ["update/service_account.bot", "verify/federation_rule.bot"];
    check((world.0, state, observed), Caller::Workload, describe, &[], &steps);
}

#[test]
fn a_lane_waits_for_the_person_and_says_so() {
    let plan = check(
        fresh(),
        Caller::Workload,
        admin_role,
        &[(ACCOUNT, None), (RULE, Some(ACCOUNT))],
        &["create/provider.oidc.ci"],
    );
    let lane = plan.lanes.iter().find(|lane| lane.address == address(KEY)).unwrap();
    assert!(lane.moves.is_empty());
    let person: Vec<&str> =
        lane.needs.iter().filter(|need| need.supplier == "person").map(|need| need.what.as_str()).collect();
    assert_eq!(person, ["federation_rule.bot, which is not created yet"]);
    assert!(lane.needs[0].remedy.as_ref().unwrap().contains(ACCOUNT));
}

#[test]
fn a_look_around_holds_nothing_back() {
    let mut world = fresh();
    admin_scope(&mut world);
    let looked = plan(&world, Caller::Person, Mode::RefreshOnly);
    assert!(looked.console.is_empty() && looked.steps.is_empty() && looked.changes.is_empty());
    assert!(looked.lanes[0].needs.iter().any(|need| need.supplier == "person"), "{:?}", looked.lanes);
}

#[test]
fn what_a_held_rule_stands_on_stays() {
    let turns = |world: &mut World| {
        let other = "service_account.other";
        world.0.service_accounts.clear();
        world
            .0
            .service_accounts
            .insert(address(other), account("other", &[("wrkspc_a", "workspace_developer")]));
        the_rule(world).service_account = address(other);
    };
    let made = ["create/service_account.other", "set-membership/service_account.other/wrkspc_a"];
    check(admin_world(), Caller::Person, turns, &[(RULE, None)], &made);
    let rest = ["update/federation_rule.bot", "verify/federation_rule.bot", "archive/service_account.bot"];
    let all = [&made[..], &rest].concat();
    check(built(), Caller::Person, turns, &[], &all);
}

#[test]
fn what_an_adopted_rule_stands_on_stays() {
    let adopted = |world: &mut World| {
        world.1.records.get_mut(&address(RULE)).unwrap().origin = keyless_state::Origin::Adopted;
        world.0 = Configuration::default();
    };
    let forgets = ["forget/federation_rule.bot", "forget/provider.oidc.ci", "forget/service_account.bot"];
    check(built(), Caller::Person, adopted, &[], &forgets);
}
