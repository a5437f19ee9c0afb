//! Remote objects as attribute maps, in the vocabulary of the configuration language.
//!
//! Diffs, plans, state records and JSON output all speak of these maps, so there is one place
//! that says what an object's attributes are.

use serde_json::{Map, Value, json};

use crate::resource::{
    ApiKeyObject, IssuerArguments, Jwks, Match, RuleArguments, RuleWorkspaces, ServiceAccountArguments,
};

/// The attributes of one object by name.
pub type Attributes = Map<String, Value>;

fn map(value: Value) -> Attributes {
    match value {
        Value::Object(map) => map,
        other => unreachable!("attributes are always an object, not {other}"),
    }
}

/// The attributes of an issuer.
pub fn issuer(arguments: &IssuerArguments) -> Attributes {
    map(json!({
        "name": arguments.name,
        "issuer_url": arguments.issuer_url,
        "jwks": jwks(&arguments.jwks),
        "check_jti": arguments.check_jti,
        "max_jwt_lifetime_seconds": arguments.max_jwt_lifetime_seconds,
    }))
}

fn jwks(jwks: &Jwks) -> Value {
    let mut shown = json!({});
    match jwks {
        Jwks::Discovery { discovery_base, ca_cert_pem } => {
            shown["type"] = json!("discovery");
            set(&mut shown, "discovery_base", discovery_base);
            set(&mut shown, "ca_cert_pem", ca_cert_pem);
        }
        Jwks::ExplicitUrl { url, ca_cert_pem } => {
            shown["type"] = json!("explicit_url");
            shown["url"] = json!(url);
            set(&mut shown, "ca_cert_pem", ca_cert_pem);
        }
        Jwks::Inline { keys } => {
            shown["type"] = json!("inline");
            shown["keys"] = json!(keys);
        }
        Jwks::Other { kind } => shown["type"] = json!(kind),
    }
    shown
}

fn set(object: &mut Value, name: &str, value: &Option<String>) {
    if let Some(value) = value {
        object[name] = json!(value);
    }
}

/// The attributes of a service account with its memberships.
pub fn service_account(
    arguments: &ServiceAccountArguments,
    memberships: &std::collections::BTreeMap<String, String>,
) -> Attributes {
    map(json!({
        "name": arguments.name,
        "description": arguments.description,
        "organization_role": arguments.organization_role.word(),
        "memberships": memberships,
    }))
}

/// The attributes of a rule. An empty id stands for one that is not known yet.
pub fn rule(arguments: &RuleArguments) -> Attributes {
    let (all, ids) = match &arguments.workspaces {
        RuleWorkspaces::All => (true, Vec::new()),
        RuleWorkspaces::These(ids) => (false, ids.iter().cloned().collect()),
    };
    map(json!({
        "name": arguments.name,
        "description": arguments.description,
        "issuer_id": arguments.issuer_id,
        "service_account_id": arguments.service_account_id,
        "oauth_scope": arguments.oauth_scope,
        "token_lifetime_seconds": arguments.token_lifetime_seconds,
        "applies_to_all_workspaces": all,
        "workspace_ids": ids,
        "match": matching(&arguments.matching),
    }))
}

fn matching(matching: &Match) -> Value {
    let mut shown = json!({});
    set(&mut shown, "subject_prefix", &matching.subject_prefix);
    set(&mut shown, "audience", &matching.audience);
    set(&mut shown, "condition", &matching.condition);
    if !matching.claims.is_empty() {
        shown["claims"] = json!(matching.claims);
    }
    shown
}

/// The attributes of a key.
pub fn api_key(object: &ApiKeyObject) -> Attributes {
    map(json!({
        "id": object.id,
        "name": object.name,
        "status": object.status.word(),
        "partial_key_hint": object.partial_key_hint,
    }))
}
