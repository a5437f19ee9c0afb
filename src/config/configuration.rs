//! The checked configuration: what the files ask for, free of syntax.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use keyless_state::{Address, ConsumerId};
use serde_json::Value;

use super::consumer_driver::ConsumerDriver;
use super::written::Written;
use crate::diagnostic::Location;
#[cfg(doc)]
use crate::limits;
use crate::resource::{Jwks, Match, OrganizationRole};

/// What the files ask for. Every reference in it leads somewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// The `keyless` block.
    pub settings: Settings,
    /// Identity providers.
    pub providers: BTreeMap<Address, Provider>,
    /// Service accounts.
    pub service_accounts: BTreeMap<Address, ServiceAccount>,
    /// Federation rules.
    pub federation_rules: BTreeMap<Address, FederationRule>,
    /// Keys to retire, one lane each.
    pub api_keys: BTreeMap<Address, ApiKey>,
    /// Workspaces to look up.
    pub workspaces: BTreeMap<Address, WorkspaceLookup>,
    /// Outputs, as far as their values are known.
    pub outputs: BTreeMap<String, Output>,
    /// What the files say, for readers of a plan; nothing is decided by it.
    pub written: Written,
}

/// The `keyless` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The organization that the plan is for; apply refuses another one.
    pub organization_id: Option<String>,
    /// Which API to talk to.
    pub platform: PlatformSettings,
    /// How patient to be with it.
    pub patience: Patience,
    /// Where the state is kept.
    pub backend: BackendSettings,
}

/// How patient to be with an API; none stands for the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// Time for a whole call, within [`limits::CALL_TIMEOUT_GIVEN`].
    pub call_timeout: Option<Duration>,
    /// Wait before a call is made again for the first time, within [`limits::RETRY_WAIT_GIVEN`].
    pub retry_wait: Option<Duration>,
}

/// Which API to talk to.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PlatformSettings {
    /// The Claude Platform.
    #[default]
    Claude,
    /// The embedded simulator.
    Simulator(SimulatorSettings),
}

/// The `platform "simulator"` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimulatorSettings {
    /// A JSON file, relative to the configuration directory, with the organization to start from.
    pub organization: Option<PathBuf>,
    /// Whether a wait for evidence advances the simulated clock instead.
    pub skip_waits: bool,
}

/// Where the state is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BackendSettings {
    /// Under a directory beside the configuration; `.keyless` unless `path` says otherwise.
    #[default]
    Local,
    /// The same with a path of the user's, relative to the configuration directory.
    LocalPath(PathBuf),
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Where it is declared.
    pub location: Location,
    /// Name of the issuer at the API.
    pub name: String,
    /// The exact `iss` of its tokens.
    pub issuer_url: String,
    /// Where its keys come from.
    pub jwks: Jwks,
    /// Whether a token with a `jti` may be used once only.
    pub check_jti: bool,
    /// Longest permitted `exp - iat`, in seconds.
    pub max_jwt_lifetime_seconds: i64,
}

/// A workspace as a configuration refers to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkspaceRef {
    /// A `data.workspace` block.
    Data(Address),
    /// A literal `wrkspc_…` id.
    Id(String),
}

/// A service account.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAccount {
    /// Where it is declared.
    pub location: Location,
    /// Name at the API.
    pub name: String,
    /// Whether the block gives the name. Where it does not, an account that is there keeps its own,
    /// which the API never changes.
    pub is_named: bool,
    /// Description; empty when absent.
    pub description: String,
    /// Role in the organization.
    pub organization_role: OrganizationRole,
    /// Workspace roles.
    pub memberships: BTreeMap<WorkspaceRef, String>,
}

/// A federation rule.
#[derive(Clone, Debug, PartialEq)]
pub struct FederationRule {
    /// Where it is declared.
    pub location: Location,
    /// Name at the API.
    pub name: String,
    /// Description; empty when absent.
    pub description: String,
    /// The identity provider.
    pub provider: Address,
    /// The target.
    pub service_account: Address,
    /// Where minted tokens work.
    pub workspaces: WorkspaceChoice,
    /// Space-separated scopes.
    pub oauth_scope: String,
    /// Life of a minted token, in seconds.
    pub token_lifetime_seconds: i64,
    /// Which tokens pass, compiled from the typed `match` block.
    pub matching: Match,
    /// Where an identity token for a trial exchange is to be had.
    pub identity_token: Option<IdentityTokenSource>,
}

/// Where minted tokens work.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkspaceChoice {
    /// In every workspace.
    All,
    /// In these; never empty. Order of declaration is not kept.
    These(BTreeSet<WorkspaceRef>),
}

/// Where an identity token for a trial exchange is to be had. The token is held in memory only.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityTokenSource {
    /// A file, read anew for every exchange; relative to the configuration directory.
    File(PathBuf),
    /// A command whose standard output is the token.
    Command(Vec<String>),
}

/// A key to retire.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Where it is declared.
    pub location: Location,
    /// `apikey_…`.
    pub id: String,
    /// The rules that replace it; never empty.
    pub replaced_by: BTreeSet<Address>,
    /// How long the key must be silent after its removal.
    pub quiet_period: SignedDuration,
    /// How long the key must have been inactive before it may be archived; none: never archive.
    pub archive_after: Option<SignedDuration>,
    /// Where the key is used; never empty.
    pub consumers: BTreeMap<ConsumerId, Consumer>,
}

/// A place where a key is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    /// Where it is declared.
    pub location: Location,
    /// Which rule its workload federates through; one of the lane's `replaced_by`.
    pub rule: Address,
    /// The workspace in which its workload is to work; without it the one in which its key works.
    pub workspace: Option<WorkspaceRef>,
    /// A file in which the workload's credential report appears; relative to the configuration
    /// directory.
    pub report: Option<PathBuf>,
    /// How the place is looked into and changed.
    pub driver: ConsumerDriver,
}

/// A workspace to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceLookup {
    /// Where it is declared.
    pub location: Location,
    /// By what.
    pub by: WorkspaceKey,
}

/// How a workspace is found.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkspaceKey {
    /// By display name; `Default` is the organization's default workspace.
    Name(String),
    /// By id.
    Id(String),
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The value; none while it is not known. Never given for a sensitive output.
    pub value: Option<Value>,
    /// Whether it is withheld.
    pub sensitive: bool,
    /// Description; empty when absent.
    pub description: String,
}
