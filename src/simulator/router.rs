//! Which handler answers which method and path.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::auth::{self, Family};
use super::error::Refusal;
use super::organization::World;
use super::request::{Context, Reply, Request};
use super::{
    activities, analytics, api_keys, changes, control, exchange, issuers, memberships, messages, models,
    rule_workspaces, rules, service_accounts, usage, workspaces,
};

/// Answers one request. Only an accepted one has changed what the API shows.
pub(super) fn answer(
    world: &mut World,
    base: &Path,
    request: &Request,
    now: Timestamp,
    real: Timestamp,
) -> Result<Reply, Refusal> {
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match path.as_slice() {
        ["_simulator", rest @ ..] => control::answer(world, base, request, rest, now, real).map(plain),
        ["v1", "oauth", "token"] if request.method == "POST" => {
            exchange::answer(world, request, now).map(plain)
        }
        ["v1", "messages"] if request.method == "POST" => {
            auth::version(world, request)?;
            messages::create(world, request, now)
        }
        ["v1", "messages", "count_tokens"] if request.method == "POST" => {
            auth::version(world, request)?;
            messages::count_tokens(world, request, now)
        }
        ["v1", "models", rest @ ..] if request.method == "GET" => {
            auth::version(world, request)?;
            models::answer(world, request, rest, now)
        }
        ["v1", "compliance", "activities"] if request.method == "GET" => {
            auth::authorize(world, request, Family::Feed, now)?;
            auth::version(world, request)?;
            let body = activities::list(world, request, now)?;
            Ok(Reply { body, authenticated: true, workspace: None, is_stream: false })
        }
        ["v1", "organizations", rest @ ..] => organization(world, request, rest, now),
        _ => Err(Refusal::not_found("Not found")),
    }
}

/// An answer that names no organization.
pub(super) fn plain(body: Value) -> Reply {
    Reply { body, authenticated: false, workspace: None, is_stream: false }
}

fn organization(
    world: &mut World,
    request: &Request,
    path: &[&str],
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let family = match path {
        ["federation_issuers" | "federation_rules" | "service_accounts", ..] => Family::Federation,
        ["workspaces", _, "service_accounts", ..] => Family::Federation,
        ["usage_report", "messages"] => Family::Usage,
        ["analytics", "usage"] => Family::Analytics,
        ["me"] | ["api_keys" | "workspaces", ..] => Family::Management,
        _ => return Err(Refusal::not_found("Not found")),
    };
    let caller = auth::authorize(world, request, family, now)?;
    let context = Context { caller: &caller, version: auth::version(world, request)?, now };
    let watched = changes::watch(world, request, path);
    let body = match path {
        ["me"] => me(world, request),
        ["usage_report", "messages"] if request.method == "GET" => usage::report(world, request, now),
        ["analytics", "usage"] if request.method == "GET" => analytics::usage(world, request, now),
        ["federation_issuers", rest @ ..] => federation_issuers(world, &context, request, rest),
        ["federation_rules", rest @ ..] => federation_rules(world, &context, request, rest),
        ["service_accounts", rest @ ..] => accounts(world, &context, request, rest),
        ["api_keys", rest @ ..] => keys(world, &context, request, rest),
        ["workspaces", rest @ ..] => in_workspaces(world, &context, request, rest),
        _ => Err(wrong_method(request)),
    }?;
    changes::tell(world, &context, request, path, watched, &body);
    Ok(Reply { body, authenticated: true, workspace: None, is_stream: false })
}

fn me(world: &World, request: &Request) -> Result<Value, Refusal> {
    match request.method.as_str() {
        "GET" => {
            Ok(json!({"id": world.organization.id, "name": world.organization.name, "type": "organization"}))
        }
        _ => Err(wrong_method(request)),
    }
}

