//! How objects look on the wire, in both versions of the API.
//!
//! Reading is tolerant: unknown fields are passed over and unknown words are kept, because the
//! API may add both at any time. What is required and missing is an error that names the field
//! and the object. Writing is exact: the API refuses a body with a field that it does not know.

mod activity;
mod api_key;
mod federation_rule;
mod issuer;
mod service_account;
mod usage;
mod workspace;

pub(crate) use activity::read_activity;
pub(crate) use api_key::ApiKeyWire;
pub(crate) use federation_rule::{RuleWire, create_rule, update_rule};
pub(crate) use issuer::{IssuerWire, issuer_body};
pub(crate) use service_account::{
    MembershipWire, ServiceAccountWire, create_service_account, update_service_account,
};
pub(crate) use usage::{BucketWire, UsageRowWire, refreshed_at};
pub(crate) use workspace::{OrganizationWire, WorkspaceWire};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::resource::Provenance;

/// An object as the wire shows it, and what it is to the engine.
pub(crate) trait Wire: DeserializeOwned {
    /// What it is to the engine.
    type Object;

    /// What people call it.
    const NOUN: &'static str;

    /// Turns it into the engine's own type, or says which field is missing.
    fn into_object(self) -> Result<Self::Object, String>;
}

/// Reads one object; the error names the object and the field.
pub(crate) fn read<W: Wire>(value: Value) -> Result<W::Object, String> {
    let name = match value.get("id").and_then(Value::as_str) {
        Some(id) => format!("{} {id}", W::NOUN),
        None => format!("{} without an id", W::NOUN),
    };
    serde_json::from_value::<W>(value)
        .map_err(|error| error.to_string())
        .and_then(W::into_object)
        .map_err(|why| format!("{name}: {why}"))
}

/// Who and when, as issuers, rules and service accounts show it.
#[derive(Deserialize)]
pub(crate) struct ProvenanceWire {
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
    #[serde(default)]
    archived_at: Option<Timestamp>,
    #[serde(default)]
    created_by_actor_id: Option<String>,
    #[serde(default)]
    updated_by_actor_id: Option<String>,
    #[serde(default)]
    archived_by_actor_id: Option<String>,
}

impl From<ProvenanceWire> for Provenance {
    fn from(wire: ProvenanceWire) -> Provenance {
        Provenance {
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            archived_at: wire.archived_at,
            created_by: wire.created_by_actor_id,
            updated_by: wire.updated_by_actor_id,
            archived_by: wire.archived_by_actor_id,
        }
    }
}

/// The description in an update: null clears, which reads back as empty.
fn description_update(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

/// Tells a field that is null from one that is absent.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}
