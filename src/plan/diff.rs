//! Configuration against state against what was observed: changes, drift, and the work to do.
//!
//! The remote side is never assumed: a change is the difference to what was observed, drift is
//! the difference between what was recorded and what was observed.

mod rule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Kind, Record, State};

use super::attributes::{self, Attributes};
use super::change::{Action, Change, Drift, Reason};
use super::console::ConsoleTask;
use super::operation::Operation;
use super::undo::Undo;
use crate::config::{Configuration, Provider, ServiceAccount, WorkspaceKey, WorkspaceRef};
use crate::diagnostic::Diagnostic;
use crate::resource::{
    IssuerArguments, IssuerObject, Observed, Provenance, ServiceAccountArguments, ServiceAccountObject,
};

/// What has to be done, and what others did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// What is to be done with each declared or recorded thing.
    pub changes: Vec<Change>,
    /// What others did to recorded things.
    pub drift: Vec<Drift>,
    /// The operations with their undo, in an order that holds.
    pub work: Vec<(Operation, Undo)>,
    /// What each thing depends on.
    pub depends_on: BTreeMap<Address, Vec<Address>>,
    /// Why a thing is not yet as configured.
    pub unconfigured: BTreeMap<Address, String>,
    /// Ids of the looked-up workspaces.
    pub workspaces: BTreeMap<Address, String>,
    /// What stands in the way of any plan.
    pub problems: Vec<Diagnostic>,
    /// What was held back because only a person can do it.
    pub console: Vec<ConsoleTask>,
}

/// Compares the declared things that live at the API, keys apart.
pub fn diff(configuration: &Configuration, state: &State, observed: &Observed) -> Diff {
    let mut diff = Diff::default();
    look_up_workspaces(configuration, observed, &mut diff);
    if !diff.problems.is_empty() {
        return diff;
    }
    for (address, account) in &configuration.service_accounts {
        compare_account(address, account, state, observed, &mut diff);
    }
    for (address, provider) in &configuration.providers {
        compare_issuer(address, provider, state, observed, &mut diff);
    }
    for (address, rule) in &configuration.federation_rules {
        rule::compare_rule(address, rule, state, observed, &mut diff);
    }
    super::archive::undeclared(configuration, state, observed, &mut diff);
    diff
}

fn look_up_workspaces(configuration: &Configuration, observed: &Observed, diff: &mut Diff) {
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
            [] => {
                let names: BTreeSet<&str> = observed.workspaces.values().map(|w| w.name.as_str()).collect();
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                diff.problems.push(
                    Diagnostic::error("Workspace not found")
                        .address(address)
                        .detail(format!(
                            "{address} ({}) is looked up by {}, and the organization has no such live workspace.",
                            lookup.location,
                            match &lookup.by {
                                WorkspaceKey::Id(id) => format!("the id `{id}`"),
                                WorkspaceKey::Name(name) => format!("the name `{name}`"),
                            }
                        ))
                        .hint(format!("write one of: {names}")),
                );
            }
            _ => diff.problems.push(
                Diagnostic::error("Several workspaces have this name")
                    .address(address)
                    .detail(format!(
                        "{address} ({}) is looked up by name, which fits {}.",
                        lookup.location,
                        found.join(", ")
                    ))
                    .hint("look it up by `id` instead"),
            ),
        }
    }
}

impl Diff {
    pub(super) fn workspace_id(&self, reference: &WorkspaceRef) -> String {
        match reference {
            WorkspaceRef::Id(id) => id.clone(),
            WorkspaceRef::Data(address) => self.workspaces.get(address).cloned().unwrap_or_default(),
        }
    }

    /// The id of a thing that this very plan takes under care.
    fn adopted_id(&self, wanted: &Address) -> Option<String> {
        self.work.iter().find_map(|(operation, _)| match operation {
            Operation::Adopt { address, id, .. } if address == wanted => Some(id.clone()),
            _ => None,
        })
    }

    fn add(&mut self, operation: Operation, undo: Undo) {
        self.work.push((operation, undo));
    }

    fn change(
        &mut self,
        address: &Address,
        action: Action,
        before: Option<Attributes>,
        after: Attributes,
        unknown: Vec<String>,
    ) {
        let reason = match action {
            Action::NoOp => Reason::Equal,
            Action::Create | Action::Adopt => Reason::Declared,
            _ => Reason::Changed,
        };
        if action != Action::NoOp {
            let doing = match action {
                Action::Create => "is not created yet",
                Action::Adopt => "is not taken under care yet",
                _ => "does not read back as configured",
            };
            self.unconfigured.insert(address.clone(), format!("{address}, which {doing}"));
        }
        self.changes.push(Change {
            address: address.clone(),
            action,
            reason,
            before,
            after: Some(after),
            unknown,
        });
    }

