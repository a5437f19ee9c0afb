//! The small world that tests of the pure core share: one of everything, and the ways to bend it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{
    Address, ConsumerId, ConsumerRecord, Evidence, Fact, LaneRecord, Origin, Record, State, Weight, Winner,
};

use crate::config::{
    ApiKey, Configuration, Consumer, ConsumerDriver, FederationRule, IdentityTokenSource, Provider,
    ServiceAccount, WorkspaceChoice, WorkspaceRef,
};
use crate::diagnostic::Location;
use crate::lane::{Presence, Sightings};
use crate::plan::{self, Attributes};
use crate::resource::{
    ApiKeyObject, IssuerArguments, IssuerHealth, IssuerObject, Jwks, KeyScope, KeyStatus, Match, Observed,
    Organization, OrganizationRole, Provenance, RuleArguments, RuleObject, RuleWorkspaces,
    ServiceAccountArguments, ServiceAccountObject, WorkspaceObject,
};

pub(crate) const ISSUER: &str = "provider.oidc.ci";
pub(crate) const ACCOUNT: &str = "service_account.bot";
pub(crate) const RULE: &str = "federation_rule.bot";
pub(crate) const KEY: &str = "api_key.old";
pub(crate) const CONSUMER: &str = "dotenv.app";

/// A whole hour, and hours after it.
pub(crate) fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
}

pub(crate) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn consumer_id(text: &str) -> ConsumerId {
    text.parse().unwrap()
}

pub(crate) fn location() -> Location {
    Location { file: "main.keyless.hcl".into(), line: 1, column: 1 }
}

pub(crate) fn provider(name: &str) -> Provider {
    Provider {
        location: location(),
        name: name.to_owned(),
        issuer_url: "https://issuer.example.com".to_owned(),
        jwks: Jwks::Discovery { discovery_base: None, ca_cert_pem: None },
        check_jti: true,
        max_jwt_lifetime_seconds: 3_600,
    }
}

pub(crate) fn account(name: &str, memberships: &[(&str, &str)]) -> ServiceAccount {
    ServiceAccount {
        location: location(),
        name: name.to_owned(),
        is_named: true,
        description: String::new(),
        organization_role: OrganizationRole::Developer,
        memberships: memberships
            .iter()
            .map(|(id, role)| (WorkspaceRef::Id((*id).to_owned()), (*role).to_owned()))
            .collect(),
    }
}

pub(crate) fn these(ids: &[&str]) -> WorkspaceChoice {
    WorkspaceChoice::These(ids.iter().map(|id| WorkspaceRef::Id((*id).to_owned())).collect())
}

pub(crate) fn rule(name: &str, provider: &str, account: &str) -> FederationRule {
    FederationRule {
        location: location(),
        name: name.to_owned(),
        description: String::new(),
        provider: address(provider),
        service_account: address(account),
        workspaces: these(&["wrkspc_a"]),
        oauth_scope: "workspace:inference".to_owned(),
        token_lifetime_seconds: 3_600,
        matching: Match { subject_prefix: Some("repo:acme/app".to_owned()), ..Match::default() },
        identity_token: Some(IdentityTokenSource::File(PathBuf::from("token"))),
    }
}

pub(crate) fn dotenv(rule: &str) -> Consumer {
    Consumer {
        location: location(),
        rule: address(rule),
        workspace: None,
        report: None,
        driver: ConsumerDriver::Dotenv {
            path: PathBuf::from("app/.env"),
            format: crate::env_file::Format::Dotenv,
            variable: "ANTHROPIC_API_KEY".to_owned(),
            identity_token_file: Some("token".to_owned()),
        },
    }
}

pub(crate) fn with_driver(rule: &str, driver: ConsumerDriver) -> Consumer {
    Consumer { driver, ..dotenv(rule) }
}

pub(crate) fn manual() -> ConsumerDriver {
    ConsumerDriver::Manual { instructions: "Ask the owner of the laptop.".to_owned() }
}

pub(crate) fn command(restore: bool) -> ConsumerDriver {
    let words = |word: &str| vec!["vault".to_owned(), word.to_owned()];
    ConsumerDriver::Command {
        check: words("check"),
        remove: words("remove"),
        restore: restore.then(|| words("restore")),
    }
}

pub(crate) fn key(id: &str, rules: &[&str], consumers: Vec<(&str, Consumer)>) -> ApiKey {
    ApiKey {
        location: location(),
        id: id.to_owned(),
        replaced_by: rules.iter().map(|rule| address(rule)).collect::<BTreeSet<_>>(),
        quiet_period: hours(72),
        archive_after: None,
        consumers: consumers.into_iter().map(|(id, consumer)| (consumer_id(id), consumer)).collect(),
    }
}

