//! What one exploration is about: how many keys, consumers and rules, and what may happen.

use keyless_state::{Address, ConsumerId, State};

use super::world::{Key, Left, Place, Sealed, World};
use crate::config::{Configuration, ConsumerDriver};
use crate::lane::blindfold::Blind;
use crate::resource::KeyStatus;
use crate::sample::{
    self, account, address, api_key, bare, build, hours, key, provider, recorded, rule, with_driver,
};

/// What is switched off, one thing at a time, to see that the model notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Without {
    /// A gate.
    pub(super) gate: Option<Blind>,
    /// Reading a key's status again before it is changed.
    pub(super) rereads: bool,
    /// Leaving a step in doubt whose answer was lost.
    pub(super) doubting: bool,
    /// Settling what a crash left in doubt.
    pub(super) settling: bool,
    /// Announcing a step before it is carried out.
    pub(super) announcing: bool,
    /// Seeing objects that are not recorded before something is created.
    pub(super) looking: bool,
    /// The order of steps with this word, in a plan.
    pub(super) order: Option<&'static str>,
    /// Noting that a key was set active again.
    pub(super) noticing: bool,
}

/// One exploration.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) configuration: Configuration,
    /// Whether issuer, accounts and rules are there and recorded at the start.
    pub(super) built: bool,
    /// Whether the first rule does not work at the start.
    pub(super) broken: bool,
    /// Whether persons write the settings of all consumers.
    pub(super) by_hand: bool,
    /// Calls in flight.
    pub(super) parallelism: usize,
    /// Whether all workloads of a lane report together.
    pub(super) report_together: bool,
    pub(super) left: Left,
    pub(super) without: Without,
}

const RULES: [&str; 2] = ["federation_rule.bot", "federation_rule.zoo"];
const ACCOUNTS: [&str; 2] = ["service_account.bot", "service_account.zoo"];

impl Scope {
    /// So many keys, each with so many consumers that take turns with so many rules.
    pub(super) fn of(keys: usize, consumers: usize, rules: usize) -> Scope {
        let mut configuration = Configuration::default();
        configuration.providers.insert(address(sample::ISSUER), provider("ci"));
        for at in 0..rules {
            let name = RULES[at].rsplit('.').next().expect("an address has a name");
            let members = [("wrkspc_a", "workspace_developer")];
            configuration.service_accounts.insert(address(ACCOUNTS[at]), account(name, &members));
            configuration
                .federation_rules
                .insert(address(RULES[at]), rule(name, sample::ISSUER, ACCOUNTS[at]));
        }
        for lane in 0..keys {
            let names: Vec<String> = (0..consumers).map(|place| format!("dotenv.c{place}")).collect();
            let rule_of = |place: usize| RULES[(lane + place) % rules];
            let used: Vec<&str> = (0..consumers.min(rules)).map(rule_of).collect();
            let driver = ConsumerDriver::Dotenv {
                path: "app/.env".into(),
                format: crate::env_file::Format::Dotenv,
                variable: "ANTHROPIC_API_KEY".to_owned(),
                identity_token_file: Some("token".to_owned()),
            };
            let places = names
                .iter()
                .enumerate()
                .map(|(place, name)| (name.as_str(), with_driver(rule_of(place), driver.clone())));
            let mut declared = key(&format!("apikey_{lane}"), &used, places.collect());
            declared.quiet_period = hours(1);
            configuration.api_keys.insert(address(&format!("api_key.k{lane}")), declared);
        }
        Scope {
            configuration,
            built: true,
            broken: false,
            by_hand: false,
            parallelism: 1,
            report_together: false,
            left: Left::default(),
            without: Without::default(),
        }
    }

    pub(super) fn archiving(mut self) -> Scope {
        for key in self.configuration.api_keys.values_mut() {
            key.archive_after = Some(hours(1));
        }
        self
    }

    pub(super) fn by_hand(mut self) -> Scope {
        for key in self.configuration.api_keys.values_mut() {
            key.consumers.values_mut().for_each(|consumer| consumer.driver = sample::command(true));
        }
        self.by_hand = true;
        self
    }

    pub(super) fn start(&self) -> World {
        let mut observed = if self.built { build(&self.configuration) } else { bare() };
        observed.api_keys.clear();
        for key in self.configuration.api_keys.values() {
            observed.api_keys.insert(key.id.clone(), api_key(&key.id, KeyStatus::Active));
        }
        let state = if self.built { recorded(&self.configuration, &observed) } else { State::default() };
        let keys = self.configuration.api_keys.values().map(|key| Key {
            used: None,
            ours: false,
            brought_back: None,
            back: None,
            approved: None,
            places: key
                .consumers
                .iter()
                .map(|_| Place { holds_key: true, settings: None, taken: false, report: None })
                .collect(),
        });
        let rules = self.configuration.federation_rules.len();
        let mut broken = vec![false; rules];
        broken[0] = self.broken;
        World {
            hour: 0,
            broken,
            traffic: vec![None; rules],
            observed: Sealed::new(observed),
            keys: keys.collect(),
            state: Sealed::new(state),
            doubts: Sealed::new(Vec::new()),
            checkpoint: None,
            run: None,
            left: self.left,
            rested: false,
            wrong: None,
        }
    }

    pub(super) fn lane(&self, at: usize) -> &Address {
        self.configuration.api_keys.keys().nth(at).expect("a lane of the scope")
    }

    pub(super) fn key_id(&self, lane: usize) -> &str {
        &self.configuration.api_keys[self.lane(lane)].id
    }

    pub(super) fn lane_index(&self, lane: &Address) -> usize {
        self.configuration.api_keys.keys().position(|it| it == lane).expect("a lane of the scope")
    }

    pub(super) fn key_index(&self, id: &str) -> usize {
        self.configuration.api_keys.values().position(|key| key.id == id).expect("a key of the scope")
    }

    pub(super) fn consumer(&self, lane: usize, place: usize) -> &ConsumerId {
        let consumers = &self.configuration.api_keys[self.lane(lane)].consumers;
        consumers.keys().nth(place).expect("a consumer of the scope")
    }

    pub(super) fn rule_of(&self, lane: usize, place: usize) -> &Address {
        &self.configuration.api_keys[self.lane(lane)].consumers[self.consumer(lane, place)].rule
    }

    pub(super) fn rule_index(&self, rule: &Address) -> usize {
        self.configuration.federation_rules.keys().position(|it| it == rule).expect("a rule of the scope")
    }

    pub(super) fn place_index(&self, key: &Address, consumer: &ConsumerId) -> (usize, usize) {
        let lane = self.lane_index(key);
        let consumers = &self.configuration.api_keys[key].consumers;
        (lane, consumers.keys().position(|it| it == consumer).expect("a consumer of the scope"))
    }

    pub(super) fn status(&self, world: &World, lane: usize) -> KeyStatus {
        world.observed.api_keys[self.key_id(lane)].status.clone()
    }
}
