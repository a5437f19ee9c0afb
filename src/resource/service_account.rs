//! A service account: who a workload becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Provenance;

/// What can be asked of a service account, apart from its memberships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountArguments {
    /// Unique name; it can never be changed.
    pub name: String,
    /// At most 2000 characters; empty and absent are the same.
    pub description: String,
    /// Role in the organization. The API's default is `developer`.
    pub organization_role: OrganizationRole,
}

/// A service account's role in the organization. Unknown roles of a newer API are kept as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// The default.
    Developer,
    /// May be given by a person only.
    Admin,
    /// A role this program does not know.
    Other(String),
}

impl OrganizationRole {
    /// The API's word.
    pub fn word(&self) -> &str {
        match self {
            OrganizationRole::Developer => "developer",
            OrganizationRole::Admin => "admin",
            OrganizationRole::Other(word) => word,
        }
    }

    /// Reads the API's word.
    pub fn from_word(word: &str) -> OrganizationRole {
        match word {
            "developer" => OrganizationRole::Developer,
            "admin" => OrganizationRole::Admin,
            other => OrganizationRole::Other(other.to_owned()),
        }
    }
}

/// A service account as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountObject {
    /// `svac_…`.
    pub id: String,
    /// What was asked.
    pub arguments: ServiceAccountArguments,
    /// Explicit memberships: workspace id to role. The implicit membership of the default
    /// workspace is not in here.
    pub memberships: BTreeMap<String, String>,
    /// Who and when.
    pub provenance: Provenance,
}
