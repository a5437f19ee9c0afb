//! Workspaces.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::assumptions::Allowance;
use super::error::Refusal;
use super::fields::Fields;
use super::ids;
use super::organization::{KeyStatus, Workspace, World};
use super::page::{self, Row};
use super::request::{Context, Request, Version};
use super::rules;

const NAME_CHARS_MAX: usize = 40;
/// Most live workspaces (documented default).
const LIVE_MAX: usize = 100;
const IDS_MAX: usize = 100;
const DEFAULT_COLOR: &str = "#6C5BB9";

/// Lists workspaces, newest first. The default workspace has to be asked for.
pub(super) fn list(world: &World, context: &Context<'_>, request: &Request) -> Result<Value, Refusal> {
    let archived = request.query.flag("include_archived")?;
    let is_new = context.version != Version::Old;
    let with_default = is_new && request.query.flag("include_default")?;
    let wanted = if is_new { request.query.all("ids") } else { Vec::new() };
    if !wanted.iter().all(|id| ids::is_well_formed(id, "wrkspc")) {
        return Err(Refusal::invalid("ids: Each item should be an id that starts with wrkspc_"));
    }
    if wanted.len() > IDS_MAX {
        return Err(Refusal::invalid(format!("ids: List should have at most {IDS_MAX} items")));
    }
    let mut found: Vec<_> = world
        .workspaces
        .iter()
        .filter(|(_, workspace)| archived || workspace.archived_at.is_none())
        .filter(|(id, _)| with_default || **id != world.default_workspace)
        .filter(|(id, _)| wanted.is_empty() || wanted.contains(&id.as_str()))
        .collect();
    found.sort_by_key(|(_, workspace)| std::cmp::Reverse(workspace.sequence));
    let row = |(id, workspace): (&String, &Workspace)| Row { key: id.clone(), value: show(id, workspace) };
    page::by_window(&found.into_iter().map(row).collect::<Vec<_>>(), &request.query)
}

/// Reads one workspace, the default one included.
pub(super) fn read(world: &World, id: &str) -> Result<Value, Refusal> {
    Ok(show(id, find(world, id)?))
}

/// Creates a workspace.
pub(super) fn create(world: &mut World, context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    let known = ["name", "data_residency", "display_color", "tags", "external_key_id", "user_profile_id"];
    let fields = Fields::parse(body, &known)?;
    let name = fields.required_text("name", NAME_CHARS_MAX)?;
    let color = read_color(&fields)?;
    let mut tags = BTreeMap::new();
    apply_tags(&fields, &mut tags)?;
    let mut residency = default_residency();
    apply_residency(&fields, &mut residency, true)?;
    let external_key_id = fields.text("external_key_id", 255)?;
    let user_profile_id = fields.text("user_profile_id", 255)?;
    if world.workspaces.values().filter(|workspace| workspace.archived_at.is_none()).count() >= LIVE_MAX {
        return Err(Refusal::invalid(format!("An organization can have at most {LIVE_MAX} workspaces")));
    }

    let id = ids::free(world.seed, "wrkspc", &name, |id| world.workspaces.contains_key(id));
    let workspace = Workspace {
        sequence: world.next_sequence(),
        name,
        created_at: context.now,
        archived_at: None,
        display_color: color.unwrap_or_else(|| String::from(DEFAULT_COLOR)),
        data_residency: residency,
        tags,
        external_key_id,
        user_profile_id,
        active_key_limit: None,
        members: BTreeMap::new(),
    };
    let shown = show(&id, &workspace);
    world.workspaces.insert(id, workspace);
    Ok(shown)
}

/// Changes the given fields of a workspace.
pub(super) fn update(world: &mut World, id: &str, body: &[u8]) -> Result<Value, Refusal> {
    let workspace = find_live(world, id)?;
    refuse_default(world, id, "changed")?;
    let known = ["name", "data_residency", "display_color", "tags", "external_key_id", "user_profile_id"];
    let fields = Fields::parse(body, &known)?;
    let name = fields.text("name", NAME_CHARS_MAX)?;
    let color = read_color(&fields)?;
    let mut tags = workspace.tags.clone();
    apply_tags(&fields, &mut tags)?;
    let mut residency = workspace.data_residency.clone();
    apply_residency(&fields, &mut residency, false)?;
    let once = |field: &str, held: &Option<String>| match (fields.text(field, 255)?, held) {
        (Some(given), Some(held)) if given != *held => {
            Err(fields.refuse(field, "It cannot be changed once set"))
        }
        (given, held) => Ok(given.or_else(|| held.clone())),
    };
    let external_key_id = once("external_key_id", &workspace.external_key_id)?;
    let user_profile_id = once("user_profile_id", &workspace.user_profile_id)?;

    let workspace = world.workspaces.get_mut(id).ok_or_else(|| missing(id))?;
    name.into_iter().for_each(|name| workspace.name = name);
    color.into_iter().for_each(|color| workspace.display_color = color);
    workspace.tags = tags;
    workspace.data_residency = residency;
    workspace.external_key_id = external_key_id;
    workspace.user_profile_id = user_profile_id;
    Ok(show(id, workspace))
}

