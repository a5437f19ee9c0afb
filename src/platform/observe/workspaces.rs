//! The workspaces, and which of them is the default one.

use std::collections::BTreeSet;

use super::listed::{Listed, list as list_kind};
use super::{get, memberships};
use crate::platform::page::Style;
use crate::platform::transport::Transport;
use crate::platform::wire::{Wire, WorkspaceWire};
use crate::platform::{ApiError, ErrorKind};
use crate::resource::{
    ApiKeyObject, KeyScope, RuleObject, RuleWorkspaces, ServiceAccountObject, WorkspaceObject,
};

/// Lists workspaces, the default one included where the API knows how to be asked for it.
///
/// What only the list shows that was asked for the default workspace is that one; its name may be
/// borne by others. The list without it is read second, so that it lacks nothing that is merely new.
pub(super) async fn list(transport: &Transport) -> Result<Listed<WorkspaceObject>, ApiError> {
    let read = async |query: &[&'static str]| {
        let query = query.iter().map(|name| (*name, "true".to_owned())).collect();
        list_kind::<WorkspaceWire>(
            transport,
            "workspaces",
            Style::Window,
            &["workspaces"],
            query,
            |workspace| workspace.id.clone(),
        )
        .await
    };
    match read(&["include_archived", "include_default"]).await {
        Ok(mut workspaces) => {
            let others = read(&["include_archived"]).await?;
            let only: Vec<String> = workspaces.objects.keys().filter(|id| !others.has(id)).cloned().collect();
            if let [id] = only.as_slice() {
                mark_default(&mut workspaces, id);
            }
            Ok(workspaces)
        }
        Err(error) if error.kind == ErrorKind::Invalid => read(&["include_archived"]).await,
        Err(error) => Err(error),
    }
}

fn mark_default(workspaces: &mut Listed<WorkspaceObject>, id: &str) {
    for workspace in workspaces.objects.values_mut() {
        workspace.is_default = workspace.id == id;
    }
}

/// Finds the default workspace where the list did not settle it.
///
/// The surest sign is an implicit membership, which exists in the default workspace alone. Without
/// one, ids that keys and rules name although no list shows them are looked at by id: all others are
/// listed, archived ones too. Where that leaves several, none is taken for it.
pub(super) async fn find_default(
    transport: &Transport,
    workspaces: &mut Listed<WorkspaceObject>,
    implicit: Option<String>,
    accounts: &Listed<ServiceAccountObject>,
    keys: &Listed<ApiKeyObject>,
    rules: &Listed<RuleObject>,
) -> Result<(), ApiError> {
    let known = workspaces.objects.values().any(|workspace| workspace.is_default);
    let implicit = match implicit {
        None if !known => memberships::implicit(transport, accounts).await?,
        seen => seen,
    };
    if let Some(id) = implicit {
        if !workspaces.has(&id) {
            look(transport, workspaces, &id, "read the default workspace").await?;
        }
        mark_default(workspaces, &id);
        return Ok(());
    }
    if known {
        return Ok(());
    }
    let mut found = Vec::new();
    for id in unlisted(workspaces, keys, rules) {
        match look(transport, workspaces, &id, "read a workspace").await {
            Ok(is_live) => found.extend(is_live.then_some(id)),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if let [id] = found.as_slice() {
        mark_default(workspaces, id);
    }
    Ok(())
}

/// Reads one workspace, and tells whether it is live.
async fn look(
    transport: &Transport,
    workspaces: &mut Listed<WorkspaceObject>,
    id: &str,
    operation: &str,
) -> Result<bool, ApiError> {
    match get::<WorkspaceWire>(transport, operation, &["workspaces", id]).await {
        Ok(workspace) => {
            let is_live = workspace.archived_at.is_none();
            workspaces.objects.insert(id.to_owned(), workspace);
            Ok(is_live)
        }
        Err(error) if error.kind == ErrorKind::Malformed => {
            workspaces.spoil(WorkspaceWire::NOUN, id, None, error.message);
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn unlisted(
    workspaces: &Listed<WorkspaceObject>,
    keys: &Listed<ApiKeyObject>,
    rules: &Listed<RuleObject>,
) -> BTreeSet<String> {
    let of_keys = keys.objects.values().filter_map(|key| match &key.scope {
        KeyScope::Workspace(id) => id.clone(),
        KeyScope::Organization => None,
    });
    let of_rules = rules.objects.values().flat_map(|rule| match &rule.arguments.workspaces {
        RuleWorkspaces::These(ids) => ids.clone(),
        RuleWorkspaces::All => BTreeSet::new(),
    });
    of_keys.chain(of_rules).filter(|id| !workspaces.has(id)).collect()
}
