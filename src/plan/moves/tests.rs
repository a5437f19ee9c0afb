//! Blocks that are called otherwise, and whose record each of them has then.

use keyless_state::LaneRecord;

use super::*;
use crate::sample::{ACCOUNT, ISSUER, KEY, RULE, address, built, id_of, lane};

type World = (Configuration, State, Observed);

const NEW_ACCOUNT: &str = "service_account.other";
const NEW_RULE: &str = "federation_rule.other";

/// Declares the account of a world under another address.
fn rename_account(world: &mut World, to: &str) {
    let account = world.0.service_accounts.remove(&address(ACCOUNT)).unwrap();
    world.0.service_accounts.insert(address(to), account);
    for rule in world.0.federation_rules.values_mut() {
        rule.service_account = address(to);
    }
}

fn rename_rule(world: &mut World, to: &str) {
    let rule = world.0.federation_rules.remove(&address(RULE)).unwrap();
    world.0.federation_rules.insert(address(to), rule);
}

#[track_caller]
fn check(change: impl FnOnce(&mut World), expected: &[(&str, &str)]) -> World {
    let mut world = built();
    change(&mut world);
    let found = moves(&world.0, &world.1, &world.2);
    let expected: Renames = expected.iter().map(|(from, to)| (address(from), address(to))).collect();
    assert_eq!(found, expected);
    world
}

#[test]
fn nothing_moves_while_every_block_has_its_record() {
    check(|_| {}, &[]);
    // What is not declared any more is not another block's.
    check(|world| world.0.federation_rules.clear(), &[]);
    // Nothing is recorded: what is there may be taken under care.
    check(|world| world.1 = State::default(), &[]);
}

#[test]
fn what_a_block_had_before_goes_with_it() {
    let deposed = |at: &str, number: u32| address(at).deposed(number);
    let told = |change: &dyn Fn(&mut World)| {
        let mut world = built();
        for (number, at) in [(1, deposed(RULE, 1)), (2, deposed(RULE, 2))] {
            let mut record = world.1.records[&address(RULE)].clone();
            record.id = format!("fdrl_{number}");
            world.1.records.insert(at, record);
        }
        change(&mut world);
        moves(&world.0, &world.1, &world.2)
    };
    assert_eq!(told(&|_| {}), Renames::new());
    let follow = |to: [u32; 2]| {
        let pairs = [(address(RULE), address(NEW_RULE))];
        let rest = [1, 2].into_iter().zip(to);
        let rest = rest.map(|(from, to)| (deposed(RULE, from), deposed(NEW_RULE, to)));
        pairs.into_iter().chain(rest).collect::<Renames>()
    };
    assert_eq!(told(&|world| rename_rule(world, NEW_RULE)), follow([1, 2]));
    let taken = |world: &mut World| {
        rename_rule(world, NEW_RULE);
        let record = world.1.records[&deposed(RULE, 1)].clone();
        world.1.records.insert(deposed(NEW_RULE, 2), record);
    };
    assert_eq!(told(&taken), follow([1, 3]));
}

#[test]
fn an_object_is_told_by_its_name() {
    check(|world| rename_account(world, NEW_ACCOUNT), &[(ACCOUNT, NEW_ACCOUNT)]);
    // Whatever else changes with it.
    let changed = |world: &mut World| {
        rename_rule(world, NEW_RULE);
        world.0.federation_rules.values_mut().for_each(|rule| rule.token_lifetime_seconds = 60);
    };
    check(changed, &[(RULE, NEW_RULE)]);
    let both = |world: &mut World| {
        rename_account(world, NEW_ACCOUNT);
        rename_rule(world, NEW_RULE);
    };
    check(both, &[(ACCOUNT, NEW_ACCOUNT), (RULE, NEW_RULE)]);
}

#[test]
fn an_object_without_its_name_is_told_by_all_the_rest() {
    let unnamed = |world: &mut World| {
        rename_account(world, NEW_ACCOUNT);
        let account = world.0.service_accounts.get_mut(&address(NEW_ACCOUNT)).unwrap();
        (account.name, account.is_named) = ("other".to_owned(), false);
    };
    check(unnamed, &[(ACCOUNT, NEW_ACCOUNT)]);
    // A rule whose account moved is still equal in all but the name.
    let all = |world: &mut World| {
        unnamed(world);
        rename_rule(world, NEW_RULE);
        world.0.federation_rules.get_mut(&address(NEW_RULE)).unwrap().name = "other".to_owned();
    };
    check(all, &[(ACCOUNT, NEW_ACCOUNT), (RULE, NEW_RULE)]);
    let different = |world: &mut World| {
        unnamed(world);
        let account = world.0.service_accounts.get_mut(&address(NEW_ACCOUNT)).unwrap();
        account.description.push_str(" of others");
    };
    check(different, &[]);
    // The API never changes the name of an account: one with another name is another one.
    let named = |world: &mut World| {
        unnamed(world);
        world.0.service_accounts.get_mut(&address(NEW_ACCOUNT)).unwrap().is_named = true;
    };
    check(named, &[]);
    // What is there under the new name may be taken under care.
    let there = |world: &mut World| {
        rename_rule(world, NEW_RULE);
        world.0.federation_rules.get_mut(&address(NEW_RULE)).unwrap().name = "other".to_owned();
        let mut object = world.2.rules[&id_of(&address(RULE))].clone();
        (object.id, object.arguments.name) = ("fdrl_other".to_owned(), "other".to_owned());
        world.2.rules.insert(object.id.clone(), object);
    };
    check(there, &[]);
    // Of two that fit none is taken.
    let twins = |world: &mut World| {
        unnamed(world);
        let account = world.0.service_accounts[&address(NEW_ACCOUNT)].clone();
        let twin = crate::config::ServiceAccount { name: "third".to_owned(), ..account };
        world.0.service_accounts.insert(address("service_account.third"), twin);
    };
    check(twins, &[]);
}

