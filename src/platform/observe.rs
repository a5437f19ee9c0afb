//! Reads the whole organization: pages, never one call for each object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::http::path;
use super::page::{self, Style};
use super::transport::{Request, Transport};
use super::wire::{
    self, ApiKeyWire, IssuerWire, MembershipWire, OrganizationWire, RuleWire, ServiceAccountWire, Wire,
    WorkspaceWire,
};
use super::{ApiError, ErrorKind};
use crate::resource::{
    ApiKeyObject, IssuerObject, KeyScope, Observed, Organization, RuleObject, RuleWorkspaces,
    ServiceAccountObject, WorkspaceObject,
};

/// Reads everything; lists that do not need each other are read side by side.
pub(crate) async fn observe(transport: &Arc<Transport>) -> Result<Observed, ApiError> {
    let (organization, mut issuers, rules, mut service_accounts, api_keys, mut workspaces) = tokio::try_join!(
        read_organization(transport),
        list_issuers(transport),
        list_rules(transport),
        list_accounts(transport),
        list::<ApiKeyWire>(transport, "API keys", Style::Window, &["api_keys"], Vec::new(), |key| {
            key.id.clone()
        }),
        read_workspaces(transport),
    )?;
    // The lists are of different moments. What a rule refers to was there before the rule, so a list
    // that lacks it was read too early.
    let live = || rules.values().filter(|rule| rule.provenance.archived_at.is_none()).map(|r| &r.arguments);
    if live().any(|rule| !issuers.contains_key(&rule.issuer_id)) {
        issuers = list_issuers(transport).await?;
    }
    let account_known = |id: &String| id.is_empty() || service_accounts.contains_key(id);
    if live().any(|rule| !account_known(&rule.service_account_id)) {
        service_accounts = list_accounts(transport).await?;
    }
    let rows = read_memberships(transport, &service_accounts, &workspaces).await?;
    let implicit = rows.iter().find(|row| row.is_implicit()).map(|row| row.workspace_id.clone());
    find_default(transport, &mut workspaces, implicit, &service_accounts, &api_keys, &rules).await?;
    for row in rows.into_iter().filter(|row| !row.is_implicit()) {
        // An account's own list also shows archived workspaces, which a workspace's list cannot.
        if workspaces.get(&row.workspace_id).is_some_and(|workspace| workspace.archived_at.is_some()) {
            continue;
        }
        if let Some(account) = service_accounts.get_mut(&row.service_account_id) {
            account.memberships.insert(row.workspace_id, row.workspace_role);
        }
    }
    Ok(Observed { organization, issuers, service_accounts, rules, api_keys, workspaces })
}

/// Reads the issuers, archived ones included.
pub(crate) async fn list_issuers(transport: &Transport) -> Result<BTreeMap<String, IssuerObject>, ApiError> {
    let tail = ["federation_issuers"];
    list::<IssuerWire>(transport, "federation issuers", Style::Cursor, &tail, archived(), |o| o.id.clone())
        .await
}

/// Reads the rules, archived ones included.
pub(crate) async fn list_rules(transport: &Transport) -> Result<BTreeMap<String, RuleObject>, ApiError> {
    let tail = ["federation_rules"];
    list::<RuleWire>(transport, "federation rules", Style::Cursor, &tail, archived(), |o| o.id.clone()).await
}

/// Reads the service accounts, archived ones included; without their memberships.
pub(crate) async fn list_accounts(
    transport: &Transport,
) -> Result<BTreeMap<String, ServiceAccountObject>, ApiError> {
    let (noun, tail) = ("service accounts", ["service_accounts"]);
    list::<ServiceAccountWire>(transport, noun, Style::Cursor, &tail, archived(), |o| o.id.clone()).await
}

fn archived() -> Vec<(&'static str, String)> {
    vec![("include_archived", "true".to_owned())]
}

async fn read_organization(transport: &Transport) -> Result<Organization, ApiError> {
    get::<OrganizationWire>(transport, "read the organization", &["me"]).await
}

async fn get<W: Wire>(transport: &Transport, operation: &str, tail: &[&str]) -> Result<W::Object, ApiError> {
    let request = Request::get(operation, &path(tail));
    let reply = transport.call(&request).await?;
    let value = reply.json(&request)?;
    wire::read::<W>(value).map_err(|why| request.malformed(&reply, why))
}

