//! A world of many lanes that look the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use keyless::config::{
    ApiKey, Configuration, Consumer, ConsumerDriver, FederationRule, IdentityTokenSource, Provider,
    ServiceAccount, WorkspaceChoice, WorkspaceRef,
};
use keyless::diagnostic::Location;
use keyless::lane::{Presence, Sightings, rule_digest};
use keyless::plan::{self, Mode, Plan, PlanInput};
use keyless::plan_check::Moment;
use keyless::resource::{
    ApiKeyObject, Caller, IssuerHealth, IssuerObject, Jwks, KeyScope, KeyStatus, Match, Observed,
    Organization, OrganizationRole, Provenance, RuleArguments, RuleObject, RuleWorkspaces,
    ServiceAccountArguments, ServiceAccountObject, WorkspaceObject,
};
use keyless_state::{
    Address, ConsumerRecord, Evidence, Fact, LaneRecord, Origin, Record, State, Weight, Winner,
};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    /// Nothing is there yet but the keys.
    First,
    /// The keys are out, and all evidence is in.
    Confirmed,
}

pub(crate) struct World {
    configuration: Configuration,
    observed: Observed,
    state: State,
    sightings: Sightings,
    now: Timestamp,
}

pub(crate) fn label(number: usize) -> String {
    format!("l{number:05}")
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3_600).expect("a time")
}

fn location() -> Location {
    Location { file: "main.keyless.hcl".into(), line: 1, column: 1 }
}

/// One lane with what it stands on.
struct Parts {
    label: String,
    issuer: Address,
    account: Address,
    rule: Address,
    key: Address,
    key_id: String,
}

impl Parts {
    fn new(number: usize) -> Parts {
        let label = label(number);
        Parts {
            issuer: address("provider.oidc.ci"),
            account: address(&format!("service_account.{label}")),
            rule: address(&format!("federation_rule.{label}")),
            key: address(&format!("api_key.{label}")),
            key_id: format!("apikey_{label}"),
            label,
        }
    }

    fn account_arguments(&self) -> ServiceAccountArguments {
        ServiceAccountArguments {
            name: self.label.clone(),
            description: String::new(),
            organization_role: OrganizationRole::Developer,
        }
    }

    fn rule_arguments(&self, declared: &FederationRule) -> RuleArguments {
        RuleArguments {
            name: declared.name.clone(),
            description: String::new(),
            issuer_id: "fdis_ci".to_owned(),
            matching: declared.matching.clone(),
            service_account_id: format!("svac_{}", self.label),
            oauth_scope: declared.oauth_scope.clone(),
            token_lifetime_seconds: declared.token_lifetime_seconds,
            workspaces: RuleWorkspaces::These(["wrkspc_a".to_owned()].into_iter().collect()),
        }
    }

    fn declare(&self, configuration: &mut Configuration) {
        configuration.service_accounts.insert(
            self.account.clone(),
            ServiceAccount {
                location: location(),
                name: self.label.clone(),
                is_named: true,
                description: String::new(),
                organization_role: OrganizationRole::Developer,
                memberships: [(WorkspaceRef::Id("wrkspc_a".into()), "workspace_developer".into())]
                    .into_iter()
                    .collect(),
            },
        );
        configuration.federation_rules.insert(
            self.rule.clone(),
            FederationRule {
                location: location(),
                name: self.label.clone(),
                description: String::new(),
                provider: self.issuer.clone(),
                service_account: self.account.clone(),
                workspaces: WorkspaceChoice::These(
                    [WorkspaceRef::Id("wrkspc_a".into())].into_iter().collect(),
                ),
                oauth_scope: "workspace:inference".to_owned(),
                token_lifetime_seconds: 3_600,
                matching: Match {
                    subject_prefix: Some(format!("repo:acme/{}", self.label)),
                    ..Match::default()
                },
                identity_token: Some(IdentityTokenSource::File(PathBuf::from("token"))),
            },
        );
        let consumer = Consumer {
            location: location(),
            rule: self.rule.clone(),
            workspace: None,
            report: None,
            driver: ConsumerDriver::Dotenv {
                path: PathBuf::from(format!("{}/.env", self.label)),
                format: keyless::env_file::Format::Dotenv,
                variable: "ANTHROPIC_API_KEY".to_owned(),
                identity_token_file: None,
            },
        };
        configuration.api_keys.insert(
            self.key.clone(),
            ApiKey {
                location: location(),
                id: self.key_id.clone(),
                replaced_by: [self.rule.clone()].into_iter().collect(),
                quiet_period: SignedDuration::from_hours(72),
                archive_after: None,
                consumers: [("dotenv.app".parse().expect("a consumer"), consumer)].into_iter().collect(),
            },
        );
    }

