//! Settling what a crash left in doubt: a step that began and did not end.
//!
//! The API and the consumers are looked at, and the step counts as done when its effect is there.
//! Otherwise it counts as not done and the next plan does it. A create that no list shows stays in
//! doubt for a while, since lists may lag: it is settled once its object is seen, as ours, and the
//! API's check of names keeps a plan that makes it again from making two. No question to a person.
//! Pure.

use jiff::Timestamp;
use keyless_state::{Address, Event, InDoubt, Kind, Mutation, State};

use super::prepare::{self, Context};
use super::record::{self, observed_record};
use crate::config::Configuration;
use crate::lane::{Presence, Sightings};
use crate::limits;
use crate::plan::Operation;
use crate::platform::{Answer, Call};
use crate::resource::{KeyStatus, Observed};

/// The object that a create announced at `since` made, found by its unique name among live objects.
pub fn created(call: &Call, since: Timestamp, observed: &Observed) -> Option<Answer> {
    let mut answers: Box<dyn Iterator<Item = Answer>> = match call {
        Call::CreateIssuer(_) => Box::new(observed.issuers.values().cloned().map(Answer::Issuer)),
        Call::CreateServiceAccount(_) => {
            Box::new(observed.service_accounts.values().cloned().map(Answer::ServiceAccount))
        }
        Call::CreateRule(_) => Box::new(observed.rules.values().cloned().map(Answer::Rule)),
        _ => return None,
    };
    answers.find(|answer| call.made(answer, since))
}

/// Settles one step in doubt: the journal event that ends it; none while that cannot be told.
pub fn settle(
    doubt: &InDoubt,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    sightings: &Sightings,
    now: Timestamp,
) -> Option<Event> {
    let step = doubt.step.clone();
    let failed = |error: &str| Some(Event::StepFailed { step: step.clone(), error: error.to_owned() });
    let Ok(operation) = serde_json::from_value::<Operation>(doubt.operation.clone()) else {
        return failed("the operation is not known to this version; what it did is seen by the next plan");
    };
    let workspaces = std::collections::BTreeMap::new();
    let context = Context { configuration, state, observed, workspaces: &workspaces };
    if is_create(&operation) {
        if state.records.contains_key(operation.target().address) {
            return failed("another step made it meanwhile");
        }
        return match made(&operation, doubt.since, &context) {
            Some(answer) => {
                let changes = record::effects(&operation, Some(&answer), None, &context, now);
                Some(Event::StepDone { step, changes })
            }
            None if now.duration_since(doubt.since) < limits::CREATE_DOUBT_MAX => None,
            None => failed("it took no effect: no list shows what it was to create"),
        };
    }
    match changes(&operation, &context, sightings, now) {
        Some(changes) => Some(Event::StepDone { step, changes }),
        None => failed("interrupted before it took effect"),
    }
}

fn is_create(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::CreateIssuer { .. }
            | Operation::CreateServiceAccount { .. }
            | Operation::CreateRule { .. }
    )
}

/// What a create made. Ids that it needed are recorded, or it was never sent.
fn made(operation: &Operation, since: Timestamp, context: &Context<'_>) -> Option<Answer> {
    let prepare::Task::Call(call) = prepare::prepare(operation, context).ok()? else { return None };
    created(&call, since, context.observed)
}

/// What a step that creates nothing changed, when its effect is there.
fn changes(
    operation: &Operation,
    context: &Context<'_>,
    sightings: &Sightings,
    now: Timestamp,
) -> Option<Vec<Mutation>> {
    let effects = || Some(record::effects(operation, None, None, context, now));
    match operation {
        Operation::CreateIssuer { .. }
        | Operation::CreateServiceAccount { .. }
        | Operation::CreateRule { .. } => unreachable!("a create is settled by what it made"),
        // Whatever of it happened shows in what is read back, and the next plan does the rest.
        Operation::UpdateIssuer { address, .. }
        | Operation::UpdateServiceAccount { address, .. }
        | Operation::UpdateRule { address, .. }
        | Operation::SetMembership { address, .. }
        | Operation::RemoveMembership { address, .. }
        | Operation::EnableWorkspace { address, .. }
        | Operation::DisableWorkspace { address, .. } => read_back(address, context),
        Operation::Archive { address } => is_archived(address, context).then(effects).flatten(),
        Operation::Remove { address, consumer } => {
            match sightings.presence.get(&(address.clone(), consumer.clone())) {
                Some(Presence::Present) => None,
                // Where nobody can look, the workload may be without its key; nothing goes on before somebody can.
                Some(Presence::Absent | Presence::Unknown(_)) | None => effects(),
            }
        }
        Operation::Restore { address, consumer, .. } => {
            match sightings.presence.get(&(address.clone(), consumer.clone()))? {
                Presence::Present => effects(),
                Presence::Absent | Presence::Unknown(_) => None,
            }
        }
        Operation::Disable { id, .. } => key_is(id, &KeyStatus::Inactive, context).then(effects).flatten(),
        Operation::Enable { id, .. } => key_is(id, &KeyStatus::Active, context).then(effects).flatten(),
        Operation::ArchiveKey { id, .. } => key_is(id, &KeyStatus::Archived, context).then(effects).flatten(),
        Operation::Adopt { .. } | Operation::Forget { .. } => effects(),
        Operation::Configure { .. }
        | Operation::Unconfigure { .. }
        | Operation::TakeDeadKeyOut { .. }
        | Operation::ForgetParked { .. }
        | Operation::Verify { .. }
        | Operation::Confirm { .. } => None,
    }
}

fn read_back(address: &Address, context: &Context<'_>) -> Option<Vec<Mutation>> {
    let known = context.state.records.get(address)?;
    let record =
        observed_record(address, &known.id, known.origin, known.depends_on.clone(), context.observed)?;
    Some(vec![Mutation::PutRecord { address: address.clone(), record }])
}

fn is_archived(address: &Address, context: &Context<'_>) -> bool {
    let Some(record) = context.state.records.get(address) else { return false };
    let observed = context.observed;
    let provenance = match address.kind() {
        Kind::Provider => observed.issuers.get(&record.id).map(|object| &object.provenance),
        Kind::ServiceAccount => observed.service_accounts.get(&record.id).map(|object| &object.provenance),
        Kind::FederationRule => observed.rules.get(&record.id).map(|object| &object.provenance),
        Kind::ApiKey | Kind::Data => None,
    };
    // What is not shown is not known to be archived.
    provenance.is_some_and(|provenance| provenance.archived_at.is_some())
}

fn key_is(id: &str, status: &KeyStatus, context: &Context<'_>) -> bool {
    context.observed.api_keys.get(id).is_some_and(|key| key.status == *status)
}

#[cfg(test)]
mod tests;
