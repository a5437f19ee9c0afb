//! What gets a successor beside it, since it cannot be changed without cutting a workload off.
//!
//! The present object is *deposed*: it stays as it is, under an address of its own, until the workloads that
//! live off it show that they live off the successor. Then it is one more recorded thing that is not declared.

use std::collections::BTreeSet;

use keyless_state::{Address, Kind, Record, Renames, State};

use super::{Bound, Scene, Stake};
use crate::config::Configuration;
use crate::plan::attributes::{self, Attributes};
use crate::plan::change::Action;
use crate::plan::diff::name::is_numbered;
use crate::plan::diff::{self, Diff};
use crate::plan::operation::Operation;
use crate::resource::Observed;

/// Rules stand on issuers and accounts, and nothing on rules: those settle in two rounds, one that deposes and
/// one that takes another one back, and so do rules after them; one more finds nothing, and one is to spare.
const ROUNDS_MAX: usize = 6;

/// New addresses by old ones, of recorded objects that their blocks cannot keep: those that bound workloads
/// need as they are, and those of which an argument is asked to change that never can. A block that asks for
/// a deposed object of its own again gets that one back.
///
/// A workload that no block declares cannot be moved to a successor, so that what it needs is not deposed.
pub fn successions(scene: &Scene<'_>) -> Renames {
    let mut all = Renames::new();
    let mut renamed: Option<State> = None;
    for _ in 0..ROUNDS_MAX {
        let now = renamed.as_ref().unwrap_or(scene.state);
        let scene = Scene { state: now, ..*scene };
        let diff = diff::diff(scene.configuration, scene.state, scene.observed);
        let found = next(&scene, &diff);
        if found.is_empty() {
            return all;
        }
        renamed = Some(now.renamed(&found));
        all = keyless_state::then(&all, &found);
    }
    unreachable!("objects are deposed without end: {all:?}")
}

fn next(scene: &Scene<'_>, diff: &Diff) -> Renames {
    let mut found = wanted_back(scene, diff);
    found.extend(instead_of_lost(scene, diff));
    let mut free = diff::Free::new(scene.state);
    let claimed: Vec<Address> = found.values().cloned().collect();
    for address in claimed.into_iter().filter(|address| scene.state.records.contains_key(address)) {
        found.insert(address.clone(), free.deposed(&address));
    }
    for address in impossible(scene, diff) {
        if !found.contains_key(&address) {
            found.insert(address.clone(), free.deposed(&address));
        }
    }
    found
}

/// Recorded objects that cannot become what their blocks ask for.
fn impossible(scene: &Scene<'_>, diff: &Diff) -> BTreeSet<Address> {
    let bound = Bound::new(*scene);
    let mut taking: BTreeSet<Address> = BTreeSet::new();
    let mut staying: BTreeSet<Address> = BTreeSet::new();
    let changes = diff.work.iter().map(|(operation, _)| operation);
    for operation in changes.chain(diff.immutable.values().flatten()) {
        let is_change = matches!(
            operation,
            Operation::UpdateRule { .. }
                | Operation::DisableWorkspace { .. }
                | Operation::UpdateIssuer { .. }
        );
        let harmed = if is_change { bound.harmed(operation) } else { Vec::new() };
        if harmed.is_empty() {
            continue;
        }
        let address = operation.target().address.clone();
        match harmed.iter().all(|it| it.loss.is_provable() && bound.can_move(&it.stake)) {
            true => taking.insert(address),
            false => staying.insert(address),
        };
    }
    let all_move = |address: &&Address| bound.resting_on(address).all(|stake| bound.can_move(stake));
    taking.extend(diff.immutable.keys().filter(all_move).cloned());
    &taking - &staying
}

