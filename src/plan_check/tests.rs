//! Sound plans, bent one at a time.

mod circles;
mod contained;
mod grants;
mod random;
mod running;
mod truth;
mod worlds;

use keyless_state::{Address, Kind};

use super::*;
use crate::lane::Stage;
use crate::plan::{Operation, Standing, Step, Undo};
use crate::sample::{KEY, RULE, address, consumer_id, hour};
use worlds::{World, archivable, confirmed, destroyed, fresh, half_destroyed, undeclared};

/// The invariants that are broken, each with the step that breaks it.
fn told(found: &[Violation]) -> Vec<String> {
    let mut told: Vec<String> = found
        .iter()
        .map(|it| format!("{} {}", it.invariant.id(), it.step.as_deref().unwrap_or("-")))
        .collect();
    told.dedup();
    told
}

#[track_caller]
fn check_bent(world: &World, bend: impl FnOnce(&mut Plan), expected: &[&str]) {
    let mut plan = world.plan();
    assert_eq!(told(&check(&plan, Some(&world.moment()))), [""; 0], "before it was bent");
    assert_eq!(told(&check(&plan, None)), [""; 0], "before it was bent, without a moment");
    let before = plan.clone();
    bend(&mut plan);
    assert!(plan != before, "nothing was bent");
    // It is judged as of the time at which it says that it was made, long ago by now.
    let found = check(&plan, Some(&Moment { now: hour(1_000), ..world.moment() }));
    assert_eq!(told(&found), expected, "{found:#?}");
}

#[test]
fn the_time_of_a_plan_cannot_be_made_up() {
    let check = |world: &World, made: Timestamp, now: Timestamp, expected: &[&str]| {
        let plan = Plan { created_at: made, ..world.plan() };
        let found = check(&plan, Some(&Moment { now, ..world.moment() }));
        assert_eq!(told(&found), expected, "{found:#?}");
    };
    // Evidence that is younger than the plan proves nothing, and a wait is not over before its time.
    check(&confirmed(), hour(0), hour(1_000), &["I1 disable/api_key.old"]);
    check(&archivable(), hour(1_000), hour(100), &["I2 archive/api_key.old"]);
}

#[track_caller]
fn step<'a>(plan: &'a mut Plan, id: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.id == id).unwrap_or_else(|| panic!("no step {id}"))
}

fn without(id: &'static str) -> impl FnOnce(&mut Plan) {
    move |plan| {
        plan.steps.retain(|step| step.id != id);
        plan.steps.iter_mut().for_each(|step| step.after.retain(|before| before != id));
    }
}

fn not_after(id: &'static str, before: &'static str) -> impl FnOnce(&mut Plan) {
    move |plan| step(plan, id).after.retain(|known| known != before)
}

const CREATE: &str = "create/federation_rule.bot";
const VERIFY: &str = "verify/federation_rule.bot";
const REMOVE: &str = "remove/api_key.old/dotenv.app";
const CONFIRM: &str = "confirm/api_key.old";
const DISABLE: &str = "disable/api_key.old";
const ARCHIVE: &str = "archive/api_key.old";
const ENABLE: &str = "enable/api_key.old";
const RESTORE: &str = "restore/api_key.old/dotenv.app";
const ARCHIVE_RULE: &str = "archive/federation_rule.bot";
const ARCHIVE_ISSUER: &str = "archive/provider.oidc.ci";

#[test]
fn i1_no_key_is_set_inactive_without_all_evidence() {
    check_bent(&fresh(), without(CONFIRM), &["I1 disable/api_key.old"]);
    check_bent(&fresh(), without(REMOVE), &["I1 disable/api_key.old"]);
    check_bent(&fresh(), not_after(DISABLE, CONFIRM), &["I1 disable/api_key.old"]);
    check_bent(&fresh(), not_after(CONFIRM, REMOVE), &["I1 confirm/api_key.old", "I1 disable/api_key.old"]);
    let other_key = |plan: &mut Plan| {
        let Operation::Disable { id, .. } = &mut step(plan, DISABLE).operation else { panic!() };
        *id = "apikey_2".into();
    };
    check_bent(&fresh(), other_key, &["I1 disable/api_key.old"]);
    let aged = |plan: &mut Plan| plan.created_at = hour(500);
    check_bent(&confirmed(), aged, &["I1 disable/api_key.old"]);
}

