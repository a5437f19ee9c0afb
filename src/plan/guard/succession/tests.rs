//! Which recorded objects are deposed by an edit.

use keyless_state::{Binding, Grant, Record};

use super::*;
use crate::binding;
use crate::config::FederationRule;
use crate::resource::{Match, RuleArguments};
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour, id_of, lane, rule_object, these,
};

struct World {
    configuration: Configuration,
    state: State,
    observed: Observed,
}

/// A finished lane whose workload lives off the rule.
fn world() -> World {
    let (configuration, mut state, observed) = built();
    state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(0))]));
    let grant = binding::grant(&state.records[&address(RULE)], Some("wrkspc_a"));
    state.apply(&Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0)).put());
    World { configuration, state, observed }
}

impl World {
    fn rule(&mut self) -> &mut FederationRule {
        self.configuration.federation_rules.get_mut(&address(RULE)).unwrap()
    }

    fn bind(&mut self, grant: Grant) {
        let id = consumer_id(CONSUMER);
        self.state.apply(&Binding::new("apikey_1", &address(KEY), &id, grant, hour(0)).put());
    }

    /// What is to be done once it is deposed what has to be.
    fn guarded(&self) -> Diff {
        let World { configuration, state, observed } = self;
        let state = state.renamed(&successions(&Scene { configuration, state, observed, now: hour(2) }));
        let scene = Scene { configuration, state: &state, observed, now: hour(2) };
        let mut diff = diff::diff(configuration, &state, observed);
        crate::plan::guard::guard(&scene, &mut diff);
        assert_eq!(diff.problems, []);
        diff
    }

    fn renames(&self) -> Vec<(String, String)> {
        let World { configuration, state, observed } = self;
        let found = successions(&Scene { configuration, state, observed, now: hour(1) });
        found.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect()
    }

    /// What the rule was before is deposed, and what it is now is another object.
    fn succeed(&mut self, matching: Match) {
        let first = self.state.records[&address(RULE)].clone();
        let id = "fdrl_second".to_owned();
        let was = &self.observed.rules[&first.id].arguments;
        let arguments = RuleArguments { name: format!("{}-2", was.name), matching, ..was.clone() };
        let attributes = attributes::rule(&arguments);
        self.observed.rules.insert(id.clone(), rule_object(&id, arguments));
        let second = Record { id, attributes, ..first.clone() };
        self.state.records.insert(address(RULE).deposed(1), first);
        self.state.records.insert(address(RULE), second);
    }
}

#[track_caller]
fn check(edit: impl Fn(&mut World), deposed: &[&str]) {
    let mut world = world();
    edit(&mut world);
    let expected: Vec<(String, String)> =
        deposed.iter().map(|it| ((*it).to_owned(), format!("{it}.deposed-1"))).collect();
    assert_eq!(world.renames(), expected);
}

fn to(subject: &'static str) -> impl Fn(&mut World) {
    move |world| world.rule().matching.subject_prefix = Some(subject.to_owned())
}

fn another_account(world: &mut World) {
    let account = crate::sample::account("other", &[("wrkspc_a", "workspace_developer")]);
    world.configuration.service_accounts.insert(address("service_account.other"), account);
    world.rule().service_account = address("service_account.other");
}

fn another_provider(world: &mut World) {
    let provider = world.configuration.providers[&address(ISSUER)].clone();
    let other = crate::config::Provider { name: "other".to_owned(), ..provider };
    world.configuration.providers.insert(address("provider.oidc.other"), other);
    world.rule().provider = address("provider.oidc.other");
}

fn another_name(world: &mut World) {
    let account = world.configuration.service_accounts.get_mut(&address(ACCOUNT)).unwrap();
    (account.name, account.is_named) = ("other".to_owned(), true);
}

fn another_url(world: &mut World) {
    let provider = world.configuration.providers.get_mut(&address(ISSUER)).unwrap();
    provider.issuer_url = "https://other.example.com".to_owned();
}

#[test]
fn what_a_workload_needs_as_it_is_gets_a_successor() {
    check(|_| (), &[]);
    check(|world| world.rule().description = "Another".to_owned(), &[]);
    check(to("repo:acme/*"), &[]);
    check(to("repo:acme/other"), &[RULE]);
    check(|world| world.rule().workspaces = these(&["wrkspc_b"]), &[RULE]);
    check(another_account, &[RULE]);
    check(another_provider, &[RULE]);
    check(another_name, &[ACCOUNT, RULE]);
    check(another_url, &[ISSUER, RULE]);
}

