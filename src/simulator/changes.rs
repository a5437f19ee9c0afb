//! Accepted writes as entries of the Activity Feed: what was there before beside what is there
//! after, so that handlers need not tell what they do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::activities::{self, Note};
use super::api_keys;
use super::assumptions::Visibility;
use super::organization::{Issuer, Rule, World};
use super::request::{Context, Request};

/// What a write is about, by ids.
#[derive(Clone)]
enum Subject {
    Issuer(String),
    Rule(String),
    Account(String),
    Key(String),
    Workspace(String),
    /// A rule in a workspace.
    Enablement(String, String),
    /// A service account in a workspace.
    Member(String, String),
}

/// What the feed compares of an object.
#[derive(Default)]
struct Picture {
    fields: BTreeMap<&'static str, Value>,
    is_archived: bool,
}

/// A write before it is made.
pub(super) struct Watched {
    subject: Option<Subject>,
    before: Option<Picture>,
}

/// Looks at what a request is about to change. `path` is what follows `/v1/organizations/`.
pub(super) fn watch(world: &World, request: &Request, path: &[&str]) -> Watched {
    let subject = if request.method == "GET" { None } else { subject(path, &request.body) };
    let before = subject.as_ref().and_then(|subject| picture(world, subject));
    Watched { subject, before }
}

/// Adds what an accepted request changed to the feed; `answer` is its answer.
pub(super) fn tell(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
    watched: Watched,
    answer: &Value,
) {
    let created = || match (request.method.as_str(), path, answer["id"].as_str()) {
        ("POST", [collection], Some(id)) => of_collection(collection, id),
        _ => None,
    };
    let Some(subject) = watched.subject.or_else(created) else { return };
    let after = picture(world, &subject);
    let shows_creations = world.assumptions.creation_activities == Visibility::Shown;
    let Some((kind, updates)) = difference(&subject, watched.before, after, shows_creations) else { return };
    let mut more = ids_of(&subject);
    if !updates.is_empty() {
        more.insert("updates".to_owned(), Value::Array(updates));
    }
    let by = Some(activities::actor_id(world, context.caller));
    let note = Note { at: context.now, kind, by, request_id: Some(&request.id) };
    activities::note(world, note, more);
}

fn of_collection(collection: &str, id: &str) -> Option<Subject> {
    let id = id.to_owned();
    match collection {
        "federation_issuers" => Some(Subject::Issuer(id)),
        "federation_rules" => Some(Subject::Rule(id)),
        "service_accounts" => Some(Subject::Account(id)),
        "workspaces" => Some(Subject::Workspace(id)),
        _ => None,
    }
}

/// What is written to, as far as path and body name it.
fn subject(path: &[&str], body: &[u8]) -> Option<Subject> {
    let named = |name: &str| {
        let body: Value = serde_json::from_slice(body).ok()?;
        body[name].as_str().map(str::to_owned)
    };
    let text = |text: &str| text.to_owned();
    match path {
        ["federation_rules", rule, "workspaces"] => {
            Some(Subject::Enablement(text(rule), named("workspace_id")?))
        }
        ["federation_rules", rule, "workspaces", id] => Some(Subject::Enablement(text(rule), text(id))),
        ["service_accounts", account, "workspaces"] => {
            Some(Subject::Member(text(account), named("workspace_id")?))
        }
        ["service_accounts", account, "workspaces", id] => Some(Subject::Member(text(account), text(id))),
        ["workspaces", id, "service_accounts"] => {
            Some(Subject::Member(named("service_account_id")?, text(id)))
        }
        ["workspaces", id, "service_accounts", account] => Some(Subject::Member(text(account), text(id))),
        ["api_keys", id] => Some(Subject::Key(text(id))),
        [collection, id] | [collection, id, "archive"] => of_collection(collection, id),
        _ => None,
    }
}

fn picture(world: &World, subject: &Subject) -> Option<Picture> {
    match subject {
        Subject::Issuer(id) => world.issuers.get(id).map(of_issuer),
        Subject::Rule(id) => world.rules.get(id).map(of_rule),
        Subject::Account(id) => world.service_accounts.get(id).map(|account| Picture {
            fields: BTreeMap::from([
                ("description", json!(account.description)),
                ("organization_role", json!(account.organization_role)),
            ]),
            is_archived: !account.provenance.is_live(),
        }),
        Subject::Key(id) => world.api_keys.get(id).map(|key| Picture {
            fields: BTreeMap::from([
                ("name", json!(key.name)),
                ("status", json!(api_keys::word(key.status))),
            ]),
            is_archived: false,
        }),
        Subject::Workspace(id) => world
            .workspaces
            .get(id)
            .map(|workspace| Picture { is_archived: workspace.archived_at.is_some(), ..Picture::default() }),
        Subject::Enablement(rule, id) => {
            world.rules.get(rule)?.workspaces.get(id).map(|_| Picture::default())
        }
        Subject::Member(account, id) => world.workspaces.get(id)?.members.get(account).map(|member| {
            Picture { fields: BTreeMap::from([("workspace_role", json!(member.role))]), is_archived: false }
        }),
    }
}