    /// Notes what somebody else did to a recorded object; false when it cannot be worked with.
    fn note_drift(
        &mut self,
        address: &Address,
        record: &Record,
        now: Option<(&Attributes, &Provenance)>,
    ) -> bool {
        let (what, after, by, at) = match now {
            None => ("gone", None, None, None),
            Some((_, provenance)) if provenance.archived_at.is_some() => {
                ("archived", None, provenance.archived_by.clone(), provenance.archived_at)
            }
            Some((attributes, _)) if *attributes == record.attributes => return true,
            Some((attributes, provenance)) => {
                ("changed", Some(attributes.clone()), provenance.updated_by.clone(), provenance.updated_at)
            }
        };
        let lost = after.is_none();
        let before = record.attributes.clone();
        self.drift.push(Drift {
            address: address.clone(),
            what: what.to_owned(),
            before,
            after,
            by: by.clone(),
            at,
        });
        if lost {
            let by = by.map_or(String::new(), |by| format!(" by {by}"));
            let at = at.map_or(String::new(), |at| format!(" at {at}"));
            self.problems.push(
                Diagnostic::error("Object archived outside of keyless")
                    .address(address)
                    .detail(format!(
                        "{address} ({}) is {what} at the API{by}{at}. Somebody chose that, and an archived object cannot come back, so no successor is made without your choice.",
                        record.id
                    ))
                    .hint(format!(
                        "remove the block if that is right; for a successor, declare a new block with a new `name` (the old name may stay taken) and move the workloads to it, and drop {address}"
                    )),
            );
        }
        !lost
    }

    fn immutable(&mut self, address: &Address, argument: &str, from: &str, to: &str, how: &str) {
        self.problems.push(
            Diagnostic::error("Immutable argument changed")
                .address(address)
                .detail(format!(
                    "{argument} of {address} is `{from}` and the API can never change it to `{to}`. Replacing the object would cut off every workload that names it."
                ))
                .hint(how),
        );
    }
}

fn taken(address: &Address, id: &str, differs: &[&str]) -> Diagnostic {
    Diagnostic::error("Name already taken")
        .address(address)
        .detail(format!(
            "An object with this name exists at the API ({id}) and was not made by this configuration. It differs in {}, so it is not taken over silently.",
            differs.join(", ")
        ))
        .hint("write the block as the object is, so that it can be taken under care, or choose another `name`")
}

/// Names of the attributes in which two maps differ.
fn differing<'a>(a: &'a Attributes, b: &'a Attributes) -> Vec<&'a str> {
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).collect()
}

fn compare_account(
    address: &Address,
    account: &ServiceAccount,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    let arguments = ServiceAccountArguments {
        name: account.name.clone(),
        description: account.description.clone(),
        organization_role: account.organization_role.clone(),
    };
    let wanted: BTreeMap<String, String> =
        account.memberships.iter().map(|(w, role)| (diff.workspace_id(w), role.clone())).collect();
    let after = attributes::service_account(&arguments, &wanted);
    diff.depends_on.insert(address.clone(), Vec::new());
    let shown =
        |object: &ServiceAccountObject| attributes::service_account(&object.arguments, &object.memberships);
    let object = match state.records.get(address) {
        Some(record) => {
            let object = observed.service_accounts.get(&record.id);
            let now = object.map(shown);
            if !diff.note_drift(address, record, now.as_ref().zip(object.map(|o| &o.provenance))) {
                return;
            }
            object
        }
        None => {
            let object = live(
                observed.service_accounts.values(),
                |o| (&o.arguments.name, &o.provenance),
                &account.name,
            );
            if let Some(object) = object {
                let now = shown(object);
                let differs = differing(&now, &after);
                if !differs.is_empty() {
                    diff.problems.push(taken(address, &object.id, &differs));
                    return;
                }
                adopt(address, &object.id, Vec::new(), now, diff);
                return;
            }
            None
        }
    };
    let Some(object) = object else {
        diff.change(address, Action::Create, None, after, vec!["id".to_owned()]);
        let leaves = "an archived service account, whose name may stay taken";
        diff.add(
            Operation::CreateServiceAccount { address: address.clone(), arguments },
            Undo::Possible { how: "archive it".to_owned(), leaves: leaves.to_owned() },
        );
        for (workspace_id, role) in wanted {
            let undo = Undo::possible(format!("take it out of {workspace_id}"));
            diff.add(Operation::SetMembership { address: address.clone(), workspace_id, role }, undo);
        }
        return;
    };
    let before = shown(object);
    if object.arguments.name != arguments.name {
        let how =
            "declare a second service account beside it, point the rules at it, then remove the old block";
        diff.immutable(address, "name", &object.arguments.name, &arguments.name, how);
        return;
    }
    if before == after {
        diff.change(address, Action::NoOp, Some(before), after, Vec::new());
        return;
    }
    diff.change(address, Action::Update, Some(before), after, Vec::new());
    update_account(address, &arguments, &wanted, object, diff);
}

