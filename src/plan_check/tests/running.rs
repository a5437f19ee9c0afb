//! One step at the moment at which it is about to run.

use super::worlds::{World, archivable, confirmed, destroyed, disturbed, fresh, half_destroyed, undeclared};
use super::*;

/// The step of a world's plan with this id, judged after something happened.
#[track_caller]
fn check(from: &World, id: &str, mut now: World, happens: impl FnOnce(&mut World), expected: &[&str]) {
    let step = step(&mut from.plan(), id).clone();
    happens(&mut now);
    let found = breaks(&step, &now.moment());
    let told: Vec<&str> = found.iter().map(|it| it.invariant.id()).collect();
    assert_eq!(told, expected, "{found:#?}");
}

#[test]
fn a_key_is_taken_out_only_of_a_proved_lane() {
    let present = |world: &mut World| {
        world.state.lanes.clear();
        world.present();
    };
    check(&fresh(), REMOVE, confirmed(), present, &[]);
    check(&fresh(), REMOVE, fresh(), |_| (), &["I3"]);
    check(&fresh(), REMOVE, confirmed(), |world| world.now = hour(500), &["I3"]);
    check(&fresh(), REMOVE, confirmed(), |world| world.rule_changed(), &["I3"]);
    check(&fresh(), REMOVE, confirmed(), |world| world.configuration.api_keys.clear(), &["I3"]);
}

#[test]
fn a_key_is_taken_out_only_where_the_workload_knows_the_rule() {
    let by_hand = |change: fn(&mut World)| {
        move |world: &mut World| {
            world.state.lanes.clear();
            world.present();
            world.by_hand();
            change(world);
        }
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(|_| ()), &[]);
    let silent = |world: &mut World| world.state.evidence.retain(|it| it.id != "report");
    check(&fresh(), REMOVE, confirmed(), by_hand(silent), &["I3"]);
    check(&fresh(), REMOVE, confirmed(), by_hand(|world| world.names("fdrl_9", hour(2))), &["I3"]);
    let stated = |world: &mut World| {
        world.names("fdrl_9", hour(2));
        world.stated(hour(3));
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(stated), &[]);
    let aged = |world: &mut World| {
        let (now, report) = (world.now, hour(1));
        world.state.evidence.iter_mut().filter(|it| it.id == "report").for_each(|it| {
            it.observed_at = report - jiff::SignedDuration::from_hours(31 * 24);
        });
        assert!(now > report);
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(aged), &["I3"]);
    let other_rule = |world: &mut World| {
        let key = world.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.values_mut().for_each(|it| it.rule = address("federation_rule.other"));
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(other_rule), &["I3"]);
    let other_place = |world: &mut World| {
        world.names("fdrl_9", hour(2));
        world.stated(hour(3));
        let key = world.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.values_mut().for_each(|it| it.driver = crate::sample::command(false));
        let keyless_state::Fact::SettingsStatement { place, .. } =
            &mut world.state.evidence.last_mut().unwrap().fact
        else {
            panic!("the word came last")
        };
        place.push('x');
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(other_place), &["I3"]);
    let back = |world: &mut World| {
        let lane = keyless_state::LaneRecord { rolled_back_at: Some(hour(1)), ..Default::default() };
        world.state.lanes.insert(address(KEY), lane);
    };
    check(&fresh(), REMOVE, confirmed(), by_hand(back), &["I3"]);
}

#[test]
fn a_plan_takes_no_key_of_a_workload_that_may_not_know_the_rule() {
    let mut world = confirmed();
    world.state.lanes.clear();
    world.present();
    world.by_hand();
    let plan = world.plan();
    assert_eq!(told(&super::check(&plan, Some(&world.moment()))), [""; 0]);
    world.names("fdrl_9", hour(2));
    assert_eq!(told(&super::check(&plan, Some(&world.moment()))), ["I3 remove/api_key.old/dotenv.app"]);
}

#[test]
fn a_key_is_set_inactive_only_with_all_evidence() {
    for id in [CONFIRM, DISABLE] {
        check(&fresh(), id, confirmed(), |_| (), &[]);
        check(&fresh(), id, confirmed(), |world| world.present(), &["I1"]);
        check(&fresh(), id, confirmed(), |world| world.report(hour(0)), &["I1"]);
        check(&fresh(), id, confirmed(), |world| world.brought_back(hour(2)), &["I1"]);
        check(&fresh(), id, confirmed(), |world| world.now = hour(500), &["I1"]);
        check(&fresh(), id, fresh(), |world| world.absent(), &["I1"]);
    }
    check(&fresh(), DISABLE, confirmed(), |world| world.key("inactive"), &["I8"]);
}

#[test]
fn a_key_is_archived_only_after_its_time() {
    check(&archivable(), ARCHIVE, archivable(), |_| (), &[]);
    check(&archivable(), ARCHIVE, archivable(), |world| world.now = hour(140), &["I2"]);
    check(&archivable(), ARCHIVE, archivable(), |world| world.used(hour(120)), &["I2"]);
    check(&archivable(), ARCHIVE, archivable(), |world| world.key("active"), &["I2"]);
    check(&archivable(), ARCHIVE, confirmed(), |_| (), &["I2"]);
}

