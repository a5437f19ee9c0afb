//! Configuration, record and world bent one at a time, and the work that follows.

use keyless_state::Origin;

use super::*;
use crate::config::WorkspaceKey;
use crate::config::{FederationRule, Provider, ServiceAccount, WorkspaceChoice};
use crate::plan::build::step_id;
use crate::resource::{Jwks, OrganizationRole};
use crate::resource::{RuleObject, RuleWorkspaces};
use crate::sample::{
    ACCOUNT, ISSUER, KEY, RULE, address, bare, build, built, configuration, hour, id_of, lane, these,
};

type World = (Configuration, State, Observed);

/// The work, one step id each, then what is refused for what.
fn told(diff: &Diff) -> Vec<String> {
    let work = diff.work.iter().map(|(operation, _)| step_id(operation));
    work.chain(diff.refused.iter().map(|refused| format!("! {}", refused.summary))).collect()
}

#[track_caller]
fn check(mut world: World, change: impl FnOnce(&mut World), expected: &[&str]) -> Diff {
    change(&mut world);
    let diff = diff(&world.0, &world.1, &world.2);
    assert_eq!(told(&diff), expected);
    diff
}

fn the_rule(world: &mut World) -> &mut FederationRule {
    world.0.federation_rules.get_mut(&address(RULE)).unwrap()
}

fn the_account(world: &mut World) -> &mut ServiceAccount {
    world.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap()
}

fn the_provider(world: &mut World) -> &mut Provider {
    world.0.providers.get_mut(&address(ISSUER)).unwrap()
}

fn fresh() -> World {
    (configuration(), State::default(), bare())
}

/// The world stands as configured and nothing is recorded.
fn found() -> World {
    (configuration(), State::default(), build(&configuration()))
}

#[test]
fn what_is_missing_is_created_with_its_memberships_and_workspaces() {
    let create = |more: &[&'static str]| -> Vec<&'static str> {
        let mut all = vec![
            "create/service_account.bot",
            "set-membership/service_account.bot/wrkspc_a",
            "create/provider.oidc.ci",
            "create/federation_rule.bot",
        ];
        all.extend(more);
        all
    };
    let diff = check(fresh(), |_| {}, &create(&[]));
    let rule = diff.changes.iter().find(|change| change.address == address(RULE)).unwrap();
    assert_eq!(rule.unknown, ["id", "issuer_id", "service_account_id"]);
    assert_eq!(diff.unconfigured.len(), 3);
    let others =
        ["enable-workspace/federation_rule.bot/wrkspc_b", "enable-workspace/federation_rule.bot/wrkspc_c"];
    let three = |w: &mut World| the_rule(w).workspaces = these(&["wrkspc_c", "wrkspc_a", "wrkspc_b"]);
    check(fresh(), three, &create(&others));
    check(fresh(), |w| the_rule(w).workspaces = WorkspaceChoice::All, &create(&[]));
}

#[test]
fn what_is_built_needs_no_work() {
    let diff = check(built(), |_| {}, &[]);
    assert!(diff.changes.iter().all(|change| change.action == Action::NoOp));
    assert!(diff.drift.is_empty() && diff.unconfigured.is_empty());
}

#[test]
fn what_exists_and_is_equal_is_adopted_and_what_differs_is_not() {
    let (account, issuer, rule) =
        ("adopt/service_account.bot", "adopt/provider.oidc.ci", "adopt/federation_rule.bot");
    check(found(), |_| {}, &[account, issuer, rule]);
    let taken = "! Name already taken";
    check(found(), |w| the_account(w).description = "x".into(), &[issuer, taken]);
    check(found(), |w| the_provider(w).check_jti = false, &[account, taken]);
    check(found(), |w| the_rule(w).token_lifetime_seconds = 60, &[account, issuer, taken]);
    let archived = |w: &mut World| {
        w.2.rules.get_mut(&id_of(&address(RULE))).unwrap().provenance.archived_at = Some(hour(0));
    };
    check(found(), archived, &[account, issuer, "create/federation_rule.bot"]);
}

#[test]
fn each_field_of_an_issuer_is_changed_in_place() {
    let update = ["update/provider.oidc.ci"];
    check(built(), |w| the_provider(w).name = "other".into(), &update);
    check(built(), |w| the_provider(w).issuer_url = "https://b.example.com".into(), &update);
    check(built(), |w| the_provider(w).check_jti = false, &update);
    check(built(), |w| the_provider(w).max_jwt_lifetime_seconds = 60, &update);
    let explicit = || Jwks::ExplicitUrl { url: "https://k.example.com".into(), ca_cert_pem: None };
    check(built(), |w| the_provider(w).jwks = explicit(), &update);
}

#[test]
fn accounts_change_in_place_but_for_their_name() {
    let update = ["update/service_account.bot"];
    check(built(), |w| the_account(w).description = "x".into(), &update);
    check(built(), |w| the_account(w).organization_role = OrganizationRole::Admin, &update);
    check(built(), |w| the_account(w).name = "x".into(), &["! Immutable argument changed"]);
    let members = |pairs: &'static [(&'static str, &'static str)]| {
        move |w: &mut World| *the_account(w) = crate::sample::account("bot", pairs)
    };
    let (set, remove) = ("set-membership/service_account.bot", "remove-membership/service_account.bot");
    check(built(), members(&[("wrkspc_a", "workspace_admin")]), &[&format!("{set}/wrkspc_a")]);
    check(built(), members(&[]), &[&format!("{remove}/wrkspc_a")]);
    // What is added comes before what goes.
    check(
        built(),
        members(&[("wrkspc_b", "workspace_user")]),
        &[&format!("{set}/wrkspc_b"), &format!("{remove}/wrkspc_a")],
    );
}

