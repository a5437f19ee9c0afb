//! The variables that say which credential to use, as plain data.

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";
pub(super) const API_KEY: &str = "ANTHROPIC_API_KEY";
pub(super) const ADMIN_API_KEY: &str = "ANTHROPIC_ADMIN_API_KEY";
pub(super) const ANALYTICS_API_KEY: &str = "ANTHROPIC_ANALYTICS_API_KEY";
pub(super) const COMPLIANCE_ACCESS_KEY: &str = "ANTHROPIC_COMPLIANCE_ACCESS_KEY";
pub(super) const PROFILE: &str = "ANTHROPIC_PROFILE";
pub(super) const CONFIG_DIR: &str = "ANTHROPIC_CONFIG_DIR";
pub(super) const RULE_ID: &str = "ANTHROPIC_FEDERATION_RULE_ID";
pub(super) const ORGANIZATION_ID: &str = "ANTHROPIC_ORGANIZATION_ID";
pub(super) const SERVICE_ACCOUNT_ID: &str = "ANTHROPIC_SERVICE_ACCOUNT_ID";
pub(super) const WORKSPACE_ID: &str = "ANTHROPIC_WORKSPACE_ID";
pub(super) const TOKEN_FILE: &str = "ANTHROPIC_IDENTITY_TOKEN_FILE";
pub(super) const TOKEN: &str = "ANTHROPIC_IDENTITY_TOKEN";
pub(super) const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// Which credential keyless has. Programs that it starts get none of it: they are others'.
pub(crate) const CREDENTIAL_VARIABLES: [&str; 13] = [
    AUTH_TOKEN,
    API_KEY,
    ADMIN_API_KEY,
    ANALYTICS_API_KEY,
    COMPLIANCE_ACCESS_KEY,
    PROFILE,
    CONFIG_DIR,
    RULE_ID,
    ORGANIZATION_ID,
    SERVICE_ACCOUNT_ID,
    WORKSPACE_ID,
    TOKEN_FILE,
    TOKEN,
];

const PLACES: [&str; 4] = [BASE_URL, "XDG_CONFIG_HOME", "HOME", "APPDATA"];

/// The variables of a process that the choice depends on. It cannot be printed.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<&'static str, String>,
}

impl Environment {
    /// Takes the variables of this process.
    pub fn from_process() -> Environment {
        Environment::of(|name| std::env::var(name).ok())
    }

    /// Takes variables from a function that gives the value of a name.
    pub fn of(lookup: impl Fn(&str) -> Option<String>) -> Environment {
        let read = CREDENTIAL_VARIABLES.into_iter().chain(PLACES);
        let variables = read.filter_map(|name| Some((name, lookup(name)?))).collect();
        Environment { variables }
    }

    /// The value without white space around it; none when it is not set or blank. The vendor's
    /// current clients take a blank variable for one that is not set.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Why a variable gives nothing: `is not set` or `is set but blank`.
    pub(super) fn lack(&self, name: &str) -> &'static str {
        if self.variables.contains_key(name) { "is set but blank" } else { "is not set" }
    }

    /// Where profiles are; none when not even a home directory is known.
    pub(super) fn profile_directory(&self) -> Option<PathBuf> {
        if let Some(directory) = self.given(CONFIG_DIR) {
            return Some(PathBuf::from(directory));
        }
        if cfg!(windows) {
            return self.given("APPDATA").map(|directory| PathBuf::from(directory).join("Anthropic"));
        }
        let configuration = match self.given("XDG_CONFIG_HOME") {
            Some(directory) => PathBuf::from(directory),
            None => PathBuf::from(self.given("HOME")?).join(".config"),
        };
        Some(configuration.join("anthropic"))
    }
}
