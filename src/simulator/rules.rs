//! Federation rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::assumptions::{Allowance, UpdateTime};
use super::auth;
use super::error::Refusal;
use super::fields::Fields;
use super::ids;
use super::limits;
use super::matching;
use super::names;
use super::organization::{Enablement, Provenance, Rule, World};
use super::page;
use super::request::{Context, Request, Version};
use super::tenant_pin;

const TOKEN_LIFETIME_DEFAULT: i64 = 3600;
const SCOPE_CHARS_MAX: usize = 500;
const SCOPES: [&str; 4] =
    ["workspace:developer", "workspace:inference", "workspace:manage_tunnels", auth::ORG_ADMIN];

/// Creates a rule.
pub(super) fn create(world: &mut World, context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    let known = [
        "name",
        "description",
        "issuer_id",
        "match",
        "target",
        "oauth_scope",
        "token_lifetime_seconds",
        "workspace_id",
        "applies_to_all_workspaces",
        "attributes",
    ];
    let fields = Fields::parse(body, &known)?;
    refuse_attributes(&fields)?;
    let name = fields.required_slug("name")?;
    let description = fields.clearable_text("description", limits::DESCRIPTION_CHARS_MAX)?.flatten();
    let issuer_id = read_issuer(world, &fields)?;
    let matching = fields.value("match").ok_or_else(|| fields.refuse("match", "Field required"))?;
    let matching = matching::read(matching, world.assumptions.empty_claims)?;
    let service_account_id =
        read_target(world, &fields)?.ok_or_else(|| fields.refuse("target", "Field required"))?;
    let scope = read_scope(world, &fields)?.ok_or_else(|| fields.refuse("oauth_scope", "Field required"))?;
    let lifetime = fields.integer("token_lifetime_seconds", limits::TOKEN_LIFETIME_SECONDS)?;
    let workspace = read_workspace(world, &fields)?;
    let everywhere = fields.boolean("applies_to_all_workspaces")?.unwrap_or(false);
    if workspace.is_none() && !everywhere {
        let problem = "Field required unless applies_to_all_workspaces is true";
        return Err(fields.refuse("workspace_id", problem));
    }
    if workspace.is_some() && everywhere && world.assumptions.workspace_with_all == Allowance::Refused {
        return Err(fields.refuse("workspace_id", "Not together with applies_to_all_workspaces"));
    }
    refuse_unmanageable(world, &scope)?;
    tenant_pin::check(world, &world.issuers[&issuer_id].issuer_url, &matching)?;
    names::claim(world, &world.rules, &name)?;

    let id = ids::free(world.seed, "fdrl", &name, |id| world.rules.contains_key(id));
    let rule = Rule {
        sequence: world.next_sequence(),
        name,
        description,
        issuer_id,
        matching,
        service_account_id,
        oauth_scope: scope,
        token_lifetime_seconds: lifetime.unwrap_or(TOKEN_LIFETIME_DEFAULT),
        applies_to_all_workspaces: everywhere,
        workspaces: workspace.into_iter().map(|id| (id, enablement(context))).collect(),
        legacy_workspace: None,
        provenance: Provenance::new(context.now, context.caller.actor()),
    };
    world.rules.insert(id.clone(), rule);
    read(world, context, &id)
}

/// Lists rules, newest first, optionally those of one issuer.
pub(super) fn list(world: &World, context: &Context<'_>, request: &Request) -> Result<Value, Refusal> {
    let archived = request.query.flag("include_archived")?;
    let issuer = request.query.id("issuer_id", "fdis")?;
    let passes = |rule: &Rule| {
        (archived || rule.provenance.is_live()) && issuer.is_none_or(|issuer| rule.issuer_id == issuer)
    };
    let show = |id: &str, rule: &Rule| show(world, id, rule, context.version);
    page::newest_first(&world.rules, &request.query, passes, show)
}

/// Reads one rule.
pub(super) fn read(world: &World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    Ok(show(world, id, find(world, id)?, context.version))
}

