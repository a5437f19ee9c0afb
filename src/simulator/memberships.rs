//! Service accounts in workspaces, seen from both sides.
//!
//! Every live account is an implicit `workspace_user` of the default workspace until it is an
//! explicit member of it. The implicit membership shows on the account's side only.

use serde_json::{Value, json};

use super::assumptions::TokenFate;
use super::error::Refusal;
use super::fields::Fields;
use super::organization::{Membership, Token, World};
use super::page::{self, Row};
use super::request::{Context, Request};
use super::service_accounts;
use super::workspaces;

/// The roles that a service account can be given.
pub(super) const ROLES: [&str; 4] =
    ["workspace_user", "workspace_developer", "workspace_restricted_developer", "workspace_admin"];
const IMPLICIT_ROLE: &str = "workspace_user";

/// The workspaces of one account. The implicit membership comes first, on the first page, where
/// at least one explicit row follows it whatever the limit.
pub(super) fn of_account(world: &World, account_id: &str, request: &Request) -> Result<Value, Refusal> {
    let account = service_accounts::find(world, account_id)?;
    let is_live = account.provenance.is_live();
    let rows: Vec<Row> = world
        .workspaces
        .iter()
        .filter_map(|(id, workspace)| Some((id, workspace.members.get(account_id).filter(|_| is_live)?)))
        .map(|(id, member)| Row { key: id.clone(), value: show(account_id, id, Some(member)) })
        .collect();
    let limit = request.query.limit(page::LIMIT_DEFAULT, 100)?;
    if let Some(cursor) = request.query.get("page") {
        let start = page::position_after(&rows, cursor)?;
        return Ok(page::cursor_page(&rows, start, limit));
    }
    let default = &world.default_workspace;
    if !is_live || rows.iter().any(|row| row.key == *default) {
        return Ok(page::cursor_page(&rows, 0, limit));
    }
    let mut first = page::cursor_page(&rows, 0, limit.saturating_sub(1).max(1));
    if let Some(data) = first["data"].as_array_mut() {
        data.insert(0, show(account_id, default, None));
    }
    Ok(first)
}

/// The explicit members of one workspace that are not archived.
pub(super) fn of_workspace(world: &World, workspace_id: &str, request: &Request) -> Result<Value, Refusal> {
    let workspace = workspaces::find_live(world, workspace_id)?;
    let is_live =
        |id: &str| world.service_accounts.get(id).is_some_and(|account| account.provenance.is_live());
    let show = |account: &str, member: &Membership| show(account, workspace_id, Some(member));
    page::in_order(&workspace.members, &request.query, is_live, show)
}

/// One membership; 404 when there is none or the account is archived.
pub(super) fn read(world: &World, workspace_id: &str, account_id: &str) -> Result<Value, Refusal> {
    let workspace = workspaces::find_live(world, workspace_id)?;
    let account = service_accounts::find(world, account_id)?;
    let member = workspace.members.get(account_id);
    if !account.provenance.is_live() || (member.is_none() && workspace_id != world.default_workspace) {
        return Err(no_member(account_id, workspace_id));
    }
    Ok(show(account_id, workspace_id, member))
}

/// Adds the account a body names, or replaces its role.
pub(super) fn add_to_workspace(
    world: &mut World,
    context: &Context<'_>,
    workspace_id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    workspaces::find_live(world, workspace_id)?;
    let fields = Fields::parse(body, &["service_account_id", "workspace_role"])?;
    let account_id = fields.required_id("service_account_id", "svac")?;
    if !world.service_accounts.contains_key(&account_id) {
        return Err(fields.refuse("service_account_id", "No such service account"));
    }
    let role = read_role(&fields)?;
    set(world, context, workspace_id, &account_id, role)
}

/// Adds an account to the workspace a body names, or replaces its role.
pub(super) fn add_to_account(
    world: &mut World,
    context: &Context<'_>,
    account_id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    service_accounts::find(world, account_id)?;
    let fields = Fields::parse(body, &["workspace_id", "workspace_role"])?;
    let workspace_id = super::rules::read_workspace(world, &fields)?
        .ok_or_else(|| fields.refuse("workspace_id", "Field required"))?;
    let role = read_role(&fields)?;
    set(world, context, &workspace_id, account_id, role)
}