    fn make(&self, world: &mut World) {
        let provenance = Provenance::default();
        let (account_id, rule_id) = (format!("svac_{}", self.label), format!("fdrl_{}", self.label));
        let memberships: BTreeMap<String, String> =
            [("wrkspc_a".to_owned(), "workspace_developer".to_owned())].into_iter().collect();
        let record = |id: &str, attributes, depends_on| Record {
            id: id.to_owned(),
            origin: Origin::Created,
            attributes,
            depends_on,
        };
        let arguments = self.account_arguments();
        let attributes = plan::service_account(&arguments, &memberships);
        world.state.records.insert(self.account.clone(), record(&account_id, attributes, Vec::new()));
        let object = ServiceAccountObject {
            id: account_id.clone(),
            arguments,
            memberships,
            provenance: provenance.clone(),
        };
        world.observed.service_accounts.insert(account_id, object);
        let arguments = self.rule_arguments(&world.configuration.federation_rules[&self.rule]);
        let depends_on = vec![self.issuer.clone(), self.account.clone()];
        world.state.records.insert(self.rule.clone(), record(&rule_id, plan::rule(&arguments), depends_on));
        let object = RuleObject {
            id: rule_id.clone(),
            arguments,
            target_type: "service_account".to_owned(),
            provenance,
        };
        world.observed.rules.insert(rule_id, object);
    }

    /// The key is out, and all evidence is in.
    fn prove(&self, state: &mut State) {
        let consumer = "dotenv.app".parse().expect("a consumer");
        let removed = ConsumerRecord { removed_at: Some(hour(0)), ..ConsumerRecord::default() };
        let lane = LaneRecord {
            key_id: self.key_id.clone(),
            consumers: [(consumer, removed)].into_iter().collect(),
            ..LaneRecord::default()
        };
        state.lanes.insert(self.key.clone(), lane);
        let rule_id = format!("fdrl_{}", self.label);
        let rule_digest = rule_digest(&self.rule, state).expect("the rule is recorded");
        let mut put = |name: &str, at: i64, fact: Fact| {
            let id = format!("{name}/{}", self.label);
            let source = "a benchmark".to_owned();
            state.evidence.push(Evidence {
                id,
                observed_at: hour(at),
                weight: Weight::Signed,
                source,
                digest: None,
                fact,
            });
        };
        put(
            "exchange",
            90,
            Fact::Exchange {
                rule: self.rule.clone(),
                rule_id: rule_id.clone(),
                rule_digest,
                accepted: true,
                subject: "repo:acme/app".into(),
                expires_in_seconds: 3_600,
                refusal: String::new(),
            },
        );
        put(
            "report",
            1,
            Fact::CredentialReport {
                key: self.key.clone(),
                consumer: "dotenv.app".parse().expect("a consumer"),
                key_id: None,
                winner: Winner::Federation,
                winner_source: "here".into(),
                rule_id: Some(rule_id),
                shadows: Vec::new(),
                identity: serde_json::Map::new(),
            },
        );
        put(
            "usage",
            99,
            Fact::KeyUsage {
                key: self.key.clone(),
                since: hour(0),
                complete_until: hour(99),
                last_used_before: None,
            },
        );
        put(
            "traffic",
            99,
            Fact::AccountTraffic { service_account: self.account.clone(), last_seen: hour(2) },
        );
    }
}

