//! Worlds with a plan that is sound in them, and what can happen to them.

use jiff::Timestamp;
use keyless_state::{Fact, State, Winner};

use crate::config::Configuration;
use crate::lane::{Presence, Returned, Sightings, rule_digest};
use crate::plan::{Mode, Plan, PlanInput, Reason, build, build_back};
use crate::plan_check::Moment;
use crate::resource::{KeyStatus, Observed};
use crate::rollback::way_back;
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, api_key, bare, build as built_world, command,
    configuration, consumer_id, evidence, hour, hours, id_of, lane, plan_input, recorded, report,
    settings_in_place, settings_statement, sightings,
};

pub(super) struct World {
    pub(super) configuration: Configuration,
    pub(super) state: State,
    pub(super) observed: Observed,
    pub(super) sightings: Sightings,
    pub(super) now: Timestamp,
    mode: Mode,
}

/// Nothing is there yet but the key.
pub(super) fn fresh() -> World {
    let configuration = configuration();
    let sightings = sightings(&configuration, &Presence::Present);
    World {
        configuration,
        state: State::default(),
        observed: bare(),
        sightings,
        now: hour(0),
        mode: Mode::Apply,
    }
}

/// The key was taken out, and all evidence is in.
pub(super) fn confirmed() -> World {
    let configuration = configuration();
    let observed = built_world(&configuration);
    let state = recorded(&configuration, &observed);
    let mut sightings = sightings(&configuration, &Presence::Absent);
    settings_in_place(&mut sightings, &configuration, &state, &observed);
    let mut world = World { configuration, state, observed, sightings, now: hour(100), mode: Mode::Apply };
    world.state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(0))]));
    world.prove(hour(90));
    world.report(hour(1));
    world.usage(hour(99), None);
    let fact = Fact::AccountTraffic { service_account: address(ACCOUNT), last_seen: hour(2) };
    world.state.evidence.push(evidence("traffic", hour(99), fact));
    world
}

/// The key was set inactive long ago, and its archive is approved.
pub(super) fn archivable() -> World {
    let mut world = confirmed();
    world.configuration.api_keys.get_mut(&address(KEY)).unwrap().archive_after = Some(hours(48));
    world.state.lanes.get_mut(&address(KEY)).unwrap().disabled_at = Some(hour(100));
    world.key("inactive");
    world.now = hour(200);
    world.usage(hour(199), None);
    let fact = Fact::ArchiveApproval { key: address(KEY), by: "Ada".into() };
    world.state.evidence.push(evidence("approval", hour(150), fact));
    world
}

/// The key was set inactive, and somebody put it back into its place.
pub(super) fn disturbed() -> World {
    let mut world = archivable();
    world.present();
    let line = Returned { line: 2, dead: Some("apikey_1".to_owned()) };
    world.sightings.returned.insert((address(KEY), consumer_id(CONSUMER)), line);
    world
}

/// Everything was built, and none of it is declared any longer.
pub(super) fn undeclared() -> World {
    let mut world = confirmed();
    world.state.lanes.clear();
    world.state.evidence.clear();
    world.configuration = Configuration::default();
    world.sightings = Sightings::default();
    world
}

/// The key is out and inactive, and all of it is taken back.
pub(super) fn destroyed() -> World {
    World { mode: Mode::Destroy, ..archivable() }
}

/// The key is out and still active, and all of it is taken back.
pub(super) fn half_destroyed() -> World {
    World { mode: Mode::Destroy, ..confirmed() }
}

