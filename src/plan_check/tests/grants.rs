//! What steps take from a workload that federates.

use keyless_state::{Binding, Grant, Identity};

use super::worlds::{World, confirmed};
use super::*;
use crate::binding;
use crate::plan::{Step, issuer_arguments};
use crate::resource::{Match, RuleArguments, RuleWorkspaces};
use crate::sample::{ACCOUNT, CONSUMER, ISSUER, id_of, rule_arguments};

/// The one workload lives off the one rule, and its tokens were seen if `shown`.
fn bound(shown: bool) -> World {
    let mut world = confirmed();
    let grant = binding::grant(&world.state.records[&address(RULE)], None);
    let mut binding = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0));
    if shown {
        let claims = serde_json::json!({ "sub": "repo:acme/app", "ref": "main" });
        let claims = claims.as_object().unwrap().clone();
        binding.identities.push(Identity { claims, seen_at: hour(50) });
    }
    world.state.apply(&binding.put());
    world
}

#[track_caller]
fn check(world: &World, operation: Operation, expected: &[&str]) {
    let undo = Undo::Possible { how: "back".into(), leaves: String::new() };
    let step =
        Step { id: "x".into(), stage: Stage::Configure, lane: None, operation, after: Vec::new(), undo };
    let found = breaks(&step, &world.moment());
    let told: Vec<&str> = found.iter().map(|it| it.invariant.id()).collect();
    assert_eq!(told, expected, "{found:#?}");
}

fn rule_update(world: &World, change: impl FnOnce(&mut RuleArguments)) -> Operation {
    let mut arguments = rule_arguments(&world.configuration.federation_rules[&address(RULE)]);
    change(&mut arguments);
    Operation::UpdateRule {
        address: address(RULE),
        provider: address(ISSUER),
        service_account: Some(address(ACCOUNT)),
        arguments,
        applies_to_all_workspaces: None,
    }
}

fn subject(pattern: &str) -> Match {
    Match { subject_prefix: Some(pattern.to_owned()), ..Match::default() }
}

#[test]
fn i15_a_match_may_change_as_long_as_it_lets_the_workload_in() {
    let check = |shown: bool, matching: Match, expected: &[&str]| {
        let world = bound(shown);
        check(&world, rule_update(&world, |it| it.matching = matching), expected);
    };
    check(true, subject("repo:acme/*"), &[]);
    check(false, subject("repo:acme/*"), &[]);
    check(true, subject("repo:acme/other"), &["I15"]);
    let main =
        || Match { claims: [("ref".to_owned(), "main".to_owned())].into(), ..subject("repo:acme/app") };
    check(true, main(), &[]);
    check(false, main(), &["I15"]);
    let elsewhere =
        Match { audience: Some("https://elsewhere.example.com".to_owned()), ..subject("repo:acme/app") };
    check(true, elsewhere, &["I15"]);
}

#[test]
fn i15_a_rule_keeps_account_scope_and_workspace_of_its_workload() {
    let world = bound(true);
    check(&world, rule_update(&world, |it| it.token_lifetime_seconds = 60), &[]);
    check(&world, rule_update(&world, |it| it.oauth_scope = "workspace:developer".into()), &["I15"]);
    let mut other = rule_update(&world, |_| ());
    let Operation::UpdateRule { service_account, .. } = &mut other else { panic!() };
    *service_account = Some(address("service_account.other"));
    check(&world, other, &["I15"]);
    let disable = |workspace: &str| Operation::DisableWorkspace {
        address: address(RULE),
        workspace_id: workspace.to_owned(),
    };
    check(&world, disable("wrkspc_a"), &["I15"]);
    check(&world, disable("wrkspc_b"), &[]);
    let leave = |workspace: &str| Operation::RemoveMembership {
        address: address(ACCOUNT),
        workspace_id: workspace.to_owned(),
    };
    check(&world, leave("wrkspc_a"), &["I15"]);
    check(&world, leave("wrkspc_b"), &[]);
    let mut everywhere = bound(true);
    everywhere.observed.rules.get_mut(&id_of(&address(RULE))).unwrap().arguments.workspaces =
        RuleWorkspaces::All;
    let these = |ids: &[&str]| RuleWorkspaces::These(ids.iter().map(|id| (*id).to_owned()).collect());
    check(&everywhere, rule_update(&everywhere, |it| it.workspaces = these(&["wrkspc_a", "wrkspc_b"])), &[]);
    check(&everywhere, rule_update(&everywhere, |it| it.workspaces = these(&["wrkspc_b"])), &["I15"]);
}

#[test]
fn i15_an_issuer_takes_no_less_than_before() {
    let world = bound(true);
    let update = |change: fn(&mut crate::resource::IssuerArguments)| {
        let mut arguments = issuer_arguments(&world.configuration.providers[&address(ISSUER)]);
        change(&mut arguments);
        Operation::UpdateIssuer { address: address(ISSUER), arguments }
    };
    check(&world, update(|_| ()), &[]);
    check(&world, update(|it| it.name = "other".into()), &[]);
    check(&world, update(|it| it.check_jti = false), &[]);
    check(&world, update(|it| it.max_jwt_lifetime_seconds = 60), &["I15"]);
    check(&world, update(|it| it.issuer_url = "https://elsewhere.example.com".into()), &["I15"]);
}

