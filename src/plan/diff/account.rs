//! What has to be done for a service account and its memberships.

use std::collections::BTreeMap;

use keyless_state::{Address, State};

use super::super::attributes;
use super::super::change::Action;
use super::super::declared::{account_arguments, memberships};
use super::super::operation::Operation;
use super::super::undo::Undo;
use super::name::Names;
use super::{Diff, adopt, differing, live, predecessor, taken};
use crate::config::ServiceAccount;
use crate::resource::{Observed, ServiceAccountArguments, ServiceAccountObject};

pub(super) fn compare_account(
    address: &Address,
    account: &ServiceAccount,
    names: &Names<'_>,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    // An account that is recorded keeps its name where the block gives none.
    let kept = state.records.get(address).filter(|_| !account.is_named);
    let kept = kept.and_then(|record| observed.service_accounts.get(&record.id));
    let mut arguments = account_arguments(account);
    let recorded = state.records.get(address).and_then(|record| observed.service_accounts.get(&record.id));
    arguments.name = match kept {
        Some(object) => object.arguments.name.clone(),
        None => names.at_api(&account.name, recorded.map(|it| it.arguments.name.as_str())),
    };
    let wanted = memberships(account, |workspace| diff.workspace_id(workspace));
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
                &arguments.name,
            );
            if let Some(object) = object {
                let now = shown(object);
                let differs = differing(&now, &after);
                if !differs.is_empty() {
                    diff.refuse(taken(address, &object.id, &differs));
                    return;
                }
                adopt(address, &object.id, Vec::new(), now, state, diff);
                return;
            }
            None
        }
    };
    let Some(object) = object else {
        diff.change(address, Action::Create, predecessor(address, state), after, vec!["id".to_owned()]);
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
        diff.immutable(address, None, "name", &arguments.name);
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