#[test]
fn each_field_of_a_rule_is_changed_in_place() {
    let update = ["update/federation_rule.bot"];
    check(built(), |w| the_rule(w).name = "x".into(), &update);
    check(built(), |w| the_rule(w).description = "x".into(), &update);
    check(built(), |w| the_rule(w).oauth_scope = "x".into(), &update);
    check(built(), |w| the_rule(w).token_lifetime_seconds = 60, &update);
    check(built(), |w| the_rule(w).matching.audience = Some("x".into()), &update);
    let (enable, disable) = ("enable-workspace/federation_rule.bot", "disable-workspace/federation_rule.bot");
    let b = format!("{enable}/wrkspc_b");
    check(built(), |w| the_rule(w).workspaces = these(&["wrkspc_a", "wrkspc_b"]), &[&b]);
    check(built(), |w| the_rule(w).workspaces = these(&["wrkspc_b"]), &[&b, &format!("{disable}/wrkspc_a")]);
    check(built(), |w| the_rule(w).workspaces = WorkspaceChoice::All, &update);
    let was_all = |w: &mut World| {
        w.2.rules.get_mut(&id_of(&address(RULE))).unwrap().arguments.workspaces = RuleWorkspaces::All;
    };
    check(built(), was_all, &[&format!("{enable}/wrkspc_a"), update[0]]);
    let moved = |w: &mut World| {
        w.0.providers.insert(address("provider.oidc.b"), crate::sample::provider("b"));
        the_rule(w).provider = address("provider.oidc.b");
    };
    check(built(), moved, &["create/provider.oidc.b", "! Immutable argument changed"]);
    let other_account = |w: &mut World| {
        w.0.service_accounts.insert(address("service_account.b"), crate::sample::account("b", &[]));
        the_rule(w).service_account = address("service_account.b");
    };
    check(built(), other_account, &["create/service_account.b", update[0]]);
}

#[test]
fn what_others_did_is_told_with_who_and_when() {
    let rule_id = id_of(&address(RULE));
    let bend = |change: fn(&mut RuleObject)| {
        let rule_id = rule_id.clone();
        move |w: &mut World| change(w.2.rules.get_mut(&rule_id).unwrap())
    };
    let seen = |diff: &Diff| {
        let drift = &diff.drift[0];
        (drift.what.clone(), drift.by.clone(), drift.at, drift.after.is_some())
    };
    let changed = check(
        built(),
        bend(|rule| {
            rule.arguments.token_lifetime_seconds = 60;
            rule.provenance.updated_by = Some("user_1".into());
            rule.provenance.updated_at = Some(hour(3));
        }),
        &["update/federation_rule.bot"],
    );
    assert_eq!(seen(&changed), ("changed".into(), Some("user_1".into()), Some(hour(3)), true));
    // What a person archived is never made again, and only what stands on it waits for a choice.
    let lost = |diff: &Diff| diff.held.keys().map(ToString::to_string).collect::<Vec<_>>();
    let archived = check(
        built(),
        bend(|rule| {
            rule.provenance.archived_by = Some("user_2".into());
            rule.provenance.archived_at = Some(hour(4));
        }),
        &[],
    );
    assert_eq!(seen(&archived), ("archived".into(), Some("user_2".into()), Some(hour(4)), false));
    assert_eq!(lost(&archived), [RULE]);
    let gone = check(built(), |w| w.2.rules.clear(), &[]);
    assert_eq!(seen(&gone), ("gone".into(), None, None, false));
    assert_eq!(lost(&check(built(), |w| w.2.issuers.clear(), &[])), [ISSUER, RULE]);
    assert_eq!(lost(&check(built(), |w| w.2.service_accounts.clear(), &[])), [ACCOUNT, RULE]);
    let changes = |w: &mut World| {
        w.2.service_accounts.clear();
        the_provider(w).check_jti = false;
    };
    assert_eq!(lost(&check(built(), changes, &["update/provider.oidc.ci"])), [ACCOUNT, RULE]);
}

