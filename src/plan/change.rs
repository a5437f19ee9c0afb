//! What a plan would do to one declared thing, and what others did to it.

use jiff::Timestamp;
use keyless_state::Address;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;

/// What a plan would do to one declared thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The declared thing.
    pub address: Address,
    /// What is to be done.
    pub action: Action,
    /// Why, for people and programs; apply never branches on it.
    pub reason: Reason,
    /// The attributes before; for a create, those of the object that it succeeds.
    pub before: Option<Attributes>,
    /// The attributes after; none for an archive.
    pub after: Option<Attributes>,
    /// Names of attributes known only after apply.
    pub unknown: Vec<String>,
}

/// What is to be done with one declared thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is created.
    Create,
    /// It exists and is equal: it is taken under our care.
    Adopt,
    /// It is changed in place.
    Update,
    /// It is archived, which is final.
    Archive,
    /// It is forgotten; the remote object stays as it is.
    Forget,
}

/// Why something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing is to be done.
    Equal,
    /// It is declared and not recorded.
    Declared,
    /// It is declared, and what is recorded for it stays beside it until its workloads have moved.
    Succeeds,
    /// A declared attribute differs.
    Changed,
    /// It is recorded and no longer declared.
    NotDeclared,
    /// The whole configuration is destroyed.
    Destroy,
    /// A checkpoint is returned to.
    Rollback,
    /// The key's lane has come to its revoke stage.
    Lane,
}

/// What somebody else did to a recorded object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The declared thing.
    pub address: Address,
    /// What happened, in words: `changed`, `archived` or `gone`.
    pub what: String,
    /// As recorded.
    pub before: Attributes,
    /// As the API says now; none when it is archived or gone.
    pub after: Option<Attributes>,
    /// Who did it, as far as the API tells: a `user_…` or `svac_…` id.
    pub by: Option<String>,
    /// When, as far as the API tells.
    pub at: Option<Timestamp>,
}
