//! Bindings through what records leave open, reports, and persons.

use serde_json::json;

use super::*;
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour, id_of, lane, manual, report,
    statement, with_driver,
};

const KEY_ID: &str = "apikey_1";
const SECOND: &str = "federation_rule.second";

type World = (Configuration, State);

/// A second rule beside the first.
fn world() -> World {
    let (mut configuration, ..) = built();
    let second = crate::sample::rule("second", ISSUER, ACCOUNT);
    configuration.federation_rules.insert(address(SECOND), second);
    let observed = crate::sample::build(&configuration);
    let state = crate::sample::recorded(&configuration, &observed);
    (configuration, state)
}

fn grant_of(rule: &str) -> Grant {
    Grant::Rule {
        rule_id: id_of(&address(rule)),
        service_account_id: id_of(&address(ACCOUNT)),
        issuer_id: id_of(&address(ISSUER)),
        workspace_id: Some("wrkspc_a".to_owned()),
    }
}

fn bind(world: &mut World, grant: Grant) {
    let binding = Binding::new(KEY_ID, &address(KEY), &consumer_id(CONSUMER), grant, hour(0));
    world.1.apply(&binding.put());
}

/// Learns twice, since what was learnt is no news.
fn learnt(world: &World, found: &[(&str, &str)]) -> State {
    let found: BTreeMap<String, String> =
        found.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let found = match found.is_empty() {
        true => Found::new(),
        false => Found::from([((address(KEY), consumer_id(CONSUMER)), found)]),
    };
    let mut state = world.1.clone();
    learn(&world.0, &world.1, &found, &Marked::new(), &BTreeMap::new(), hour(10))
        .iter()
        .for_each(|change| state.apply(change));
    assert_eq!(learn(&world.0, &state, &found, &Marked::new(), &BTreeMap::new(), hour(10)), []);
    state
}

#[track_caller]
fn check(world: &World, found: &[(&str, &str)], expected: &Grant) {
    let state = learnt(world, found);
    assert_eq!(&state.bindings[&format!("{KEY_ID}/{CONSUMER}")].grant, expected);
}

#[test]
fn what_an_older_record_left_open_is_told_by_the_place_the_report_or_the_block() {
    let mut open = world();
    open.1.lanes.insert(address(KEY), lane(KEY_ID, &[(CONSUMER, hour(0))]));
    open.1.missing_bindings().iter().for_each(|change| open.1.apply(change));
    check(&open, &[], &grant_of(RULE));
    let second = id_of(&address(SECOND));
    check(&open, &[("ANTHROPIC_FEDERATION_RULE_ID", &second)], &grant_of(SECOND));
    let mut reported = (open.0.clone(), open.1.clone());
    reported.1.evidence.push(report(hour(1), Winner::Federation, Some(&second)));
    check(&reported, &[], &grant_of(SECOND));
    check(&open, &[("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_other")], &Grant::Unresolved);
    let mut gone = open;
    gone.0.api_keys.clear();
    check(&gone, &[], &Grant::Unresolved);
}

#[test]
fn a_workload_is_followed_where_it_reports_to_be() {
    let mut bound = world();
    bind(&mut bound, grant_of(RULE));
    let with = |at, winner, rule: Option<&str>| {
        let mut world = (bound.0.clone(), bound.1.clone());
        world.1.evidence.push(report(at, winner, rule));
        world
    };
    let second = id_of(&address(SECOND));
    check(&with(hour(1), Winner::Federation, Some(&second)), &[], &grant_of(SECOND));
    check(&with(hour(0), Winner::Federation, Some(&second)), &[], &grant_of(RULE));
    check(&with(hour(1), Winner::Federation, Some("fdrl_other")), &[], &grant_of(RULE));
    check(&with(hour(1), Winner::ApiKey, Some(&second)), &[], &grant_of(RULE));
    let mut key = world();
    bind(&mut key, Grant::Key);
    key.1.evidence.push(report(hour(1), Winner::Federation, Some(&second)));
    check(&key, &[], &Grant::Key);
}

