//! A federation rule: which identity tokens may become a service account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Provenance;

/// What can be asked of a rule; references are ids of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleArguments {
    /// Unique name, `^[a-z0-9-]+$`, 1 to 255 characters.
    pub name: String,
    /// At most 2000 characters; empty and absent are the same.
    pub description: String,
    /// `fdis_…`; it can never be changed.
    pub issuer_id: String,
    /// Which tokens pass; always replaced as a whole.
    pub matching: Match,
    /// `svac_…`.
    pub service_account_id: String,
    /// Space-separated scopes.
    pub oauth_scope: String,
    /// Life of a minted token, in seconds, 60 to 86400. The API's default is 3600.
    pub token_lifetime_seconds: i64,
    /// Where minted tokens work.
    pub workspaces: RuleWorkspaces,
}

/// Which tokens pass. Every given field must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Against `sub`: exact, or a prefix when it ends in `*`.
    pub subject_prefix: Option<String>,
    /// One element of `aud` must equal it.
    pub audience: Option<String>,
    /// Top-level string claims that must be equal.
    pub claims: BTreeMap<String, String>,
    /// A CEL condition over the variable `claims`.
    pub condition: Option<String>,
}

/// Where minted tokens work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleWorkspaces {
    /// In every workspace, those made later included.
    All,
    /// In these workspaces.
    These(BTreeSet<String>),
}

/// A rule as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleObject {
    /// `fdrl_…`.
    pub id: String,
    /// What was asked.
    pub arguments: RuleArguments,
    /// What the target is; anything but `service_account` is read-only to us.
    pub target_type: String,
    /// Who and when.
    pub provenance: Provenance,
}
