use crate::lane::{Presence, Stage};
use crate::plan::{Mode, Plan, PlanInput, build};
use crate::resource::KeyStatus;
use crate::sample::{
    KEY, RULE, address, api_key, bare, build as world, built, command, configuration, evidence, hour, id_of,
    plan_input, settings_statement, sightings,
};

fn plan(status: KeyStatus, built: bool) -> Plan {
    let configuration = configuration();
    let mut observed = if built { world(&configuration) } else { bare() };
    observed.api_keys.insert("apikey_1".into(), api_key("apikey_1", status));
    let state = keyless_state::State::default();
    let input = plan_input(&configuration, &state, &observed, sightings(&configuration, &Presence::Present));
    build(input).unwrap()
}

#[track_caller]
fn check(status: KeyStatus, expected: &[Stage]) {
    for built in [true, false] {
        let plan = plan(status.clone(), built);
        assert_eq!(plan.lanes[0].address, address(KEY));
        assert_eq!(plan.lanes[0].moves, expected);
    }
}

#[test]
fn only_a_lane_with_an_active_key_moves() {
    check(
        KeyStatus::Active,
        &[Stage::Configure, Stage::Verify, Stage::Remove, Stage::Confirm, Stage::Revoke],
    );
    check(KeyStatus::Inactive, &[]);
    check(KeyStatus::Expired, &[]);
    check(KeyStatus::Archived, &[]);
    check(KeyStatus::Other("paused".into()), &[]);
}

#[test]
fn each_step_of_a_lane_waits_for_the_stage_before_it() {
    let plan = plan(KeyStatus::Active, false);
    let after = |id: &str| &plan.steps.iter().find(|step| step.id == id).unwrap().after;
    let verify = "verify/federation_rule.bot".to_owned();
    let remove = "remove/api_key.old/dotenv.app".to_owned();
    assert!(after(&verify).contains(&"create/federation_rule.bot".to_owned()));
    assert!(after(&remove).contains(&verify));
    assert!(after("confirm/api_key.old").contains(&remove));
    assert!(after("disable/api_key.old").contains(&"confirm/api_key.old".to_owned()));
}

#[test]
fn a_key_stays_until_its_workload_knows_the_rule() {
    let check =
        |change: &dyn Fn(&mut keyless_state::State), skip_waits: bool, reports: bool, removes: bool| {
            let (mut configuration, mut state, observed) = built();
            let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
            let consumer = key.consumers.values_mut().next().unwrap();
            consumer.driver = command(true);
            consumer.report = reports.then(|| "report.json".into());
            change(&mut state);
            let sightings = sightings(&configuration, &Presence::Present);
            let input = PlanInput { skip_waits, ..plan_input(&configuration, &state, &observed, sightings) };
            let moves = build(input).unwrap().lanes[0].moves.clone();
            assert!(moves.contains(&Stage::Verify));
            assert_eq!(moves.contains(&Stage::Remove), removes);
            assert_eq!(moves.contains(&Stage::Revoke), removes);
        };
    let nothing = |_: &mut keyless_state::State| ();
    check(&nothing, false, true, false);
    // The wait for it may move a simulated clock, where a report can come.
    check(&nothing, true, true, true);
    check(&nothing, true, false, false);
    let stated = |state: &mut keyless_state::State| {
        state.evidence.push(settings_statement(hour(0), &id_of(&address(RULE))));
    };
    check(&stated, false, false, true);
}

#[test]
fn a_lane_shows_what_the_feed_says_of_its_rules() {
    let (configuration, mut state, observed) = built();
    let fact = keyless_state::Fact::FederatedAuthentication {
        rule: address(RULE),
        rule_id: id_of(&address(RULE)),
        rule_digest: crate::lane::rule_digest(&address(RULE), &state).unwrap(),
        last_accepted: Some(hour(-2)),
        last_refused: Some(hour(-1)),
        reason: "jti_reused".to_owned(),
    };
    state.evidence.push(evidence("feed", hour(0), fact));
    let input = PlanInput {
        mode: Mode::RefreshOnly,
        caller: crate::resource::Caller::Unknown,
        ..plan_input(&configuration, &state, &observed, sightings(&configuration, &Presence::Present))
    };
    let plan = build(input).unwrap();
    let through = "the Activity Feed: an exchange through federation_rule.bot was";
    let seen = [
        format!("{through} accepted at {}", hour(-2)),
        format!("{through} refused at {} (jti_reused)", hour(-1)),
    ];
    assert_eq!(plan.lanes[0].seen, seen);
    let shown = crate::render::status::text(&plan.lanes);
    assert!(seen.iter().all(|line| shown.contains(line)), "{shown}");
    let json = crate::render::status::json(&plan.lanes, &plan.refused);
    assert_eq!(json["lanes"][0]["seen"], serde_json::json!(seen));
}