impl World {
    pub(crate) fn new(size: usize, stage: Stage) -> World {
        let mut world = World {
            configuration: Configuration::default(),
            observed: bare(),
            state: State::default(),
            sightings: Sightings::default(),
            now: hour(if stage == Stage::First { 0 } else { 100 }),
        };
        let issuer = address("provider.oidc.ci");
        let provider = Provider {
            location: location(),
            name: "ci".to_owned(),
            issuer_url: "https://issuer.example.com".to_owned(),
            jwks: Jwks::Discovery { discovery_base: None, ca_cert_pem: None },
            check_jti: true,
            max_jwt_lifetime_seconds: 3_600,
        };
        if stage == Stage::Confirmed {
            world.issue(&issuer, &provider);
        }
        world.configuration.providers.insert(issuer, provider);
        for parts in (0..size).map(Parts::new) {
            parts.declare(&mut world.configuration);
            world.observed.api_keys.insert(parts.key_id.clone(), key(&parts.key_id));
            let presence = if stage == Stage::First { Presence::Present } else { Presence::Absent };
            let place = (parts.key.clone(), "dotenv.app".parse().expect("a consumer"));
            world.sightings.presence.insert(place, presence);
            if stage == Stage::Confirmed {
                parts.make(&mut world);
                parts.prove(&mut world.state);
            }
        }
        world
    }

    /// The issuer is there, and its keys were fetched.
    fn issue(&mut self, issuer: &Address, declared: &Provider) {
        let arguments = plan::issuer_arguments(declared);
        let id = "fdis_ci".to_owned();
        let record = Record {
            id: id.clone(),
            origin: Origin::Created,
            attributes: plan::issuer(&arguments),
            depends_on: Vec::new(),
        };
        self.state.records.insert(issuer.clone(), record);
        let object = IssuerObject {
            id: id.clone(),
            arguments,
            health: IssuerHealth::default(),
            provenance: Provenance::default(),
        };
        self.observed.issuers.insert(id, object);
        let fact = Fact::IssuerKeys {
            provider: issuer.clone(),
            issuer_url: declared.issuer_url.clone(),
            key_ids: Vec::new(),
        };
        self.state.evidence.push(Evidence {
            id: "keys".into(),
            observed_at: hour(90),
            weight: Weight::Observed,
            source: "a benchmark".into(),
            digest: None,
            fact,
        });
    }

    pub(crate) fn moment(&self) -> Moment<'_> {
        Moment {
            configuration: &self.configuration,
            state: &self.state,
            observed: &self.observed,
            sightings: &self.sightings,
            now: self.now,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        plan::build(PlanInput {
            configuration: &self.configuration,
            state: &self.state,
            recorded: &self.state,
            observed: &self.observed,
            sightings: self.sightings.clone(),
            lineage: None,
            serial: 0,
            mode: Mode::Apply,
            now: self.now,
            moves: Default::default(),
            consumers: Default::default(),
            skip_waits: false,
            outputs: Default::default(),
            caller: Caller::Person,
        })
        .expect("nothing stands in the way")
    }
}

fn key(id: &str) -> ApiKeyObject {
    ApiKeyObject {
        id: id.to_owned(),
        name: "old".to_owned(),
        status: KeyStatus::Active,
        partial_key_hint: None,
        created_at: None,
        expires_at: None,
        scope: KeyScope::Workspace(Some("wrkspc_a".to_owned())),
        principal: None,
    }
}

fn bare() -> Observed {
    let workspace =
        WorkspaceObject { id: "wrkspc_a".into(), name: "A".into(), is_default: false, archived_at: None };
    Observed {
        organization: Organization { id: "org".to_owned(), name: "Acme".to_owned() },
        issuers: BTreeMap::new(),
        service_accounts: BTreeMap::new(),
        rules: BTreeMap::new(),
        api_keys: BTreeMap::new(),
        workspaces: [("wrkspc_a".to_owned(), workspace)].into_iter().collect(),
        unreadable: BTreeMap::new(),
    }
}