fn federation_issuers(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Value, Refusal> {
    match (request.method.as_str(), path) {
        ("GET", []) => issuers::list(world, request),
        ("POST", []) => issuers::create(world, context, &request.body),
        ("GET", [id]) => issuers::read(world, id),
        ("POST", [id]) => issuers::update(world, context, id, &request.body),
        ("POST", [id, "archive"]) => no_body(request).and_then(|()| issuers::archive(world, context, id)),
        (_, [] | [_] | [_, "archive"]) => Err(wrong_method(request)),
        _ => Err(Refusal::not_found("Not found")),
    }
}

fn federation_rules(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Value, Refusal> {
    match (request.method.as_str(), path) {
        ("GET", []) => rules::list(world, context, request),
        ("POST", []) => rules::create(world, context, &request.body),
        ("GET", [id]) => rules::read(world, context, id),
        ("POST", [id]) => rules::update(world, context, id, &request.body),
        ("POST", [id, "archive"]) => no_body(request).and_then(|()| rules::archive(world, context, id)),
        ("GET", [id, "workspaces"]) => rule_workspaces::list(world, id),
        ("POST", [id, "workspaces"]) => rule_workspaces::add(world, context, id, &request.body),
        ("DELETE", [id, "workspaces", workspace]) => rule_workspaces::remove(world, id, workspace),
        (_, [] | [_] | [_, "archive" | "workspaces"] | [_, "workspaces", _]) => Err(wrong_method(request)),
        _ => Err(Refusal::not_found("Not found")),
    }
}

fn accounts(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Value, Refusal> {
    match (request.method.as_str(), path) {
        ("GET", []) => service_accounts::list(world, request),
        ("POST", []) => service_accounts::create(world, context, &request.body),
        ("GET", [id]) => service_accounts::read(world, id),
        ("POST", [id]) => service_accounts::update(world, context, id, &request.body),
        ("POST", [id, "archive"]) => {
            no_body(request).and_then(|()| service_accounts::archive(world, context, id))
        }
        ("GET", [id, "workspaces"]) => memberships::of_account(world, id, request),
        ("POST", [id, "workspaces"]) => memberships::add_to_account(world, context, id, &request.body),
        ("DELETE", [id, "workspaces", workspace]) => memberships::remove(world, workspace, id),
        (_, [] | [_] | [_, "archive" | "workspaces"] | [_, "workspaces", _]) => Err(wrong_method(request)),
        _ => Err(Refusal::not_found("Not found")),
    }
}

fn keys(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Value, Refusal> {
    match (request.method.as_str(), path) {
        ("GET", []) => api_keys::list(world, context, request),
        ("GET", [id]) => api_keys::read(world, context, id),
        ("POST", [id]) => api_keys::update(world, context, id, &request.body),
        (_, [] | [_]) => Err(wrong_method(request)),
        _ => Err(Refusal::not_found("Not found")),
    }
}

fn in_workspaces(
    world: &mut World,
    context: &Context<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Value, Refusal> {
    let body = &request.body;
    match (request.method.as_str(), path) {
        ("GET", []) => workspaces::list(world, context, request),
        ("POST", []) => workspaces::create(world, context, body),
        ("GET", [id]) => workspaces::read(world, id),
        ("POST", [id]) => workspaces::update(world, id, body),
        ("POST", [id, "archive"]) => no_body(request).and_then(|()| workspaces::archive(world, context, id)),
        ("GET", [id, "service_accounts"]) => memberships::of_workspace(world, id, request),
        ("POST", [id, "service_accounts"]) => memberships::add_to_workspace(world, context, id, body),
        ("GET", [id, "service_accounts", account]) => memberships::read(world, id, account),
        ("POST", [id, "service_accounts", account]) => memberships::update(world, context, id, account, body),
        ("DELETE", [id, "service_accounts", account]) => memberships::remove(world, id, account),
        (_, [] | [_] | [_, "archive" | "service_accounts"] | [_, "service_accounts", _]) => {
            Err(wrong_method(request))
        }
        _ => Err(Refusal::not_found("Not found")),
    }
}

/// Refuses fields where none are known.
fn no_body(request: &Request) -> Result<(), Refusal> {
    super::fields::Fields::none(&request.body)
}

fn wrong_method(request: &Request) -> Refusal {
    Refusal::with_status(405, format!("{} is not possible here", request.method))
}
