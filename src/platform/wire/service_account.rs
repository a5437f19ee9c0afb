//! Service accounts and their memberships on the wire.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ProvenanceWire, Wire, description_update};
use crate::resource::{OrganizationRole, ServiceAccountArguments, ServiceAccountObject};

#[derive(Deserialize)]
pub(crate) struct ServiceAccountWire {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    organization_role: String,
    #[serde(flatten)]
    provenance: ProvenanceWire,
}

impl Wire for ServiceAccountWire {
    type Object = ServiceAccountObject;
    const NOUN: &'static str = "service account";

    fn into_object(self) -> Result<ServiceAccountObject, String> {
        Ok(ServiceAccountObject {
            id: self.id,
            arguments: ServiceAccountArguments {
                name: self.name,
                description: self.description.unwrap_or_default(),
                organization_role: OrganizationRole::from_word(&self.organization_role),
            },
            memberships: BTreeMap::new(),
            provenance: self.provenance.into(),
        })
    }
}

/// The body of a create.
pub(crate) fn create_service_account(arguments: &ServiceAccountArguments) -> Value {
    let mut body = json!({
        "name": arguments.name,
        "organization_role": arguments.organization_role.word(),
    });
    if !arguments.description.is_empty() {
        body["description"] = json!(arguments.description);
    }
    body
}

/// The body of an update; what is not given stays as it is.
pub(crate) fn update_service_account(description: Option<&str>, organization_role: Option<&str>) -> Value {
    let mut body = json!({});
    if let Some(text) = description {
        body["description"] = description_update(text);
    }
    if let Some(role) = organization_role {
        body["organization_role"] = json!(role);
    }
    body
}

/// One row of a membership list; it has no id of its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct MembershipWire {
    pub(crate) service_account_id: String,
    pub(crate) workspace_id: String,
    pub(crate) workspace_role: String,
    #[serde(default)]
    implicit: Option<bool>,
}

impl MembershipWire {
    /// Whether the row stands for the membership of the default workspace that every live
    /// account has. Null and absent mean that it does not.
    pub(crate) fn is_implicit(&self) -> bool {
        self.implicit == Some(true)
    }
}

impl Wire for MembershipWire {
    type Object = MembershipWire;
    const NOUN: &'static str = "membership";

    fn into_object(self) -> Result<MembershipWire, String> {
        Ok(self)
    }
}
