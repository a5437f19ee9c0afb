//! Workspaces that blocks look up by name or id, and what is held back where one is not found.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, ConsumerId};

use super::Diff;
use crate::config::{Configuration, FederationRule, WorkspaceChoice, WorkspaceKey, WorkspaceRef};
use crate::plan::refused::Refused;
use crate::resource::{Observed, Unreadable};

/// Ids of the workspaces that can be looked up.
pub(in crate::plan) fn workspaces(
    configuration: &Configuration,
    observed: &Observed,
) -> BTreeMap<Address, String> {
    let mut diff = Diff::default();
    look_up_workspaces(configuration, observed, &mut diff);
    diff.workspaces
}

pub(super) fn look_up_workspaces(configuration: &Configuration, observed: &Observed, diff: &mut Diff) {
    for (address, lookup) in &configuration.workspaces {
        let live = observed.workspaces.values().filter(|workspace| workspace.archived_at.is_none());
        let found: Vec<&str> = match &lookup.by {
            WorkspaceKey::Id(id) => live.filter(|w| w.id == *id).map(|w| w.id.as_str()).collect(),
            WorkspaceKey::Name(name) => live.filter(|w| w.name == *name).map(|w| w.id.as_str()).collect(),
        };
        match found[..] {
            [id] => {
                diff.workspaces.insert(address.clone(), id.to_owned());
            }
            [] if observed.unreadable.values().any(|object| may_be(object, &lookup.by)) => {
                let why = format!(
                    "{address} ({}) is looked up, and no live workspace that can be read is it; another one is not understood.",
                    lookup.location
                );
                let fix =
                    "look at the workspace in the Console; a newer version of keyless may understand it";
                diff.refuse(Refused::new(address, "Workspace that cannot be read", why, fix));
            }
            [] => {
                let names: BTreeSet<&str> = observed.workspaces.values().map(|w| w.name.as_str()).collect();
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                let by = match &lookup.by {
                    WorkspaceKey::Id(id) => format!("the id `{id}`"),
                    WorkspaceKey::Name(name) => format!("the name `{name}`"),
                };
                let why = format!(
                    "{address} ({}) is looked up by {by}, and the organization has no such live workspace.",
                    lookup.location
                );
                let fix = format!("write one of: {names}");
                diff.refuse(Refused::new(address, "Workspace not found", why, fix));
            }
            _ => {
                let fits = found.join(", ");
                let why = format!("{address} ({}) is looked up by name, which fits {fits}.", lookup.location);
                let fix = "look it up by `id` instead";
                diff.refuse(Refused::new(address, "Several workspaces have this name", why, fix));
            }
        }
    }
}

/// Holds back what names a workspace that is not found.
pub(super) fn hold_what_names_no_workspace(configuration: &Configuration, diff: &mut Diff) {
    if diff.refused.is_empty() {
        return;
    }
    let accounts = configuration.service_accounts.iter();
    let accounts = accounts.map(|(address, it)| (address, it.memberships.keys().collect::<Vec<_>>()));
    let rules = configuration.federation_rules.iter().map(|(address, it)| (address, of_rule(it)));
    let keys = configuration.api_keys.iter();
    let keys = keys.map(|(address, key)| {
        (address, key.consumers.values().filter_map(|it| it.workspace.as_ref()).collect())
    });
    for (address, named) in accounts.chain(rules).chain(keys) {
        if let Some(data) = unfound(named, diff) {
            diff.tie(address, &data);
        }
    }
}

fn of_rule(rule: &FederationRule) -> Vec<&WorkspaceRef> {
    match &rule.workspaces {
        WorkspaceChoice::These(these) => these.iter().collect(),
        WorkspaceChoice::All => Vec::new(),
    }
}

/// The first of these that is looked up and not found.
fn unfound(named: Vec<&WorkspaceRef>, diff: &Diff) -> Option<Address> {
    named.into_iter().find_map(|workspace| match workspace {
        WorkspaceRef::Data(data) if !diff.workspaces.contains_key(data) => Some(data.clone()),
        _ => None,
    })
}

/// Consumers that are to work in a workspace that is not found.
pub(in crate::plan) fn names_no_workspace(
    configuration: &Configuration,
    diff: &Diff,
) -> Vec<(Address, ConsumerId)> {
    if configuration.workspaces.len() == diff.workspaces.len() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (lane, key) in &configuration.api_keys {
        for (id, consumer) in &key.consumers {
            let rule = configuration.federation_rules.get(&consumer.rule).map(of_rule);
            let named = consumer.workspace.iter().chain(rule.into_iter().flatten()).collect();
            if unfound(named, diff).is_some() {
                found.push((lane.clone(), id.clone()));
            }
        }
    }
    found
}

/// Tells whether an object that cannot be read may be the workspace that is looked up.
fn may_be(object: &Unreadable, by: &WorkspaceKey) -> bool {
    object.noun == "workspace"
        && match by {
            WorkspaceKey::Id(_) => true,
            WorkspaceKey::Name(name) => object.may_be(name),
        }
}