/// One provider, one account, one rule, one key with one consumer.
pub(crate) fn configuration() -> Configuration {
    let mut configuration = Configuration::default();
    configuration.providers.insert(address(ISSUER), provider("ci"));
    configuration
        .service_accounts
        .insert(address(ACCOUNT), account("bot", &[("wrkspc_a", "workspace_developer")]));
    configuration.federation_rules.insert(address(RULE), rule("bot", ISSUER, ACCOUNT));
    configuration.api_keys.insert(address(KEY), key("apikey_1", &[RULE], vec![(CONSUMER, dotenv(RULE))]));
    configuration
}

/// An organization with two workspaces, an active key and nothing else.
pub(crate) fn bare() -> Observed {
    let workspace = |id: &str, name: &str| WorkspaceObject {
        id: id.to_owned(),
        name: name.to_owned(),
        is_default: false,
        archived_at: None,
    };
    let mut observed = Observed {
        organization: Organization { id: "org".to_owned(), name: "Acme".to_owned() },
        issuers: BTreeMap::new(),
        service_accounts: BTreeMap::new(),
        rules: BTreeMap::new(),
        api_keys: BTreeMap::new(),
        workspaces: BTreeMap::new(),
        unreadable: BTreeMap::new(),
    };
    for (id, name) in [("wrkspc_a", "A"), ("wrkspc_b", "B"), ("wrkspc_c", "C")] {
        observed.workspaces.insert(id.to_owned(), workspace(id, name));
    }
    observed.api_keys.insert("apikey_1".to_owned(), api_key("apikey_1", KeyStatus::Active));
    observed
}

pub(crate) fn api_key(id: &str, status: KeyStatus) -> ApiKeyObject {
    ApiKeyObject {
        id: id.to_owned(),
        name: "old".to_owned(),
        status,
        partial_key_hint: None,
        created_at: None,
        expires_at: None,
        scope: KeyScope::Workspace(Some("wrkspc_a".to_owned())),
        principal: None,
    }
}

/// The id that the world of [`build`] gives an object.
pub(crate) fn id_of(address: &Address) -> String {
    format!("{}_{}", address.kind().word(), address.name())
}

fn workspace_id(reference: &WorkspaceRef) -> String {
    match reference {
        WorkspaceRef::Id(id) => id.clone(),
        WorkspaceRef::Data(address) => id_of(address),
    }
}

/// The world in which everything of a configuration exists as declared, keys untouched.
pub(crate) fn build(configuration: &Configuration) -> Observed {
    let mut observed = bare();
    for (address, provider) in &configuration.providers {
        let arguments = crate::plan::issuer_arguments(provider);
        let id = id_of(address);
        let object = issuer_object(&id, arguments);
        observed.issuers.insert(id, object);
    }
    for (address, account) in &configuration.service_accounts {
        let id = id_of(address);
        let memberships = account.memberships.iter().map(|(w, role)| (workspace_id(w), role.clone()));
        let arguments = ServiceAccountArguments {
            name: account.name.clone(),
            description: account.description.clone(),
            organization_role: account.organization_role.clone(),
        };
        let object = ServiceAccountObject {
            id: id.clone(),
            arguments,
            memberships: memberships.collect(),
            provenance: Provenance::default(),
        };
        observed.service_accounts.insert(id, object);
    }
    for (address, rule) in &configuration.federation_rules {
        let id = id_of(address);
        observed.rules.insert(id.clone(), rule_object(&id, rule_arguments(rule)));
    }
    for key in configuration.api_keys.values() {
        observed.api_keys.insert(key.id.clone(), api_key(&key.id, KeyStatus::Active));
    }
    observed
}

pub(crate) fn rule_arguments(rule: &FederationRule) -> RuleArguments {
    RuleArguments {
        name: rule.name.clone(),
        description: rule.description.clone(),
        issuer_id: id_of(&rule.provider),
        matching: rule.matching.clone(),
        service_account_id: id_of(&rule.service_account),
        oauth_scope: rule.oauth_scope.clone(),
        token_lifetime_seconds: rule.token_lifetime_seconds,
        workspaces: match &rule.workspaces {
            WorkspaceChoice::All => RuleWorkspaces::All,
            WorkspaceChoice::These(these) => RuleWorkspaces::These(these.iter().map(workspace_id).collect()),
        },
    }
}

pub(crate) fn rule_object(id: &str, arguments: RuleArguments) -> RuleObject {
    RuleObject {
        id: id.to_owned(),
        arguments,
        target_type: "service_account".to_owned(),
        provenance: Provenance::default(),
    }
}

pub(crate) fn issuer_object(id: &str, arguments: IssuerArguments) -> IssuerObject {
    IssuerObject {
        id: id.to_owned(),
        arguments,
        health: IssuerHealth::default(),
        provenance: Provenance::default(),
    }
}

pub(crate) fn record(id: &str, attributes: Attributes, depends_on: &[&Address]) -> Record {
    Record {
        id: id.to_owned(),
        origin: Origin::Created,
        attributes,
        depends_on: depends_on.iter().map(|address| (*address).clone()).collect(),
    }
}

