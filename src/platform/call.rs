//! The changes that the engine makes, as plain data with every id resolved.

use crate::resource::{
    ApiKeyObject, IssuerArguments, IssuerObject, KeyStatus, RuleArguments, RuleObject,
    ServiceAccountArguments, ServiceAccountObject,
};

/// One change at the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Creates an issuer.
    CreateIssuer(IssuerArguments),
    /// Replaces all mutable fields of an issuer.
    UpdateIssuer {
        /// `fdis_…`.
        id: String,
        /// All fields.
        arguments: IssuerArguments,
    },
    /// Archives an issuer; safe to repeat.
    ArchiveIssuer {
        /// `fdis_…`.
        id: String,
    },
    /// Creates a service account.
    CreateServiceAccount(ServiceAccountArguments),
    /// Changes the given fields of a service account. The role is sent only when it changes,
    /// because repeating `admin` needs a person's credential.
    UpdateServiceAccount {
        /// `svac_…`.
        id: String,
        /// New description, if it changes.
        description: Option<String>,
        /// New role, if it changes.
        organization_role: Option<String>,
    },
    /// Archives a service account; safe to repeat.
    ArchiveServiceAccount {
        /// `svac_…`.
        id: String,
    },
    /// Gives a service account a role in a workspace, replacing any other; safe to repeat.
    SetMembership {
        /// `svac_…`.
        service_account_id: String,
        /// `wrkspc_…`.
        workspace_id: String,
        /// `workspace_…` role.
        role: String,
    },
    /// Takes a service account out of a workspace; safe to repeat.
    RemoveMembership {
        /// `svac_…`.
        service_account_id: String,
        /// `wrkspc_…`.
        workspace_id: String,
    },
    /// Creates a rule, enabled in the first of its workspaces or in all; the others follow as
    /// [`Call::EnableWorkspace`].
    CreateRule(RuleArguments),
    /// Replaces the mutable fields of a rule but its workspaces; the whole match is always sent,
    /// because the API checks the tenant pin anew on every update. The flag for all workspaces is
    /// sent when `applies_to_all_workspaces` is given.
    UpdateRule {
        /// `fdrl_…`.
        id: String,
        /// All fields; `workspaces` is not sent.
        arguments: RuleArguments,
        /// The flag, if it changes.
        applies_to_all_workspaces: Option<bool>,
    },
    /// Archives a rule: exchanges stop at once; safe to repeat.
    ArchiveRule {
        /// `fdrl_…`.
        id: String,
    },
    /// Enables a rule in one more workspace; safe to repeat.
    EnableWorkspace {
        /// `fdrl_…`.
        rule_id: String,
        /// `wrkspc_…`.
        workspace_id: String,
    },
    /// Disables a rule in a workspace; safe to repeat.
    DisableWorkspace {
        /// `fdrl_…`.
        rule_id: String,
        /// `wrkspc_…`.
        workspace_id: String,
    },
    /// Sets the status of a key; safe to repeat.
    SetKeyStatus {
        /// `apikey_…`.
        id: String,
        /// `active`, `inactive` or `archived`.
        status: KeyStatus,
    },
}

/// What the API shows after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An issuer.
    Issuer(IssuerObject),
    /// A service account; memberships are not part of the answer and are empty.
    ServiceAccount(ServiceAccountObject),
    /// A rule.
    Rule(RuleObject),
    /// A key.
    ApiKey(ApiKeyObject),
    /// A link was added or removed; it has nothing to show.
    Linked,
}

impl Call {
    /// Tells whether this creates something, so that sending it twice could make two.
    pub fn creates(&self) -> bool {
        matches!(self, Call::CreateIssuer(_) | Call::CreateServiceAccount(_) | Call::CreateRule(_))
    }

    /// Tells whether an object is live and bears the unique name that this create asked for.
    pub fn names(&self, object: &Answer) -> bool {
        let (asked, found, provenance) = match (self, object) {
            (Call::CreateIssuer(asked), Answer::Issuer(found)) => {
                (&asked.name, &found.arguments.name, &found.provenance)
            }
            (Call::CreateServiceAccount(asked), Answer::ServiceAccount(found)) => {
                (&asked.name, &found.arguments.name, &found.provenance)
            }
            (Call::CreateRule(asked), Answer::Rule(found)) => {
                (&asked.name, &found.arguments.name, &found.provenance)
            }
            _ => return false,
        };
        asked == found && provenance.archived_at.is_none()
    }

    /// Tells whether an object is what this create asked for. The workspaces of a rule are left
    /// out: it begins in the first of them, and the others follow.
    pub fn made(&self, object: &Answer) -> bool {
        let equal = match (self, object) {
            (Call::CreateIssuer(asked), Answer::Issuer(found)) => found.arguments == *asked,
            (Call::CreateServiceAccount(asked), Answer::ServiceAccount(found)) => found.arguments == *asked,
            (Call::CreateRule(asked), Answer::Rule(found)) => {
                let workspaces = asked.workspaces.clone();
                RuleArguments { workspaces, ..found.arguments.clone() } == *asked
            }
            _ => false,
        };
        equal && self.names(object)
    }
}
