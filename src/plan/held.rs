//! What is held back because an object at the API cannot be read, or because somebody archived it.
//!
//! What is not understood is never taken for absent or for equal: nothing is done with such a thing
//! and with what stands on it, and the rest of the plan goes on.

use std::collections::BTreeSet;

use keyless_state::{Address, Kind, State};
use serde::{Deserialize, Serialize};

use super::diff::Diff;
use crate::config::Configuration;
use crate::diagnostic::Diagnostic;
use crate::resource::{Observed, Unreadable};

/// A thing with which nothing is done for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The declared or recorded thing.
    pub address: Address,
    /// What stands in the way.
    pub cause: Cause,
    /// The archived thing that it stands on, where it is not archived itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_on: Option<Address>,
    /// Why, as a whole sentence.
    pub why: String,
}

/// What stands in the way of doing something with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It, or what it stands on or is stood on by, cannot be read.
    Unreadable,
    /// Somebody else archived it or what it stands on. That was a choice, and what is archived never comes
    /// back, so that a successor is made by choice alone.
    Archived,
}

impl HeldBack {
    /// The warning that names it.
    pub fn warning(&self) -> Diagnostic {
        if self.cause == Cause::Archived {
            return Diagnostic::warning("Object archived outside of keyless")
                .address(&self.address)
                .detail(format!("{} Somebody chose that, and an archived object cannot come back. Nothing is done with it until you choose; the rest goes on.", self.why))
                .hint(format!("keyless apply {} makes a successor, which gets a new id; settings that keyless writes are written anew once it is proven. Or remove the block, if the archive is right", self.replaces()));
        }
        Diagnostic::warning("Object that cannot be read")
            .address(&self.address)
            .detail(format!("{} Nothing is done with it until that can be read; the rest goes on.", self.why))
            .hint("plan again in a moment; if it stays so, look at the object in the Console, or take a newer version of keyless")
    }
}

impl HeldBack {
    /// The options that choose a successor for it, and for what it stands on.
    fn replaces(&self) -> String {
        let all = self.stands_on.iter().chain([&self.address]);
        all.map(|address| format!("-replace={address}")).collect::<Vec<_>>().join(" ")
    }
}

/// Holds back what cannot be read, and what stands on it or is stood on by it.
pub(super) fn hold_back(configuration: &Configuration, state: &State, observed: &Observed, diff: &mut Diff) {
    if observed.unreadable.is_empty() {
        return;
    }
    let recorded = state
        .records
        .iter()
        .filter_map(|(address, record)| Some((address, &record.id, observed.unreadable.get(&record.id)?)));
    let keys = configuration
        .api_keys
        .iter()
        .filter_map(|(address, key)| Some((address, &key.id, observed.unreadable.get(&key.id)?)));
    let mut why: Vec<(Address, String)> = recorded
        .chain(keys)
        .map(|(address, id, object)| {
            (address.clone(), format!("{address} ({id}) cannot be read: {}.", object.why))
        })
        .collect();
    why.extend(namesakes(configuration, state, observed));
    let roots: BTreeSet<Address> = why.iter().map(|(address, _)| address.clone()).collect();
    for (address, rule) in &configuration.federation_rules {
        if let Some(root) = [&rule.provider, &rule.service_account].into_iter().find(|it| roots.contains(it))
        {
            why.push((address.clone(), format!("{address} needs {root}, which cannot be read.")));
        }
    }
    // What an unreadable rule stands on stays, although it is no longer declared.
    for root in &roots {
        let stood_on = state.records.get(root).into_iter().flat_map(|record| &record.depends_on);
        for address in stood_on.filter(|address| !is_declared(configuration, address)) {
            why.push((address.clone(), format!("{root} stands on {address} and cannot be read.")));
        }
    }
    for (address, why) in why {
        let held = HeldBack { address: address.clone(), cause: Cause::Unreadable, stands_on: None, why };
        diff.held.entry(address).or_insert(held);
    }
    for root in roots {
        diff.unconfigured.insert(root.clone(), format!("{root}, which cannot be read"));
    }
}

fn is_declared(configuration: &Configuration, address: &Address) -> bool {
    configuration.providers.contains_key(address) || configuration.service_accounts.contains_key(address)
}

/// Declared things without a record, whose name an unreadable object of their kind may have.
fn namesakes(configuration: &Configuration, state: &State, observed: &Observed) -> Vec<(Address, String)> {
    let providers = configuration.providers.iter().map(|(address, it)| (address, &it.name));
    let accounts = configuration.service_accounts.iter().map(|(address, it)| (address, &it.name));
    let rules = configuration.federation_rules.iter().map(|(address, it)| (address, &it.name));
    let new =
        providers.chain(accounts).chain(rules).filter(|(address, _)| !state.records.contains_key(*address));
    let found = new.filter_map(|(address, name)| {
        let is_it = |object: &&Unreadable| object.noun == noun(address.kind()) && object.may_be(name);
        let known = |id: &String| state.records.values().any(|record| record.id == *id);
        let (id, object) = observed.unreadable.iter().find(|(id, object)| is_it(object) && !known(id))?;
        Some((
            address.clone(),
            format!("{id} may be {address}, whose name is `{name}`, and cannot be read: {}.", object.why),
        ))
    });
    found.collect()
}

/// What the API's objects behind a kind are called where they cannot be read.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Provider => "federation issuer",
        Kind::ServiceAccount => "service account",
        Kind::FederationRule => "federation rule",
        Kind::ApiKey | Kind::Data => "",
    }
}

#[cfg(test)]
mod tests;