#[test]
fn a_persons_word_binds_what_no_program_reaches() {
    let (mut configuration, state) = world();
    let consumers = &mut configuration.api_keys.get_mut(&address(KEY)).unwrap().consumers;
    consumers.insert(consumer_id("manual.desk"), with_driver(RULE, manual()));
    let mut stated = (configuration, state);
    stated.1.evidence.push(statement(KEY, "manual.desk", hour(1)));
    let state = learnt(&stated, &[]);
    let binding = &state.bindings["apikey_1/manual.desk"];
    assert_eq!((&binding.grant, binding.since), (&grant_of(RULE), hour(1)));
    assert_eq!(binding.place.as_deref(), Some("manual desk"));
    // Its block names another rule by now, and only a new word is about that one.
    let consumers = &mut stated.0.api_keys.get_mut(&address(KEY)).unwrap().consumers;
    consumers.get_mut(&consumer_id("manual.desk")).unwrap().rule = address(SECOND);
    stated.1 = state;
    assert_eq!(learnt(&stated, &[]).bindings["apikey_1/manual.desk"].grant, grant_of(RULE));
    let said_of = |rule: Option<&str>| {
        let mut said = statement(KEY, "manual.desk", hour(2));
        if let Fact::Statement { rule_id, .. } = &mut said.fact {
            *rule_id = rule.map(|rule| id_of(&address(rule)));
        }
        vec![said]
    };
    // It was said before anything was bound, and the block has changed since.
    let bound = std::mem::take(&mut stated.1.bindings);
    for (about, lives_off) in [(None, SECOND), (Some(RULE), RULE), (Some(SECOND), SECOND)] {
        stated.1.evidence = said_of(about);
        let learnt = learnt(&stated, &[]);
        assert_eq!(learnt.bindings["apikey_1/manual.desk"].grant, grant_of(lives_off), "{about:?}");
    }
    stated.1.bindings = bound;
    for (about, lives_off) in [(None, RULE), (Some(RULE), RULE), (Some(SECOND), SECOND)] {
        stated.1.evidence = said_of(about);
        let learnt = learnt(&stated, &[]);
        assert_eq!(learnt.bindings["apikey_1/manual.desk"].grant, grant_of(lives_off), "{about:?}");
    }
}