#[test]
fn i15_a_return_to_what_is_recorded_takes_nothing() {
    let mut world = bound(false);
    world.rule_changed();
    check(&world, rule_update(&world, |_| ()), &[]);
    check(&world, rule_update(&world, |it| it.matching = subject("repo:acme/x")), &["I15"]);
}

#[test]
fn i15_who_has_a_key_or_is_given_up_loses_nothing() {
    let narrow = |world: &World| rule_update(world, |it| it.matching = subject("repo:acme/other"));
    let turn = |change: &dyn Fn(&mut Binding), expected: &[&str]| {
        let mut world = bound(true);
        let mut binding = world.state.binding("apikey_1", &consumer_id(CONSUMER)).unwrap().clone();
        change(&mut binding);
        world.state.apply(&binding.put());
        check(&world, narrow(&world), expected);
    };
    turn(&|_| (), &["I15"]);
    turn(&|binding| binding.grant = Grant::Unresolved, &["I15"]);
    turn(&|binding| binding.grant = Grant::Key, &[]);
    let ended = keyless_state::Ended { at: hour(60), by: "Ada".into() };
    turn(&|binding| binding.ended = Some(ended.clone()), &[]);
}

#[test]
fn i14_one_object_has_one_address() {
    let mut world = confirmed();
    world.state.records.remove(&address(RULE));
    let plan = world.plan();
    let adopt = plan.steps.iter().find(|step| matches!(step.operation, Operation::Adopt { .. })).unwrap();
    let check = |world: &World, plan: &Plan, expected: &[&str]| {
        let found = super::check(plan, Some(&world.moment()));
        let told: Vec<&str> = found.iter().map(|it| it.invariant.id()).filter(|id| *id == "I14").collect();
        assert_eq!(told, expected, "{found:#?}");
    };
    check(&world, &plan, &[]);
    let mut twice = plan.clone();
    let mut other = adopt.clone();
    let Operation::Adopt { address: target, .. } = &mut other.operation else { panic!() };
    *target = address("federation_rule.other");
    other.id = "adopt/federation_rule.other".into();
    twice.steps.insert(0, other);
    check(&world, &twice, &["I14"]);
    // It is recorded for a block that is not there any more, and goes with that.
    let record = confirmed().state.records[&address(RULE)].clone();
    world.state.records.insert(address("federation_rule.before"), record);
    check(&world, &plan, &["I14"]);
    let mut moved = plan.clone();
    let operation = Operation::Archive { address: address("federation_rule.before") };
    let undo = Undo::Impossible { why: "final".into() };
    let after = plan.steps.iter().map(|step| step.id.clone()).collect();
    let id = "archive/federation_rule.before".into();
    moved.steps.push(Step { id, stage: Stage::Revoke, lane: None, operation, after, undo });
    check(&world, &moved, &["I14", "I14"]);
}

#[test]
fn i3_settings_name_no_rule_that_would_not_let_the_workload_in() {
    let mut world = bound(true);
    let id = format!("apikey_1/{CONSUMER}");
    let binding = world.state.bindings.get_mut(&id).unwrap();
    let Grant::Rule { rule_id, .. } = &mut binding.grant else { panic!() };
    *rule_id = "fdrl_before".to_owned();
    world.sightings.settings.clear();
    let plan = world.plan();
    assert!(plan.steps.iter().any(|step| matches!(step.operation, Operation::Configure { .. })));
    let told = |world: &World| -> Vec<&str> {
        let found = super::check(&plan, Some(&world.moment()));
        let of = |it: &&Violation| it.step.as_deref().is_some_and(|step| step.starts_with("configure/"));
        found.iter().filter(of).map(|it| it.invariant.id()).collect()
    };
    assert_eq!(told(&world), [""; 0]);
    let show = |world: &mut World, name: &str, value: &str| {
        let claims = &world.state.bindings[&id].identities[0].claims;
        let mut claims = claims.clone();
        claims.insert(name.to_owned(), value.into());
        // Older than what the rule lets in: it may run in two places.
        let shown = Identity { claims, seen_at: hour(40) };
        world.state.bindings.get_mut(&id).unwrap().identities.push(shown);
    };
    let mut other = world;
    show(&mut other, "iss", "https://issuer.example.com");
    assert_eq!(told(&other), [""; 0]);
    show(&mut other, "sub", "repo:acme/else");
    assert_eq!(told(&other), ["I3"]);
    other.state.bindings.get_mut(&id).unwrap().identities.truncate(1);
    show(&mut other, "iss", "https://elsewhere.example.com");
    assert_eq!(told(&other), ["I3"]);
    // It never showed itself, and the rule of before is not there to compare.
    other.state.bindings.get_mut(&id).unwrap().identities.clear();
    let rule = other.configuration.federation_rules.get_mut(&address(RULE)).unwrap();
    let tried = rule.identity_token.take();
    assert_eq!(told(&other), ["I3"]);
    other.configuration.federation_rules.get_mut(&address(RULE)).unwrap().identity_token = tried;
    assert_eq!(told(&other), [""; 0], "the trial exchange is its own");
}
