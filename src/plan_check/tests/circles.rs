//! What is done before something is archived: each wait taken out alone.

use keyless_state::{Binding, Fact, Grant, Winner};

use super::*;
use crate::lane::Presence;
use crate::plan::{PlanInput, build};
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, account, build as built_world, configuration, dotenv, evidence, key,
    plan_input, record, recorded, rule, rule_object, settings_statement, sightings,
};

const DEPOSED: &str = "federation_rule.bot.deposed-1";
const OLD: &str = "federation_rule.old";
const OTHER_RULE: &str = "federation_rule.other";

/// Two lanes whose workloads have their keys, on one issuer.
struct Two {
    configuration: Configuration,
    state: State,
    observed: Observed,
}

fn two() -> Two {
    let mut configuration = configuration();
    let other = address("service_account.other");
    configuration.service_accounts.insert(other, account("other", &[("wrkspc_a", "workspace_developer")]));
    let second = rule("other", ISSUER, "service_account.other");
    configuration.federation_rules.insert(address(OTHER_RULE), second);
    let second = key("apikey_2", &[OTHER_RULE], vec![(CONSUMER, dotenv(OTHER_RULE))]);
    configuration.api_keys.insert(address("api_key.other"), second);
    let observed = built_world(&configuration);
    let state = recorded(&configuration, &observed);
    Two { configuration, state, observed }
}

impl Two {
    /// A recorded rule that no block declares.
    fn with_rule(mut self, name: &str) -> Two {
        let id = format!("id_of_{name}");
        let known = self.observed.rules.values().next().unwrap();
        let object = rule_object(&id, known.arguments.clone());
        let attributes = crate::plan::rule(&object.arguments);
        let record = record(&id, attributes, &[&address(ISSUER), &address(ACCOUNT)]);
        self.observed.rules.insert(id, object);
        self.state.records.insert(address(name), record);
        self
    }

    fn with_fact(mut self, fact: Fact) -> Two {
        self.state.evidence.push(evidence("sign", hour(0), fact));
        self
    }

    /// The workload of the other lane has its key, and settings of the old rule beside it.
    fn with_binding(mut self, written: Grant) -> Two {
        let lane = address("api_key.other");
        let mut binding = Binding::new("apikey_2", &lane, &consumer_id(CONSUMER), Grant::Key, hour(0));
        binding.write(written, hour(0));
        self.state.apply(&binding.put());
        self
    }

    fn sightings(&self) -> Sightings {
        sightings(&self.configuration, &Presence::Present)
    }

    fn plan(&self) -> Plan {
        let input = plan_input(&self.configuration, &self.state, &self.observed, self.sightings());
        build(PlanInput { now: hour(0), ..input }).unwrap()
    }

    fn check(&self, plan: &Plan) -> Vec<String> {
        let Two { configuration, state, observed } = self;
        let sightings = &self.sightings();
        told(&check(plan, Some(&Moment { configuration, state, observed, sightings, now: hour(0) })))
    }

    /// Takes each wait out alone, and tells for which an archive waits that builds.
    #[track_caller]
    fn waits(&self, archive: &str) -> Vec<String> {
        let plan = self.plan();
        assert_eq!(self.check(&plan), [""; 0]);
        let building =
            |id: &&String| plan.steps.iter().any(|step| step.id == **id && step.stage <= Stage::Verify);
        let after = plan.steps.iter().find(|step| step.id == archive).unwrap().after.clone();
        let waits: Vec<String> = after.iter().filter(building).cloned().collect();
        for before in &waits {
            let mut bent = plan.clone();
            step(&mut bent, archive).after.retain(|known| known != before);
            assert_eq!(self.check(&bent), [format!("I7 {archive}")], "without {before}");
        }
        waits
    }
}

fn old_grant() -> Grant {
    Grant::Rule {
        rule_id: format!("id_of_{OLD}"),
        service_account_id: String::new(),
        issuer_id: String::new(),
        workspace_id: None,
    }
}

const OF_THE_OTHER: [&str; 2] = ["configure/api_key.other/dotenv.app", "verify/federation_rule.other"];

#[test]
fn what_a_block_had_before_goes_after_what_is_done_in_its_lane() {
    let world = two().with_rule(DEPOSED);
    let own = ["configure/api_key.old/dotenv.app", "verify/federation_rule.bot"];
    assert_eq!(world.waits("archive/federation_rule.bot.deposed-1"), own);
    // The plan alone shows that much, too.
    let mut plan = world.plan();
    assert_eq!(told(&check(&plan, None)), [""; 0]);
    step(&mut plan, "archive/federation_rule.bot.deposed-1").after.clear();
    assert_eq!(told(&check(&plan, None)), ["I7 archive/federation_rule.bot.deposed-1"]);
}