#[test]
fn what_no_exchange_can_show_is_left_to_a_person() {
    check(|world| world.rule().oauth_scope = "workspace:developer".to_owned(), &[]);
    check(|world| world.rule().matching.audience = Some("other".to_owned()), &[]);
    let both = |first: fn(&mut World)| {
        move |world: &mut World| {
            first(world);
            world.rule().oauth_scope = "workspace:developer".to_owned();
        }
    };
    check(both(another_account), &[]);
    check(both(another_provider), &[]);
    check(both(|world| world.rule().workspaces = these(&["wrkspc_b"])), &[]);
    check(|world| world.configuration.providers.get_mut(&address(ISSUER)).unwrap().check_jti = true, &[]);
}

#[test]
fn nobody_who_cannot_follow_is_left_behind() {
    let unresolved = |world: &mut World| {
        to("repo:acme/other")(world);
        world.bind(Grant::Unresolved);
    };
    check(unresolved, &[]);
    let forgotten = |world: &mut World| {
        to("repo:acme/other")(world);
        world.configuration.api_keys.clear();
    };
    check(forgotten, &[]);
    let gone = |world: &mut World| {
        to("repo:acme/other")(world);
        world.configuration.api_keys.get_mut(&address(KEY)).unwrap().consumers.clear();
    };
    check(gone, &[]);
}

#[test]
fn what_nobody_lives_off_is_changed_in_place_where_that_is_possible() {
    let free = |edit: fn(&mut World)| {
        move |world: &mut World| {
            edit(world);
            world.bind(Grant::Key);
        }
    };
    check(free(|world| to("repo:acme/other")(world)), &[]);
    check(free(another_account), &[]);
    check(free(another_url), &[]);
    // The API changes neither.
    check(free(another_provider), &[RULE]);
    check(free(another_name), &[ACCOUNT]);
}

#[test]
fn a_block_gets_back_what_it_had() {
    let subject = |subject: &str| Match { subject_prefix: Some(subject.to_owned()), ..Match::default() };
    let mut world = world();
    let first = world.rule().matching.clone();
    world.succeed(subject("repo:acme/second"));
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let swapped = [pair(RULE, &format!("{RULE}.deposed-2")), pair(&format!("{RULE}.deposed-1"), RULE)];
    assert_eq!(world.renames(), swapped);
    // It asks for what it has.
    world.rule().matching = subject("repo:acme/second");
    assert_eq!(world.renames(), []);
    // Nobody lives off the second one, which becomes what is asked for.
    world.rule().matching = subject("repo:acme/third");
    assert_eq!(world.renames(), []);
    // A name is changed in place.
    world.rule().matching = first.clone();
    world.rule().name = "another".to_owned();
    assert_eq!(world.renames(), swapped);
    world.rule().name = "bot".to_owned();
    let id = id_of(&address(RULE));
    world.observed.rules.get_mut(&id).unwrap().provenance.archived_at = Some(hour(0));
    assert_eq!(world.renames(), [], "an archived object does not come back");
    // A run ended before there was a second one.
    world.observed.rules.get_mut(&id).unwrap().provenance.archived_at = None;
    world.rule().matching = first;
    world.state.records.remove(&address(RULE));
    assert_eq!(world.renames(), [pair(&format!("{RULE}.deposed-1"), RULE)]);
}

#[test]
fn what_differs_in_its_name_alone_changes_no_places() {
    let mut world = world();
    let first = world.rule().matching.clone();
    world.succeed(first);
    // Somebody gave the first one another name, so that the block's own is free.
    let id = id_of(&address(RULE));
    world.observed.rules.get_mut(&id).unwrap().arguments.name = "bot-5".to_owned();
    assert_eq!(world.renames(), []);
}

#[test]
fn what_a_block_had_comes_back_where_somebody_archived_its_successor() {
    let mut world = world();
    let first = world.rule().matching.clone();
    let second = Match { subject_prefix: Some("repo:acme/second".to_owned()), ..Match::default() };
    world.succeed(second.clone());
    world.observed.rules.get_mut("fdrl_second").unwrap().provenance.archived_at = Some(hour(0));
    world.rule().matching = second;
    assert_eq!(world.renames(), [], "a third one is somebody's choice");
    world.rule().matching = first;
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let swapped = [pair(RULE, &format!("{RULE}.deposed-2")), pair(&format!("{RULE}.deposed-1"), RULE)];
    assert_eq!(world.renames(), swapped);
}