/// Changes the given fields of a rule; its issuer is fixed.
pub(super) fn update(
    world: &mut World,
    context: &Context<'_>,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let rule = find(world, id)?;
    if !rule.provenance.is_live() {
        return Err(Refusal::invalid("The federation rule is archived and cannot be updated"));
    }
    let known = [
        "name",
        "description",
        "match",
        "target",
        "oauth_scope",
        "token_lifetime_seconds",
        "workspace_id",
        "applies_to_all_workspaces",
        "attributes",
    ];
    let fields = Fields::parse(body, &known)?;
    refuse_attributes(&fields)?;
    refuse_unmanageable(world, &rule.oauth_scope)?;
    let name = fields.slug("name")?;
    let description = fields.clearable_text("description", limits::DESCRIPTION_CHARS_MAX)?;
    let matched = |value| matching::read(value, world.assumptions.empty_claims);
    let new_match = fields.value("match").map(matched).transpose()?;
    let target = read_target(world, &fields)?;
    let scope = read_scope(world, &fields)?;
    scope.as_deref().map_or(Ok(()), |scope| refuse_unmanageable(world, scope))?;
    let lifetime = fields.integer("token_lifetime_seconds", limits::TOKEN_LIFETIME_SECONDS)?;
    let workspace = read_workspace(world, &fields)?;
    let everywhere = fields.boolean("applies_to_all_workspaces")?;
    if workspace.is_some() && rule.workspaces.len() > 1 {
        let problem = "The rule is enabled in several workspaces; add and remove them one by one";
        return Err(fields.refuse("workspace_id", problem));
    }
    let keeps_one = workspace.is_some() || !rule.workspaces.is_empty() || rule.legacy_workspace.is_some();
    if everywhere == Some(false) && !keeps_one {
        return Err(fields.refuse("applies_to_all_workspaces", "The rule would be left without a workspace"));
    }
    let matching = new_match.as_ref().unwrap_or(&rule.matching);
    tenant_pin::check(world, &world.issuers[&rule.issuer_id].issuer_url, matching)?;
    if let Some(name) = name.as_ref().filter(|name| **name != rule.name) {
        names::claim(world, &world.rules, name)?;
    }

    let before = read(world, context, id)?;
    name.into_iter().for_each(|name| world.rules.rename(id, name));
    let rule = world.rules.get_mut(id).ok_or_else(|| missing(id))?;
    description.into_iter().for_each(|text| rule.description = Some(text.unwrap_or_default()));
    new_match.into_iter().for_each(|matching| rule.matching = matching);
    target.into_iter().for_each(|target| rule.service_account_id = target);
    scope.into_iter().for_each(|scope| rule.oauth_scope = scope);
    lifetime.into_iter().for_each(|seconds| rule.token_lifetime_seconds = seconds);
    everywhere.into_iter().for_each(|flag| rule.applies_to_all_workspaces = flag);
    if let Some(workspace) = workspace {
        rule.legacy_workspace = None;
        if !rule.workspaces.contains_key(&workspace) {
            rule.workspaces = BTreeMap::from([(workspace, enablement(context))]);
        }
    }
    if read(world, context, id)? != before || world.assumptions.unchanged_update == UpdateTime::Moves {
        let rule = world.rules.get_mut(id).ok_or_else(|| missing(id))?;
        rule.provenance.update(context.now, context.caller.actor());
    }
    read(world, context, id)
}

/// Archives a rule: exchanges stop at once, tokens minted before live on.
pub(super) fn archive(world: &mut World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    refuse_unmanageable(world, &find(world, id)?.oauth_scope)?;
    let rule = world.rules.get_mut(id).ok_or_else(|| missing(id))?;
    rule.provenance.archive(context.now, context.caller.actor());
    rule.workspaces.clear();
    rule.legacy_workspace = None;
    read(world, context, id)
}

/// The rules that are not archived.
pub(super) fn live(world: &World) -> impl Iterator<Item = (&String, &Rule)> {
    world.rules.iter().filter(|(_, rule)| rule.provenance.is_live())
}

/// Whether the API may manage rules of this scope; the others are the Console's.
pub(super) fn is_manageable(scope: &str) -> bool {
    scope.split_whitespace().all(|word| matches!(word, "workspace:developer" | "workspace:inference"))
}

/// Refuses to touch a rule of a scope that is the Console's.
pub(super) fn refuse_unmanageable(world: &World, scope: &str) -> Result<(), Refusal> {
    if is_manageable(scope) {
        return Ok(());
    }
    let message = format!("Rules with the scope {scope} can be managed in the Console only");
    Err(auth::carve_out(world, &message))
}

/// Checks the words of a scope.
pub(super) fn scope_problem(scope: &str) -> Option<String> {
    let unknown = scope.split(' ').find(|word| !SCOPES.contains(word))?;
    Some(format!("Unknown scope \"{unknown}\"; there are {}", SCOPES.join(", ")))
}