#[test]
fn identities_are_remembered_for_a_month_and_the_newest_for_ever() {
    let mut bound = world();
    bind(&mut bound, grant_of(RULE));
    let as_whom = |subject: &str| json!({ "sub": subject }).as_object().unwrap().clone();
    let mut now = hour(0);
    let mut show = |world: &mut World, subject: &str, days: i64| {
        let mut seen = report(hour(days * 24), Winner::Federation, None);
        if let Fact::CredentialReport { identity, .. } = &mut seen.fact {
            *identity = as_whom(subject);
        }
        now = hour(days * 24);
        world.1.evidence = vec![seen];
        let changes = learn(&world.0, &world.1, &Found::new(), &Marked::new(), &BTreeMap::new(), now);
        changes.iter().for_each(|change| world.1.apply(change));
        let known = &world.1.bindings[&format!("{KEY_ID}/{CONSUMER}")].identities;
        known.iter().map(|it| it.claims["sub"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(show(&mut bound, "main", 0), ["main"]);
    assert_eq!(show(&mut bound, "main", 1), ["main"]);
    assert_eq!(show(&mut bound, "branch", 2), ["main", "branch"]);
    assert_eq!(show(&mut bound, "branch", 40), ["branch"]);
    bound.1.evidence.clear();
    let changes = learn(&bound.0, &bound.1, &Found::new(), &Marked::new(), &BTreeMap::new(), hour(400 * 24));
    assert_eq!(changes, [], "the newest stays");
}

fn in_workspace(rule: &str, workspace: &str) -> Grant {
    let mut grant = grant_of(rule);
    if let Grant::Rule { workspace_id, .. } = &mut grant {
        *workspace_id = Some(workspace.to_owned());
    }
    grant
}

fn all_of(state: &State) -> Vec<Grant> {
    state.bindings[&format!("{KEY_ID}/{CONSUMER}")].grants().cloned().collect()
}

#[test]
fn what_somebody_wrote_into_a_place_may_be_lived_off() {
    let mut bound = world();
    bind(&mut bound, grant_of(RULE));
    let second = id_of(&address(SECOND));
    let wrote = [("ANTHROPIC_FEDERATION_RULE_ID", second.as_str()), ("ANTHROPIC_WORKSPACE_ID", "wrkspc_b")];
    let written = in_workspace(SECOND, "wrkspc_b");
    bound.1 = learnt(&bound, &wrote);
    assert_eq!(all_of(&bound.1), [grant_of(RULE), written.clone()]);
    // A report names the rule; the workspace is that of the settings.
    bound.1.evidence.push(report(hour(11), Winner::Federation, Some(&second)));
    bound.1 = learnt(&bound, &wrote);
    assert_eq!(all_of(&bound.1), std::slice::from_ref(&written));
    // In another workspace by the same rule: the next report does not tell which of the two it is.
    bound.1 = learnt(&bound, &[wrote[0], ("ANTHROPIC_WORKSPACE_ID", "wrkspc_a")]);
    bound.1.evidence = vec![report(hour(20), Winner::Federation, Some(&second))];
    let both = learnt(&bound, &[]);
    assert_eq!(all_of(&both), [written, grant_of(SECOND)]);
}

#[test]
fn who_is_seen_again_was_not_gone() {
    let mut gone = world();
    bind(&mut gone, grant_of(RULE));
    let word = |at| Evidence {
        weight: keyless_state::Weight::Stated,
        ..crate::sample::evidence(
            "word",
            at,
            Fact::Retirement {
                grant: address(RULE),
                object_id: id_of(&address(RULE)),
                consumer: None,
                by: "Ada".to_owned(),
                statement: "gone".to_owned(),
            },
        )
    };
    let ended = keyless_state::Ended { at: hour(5), by: "Ada".to_owned() };
    gone.1.bindings.values_mut().for_each(|binding| binding.ended = Some(ended.clone()));
    for (seen, is_gone) in [(hour(4), true), (hour(6), false)] {
        let mut of_key = word(hour(5));
        of_key.id = "of the key".to_owned();
        if let Fact::Retirement { object_id, grant, .. } = &mut of_key.fact {
            *object_id = KEY_ID.to_owned();
            *grant = address(KEY);
        }
        gone.1.evidence = vec![report(seen, Winner::Federation, None), word(hour(5)), of_key];
        let state = learnt(&gone, &[]);
        let binding = state.bindings.values().next().unwrap();
        let words = state.evidence.iter().filter(|it| matches!(it.fact, Fact::Retirement { .. })).count();
        assert_eq!((binding.ended.is_some(), words), (is_gone, 2 * usize::from(is_gone)), "{seen}");
    }
}

#[test]
fn a_forgotten_lane_is_declared_again_or_spent() {
    let mut forgotten = world();
    bind(&mut forgotten, grant_of(RULE));
    let record = LaneRecord { forgotten: true, ..lane(KEY_ID, &[(CONSUMER, hour(0))]) };
    forgotten.1.lanes.insert(address(KEY), record);
    assert!(!learnt(&forgotten, &[]).lanes[&address(KEY)].forgotten);
    forgotten.0.api_keys.clear();
    assert!(learnt(&forgotten, &[]).lanes[&address(KEY)].forgotten);
    let ended = keyless_state::Ended { at: hour(5), by: "Ada".to_owned() };
    forgotten.1.bindings.values_mut().for_each(|binding| binding.ended = Some(ended.clone()));
    let state = learnt(&forgotten, &[]);
    assert!(state.lanes.is_empty() && state.bindings.is_empty());
}

#[test]
fn a_place_without_its_key_lives_off_what_its_settings_name() {
    let mut world = built();
    let place = (address(KEY), consumer_id(CONSUMER));
    let rule = world.1.records[&address(RULE)].id.clone();
    let named = BTreeMap::from([("ANTHROPIC_FEDERATION_RULE_ID".to_owned(), rule.clone())]);
    let found = Found::from([(place.clone(), named)]);
    world.1.lanes.insert(address(KEY), crate::sample::lane("apikey_1", &[]));
    let record = keyless_state::ConsumerRecord::default();
    world.1.lanes.get_mut(&address(KEY)).unwrap().consumers.insert(consumer_id(CONSUMER), record);
    let has = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), Grant::Key, hour(0));
    world.1.apply(&has.put());
    let mut look = |holds: Presence| {
        let presence = BTreeMap::from([(place.clone(), holds)]);
        let learnt = learn(&world.0, &world.1, &found, &Marked::new(), &presence, hour(1));
        learnt.iter().for_each(|change| world.1.apply(change));
        let binding = world.1.binding("apikey_1", &consumer_id(CONSUMER)).unwrap();
        (crate::binding::lives_off(binding, &rule), binding.has_key())
    };
    assert_eq!(look(Presence::Present), (false, true));
    assert_eq!(look(Presence::Unknown("no answer".to_owned())), (false, true));
    assert_eq!(look(Presence::Absent), (true, false));
    assert_eq!(look(Presence::Unknown("no answer".to_owned())), (true, false));
    // It may go on with the rule until it reads its key again.
    assert_eq!(look(Presence::Present), (true, true));
    assert_eq!(look(Presence::Absent), (true, false));
}

#[test]
fn a_place_that_went_back_to_federation_is_bound_again() {
    let world = built();
    let place = (address(KEY), consumer_id(CONSUMER));
    let rule = world.1.records[&address(RULE)].id.clone();
    let found =
        Found::from([(place.clone(), BTreeMap::from([("ANTHROPIC_FEDERATION_RULE_ID".to_owned(), rule)]))]);
    let bound = |holds: Presence| {
        let presence = BTreeMap::from([(place.clone(), holds)]);
        let learnt = learn(&world.0, &world.1, &found, &Marked::new(), &presence, hour(1));
        learnt
            .iter()
            .any(|change| matches!(change, Mutation::PutBinding { binding, .. } if !binding.has_key()))
    };
    assert!(bound(Presence::Absent));
    assert!(!bound(Presence::Present));
    assert!(!bound(Presence::Unknown("no answer".to_owned())));
}

#[test]
fn a_place_that_loses_its_key_again_lives_off_the_rule_of_its_block() {
    let bound = |holds: Presence, change: &dyn Fn(&mut Configuration, &mut LaneRecord)| {
        let (mut configuration, mut state, _) = built();
        let driver = crate::sample::command(true);
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.insert(consumer_id(CONSUMER), crate::sample::with_driver(RULE, driver));
        let mut record = lane("apikey_1", &[(CONSUMER, hour(1))]);
        record.consumers.values_mut().for_each(|it| it.removed_at = None);
        record.rolled_back_at = Some(hour(2));
        change(&mut configuration, &mut record);
        state.lanes.insert(address(KEY), record);
        let presence = BTreeMap::from([((address(KEY), consumer_id(CONSUMER)), holds)]);
        let learnt = learn(&configuration, &state, &Found::new(), &Marked::new(), &presence, hour(3));
        learnt.iter().any(|change| {
            matches!(change, Mutation::PutBinding { binding, .. }
                if matches!(&binding.grant, Grant::Rule { rule_id, .. } if *rule_id == state.records[&address(RULE)].id))
        })
    };
    assert!(bound(Presence::Absent, &|_, _| {}));
    assert!(!bound(Presence::Present, &|_, _| {}));
    // It never lost its key by keyless, or is yet to get it back.
    assert!(!bound(Presence::Absent, &|_, lane| lane.rolled_back_at = None));
    assert!(!bound(Presence::Absent, &|_, lane| lane.consumers.clear()));
    assert!(!bound(Presence::Absent, &|_, lane| lane.key_id = "apikey_9".to_owned()));
    // Where the settings are read, they tell.
    assert!(!bound(Presence::Absent, &|configuration, _| {
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.insert(consumer_id(CONSUMER), crate::sample::dotenv(RULE));
    }));
}

#[test]
fn a_key_is_back_once_it_is_seen() {
    let back = |held: bool, driver| {
        let (mut configuration, mut state, _) = built();
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.insert(consumer_id(CONSUMER), crate::sample::with_driver(RULE, driver));
        let record = LaneRecord { held, ..lane("apikey_1", &[(CONSUMER, hour(1))]) };
        state.lanes.insert(address(KEY), record);
        let rule = grant(&state.records[&address(RULE)], None);
        state.apply(&Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), rule, hour(1)).put());
        let presence = BTreeMap::from([((address(KEY), consumer_id(CONSUMER)), Presence::Present)]);
        let learnt = learn(&configuration, &state, &Found::new(), &Marked::new(), &presence, hour(3));
        learnt.iter().for_each(|change| state.apply(change));
        let binding = state.binding("apikey_1", &consumer_id(CONSUMER)).unwrap();
        let removed = state.lanes[&address(KEY)].consumers[&consumer_id(CONSUMER)].removed_at;
        (binding.key_back_at(), removed)
    };
    let command = crate::sample::command;
    assert_eq!(back(true, command(false)), (Some(hour(3)), None));
    // What a driver puts back is recorded when it does, and what came back unasked is none that keyless put there.
    assert_eq!(back(true, command(true)), (Some(hour(3)), Some(hour(1))));
    assert_eq!(back(false, command(false)), (Some(hour(3)), Some(hour(1))));
    assert_eq!(back(false, crate::sample::dotenv(RULE).driver), (None, Some(hour(1))));
}