#[test]
fn an_archived_object_has_no_successor_of_its_name() {
    let archived = |world: &mut World| {
        rename_account(world, NEW_ACCOUNT);
        let object = world.2.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
        object.provenance.archived_at = Some(crate::sample::hour(1));
    };
    check(archived, &[]);
}

/// A second account, recorded and declared beside the first.
fn second_account(world: &mut World, at: &str, name: &str) {
    let mut account = world.0.service_accounts[&address(ACCOUNT)].clone();
    account.name = name.to_owned();
    world.0.service_accounts.insert(address(at), account);
    let mut object = world.2.service_accounts[&id_of(&address(ACCOUNT))].clone();
    (object.id, object.arguments.name) = ("svac_second".to_owned(), name.to_owned());
    let attributes = attributes::service_account(&object.arguments, &object.memberships);
    world.1.records.insert(address(at), crate::sample::record(&object.id, attributes, &[]));
    world.2.service_accounts.insert(object.id.clone(), object);
}

#[test]
fn two_blocks_may_change_names() {
    let swapped = |world: &mut World| {
        second_account(world, NEW_ACCOUNT, "second");
        let first = world.0.service_accounts[&address(ACCOUNT)].name.clone();
        world.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap().name = "second".to_owned();
        world.0.service_accounts.get_mut(&address(NEW_ACCOUNT)).unwrap().name = first;
    };
    check(swapped, &[(ACCOUNT, NEW_ACCOUNT), (NEW_ACCOUNT, ACCOUNT)]);
}

#[test]
fn no_record_loses_its_address_to_another() {
    // The second block goes, and the first takes its name: the first one's object would be left over.
    let taken = |world: &mut World| {
        second_account(world, NEW_ACCOUNT, "second");
        world.0.service_accounts.remove(&address(NEW_ACCOUNT));
        world.0.service_accounts.get_mut(&address(ACCOUNT)).unwrap().name = "second".to_owned();
    };
    check(taken, &[]);
}

#[test]
fn a_lane_is_told_by_its_key() {
    let world = check(
        |world| {
            let recorded = LaneRecord { key_id: "apikey_1".to_owned(), ..lane("apikey_1", &[]) };
            world.1.lanes.insert(address(KEY), recorded);
            let key = world.0.api_keys.remove(&address(KEY)).unwrap();
            world.0.api_keys.insert(address("api_key.other"), key);
        },
        &[(KEY, "api_key.other")],
    );
    let moved = world.1.renamed(&moves(&world.0, &world.1, &world.2));
    assert!(moved.lanes.contains_key(&address("api_key.other")) && !moved.lanes.contains_key(&address(KEY)));
}

#[test]
fn a_checkpoint_is_read_by_the_ids_of_today() {
    let (_, then, _) = built();
    let renames = Renames::from([(address(ISSUER), address("provider.oidc.other"))]);
    let now = then.renamed(&renames);
    assert_eq!(follow(&then, &now), now);
    assert_eq!(follow(&now, &then), then);
    assert_eq!(follow(&then, &State::default()), then);
}

#[test]
fn a_lane_of_a_checkpoint_is_found_under_its_name_of_today() {
    let other = address("api_key.other");
    let mut then = State::default();
    then.lanes.insert(address(KEY), lane("apikey_1", &[(crate::sample::CONSUMER, crate::sample::hour(1))]));
    then.missing_bindings().iter().for_each(|change| then.apply(change));
    let now = then.renamed(&Renames::from([(address(KEY), other.clone())]));
    assert_eq!(lane_today(&address(KEY), &then, &now), other);
    // Nothing was recorded of it at the checkpoint before its first removal.
    assert_eq!(lane_today(&address(KEY), &State::default(), &now), other);
    assert_eq!(lane_today(&address(KEY), &State::default(), &then), address(KEY));
    let never = address("api_key.never");
    assert_eq!(lane_today(&never, &State::default(), &now), never);
}
