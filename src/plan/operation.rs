//! The operations that steps carry out, as plain data.
//!
//! References to things that may not exist yet are addresses; their ids are looked up in the
//! state when the step runs, so that a plan reads the same before and after a create.

use keyless_state::{Address, ConsumerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resource::{IssuerArguments, RuleArguments, ServiceAccountArguments};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// Takes an existing equal object under our care; calls nothing.
    Adopt {
        /// The declared thing.
        address: Address,
        /// The object's id.
        id: String,
        /// What it depends on.
        depends_on: Vec<Address>,
    },
    /// Forgets a record or a lane; the remote object stays.
    Forget {
        /// The declared thing.
        address: Address,
    },
    /// Creates an issuer.
    CreateIssuer {
        /// The provider.
        address: Address,
        /// What is asked.
        arguments: IssuerArguments,
    },
    /// Changes an issuer in place.
    UpdateIssuer {
        /// The provider.
        address: Address,
        /// What is asked.
        arguments: IssuerArguments,
    },
    /// Creates a service account.
    CreateServiceAccount {
        /// The service account.
        address: Address,
        /// What is asked.
        arguments: ServiceAccountArguments,
    },
    /// Changes a service account in place; a field that stays is none.
    UpdateServiceAccount {
        /// The service account.
        address: Address,
        /// The new description.
        description: Option<String>,
        /// The new role.
        organization_role: Option<String>,
    },
    /// Gives a service account a role in a workspace.
    SetMembership {
        /// The service account.
        address: Address,
        /// The workspace.
        workspace_id: String,
        /// The role.
        role: String,
    },
    /// Takes a service account out of a workspace.
    RemoveMembership {
        /// The service account.
        address: Address,
        /// The workspace.
        workspace_id: String,
    },
    /// Creates a rule; ids in the arguments are filled in when the step runs.
    CreateRule {
        /// The rule.
        address: Address,
        /// Its issuer.
        provider: Address,
        /// Its target.
        service_account: Address,
        /// What is asked.
        arguments: RuleArguments,
    },
    /// Changes a rule in place, its workspaces apart.
    UpdateRule {
        /// The rule.
        address: Address,
        /// Its issuer.
        provider: Address,
        /// Its target; none for an account that is not ours, whose id is in the arguments.
        service_account: Option<Address>,
        /// What is asked.
        arguments: RuleArguments,
        /// The flag for all workspaces, if it changes.
        applies_to_all_workspaces: Option<bool>,
    },
    /// Enables a rule in a workspace.
    EnableWorkspace {
        /// The rule.
        address: Address,
        /// The workspace.
        workspace_id: String,
    },
    /// Disables a rule in a workspace.
    DisableWorkspace {
        /// The rule.
        address: Address,
        /// The workspace.
        workspace_id: String,
    },
    /// Archives an issuer, account or rule.
    Archive {
        /// The declared thing.
        address: Address,
    },
    /// Writes the federation settings into a consumer, beside the key.
    Configure {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
    },
    /// Takes our federation settings out of a consumer.
    Unconfigure {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
    },
    /// Proves that a rule works: fetches the issuer's keys and makes a trial exchange.
    Verify {
        /// The rule.
        address: Address,
    },
    /// Takes the key out of a consumer.
    Remove {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
    },
    /// Takes the line of a dead key out of a consumer again.
    TakeDeadKeyOut {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
        /// The key, which may be another one than the lane's.
        id: String,
    },
    /// Puts the key back into a consumer.
    Restore {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
        /// What the driver noted when it took the key out.
        receipt: Option<Value>,
    },
    /// Waits until federation is shown to have taken over; changes nothing.
    Confirm {
        /// The lane.
        address: Address,
    },
    /// Sets the key inactive.
    Disable {
        /// The lane.
        address: Address,
        /// The key.
        id: String,
    },
    /// Sets the key active again.
    Enable {
        /// The lane.
        address: Address,
        /// The key.
        id: String,
    },
    /// Takes what is parked of a dead key out of a file for good.
    ForgetParked {
        /// The lane.
        address: Address,
        /// The consumer.
        consumer: ConsumerId,
    },
    /// Archives the key, which is final.
    ArchiveKey {
        /// The lane.
        address: Address,
        /// The key.
        id: String,
    },
}

/// What an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationTarget<'a> {
    /// The declared thing.
    pub address: &'a Address,
    /// The part of it, such as a workspace or a consumer; empty for the whole.
    pub part: String,
}