impl World {
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment {
            configuration: &self.configuration,
            state: &self.state,
            observed: &self.observed,
            sightings: &self.sightings,
            now: self.now,
        }
    }

    pub(super) fn plan(&self) -> Plan {
        let plan = self.plan_of_any_length();
        assert!(!plan.steps.is_empty());
        plan
    }

    /// The same where the world may leave nothing to do.
    pub(super) fn plan_of_any_length(&self) -> Plan {
        let input = PlanInput {
            mode: self.mode,
            now: self.now,
            ..plan_input(&self.configuration, &self.state, &self.observed, self.sightings.clone())
        };
        match self.mode {
            Mode::Destroy => {
                let nothing = State::default();
                build_back(
                    input,
                    way_back(
                        &self.state,
                        &nothing,
                        &self.configuration,
                        &self.sightings.presence,
                        Reason::Destroy,
                    ),
                )
            }
            _ => build(input).unwrap(),
        }
    }

    fn put(&mut self, id: &str, at: Timestamp, fact: Fact) {
        self.state.apply(&keyless_state::Mutation::PutEvidence { evidence: evidence(id, at, fact) });
    }

    fn prove(&mut self, at: Timestamp) {
        let issuer_url = "https://issuer.example.com".to_owned();
        self.put("keys", at, Fact::IssuerKeys { provider: address(ISSUER), issuer_url, key_ids: vec![] });
        let fact = Fact::Exchange {
            rule: address(RULE),
            rule_id: id_of(&address(RULE)),
            rule_digest: rule_digest(&address(RULE), &self.state).unwrap(),
            accepted: true,
            subject: "repo:acme/app".into(),
            expires_in_seconds: 3_600,
            refusal: String::new(),
        };
        self.put("exchange", at, fact);
    }

    /// The consumer says that it federates.
    pub(super) fn report(&mut self, at: Timestamp) {
        let evidence = report(at, Winner::Federation, Some(&id_of(&address(RULE))));
        self.state.apply(&keyless_state::Mutation::PutEvidence { evidence });
    }

    /// The consumer has a key, and names a rule beside it.
    pub(super) fn names(&mut self, rule_id: &str, at: Timestamp) {
        let evidence = report(at, Winner::ApiKey, Some(rule_id));
        self.state.apply(&keyless_state::Mutation::PutEvidence { evidence });
    }

    /// A person says that the settings name the rule.
    pub(super) fn stated(&mut self, at: Timestamp) {
        self.state.evidence.push(settings_statement(at, &id_of(&address(RULE))));
    }

    /// A person says that the key never was in a place.
    pub(super) fn said_absent(&mut self, place: &str) {
        let fact = Fact::AbsenceStatement {
            key: address(KEY),
            consumer: consumer_id(CONSUMER),
            key_id: "apikey_1".to_owned(),
            place: place.to_owned(),
            by: "Ada".to_owned(),
            statement: "It never was there.".to_owned(),
        };
        self.state.evidence.push(evidence("absent", self.now, fact));
    }

    /// The settings of the consumer are not written by keyless.
    pub(super) fn by_hand(&mut self) {
        let key = self.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().driver = command(true);
    }

    fn usage(&mut self, until: Timestamp, last_used_before: Option<Timestamp>) {
        let fact =
            Fact::KeyUsage { key: address(KEY), since: hour(0), complete_until: until, last_used_before };
        self.put("usage", self.now, fact);
    }

    /// The key was used.
    pub(super) fn used(&mut self, at: Timestamp) {
        self.usage(self.now, Some(at));
    }

    /// Somebody set the key active again.
    pub(super) fn brought_back(&mut self, at: Timestamp) {
        self.state.lanes.get_mut(&address(KEY)).unwrap().reactivated_at = Some(at);
    }

    /// Somebody put the key back.
    pub(super) fn present(&mut self) {
        self.sightings.presence.insert((address(KEY), consumer_id(CONSUMER)), Presence::Present);
    }

    pub(super) fn absent(&mut self) {
        self.sightings.presence.insert((address(KEY), consumer_id(CONSUMER)), Presence::Absent);
    }

    /// Somebody changed the rule at the API.
    pub(super) fn rule_changed(&mut self) {
        let rule = self.observed.rules.get_mut(&id_of(&address(RULE))).unwrap();
        rule.arguments.matching.subject_prefix = Some("repo:*".into());
    }

    /// Somebody archived the rule after keyless made it.
    pub(super) fn archived_by_hand(&mut self) {
        self.observed = built_world(&self.configuration);
        self.state = recorded(&self.configuration, &self.observed);
        for id in [RULE, ISSUER, ACCOUNT].map(|it| id_of(&address(it))) {
            if let Some(rule) = self.observed.rules.get_mut(&id) {
                rule.provenance.archived_at = Some(hour(0));
            }
        }
    }

    pub(super) fn key(&mut self, status: &str) {
        self.observed.api_keys.insert("apikey_1".into(), api_key("apikey_1", KeyStatus::from_word(status)));
    }

    /// A declared consumer lost its key and lives off the rule.
    pub(super) fn relies(&mut self) {
        self.configuration = configuration();
        self.state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(0))]));
    }
}
