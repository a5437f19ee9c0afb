//! Settling what a crash left in doubt: a step that began and did not end.
//!
//! The API and the consumers are looked at, and the step counts as done when its effect is there.
//! Otherwise it counts as not done and the next plan does it. No question to a person, and no
//! second create. Pure.

use jiff::Timestamp;
use keyless_state::{Address, Event, InDoubt, Kind, Mutation, State};

use super::prepare::{self, Context};
use super::record::{self, observed_record};
use crate::config::Configuration;
use crate::lane::{Presence, Sightings};
use crate::plan::Operation;
use crate::platform::{Answer, Call};
use crate::resource::{KeyStatus, Observed};

/// The object that a create made, found by its unique name among live objects, if it equals what
/// was asked.
pub fn created(call: &Call, observed: &Observed) -> Option<Answer> {
    let mut answers: Box<dyn Iterator<Item = Answer>> = match call {
        Call::CreateIssuer(_) => Box::new(observed.issuers.values().cloned().map(Answer::Issuer)),
        Call::CreateServiceAccount(_) => {
            Box::new(observed.service_accounts.values().cloned().map(Answer::ServiceAccount))
        }
        Call::CreateRule(_) => Box::new(observed.rules.values().cloned().map(Answer::Rule)),
        _ => return None,
    };
    answers.find(|answer| call.made(answer))
}

/// Settles one step in doubt: the journal event that ends it.
pub fn settle(
    doubt: &InDoubt,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    sightings: &Sightings,
    now: Timestamp,
) -> Event {
    let step = doubt.step.clone();
    let Ok(operation) = serde_json::from_value::<Operation>(doubt.operation.clone()) else {
        let error =
            "the operation is not known to this version; what it did is seen by the next plan".to_owned();
        return Event::StepFailed { step, error };
    };
    let workspaces = std::collections::BTreeMap::new();
    let context = Context { configuration, state, observed, workspaces: &workspaces };
    match changes(&operation, &context, sightings, now) {
        Some(changes) => Event::StepDone { step, changes },
        None => Event::StepFailed { step, error: "interrupted before it took effect".to_owned() },
    }
}

/// What the step changed, when its effect is there.
fn changes(
    operation: &Operation,
    context: &Context<'_>,
    sightings: &Sightings,
    now: Timestamp,
) -> Option<Vec<Mutation>> {
    let effects = |answer: Option<&Answer>| Some(record::effects(operation, answer, None, context, now));
    match operation {
        Operation::CreateIssuer { .. }
        | Operation::CreateServiceAccount { .. }
        | Operation::CreateRule { .. } => {
            let prepare::Task::Call(call) = prepare::prepare(operation, context).ok()? else { return None };
            let answer = created(&call, context.observed)?;
            effects(Some(&answer))
        }
        // Whatever of it happened shows in what is read back, and the next plan does the rest.
        Operation::UpdateIssuer { address, .. }
        | Operation::UpdateServiceAccount { address, .. }
        | Operation::UpdateRule { address, .. }
        | Operation::SetMembership { address, .. }
        | Operation::RemoveMembership { address, .. }
        | Operation::EnableWorkspace { address, .. }
        | Operation::DisableWorkspace { address, .. } => read_back(address, context),
        Operation::Archive { address } => is_archived(address, context).then(|| effects(None)).flatten(),
        Operation::Remove { address, consumer } => {
            match sightings.presence.get(&(address.clone(), consumer.clone()))? {
                Presence::Absent => effects(None),
                Presence::Present | Presence::Unknown(_) => None,
            }
        }
        Operation::Restore { address, consumer, .. } => {
            match sightings.presence.get(&(address.clone(), consumer.clone()))? {
                Presence::Present => effects(None),
                Presence::Absent | Presence::Unknown(_) => None,
            }
        }
        Operation::Disable { id, .. } => {
            key_is(id, &KeyStatus::Inactive, context).then(|| effects(None)).flatten()
        }
        Operation::Enable { id, .. } => {
            key_is(id, &KeyStatus::Active, context).then(|| effects(None)).flatten()
        }
        Operation::ArchiveKey { id, .. } => {
            key_is(id, &KeyStatus::Archived, context).then(|| effects(None)).flatten()
        }
        Operation::Adopt { .. } | Operation::Forget { .. } => effects(None),
        Operation::Configure { .. }
        | Operation::Unconfigure { .. }
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
    provenance.is_none_or(|provenance| provenance.archived_at.is_some())
}

fn key_is(id: &str, status: &KeyStatus, context: &Context<'_>) -> bool {
    context.observed.api_keys.get(id).is_some_and(|key| key.status == *status)
}