async fn list<W: Wire>(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    tail: &[&str],
    query: Vec<(&'static str, String)>,
    id: fn(&W::Object) -> String,
) -> Result<BTreeMap<String, W::Object>, ApiError> {
    let objects = list_rows::<W>(transport, noun, style, tail, query).await?;
    Ok(objects.into_iter().map(|object| (id(&object), object)).collect())
}

async fn list_rows<W: Wire>(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    tail: &[&str],
    query: Vec<(&'static str, String)>,
) -> Result<Vec<W::Object>, ApiError> {
    let mut request = Request::get(format!("list {noun}"), &path(tail));
    request.query = query;
    let values = page::read_all(transport, noun, style, request.clone()).await?;
    let objects = values.into_iter().map(wire::read::<W>).collect::<Result<Vec<_>, String>>();
    objects.map_err(|why| request.error(ErrorKind::Malformed, why))
}

type Workspaces = BTreeMap<String, WorkspaceObject>;

/// Lists workspaces, the default one included where the API knows how to be asked for it.
///
/// What only the list shows that was asked for the default workspace is that one; its name may be
/// borne by others. The list without it is read second, so that it lacks nothing that is merely new.
async fn read_workspaces(transport: &Transport) -> Result<Workspaces, ApiError> {
    let read = async |query: &[&'static str]| {
        let query = query.iter().map(|name| (*name, "true".to_owned())).collect();
        list::<WorkspaceWire>(transport, "workspaces", Style::Window, &["workspaces"], query, |workspace| {
            workspace.id.clone()
        })
        .await
    };
    match read(&["include_archived", "include_default"]).await {
        Ok(mut workspaces) => {
            let others = read(&["include_archived"]).await?;
            let only: Vec<String> =
                workspaces.keys().filter(|id| !others.contains_key(*id)).cloned().collect();
            if let [id] = only.as_slice() {
                mark_default(&mut workspaces, id);
            }
            Ok(workspaces)
        }
        Err(error) if error.kind == ErrorKind::Invalid => read(&["include_archived"]).await,
        Err(error) => Err(error),
    }
}

fn mark_default(workspaces: &mut Workspaces, id: &str) {
    for workspace in workspaces.values_mut() {
        workspace.is_default = workspace.id == id;
    }
}

/// Finds the default workspace where the list did not settle it.
///
/// The surest sign is an implicit membership, which exists in the default workspace alone. Without
/// one, ids that keys and rules name although no list shows them are looked at by id: all others are
/// listed, archived ones too. Where that leaves several, none is taken for it.
async fn find_default(
    transport: &Transport,
    workspaces: &mut Workspaces,
    implicit: Option<String>,
    accounts: &BTreeMap<String, ServiceAccountObject>,
    keys: &BTreeMap<String, ApiKeyObject>,
    rules: &BTreeMap<String, RuleObject>,
) -> Result<(), ApiError> {
    let known = workspaces.values().any(|workspace| workspace.is_default);
    let implicit = match implicit {
        None if !known => implicit_membership(transport, accounts).await?,
        seen => seen,
    };
    if let Some(id) = implicit {
        if !workspaces.contains_key(&id) {
            let workspace =
                get::<WorkspaceWire>(transport, "read the default workspace", &["workspaces", &id]).await?;
            workspaces.insert(id.clone(), workspace);
        }
        mark_default(workspaces, &id);
        return Ok(());
    }
    if known {
        return Ok(());
    }
    let mut found = Vec::new();
    for id in unlisted(workspaces, keys, rules) {
        match get::<WorkspaceWire>(transport, "read a workspace", &["workspaces", &id]).await {
            Ok(workspace) => {
                found.extend(workspace.archived_at.is_none().then(|| id.clone()));
                workspaces.insert(id, workspace);
            }
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if let [id] = found.as_slice() {
        mark_default(workspaces, id);
    }
    Ok(())
}

/// The workspace of the first implicit membership of a live account. An account that was added
/// to the default workspace by hand has none, so a few are asked.
async fn implicit_membership(
    transport: &Transport,
    accounts: &BTreeMap<String, ServiceAccountObject>,
) -> Result<Option<String>, ApiError> {
    let live = accounts.values().filter(|account| account.provenance.archived_at.is_none());
    for account in live.take(3) {
        let tail = ["service_accounts", &account.id, "workspaces"];
        let rows =
            list_rows::<MembershipWire>(transport, "memberships", Style::Cursor, &tail, Vec::new()).await?;
        if let Some(row) = rows.iter().find(|row| row.is_implicit()) {
            return Ok(Some(row.workspace_id.clone()));
        }
    }
    Ok(None)
}

fn unlisted(
    workspaces: &Workspaces,
    keys: &BTreeMap<String, ApiKeyObject>,
    rules: &BTreeMap<String, RuleObject>,
) -> BTreeSet<String> {
    let of_keys = keys.values().filter_map(|key| match &key.scope {
        KeyScope::Workspace(id) => id.clone(),
        KeyScope::Organization => None,
    });
    let of_rules = rules.values().flat_map(|rule| match &rule.arguments.workspaces {
        RuleWorkspaces::These(ids) => ids.clone(),
        RuleWorkspaces::All => BTreeSet::new(),
    });
    of_keys.chain(of_rules).filter(|id| !workspaces.contains_key(id)).collect()
}

/// Reads the memberships from whichever side takes fewer calls.
async fn read_memberships(
    transport: &Arc<Transport>,
    accounts: &BTreeMap<String, ServiceAccountObject>,
    workspaces: &Workspaces,
) -> Result<Vec<MembershipWire>, ApiError> {
    let live_accounts: Vec<&String> =
        accounts.values().filter(|a| a.provenance.archived_at.is_none()).map(|a| &a.id).collect();
    let live_workspaces: Vec<&String> =
        workspaces.values().filter(|w| w.archived_at.is_none()).map(|w| &w.id).collect();
    if live_accounts.is_empty() {
        return Ok(Vec::new());
    }
    // Without the default workspace in the list its explicit members are seen from their side only.
    let complete = workspaces.values().any(|workspace| workspace.is_default);
    let (outer, ids, inner) = if complete && live_workspaces.len() < live_accounts.len() {
        ("workspaces", live_workspaces, "service_accounts")
    } else {
        ("service_accounts", live_accounts, "workspaces")
    };
    let mut tasks = JoinSet::new();
    for id in ids {
        let (transport, id) = (Arc::clone(transport), id.clone());
        tasks.spawn(async move { read_members(&transport, &[outer, &id, inner]).await });
    }
    let mut rows = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        match finished {
            Ok(read) => rows.extend(read?),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Ok(rows)
}

/// Reads one side's list. Its cursors go stale: the API refuses one after the membership that it
/// stood on was removed.
async fn read_members(transport: &Transport, tail: &[&str]) -> Result<Vec<MembershipWire>, ApiError> {
    list_rows::<MembershipWire>(transport, "memberships", Style::Cursor, tail, Vec::new()).await
}