#[test]
fn i1_evidence_that_is_gone_or_turned_is_missed() {
    let check = |turn: &dyn Fn(&mut World), expected: &[&str]| {
        let mut world = confirmed();
        let plan = world.plan();
        turn(&mut world);
        assert_eq!(told(&super::check(&plan, Some(&world.moment()))), expected);
    };
    check(&|_| (), &[]);
    for id in ["exchange", "keys", "report", "usage", "traffic"] {
        check(&|world| world.state.evidence.retain(|it| it.id != id), &["I1 disable/api_key.old"]);
    }
    check(&|world| world.report(hour(0)), &["I1 disable/api_key.old"]);
    check(&|world| world.used(hour(50)), &["I1 disable/api_key.old"]);
    check(&|world| world.brought_back(hour(90)), &["I1 disable/api_key.old"]);
    check(&|world| world.present(), &["I1 disable/api_key.old"]);
    check(&|world| world.rule_changed(), &["I1 disable/api_key.old"]);
    check(&|world| world.key("inactive"), &["I8 disable/api_key.old"]);
}

#[test]
fn i2_no_key_is_archived_before_its_time() {
    let other_key = |plan: &mut Plan| {
        let Operation::ArchiveKey { id, .. } = &mut step(plan, ARCHIVE).operation else { panic!() };
        *id = "apikey_2".into();
    };
    check_bent(&archivable(), other_key, &["I2 archive/api_key.old"]);
    check_bent(&archivable(), |plan| plan.created_at = hour(100), &["I2 archive/api_key.old"]);
    let at_once = |plan: &mut Plan| {
        let operation = Operation::ArchiveKey { address: address(KEY), id: "apikey_1".into() };
        let undo = Undo::Impossible { why: "final".into() };
        let last = step(plan, DISABLE).clone();
        plan.steps.push(Step { id: ARCHIVE.into(), operation, after: vec![DISABLE.into()], undo, ..last });
    };
    check_bent(&fresh(), at_once, &["I2 archive/api_key.old"]);
    let mut world = archivable();
    let plan = world.plan();
    world.state.evidence.retain(|it| it.id != "approval");
    assert_eq!(told(&check(&plan, Some(&world.moment()))), ["I2 archive/api_key.old"]);
    let mut world = archivable();
    world.used(hour(150));
    assert_eq!(told(&check(&plan, Some(&world.moment()))), ["I2 archive/api_key.old"]);
}

#[test]
fn i3_no_consumer_loses_its_key_before_federation_works() {
    check_bent(
        &fresh(),
        without(VERIFY),
        &["I3 remove/api_key.old/dotenv.app", "I1 confirm/api_key.old", "I1 disable/api_key.old"],
    );
    check_bent(&fresh(), not_after(REMOVE, VERIFY), &["I3 remove/api_key.old/dotenv.app"]);
    check_bent(&fresh(), |plan| step(plan, VERIFY).after.clear(), &["I3 verify/federation_rule.bot"]);
    let undeclared_consumer = |plan: &mut Plan| {
        let place = step(plan, REMOVE);
        place.operation = Operation::Remove { address: address(KEY), consumer: consumer_id("dotenv.x") };
        place.id = "remove/api_key.old/dotenv.x".into();
        for step in &mut plan.steps {
            step.after
                .iter_mut()
                .filter(|id| *id == REMOVE)
                .for_each(|id| *id = "remove/api_key.old/dotenv.x".into());
        }
    };
    check_bent(&fresh(), undeclared_consumer, &["I3 remove/api_key.old/dotenv.x", "I1 disable/api_key.old"]);
    check_bent(&destroyed(), not_after(RESTORE, ENABLE), &["I3 restore/api_key.old/dotenv.app"]);
    check_bent(&destroyed(), without(ENABLE), &["I3 restore/api_key.old/dotenv.app"]);
    let archives = [
        "I15 archive/federation_rule.bot",
        "I15 archive/provider.oidc.ci",
        "I15 archive/service_account.bot",
    ];
    check_bent(&half_destroyed(), without(RESTORE), &archives);
    check_bent(
        &half_destroyed(),
        |plan| step(plan, ARCHIVE_RULE).after.clear(),
        &["I3 archive/federation_rule.bot"],
    );
    let mut world = undeclared();
    let plan = world.plan();
    world.relies();
    let found = check(&plan, Some(&world.moment()));
    assert!(told(&found).contains(&archives[0].to_owned()), "{found:#?}");
}