#[test]
fn the_way_back_leaves_nobody_without_a_credential() {
    check(&destroyed(), ENABLE, destroyed(), |_| (), &[]);
    check(&destroyed(), ENABLE, confirmed(), |_| (), &["I8"]);
    check(&destroyed(), RESTORE, confirmed(), |_| (), &[]);
    check(&destroyed(), RESTORE, destroyed(), |_| (), &["I3"]);
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), |_| (), &["I15"]);
    let restored = |at: i64| {
        move |world: &mut World| {
            let back = keyless_state::LaneRecord { rolled_back_at: Some(hour(at)), ..Default::default() };
            world.state.lanes.insert(address(KEY), back);
            world.present();
        }
    };
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), restored(50), &[]);
    // The account is used since.
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), restored(1), &["I3"]);
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), |world| world.state.lanes.clear(), &["I3"]);
    // A key that is back is not in use yet.
    let back = |is_used: bool| {
        move |world: &mut World| {
            let (lane, consumer) = (address(KEY), crate::sample::consumer_id(crate::sample::CONSUMER));
            let rule = crate::binding::grant(&world.state.records[&address(RULE)], None);
            let mut binding = keyless_state::Binding::new("apikey_1", &lane, &consumer, rule, hour(1));
            binding.write(keyless_state::Grant::Key, hour(50));
            if is_used {
                binding.settle(keyless_state::Grant::Key, hour(51));
            }
            world.state.apply(&binding.put());
            restored(50)(world);
        }
    };
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), back(false), &["I15"]);
    check(&half_destroyed(), ARCHIVE_RULE, confirmed(), back(true), &[]);
    check(&undeclared(), ARCHIVE_ISSUER, undeclared(), |_| (), &["I7"]);
    let rule_gone = |world: &mut World| drop(world.state.records.remove(&address(RULE)));
    check(&undeclared(), ARCHIVE_ISSUER, undeclared(), rule_gone, &[]);
}

#[test]
fn nothing_is_made_again() {
    check(&fresh(), CREATE, fresh(), |_| (), &[]);
    check(&fresh(), CREATE, confirmed(), |_| (), &["I5"]);
    check(&fresh(), CREATE, fresh(), |world| world.archived_by_hand(), &["I8"]);
    let unrecorded = |world: &mut World| world.state.records.clear();
    check(&fresh(), CREATE, confirmed(), unrecorded, &["I5"]);
}

#[test]
fn only_the_line_of_a_dead_key_is_taken_out_again() {
    let id = "take-out/api_key.old/dotenv.app";
    check(&disturbed(), id, disturbed(), |_| (), &[]);
    check(&disturbed(), id, disturbed(), |world| world.key("active"), &["I3"]);
    check(&disturbed(), id, disturbed(), |world| world.key("paused"), &["I3"]);
    check(&disturbed(), id, disturbed(), |world| world.observed.api_keys.clear(), &["I3"]);
    check(&disturbed(), id, archivable(), |_| (), &["I8"]);
    let other = |world: &mut World| {
        world.sightings.returned.values_mut().for_each(|line| line.dead = Some("apikey_2".to_owned()));
    };
    check(&disturbed(), id, disturbed(), other, &["I8"]);
    let untouched = |world: &mut World| world.state.lanes.clear();
    check(&disturbed(), id, disturbed(), untouched, &["I8"]);
    let held = |world: &mut World| world.state.lanes.get_mut(&address(KEY)).unwrap().held = true;
    check(&archivable(), ARCHIVE, archivable(), held, &["I8"]);
}

#[test]
fn a_key_that_was_seen_nowhere_is_not_taken_out() {
    let place = || (address(KEY), consumer_id("dotenv.app"));
    let nowhere = |world: &mut World| {
        world.state.lanes.clear();
        world.sightings.unparked.insert(place());
    };
    check(&fresh(), REMOVE, confirmed(), nowhere, &["I3"]);
    let said = |place: &'static str| {
        move |world: &mut World| {
            nowhere(world);
            world.said_absent(place);
        }
    };
    check(&fresh(), REMOVE, confirmed(), said("dotenv app/.env ANTHROPIC_API_KEY"), &[]);
    check(&fresh(), REMOVE, confirmed(), said("dotenv b/.env ANTHROPIC_API_KEY"), &["I3"]);
}

#[test]
fn what_is_parked_of_a_key_stays_while_it_may_be_needed() {
    let mut step = step(&mut archivable().plan(), ARCHIVE).clone();
    step.operation = Operation::ForgetParked { address: address(KEY), consumer: consumer_id("dotenv.app") };
    let check = |status: &str, is_given_up: bool, expected: &[&str]| {
        let mut world = archivable();
        world.key(status);
        world.state.lanes.get_mut(&address(KEY)).expect("a lane").forgets_parked = is_given_up;
        let found: Vec<&str> = breaks(&Step { lane: None, ..step.clone() }, &world.moment())
            .iter()
            .map(|it| it.invariant.id())
            .collect();
        assert_eq!(found, expected, "{status} {is_given_up}");
    };
    check("archived", false, &[]);
    check("inactive", true, &[]);
    check("inactive", false, &["I8"]);
    check("active", true, &["I8"]);
    check("paused", true, &["I8"]);
}
