//! Whether keys that are back, or asked back, are used again.

use super::*;
use crate::binding::grant;
use crate::sample::{CONSUMER, KEY, RULE, address, api_key, built, consumer_id, evidence, hour, lane};

const BACK: i64 = 100;

fn half_past(at: i64) -> Timestamp {
    hour(at) + SignedDuration::from_mins(30)
}

/// All that is known of a workload whose key is back since half past an hour, and what is missing.
#[track_caller]
fn check(facts: Vec<(i64, Fact)>, change: impl FnOnce(&mut World), expected: Result<Timestamp, Vec<Lack>>) {
    let (configuration, mut state, mut observed) = built();
    observed.api_keys.insert("apikey_1".to_owned(), api_key("apikey_1", KeyStatus::Active));
    let rule = grant(&state.records[&address(RULE)], None);
    let mut binding = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), rule, hour(1));
    binding.write(Grant::Key, half_past(BACK));
    state.evidence = facts
        .into_iter()
        .enumerate()
        .map(|(number, (at, fact))| evidence(&number.to_string(), hour(at), fact))
        .collect();
    let place = (address(KEY), consumer_id(CONSUMER));
    let presence = BTreeMap::from([(place, Presence::Present)]);
    let mut world = World { configuration, state, observed, presence, binding };
    change(&mut world);
    let World { configuration, mut state, observed, presence, binding } = world;
    state.apply(&binding.clone().put());
    let seen =
        Seen { configuration: &configuration, state: &state, observed: &observed, presence: &presence };
    assert_eq!(in_use(&binding, &seen), Some(expected.clone()));
    let changes = in_use_again(&seen);
    match expected {
        Ok(_) => {
            assert_eq!(changes[0], Mutation::DropBinding { id: binding.id() });
            assert_eq!(changes.len(), 1 + state.lanes.len());
        }
        Err(_) => assert_eq!(changes, []),
    }
}

struct World {
    configuration: Configuration,
    state: State,
    observed: Observed,
    presence: BTreeMap<(Address, ConsumerId), Presence>,
    binding: Binding,
}

fn used(before: i64) -> Fact {
    Fact::KeyUsage {
        key: address(KEY),
        since: hour(0),
        complete_until: hour(before),
        last_used_before: Some(hour(before)),
    }
}

fn report(winner: Winner) -> Fact {
    Fact::CredentialReport {
        key: address(KEY),
        consumer: consumer_id(CONSUMER),
        winner,
        winner_source: ".env:1".to_owned(),
        rule_id: None,
        shadows: Vec::new(),
        key_id: None,
        identity: serde_json::Map::new(),
    }
}

#[test]
fn use_counts_in_whole_hours_after_the_restore() {
    let none = || Err(vec![Lack::Sign(half_past(BACK))]);
    check(Vec::new(), |_| {}, none());
    check(vec![(BACK + 3, used(BACK))], |_| {}, none());
    check(vec![(BACK + 3, used(BACK + 1))], |_| {}, none());
    check(vec![(BACK + 3, used(BACK + 2))], |_| {}, Ok(hour(BACK + 2)));
    let other = Fact::KeyUsage {
        key: address("api_key.other"),
        since: hour(0),
        complete_until: hour(BACK + 2),
        last_used_before: Some(hour(BACK + 2)),
    };
    check(vec![(BACK + 3, other)], |_| {}, none());
}

#[test]
fn use_of_a_key_that_several_places_hold_says_nothing_of_one() {
    let other = |holds: Presence| {
        move |world: &mut World| {
            let key = world.configuration.api_keys.get_mut(&address(KEY)).unwrap();
            key.consumers.insert(consumer_id("dotenv.other"), crate::sample::dotenv(RULE));
            world.presence.insert((address(KEY), consumer_id("dotenv.other")), holds);
        }
    };
    let used = || vec![(BACK + 3, used(BACK + 2))];
    check(used(), other(Presence::Absent), Ok(hour(BACK + 2)));
    check(used(), other(Presence::Present), Err(vec![Lack::Sign(half_past(BACK))]));
    let own = vec![(BACK + 1, report(Winner::ApiKey))];
    check(own, other(Presence::Present), Ok(hour(BACK + 1)));
}

#[test]
fn the_newest_report_counts() {
    let from = |at: Timestamp| Err(vec![Lack::Sign(at)]);
    check(vec![(BACK + 1, report(Winner::ApiKey))], |_| {}, Ok(hour(BACK + 1)));
    check(vec![(BACK, report(Winner::ApiKey))], |_| {}, from(half_past(BACK)));
    for winner in [Winner::Federation, Winner::AuthToken, Winner::Nothing] {
        check(vec![(BACK + 1, report(winner))], |_| {}, from(hour(BACK + 1)));
    }
    let federates = || (BACK + 2, report(Winner::Federation));
    check(vec![(BACK + 1, report(Winner::ApiKey)), federates()], |_| {}, from(hour(BACK + 2)));
    // Somebody else may use the key meanwhile.
    check(vec![(BACK + 4, used(BACK + 2)), federates()], |_| {}, from(hour(BACK + 2)));
    check(vec![(BACK + 4, used(BACK + 3)), federates()], |_| {}, Ok(hour(BACK + 3)));
}