#[test]
fn i4_every_step_says_how_it_is_taken_back() {
    let nothing = |id: &'static str| move |plan: &mut Plan| step(plan, id).undo = Undo::Nothing;
    let possible = |id: &'static str| {
        move |plan: &mut Plan| {
            step(plan, id).undo = Undo::Possible { how: "ask".into(), leaves: String::new() };
        }
    };
    check_bent(&fresh(), nothing(REMOVE), &["I4 remove/api_key.old/dotenv.app"]);
    check_bent(&fresh(), nothing(CREATE), &["I4 create/federation_rule.bot"]);
    check_bent(&fresh(), possible(VERIFY), &["I4 verify/federation_rule.bot"]);
    check_bent(&archivable(), possible(ARCHIVE), &["I4 archive/api_key.old"]);
    check_bent(&undeclared(), possible(ARCHIVE_RULE), &["I4 archive/federation_rule.bot"]);
    let never = |plan: &mut Plan| step(plan, REMOVE).undo = Undo::Impossible { why: "so".into() };
    check_bent(&fresh(), never, &["I4 remove/api_key.old/dotenv.app"]);
    let takes_away = |plan: &mut Plan| {
        plan.mode = Mode::Rollback;
    };
    check_bent(&confirmed(), takes_away, &["I4 disable/api_key.old"]);
    let first = |plan: &mut Plan| {
        let mut archive = world_archive();
        archive.after.clear();
        plan.steps.insert(0, archive);
        step(plan, CREATE).after.push(ARCHIVE_ISSUER.into());
    };
    check_bent(&fresh(), first, &["I4 create/federation_rule.bot"]);
}

fn world_archive() -> Step {
    step(&mut undeclared().plan(), ARCHIVE_ISSUER).clone()
}

#[test]
fn i5_nothing_is_created_twice() {
    let twice = |plan: &mut Plan| {
        let again = step(plan, CREATE).clone();
        plan.steps.push(again);
    };
    check_bent(&fresh(), twice, &["I5 create/federation_rule.bot"]);
    let two_addresses = |plan: &mut Plan| {
        let mut again = step(plan, CREATE).clone();
        again.id = "create/federation_rule.other".into();
        let Operation::CreateRule { address, .. } = &mut again.operation else { panic!() };
        *address = Address::new(Kind::FederationRule, "other");
        plan.steps.push(again);
    };
    check_bent(&fresh(), two_addresses, &["I5 create/federation_rule.other"]);
    let world = fresh();
    let plan = world.plan();
    let there = confirmed();
    let told = told(&check(&plan, Some(&there.moment())));
    assert!(told.contains(&"I5 create/federation_rule.bot".to_owned()), "{told:?}");
}

