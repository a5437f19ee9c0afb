use keyless_state::{Address, Mutation};

use super::*;
use crate::resource::KeyStatus;
use crate::sample::{
    CONSUMER, KEY, RULE, address, api_key, built, command, consumer_id, hour, lane, manual, with_driver,
};

fn ids(back: &WayBack) -> Vec<&str> {
    back.steps.iter().map(|step| step.id.as_str()).collect()
}

/// A lane whose key was taken out and disabled, and all that replaced it.
fn revoked() -> (Configuration, State) {
    let (configuration, mut state, _) = built();
    let mut lane = lane("apikey_1", &[(CONSUMER, hour(0))]);
    lane.disabled_at = Some(hour(80));
    state.lanes.insert(address(KEY), lane);
    (configuration, state)
}

#[test]
fn the_way_to_nothing_brings_the_key_back_before_anything_goes() {
    let (configuration, state) = revoked();
    let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Destroy);
    let (enable, restore) = ("enable/api_key.old", "restore/api_key.old/dotenv.app");
    let archives = ["archive/federation_rule.bot", "archive/provider.oidc.ci", "archive/service_account.bot"];
    assert_eq!(ids(&back), [enable, restore, "forget/api_key.old", archives[0], archives[1], archives[2]]);
    for step in back.steps.iter().filter(|step| step.id.starts_with("archive")) {
        assert!(step.after.iter().any(|id| id == enable) && step.after.iter().any(|id| id == restore));
    }
    assert!(back.steps[4].after.iter().any(|id| id == archives[0]));
    assert_eq!(back.residue, Vec::<String>::new());
}

#[test]
fn archives_wait_for_the_key_of_a_lane_without_recorded_consumers() {
    let (configuration, mut state) = revoked();
    state.lanes.get_mut(&address(KEY)).unwrap().consumers.clear();
    let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Destroy);
    for step in back.steps.iter().filter(|step| step.id.starts_with("archive")) {
        assert!(step.after.iter().any(|id| id == "enable/api_key.old"), "{}", step.id);
    }
}

#[test]
fn a_change_back_waits_for_the_key() {
    let (configuration, mut state) = revoked();
    let mut then = state.clone();
    then.lanes.clear();
    let rule: Address = address(RULE);
    state.records.get_mut(&rule).unwrap().attributes.insert("description".into(), "new".into());
    let back = way_back(&state, &then, &configuration, &Presences::new(), Reason::Rollback);
    assert_eq!(
        ids(&back),
        ["enable/api_key.old", "restore/api_key.old/dotenv.app", "update/federation_rule.bot"]
    );
    assert_eq!(back.steps[2].after, ["enable/api_key.old", "restore/api_key.old/dotenv.app"]);
}

#[test]
fn what_cannot_be_taken_back_is_told() {
    let check = |change: &dyn Fn(&mut Configuration, &mut State), expected: &str| {
        let (mut configuration, mut state) = revoked();
        change(&mut configuration, &mut state);
        let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Destroy);
        // A workload without its key lives off what replaced it, so that stays, and this is said.
        assert_eq!(back.residue.len(), 2, "{:?}", back.residue);
        assert!(back.residue[1].starts_with("what was created since stays"), "{}", back.residue[1]);
        assert!(ids(&back).iter().all(|id| !id.starts_with("archive/")), "{:?}", ids(&back));
        assert!(back.residue[0].contains(expected), "{}", back.residue[0]);
        assert!(!ids(&back).contains(&"restore/api_key.old/dotenv.app"));
    };
    check(&|c, _| c.api_keys.clear(), "it is no longer declared");
    let archived = |_: &mut Configuration, s: &mut State| {
        s.lanes.get_mut(&address(KEY)).unwrap().archived_at = Some(hour(99));
    };
    check(&archived, "can never work again");
}

/// A lane whose key only a person can put back, and that lives off its rule.
fn by_hand(driver: crate::config::ConsumerDriver) -> (Configuration, State) {
    let (mut configuration, mut state) = revoked();
    let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
    key.consumers.values_mut().for_each(|consumer| *consumer = with_driver(RULE, driver.clone()));
    let grant = binding::grant(&state.records[&address(RULE)], None);
    let bound =
        keyless_state::Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0));
    state.apply(&bound.put());
    (configuration, state)
}