impl Operation {
    /// The declared thing that the operation is about.
    pub fn address(&self) -> &Address {
        use Operation::*;
        match self {
            Adopt { address, .. }
            | Forget { address }
            | CreateIssuer { address, .. }
            | UpdateIssuer { address, .. }
            | CreateServiceAccount { address, .. }
            | UpdateServiceAccount { address, .. }
            | SetMembership { address, .. }
            | RemoveMembership { address, .. }
            | CreateRule { address, .. }
            | UpdateRule { address, .. }
            | EnableWorkspace { address, .. }
            | DisableWorkspace { address, .. }
            | Archive { address }
            | Configure { address, .. }
            | Unconfigure { address, .. }
            | Verify { address }
            | Remove { address, .. }
            | TakeDeadKeyOut { address, .. }
            | Restore { address, .. }
            | Confirm { address }
            | Disable { address, .. }
            | Enable { address, .. }
            | ForgetParked { address, .. }
            | ArchiveKey { address, .. } => address,
        }
    }

    /// What the operation is about, with the part of it.
    pub fn target(&self) -> OperationTarget<'_> {
        use Operation::*;
        let part = match self {
            SetMembership { workspace_id, .. }
            | RemoveMembership { workspace_id, .. }
            | EnableWorkspace { workspace_id, .. }
            | DisableWorkspace { workspace_id, .. } => workspace_id.clone(),
            Configure { consumer, .. }
            | Unconfigure { consumer, .. }
            | Remove { consumer, .. }
            | TakeDeadKeyOut { consumer, .. }
            | ForgetParked { consumer, .. }
            | Restore { consumer, .. } => consumer.to_string(),
            _ => String::new(),
        };
        OperationTarget { address: self.address(), part }
    }

    /// The operation's word, as used in step ids.
    pub fn word(&self) -> &'static str {
        use Operation::*;
        match self {
            Adopt { .. } => "adopt",
            Forget { .. } => "forget",
            CreateIssuer { .. } | CreateServiceAccount { .. } | CreateRule { .. } => "create",
            UpdateIssuer { .. } | UpdateServiceAccount { .. } | UpdateRule { .. } => "update",
            SetMembership { .. } => "set-membership",
            RemoveMembership { .. } => "remove-membership",
            EnableWorkspace { .. } => "enable-workspace",
            DisableWorkspace { .. } => "disable-workspace",
            Archive { .. } => "archive",
            Configure { .. } => "configure",
            Unconfigure { .. } => "unconfigure",
            Verify { .. } => "verify",
            Remove { .. } => "remove",
            TakeDeadKeyOut { .. } => "take-out",
            Restore { .. } => "restore",
            Confirm { .. } => "confirm",
            Disable { .. } => "disable",
            Enable { .. } => "enable",
            ForgetParked { .. } => "forget-parked",
            ArchiveKey { .. } => "archive",
        }
    }

    /// What is done, as a short sentence part such as `take the key out of dotenv.laptop`.
    pub fn describe(&self) -> String {
        use Operation::*;
        match self {
            Adopt { id, .. } => format!("take {id} under care; it exists and is equal"),
            Forget { .. } => "forget it; the remote object stays as it is".to_owned(),
            CreateIssuer { .. } => "create the issuer".to_owned(),
            CreateServiceAccount { .. } => "create the service account".to_owned(),
            CreateRule { .. } => "create the rule".to_owned(),
            UpdateIssuer { .. } | UpdateServiceAccount { .. } | UpdateRule { .. } => {
                "change it in place".to_owned()
            }
            SetMembership { workspace_id, role, .. } => format!("make it {role} of {workspace_id}"),
            RemoveMembership { workspace_id, .. } => format!("take it out of {workspace_id}"),
            EnableWorkspace { workspace_id, .. } => format!("enable it in {workspace_id}"),
            DisableWorkspace { workspace_id, .. } => format!("disable it in {workspace_id}"),
            Archive { .. } => "archive it".to_owned(),
            Configure { consumer, .. } => format!("write the federation settings into {consumer}"),
            Unconfigure { consumer, .. } => format!("take the federation settings out of {consumer}"),
            Verify { .. } => "fetch the issuer's keys and make a trial exchange".to_owned(),
            Remove { consumer, .. } => format!("take the key out of {consumer}"),
            TakeDeadKeyOut { consumer, id, .. } => {
                format!("take the line of the dead key {id} out of {consumer} again")
            }
            Restore { consumer, .. } => format!("put the key back into {consumer}"),
            Confirm { .. } => "wait until federation is shown to have taken over".to_owned(),
            Disable { id, .. } => format!("set {id} inactive"),
            Enable { id, .. } => format!("set {id} active"),
            ForgetParked { consumer, .. } => format!("delete the parked key from {consumer}"),
            ArchiveKey { id, .. } => format!("archive {id}"),
        }
    }
}
