//! The simulated organization as plain data. It knows nothing of sockets, files or real time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::assumptions::Assumptions;
use super::clock::Clock;
use super::collection::Collection;
use super::concealed::Concealed;
use super::faults;
use super::ids;
use super::rate_limits::RateLimit;

/// The version of the saved form.
pub(super) const FORMAT: u32 = 1;

/// Everything there is.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct World {
    pub(super) format: u32,
    /// Ids and fake secrets follow from it.
    pub(super) seed: u64,
    /// The seeds of the organizations that were here before; who holds their credentials stays in.
    #[serde(default)]
    pub(super) earlier_seeds: BTreeSet<u64>,
    /// Counts objects and tokens; gives lists their order.
    pub(super) sequence: u64,
    /// How often something was changed.
    #[serde(default)]
    pub(super) changes: u64,
    /// How often the simulator was started on this organization.
    pub(super) starts: u64,
    /// How what is not documented behaves: what was chosen for this organization, and over that what
    /// this start was told.
    #[serde(skip)]
    pub(super) assumptions: Assumptions,
    /// What the seed and the controls chose.
    #[serde(default)]
    pub(super) chosen: Assumptions,
    /// What this start was told.
    #[serde(skip)]
    pub(super) told: Assumptions,
    /// What goes wrong on request.
    #[serde(default)]
    pub(super) faults: Vec<faults::Waiting>,
    #[serde(default)]
    pub(super) rate_limits: Vec<RateLimit>,
    pub(super) clock: Clock,
    /// Up to here the workloads' traffic is accounted for.
    pub(super) worked_until: Timestamp,
    pub(super) organization: Organization,
    /// By `user_…`.
    pub(super) users: BTreeMap<String, User>,
    /// By `wrkspc_…`.
    pub(super) workspaces: BTreeMap<String, Workspace>,
    pub(super) default_workspace: String,
    /// By `apikey_…`.
    pub(super) api_keys: BTreeMap<String, ApiKey>,
    /// The Admin API key.
    pub(super) admin_key: Concealed,
    /// By `fdis_…`.
    pub(super) issuers: Collection<Issuer>,
    /// By `svac_…`.
    pub(super) service_accounts: Collection<ServiceAccount>,
    /// By `fdrl_…`.
    pub(super) rules: Collection<Rule>,
    /// OAuth access tokens, by their text.
    pub(super) tokens: BTreeMap<Concealed, Token>,
    /// Per issuer: each `jti` that was used, and when its token ends.
    pub(super) used_jtis: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// What exchanges were tried, oldest first.
    pub(super) exchanges: Vec<ExchangeRecord>,
    /// The Activity Feed, oldest first.
    #[serde(default)]
    pub(super) activities: Vec<Activity>,
    /// Token use, by the minute in which it happened.
    pub(super) usage: BTreeMap<Timestamp, Vec<Usage>>,
    /// By name.
    pub(super) identity_providers: BTreeMap<String, IdentityProvider>,
    /// By name.
    pub(super) workloads: BTreeMap<String, Workload>,
}

/// The organization itself.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Organization {
    /// A UUID.
    pub(super) id: String,
    pub(super) name: String,
    /// Most active keys; more cannot be activated.
    pub(super) active_key_limit: Option<u64>,
}

/// A member.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) email: String,
}

/// A workspace.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Workspace {
    pub(super) sequence: u64,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) display_color: String,
    pub(super) data_residency: Value,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) external_key_id: Option<String>,
    pub(super) user_profile_id: Option<String>,
    /// Most active keys; more cannot be activated.
    pub(super) active_key_limit: Option<u64>,
    /// Explicit members: `svac_…` to role.
    pub(super) members: BTreeMap<String, Membership>,
}

/// An explicit membership of a service account in a workspace.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Membership {
    pub(super) role: String,
    pub(super) created_by: Option<String>,
}