#[test]
fn a_rule_goes_after_what_is_done_for_those_who_may_have_lived_off_it() {
    const ARCHIVE: &str = "archive/federation_rule.old";
    let old = || two().with_rule(OLD);
    assert_eq!(old().waits(ARCHIVE), [""; 0]);
    assert_eq!(old().with_binding(old_grant()).waits(ARCHIVE), OF_THE_OTHER);
    let report = Fact::CredentialReport {
        key: address("api_key.other"),
        consumer: consumer_id(CONSUMER),
        key_id: None,
        winner: Winner::ApiKey,
        winner_source: "here".into(),
        rule_id: Some(format!("id_of_{OLD}")),
        shadows: Vec::new(),
        identity: serde_json::Map::new(),
    };
    assert_eq!(old().with_fact(report).waits(ARCHIVE), OF_THE_OTHER);
    let Fact::SettingsStatement { consumer, place, by, statement, .. } = settings_statement(hour(0), "").fact
    else {
        panic!()
    };
    let (key, key_id, rule_id) = (address("api_key.gone"), "apikey_2".into(), format!("id_of_{OLD}"));
    let word = Fact::SettingsStatement { key, consumer, key_id, place, rule_id, by, statement };
    assert_eq!(old().with_fact(word).waits(ARCHIVE), OF_THE_OTHER);
}

#[test]
fn an_account_goes_after_what_is_done_for_the_rule_that_turns_away() {
    let mut world = two();
    let before = address("service_account.before");
    let known = world.observed.service_accounts.values().next().unwrap();
    let object = crate::resource::ServiceAccountObject { id: "svac_before".into(), ..known.clone() };
    let attributes = crate::plan::service_account(&object.arguments, &object.memberships);
    world.state.records.insert(before.clone(), record("svac_before", attributes, &[]));
    world.observed.service_accounts.insert("svac_before".into(), object);
    let rule = world.state.records.get_mut(&address(OTHER_RULE)).unwrap();
    rule.depends_on = vec![address(ISSUER), before];
    let id = rule.id.clone();
    let arguments = &mut world.observed.rules.get_mut(&id).unwrap().arguments;
    arguments.service_account_id = "svac_before".into();
    rule.attributes = crate::plan::rule(arguments);
    let mut expected = OF_THE_OTHER.to_vec();
    expected.insert(1, "update/federation_rule.other");
    let mut waits = world.plan().steps.iter().find(|it| it.id.starts_with("archive/")).unwrap().after.clone();
    waits.sort();
    assert_eq!(waits, expected.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    for before in expected.iter().filter(|id| !id.starts_with("update/")) {
        let mut bent = world.plan();
        step(&mut bent, "archive/service_account.before").after.retain(|known| known != before);
        assert_eq!(world.check(&bent), ["I7 archive/service_account.before"], "without {before}");
    }
}

#[test]
fn where_it_is_not_known_who_lives_off_it_all_is_done_before() {
    let world = two().with_rule(DEPOSED);
    let plan = world.plan();
    let archive = "archive/federation_rule.bot.deposed-1".to_owned();
    let check = |world: &Two, plan: &Plan| {
        let mut told = world.check(plan);
        told.retain(|it| it.starts_with("I7"));
        told
    };
    let all = |plan: &Plan| {
        let building = plan.steps.iter().filter(|step| step.stage <= Stage::Verify);
        building.map(|step| step.id.clone()).collect::<Vec<_>>()
    };
    let mut patient = plan.clone();
    step(&mut patient, &archive).after = all(&plan);
    let unresolved = two().with_rule(DEPOSED).with_binding(Grant::Unresolved);
    assert_eq!(check(&unresolved, &plan), [format!("I7 {archive}")]);
    assert_eq!(check(&unresolved, &patient), [""; 0]);
    let mut unbound = two().with_rule(DEPOSED);
    let lane = crate::sample::lane("apikey_9", &[(CONSUMER, hour(0))]);
    unbound.state.lanes.insert(address("api_key.gone"), lane);
    assert_eq!(check(&unbound, &plan), [format!("I7 {archive}")]);
    assert_eq!(check(&unbound, &patient), [""; 0]);
}

#[test]
fn a_saved_plan_may_let_an_archive_wait_for_more_and_not_for_less() {
    let archive = "archive/federation_rule.bot.deposed-1";
    let fresh = two().with_rule(DEPOSED).plan();
    let told = |after: &[&str]| -> Vec<String> {
        let mut saved = fresh.clone();
        step(&mut saved, archive).after = after.iter().map(|id| (*id).to_owned()).collect();
        contained(&saved, &fresh).iter().map(Departure::to_string).collect()
    };
    let own = ["configure/api_key.old/dotenv.app", "verify/federation_rule.bot"];
    // Until now it waited for all that builds.
    assert_eq!(told(&[&own[..], &OF_THE_OTHER].concat()), [""; 0]);
    assert_eq!(told(&own[..1]), [format!("step {archive}: it does not wait for {}", own[1])]);
}