#[test]
fn what_was_said_before_a_key_came_and_went_says_nothing() {
    let (configuration, mut state, _) = built();
    let key = || address(KEY);
    let mut configuration = configuration;
    let declared = configuration.api_keys.get_mut(&key()).unwrap();
    declared
        .consumers
        .insert(consumer_id(CONSUMER), crate::sample::with_driver(RULE, crate::sample::command(true)));
    let here = crate::binding::place(&consumer_id(CONSUMER), &crate::sample::command(true));
    state.lanes.insert(key(), lane("apikey_1", &[(CONSUMER, hour(1))]));
    let rule = state.records[&address(RULE)].id.clone();
    let bound = grant(&state.records[&address(RULE)], None);
    state.apply(&Binding::new("apikey_1", &key(), &consumer_id(CONSUMER), bound, hour(1)).put());
    let mut settings = crate::sample::settings_statement(hour(1), &rule);
    if let Fact::SettingsStatement { place, key_id, .. } = &mut settings.fact {
        (*place, *key_id) = (here, "apikey_1".to_owned());
    }
    let given = |id: &str, object_id: &str| {
        let fact = Fact::Retirement {
            grant: address(RULE),
            object_id: object_id.to_owned(),
            consumer: None,
            by: "Ada".to_owned(),
            statement: "gone".to_owned(),
        };
        crate::sample::evidence(id, hour(2), fact)
    };
    state.evidence = vec![settings, given("rule", &rule), given("another", "fdrl_9")];
    let mut look = |holds: Presence, at: i64| {
        let presence = BTreeMap::from([((key(), consumer_id(CONSUMER)), holds)]);
        let learnt = learn(&configuration, &state, &Found::new(), &Marked::new(), &presence, hour(at));
        learnt.iter().for_each(|change| state.apply(change));
        state.evidence.iter().map(|evidence| evidence.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(look(Presence::Absent, 3).len(), 3, "its key is out all the time");
    // It may live off its key again, so that nobody knows what its settings are.
    assert_eq!(look(Presence::Present, 4), ["rule", "another"]);
    // Nobody lived off the rule when that was said; by now somebody does.
    assert_eq!(look(Presence::Absent, 5), ["another"]);
}