/// A static key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ApiKey {
    pub(super) sequence: u64,
    pub(super) name: String,
    /// `active`, `inactive` or `archived`; `expired` follows from the time.
    pub(super) status: KeyStatus,
    /// Where it works; none is the whole organization.
    pub(super) workspace: Option<String>,
    pub(super) created_at: Timestamp,
    /// `user_…`.
    pub(super) created_by: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
    /// When it was last taken out of use.
    #[serde(default)]
    pub(super) stopped_at: Option<Timestamp>,
    /// `user_…` or `svac_…` that the key acts as.
    pub(super) principal: Option<String>,
    pub(super) secret: Concealed,
}

/// What was last asked of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyStatus {
    Active,
    Inactive,
    Archived,
}

/// Who made, changed and archived an object, and when.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Provenance {
    pub(super) created_at: Timestamp,
    pub(super) created_by: Option<String>,
    pub(super) updated_at: Timestamp,
    pub(super) updated_by: Option<String>,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) archived_by: Option<String>,
}

/// A federation issuer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Issuer {
    pub(super) sequence: u64,
    pub(super) name: String,
    pub(super) issuer_url: String,
    /// As the API shows it, already checked.
    pub(super) jwks: Value,
    pub(super) check_jti: bool,
    pub(super) max_jwt_lifetime_seconds: i64,
    pub(super) jwks_polling_disabled_at: Option<Timestamp>,
    pub(super) failures: u64,
    pub(super) last_fetched_at: Option<Timestamp>,
    pub(super) provenance: Provenance,
}

/// A service account.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) sequence: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// `developer` or `admin`.
    pub(super) organization_role: String,
    pub(super) provenance: Provenance,
}

/// A federation rule.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) sequence: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) issuer_id: String,
    pub(super) matching: Match,
    pub(super) service_account_id: String,
    pub(super) oauth_scope: String,
    pub(super) token_lifetime_seconds: i64,
    pub(super) applies_to_all_workspaces: bool,
    /// Explicit enablements, by workspace.
    pub(super) workspaces: BTreeMap<String, Enablement>,
    /// The binding of rules from before enablements.
    pub(super) legacy_workspace: Option<String>,
    pub(super) provenance: Provenance,
}

/// Which identity tokens pass.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) audience: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) claims: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<String>,
}

/// A rule's enablement in one workspace.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Enablement {
    pub(super) created_at: Timestamp,
    pub(super) created_by: Option<String>,
}

/// An OAuth access token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Token {
    /// `user_…` or `svac_…`.
    pub(super) actor: String,
    /// Space-separated.
    pub(super) scope: String,
    /// The workspace it is bound to.
    pub(super) workspace: Option<String>,
    /// None: a person's login, which the simulator keeps fresh.
    pub(super) expires_at: Option<Timestamp>,
}

/// One attempt at an exchange that reached the organization.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ExchangeRecord {
    pub(super) at: Timestamp,
    pub(super) federation_rule_id: String,
    pub(super) issuer_id: String,
    pub(super) service_account_id: String,
    pub(super) subject: Option<String>,
    pub(super) jti: Option<String>,
    pub(super) workspace_id: Option<String>,
    /// None: a token was minted.
    pub(super) reason: Option<String>,
}

/// One entry of the Activity Feed.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Activity {
    pub(super) id: String,
    pub(super) at: Timestamp,
    /// The feed's word, such as `platform_api_key_updated`.
    pub(super) kind: String,
    /// The id of who did it; none for whoever asked for a token.
    pub(super) by: Option<String>,
    pub(super) request_id: Option<String>,
    /// The fields that belong to the kind.
    pub(super) more: Map<String, Value>,
}

/// Token use by one caller.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) requests: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) api_key_id: Option<String>,
    pub(super) service_account_id: Option<String>,
    #[serde(default)]
    pub(super) user_id: Option<String>,
    pub(super) workspace_id: Option<String>,
    pub(super) model: String,
}

