use keyless_state::{Binding, Grant};

use super::*;
use crate::config::{WorkspaceKey, WorkspaceLookup, WorkspaceRef};
use crate::lane::Presence;
use crate::plan::{self, Mode, Plan, PlanInput, Standing};
use crate::resource::{KeyScope, KeyStatus, Observed};
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, account, address, api_key, built, consumer_id, dotenv, hour, id_of,
    key, lane, plan_input, provider, recorded, rule, sightings, these,
};

type World = (Configuration, State, Observed);

const OTHER: &str = "api_key.other";

/// A finished lane whose workload lives off its rule, and another one that has not begun and shares nothing.
fn two_lanes() -> World {
    let mut configuration = built().0;
    configuration.providers.insert(address("provider.oidc.other"), provider("other"));
    let bot = account("other", &[("wrkspc_a", "workspace_developer")]);
    configuration.service_accounts.insert(address("service_account.other"), bot);
    let second = rule("other", "provider.oidc.other", "service_account.other");
    configuration.federation_rules.insert(address("federation_rule.other"), second);
    let other =
        key("apikey_2", &["federation_rule.other"], vec![("dotenv.other", dotenv("federation_rule.other"))]);
    configuration.api_keys.insert(address(OTHER), other);
    let mut observed = crate::sample::build(&configuration);
    observed.api_keys.insert("apikey_2".to_owned(), api_key("apikey_2", KeyStatus::Active));
    let mut state = recorded(&configuration, &observed);
    state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(0))]));
    let grant = Grant::Rule {
        rule_id: id_of(&address(RULE)),
        service_account_id: id_of(&address(ACCOUNT)),
        issuer_id: id_of(&address(ISSUER)),
        workspace_id: Some("wrkspc_a".to_owned()),
    };
    let bound = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0));
    state.apply(&bound.put());
    (configuration, state, observed)
}

fn plan_in(world: &World, mode: Mode) -> Plan {
    let (configuration, state, observed) = world;
    let seen = sightings(configuration, &Presence::Absent);
    let input = PlanInput {
        now: hour(1),
        skip_waits: true,
        mode,
        ..plan_input(configuration, state, observed, seen)
    };
    plan::build(input).unwrap()
}

/// An edit, what is refused, and what is held back with it; the other lane goes on.
#[track_caller]
fn check(edit: impl Fn(&mut World), refused: &[(&str, &str)], holds: &[&str]) -> Plan {
    let mut world = two_lanes();
    edit(&mut world);
    let plan = plan_in(&world, Mode::Apply);
    let found: Vec<(String, &str)> =
        plan.refused.iter().map(|it| (it.address.to_string(), it.summary.as_str())).collect();
    let wanted: Vec<(String, &str)> = refused.iter().map(|(at, why)| ((*at).to_owned(), *why)).collect();
    assert_eq!(found, wanted);
    let held: BTreeSet<String> =
        plan.refused.iter().flat_map(|it| &it.holds).map(Address::to_string).collect();
    assert_eq!(held.iter().map(String::as_str).collect::<Vec<_>>(), holds);
    let of = |address: &str| {
        let about = plan.steps.iter().filter(|it| it.operation.target().address.to_string() == address);
        about.map(|step| step.id.clone()).collect::<Vec<_>>()
    };
    for (address, _) in refused {
        assert_eq!(of(address), [""; 0], "{address}");
    }
    holds.iter().for_each(|address| assert_eq!(of(address), [""; 0], "{address}"));
    assert!(plan.steps.iter().any(|step| step.lane == Some(address(OTHER))), "{:#?}", plan.steps);
    let looked = plan_in(&world, Mode::RefreshOnly);
    assert!(looked.refused.is_empty() && looked.held.is_empty(), "a look refuses nothing");
    plan
}

#[track_caller]
fn check_lane(plan: &Plan, told: &str) {
    let lane = plan.lanes.iter().find(|lane| lane.address == address(KEY)).unwrap();
    assert_eq!(lane.standing, Standing::Refused);
    assert!(lane.refusals[0].why.contains(told), "{:?}", lane.refusals);
}

const CUT_OFF: &str = "Workload would be cut off";

#[test]
fn what_would_cut_a_workload_off_stops_nothing_else() {
    let scope = |w: &mut World| {
        w.0.federation_rules.get_mut(&address(RULE)).unwrap().oauth_scope = "workspace:developer".to_owned();
    };
    let plan = check(scope, &[(RULE, CUT_OFF)], &[]);
    let told = plan.refused[0].error();
    assert!(
        told.detail.ends_with("Nothing is done with it; the rest of the plan goes on."),
        "{}",
        told.detail
    );
    check_lane(&plan, "what the files ask of federation_rule.bot is refused: Workload would be cut off");
    let membership = |w: &mut World| {
        let to = account("bot", &[("wrkspc_b", "workspace_developer")]);
        w.0.service_accounts.insert(address(ACCOUNT), to);
    };
    let plan = check(membership, &[(ACCOUNT, CUT_OFF)], &[RULE]);
    let told = plan.refused[0].error();
    assert!(told.detail.contains("Nothing is done with it and with federation_rule.bot;"), "{}", told.detail);
}