#[test]
fn a_name_that_an_archived_object_has_is_not_asked_for_again() {
    let archived = |w: &mut World| {
        w.1 = State::default();
        let archive = |it: &mut Provenance| it.archived_at = Some(hour(0));
        w.2.rules.values_mut().for_each(|it| archive(&mut it.provenance));
        w.2.issuers.values_mut().for_each(|it| archive(&mut it.provenance));
        w.2.service_accounts.values_mut().for_each(|it| archive(&mut it.provenance));
    };
    let mut world = built();
    archived(&mut world);
    let (configuration, state, observed) = &world;
    let names: Vec<String> = diff(configuration, state, observed)
        .changes
        .iter()
        .map(|change| change.after.as_ref().unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["bot-2", "ci-2", "bot-2"]);
}

fn undeclared(world: &mut World) {
    world.0 = Configuration::default();
}

#[test]
fn what_is_no_longer_declared_is_archived_rules_first() {
    let archives = ["archive/federation_rule.bot", "archive/provider.oidc.ci", "archive/service_account.bot"];
    check(built(), undeclared, &archives);
    let adopted = |w: &mut World| {
        undeclared(w);
        w.1.records.values_mut().for_each(|record| record.origin = Origin::Adopted);
    };
    let forgets = ["forget/federation_rule.bot", "forget/provider.oidc.ci", "forget/service_account.bot"];
    check(built(), adopted, &forgets);
    let gone = |w: &mut World| {
        undeclared(w);
        w.2 = bare();
    };
    check(built(), gone, &forgets);
    let archived = |w: &mut World| {
        undeclared(w);
        w.2.rules.values_mut().for_each(|rule| rule.provenance.archived_at = Some(hour(0)));
    };
    check(built(), archived, &[forgets[0], archives[1], archives[2]]);
    let with_lane = |w: &mut World| {
        undeclared(w);
        w.1.lanes.insert(address(KEY), lane("apikey_1", &[]));
    };
    check(built(), with_lane, &["forget/api_key.old", archives[0], archives[1], archives[2]]);
}

#[test]
fn workspaces_are_looked_up_by_name_or_id() {
    let look = |by: WorkspaceKey| {
        move |w: &mut World| {
            let lookup = crate::config::WorkspaceLookup { location: crate::sample::location(), by };
            w.0.workspaces.insert(address("data.workspace.x"), lookup);
        }
    };
    let name = |name: &str| WorkspaceKey::Name(name.to_owned());
    check(built(), look(name("A")), &[]);
    check(built(), look(WorkspaceKey::Id("wrkspc_b".into())), &[]);
    check(built(), look(name("Z")), &["! Workspace not found"]);
    let twice = |w: &mut World| {
        w.2.workspaces.get_mut("wrkspc_b").unwrap().name = "A".into();
        look(name("A"))(w);
    };
    check(built(), twice, &["! Several workspaces have this name"]);
    let archived = |w: &mut World| {
        w.2.workspaces.get_mut("wrkspc_a").unwrap().archived_at = Some(hour(0));
        look(name("A"))(w);
    };
    check(built(), archived, &["! Workspace not found"]);
}

#[test]
fn a_rule_for_another_kind_of_target_is_left_alone() {
    let (configuration, state, observed) = built();
    let other = |w: &mut World| {
        let rule = w.2.rules.get_mut(&id_of(&address(RULE))).unwrap();
        rule.target_type = "user".to_owned();
        rule.arguments.service_account_id = String::new();
    };
    check((configuration, state, observed), other, &["! Rule for another kind of target"]);
}

#[test]
fn keys_in_the_form_of_the_api_are_no_change() {
    let key = |n: &str, e: &str| serde_json::json!({"kty": "RSA", "kid": "1", "n": n, "e": e});
    let inline = |key| Jwks::Inline { keys: vec![key] };
    let with_keys = |n: &'static str| {
        move |world: &mut World| {
            the_provider(world).jwks = inline(key("AQAB", "AQAB"));
            let id = id_of(&address(ISSUER));
            let object = world.2.issuers.get_mut(&id).unwrap();
            object.arguments.jwks = inline(key(n, "AAEAAQ=="));
            let attributes = crate::plan::issuer(&object.arguments);
            world.1.records.get_mut(&address(ISSUER)).unwrap().attributes = attributes;
        }
    };
    check(built(), with_keys("AQAB"), &[]);
    check(built(), with_keys("AQAC"), &[&format!("update/{ISSUER}")]);
    // Not recorded yet, it is taken under care.
    let adopted = |world: &mut World| {
        with_keys("AQAB")(world);
        world.1.records.remove(&address(ISSUER));
    };
    let diff = check(built(), adopted, &[&format!("adopt/{ISSUER}")]);
    assert!(diff.refused.is_empty());
}