/// A fresh enablement by the caller.
pub(super) fn enablement(context: &Context<'_>) -> Enablement {
    Enablement { created_at: context.now, created_by: context.caller.actor().map(str::to_owned) }
}

/// The rule with this id, archived or not.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Result<&'a Rule, Refusal> {
    world.rules.get(id).ok_or_else(|| missing(id))
}

pub(super) fn missing(id: &str) -> Refusal {
    Refusal::not_found(format!("Federation rule {id} not found"))
}

/// A rule as the API shows it.
pub(super) fn show(world: &World, id: &str, rule: &Rule, version: Version) -> Value {
    let account = &rule.service_account_id;
    let mut shown = json!({
        "id": id,
        "type": "federation_rule",
        "name": rule.name,
        "description": rule.description,
        "issuer_id": rule.issuer_id,
        "issuer_name": world.issuers.get(&rule.issuer_id).map(|issuer| &issuer.name),
        "match": matching::show(&rule.matching),
        "target": {
            "type": "service_account",
            "service_account_id": account,
            "service_account_name": world.service_accounts.get(account).map(|account| &account.name),
        },
        "oauth_scope": rule.oauth_scope,
        "token_lifetime_seconds": rule.token_lifetime_seconds,
        "applies_to_all_workspaces": rule.applies_to_all_workspaces,
        "workspace_ids": rule.workspaces.keys().collect::<Vec<_>>(),
    });
    if version != Version::New {
        let only = rule.workspaces.keys().next().filter(|_| rule.workspaces.len() == 1);
        shown["workspace_id"] = json!(rule.legacy_workspace.as_ref().or(only));
        shown["attributes"] = Value::Null;
    }
    rule.provenance.write_to(&mut shown);
    shown
}

fn refuse_attributes(fields: &Fields) -> Result<(), Refusal> {
    match fields.value("attributes") {
        Some(Value::Object(map)) if map.is_empty() => Ok(()),
        None => Ok(()),
        Some(_) => Err(fields.refuse("attributes", "Attributes are not supported")),
    }
}

fn read_issuer(world: &World, fields: &Fields) -> Result<String, Refusal> {
    let id = fields.required_id("issuer_id", "fdis")?;
    match world.issuers.get(&id) {
        Some(issuer) if issuer.provenance.is_live() => Ok(id),
        Some(_) => Err(fields.refuse("issuer_id", "The federation issuer is archived")),
        None => Err(fields.refuse("issuer_id", "No such federation issuer")),
    }
}

fn read_target(world: &World, fields: &Fields) -> Result<Option<String>, Refusal> {
    let Some(target) = fields.value("target") else { return Ok(None) };
    let known = ["type", "service_account_id", "service_account_name"];
    let target = Fields::of(target.clone(), "target.", &known)?;
    if target.word("type", &["service_account"])?.is_none() {
        return Err(target.refuse("type", "Field required"));
    }
    let id = target.required_id("service_account_id", "svac")?;
    match world.service_accounts.get(&id) {
        Some(account) if account.provenance.is_live() => Ok(Some(id)),
        Some(_) => Err(target.refuse("service_account_id", "The service account is archived")),
        None => Err(target.refuse("service_account_id", "No such service account")),
    }
}

fn read_scope(world: &World, fields: &Fields) -> Result<Option<String>, Refusal> {
    let scope = fields.text("oauth_scope", SCOPE_CHARS_MAX)?;
    match scope.as_deref().and_then(scope_problem) {
        Some(problem) => Err(fields.refuse("oauth_scope", &problem)),
        None if world.assumptions.several_scopes == Allowance::Refused
            && scope.as_deref().is_some_and(|scope| scope.contains(' ')) =>
        {
            Err(fields.refuse("oauth_scope", "A rule has one scope"))
        }
        None => Ok(scope),
    }
}

/// The workspace a body names, which has to be a live one.
pub(super) fn read_workspace(world: &World, fields: &Fields) -> Result<Option<String>, Refusal> {
    match fields.id("workspace_id", "wrkspc")? {
        Some(id) if !world.workspaces.contains_key(&id) => {
            Err(fields.refuse("workspace_id", "No such workspace"))
        }
        Some(id) if !world.is_live_workspace(&id) => {
            Err(fields.refuse("workspace_id", "The workspace is archived"))
        }
        id => Ok(id),
    }
}
