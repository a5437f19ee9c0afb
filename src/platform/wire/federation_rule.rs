//! Federation rules on the wire.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ProvenanceWire, Wire, description_update, given};
use crate::resource::{Match, RuleArguments, RuleObject, RuleWorkspaces};

#[derive(Deserialize)]
pub(crate) struct RuleWire {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    issuer_id: String,
    #[serde(rename = "match")]
    matching: MatchWire,
    target: TargetWire,
    oauth_scope: String,
    token_lifetime_seconds: i64,
    #[serde(default)]
    applies_to_all_workspaces: Option<bool>,
    #[serde(default)]
    workspace_ids: Option<Vec<String>>,
    // The single binding of the older version: null once the rule is archived, absent in the newer.
    #[serde(default, deserialize_with = "given")]
    workspace_id: Option<Option<String>>,
    #[serde(flatten)]
    provenance: ProvenanceWire,
}

#[derive(Deserialize)]
struct MatchWire {
    #[serde(default)]
    subject_prefix: Option<String>,
    #[serde(default)]
    audience: Option<String>,
    #[serde(default)]
    claims: Option<BTreeMap<String, String>>,
    #[serde(default)]
    condition: Option<String>,
}

#[derive(Deserialize)]
struct TargetWire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    service_account_id: Option<String>,
}

impl Wire for RuleWire {
    type Object = RuleObject;
    const NOUN: &'static str = "federation rule";

    fn into_object(self) -> Result<RuleObject, String> {
        let workspaces = match (self.applies_to_all_workspaces, self.workspace_ids, self.workspace_id) {
            (Some(true), _, _) => RuleWorkspaces::All,
            // A rule that has only the old binding keeps minting tokens for it.
            (_, Some(ids), Some(Some(id))) if ids.is_empty() => RuleWorkspaces::These([id].into()),
            (_, Some(ids), _) => RuleWorkspaces::These(ids.into_iter().collect()),
            (_, None, Some(id)) => RuleWorkspaces::These(id.into_iter().collect()),
            (_, None, None) => return Err("missing field `workspace_ids`".to_owned()),
        };
        // A target of another kind has no service account, and the engine leaves its rule alone.
        let service_account_id = match self.target.service_account_id {
            Some(id) => id,
            None if self.target.kind == "service_account" => {
                return Err("missing field `target.service_account_id`".to_owned());
            }
            None => String::new(),
        };
        Ok(RuleObject {
            id: self.id,
            arguments: RuleArguments {
                name: self.name,
                description: self.description.unwrap_or_default(),
                issuer_id: self.issuer_id,
                matching: Match {
                    subject_prefix: self.matching.subject_prefix,
                    audience: self.matching.audience,
                    claims: self.matching.claims.unwrap_or_default(),
                    condition: self.matching.condition,
                },
                service_account_id,
                oauth_scope: self.oauth_scope,
                token_lifetime_seconds: self.token_lifetime_seconds,
                workspaces,
            },
            target_type: self.target.kind,
            provenance: self.provenance.into(),
        })
    }
}

/// The body of a create. A rule for certain workspaces begins in the first of them.
pub(crate) fn create_rule(arguments: &RuleArguments) -> Value {
    let mut body = json!({
        "name": arguments.name,
        "issuer_id": arguments.issuer_id,
        "match": match_body(&arguments.matching),
        "target": target_body(arguments),
        "oauth_scope": arguments.oauth_scope,
        "token_lifetime_seconds": arguments.token_lifetime_seconds,
    });
    if !arguments.description.is_empty() {
        body["description"] = json!(arguments.description);
    }
    match &arguments.workspaces {
        RuleWorkspaces::All => body["applies_to_all_workspaces"] = json!(true),
        RuleWorkspaces::These(ids) => {
            if let Some(first) = ids.first() {
                body["workspace_id"] = json!(first);
            }
        }
    }
    body
}

/// The body of an update. The match goes whole: it is replaced as a whole, and on shared issuers
/// any update must carry one that names the tenant.
pub(crate) fn update_rule(arguments: &RuleArguments, applies_to_all_workspaces: Option<bool>) -> Value {
    let mut body = json!({
        "name": arguments.name,
        "description": description_update(&arguments.description),
        "match": match_body(&arguments.matching),
        "target": target_body(arguments),
        "oauth_scope": arguments.oauth_scope,
        "token_lifetime_seconds": arguments.token_lifetime_seconds,
    });
    if let Some(all) = applies_to_all_workspaces {
        body["applies_to_all_workspaces"] = json!(all);
    }
    body
}

fn target_body(arguments: &RuleArguments) -> Value {
    json!({ "type": "service_account", "service_account_id": arguments.service_account_id })
}

fn match_body(matching: &Match) -> Value {
    let mut body = json!({});
    let texts = [
        ("subject_prefix", &matching.subject_prefix),
        ("audience", &matching.audience),
        ("condition", &matching.condition),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body[name] = json!(text);
        }
    }
    if !matching.claims.is_empty() {
        body["claims"] = json!(matching.claims);
    }
    body
}
