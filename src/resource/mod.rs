//! The remote objects: what can be asked for, and what the API says of them.
//!
//! One file per kind. The words follow the Admin API, so that a field means the same in HCL, in a
//! plan and in the vendor's documentation. Types here are the engine's own; how they look on the
//! wire is known to `platform` alone.

use std::collections::BTreeMap;

use jiff::Timestamp;

mod api_key;
mod caller;
mod federation_rule;
mod issuer;
mod jwks;
mod reporting_hour;
mod service_account;
mod workspace;

pub use api_key::{ApiKeyObject, KeyPrincipal, KeyScope, KeyStatus, fits_hint};
pub use caller::Caller;
pub use federation_rule::{Match, RuleArguments, RuleObject, RuleWorkspaces};
pub use issuer::{IssuerArguments, IssuerHealth, IssuerObject};
pub use jwks::Jwks;
pub use reporting_hour::next_hour;
pub use service_account::{OrganizationRole, ServiceAccountArguments, ServiceAccountObject};
pub use workspace::WorkspaceObject;

/// Who made, changed and archived an object, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was archived; an archived object cannot come back.
    pub archived_at: Option<Timestamp>,
    /// Who created it: a `user_…` or `svac_…` id.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Who archived it.
    pub archived_by: Option<String>,
}

/// Who the engine's credential belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The organization's UUID.
    pub id: String,
    /// Its display name.
    pub name: String,
}

/// All that the API says about the organization, read page by page. Keys of the maps are ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The organization.
    pub organization: Organization,
    /// Identity issuers, archived ones included.
    pub issuers: BTreeMap<String, IssuerObject>,
    /// Service accounts, archived ones included, with the memberships of live ones.
    pub service_accounts: BTreeMap<String, ServiceAccountObject>,
    /// Federation rules, archived ones included.
    pub rules: BTreeMap<String, RuleObject>,
    /// API keys of every status.
    pub api_keys: BTreeMap<String, ApiKeyObject>,
    /// Workspaces, the default one included where the API lists it.
    pub workspaces: BTreeMap<String, WorkspaceObject>,
    /// Objects of any kind that are there and not understood; they are in none of the maps above.
    pub unreadable: BTreeMap<String, Unreadable>,
}

impl Observed {
    /// Whether an issuer, account or rule that was there is archived or gone. What cannot be read is
    /// neither.
    pub fn is_lost(&self, id: &str) -> bool {
        let issuer = self.issuers.get(id).map(|it| &it.provenance);
        let account = self.service_accounts.get(id).map(|it| &it.provenance);
        let rule = self.rules.get(id).map(|it| &it.provenance);
        let lives = issuer.or(account).or(rule).is_some_and(|provenance| provenance.archived_at.is_none());
        !lives && !self.unreadable.contains_key(id)
    }
}

/// An object that is there and that this program does not understand, or that should be there and is
/// not shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unreadable {
    /// What people call its kind, such as `federation rule`.
    pub noun: &'static str,
    /// Its name, as far as that can be read.
    pub name: Option<String>,
    /// What is not understood.
    pub why: String,
}

impl Unreadable {
    /// Whether it may be the object of its kind that has this name.
    pub fn may_be(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|own| own == name)
    }
}
