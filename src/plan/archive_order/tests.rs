use keyless_state::Record;

use super::*;
use crate::config::Configuration;
use crate::plan::Undo;
use crate::resource::Observed;
use crate::sample::{
    self, ISSUER, account, address, consumer_id, dotenv, evidence, hour, key, lane, provider, record,
    recorded, rule,
};

const OTHER_ISSUER: &str = "provider.oidc.other";

/// Lanes that share nothing but an issuer, each with a rule and an account that its block had before.
struct World {
    configuration: Configuration,
    state: State,
    observed: Observed,
}

fn named(kind: &str, number: usize) -> Address {
    address(&format!("{kind}.l{number}"))
}

fn world(size: usize) -> World {
    let mut configuration = Configuration::default();
    configuration.providers.insert(address(ISSUER), provider("ci"));
    configuration.providers.insert(address(OTHER_ISSUER), provider("other"));
    for number in 0..size {
        let (name, rule_name) = (format!("l{number}"), named("federation_rule", number));
        let own = named("service_account", number);
        configuration.service_accounts.insert(own.clone(), account(&name, &[]));
        configuration.federation_rules.insert(rule_name.clone(), rule(&name, ISSUER, &own.to_string()));
        let consumers = vec![("dotenv.app", dotenv(&rule_name.to_string()))];
        let key = key(&format!("apikey_{number}"), &[&rule_name.to_string()], consumers);
        configuration.api_keys.insert(named("api_key", number), key);
    }
    let observed = sample::build(&configuration);
    let mut state = recorded(&configuration, &observed);
    for number in 0..size {
        let before = named("federation_rule", number).deposed(1);
        let stood_on = [address(ISSUER), named("service_account", number).deposed(1)];
        state.records.insert(before.clone(), old(&before, &stood_on.each_ref()));
        state.records.insert(stood_on[1].clone(), old(&stood_on[1], &[]));
    }
    World { configuration, state, observed }
}

fn old(address: &Address, depends_on: &[&Address]) -> Record {
    record(&format!("old_{address}"), Default::default(), depends_on)
}

fn step(stage: Stage, operation: Operation) -> Step {
    let id = super::super::build::step_id(&operation);
    Step { id, stage, lane: None, operation, after: Vec::new(), undo: Undo::Nothing }
}

impl World {
    /// What builds: a membership, a trial exchange and settings for each lane.
    fn built(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for number in 0..self.configuration.api_keys.len() {
            let membership = Operation::SetMembership {
                address: named("service_account", number),
                workspace_id: "wrkspc_a".to_owned(),
                role: "workspace_developer".to_owned(),
            };
            let address = named("api_key", number);
            let settings = Operation::Configure { address, consumer: consumer_id("dotenv.app") };
            let trial = Operation::Verify { address: named("federation_rule", number) };
            steps.push(step(Stage::Configure, membership));
            steps.push(step(Stage::Configure, settings));
            steps.push(step(Stage::Verify, trial));
        }
        steps
    }

    fn held_back(&self, archives: impl IntoIterator<Item = Address>) -> Vec<Step> {
        let archive = |address| step(Stage::Revoke, Operation::Archive { address });
        let mut steps: Vec<Step> = archives.into_iter().map(archive).chain(self.built()).collect();
        let World { configuration, state, observed } = self;
        hold_archives_back(&mut steps, &Scene { configuration, state, observed, now: hour(100) });
        steps
    }

    /// The lanes for all of whose steps an archive waits; for none of the other steps, too.
    fn awaits(&self, archived: &str) -> Vec<usize> {
        let steps = self.held_back([address(archived)]);
        let after = &steps.last().unwrap().after;
        let of = |number: &usize| {
            let label = format!(".l{number}");
            let built = self.built();
            let of_lane = |step: &&Step| step.operation.address().to_string().ends_with(&label);
            let ids: Vec<&String> = built.iter().filter(of_lane).map(|step| &step.id).collect();
            let awaited = ids.iter().filter(|id| after.contains(id)).count();
            assert!(awaited == 0 || awaited == ids.len(), "{after:?} of {ids:?}");
            awaited > 0
        };
        (0..self.configuration.api_keys.len()).filter(of).collect()
    }

    fn bind(&mut self, number: usize, grant: Grant, written: Option<Grant>) {
        let lane = named("api_key", number);
        let id = consumer_id("dotenv.app");
        let mut binding = Binding::new(&format!("apikey_{number}"), &lane, &id, grant, hour(0));
        written.into_iter().for_each(|grant| binding.write(grant, hour(1)));
        self.state.apply(&binding.put());
    }

    /// A rule that no block declares.
    fn before(&mut self, name: &str, depends_on: &[&str]) -> Grant {
        let rule = address(name);
        let depends_on: Vec<Address> = depends_on.iter().map(|part| address(part)).collect();
        let record = old(&rule, &depends_on.iter().collect::<Vec<_>>());
        let grant = Grant::Rule {
            rule_id: record.id.clone(),
            service_account_id: "svac_elsewhere".to_owned(),
            issuer_id: "fdis_elsewhere".to_owned(),
            workspace_id: None,
        };
        self.state.records.insert(rule, record);
        grant
    }
}