/// Changes the role of an explicit membership.
pub(super) fn update(
    world: &mut World,
    context: &Context<'_>,
    workspace_id: &str,
    account_id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let workspace = workspaces::find_live(world, workspace_id)?;
    service_accounts::find(world, account_id)?;
    let fields = Fields::parse(body, &["workspace_role"])?;
    let role = read_role(&fields)?;
    if !workspace.members.contains_key(account_id) {
        return Err(no_member(account_id, workspace_id));
    }
    set(world, context, workspace_id, account_id, role)
}

/// Removes a membership; a repeat succeeds, and an implicit one stays.
pub(super) fn remove(world: &mut World, workspace_id: &str, account_id: &str) -> Result<Value, Refusal> {
    workspaces::find_live(world, workspace_id)?;
    service_accounts::find(world, account_id)?;
    if let Some(workspace) = world.workspaces.get_mut(workspace_id) {
        workspace.members.remove(account_id);
    }
    // In the default workspace the account stays an implicit member.
    let is_out = !is_member(world, account_id, workspace_id);
    if is_out && world.assumptions.removed_member_tokens == TokenFate::End {
        let is_theirs =
            |token: &Token| token.actor == account_id && token.workspace.as_deref() == Some(workspace_id);
        world.tokens.retain(|_, token| !is_theirs(token));
    }
    Ok(json!({
        "type": "service_account_workspace_member_deleted",
        "service_account_id": account_id,
        "workspace_id": workspace_id,
    }))
}

/// All explicit memberships.
pub(super) fn all(world: &World) -> Vec<Value> {
    let of = |(id, workspace): (&String, &super::organization::Workspace)| {
        let id = id.clone();
        workspace.members.iter().map(|(account, member)| show(account, &id, Some(member))).collect::<Vec<_>>()
    };
    world.workspaces.iter().flat_map(of).collect()
}

/// Whether an account may act in a workspace.
pub(super) fn is_member(world: &World, account_id: &str, workspace_id: &str) -> bool {
    workspace_id == world.default_workspace
        || world
            .workspaces
            .get(workspace_id)
            .is_some_and(|workspace| workspace.members.contains_key(account_id))
}

fn set(
    world: &mut World,
    context: &Context<'_>,
    workspace_id: &str,
    account_id: &str,
    role: String,
) -> Result<Value, Refusal> {
    if !service_accounts::find(world, account_id)?.provenance.is_live() {
        return Err(Refusal::invalid("The service account is archived"));
    }
    let workspace =
        world.workspaces.get_mut(workspace_id).ok_or_else(|| no_member(account_id, workspace_id))?;
    let created_by = || context.caller.actor().map(str::to_owned);
    let member = workspace
        .members
        .entry(account_id.to_owned())
        .or_insert_with(|| Membership { role: String::new(), created_by: created_by() });
    member.role = role;
    Ok(show(account_id, workspace_id, Some(member)))
}

fn read_role(fields: &Fields) -> Result<String, Refusal> {
    fields.word("workspace_role", &ROLES)?.ok_or_else(|| fields.refuse("workspace_role", "Field required"))
}

fn no_member(account_id: &str, workspace_id: &str) -> Refusal {
    Refusal::not_found(format!("Service account {account_id} is not a member of workspace {workspace_id}"))
}

/// A membership as the API shows it; without a member it is the implicit one.
fn show(account_id: &str, workspace_id: &str, member: Option<&Membership>) -> Value {
    json!({
        "type": "service_account_workspace_member",
        "service_account_id": account_id,
        "workspace_id": workspace_id,
        "workspace_role": member.map_or(IMPLICIT_ROLE, |member| member.role.as_str()),
        "implicit": if member.is_none() { Value::Bool(true) } else { Value::Null },
        "created_by_actor_id": member.and_then(|member| member.created_by.clone()),
    })
}
