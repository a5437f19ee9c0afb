//! Saved plans held against the one that would be made now.

use serde_json::{Value, json};

use super::*;
use crate::plan::Action;

#[track_caller]
fn check(saved: &Plan, fresh: &Plan, expected: &[&str]) {
    let told: Vec<String> = contained(saved, fresh).iter().map(Departure::to_string).collect();
    assert_eq!(told, expected);
}

/// A plan that was bent after it was saved, against itself as it was.
#[track_caller]
fn check_forged(world: &World, forge: impl FnOnce(&mut Plan), expected: &[&str]) {
    let fresh = world.plan();
    let mut saved = fresh.clone();
    forge(&mut saved);
    assert!(saved != fresh, "nothing was forged");
    check(&saved, &fresh, expected);
}

#[test]
fn a_plan_is_contained_in_itself() {
    for world in [fresh(), confirmed(), archivable(), undeclared(), destroyed(), half_destroyed()] {
        check(&world.plan(), &world.plan(), &[]);
    }
}

#[test]
fn what_a_plan_made_now_has_on_top_waits() {
    let upto = |last: &'static str| {
        move |plan: &mut Plan| {
            let count = plan.steps.iter().position(|step| step.id == last).unwrap() + 1;
            plan.steps.truncate(count);
        }
    };
    let until_verify = |plan: &mut Plan| {
        upto(VERIFY)(plan);
        let key = plan.changes.iter_mut().find(|change| change.address == address(KEY)).unwrap();
        key.after.clone_from(&key.before);
        key.action = Action::NoOp;
        key.reason = crate::plan::Reason::Equal;
        plan.lanes[0].moves.retain(|stage| *stage <= Stage::Verify);
    };
    check_forged(&fresh(), until_verify, &[]);
    let later = |plan: &mut Plan| {
        plan.created_at = hour(-1);
        plan.lanes[0].seen.push("it moves".into());
        plan.lanes[0].standing = Standing::Waiting;
    };
    check_forged(&fresh(), later, &[]);
    let waits = |plan: &mut Plan| step(plan, REMOVE).after.insert(0, "create/provider.oidc.ci".into());
    check_forged(&fresh(), waits, &[]);
}

#[test]
fn a_step_whose_evidence_is_gone_is_named() {
    let saved = confirmed().plan();
    let mut world = confirmed();
    world.state.evidence.retain(|it| it.id != "report");
    let fresh = world.plan_of_any_length();
    let told: Vec<String> = contained(&saved, &fresh).iter().map(Departure::to_string).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("step disable/api_key.old: a plan made now does not have it: its evidence has aged or was withdrawn ("), "{told:#?}");
}

#[test]
fn a_proof_that_has_aged_has_to_be_made_anew() {
    let saved = confirmed().plan();
    let mut world = confirmed();
    world.now = hour(200);
    let fresh = world.plan_of_any_length();
    let told: Vec<String> = contained(&saved, &fresh).iter().map(Departure::to_string).collect();
    assert!(told[0].starts_with("step disable/api_key.old: it waits for "), "{told:#?}");
    assert!(told[0].ends_with(", which the file leaves out and which is not done"), "{told:#?}");
}