#[test]
fn no_sign_counts_for_a_key_that_does_not_work_or_is_not_there() {
    let shown = || vec![(BACK + 1, report(Winner::ApiKey))];
    let presence = |presence: Presence| {
        move |world: &mut World| world.presence.values_mut().for_each(|it| *it = presence.clone())
    };
    check(shown(), presence(Presence::Absent), Err(vec![Lack::Key]));
    let unknown = Presence::Unknown("no answer".to_owned());
    check(shown(), presence(unknown), Err(vec![Lack::Look("no answer".to_owned())]));
    let status = |world: &mut World| {
        let key = api_key("apikey_1", KeyStatus::Inactive);
        world.observed.api_keys.insert("apikey_1".to_owned(), key);
    };
    check(shown(), status, Err(vec![Lack::Active(Some(KeyStatus::Inactive))]));
    check(shown(), |world| world.observed.api_keys.clear(), Err(vec![Lack::Active(None)]));
    check(shown(), |world| world.configuration.api_keys.clear(), Err(vec![Lack::Block]));
}

/// A lane that was taken back, in whose place only a person can put the key.
fn asked(world: &mut World, driver: crate::config::ConsumerDriver) {
    let key = world.configuration.api_keys.get_mut(&address(KEY)).unwrap();
    key.consumers.insert(consumer_id(CONSUMER), crate::sample::with_driver(RULE, driver));
    let mut record = lane("apikey_1", &[(CONSUMER, hour(1))]);
    (record.held, record.rolled_back_at) = (true, Some(half_past(BACK)));
    world.state.lanes.insert(address(KEY), record);
    let rule = grant(&world.state.records[&address(RULE)], None);
    world.binding = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), rule, hour(1));
    world.presence.values_mut().for_each(|it| *it = Presence::Unknown("nobody can look".to_owned()));
}

#[test]
fn a_key_that_a_person_puts_back_is_in_use_once_its_workload_reports_it() {
    let manual = |world: &mut World| asked(world, crate::sample::manual());
    let how = || Lack::ByHand("the reverse of \"Ask the owner of the laptop.\"".to_owned());
    let since = |at: Timestamp| Err(vec![how(), Lack::Report(at)]);
    check(Vec::new(), manual, since(half_past(BACK)));
    // What was reported and used before somebody was asked is of before.
    check(vec![(BACK, report(Winner::ApiKey))], manual, since(half_past(BACK)));
    check(vec![(BACK + 3, used(BACK + 2))], manual, since(half_past(BACK)));
    check(vec![(BACK + 1, report(Winner::Federation))], manual, since(hour(BACK + 1)));
    check(vec![(BACK + 1, report(Winner::ApiKey))], manual, Ok(hour(BACK + 1)));
    // A lane that was not taken back asks nobody.
    let not_held = |world: &mut World| {
        manual(world);
        world.state.lanes.get_mut(&address(KEY)).unwrap().held = false;
        assert!(!super::super::is_coming_back(&world.binding, &world.state, &world.configuration));
        world.state.lanes.get_mut(&address(KEY)).unwrap().held = true;
    };
    check(Vec::new(), not_held, since(half_past(BACK)));
    let command = |holds: Presence| {
        move |world: &mut World| {
            asked(world, crate::sample::command(false));
            world.presence.values_mut().for_each(|it| *it = holds.clone());
        }
    };
    let reported = || vec![(BACK + 1, report(Winner::ApiKey))];
    let no_restore = Lack::ByHand("it has no `restore` command".to_owned());
    check(reported(), command(Presence::Absent), Err(vec![no_restore]));
    check(reported(), command(Presence::Present), Ok(hour(BACK + 1)));
}

#[test]
fn what_workloads_used_before_is_known_of_their_accounts() {
    let (configuration, mut state, mut observed) = built();
    observed.api_keys.insert("apikey_1".to_owned(), api_key("apikey_1", KeyStatus::Active));
    let mut record = lane("apikey_1", &[(CONSUMER, hour(1))]);
    record.rolled_back_at = Some(half_past(BACK));
    state.lanes.insert(address(KEY), record.clone());
    let rule = grant(&state.records[&address(RULE)], None);
    let mut binding = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), rule, hour(1));
    binding.write(Grant::Key, half_past(BACK));
    state.apply(&binding.put());
    // A word of after the way back would bind it again at the next look.
    let word = crate::sample::statement(KEY, CONSUMER, hour(BACK + 1));
    state.evidence = vec![word, evidence("report", hour(BACK + 3), report(Winner::ApiKey))];
    let presence = BTreeMap::from([((address(KEY), consumer_id(CONSUMER)), Presence::Present)]);
    let seen =
        Seen { configuration: &configuration, state: &state, observed: &observed, presence: &presence };
    let mut after = state.clone();
    in_use_again(&seen).iter().for_each(|change| after.apply(change));
    let lane = &after.lanes[&address(KEY)];
    let account = state.records[&address(crate::sample::ACCOUNT)].id.clone();
    assert_eq!(lane.left, BTreeMap::from([(account, hour(BACK + 3))]));
    assert_eq!(lane.rolled_back_at, record.rolled_back_at);
    assert_eq!(after.evidence.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["report"]);
    assert_eq!(lane.consumers[&consumer_id(CONSUMER)].removed_at, None);
}

#[test]
fn a_sign_shows_in_the_report_once_its_hour_is_over() {
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    assert_eq!(Lack::Sign(half_past(BACK)).earliest(), Some(hour(BACK + 2) + delay));
    assert_eq!(Lack::Key.earliest(), None);
}
