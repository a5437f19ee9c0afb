//! Which service accounts belong to which workspaces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::listed::{Listed, rows};
use super::{Managed, get};
use crate::platform::http::path;
use crate::platform::page::Style;
use crate::platform::transport::{Request, Transport};
use crate::platform::wire::{self, MembershipWire, ServiceAccountWire, Wire};
use crate::platform::{ApiError, ErrorKind};
use crate::resource::{ServiceAccountObject, WorkspaceObject};

/// From which side memberships are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Account,
    Workspace,
}

/// Reads the memberships of the managed accounts, from whichever side takes fewer calls, and gives
/// the default workspace's id as far as an implicit membership shows it.
pub(super) async fn read(
    transport: &Arc<Transport>,
    managed: &Managed,
    accounts: &mut Listed<ServiceAccountObject>,
    workspaces: &Listed<WorkspaceObject>,
) -> Result<Option<String>, ApiError> {
    let wanted = |account: &&ServiceAccountObject| {
        account.provenance.archived_at.is_none()
            && (managed.service_accounts.contains(&account.id)
                || managed.account_names.contains(&account.arguments.name))
    };
    let account_ids: Vec<String> = accounts.objects.values().filter(wanted).map(|a| a.id.clone()).collect();
    let live = workspaces.objects.values().filter(|w| w.archived_at.is_none());
    let workspace_ids: Vec<String> = live.map(|workspace| workspace.id.clone()).collect();
    // Without all workspaces in the list some members are seen from their own side only.
    let complete =
        workspaces.objects.values().any(|workspace| workspace.is_default) && workspaces.unreadable.is_empty();
    let (side, ids) = match complete && workspace_ids.len() < account_ids.len() {
        true => (Side::Workspace, workspace_ids),
        false => (Side::Account, account_ids),
    };
    let mut tasks = JoinSet::new();
    for id in ids {
        let transport = Arc::clone(transport);
        tasks.spawn(async move {
            let read = members(&transport, side, &id).await;
            (id, read)
        });
    }
    let mut implicit = None;
    while let Some(finished) = tasks.join_next().await {
        let (id, read) = match finished {
            Ok(read) => read,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match read {
            Ok(rows) => rows.into_iter().for_each(|row| take(row, accounts, workspaces, &mut implicit)),
            // Archived since the list was read; its own record tells.
            Err(error) if error.kind == ErrorKind::NotFound && side == Side::Account => {
                look_again(transport, &id, accounts).await?;
            }
            // A workspace that was archived since has no members.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(implicit)
}

/// A row that was read, or the account that it was about and why it could not be.
type Row = Result<MembershipWire, (String, String)>;

/// Reads one side's list. Its cursors go stale: the API refuses one after the membership that it
/// stood on was removed.
async fn members(transport: &Transport, side: Side, id: &str) -> Result<Vec<Row>, ApiError> {
    let tail = match side {
        Side::Account => ["service_accounts", id, "workspaces"],
        Side::Workspace => ["workspaces", id, "service_accounts"],
    };
    let (request, rows) = rows(transport, "memberships", Style::Cursor, &tail, Vec::new()).await?;
    let read = |row: Value| {
        let account = match side {
            Side::Account => Some(id.to_owned()),
            Side::Workspace => row.get("service_account_id").and_then(Value::as_str).map(str::to_owned),
        };
        match (wire::read::<MembershipWire>(row), account) {
            (Ok(row), _) => Ok(Ok(row)),
            (Err(why), Some(account)) => Ok(Err((account, format!("its memberships: {why}")))),
            (Err(why), None) => Err(request.error(ErrorKind::Malformed, why)),
        }
    };
    rows.into_iter().map(read).collect()
}

/// One account's memberships by workspace, without the one that every account has and without those
/// of archived workspaces.
pub(super) async fn of_account(
    transport: &Transport,
    id: &str,
    archived: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut memberships = BTreeMap::new();
    for row in members(transport, Side::Account, id).await? {
        let row = row.map_err(|(_, why)| {
            Request::get("read memberships", &path(&["service_accounts", id, "workspaces"]))
                .error(ErrorKind::Malformed, why)
        })?;
        if !row.is_implicit() && !archived.contains(&row.workspace_id) {
            memberships.insert(row.workspace_id, row.workspace_role);
        }
    }
    Ok(memberships)
}

fn take(
    row: Row,
    accounts: &mut Listed<ServiceAccountObject>,
    workspaces: &Listed<WorkspaceObject>,
    implicit: &mut Option<String>,
) {
    let row = match row {
        Ok(row) => row,
        Err((account, why)) => {
            let name = accounts.objects.get(&account).map(|object| object.arguments.name.clone());
            return accounts.spoil(ServiceAccountWire::NOUN, &account, name, why);
        }
    };
    if row.is_implicit() {
        *implicit = Some(row.workspace_id);
        return;
    }
    // An account's own list also shows archived workspaces, which a workspace's list cannot.
    if workspaces.objects.get(&row.workspace_id).is_some_and(|workspace| workspace.archived_at.is_some()) {
        return;
    }
    if let Some(account) = accounts.objects.get_mut(&row.service_account_id) {
        account.memberships.insert(row.workspace_id, row.workspace_role);
    }
}

async fn look_again(
    transport: &Transport,
    id: &str,
    accounts: &mut Listed<ServiceAccountObject>,
) -> Result<(), ApiError> {
    match get::<ServiceAccountWire>(transport, "read a service account", &["service_accounts", id]).await {
        Ok(account) if account.provenance.archived_at.is_some() => {
            accounts.objects.insert(id.to_owned(), account);
        }
        Ok(account) => {
            let why = "it is there, and its memberships are not found".to_owned();
            accounts.spoil(ServiceAccountWire::NOUN, id, Some(account.arguments.name), why);
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            let name = accounts.objects.get(id).map(|account| account.arguments.name.clone());
            let why = "a list shows it, and it is not found by its id; it may show later".to_owned();
            accounts.spoil(ServiceAccountWire::NOUN, id, name, why);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The workspace of the first implicit membership of a live account. An account that was added
/// to the default workspace by hand has none, so a few are asked.
pub(super) async fn implicit(
    transport: &Transport,
    accounts: &Listed<ServiceAccountObject>,
) -> Result<Option<String>, ApiError> {
    let live = accounts.objects.values().filter(|account| account.provenance.archived_at.is_none());
    for account in live.take(3) {
        let rows = match members(transport, Side::Account, &account.id).await {
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            read => read?,
        };
        if let Some(row) = rows.iter().flatten().find(|row| row.is_implicit()) {
            return Ok(Some(row.workspace_id.clone()));
        }
    }
    Ok(None)
}
