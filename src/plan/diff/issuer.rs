//! What has to be done for an issuer.

use keyless_state::{Address, State};

use super::super::attributes;
use super::super::change::Action;
use super::super::declared::issuer_arguments;
use super::super::operation::Operation;
use super::super::undo::Undo;
use super::name::Names;
use super::{Diff, adopt, differing, live, predecessor, taken};
use crate::config::Provider;
use crate::resource::{IssuerObject, Observed};

pub(super) fn compare_issuer(
    address: &Address,
    provider: &Provider,
    names: &Names<'_>,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    let mut arguments = issuer_arguments(provider);
    diff.depends_on.insert(address.clone(), Vec::new());
    let shown = |object: &IssuerObject| attributes::issuer(&object.arguments);
    let recorded = state.records.get(address);
    let known = recorded.and_then(|record| observed.issuers.get(&record.id));
    arguments.name = names.at_api(&provider.name, known.map(|it| it.arguments.name.as_str()));
    let object = match recorded {
        Some(record) => observed.issuers.get(&record.id),
        None => live(observed.issuers.values(), |o| (&o.arguments.name, &o.provenance), &arguments.name),
    };
    // The same keys in the API's own form are no change.
    if let Some(object) = object
        && object.arguments.jwks.is_equivalent(&arguments.jwks)
    {
        arguments.jwks = object.arguments.jwks.clone();
    }
    let after = attributes::issuer(&arguments);
    match recorded {
        Some(record) => {
            let now = object.map(shown);
            if !diff.note_drift(address, record, now.as_ref().zip(object.map(|o| &o.provenance))) {
                return;
            }
        }
        None => {
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
        }
    }
    match object.map(shown) {
        None => {
            diff.change(address, Action::Create, predecessor(address, state), after, vec!["id".to_owned()]);
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
