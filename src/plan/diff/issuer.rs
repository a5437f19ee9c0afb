//! What has to be done for an issuer.

use keyless_state::{Address, State};

use super::super::attributes;
use super::super::change::Action;
use super::super::declared::issuer_arguments;
use super::super::operation::Operation;
use super::super::undo::Undo;
use super::name::{Names, name_at_api};
use super::{Diff, adopt, differing, live, taken};
use crate::config::{Configuration, Provider};
use crate::resource::{IssuerObject, Observed};

pub(super) fn compare_issuer(
    address: &Address,
    provider: &Provider,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    let mut arguments = issuer_arguments(provider);
    diff.depends_on.insert(address.clone(), Vec::new());
    let shown = |object: &IssuerObject| attributes::issuer(&object.arguments);
    let recorded = state.records.get(address);
    let archived = |name: &str| {
        observed.issuers.values().any(|o| o.arguments.name == name && o.provenance.archived_at.is_some())
    };
    let known = recorded.and_then(|record| observed.issuers.get(&record.id));
    let others = |name: &str| {
        let live = observed.issuers.values().any(|o| o.arguments.name == name);
        live || configuration.providers.values().any(|other| other.name == name)
    };
    let names = Names { archived, others };
    arguments.name = name_at_api(&provider.name, known.map(|it| it.arguments.name.as_str()), &names);
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
                    diff.problems.push(taken(address, &object.id, &differs));
                    return;
                }
                adopt(address, &object.id, Vec::new(), now, state, diff);
                return;
            }
        }
    }
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