#[test]
fn what_changes_under_a_refused_rule_is_proved() {
    let mut world = two_lanes();
    let rule = world.0.federation_rules.get_mut(&address(RULE)).unwrap();
    rule.oauth_scope = "workspace:developer".to_owned();
    world.0.providers.get_mut(&address(ISSUER)).unwrap().max_jwt_lifetime_seconds = 7_200;
    let data = address("data.workspace.gone");
    for is_compared in [true, false] {
        if !is_compared {
            let by = WorkspaceKey::Name("Gone".to_owned());
            let lookup = WorkspaceLookup { by, location: crate::sample::location() };
            world.0.workspaces.insert(data.clone(), lookup);
            let rule = world.0.federation_rules.get_mut(&address(RULE)).unwrap();
            let crate::config::WorkspaceChoice::These(all) = &mut rule.workspaces else { unreachable!() };
            all.insert(WorkspaceRef::Data(data.clone()));
        }
        let plan = plan_in(&world, Mode::Apply);
        let proof = plan.steps.iter().find(|step| step.id == format!("verify/{RULE}")).unwrap();
        assert_eq!(proof.after, [format!("update/{ISSUER}")], "{is_compared}");
    }
}

#[test]
fn what_a_refused_rule_stands_on_is_not_archived() {
    let turned = |w: &mut World| {
        let rule = w.0.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.service_account = address("service_account.other");
        rule.provider = address("provider.oidc.ci");
        w.0.service_accounts.remove(&address(ACCOUNT));
        // Nobody is known to live off it, so that the archive of the account is not refused by itself.
        w.1.bindings.clear();
        w.1.lanes.clear();
        w.2.rules.get_mut(&id_of(&address(RULE))).unwrap().target_type = "somebody".to_owned();
    };
    check(turned, &[(RULE, "Rule for another kind of target")], &[ACCOUNT]);
}

#[test]
fn what_cannot_be_made_holds_what_stands_on_it() {
    let taken = |w: &mut World| {
        let name = w.0.service_accounts[&address(ACCOUNT)].name.clone();
        w.1.records.remove(&address(ACCOUNT));
        w.1.records.remove(&address(RULE));
        w.2.rules.remove(&id_of(&address(RULE)));
        w.1.bindings.clear();
        let object = w.2.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
        assert_eq!(object.arguments.name, name);
        object.arguments.description = "somebody else's".to_owned();
    };
    check(taken, &[(ACCOUNT, "Name already taken")], &[RULE]);
}

#[test]
fn a_lane_that_would_change_its_workspace_stops_nothing_else() {
    let elsewhere = |w: &mut World| {
        w.1.bindings.clear();
        w.1.lanes.clear();
        w.2.api_keys.get_mut("apikey_1").unwrap().scope = KeyScope::Workspace(Some("wrkspc_b".to_owned()));
    };
    let plan = check(elsewhere, &[(KEY, "Workload would change its workspace")], &[]);
    check_lane(&plan, "what the files ask of api_key.old is refused");
}

#[test]
fn a_workspace_that_is_not_found_stops_what_names_it() {
    let data = address("data.workspace.gone");
    let look_up = |w: &mut World| {
        let by = WorkspaceKey::Name("Gone".to_owned());
        let lookup = WorkspaceLookup { by, location: crate::sample::location() };
        w.0.workspaces.insert(data.clone(), lookup);
    };
    let not_found = [("data.workspace.gone", "Workspace not found")];
    check(look_up, &not_found, &[]);
    let member = |w: &mut World| {
        look_up(w);
        let account = w.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap();
        let membership = account.memberships.values().next().unwrap().clone();
        account.memberships.insert(WorkspaceRef::Data(data.clone()), membership);
    };
    check(member, &not_found, &[RULE, ACCOUNT]);
    let enabled = |w: &mut World| {
        look_up(w);
        let rule = w.0.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.workspaces = these(&["wrkspc_a"]);
        let crate::config::WorkspaceChoice::These(all) = &mut rule.workspaces else { unreachable!() };
        all.insert(WorkspaceRef::Data(data.clone()));
    };
    check(enabled, &not_found, &[RULE]);
    let chosen = |w: &mut World| {
        look_up(w);
        let key = w.0.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().workspace =
            Some(WorkspaceRef::Data(data.clone()));
    };
    check(chosen, &not_found, &[KEY]);
}
