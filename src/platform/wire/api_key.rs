//! API keys on the wire.

use jiff::Timestamp;
use serde::Deserialize;

use super::Wire;
use crate::resource::{ApiKeyObject, KeyPrincipal, KeyScope, KeyStatus};

#[derive(Deserialize)]
pub(crate) struct ApiKeyWire {
    id: String,
    name: String,
    status: String,
    #[serde(default)]
    partial_key_hint: Option<String>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    scope: Option<ScopeWire>,
    // The older version's place for the workspace; null for the default one.
    #[serde(default)]
    workspace_id: Option<String>,
    #[serde(default)]
    principal: Option<PrincipalWire>,
}

// The newer version has an id of its own for each kind, the older one has `id` for all.
#[derive(Deserialize)]
struct PrincipalWire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    service_account_id: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

impl From<PrincipalWire> for KeyPrincipal {
    fn from(wire: PrincipalWire) -> KeyPrincipal {
        match (wire.kind.as_str(), wire.user_id, wire.service_account_id, wire.id) {
            ("user_actor", Some(id), ..) | ("user", _, _, Some(id)) => KeyPrincipal::User(id),
            ("service_account_actor", _, Some(id), _) | ("service_account", _, _, Some(id)) => {
                KeyPrincipal::ServiceAccount(id)
            }
            _ => KeyPrincipal::Other(wire.kind),
        }
    }
}

#[derive(Deserialize)]
struct ScopeWire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    workspace_id: Option<String>,
}

impl Wire for ApiKeyWire {
    type Object = ApiKeyObject;
    const NOUN: &'static str = "API key";

    fn into_object(self) -> Result<ApiKeyObject, String> {
        let scope = match self.scope {
            None => KeyScope::Workspace(self.workspace_id),
            Some(ScopeWire { kind, workspace_id: None }) if kind == "workspace" => {
                return Err("missing field `scope.workspace_id`".to_owned());
            }
            Some(ScopeWire { workspace_id: Some(id), .. }) => KeyScope::Workspace(Some(id)),
            // A kind that is not known yet is taken for the widest one that is.
            Some(ScopeWire { workspace_id: None, .. }) => KeyScope::Organization,
        };
        Ok(ApiKeyObject {
            id: self.id,
            name: self.name,
            status: KeyStatus::from_word(&self.status),
            partial_key_hint: self.partial_key_hint,
            created_at: self.created_at,
            expires_at: self.expires_at,
            scope,
            principal: self.principal.map(KeyPrincipal::from),
        })
    }
}