fn of_issuer(issuer: &Issuer) -> Picture {
    let jwks = &issuer.jwks;
    Picture {
        fields: BTreeMap::from([
            ("name", json!(issuer.name)),
            ("issuer_url", json!(issuer.issuer_url)),
            ("check_jti", json!(issuer.check_jti)),
            ("max_jwt_lifetime_seconds", json!(issuer.max_jwt_lifetime_seconds)),
            ("discovery_base", jwks["discovery_base"].clone()),
            ("jwks_source", jwks["type"].clone()),
            ("jwks_url", jwks["url"].clone()),
            ("jwks_keys_sha256", digest(&jwks["keys"])),
            ("ca_cert_pem_sha256", digest(&jwks["ca_cert_pem"])),
            ("jwks_polling_disabled_at", json!(issuer.jwks_polling_disabled_at.map(|at| at.to_string()))),
        ]),
        is_archived: !issuer.provenance.is_live(),
    }
}

fn of_rule(rule: &Rule) -> Picture {
    let matching = &rule.matching;
    let only = rule.workspaces.keys().next().filter(|_| rule.workspaces.len() == 1);
    let claims = (!matching.claims.is_empty()).then(|| json!(matching.claims));
    Picture {
        fields: BTreeMap::from([
            ("name", json!(rule.name)),
            ("description", json!(rule.description)),
            ("match_subject_prefix", json!(matching.subject_prefix)),
            ("match_audience", json!(matching.audience)),
            ("match_claims", claims.unwrap_or_default()),
            ("match_condition", json!(matching.condition)),
            ("oauth_scope", json!(rule.oauth_scope)),
            ("target_type", json!("service_account")),
            ("target_id", json!(rule.service_account_id)),
            ("token_lifetime_seconds", json!(rule.token_lifetime_seconds)),
            ("workspace_id", json!(rule.legacy_workspace.as_ref().or(only))),
            ("applies_to_all_workspaces", json!(rule.applies_to_all_workspaces)),
        ]),
        is_archived: !rule.provenance.is_live(),
    }
}

/// A digest in place of what is too long for the feed; null stays null.
fn digest(value: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    let hex = Sha256::digest(value.to_string()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Value::String(hex)
}

/// The kind of the entry and its updates; none when nothing happened that the feed knows of.
fn difference(
    subject: &Subject,
    before: Option<Picture>,
    after: Option<Picture>,
    shows_creations: bool,
) -> Option<(&'static str, Vec<Value>)> {
    let [created, updated, archived] = kinds(subject);
    let is_documented =
        matches!(subject, Subject::Workspace(_) | Subject::Enablement(..) | Subject::Member(..));
    match (before, after) {
        (None, Some(_)) if is_documented || shows_creations => Some((created, Vec::new())),
        (Some(_), None) => Some((archived, Vec::new())),
        (Some(before), Some(after)) if after.is_archived => {
            (!before.is_archived).then(|| (archived, Vec::new()))
        }
        (Some(mut before), Some(after)) => {
            let updates: Vec<Value> = after
                .fields
                .into_iter()
                .filter_map(|(name, current)| {
                    let previous = before.fields.remove(name).unwrap_or_default();
                    let update = json!({"type": name, "previous_value": told(&previous), "current_value": told(&current)});
                    (previous != current).then_some(update)
                })
                .collect();
            (!updates.is_empty()).then_some((updated, updates))
        }
        _ => None,
    }
}

/// Values are texts in the feed; null stays null.
fn told(value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

/// The kinds for what is new, what was changed, and what was archived or removed.
fn kinds(subject: &Subject) -> [&'static str; 3] {
    match subject {
        Subject::Issuer(_) => [
            "platform_federation_issuer_created",
            "platform_federation_issuer_updated",
            "platform_federation_issuer_archived",
        ],
        Subject::Rule(_) => [
            "platform_federation_rule_created",
            "platform_federation_rule_updated",
            "platform_federation_rule_archived",
        ],
        Subject::Account(_) => [
            "platform_service_account_created",
            "platform_service_account_updated",
            "platform_service_account_archived",
        ],
        Subject::Key(_) => {
            ["platform_api_key_created", "platform_api_key_updated", "platform_api_key_archived"]
        }
        Subject::Workspace(_) => {
            ["platform_workspace_created", "platform_workspace_updated", "platform_workspace_archived"]
        }
        Subject::Enablement(..) => [
            "platform_federation_rule_workspace_added",
            "platform_federation_rule_workspace_updated",
            "platform_federation_rule_workspace_removed",
        ],
        Subject::Member(..) => [
            "platform_service_account_workspace_member_added",
            "platform_service_account_workspace_member_updated",
            "platform_service_account_workspace_member_removed",
        ],
    }
}

fn ids_of(subject: &Subject) -> Map<String, Value> {
    let pairs: Vec<(&str, &String)> = match subject {
        Subject::Issuer(id) => vec![("federation_issuer_id", id)],
        Subject::Rule(id) => vec![("federation_rule_id", id)],
        Subject::Account(id) => vec![("service_account_id", id)],
        Subject::Key(id) => vec![("api_key_id", id)],
        Subject::Workspace(id) => vec![("workspace_id", id)],
        Subject::Enablement(rule, id) => vec![("federation_rule_id", rule), ("workspace_id", id)],
        Subject::Member(account, id) => vec![("service_account_id", account), ("workspace_id", id)],
    };
    pairs.into_iter().map(|(name, id)| (name.to_owned(), json!(id))).collect()
}
