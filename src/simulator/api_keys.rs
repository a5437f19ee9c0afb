//! API keys: what is to be retired. They can be listed, renamed, switched off and archived.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::assumptions::{KeyFate, Permission};
use super::clock;
use super::error::Refusal;
use super::fields::Fields;
use super::organization::{ApiKey, KeyStatus, World};
use super::page::{self, Row};
use super::request::{Context, Request, Version};

const NAME_CHARS_MAX: usize = 500;

impl ApiKey {
    /// The status that the API shows: an expiry date that has passed overrides all but the archive.
    pub(super) fn status_at(&self, now: Timestamp) -> &'static str {
        let has_expired = self.expires_at.is_some_and(|end| end <= now);
        match self.status {
            KeyStatus::Archived => "archived",
            _ if has_expired => "expired",
            KeyStatus::Active => "active",
            KeyStatus::Inactive => "inactive",
        }
    }

    /// Sets what is asked of the key, and notes when it was taken out of use.
    pub(super) fn set_status(&mut self, status: KeyStatus, now: Timestamp) {
        match status {
            KeyStatus::Active => self.stopped_at = None,
            _ if self.status == KeyStatus::Active => self.stopped_at = Some(now),
            _ => {}
        }
        self.status = status;
    }

    /// Whether the key is active.
    pub(super) fn works(&self, now: Timestamp) -> bool {
        self.status_at(now) == "active"
    }
}

/// Whether calls with the key are accepted.
pub(super) fn is_accepted(world: &World, key: &ApiKey, now: Timestamp) -> bool {
    let account = key.principal.as_ref().and_then(|id| world.service_accounts.get(id));
    let stops = world.assumptions.archived_account_keys == KeyFate::Stop;
    if stops && account.is_some_and(|account| !account.provenance.is_live()) {
        return false;
    }
    // How soon a key stops working is not documented.
    let delay = world.assumptions.key_disable_delay_seconds.0;
    let works_on = key.stopped_at.is_some_and(|at| now < clock::later(at, delay));
    key.works(now) || (works_on && key.expires_at.is_none_or(|end| end > now))
}

/// The API's word for what was last asked of a key.
pub(super) fn word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "active",
        KeyStatus::Inactive => "inactive",
        KeyStatus::Archived => "archived",
    }
}

/// Lists keys of every status, newest first.
pub(super) fn list(world: &World, context: &Context<'_>, request: &Request) -> Result<Value, Refusal> {
    let query = &request.query;
    let status = query.get("status");
    if status.is_some_and(|word| !["active", "inactive", "archived", "expired"].contains(&word)) {
        return Err(Refusal::invalid("status: Input should be one of: active, inactive, archived, expired"));
    }
    let workspace = query.id("workspace_id", "wrkspc")?;
    let creator = query.get("created_by_user_id");
    let mut found: Vec<_> = world
        .api_keys
        .iter()
        .filter(|(_, key)| status.is_none_or(|word| key.status_at(context.now) == word))
        .filter(|(_, key)| workspace.is_none_or(|id| key.workspace.as_deref() == Some(id)))
        .filter(|(_, key)| creator.is_none_or(|id| key.created_by.as_deref() == Some(id)))
        .collect();
    found.sort_by_key(|(_, key)| std::cmp::Reverse(key.sequence));
    let row = |(id, key): (&String, &ApiKey)| Row { key: id.clone(), value: show(world, context, id, key) };
    page::by_window(&found.into_iter().map(row).collect::<Vec<_>>(), query)
}

/// Reads one key object; never the secret.
pub(super) fn read(world: &World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    let key = world.api_keys.get(id).ok_or_else(|| missing(id))?;
    Ok(show(world, context, id, key))
}

