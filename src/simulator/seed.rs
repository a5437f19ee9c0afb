//! The seed: a JSON description from which an organization is built once.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::build;
use super::concealed::Concealed;
use super::error::SimulatorError;
use super::ids;
use super::organization::World;

/// The purpose of the operator's login token.
pub(super) const OPERATOR: &str = "operator";
/// The purpose of the other person's login token.
pub(super) const PERSON: &str = "person";

const BUILT_IN: &str = include_str!("built_in.json");

/// Everything a seed can say. Fields are described in the module's documentation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    pub(super) clock: Option<ClockSeed>,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) organization: OrganizationSeed,
    #[serde(default)]
    pub(super) assumptions: super::Assumptions,
    #[serde(default)]
    pub(super) faults: Vec<super::faults::Fault>,
    #[serde(default = "super::rate_limits::documented")]
    pub(super) rate_limits: Vec<super::rate_limits::RateLimit>,
    #[serde(default)]
    pub(super) users: Vec<UserSeed>,
    #[serde(default)]
    pub(super) workspaces: Vec<WorkspaceSeed>,
    #[serde(default)]
    pub(super) api_keys: Vec<ApiKeySeed>,
    #[serde(default)]
    pub(super) identity_providers: Vec<IdentityProviderSeed>,
    #[serde(default)]
    pub(super) issuers: Vec<IssuerSeed>,
    #[serde(default)]
    pub(super) service_accounts: Vec<ServiceAccountSeed>,
    #[serde(default)]
    pub(super) rules: Vec<RuleSeed>,
    #[serde(default)]
    pub(super) files: Vec<FileSeed>,
    #[serde(default)]
    pub(super) workloads: Vec<WorkloadSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockSeed {
    pub(super) start: Timestamp,
    #[serde(default)]
    pub(super) runs: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationSeed {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) active_key_limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserSeed {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceSeed {
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) default: bool,
    pub(super) active_key_limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeySeed {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) workspace: Option<String>,
    #[serde(default = "active")]
    pub(super) status: super::organization::KeyStatus,
    pub(super) created_at: Option<Timestamp>,
    pub(super) created_by: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
    /// The account that it acts as.
    pub(super) service_account: Option<String>,
    /// The member that it acts as.
    pub(super) user: Option<String>,
    /// Whether it works in the whole organization, not in one workspace.
    #[serde(default)]
    pub(super) organization_wide: bool,
}

fn active() -> super::organization::KeyStatus {
    super::organization::KeyStatus::Active
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityProviderSeed {
    pub(super) name: String,
    pub(super) issuer_url: String,
    #[serde(default = "es256")]
    pub(super) algorithm: String,
}

fn es256() -> String {
    String::from("ES256")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSeed {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) issuer_url: String,
    pub(super) jwks: Option<Value>,
    #[serde(default = "yes")]
    pub(super) check_jti: bool,
    #[serde(default = "hour")]
    pub(super) max_jwt_lifetime_seconds: i64,
    pub(super) jwks_polling_disabled_at: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

fn hour() -> i64 {
    3600
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceAccountSeed {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) organization_role: Option<String>,
    #[serde(default)]
    pub(super) memberships: Vec<MembershipSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MembershipSeed {
    pub(super) workspace: String,
    pub(super) role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSeed {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) issuer: String,
    pub(super) service_account: String,
    #[serde(rename = "match")]
    pub(super) matching: Value,
    pub(super) oauth_scope: String,
    #[serde(default = "hour")]
    pub(super) token_lifetime_seconds: i64,
    #[serde(default)]
    pub(super) workspaces: Vec<String>,
    #[serde(default)]
    pub(super) applies_to_all_workspaces: bool,
    pub(super) legacy_workspace: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSeed {
    pub(super) path: String,
    pub(super) text: Option<String>,
    pub(super) template: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadSeed {
    pub(super) name: String,
    pub(super) lane: String,
    pub(super) consumer: String,
    pub(super) identity_provider: String,
    pub(super) subject: String,
    pub(super) audience: Option<String>,
    #[serde(default)]
    pub(super) claims: Map<String, Value>,
    #[serde(default = "five_minutes")]
    pub(super) token_lifetime_seconds: i64,
    pub(super) identity_token_file: String,
    pub(super) environment: Vec<String>,
    pub(super) report: String,
    #[serde(default = "one")]
    pub(super) calls_per_hour: u64,
    #[serde(default = "thousand")]
    pub(super) tokens_per_call: u64,
    #[serde(default = "client")]
    pub(super) client: String,
}

fn five_minutes() -> i64 {
    300
}

fn one() -> u64 {
    1
}

fn thousand() -> u64 {
    1000
}

fn client() -> String {
    String::from("python 2.12.0")
}

/// An organization and the files that belong to it, by path.
pub(super) struct Built {
    pub(super) world: World,
    pub(super) files: Vec<FileText>,
}

/// A file to lay out.
pub(super) struct FileText {
    pub(super) path: String,
    pub(super) text: String,
    /// Whether it holds a key.
    pub(super) private: bool,
}

/// Builds the organization of a seed. `template` reads a file that the seed names.
pub(super) fn build(
    file: &str,
    text: &str,
    template: impl Fn(&str) -> Result<String, String>,
    real: Timestamp,
) -> Result<Built, SimulatorError> {
    let wrong = |problem: String| SimulatorError::Seed { file: file.to_owned(), problem };
    let seed: Seed = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let mut problems = Vec::new();
    let world = build::world(&seed, &mut problems, real);
    let files = texts(&seed, &world, template, &mut problems);
    if problems.is_empty() { Ok(Built { world, files }) } else { Err(wrong(problems.join("; "))) }
}

/// The organization that is there when no seed is given.
pub(super) fn built_in(real: Timestamp) -> Result<Built, SimulatorError> {
    build("the built-in organization", BUILT_IN, |_| Err(String::from("it has no templates")), real)
}

/// A login token of a member.
pub(super) fn login_token(seed: u64, purpose: &str) -> Concealed {
    Concealed::new(ids::secret(seed, "sk-ant-oat01-", purpose))
}

fn texts(
    seed: &Seed,
    world: &World,
    template: impl Fn(&str) -> Result<String, String>,
    problems: &mut Vec<String>,
) -> Vec<FileText> {
    let mut texts = Vec::new();
    for (at, file) in seed.files.iter().enumerate() {
        let text = match (&file.text, &file.template) {
            (Some(text), None) => Ok(text.clone()),
            (None, Some(path)) => template(path).map_err(|error| format!("template {path}: {error}")),
            _ => Err(String::from("give either text or template")),
        };
        match text.and_then(|text| fill(world, &text)) {
            Ok(text) => {
                let private = text.contains("sk-ant-");
                texts.push(FileText { path: file.path.clone(), text, private });
            }
            Err(problem) => problems.push(format!("files[{at}]: {problem}")),
        }
    }
    texts
}

/// Replaces every `{{…}}` in a template.
fn fill(world: &World, template: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("a {{ has no }}")?;
        text.push_str(before);
        text.push_str(&value_of(world, name.trim())?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn value_of(world: &World, name: &str) -> Result<String, String> {
    // An object that is not there yet has an id already: the one it gets when it is created.
    let id = |found: Option<&String>, prefix: &str, name: &str| {
        found.cloned().unwrap_or_else(|| ids::object(world.seed, prefix, name, 0))
    };
    match name.split_once(':') {
        None if name == "organization_id" => Ok(world.organization.id.clone()),
        Some(("key", key)) => world
            .api_keys
            .get(key)
            .map(|key| key.secret.expose().to_owned())
            .ok_or_else(|| format!("there is no API key {key}")),
        Some(("rule", name)) => Ok(id(world.rules.named(name).next().map(|(id, _)| id), "fdrl", name)),
        Some(("service_account", name)) => {
            Ok(id(world.service_accounts.named(name).next().map(|(id, _)| id), "svac", name))
        }
        Some(("workspace", name)) => {
            let found = world.workspaces.iter().find(|(_, workspace)| workspace.name == name);
            Ok(id(found.map(|(id, _)| id), "wrkspc", name))
        }
        _ => Err(format!(
            "{{{{{name}}}}} is not one of key:ID, rule:NAME, service_account:NAME, workspace:NAME, organization_id"
        )),
    }
}
