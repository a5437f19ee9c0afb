//! Reads the whole organization: pages, never one call for each object.

mod listed;
mod memberships;
mod missing;
mod named;
mod workspaces;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use listed::{Listed, list_accounts, list_issuers, list_rules};
pub use named::Named;
pub(crate) use named::read as read_named;

use super::ApiError;
use super::http::path;
use super::page::Style;
use super::transport::{Request, Transport};
use super::wire::{self, ApiKeyWire, IssuerWire, OrganizationWire, RuleWire, ServiceAccountWire, Wire};
use crate::resource::{Observed, Organization, ServiceAccountObject, Unreadable, WorkspaceObject};
use listed::list;

/// What keyless manages, as far as a look at the organization has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// Ids of the recorded issuers, `fdis_…`.
    pub issuers: BTreeSet<String>,
    /// Ids of the recorded service accounts, `svac_…`.
    pub service_accounts: BTreeSet<String>,
    /// Ids of the recorded rules, `fdrl_…`.
    pub rules: BTreeSet<String>,
    /// Names of the declared service accounts: one that is there may be taken under care.
    pub account_names: BTreeSet<String>,
}

/// Reads everything; what does not need each other is read side by side.
///
/// Memberships are read for the managed accounts alone, and a recorded object that no list shows is
/// looked at by its id before it counts as gone.
pub(crate) async fn observe(transport: &Arc<Transport>, managed: &Managed) -> Result<Observed, ApiError> {
    let (organization, mut issuers, mut rules, api_keys, members) = tokio::try_join!(
        read_organization(transport),
        list_issuers(transport),
        list_rules(transport),
        list::<ApiKeyWire>(transport, "API keys", Style::Window, &["api_keys"], Vec::new(), |key| {
            key.id.clone()
        }),
        read_members(transport, managed),
    )?;
    let Members { mut service_accounts, mut workspaces, implicit } = members;
    missing::find::<IssuerWire>(transport, "federation_issuers", &managed.issuers, &mut issuers).await?;
    missing::find::<RuleWire>(transport, "federation_rules", &managed.rules, &mut rules).await?;
    // The lists are of different moments. What a rule refers to was there before the rule, so a list
    // that lacks it was read too early.
    let live =
        || rules.objects.values().filter(|rule| rule.provenance.archived_at.is_none()).map(|r| &r.arguments);
    if live().any(|rule| !issuers.has(&rule.issuer_id)) {
        issuers.add_new(list_issuers(transport).await?);
    }
    let account_known = |id: &String| id.is_empty() || service_accounts.has(id);
    if live().any(|rule| !account_known(&rule.service_account_id)) {
        let mut newer = list_accounts(transport).await?;
        newer.objects.retain(|id, _| !service_accounts.has(id));
        memberships::read(transport, managed, &mut newer, &workspaces).await?;
        service_accounts.add_new(newer);
    }
    workspaces::find_default(transport, &mut workspaces, implicit, &service_accounts, &api_keys, &rules)
        .await?;
    let mut unreadable: BTreeMap<String, Unreadable> = BTreeMap::new();
    unreadable.extend(issuers.unreadable);
    unreadable.extend(rules.unreadable);
    unreadable.extend(service_accounts.unreadable);
    unreadable.extend(api_keys.unreadable);
    unreadable.extend(workspaces.unreadable);
    Ok(Observed {
        organization,
        issuers: issuers.objects,
        service_accounts: service_accounts.objects,
        rules: rules.objects,
        api_keys: api_keys.objects,
        workspaces: workspaces.objects,
        unreadable,
    })
}

/// Accounts with their memberships, and the workspaces.
struct Members {
    service_accounts: Listed<ServiceAccountObject>,
    workspaces: Listed<WorkspaceObject>,
    /// The default workspace, as far as a membership gives it away.
    implicit: Option<String>,
}

/// Memberships need both lists, but not the longer ones of rules and keys.
async fn read_members(transport: &Arc<Transport>, managed: &Managed) -> Result<Members, ApiError> {
    let (mut service_accounts, workspaces) =
        tokio::try_join!(list_accounts(transport), workspaces::list(transport))?;
    let recorded = &managed.service_accounts;
    missing::find::<ServiceAccountWire>(transport, "service_accounts", recorded, &mut service_accounts)
        .await?;
    let implicit = memberships::read(transport, managed, &mut service_accounts, &workspaces).await?;
    Ok(Members { service_accounts, workspaces, implicit })
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
