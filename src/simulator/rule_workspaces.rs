//! The workspaces in which a rule is enabled.

use serde_json::{Value, json};

use super::assumptions::Permission;
use super::error::Refusal;
use super::fields::Fields;
use super::organization::{Enablement, World};
use super::request::Context;
use super::rules;

/// All enablements, always in one page.
pub(super) fn list(world: &World, rule_id: &str) -> Result<Value, Refusal> {
    let rule = rules::find(world, rule_id)?;
    let name = |id: &str| world.workspaces.get(id).map(|workspace| workspace.name.as_str());
    let data: Vec<Value> =
        rule.workspaces.iter().map(|(id, enabled)| show(rule_id, id, name(id), enabled)).collect();
    Ok(json!({"data": data, "next_page": null}))
}

/// Enables a rule in one more workspace; a repeat keeps what was there.
pub(super) fn add(
    world: &mut World,
    context: &Context<'_>,
    rule_id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let rule = rules::find(world, rule_id)?;
    let fields = Fields::parse(body, &["workspace_id"])?;
    if !rule.provenance.is_live() {
        return Err(Refusal::invalid("The federation rule is archived"));
    }
    rules::refuse_unmanageable(world, &rule.oauth_scope)?;
    let workspace = rules::read_workspace(world, &fields)?
        .ok_or_else(|| fields.refuse("workspace_id", "Field required"))?;

    let rule = world.rules.get_mut(rule_id).ok_or_else(|| rules::missing(rule_id))?;
    let enabled = rule.workspaces.entry(workspace.clone()).or_insert_with(|| rules::enablement(context));
    Ok(show(rule_id, &workspace, None, enabled))
}

/// Disables a rule in a workspace; a repeat succeeds.
pub(super) fn remove(world: &mut World, rule_id: &str, workspace: &str) -> Result<Value, Refusal> {
    let rule = rules::find(world, rule_id)?;
    rules::refuse_unmanageable(world, &rule.oauth_scope)?;
    if !world.workspaces.contains_key(workspace) {
        return Err(Refusal::not_found(format!("Workspace {workspace} not found")));
    }
    let is_last = rule.workspaces.len() == 1
        && rule.workspaces.contains_key(workspace)
        && !rule.applies_to_all_workspaces
        && rule.legacy_workspace.is_none();
    if is_last && world.assumptions.remove_last_workspace == Permission::Refused {
        return Err(Refusal::invalid("The rule would be left without a workspace; archive it instead"));
    }

    let rule = world.rules.get_mut(rule_id).ok_or_else(|| rules::missing(rule_id))?;
    rule.workspaces.remove(workspace);
    Ok(json!({
        "type": "federation_rule_workspace_deleted",
        "federation_rule_id": rule_id,
        "workspace_id": workspace,
    }))
}

fn show(rule_id: &str, workspace: &str, name: Option<&str>, enabled: &Enablement) -> Value {
    json!({
        "type": "federation_rule_workspace",
        "federation_rule_id": rule_id,
        "workspace_id": workspace,
        "workspace_name": name,
        "created_at": enabled.created_at.to_string(),
        "created_by_actor_id": enabled.created_by,
    })
}