#[test]
fn what_a_block_had_before_waits_for_the_lanes_of_the_block() {
    let world = world(3);
    assert_eq!(world.awaits("federation_rule.l1.deposed-1"), [1]);
    assert_eq!(world.awaits("service_account.l1.deposed-1"), [1]);
    assert_eq!(world.awaits("provider.oidc.ci.deposed-1"), [0, 1, 2]);
    assert_eq!(world.awaits("provider.oidc.other"), [0; 0]);
}

#[test]
fn a_rule_that_no_block_declares_waits_for_those_who_may_have_lived_off_it() {
    const OLD: &str = "federation_rule.old";
    let parts = [OTHER_ISSUER, "service_account.old"];
    let mut world = world(3);
    let grant = world.before(OLD, &parts);
    assert_eq!(world.awaits(OLD), [0; 0]);
    // The key wins still, and its settings name the rule.
    world.bind(1, Grant::Key, Some(grant));
    for archived in [OLD, OTHER_ISSUER, "service_account.old"] {
        assert_eq!(world.awaits(archived), [1], "{archived}");
    }
    let rule_id = world.state.records[&address(OLD)].id.clone();
    let fact = Fact::SettingsStatement {
        key: address("api_key.before"),
        consumer: consumer_id("dotenv.app"),
        key_id: "apikey_2".to_owned(),
        place: "here".to_owned(),
        rule_id: rule_id.clone(),
        by: "Ada".to_owned(),
        statement: "Done".to_owned(),
    };
    world.state.evidence.push(evidence("statement", hour(1), fact));
    assert_eq!(world.awaits(OLD), [1, 2]);
    let fact = Fact::CredentialReport {
        key: named("api_key", 0),
        consumer: consumer_id("dotenv.app"),
        key_id: None,
        winner: keyless_state::Winner::ApiKey,
        winner_source: "here".to_owned(),
        rule_id: Some(rule_id),
        shadows: Vec::new(),
        identity: Default::default(),
    };
    world.state.evidence.push(evidence("report", hour(1), fact));
    assert_eq!(world.awaits(OLD), [0, 1, 2]);
}

#[test]
fn an_account_from_which_a_rule_turns_away_waits_for_its_lanes() {
    let mut world = world(2);
    let before = address("service_account.old");
    world.state.records.insert(before.clone(), old(&before, &[]));
    assert_eq!(world.awaits("service_account.old"), [0; 0]);
    let rule = world.state.records.get_mut(&named("federation_rule", 1)).unwrap();
    rule.depends_on = vec![address(ISSUER), before];
    assert_eq!(world.awaits("service_account.old"), [1]);
}

#[test]
fn where_it_cannot_be_told_whom_it_concerns_an_archive_waits_for_all() {
    const DEPOSED: &str = "federation_rule.l1.deposed-1";
    let check = |change: &dyn Fn(&mut World), expected: &[usize]| {
        let mut world = world(3);
        change(&mut world);
        assert_eq!(world.awaits(DEPOSED), expected);
    };
    check(&|_| (), &[1]);
    check(&|world| world.bind(0, Grant::Unresolved, None), &[0, 1, 2]);
    check(&|world| world.bind(0, Grant::Key, Some(Grant::Unresolved)), &[0, 1, 2]);
    let ended = |world: &mut World| {
        world.bind(0, Grant::Unresolved, None);
        let binding = world.state.bindings.values_mut().next().unwrap();
        binding.ended = Some(keyless_state::Ended { at: hour(2), by: "Ada".to_owned() });
    };
    check(&ended, &[1]);
    let unbound = |key: &'static str| {
        move |world: &mut World| {
            world.state.lanes.insert(address(key), lane("apikey_9", &[("dotenv.app", hour(0))]));
        }
    };
    check(&unbound("api_key.gone"), &[0, 1, 2]);
    check(&unbound("api_key.l0"), &[1]);
    let used = |number: usize| {
        move |world: &mut World| {
            let service_account = named("service_account", number).deposed(1);
            let fact = Fact::AccountTraffic { service_account, last_seen: hour(99) };
            world.state.evidence.push(evidence("traffic", hour(100), fact));
        }
    };
    check(&used(0), &[1]);
    check(&used(1), &[0, 1, 2]);
}

#[test]
fn the_waits_of_many_archives_grow_with_the_lanes() {
    const SIZE: usize = 100;
    let world = world(SIZE);
    let steps = world.held_back((0..SIZE).map(|number| named("federation_rule", number).deposed(1)));
    assert!(steps[3 * SIZE..].iter().all(|step| matches!(step.operation, Operation::Archive { .. })));
    assert_eq!(steps.iter().map(|step| step.after.len()).sum::<usize>(), 3 * SIZE);
}