fn update_account(
    address: &Address,
    arguments: &ServiceAccountArguments,
    wanted: &BTreeMap<String, String>,
    object: &ServiceAccountObject,
    diff: &mut Diff,
) {
    let old = &object.arguments;
    let description = (old.description != arguments.description).then(|| arguments.description.clone());
    let organization_role = (old.organization_role != arguments.organization_role)
        .then(|| arguments.organization_role.word().to_owned());
    if description.is_some() || organization_role.is_some() {
        let operation =
            Operation::UpdateServiceAccount { address: address.clone(), description, organization_role };
        diff.add(operation, Undo::possible("set the old values again"));
    }
    for (workspace_id, role) in wanted {
        let had = object.memberships.get(workspace_id);
        if had != Some(role) {
            let undo = match had {
                Some(had) => Undo::possible(format!("make it {had} again")),
                None => Undo::possible(format!("take it out of {workspace_id}")),
            };
            let operation = Operation::SetMembership {
                address: address.clone(),
                workspace_id: workspace_id.clone(),
                role: role.clone(),
            };
            diff.add(operation, undo);
        }
    }
    for (workspace_id, role) in &object.memberships {
        if !wanted.contains_key(workspace_id) {
            let operation =
                Operation::RemoveMembership { address: address.clone(), workspace_id: workspace_id.clone() };
            diff.add(operation, Undo::possible(format!("make it {role} again")));
        }
    }
}

fn adopt(address: &Address, id: &str, depends_on: Vec<Address>, attributes: Attributes, diff: &mut Diff) {
    diff.change(address, Action::Adopt, Some(attributes.clone()), attributes, Vec::new());
    let operation = Operation::Adopt { address: address.clone(), id: id.to_owned(), depends_on };
    diff.add(operation, Undo::possible("forget it"));
}

/// The live object with this name.
fn live<'a, T>(
    objects: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> (&String, &Provenance),
    name: &str,
) -> Option<&'a T> {
    objects.into_iter().find(|object| {
        let (object_name, provenance) = key(object);
        object_name == name && provenance.archived_at.is_none()
    })
}

fn compare_issuer(
    address: &Address,
    provider: &Provider,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    let arguments = IssuerArguments {
        name: provider.name.clone(),
        issuer_url: provider.issuer_url.clone(),
        jwks: provider.jwks.clone(),
        check_jti: provider.check_jti,
        max_jwt_lifetime_seconds: provider.max_jwt_lifetime_seconds,
    };
    let after = attributes::issuer(&arguments);
    diff.depends_on.insert(address.clone(), Vec::new());
    let shown = |object: &IssuerObject| attributes::issuer(&object.arguments);
    let object = match state.records.get(address) {
        Some(record) => {
            let object = observed.issuers.get(&record.id);
            let now = object.map(shown);
            if !diff.note_drift(address, record, now.as_ref().zip(object.map(|o| &o.provenance))) {
                return;
            }
            object
        }
        None => {
            if let Some(object) =
                live(observed.issuers.values(), |o| (&o.arguments.name, &o.provenance), &provider.name)
            {
                let now = shown(object);
                let differs = differing(&now, &after);
                if !differs.is_empty() {
                    diff.problems.push(taken(address, &object.id, &differs));
                    return;
                }
                adopt(address, &object.id, Vec::new(), now, diff);
                return;
            }
            None
        }
    };
    match object.map(shown) {
        None => {
            diff.change(address, Action::Create, None, after, vec!["id".to_owned()]);
            let undo =
                Undo::Possible { how: "archive it".to_owned(), leaves: "an archived issuer".to_owned() };
            diff.add(Operation::CreateIssuer { address: address.clone(), arguments }, undo);
        }
        Some(before) if before == after => {
            diff.change(address, Action::NoOp, Some(before), after, Vec::new())
        }
        Some(before) => {
            diff.change(address, Action::Update, Some(before), after, Vec::new());
            let operation = Operation::UpdateIssuer { address: address.clone(), arguments };
            diff.add(operation, Undo::possible("set the old values again"));
        }
    }
}

/// The kinds in the order in which they are archived: rules before what they refer to.
pub(super) fn archive_order(kind: Kind) -> u8 {
    match kind {
        Kind::ApiKey => 0,
        Kind::FederationRule => 1,
        Kind::Provider => 2,
        Kind::ServiceAccount => 3,
        Kind::Data => 4,
    }
}