#[test]
fn a_person_is_asked_to_put_back_what_no_driver_can() {
    let gone = State::default();
    let back_of = |configuration: &Configuration, now: &State, then: &State| {
        way_back(now, then, configuration, &Presences::new(), Reason::Destroy)
    };
    for (driver, how) in [
        (manual(), "the reverse of \"Ask the owner of the laptop.\""),
        (command(false), "it has no `restore` command"),
    ] {
        let (configuration, state) = by_hand(driver);
        let back = back_of(&configuration, &state, &gone);
        assert_eq!(back.residue, Vec::<String>::new());
        let asks: Vec<String> = back.asks.iter().map(ToString::to_string).collect();
        assert_eq!(asks.len(), 1);
        assert!(
            asks[0].starts_with("put the key apikey_1 of api_key.old back into") && asks[0].ends_with(how)
        );
        let archives =
            ["archive/federation_rule.bot", "archive/provider.oidc.ci", "archive/service_account.bot"];
        assert_eq!(ids(&back)[..2], ["enable/api_key.old", "forget/api_key.old"]);
        assert_eq!(ids(&back)[2..], archives);
        // It was out then too.
        assert_eq!(back_of(&configuration, &state, &state).asks, []);
        let lane = |change: &dyn Fn(&mut LaneRecord)| {
            let mut state = state.clone();
            change(state.lanes.get_mut(&address(KEY)).unwrap());
            state
        };
        // What was asked before is asked until the key is used, and not of a key that can never work again.
        assert_eq!(back_of(&configuration, &lane(&|lane| lane.held = true), &gone).asks, back.asks);
        assert_eq!(back_of(&configuration, &lane(&|lane| lane.archived_at = Some(hour(99))), &gone).asks, []);
        let mut settled = state.clone();
        settled.bindings.values_mut().for_each(|it| it.settle(Grant::Key, hour(99)));
        assert_eq!(back_of(&configuration, &settled, &gone).asks, []);
    }
}

#[test]
fn nobody_is_asked_to_put_back_a_key_that_does_not_work() {
    let (configuration, mut state) = by_hand(manual());
    state.lanes.get_mut(&address(KEY)).unwrap().disabled_at = None;
    let (_, _, mut observed) = built();
    let mut check = |status: &str, expected: usize| {
        observed.api_keys.insert("apikey_1".into(), api_key("apikey_1", KeyStatus::from_word(status)));
        let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Destroy);
        assert_eq!(dead_keys(&back, &state, &observed).len(), expected, "{status}");
    };
    check("active", 0);
    check("inactive", 1);
    check("archived", 1);
}

#[test]
fn a_lane_is_held_while_its_key_is_asked_back() {
    let (configuration, mut state) = by_hand(manual());
    let asks = binding::asks(&state, &State::default(), &configuration);
    assert_eq!(hold_asked(&[], &state, hour(99)), []);
    let held = hold_asked(&asks, &state, hour(99));
    held.iter().for_each(|change| state.apply(change));
    let lane = &state.lanes[&address(KEY)];
    assert_eq!((lane.held, lane.rolled_back_at, lane.disabled_at), (true, Some(hour(99)), Some(hour(80))));
    assert_eq!(hold_asked(&asks, &state, hour(100)), []);
    // A word alone made no record.
    state.lanes.clear();
    let held = hold_asked(&asks, &state, hour(99));
    assert!(matches!(&held[..], [Mutation::PutLane { lane, .. }] if lane.key_id == "apikey_1"), "{held:?}");
}

#[test]
fn nothing_is_done_on_the_way_to_where_it_stands() {
    let (configuration, state) = revoked();
    assert_eq!(
        way_back(&state, &state, &configuration, &Presences::new(), Reason::Rollback),
        WayBack::default()
    );
}

#[test]
fn a_key_that_somebody_else_set_inactive_is_not_put_back() {
    let (configuration, mut state) = revoked();
    let (_, _, mut observed) = built();
    let mut check = |status: &str, ours: bool, expected: usize| {
        state.lanes.get_mut(&address(KEY)).unwrap().disabled_at = ours.then(|| hour(80));
        observed.api_keys.insert("apikey_1".into(), api_key("apikey_1", KeyStatus::from_word(status)));
        let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Destroy);
        assert_eq!(dead_keys(&back, &state, &observed).len(), expected, "{status}");
    };
    check("active", false, 0);
    check("inactive", true, 0);
    check("inactive", false, 1);
    check("expired", false, 1);
}