/// An identity provider of the simulated internet.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IdentityProvider {
    pub(super) issuer_url: String,
    pub(super) algorithm: String,
    /// PKCS #8, base64.
    pub(super) private_key: Concealed,
    /// The public key as a JWK with its `kid`.
    pub(super) public_key: Value,
}

/// A simulated workload.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Workload {
    pub(super) lane: String,
    pub(super) consumer: String,
    pub(super) identity_provider: String,
    pub(super) subject: String,
    pub(super) audience: String,
    pub(super) claims: Map<String, Value>,
    pub(super) token_lifetime_seconds: i64,
    pub(super) identity_token_file: String,
    pub(super) environment: Vec<String>,
    pub(super) report: String,
    pub(super) calls_per_hour: u64,
    pub(super) tokens_per_call: u64,
    pub(super) client: String,
    pub(super) paused: bool,
    pub(super) calls: u64,
    pub(super) failed_calls: u64,
    /// Why the last run could not read or write a file.
    pub(super) problem: Option<String>,
}

impl World {
    /// The next number in the order of making.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A number and a text that no other call gets.
    pub(super) fn next_id(&mut self, prefix: &str) -> String {
        let number = self.next_sequence();
        ids::numbered(self.seed, prefix, number)
    }

    /// Works out the assumptions from what was chosen and told.
    pub(super) fn assume(&mut self) {
        self.assumptions = self.chosen.clone();
        self.assumptions.take(&self.told);
    }

    /// The key for the Activity Feed alone.
    pub(super) fn compliance_key(&self) -> Concealed {
        compliance_key(self.seed)
    }

    /// Whether this is the key for the Activity Feed, of this organization or of one before it.
    pub(super) fn is_compliance_key(&self, secret: &Concealed) -> bool {
        let mut seeds = self.earlier_seeds.iter().chain([&self.seed]);
        seeds.any(|seed| compliance_key(*seed) == *secret)
    }

    /// Whether a workspace exists and is not archived.
    pub(super) fn is_live_workspace(&self, id: &str) -> bool {
        self.workspaces.get(id).is_some_and(|workspace| workspace.archived_at.is_none())
    }
}

fn compliance_key(seed: u64) -> Concealed {
    Concealed::new(ids::secret(seed, "sk-ant-api01-", "compliance"))
}

impl Provenance {
    /// A new object.
    pub(super) fn new(at: Timestamp, by: Option<&str>) -> Provenance {
        Provenance {
            created_at: at,
            created_by: by.map(str::to_owned),
            updated_at: at,
            updated_by: by.map(str::to_owned),
            archived_at: None,
            archived_by: None,
        }
    }

    /// Notes a change.
    pub(super) fn update(&mut self, at: Timestamp, by: Option<&str>) {
        self.updated_at = at;
        self.updated_by = by.map(str::to_owned);
    }

    /// Notes the archive; a repeat keeps what was noted first.
    pub(super) fn archive(&mut self, at: Timestamp, by: Option<&str>) {
        if self.archived_at.is_none() {
            self.archived_at = Some(at);
            self.archived_by = by.map(str::to_owned);
            self.update(at, by);
        }
    }

    /// Whether the object can still be used.
    pub(super) fn is_live(&self) -> bool {
        self.archived_at.is_none()
    }

    /// Adds the six fields to an object of the API.
    pub(super) fn write_to(&self, object: &mut Value) {
        object["created_at"] = Value::from(self.created_at.to_string());
        object["created_by_actor_id"] = Value::from(self.created_by.clone());
        object["updated_at"] = Value::from(self.updated_at.to_string());
        object["updated_by_actor_id"] = Value::from(self.updated_by.clone());
        object["archived_at"] = Value::from(self.archived_at.map(|at| at.to_string()));
        object["archived_by_actor_id"] = Value::from(self.archived_by.clone());
    }
}
