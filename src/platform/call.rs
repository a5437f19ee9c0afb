//! The changes that the engine makes, as plain data with every id resolved.

use jiff::Timestamp;

use crate::limits;
use crate::resource::{
    ApiKeyObject, IssuerArguments, IssuerObject, KeyStatus, Provenance, RuleArguments, RuleObject,
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

    /// Ids of objects that the body refers to.
    pub fn references(&self) -> Vec<&str> {
        match self {
            Call::CreateRule(arguments) => vec![&arguments.issuer_id, &arguments.service_account_id],
            Call::UpdateRule { arguments, .. } => vec![&arguments.service_account_id],
            Call::SetMembership { workspace_id, .. } | Call::EnableWorkspace { workspace_id, .. } => {
                vec![workspace_id]
            }
            _ => Vec::new(),
        }
    }

    /// Ids of all objects that this is about.
    pub fn ids(&self) -> Vec<&str> {
        let own = match self {
            Call::CreateIssuer(_) | Call::CreateServiceAccount(_) | Call::CreateRule(_) => None,
            Call::UpdateIssuer { id, .. }
            | Call::ArchiveIssuer { id }
            | Call::UpdateServiceAccount { id, .. }
            | Call::ArchiveServiceAccount { id }
            | Call::UpdateRule { id, .. }
            | Call::ArchiveRule { id }
            | Call::SetKeyStatus { id, .. } => Some(id),
            Call::SetMembership { service_account_id, .. }
            | Call::RemoveMembership { service_account_id, .. } => Some(service_account_id),
            Call::EnableWorkspace { rule_id, .. } | Call::DisableWorkspace { rule_id, .. } => Some(rule_id),
        };
        own.map(String::as_str).into_iter().chain(self.references()).collect()
    }

    /// The unique name that a create asks for; none for what creates nothing.
    pub fn name(&self) -> Option<&str> {
        match self {
            Call::CreateIssuer(asked) => Some(&asked.name),
            Call::CreateServiceAccount(asked) => Some(&asked.name),
            Call::CreateRule(asked) => Some(&asked.name),
            _ => None,
        }
    }

    /// Tells whether an object is live and bears the unique name that this create asked for.
    pub fn names(&self, object: &Answer) -> bool {
        let names = match (self, object) {
            (Call::CreateIssuer(asked), Answer::Issuer(found)) => asked.name == found.arguments.name,
            (Call::CreateServiceAccount(asked), Answer::ServiceAccount(found)) => {
                asked.name == found.arguments.name
            }
            (Call::CreateRule(asked), Answer::Rule(found)) => asked.name == found.arguments.name,
            _ => false,
        };
        names && object.provenance().is_some_and(|provenance| provenance.archived_at.is_none())
    }

    /// Tells whether this create, announced at `since`, made an object: one that has its arguments
    /// and was not there before.
    ///
    /// What follows as calls of their own is left out: the memberships of an account, and the
    /// workspaces of a rule but the first.
    pub fn made(&self, object: &Answer, since: Timestamp) -> bool {
        let equal = match (self, object) {
            (Call::CreateIssuer(asked), Answer::Issuer(found)) => found.arguments.is_equivalent(asked),
            (Call::CreateServiceAccount(asked), Answer::ServiceAccount(found)) => found.arguments == *asked,
            (Call::CreateRule(asked), Answer::Rule(found)) => {
                let workspaces = asked.workspaces.clone();
                RuleArguments { workspaces, ..found.arguments.clone() } == *asked
            }
            _ => false,
        };
        let created_at = object.provenance().and_then(|provenance| provenance.created_at);
        let earliest = since.saturating_sub(limits::CREATED_EARLIER_MAX).unwrap_or(Timestamp::MIN);
        equal && self.names(object) && created_at.is_some_and(|at| at >= earliest)
    }
}

impl Answer {
    /// The object's id; none for what has no object.
    pub fn id(&self) -> Option<&str> {
        match self {
            Answer::Issuer(object) => Some(&object.id),
            Answer::ServiceAccount(object) => Some(&object.id),
            Answer::Rule(object) => Some(&object.id),
            Answer::ApiKey(object) => Some(&object.id),
            Answer::Linked => None,
        }
    }

    /// Who made the object and when; none for what has no such record.
    fn provenance(&self) -> Option<&Provenance> {
        match self {
            Answer::Issuer(object) => Some(&object.provenance),
            Answer::ServiceAccount(object) => Some(&object.provenance),
            Answer::Rule(object) => Some(&object.provenance),
            Answer::ApiKey(_) | Answer::Linked => None,
        }
    }
}