#[test]
fn each_field_of_a_step_is_that_of_a_plan_made_now() {
    let other_key = |plan: &mut Plan| {
        let Operation::Disable { id, .. } = &mut step(plan, DISABLE).operation else { panic!() };
        *id = "apikey_2".into();
    };
    check_forged(
        &confirmed(),
        other_key,
        &[r#"step disable/api_key.old: operation.id is "apikey_2", and "apikey_1" in a plan made now"#],
    );
    check_forged(
        &confirmed(),
        |plan| {
            let disable = step(plan, DISABLE);
            disable.lane = None;
            disable.stage = Stage::Confirm;
            disable.undo = Undo::Possible { how: "pray".into(), leaves: String::new() };
        },
        &[
            r#"step disable/api_key.old: lane is nothing, and "api_key.old" in a plan made now"#,
            r#"step disable/api_key.old: stage is "confirm", and "revoke" in a plan made now"#,
            r#"step disable/api_key.old: undo.how is "pray", and "set the key active again" in a plan made now"#,
            // Shown stages follow from steps.
            "the lane api_key.old as it is shown: it moves through revoke, and the file has steps of confirm",
        ],
    );
}

#[test]
fn what_goes_before_is_in_the_file_and_waited_for() {
    check_forged(
        &fresh(),
        not_after(REMOVE, VERIFY),
        &["step remove/api_key.old/dotenv.app: it does not wait for verify/federation_rule.bot"],
    );
    check_forged(
        &fresh(),
        |plan| plan.steps.retain(|step| step.id != CONFIRM),
        &[
            "step disable/api_key.old: it waits for confirm/api_key.old, which the file leaves out and which is not done",
            "the lane api_key.old as it is shown: it moves through configure, verify, remove, confirm, revoke, and the file has steps of configure, remove, revoke",
        ],
    );
    check_forged(
        &fresh(),
        |plan| {
            without(CONFIRM)(plan);
            plan.lanes[0].moves.retain(|stage| *stage != Stage::Confirm);
        },
        &[
            "step disable/api_key.old: it waits for confirm/api_key.old, which the file leaves out and which is not done",
        ],
    );
    check_forged(
        &fresh(),
        |plan| plan.steps.swap(0, 1),
        &[&format!(
            "step {}: it comes after {}, and before it in a plan made now",
            fresh().plan().steps[0].id,
            fresh().plan().steps[1].id
        )],
    );
}

#[test]
fn what_is_shown_is_what_a_plan_made_now_shows() {
    check_forged(
        &confirmed(),
        |plan| plan.lanes.clear(),
        &["the lane api_key.old as it is shown: the file leaves it out"],
    );
    check_forged(
        &confirmed(),
        |plan| plan.lanes[0].replaced_by.clear(),
        &[
            r#"the lane api_key.old as it is shown: replaced_by is [], and ["federation_rule.bot"] in a plan made now"#,
        ],
    );
    let change = |plan: &mut Plan| plan.changes.iter().position(|it| it.address == address(KEY)).unwrap();
    check_forged(
        &confirmed(),
        |plan| {
            let at = change(plan);
            plan.changes[at].after.as_mut().unwrap().insert("status".into(), json!("active"));
        },
        &[
            r#"the change of api_key.old as it is shown: after.status is "active", and "inactive" in a plan made now"#,
        ],
    );
    check_forged(
        &confirmed(),
        |plan| {
            let at = change(plan);
            plan.changes.remove(at);
        },
        &["the change of api_key.old as it is shown: the file leaves it out"],
    );
    let membership = "set-membership/service_account.bot/wrkspc_a";
    let told = contained(
        &{
            let mut plan = fresh().plan();
            without(membership)(&mut plan);
            plan
        },
        &fresh().plan(),
    );
    let part = How::Part(vec![membership.into()]);
    assert!(told.contains(&Departure { place: Place::Change(address("service_account.bot")), how: part }));
}

#[test]
fn a_refresh_records_what_is_so() {
    let drift = crate::plan::Drift {
        address: address(RULE),
        what: "changed".into(),
        before: Default::default(),
        after: Some(Default::default()),
        by: None,
        at: None,
    };
    let refresh = |drift: Vec<crate::plan::Drift>| {
        let empty = confirmed().plan();
        Plan { mode: Mode::RefreshOnly, steps: Vec::new(), changes: Vec::new(), drift, ..empty }
    };
    let by_now_known = crate::plan::Drift { by: Some("user_1".into()), ..drift.clone() };
    check(&refresh(vec![drift.clone()]), &refresh(vec![by_now_known]), &[]);
    let mut other = drift.clone();
    other.after.as_mut().unwrap().insert("match".into(), Value::Null);
    other.after.as_mut().unwrap().insert("oauth_scope".into(), json!("org:admin"));
    check(
        &refresh(vec![other]),
        &refresh(vec![drift.clone()]),
        &[
            r#"what others did to federation_rule.bot: after.oauth_scope is "org:admin", and nothing in a plan made now"#,
        ],
    );
    check(
        &refresh(vec![drift.clone()]),
        &refresh(vec![]),
        &["what others did to federation_rule.bot: a plan made now does not have it"],
    );
    check(
        &refresh(vec![]),
        &refresh(vec![drift]),
        &["what others did to federation_rule.bot: the file leaves it out"],
    );
}