/// What is recorded once everything of a configuration was created as it is now observed.
pub(crate) fn recorded(configuration: &Configuration, observed: &Observed) -> State {
    let mut state = State::default();
    for address in configuration.providers.keys() {
        let object = &observed.issuers[&id_of(address)];
        state.records.insert(address.clone(), record(&object.id, plan::issuer(&object.arguments), &[]));
    }
    for address in configuration.service_accounts.keys() {
        let object = &observed.service_accounts[&id_of(address)];
        let attributes = plan::service_account(&object.arguments, &object.memberships);
        state.records.insert(address.clone(), record(&object.id, attributes, &[]));
    }
    for (address, rule) in &configuration.federation_rules {
        let object = &observed.rules[&id_of(address)];
        let depends_on = [&rule.provider, &rule.service_account];
        let record = record(&object.id, plan::rule(&object.arguments), &depends_on);
        state.records.insert(address.clone(), record);
    }
    state
}

/// A configuration, the world in which it is built, and the record of that.
pub(crate) fn built() -> (Configuration, State, Observed) {
    let configuration = configuration();
    let observed = build(&configuration);
    let state = recorded(&configuration, &observed);
    (configuration, state, observed)
}

pub(crate) fn evidence(id: &str, at: Timestamp, fact: Fact) -> Evidence {
    let source = "a test".to_owned();
    Evidence { id: id.to_owned(), observed_at: at, weight: Weight::Observed, source, digest: None, fact }
}

/// A report of the one consumer that it federates through the one rule.
pub(crate) fn report(at: Timestamp, winner: Winner, rule_id: Option<&str>) -> Evidence {
    let fact = Fact::CredentialReport {
        key: address(KEY),
        consumer: consumer_id(CONSUMER),
        key_id: None,
        winner,
        winner_source: "here".to_owned(),
        rule_id: rule_id.map(str::to_owned),
        shadows: Vec::new(),
        identity: serde_json::Map::new(),
    };
    Evidence { weight: Weight::Signed, ..evidence("report", at, fact) }
}

pub(crate) fn statement(key: &str, consumer: &str, at: Timestamp) -> Evidence {
    let fact = Fact::Statement {
        key: address(key),
        consumer: consumer_id(consumer),
        key_id: None,
        rule_id: None,
        by: "Ada".to_owned(),
        statement: "I took it out.".to_owned(),
    };
    Evidence { weight: Weight::Stated, ..evidence("statement", at, fact) }
}

/// A word about the settings of the one consumer.
pub(crate) fn settings_statement(at: Timestamp, rule_id: &str) -> Evidence {
    let fact = Fact::SettingsStatement {
        key: address(KEY),
        consumer: consumer_id(CONSUMER),
        key_id: "apikey_1".to_owned(),
        place: crate::binding::place(&consumer_id(CONSUMER), &command(true)),
        rule_id: rule_id.to_owned(),
        by: "Ada".to_owned(),
        statement: "I set it.".to_owned(),
    };
    Evidence { weight: Weight::Stated, ..evidence("settings", at, fact) }
}

/// A lane whose consumers lost their key at these times.
pub(crate) fn lane(key_id: &str, removed: &[(&str, Timestamp)]) -> LaneRecord {
    let removed = removed.iter().map(|(id, at)| {
        (consumer_id(id), ConsumerRecord { removed_at: Some(*at), ..ConsumerRecord::default() })
    });
    LaneRecord { key_id: key_id.to_owned(), consumers: removed.collect(), ..LaneRecord::default() }
}

/// Every consumer of a configuration, seen like this.
pub(crate) fn sightings(configuration: &Configuration, presence: &Presence) -> Sightings {
    let mut sightings = Sightings::default();
    for (key, declared) in &configuration.api_keys {
        for id in declared.consumers.keys() {
            sightings.presence.insert((key.clone(), id.clone()), presence.clone());
        }
    }
    sightings
}

/// The settings of every consumer, seen as they should be.
pub(crate) fn settings_in_place(
    sightings: &mut Sightings,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
) {
    let workspace_id = |workspace: &WorkspaceRef| match workspace {
        WorkspaceRef::Id(id) => id.clone(),
        WorkspaceRef::Data(data) => unreachable!("no sample looks {data} up"),
    };
    let wanted = plan::wanted_settings(configuration, state, observed, workspace_id);
    sightings.settings.clone_from(&wanted);
    sightings.wanted_settings = wanted;
}

/// What a plan for apply is made from at an hour 0 at which nothing changed since it was recorded.
pub(crate) fn plan_input<'a>(
    configuration: &'a Configuration,
    state: &'a State,
    observed: &'a Observed,
    sightings: Sightings,
) -> plan::PlanInput<'a> {
    plan::PlanInput {
        configuration,
        state,
        recorded: state,
        observed,
        sightings,
        lineage: None,
        serial: 0,
        mode: plan::Mode::Apply,
        now: hour(0),
        moves: BTreeMap::new(),
        consumers: BTreeMap::new(),
        skip_waits: false,
        outputs: BTreeMap::new(),
        caller: crate::resource::Caller::Person,
    }
}