/// Deposed objects that are what their blocks ask for by now, and the present ones are not.
fn wanted_back(scene: &Scene<'_>, diff: &Diff) -> Renames {
    let mut found = Renames::new();
    for change in diff.changes.iter().filter(|it| matches!(it.action, Action::Create | Action::Update)) {
        let Some(wanted) = change.after.as_ref().filter(|_| !diff.is_held(&change.address)) else {
            continue;
        };
        // A name alone is changed in place, and so is what an account has that keeps its name.
        let is_update = change.action == Action::Update;
        let is_same = change.before.as_ref().is_some_and(|before| unnamed(before) == unnamed(wanted));
        let account = scene.configuration.service_accounts.get(&change.address);
        if is_update && (is_same || account.is_some_and(|account| !account.is_named)) {
            continue;
        }
        let is_it = |(_, record): &(&Address, &Record)| {
            let live = live(change.address.kind(), &record.id, scene.observed);
            live.is_some_and(|mut live| {
                if has_same_keys(&change.address, record, scene) {
                    live.insert("jwks".to_owned(), wanted["jwks"].clone());
                }
                unnamed(&live) == unnamed(wanted) && is_named(&live, &change.address, scene.configuration)
            })
        };
        if let Some((deposed, _)) = diff::deposed(&change.address, scene.state).rev().find(is_it) {
            found.insert(deposed.clone(), change.address.clone());
        }
    }
    found
}

/// Whether an issuer has the keys of a block, in whichever form.
fn has_same_keys(block: &Address, record: &Record, scene: &Scene<'_>) -> bool {
    let declared = scene.configuration.providers.get(block);
    let issuer = scene.observed.issuers.get(&record.id);
    declared.zip(issuer).is_some_and(|(declared, it)| it.arguments.jwks.is_equivalent(&declared.jwks))
}

/// Deposed objects that are what their blocks ask for, where somebody archived the present ones.
fn instead_of_lost(scene: &Scene<'_>, diff: &Diff) -> Renames {
    let is_lost = |address: &&Address| {
        let record = scene.state.records.get(*address);
        record.is_some_and(|record| scene.observed.is_lost(&record.id))
            && diff::deposed(address, scene.state).next().is_some()
    };
    let lost: BTreeSet<&Address> = diff.held.keys().filter(is_lost).collect();
    if lost.is_empty() {
        return Renames::new();
    }
    let mut without = scene.state.clone();
    without.records.retain(|address, _| !lost.contains(address));
    let scene = Scene { state: &without, ..*scene };
    let mut found = wanted_back(&scene, &diff::diff(scene.configuration, &without, scene.observed));
    found.retain(|_, to| lost.contains(to));
    found
}

/// Whether an object may bear its name under a block. The API never changes the name of an account.
fn is_named(live: &Attributes, address: &Address, configuration: &Configuration) -> bool {
    let Some(account) = configuration.service_accounts.get(address) else { return true };
    let name = live.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    !account.is_named || name == account.name || is_numbered(name, &account.name)
}

fn unnamed(attributes: &Attributes) -> Attributes {
    let mut rest = attributes.clone();
    rest.retain(|name, _| name != "name");
    rest
}

/// What a live object is now; none where it is archived or not seen.
fn live(kind: Kind, id: &str, observed: &Observed) -> Option<Attributes> {
    let (attributes, provenance) = match kind {
        Kind::Provider => {
            observed.issuers.get(id).map(|it| (attributes::issuer(&it.arguments), &it.provenance))?
        }
        Kind::ServiceAccount => observed
            .service_accounts
            .get(id)
            .map(|it| (attributes::service_account(&it.arguments, &it.memberships), &it.provenance))?,
        Kind::FederationRule => {
            observed.rules.get(id).map(|it| (attributes::rule(&it.arguments), &it.provenance))?
        }
        Kind::ApiKey | Kind::Data => return None,
    };
    provenance.archived_at.is_none().then_some(attributes)
}

impl Bound<'_> {
    /// Whether the workload's block is there, so that it comes to live off the successor.
    fn can_move(&self, stake: &Stake<'_>) -> bool {
        let binding = stake.binding;
        let key = self.scene.configuration.api_keys.get(&binding.lane);
        matches!(stake.grant, keyless_state::Grant::Rule { .. })
            && key
                .is_some_and(|key| key.id == binding.key_id && key.consumers.contains_key(&binding.consumer))
    }
}

#[cfg(test)]
mod tests;
