//! What is recorded and no longer declared: archived, or forgotten where it is not ours.

use keyless_state::{Address, Kind, Origin, Record, State};

use super::change::{Action, Change, Reason};
use super::diff::{Diff, archive_order};
use super::operation::Operation;
use super::undo::Undo;
use crate::config::Configuration;
use crate::resource::Observed;

/// Adds the work for everything that is recorded and no longer declared.
pub(super) fn undeclared(configuration: &Configuration, state: &State, observed: &Observed, diff: &mut Diff) {
    let declared = |address: &Address| match address.kind() {
        Kind::Provider => configuration.providers.contains_key(address),
        Kind::ServiceAccount => configuration.service_accounts.contains_key(address),
        Kind::FederationRule => configuration.federation_rules.contains_key(address),
        Kind::ApiKey => configuration.api_keys.contains_key(address),
        Kind::Data => true,
    };
    let news = state.lanes.iter().filter(|(address, lane)| !declared(address) && !lane.forgotten);
    for (address, _) in news {
        forget_lane(address, diff);
    }
    let mut orphans: Vec<(&Address, &Record)> =
        state.records.iter().filter(|(address, _)| !declared(address) && !diff.is_held(address)).collect();
    orphans.sort_by_key(|(address, _)| (archive_order(address.kind()), (*address).clone()));
    for (address, record) in orphans {
        let stays = is_stood_on(address, state, observed);
        archive(address, record, stays, Reason::NotDeclared, observed, diff);
    }
}

/// Tells whether a live rule that is not ours to archive stands on it; then it stays as well.
fn is_stood_on(address: &Address, state: &State, observed: &Observed) -> bool {
    state.records.values().any(|rule| {
        rule.origin == Origin::Adopted
            && rule.depends_on.contains(address)
            && observed.rules.get(&rule.id).is_some_and(|rule| rule.provenance.archived_at.is_none())
    })
}

/// Adds the archive of one recorded object, or its forgetting where it is not ours, stays or is gone.
fn archive(
    address: &Address,
    record: &Record,
    stays: bool,
    reason: Reason,
    observed: &Observed,
    diff: &mut Diff,
) {
    let is_live = !observed.is_lost(&record.id);
    diff.depends_on.insert(address.clone(), record.depends_on.clone());
    let ours = record.origin == Origin::Created && !stays;
    let (action, operation, undo) = if is_live && ours {
        let why = "an archived object cannot come back; a successor gets a new id".to_owned();
        (Action::Archive, Operation::Archive { address: address.clone() }, Undo::Impossible { why })
    } else {
        (Action::Forget, Operation::Forget { address: address.clone() }, Undo::Nothing)
    };
    let before = Some(record.attributes.clone());
    diff.changes.push(Change {
        address: address.clone(),
        action,
        reason,
        before,
        after: None,
        unknown: Vec::new(),
    });
    diff.work.push((operation, undo));
}

pub(super) fn forget_lane(address: &Address, diff: &mut Diff) {
    diff.depends_on.insert(address.clone(), Vec::new());
    diff.changes.push(Change {
        address: address.clone(),
        action: Action::Forget,
        reason: Reason::NotDeclared,
        before: None,
        after: None,
        unknown: Vec::new(),
    });
    diff.work.push((Operation::Forget { address: address.clone() }, Undo::Nothing));
}
