use keyless_state::Address;

use super::*;
use crate::resource::KeyStatus;
use crate::sample::{CONSUMER, KEY, RULE, address, api_key, built, command, hour, lane, manual, with_driver};

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
    let driver = |c: &mut Configuration, driver| {
        let key = c.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.values_mut().for_each(|consumer| *consumer = with_driver(RULE, Clone::clone(&driver)));
    };
    check(&|c, _| driver(c, manual()), "Ask the owner of the laptop.");
    check(&|c, _| driver(c, command(false)), "it has no `restore` command");
    check(&|c, _| c.api_keys.clear(), "it is no longer declared");
    let archived = |_: &mut Configuration, s: &mut State| {
        s.lanes.get_mut(&address(KEY)).unwrap().archived_at = Some(hour(99));
    };
    check(&archived, "can never work again");
}

#[test]
fn a_word_about_another_key_of_that_name_keeps_nothing() {
    let check = |named: Option<&str>, stays: bool| {
        let (configuration, mut state, _) = built();
        let mut word = crate::sample::statement(KEY, CONSUMER, hour(1));
        if let Fact::Statement { key_id, .. } = &mut word.fact {
            *key_id = named.map(str::to_owned);
        }
        state.evidence.push(word);
        let back = way_back(&state, &State::default(), &configuration, &Presences::new(), Reason::Rollback);
        assert_eq!(back.residue.is_empty(), !stays, "{named:?}: {:?}", back.residue);
        assert_eq!(ids(&back).contains(&"archive/federation_rule.bot"), !stays);
    };
    check(None, true);
    check(Some("apikey_1"), true);
    check(Some("apikey_9"), false);
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
