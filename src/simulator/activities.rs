//! The Activity Feed: who exchanged a token, and who changed what.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::clock;
use super::error::Refusal;
use super::ids;
use super::organization::{Activity, World};
use super::page;
use super::request::{Query, Request};

/// The kind of an attempt at an exchange.
pub(super) const AUTHENTICATION: &str = "platform_federated_authentication";
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 5_000;
/// Entries kept; older ones are forgotten, unlike in the real feed, which keeps six years.
const HISTORY_MAX: usize = 10_000;

/// What is known of an entry, besides what belongs to its kind.
pub(super) struct Note<'a> {
    pub(super) at: Timestamp,
    pub(super) kind: &'a str,
    /// `user_…`, `svac_…`, `apikey_…`, or nobody for an exchange.
    pub(super) by: Option<String>,
    pub(super) request_id: Option<&'a str>,
}

/// Adds an entry with the fields that belong to its kind.
pub(super) fn note(world: &mut World, note: Note<'_>, more: Map<String, Value>) {
    if world.activities.len() >= HISTORY_MAX {
        world.activities.drain(..HISTORY_MAX / 10);
    }
    let id = world.next_id("activity");
    world.activities.push(Activity {
        id,
        at: note.at,
        kind: note.kind.to_owned(),
        by: note.by,
        request_id: note.request_id.map(str::to_owned),
        more,
    });
}

/// The id of whoever acts with a credential.
pub(super) fn actor_id(world: &World, caller: &Caller) -> String {
    match caller {
        Caller::AdminKey => admin_key_id(world),
        Caller::ComplianceKey => String::new(),
        Caller::ApiKey(key) => caller.actor().unwrap_or(&key.id).to_owned(),
        Caller::Oauth(token) => token.actor.clone(),
    }
}

fn admin_key_id(world: &World) -> String {
    ids::object(world.seed, "apikey", "admin", 0)
}

/// Answers `GET /v1/compliance/activities`: the newest entries first.
pub(super) fn list(world: &World, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
    let filter = Filter::read(&request.query)?;
    let visible_until = clock::later(now, -world.assumptions.feed_delay_seconds.0);
    let organization = organization_ids(world);
    let ours = filter.organizations.is_empty()
        || filter.organizations.iter().any(|id| organization.contains(&(*id).to_owned()));
    let found: Vec<&Activity> = world
        .activities
        .iter()
        .rev()
        .filter(|entry| ours && entry.at <= visible_until && filter.passes(entry))
        .collect();
    let ids: Vec<&str> = found.iter().map(|entry| entry.id.as_str()).collect();
    let (window, has_more) = page::window(&ids, &request.query, LIMIT_DEFAULT, LIMIT_MAX)?;
    let data: Vec<Value> = found[window.clone()].iter().map(|entry| show(world, entry)).collect();
    let ids = &ids[window];
    Ok(json!({"data": data, "has_more": has_more, "first_id": ids.first(), "last_id": ids.last()}))
}

/// What a question to the feed keeps.
struct Filter<'a> {
    kinds: Vec<&'a str>,
    other_kinds: Vec<&'a str>,
    actors: Vec<&'a str>,
    organizations: Vec<&'a str>,
    from: Option<Timestamp>,
    after: Option<Timestamp>,
    until: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl<'a> Filter<'a> {
    fn read(query: &'a Query) -> Result<Filter<'a>, Refusal> {
        let filter = Filter {
            kinds: query.all("activity_types"),
            other_kinds: query.all("exclude_activity_types"),
            actors: query.all("actor_ids"),
            organizations: query.all("organization_ids"),
            from: query.time("created_at.gte")?,
            after: query.time("created_at.gt")?,
            until: query.time("created_at.lte")?,
            before: query.time("created_at.lt")?,
        };
        match filter.kinds.is_empty() || filter.other_kinds.is_empty() {
            true => Ok(filter),
            false => Err(Refusal::invalid(
                "activity_types: Only one of activity_types and exclude_activity_types can be given",
            )),
        }
    }

    fn passes(&self, entry: &Activity) -> bool {
        let kind = entry.kind.as_str();
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && !self.other_kinds.contains(&kind)
            && (self.actors.is_empty() || entry.by.as_deref().is_some_and(|by| self.actors.contains(&by)))
            && self.from.is_none_or(|time| entry.at >= time)
            && self.after.is_none_or(|time| entry.at > time)
            && self.until.is_none_or(|time| entry.at <= time)
            && self.before.is_none_or(|time| entry.at < time)
    }
}

/// The UUID and the tagged id, which this feed alone shows.
fn organization_ids(world: &World) -> [String; 2] {
    let uuid = world.organization.id.clone();
    [ids::object(world.seed, "org", &uuid, 0), uuid]
}

/// An entry as the feed shows it.
fn show(world: &World, entry: &Activity) -> Value {
    let [organization, uuid] = organization_ids(world);
    let actor = match &entry.by {
        Some(id) => actor(world, id),
        None => federated_actor(&entry.more["event_data"]["oidc_token"]),
    };
    let mut shown = json!({
        "id": entry.id,
        "type": entry.kind,
        "created_at": entry.at.to_string(),
        "organization_id": organization,
        "organization_uuid": uuid,
        "actor": actor,
        "request_id": entry.request_id,
    });
    for (name, value) in &entry.more {
        shown[name.as_str()] = value.clone();
    }
    shown
}

fn actor(world: &World, id: &str) -> Value {
    let mut actor = match id.split_once('_') {
        Some(("user", _)) => {
            let mail = world.users.get(id).map(|user| &user.email);
            json!({"type": "user_actor", "user_id": id, "email_address": mail})
        }
        Some(("svac", _)) => json!({"type": "service_account_actor", "service_account_id": id}),
        Some(("apikey", _)) if id == admin_key_id(world) => {
            json!({"type": "admin_api_key_actor", "admin_api_key_id": id})
        }
        _ => json!({"type": "api_actor", "api_key_id": id}),
    };
    actor["ip_address"] = json!("127.0.0.1");
    actor["user_agent"] = Value::Null;
    actor
}

/// Who asked for a token: what the identity token says, once it is known to be genuine.
fn federated_actor(token: &Value) -> Value {
    let claims = &token["claims"];
    if claims.is_null() {
        let provider = json!({"type": "oidc", "issuer": null});
        return json!({"type": "federated_actor", "provider": provider, "subject": null});
    }
    let audience = match &claims["aud"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    json!({
        "type": "federated_identity_actor",
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "audience": audience,
        "ip_address": "127.0.0.1",
        "user_agent": null,
    })
}