/// Changes the name or the status of a key.
pub(super) fn update(
    world: &mut World,
    context: &Context<'_>,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let key = world.api_keys.get(id).ok_or_else(|| missing(id))?;
    let fields = Fields::parse(body, &["name", "status"])?;
    let name = fields.text("name", NAME_CHARS_MAX)?;
    let status = match fields.word("status", &["active", "inactive", "archived"])?.as_deref() {
        None => None,
        Some("active") => Some(KeyStatus::Active),
        Some("inactive") => Some(KeyStatus::Inactive),
        Some(_) => Some(KeyStatus::Archived),
    };
    if let Some(status) = status {
        check_transition(world, context, id, key, status)?;
    }

    let key = world.api_keys.get_mut(id).ok_or_else(|| missing(id))?;
    name.into_iter().for_each(|name| key.name = name);
    status.into_iter().for_each(|status| key.set_status(status, context.now));
    read(world, context, id)
}

fn check_transition(
    world: &World,
    context: &Context<'_>,
    id: &str,
    key: &ApiKey,
    to: KeyStatus,
) -> Result<(), Refusal> {
    let archive_is_final = world.assumptions.archived_key_reactivation == Permission::Refused;
    let workspace_is_live = key.workspace.as_deref().is_none_or(|id| world.is_live_workspace(id));
    match (key.status_at(context.now), to) {
        (_, KeyStatus::Archived) | ("active", _) | ("inactive", KeyStatus::Inactive) => Ok(()),
        ("archived", _) if archive_is_final || !workspace_is_live => {
            Err(Refusal::invalid("status: An archived API key cannot be activated again"))
        }
        ("expired", _) => Err(Refusal::invalid("status: An expired API key cannot be activated again")),
        (_, KeyStatus::Inactive) => Ok(()),
        (_, KeyStatus::Active) => check_limits(world, context, id, key),
    }
}

fn check_limits(world: &World, context: &Context<'_>, id: &str, key: &ApiKey) -> Result<(), Refusal> {
    let active = |in_workspace: Option<&String>| {
        let others = world.api_keys.iter().filter(|(other, key)| *other != id && key.works(context.now));
        others.filter(|(_, key)| in_workspace.is_none_or(|id| key.workspace.as_ref() == Some(id))).count()
            as u64
    };
    if world.organization.active_key_limit.is_some_and(|limit| active(None) >= limit) {
        let message = "The organization has reached its limit of active API keys";
        return Err(Refusal::invalid(message).code("org_api_key_limit_exceeded"));
    }
    let limit = key.workspace.as_ref().and_then(|id| world.workspaces.get(id)?.active_key_limit);
    if limit.is_some_and(|limit| active(key.workspace.as_ref()) >= limit) {
        let message = "The workspace has reached its limit of active API keys";
        return Err(Refusal::invalid(message).code("workspace_api_key_limit_exceeded"));
    }
    Ok(())
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found(format!("API key {id} not found"))
}

/// A key as the API shows it.
pub(super) fn show(world: &World, context: &Context<'_>, id: &str, key: &ApiKey) -> Value {
    let of_service_account = key.principal.as_deref().is_some_and(|id| id.starts_with("svac_"));
    let mut shown = json!({
        "id": id,
        "type": "api_key",
        "name": key.name,
        "status": key.status_at(context.now),
        "partial_key_hint": key.secret.hint(),
        "created_at": key.created_at.to_string(),
        "created_by": key.created_by.as_ref().map(|id| json!({"id": id, "type": "user"})),
        "expires_at": key.expires_at.map(|at| at.to_string()),
    });
    match context.version {
        Version::New | Version::Beta => {
            shown["principal"] = match &key.principal {
                None => Value::Null,
                Some(id) if of_service_account => {
                    json!({"type": "service_account_actor", "service_account_id": id})
                }
                Some(id) => json!({"type": "user_actor", "user_id": id}),
            };
            shown["scope"] = match &key.workspace {
                Some(id) => json!({"type": "workspace", "workspace_id": id}),
                None => json!({"type": "organization"}),
            };
        }
        Version::Old => {
            let kind = if of_service_account { "service_account" } else { "user" };
            shown["principal"] = json!(key.principal.as_ref().map(|id| json!({"id": id, "type": kind})));
            shown["workspace_id"] =
                json!(key.workspace.as_ref().filter(|id| **id != world.default_workspace));
        }
    }
    shown
}