#[test]
fn i6_the_journal_can_tell_the_steps_apart() {
    check_bent(
        &fresh(),
        |plan| step(plan, VERIFY).id = "x".into(),
        &["I6 x", "I6 remove/api_key.old/dotenv.app", "I6 confirm/api_key.old"],
    );
    let twice = |plan: &mut Plan| {
        let again = step(plan, VERIFY).clone();
        plan.steps.push(again);
    };
    check_bent(&fresh(), twice, &["I6 verify/federation_rule.bot"]);
    check_bent(
        &fresh(),
        |plan| step(plan, VERIFY).after.push("y".into()),
        &["I6 verify/federation_rule.bot"],
    );
    let backwards = |plan: &mut Plan| plan.steps.reverse();
    assert!({
        let mut plan = fresh().plan();
        backwards(&mut plan);
        told(&check(&plan, None)).contains(&format!("I6 {DISABLE}"))
    });
}

#[test]
fn i7_what_stands_on_something_goes_before_it() {
    check_bent(&undeclared(), not_after(ARCHIVE_ISSUER, ARCHIVE_RULE), &["I7 archive/provider.oidc.ci"]);
    check_bent(&half_destroyed(), not_after(ARCHIVE_ISSUER, ARCHIVE_RULE), &["I7 archive/provider.oidc.ci"]);
    let rule_first = not_after(CREATE, "create/provider.oidc.ci");
    check_bent(&fresh(), rule_first, &["I7 create/federation_rule.bot"]);
    let declared = |plan: &mut Plan| plan.steps.push(step(&mut undeclared().plan(), ARCHIVE_RULE).clone());
    let declared_still = ["I7 archive/federation_rule.bot", "I14 archive/federation_rule.bot"];
    check_bent(&fresh(), declared, &declared_still);
}

#[test]
fn i8_what_a_person_did_stays() {
    let enable = |plan: &mut Plan| plan.steps.insert(0, step(&mut destroyed().plan(), ENABLE).clone());
    check_bent(&fresh(), enable, &["I8 enable/api_key.old"]);
    let refresh = |plan: &mut Plan| plan.mode = Mode::RefreshOnly;
    check_bent(&confirmed(), refresh, &["I8 disable/api_key.old"]);
    let other_key = |plan: &mut Plan| {
        let Operation::Enable { id, .. } = &mut step(plan, ENABLE).operation else { panic!() };
        *id = "apikey_2".into();
    };
    check_bent(&destroyed(), other_key, &["I8 enable/api_key.old"]);
    let mut world = fresh();
    let plan = world.plan();
    world.archived_by_hand();
    let told = told(&check(&plan, Some(&world.moment())));
    assert!(told.contains(&"I8 create/federation_rule.bot".to_owned()), "{told:?}");
}

#[test]
fn i10_no_secret_is_in_a_plan() {
    let check = |secret: &str, expected: &[&str]| {
        let mut plan = fresh().plan();
        plan.lanes[0].seen.push(format!("look: {secret}"));
        let found = super::check(&plan, None);
        assert_eq!(told(&found), expected);
        assert!(found.iter().all(|it| !it.to_string().contains(secret)));
    };
    check("sk-ant-api03-R2D...igAA", &[]);
    check("sk-ant-api03-0123456789abcdef", &["I10 -"]);
    check("eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJzdWIiOiJ4In0.c2ln", &["I10 -"]);
    check("-----BEGIN EC PRIVATE KEY-----", &["I10 -"]);
    let private = |plan: &mut Plan| {
        plan.lanes[0].seen.clear();
        let key = serde_json::json!({ "kty": "EC", "d": "x" });
        plan.changes[0].after.as_mut().unwrap().insert("jwks".into(), key);
    };
    let mut plan = fresh().plan();
    private(&mut plan);
    assert_eq!(told(&super::check(&plan, None)), ["I10 -"]);
}

