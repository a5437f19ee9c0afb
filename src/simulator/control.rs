//! The controls of the simulation, below `/_simulator/`. They need no credential.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Assumptions;
use super::auth::Caller;
use super::clock;
use super::error::Refusal;
use super::faults;
use super::fields::Fields;
use super::identity_provider::{self, Claims};
use super::memberships;
use super::organization::{Token, Workload, World};
use super::rate_limits::{self, RateLimit};
use super::request::{Context, Query, Request, Version};
use super::reseed;
use super::workload;
use super::{api_keys, issuers, rules, service_accounts, workspaces};

/// Answers a request for a control. `path` is what follows the prefix.
pub(super) fn answer(
    world: &mut World,
    base: &Path,
    request: &Request,
    path: &[&str],
    now: Timestamp,
    real: Timestamp,
) -> Result<Value, Refusal> {
    match (request.method.as_str(), path) {
        ("GET", ["clock"]) => Ok(show_clock(world, now)),
        ("POST", ["clock"]) => advance(world, base, &request.body, now, real),
        ("GET", ["organization"]) => Ok(dump(world, now)),
        ("PUT", ["organization"]) => reseed::replace(world, base, &request.body, real),
        ("GET", ["assumptions"]) => Ok(json!(world.assumptions.all())),
        ("POST", ["assumptions"]) => assume(world, &request.body),
        (method, ["faults"]) => script(world, method, &request.body),
        ("GET", ["rate_limits"]) => Ok(json!({"rate_limits": world.rate_limits})),
        ("PUT", ["rate_limits"]) => limit(world, &request.body),
        ("GET", ["tokens"]) => Ok(tokens(world)),
        ("GET", ["fetch"]) => fetch(world, &request.query),
        ("POST", ["workloads", "run"]) => {
            Fields::none(&request.body)?;
            workload::run_all(world, base, now);
            Ok(json!({"workloads": show_workloads(world)}))
        }
        ("POST", ["workloads", name]) => pause(world, name, &request.body),
        ("POST", ["identity_providers", name, "token"]) => mint(world, name, &request.body, now),
        _ => Err(Refusal::not_found("There is no such control")),
    }
}

fn show_clock(world: &World, now: Timestamp) -> Value {
    json!({"now": now.to_string(), "runs": world.clock.runs()})
}

fn advance(
    world: &mut World,
    base: &Path,
    body: &[u8],
    now: Timestamp,
    real: Timestamp,
) -> Result<Value, Refusal> {
    let fields = Fields::parse(body, &["advance_to", "advance_seconds"])?;
    let seconds = fields.integer("advance_seconds", 0..=workload::ADVANCE_SECONDS_MAX)?;
    let to = match (fields.text("advance_to", 64)?, seconds) {
        (Some(text), None) => text.parse::<Timestamp>().map_err(|_| {
            fields.refuse("advance_to", "Input should be a time such as 2026-11-20T09:00:00Z")
        })?,
        (None, Some(seconds)) => clock::later(now, seconds),
        _ => return Err(Refusal::invalid("Give either advance_to or advance_seconds")),
    };
    if to.as_second().saturating_sub(now.as_second()) > workload::ADVANCE_SECONDS_MAX {
        return Err(fields.refuse("advance_to", "The clock can be moved by at most 400 days at once"));
    }
    let to = clock::floor(to, 1);
    if !world.clock.advance(to, real) {
        return Err(Refusal::invalid(format!("The clock is at {now} and cannot go back to {to}")));
    }
    workload::advance(world, base, to);
    Ok(show_clock(world, to))
}

/// Turns switches: `{"name-reuse": "allowed"}`, values as text or number.
fn assume(world: &mut World, body: &[u8]) -> Result<Value, Refusal> {
    let given: BTreeMap<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("The assumptions are not understood: {error}")))?;
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given: BTreeMap<String, String> =
        given.into_iter().map(|(name, value)| (name, text(value))).collect();
    let given = Assumptions::try_from(given).map_err(|error| Refusal::invalid(error.to_string()))?;
    world.chosen.take(&given);
    world.assumptions.take(&given);
    Ok(json!(world.assumptions.all()))
}

/// Shows, adds, replaces or removes faults.
fn script(world: &mut World, method: &str, body: &[u8]) -> Result<Value, Refusal> {
    match method {
        "GET" => {}
        "POST" => faults::add(&mut world.faults, faults::read(body)?)?,
        "PUT" => world.faults = faults::read(body)?,
        "DELETE" => {
            Fields::none(body)?;
            world.faults.clear();
        }
        _ => return Err(Refusal::with_status(405, format!("{method} is not possible here"))),
    }
    Ok(faults::show(&world.faults))
}

fn limit(world: &mut World, body: &[u8]) -> Result<Value, Refusal> {
    let fields = Fields::parse(body, &["rate_limits"])?;
    let list = fields.value("rate_limits").ok_or_else(|| fields.refuse("rate_limits", "Field required"))?;
    let limits: Vec<RateLimit> = serde_json::from_value(list.clone())
        .map_err(|error| fields.refuse("rate_limits", &error.to_string()))?;
    match rate_limits::problems(&limits) {
        problems if problems.is_empty() => world.rate_limits = limits,
        problems => return Err(Refusal::invalid(problems.join("; "))),
    }
    Ok(json!({"rate_limits": world.rate_limits}))
}

