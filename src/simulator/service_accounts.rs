//! Service accounts.

use serde_json::{Value, json};

use super::assumptions::{TokenFate, UpdateTime};
use super::auth;
use super::error::Refusal;
use super::fields::Fields;
use super::ids;
use super::limits;
use super::names;
use super::organization::{Provenance, ServiceAccount, World};
use super::page;
use super::request::{Context, Request};
use super::rules;

const ROLES: [&str; 2] = ["developer", "admin"];

/// Creates a service account.
pub(super) fn create(world: &mut World, context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    let fields = Fields::parse(body, &["name", "description", "organization_role"])?;
    let name = fields.required_slug("name")?;
    let description = fields.clearable_text("description", limits::DESCRIPTION_CHARS_MAX)?.flatten();
    if fields.is_null("organization_role") {
        return Err(fields.refuse("organization_role", "Input should be one of: developer, admin"));
    }
    let role = read_role(world, context, &fields)?;
    names::claim(world, &world.service_accounts, &name)?;

    let id = ids::free(world.seed, "svac", &name, |id| world.service_accounts.contains_key(id));
    let account = ServiceAccount {
        sequence: world.next_sequence(),
        name,
        description,
        organization_role: role.unwrap_or_else(|| String::from("developer")),
        provenance: Provenance::new(context.now, context.caller.actor()),
    };
    let shown = show(&id, &account);
    world.service_accounts.insert(id, account);
    Ok(shown)
}

/// Lists service accounts, newest first.
pub(super) fn list(world: &World, request: &Request) -> Result<Value, Refusal> {
    let archived = request.query.flag("include_archived")?;
    let passes = |account: &ServiceAccount| archived || account.provenance.is_live();
    page::newest_first(&world.service_accounts, &request.query, passes, show)
}

/// Reads one service account.
pub(super) fn read(world: &World, id: &str) -> Result<Value, Refusal> {
    Ok(show(id, find(world, id)?))
}

/// Changes the description or the role; the name is fixed.
pub(super) fn update(
    world: &mut World,
    context: &Context<'_>,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let account = find(world, id)?;
    if !account.provenance.is_live() {
        return Err(Refusal::invalid("The service account is archived and cannot be updated"));
    }
    let fields = Fields::parse(body, &["description", "organization_role"])?;
    let description = fields.clearable_text("description", limits::DESCRIPTION_CHARS_MAX)?;
    let role = read_role(world, context, &fields)?;

    let keeps_time = world.assumptions.unchanged_update == UpdateTime::Keeps;
    let before = show(id, account);
    let account = world.service_accounts.get_mut(id).ok_or_else(|| missing(id))?;
    description.into_iter().for_each(|text| account.description = Some(text.unwrap_or_default()));
    role.into_iter().for_each(|role| account.organization_role = role);
    if !keeps_time || show(id, account) != before {
        account.provenance.update(context.now, context.caller.actor());
    }
    Ok(show(id, account))
}

/// Archives a service account, unless a live rule targets it.
pub(super) fn archive(world: &mut World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    find(world, id)?;
    if rules::live(world).any(|(_, rule)| rule.service_account_id == id) {
        return Err(Refusal::invalid(
            "A federation rule targets this service account; archive the rule first",
        ));
    }
    if world.assumptions.archived_account_tokens == TokenFate::End {
        world.tokens.retain(|_, token| token.actor != id);
    }
    let account = world.service_accounts.get_mut(id).ok_or_else(|| missing(id))?;
    account.provenance.archive(context.now, context.caller.actor());
    Ok(show(id, account))
}

/// The service account with this id, archived or not.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Result<&'a ServiceAccount, Refusal> {
    world.service_accounts.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found(format!("Service account {id} not found"))
}

/// A service account as the API shows it.
pub(super) fn show(id: &str, account: &ServiceAccount) -> Value {
    let mut shown = json!({
        "id": id,
        "type": "service_account",
        "name": account.name,
        "description": account.description,
        "organization_role": account.organization_role,
    });
    account.provenance.write_to(&mut shown);
    shown
}

/// The role a body asks for. Only a person may send `admin`, even when nothing changes by it.
fn read_role(world: &World, context: &Context<'_>, fields: &Fields) -> Result<Option<String>, Refusal> {
    let role = fields.word("organization_role", &ROLES)?;
    if role.as_deref() == Some("admin") && context.caller.is_workload() {
        let message = "organization_role: admin can be given by a person only";
        return Err(auth::carve_out(world, message));
    }
    Ok(role)
}