#[test]
fn i11_what_is_done_is_what_is_shown() {
    let wide = |plan: &mut Plan| {
        let Operation::CreateRule { arguments, .. } = &mut step(plan, CREATE).operation else { panic!() };
        arguments.matching.subject_prefix = Some("repo:*".into());
    };
    check_bent(&fresh(), wide, &["I11 create/federation_rule.bot"]);
    let both = |plan: &mut Plan| {
        wide(plan);
        let change = plan.changes.iter_mut().find(|change| change.address == address(RULE)).unwrap();
        change.after.as_mut().unwrap()["match"]["subject_prefix"] = "repo:*".into();
    };
    check_bent(&fresh(), both, &["I11 create/federation_rule.bot"]);
    let role = |plan: &mut Plan| {
        let step = step(plan, "set-membership/service_account.bot/wrkspc_a");
        let Operation::SetMembership { role, .. } = &mut step.operation else { panic!() };
        *role = "workspace_admin".into();
    };
    check_bent(&fresh(), role, &["I11 set-membership/service_account.bot/wrkspc_a"]);
    let issuer = |plan: &mut Plan| {
        let Operation::CreateIssuer { arguments, .. } = &mut step(plan, "create/provider.oidc.ci").operation
        else {
            panic!()
        };
        arguments.issuer_url = "https://elsewhere.example.com".into();
    };
    check_bent(&fresh(), issuer, &["I11 create/provider.oidc.ci"]);
    let admin = |plan: &mut Plan| {
        let step = step(plan, "create/service_account.bot");
        let Operation::CreateServiceAccount { arguments, .. } = &mut step.operation else { panic!() };
        arguments.organization_role = crate::resource::OrganizationRole::Admin;
    };
    check_bent(&fresh(), admin, &["I11 create/service_account.bot"]);
    let hidden = |plan: &mut Plan| plan.changes.retain(|change| change.address != address(RULE));
    check_bent(&fresh(), hidden, &["I11 create/federation_rule.bot"]);
}

#[test]
fn i13_every_guarded_step_names_its_gate() {
    for id in [REMOVE, CONFIRM, DISABLE] {
        let expected = format!("I13 {id}");
        check_bent(&fresh(), |plan| step(plan, id).lane = None, &[expected.as_str()]);
        check_bent(&fresh(), |plan| step(plan, id).stage = Stage::Verify, &[expected.as_str()]);
        check_bent(
            &fresh(),
            |plan| step(plan, id).lane = Some(address("api_key.other")),
            &[expected.as_str()],
        );
    }
    check_bent(&archivable(), |plan| step(plan, ARCHIVE).lane = None, &["I13 archive/api_key.old"]);
    let no_lane = |plan: &mut Plan| plan.lanes.clear();
    check_bent(&confirmed(), no_lane, &["I13 disable/api_key.old"]);
}

#[test]
fn a_plan_is_judged_without_a_moment_too() {
    let check = |world: World, bend: fn(&mut Plan), expected: &[&str]| {
        let mut plan = world.plan();
        bend(&mut plan);
        assert_eq!(told(&super::check(&plan, None)), expected);
    };
    check(fresh(), |plan| without(CONFIRM)(plan), &["I1 disable/api_key.old"]);
    check(confirmed(), |plan| plan.lanes[0].standing = Standing::Waiting, &["I1 disable/api_key.old"]);
    check(archivable(), |plan| plan.lanes[0].key_status = "active".into(), &["I2 archive/api_key.old"]);
    check(fresh(), |plan| not_after(REMOVE, VERIFY)(plan), &["I3 remove/api_key.old/dotenv.app"]);
    check(destroyed(), |plan| not_after(RESTORE, ENABLE)(plan), &["I3 restore/api_key.old/dotenv.app"]);
}

#[test]
fn the_words_name_invariant_step_and_expectation() {
    let world = confirmed();
    let mut plan = world.plan();
    step(&mut plan, DISABLE).lane = None;
    let told = refuse_saved(&plan, &world.plan(), &world.moment()).unwrap_err();
    assert_eq!(
        told.lines().nth(1).unwrap(),
        "  I13 (no step passes a gate unasked), step disable/api_key.old: found no gate; expected the gate of api_key.old"
    );
    assert_eq!(
        told.lines().nth(2).unwrap(),
        r#"  step disable/api_key.old: lane is nothing, and "api_key.old" in a plan made now"#
    );
    assert!(demand(&plan, &world.moment()).unwrap_err().contains("error in keyless itself"));
}