/// Archives a workspace and all of its keys, for good.
pub(super) fn archive(world: &mut World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    find(world, id)?;
    refuse_default(world, id, "archived")?;
    let is_named = !find(world, id)?.members.is_empty()
        || rules::live(world).any(|(_, rule)| rule.workspaces.contains_key(id));
    if is_named && world.assumptions.referenced_workspace_archive == Allowance::Refused {
        return Err(Refusal::invalid("A federation rule or a service account is in the workspace"));
    }
    let workspace = world.workspaces.get_mut(id).ok_or_else(|| missing(id))?;
    workspace.archived_at.get_or_insert(context.now);
    let shown = show(id, workspace);
    for key in world.api_keys.values_mut().filter(|key| key.workspace.as_deref() == Some(id)) {
        key.set_status(KeyStatus::Archived, context.now);
    }
    Ok(shown)
}

/// The workspace with this id; 404 when unknown, 400 when archived.
pub(super) fn find_live<'a>(world: &'a World, id: &str) -> Result<&'a Workspace, Refusal> {
    match find(world, id)? {
        workspace if workspace.archived_at.is_none() => Ok(workspace),
        _ => Err(Refusal::invalid(format!("Workspace {id} is archived"))),
    }
}

/// What a workspace has when nothing else is asked.
pub(super) fn default_residency() -> Value {
    json!({"workspace_geo": "us", "allowed_inference_geos": "unrestricted", "default_inference_geo": "global"})
}

/// The color of a workspace that asks for none.
pub(super) fn default_color() -> String {
    String::from(DEFAULT_COLOR)
}

/// A workspace as the API shows it.
pub(super) fn show(id: &str, workspace: &Workspace) -> Value {
    json!({
        "id": id,
        "type": "workspace",
        "name": workspace.name,
        "created_at": workspace.created_at.to_string(),
        "archived_at": workspace.archived_at.map(|at| at.to_string()),
        "display_color": workspace.display_color,
        "compartment_id": id.replacen("wrkspc_", "cmprt_", 1),
        "data_residency": workspace.data_residency,
        "external_key_id": workspace.external_key_id,
        "user_profile_id": workspace.user_profile_id,
        "tags": workspace.tags,
    })
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Workspace, Refusal> {
    world.workspaces.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found(format!("Workspace {id} not found"))
}

fn refuse_default(world: &World, id: &str, what: &str) -> Result<(), Refusal> {
    if id == world.default_workspace {
        return Err(Refusal::invalid(format!("The default workspace cannot be {what}")));
    }
    Ok(())
}

fn read_color(fields: &Fields) -> Result<Option<String>, Refusal> {
    let color = fields.text("display_color", 7)?;
    let is_color = |text: &str| {
        text.strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    match &color {
        Some(text) if !is_color(text) => Err(fields.refuse("display_color", "Input should be #RRGGBB")),
        _ => Ok(color),
    }
}

/// Sets the given tags; null removes one.
fn apply_tags(fields: &Fields, tags: &mut BTreeMap<String, String>) -> Result<(), Refusal> {
    let given = match fields.value("tags") {
        None => return Ok(()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(fields.refuse("tags", "Input should be an object of strings")),
    };
    for (name, value) in given {
        match value {
            _ if name.starts_with("anthropic") => {
                return Err(
                    fields.refuse(&format!("tags.{name}"), "Names that start with anthropic are reserved")
                );
            }
            Value::String(text) => drop(tags.insert(name.clone(), text.clone())),
            Value::Null => drop(tags.remove(name)),
            _ => return Err(fields.refuse(&format!("tags.{name}"), "Input should be a valid string")),
        }
    }
    Ok(())
}

/// Sets the given parts of the residency; the workspace's own place can be chosen once.
fn apply_residency(fields: &Fields, residency: &mut Value, is_new: bool) -> Result<(), Refusal> {
    let Some(given) = fields.value("data_residency") else { return Ok(()) };
    let known = ["workspace_geo", "allowed_inference_geos", "default_inference_geo"];
    let given = Fields::of(given.clone(), "data_residency.", &known)?;
    for name in ["workspace_geo", "default_inference_geo"] {
        if let Some(text) = given.text(name, 40)? {
            if name == "workspace_geo" && !is_new && residency[name] != text.as_str() {
                return Err(given.refuse(name, "It cannot be changed"));
            }
            residency[name] = Value::String(text);
        }
    }
    match given.value("allowed_inference_geos") {
        None => {}
        Some(geos) if geos == "unrestricted" => residency["allowed_inference_geos"] = geos.clone(),
        Some(Value::Array(geos)) if geos.iter().all(Value::is_string) => {
            residency["allowed_inference_geos"] = json!(geos);
        }
        Some(_) => {
            return Err(
                given.refuse("allowed_inference_geos", "Input should be unrestricted or a list of strings")
            );
        }
    }
    Ok(())
}