#[test]
fn an_account_that_keeps_its_name_is_changed_in_place() {
    let mut world = world();
    let id = id_of(&address(ACCOUNT));
    let first = world.state.records[&address(ACCOUNT)].clone();
    let mut second = world.observed.service_accounts[&id].clone();
    second.id = "svac_second".to_owned();
    second.arguments.name = "other".to_owned();
    second.memberships.insert("wrkspc_a".to_owned(), "workspace_admin".to_owned());
    let attributes = attributes::service_account(&second.arguments, &second.memberships);
    let record = Record { id: second.id.clone(), attributes, ..first.clone() };
    world.observed.service_accounts.insert(second.id.clone(), second);
    world.state.records.insert(address(ACCOUNT), record);
    world.state.records.insert(address(ACCOUNT).deposed(1), first);
    world.bind(Grant::Key);
    let account = world.configuration.service_accounts.get_mut(&address(ACCOUNT)).unwrap();
    account.is_named = false;
    assert_eq!(world.renames(), []);
    let account = world.configuration.service_accounts.get_mut(&address(ACCOUNT)).unwrap();
    account.is_named = true;
    assert_eq!(world.renames().len(), 2, "it asks for the name that the first one has");
}

#[test]
fn an_account_leaves_a_workspace_after_its_workloads() {
    let mut world = world();
    world.rule().workspaces = these(&["wrkspc_b"]);
    let account = world.configuration.service_accounts.get_mut(&address(ACCOUNT)).unwrap();
    let role = account.memberships.values().next().unwrap().clone();
    let b = crate::config::WorkspaceRef::Id("wrkspc_b".to_owned());
    account.memberships = [(b, role)].into();
    account.description = "Another".to_owned();
    let diff = world.guarded();
    let leaves = |operation: &Operation| matches!(operation, Operation::RemoveMembership { .. });
    assert!(!diff.work.iter().any(|(operation, _)| leaves(operation)), "{:?}", diff.work);
    let change = diff.changes.iter().find(|change| change.address == address(ACCOUNT)).unwrap();
    let after = change.after.as_ref().unwrap();
    let workspaces: Vec<&str> =
        after["memberships"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((change.action, workspaces), (Action::Update, vec!["wrkspc_a", "wrkspc_b"]));
    assert_eq!(after["description"], "Another");
    let kept: Vec<String> = diff.kept.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(kept, [ACCOUNT.to_owned(), format!("{RULE}.deposed-1")]);
}

#[test]
fn a_successor_has_a_name_of_its_own_and_the_first_one_stays() {
    let mut world = world();
    to("repo:acme/other")(&mut world);
    let diff = world.guarded();
    let [(Operation::CreateRule { arguments, .. }, _)] = &diff.work[..] else { panic!("{:?}", diff.work) };
    assert_eq!(arguments.name, "bot-2");
    let kept: Vec<String> = diff.kept.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(kept, [format!("{RULE}.deposed-1")]);
}

#[test]
fn what_is_deposed_stays_as_long_as_somebody_lives_off_it() {
    let deposed = || {
        let mut world = world();
        world.succeed(Match { subject_prefix: Some("repo:acme/second".to_owned()), ..Match::default() });
        world.rule().matching.subject_prefix = Some("repo:acme/second".to_owned());
        world.rule().matching.claims.clear();
        world
    };
    #[track_caller]
    fn stays(world: &World, expected: bool) {
        let diff = world.guarded();
        let of = |address: &Address| address.is_deposed();
        let goes = diff.work.iter().any(|(operation, _)| of(operation.target().address));
        assert_eq!(
            (goes, diff.kept.iter().any(|it| of(&it.address))),
            (!expected, expected),
            "{:?}",
            diff.work
        );
    }
    stays(&deposed(), true);
    // It is not ours, and is forgotten last.
    let mut adopted = deposed();
    adopted.state.records.get_mut(&address(RULE).deposed(1)).unwrap().origin = keyless_state::Origin::Adopted;
    stays(&adopted, true);
    adopted.bind(Grant::Key);
    stays(&adopted, false);
    // Nobody asked for its end, so that nothing is refused.
    let mut forgotten = deposed();
    forgotten.configuration.api_keys.clear();
    forgotten.state.lanes.get_mut(&address(KEY)).unwrap().forgotten = true;
    stays(&forgotten, true);
    let mut unknown = deposed();
    unknown.bind(Grant::Unresolved);
    stays(&unknown, true);
    let mut used = deposed();
    used.bind(Grant::Key);
    let fact = keyless_state::Fact::AccountTraffic { service_account: address(ACCOUNT), last_seen: hour(1) };
    used.state.evidence.push(crate::sample::evidence("traffic", hour(2), fact));
    stays(&used, true);
    let why = &used.guarded().kept[0].why;
    assert!(why.contains(&format!("-retire={RULE}.deposed-1 ")), "{why}");
    // Somebody archived it.
    let mut lost = deposed();
    let id = id_of(&address(RULE));
    lost.observed.rules.get_mut(&id).unwrap().provenance.archived_at = Some(hour(0));
    stays(&lost, false);
}