fn tokens(world: &World) -> Value {
    let mut shown = json!({
        "admin_key": world.admin_key.expose(),
        "compliance_key": world.compliance_key().expose(),
    });
    for (name, purpose) in [("operator", super::seed::OPERATOR), ("person", super::seed::PERSON)] {
        let token = super::seed::login_token(world.seed, purpose);
        shown[name] = json!(token.expose());
    }
    shown
}

fn fetch(world: &World, query: &Query) -> Result<Value, Refusal> {
    let url = query.get("url").ok_or_else(|| Refusal::invalid("url: Field required"))?;
    identity_provider::fetch(world, url)
        .ok_or_else(|| Refusal::not_found(format!("Nothing answers at {url} in the simulated internet")))
}

fn pause(world: &mut World, name: &str, body: &[u8]) -> Result<Value, Refusal> {
    let fields = Fields::parse(body, &["paused"])?;
    let paused = fields.boolean("paused")?.ok_or_else(|| fields.refuse("paused", "Field required"))?;
    let workload = world
        .workloads
        .get_mut(name)
        .ok_or_else(|| Refusal::not_found(format!("Workload {name} not found")))?;
    workload.paused = paused;
    Ok(show_workload(name, workload))
}

fn mint(world: &mut World, name: &str, body: &[u8], now: Timestamp) -> Result<Value, Refusal> {
    let fields = Fields::parse(body, &["subject", "audience", "claims", "lifetime_seconds"])?;
    let subject = fields.required_text("subject", 10_000)?;
    let audience = fields.text("audience", 10_000)?;
    let more = match fields.value("claims") {
        None => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(fields.refuse("claims", "Input should be an object")),
    };
    let lifetime = fields.integer("lifetime_seconds", -86_400..=400_000)?;
    let claims = Claims {
        subject: &subject,
        audience: audience.as_deref().unwrap_or(super::matching::AUDIENCE_DEFAULT),
        more: &more,
        lifetime_seconds: lifetime.unwrap_or(600),
    };
    let token = identity_provider::mint(world, name, &claims, now)
        .ok_or_else(|| Refusal::not_found(format!("Identity provider {name} not found")))?;
    Ok(json!({"token": token.expose()}))
}

fn show_workloads(world: &World) -> Vec<Value> {
    world.workloads.iter().map(|(name, workload)| show_workload(name, workload)).collect()
}

fn show_workload(name: &str, workload: &Workload) -> Value {
    json!({
        "name": name,
        "lane": workload.lane,
        "consumer": workload.consumer,
        "identity_provider": workload.identity_provider,
        "subject": workload.subject,
        "identity_token_file": workload.identity_token_file,
        "environment": workload.environment,
        "report": workload.report,
        "paused": workload.paused,
        "calls": workload.calls,
        "failed_calls": workload.failed_calls,
        "problem": workload.problem,
    })
}

/// Everything but the secrets.
pub(super) fn dump(world: &World, now: Timestamp) -> Value {
    let caller = Caller::Oauth(Token {
        actor: String::new(),
        scope: String::new(),
        workspace: None,
        expires_at: None,
    });
    let context = Context { caller: &caller, version: Version::New, now };
    let users: Vec<Value> = world
        .users
        .iter()
        .map(|(id, user)| json!({"id": id, "type": "user", "name": user.name, "email": user.email}))
        .collect();
    let providers: Vec<Value> = world
        .identity_providers
        .iter()
        .map(|(name, it)| {
            json!({"name": name, "issuer_url": it.issuer_url, "algorithm": it.algorithm, "key": it.public_key})
        })
        .collect();
    let rules: Vec<Value> =
        world.rules.iter().map(|(id, rule)| rules::show(world, id, rule, Version::Old)).collect();
    let keys: Vec<Value> =
        world.api_keys.iter().map(|(id, key)| api_keys::show(world, &context, id, key)).collect();
    json!({
        "clock": show_clock(world, now),
        "organization": {"id": world.organization.id, "name": world.organization.name, "type": "organization"},
        "users": users,
        "default_workspace_id": world.default_workspace,
        "workspaces": world.workspaces.iter().map(|(id, it)| workspaces::show(id, it)).collect::<Vec<_>>(),
        "api_keys": keys,
        "federation_issuers": world.issuers.iter().map(|(id, it)| issuers::show(id, it)).collect::<Vec<_>>(),
        "federation_rules": rules,
        "service_accounts":
            world.service_accounts.iter().map(|(id, it)| service_accounts::show(id, it)).collect::<Vec<_>>(),
        "memberships": memberships::all(world),
        "identity_providers": providers,
        "workloads": show_workloads(world),
        "exchanges": world.exchanges,
        "assumptions": world.assumptions.all(),
        "faults": faults::show(&world.faults)["faults"],
        "rate_limits": world.rate_limits,
    })
}
