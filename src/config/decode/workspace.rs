//! `data "workspace"` blocks, and what may stand for a workspace elsewhere.

use keyless_state::{Address, Kind};

use super::Context;
use super::fields::Fields;
use crate::config::configuration::{WorkspaceKey, WorkspaceLookup, WorkspaceRef};
use crate::config::convert;
use crate::config::section::Section;
use crate::config::value::Value;

const ID_PREFIX: &str = "wrkspc_";

pub(super) fn decode(context: &Context<'_>, address: &Address, section: &Section) -> Option<WorkspaceLookup> {
    if address.label() != Some("workspace") {
        // The kind has been refused; nothing is known of its arguments.
        return None;
    }
    let mut fields = Fields::of(context, section, address);
    let (name, id) = (fields.text("name"), fields.text("id"));
    fields.finish(&[]);
    let by = match (name, id) {
        (Some(name), None) => WorkspaceKey::Name(name.value),
        (None, Some(id)) => {
            if !is_id(&id.value) {
                let detail =
                    format!("A workspace id begins with `{ID_PREFIX}` and goes on with letters and digits.");
                fields.refuse("Invalid workspace", detail, id.span, "use `name = …` to find it by its name");
            }
            WorkspaceKey::Id(id.value)
        }
        (Some(_), Some(id)) => {
            let detail = "The workspace is looked up by `name` or by `id`, not by both.";
            fields.refuse("Conflicting arguments", detail, id.span, "remove one of the two");
            return None;
        }
        (None, None) => {
            if fields.is_sound() {
                let detail = format!("{address} needs `name` or `id`.");
                let hint = "add `name = \"…\"`; the default workspace is \"Default\"";
                fields.refuse("Missing argument", detail, section.header, hint);
            }
            return None;
        }
    };
    fields.is_sound().then(|| WorkspaceLookup { location: context.location(section.header), by })
}

fn is_id(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.strip_prefix(ID_PREFIX).is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_part))
}

/// A reference to a `data.workspace` block, or the id of a workspace.
///
/// # Errors
/// A sentence for people.
pub(super) fn reference(value: &Value) -> Result<WorkspaceRef, String> {
    if let Some(reference) = value.as_reference() {
        let address = &reference.address;
        if address.kind() == Kind::Data && address.label() == Some("workspace") {
            return Ok(WorkspaceRef::Data(address.clone()));
        }
    }
    match value.as_text() {
        Some(text) if is_id(text) => Ok(WorkspaceRef::Id(text.to_owned())),
        _ => Err(convert::expected("data.workspace.NAME or an id such as \"wrkspc_…\"", value)),
    }
}
