//! What the files ask for and is refused, since it would cut somebody off or cannot be done.
//!
//! Nothing is done with such a thing and with what stands on it; the rest of the plan goes on.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, State};
use serde::{Deserialize, Serialize};

use super::diff::Diff;
use super::operation::Operation;
use crate::config::Configuration;
use crate::diagnostic::Diagnostic;
use crate::lane::Refusal;

/// More things than these are counted and not named.
const NAMED_MAX: usize = 5;

/// One thing of which what its block asks for is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The declared or recorded thing.
    pub address: Address,
    /// Short fixed words without user data.
    pub summary: String,
    /// Whole sentences: what would happen.
    pub why: String,
    /// How to mend it.
    pub fix: String,
    /// What is held back with it, since one stands on the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Address>,
}

impl Refused {
    /// A refusal of which it is not known yet what else it holds back.
    pub(super) fn new(address: &Address, summary: &str, why: String, fix: impl Into<String>) -> Refused {
        let (summary, fix) = (summary.to_owned(), fix.into());
        Refused { address: address.clone(), summary, why, fix, holds: Vec::new() }
    }

    /// The error that tells of it.
    pub fn error(&self) -> Diagnostic {
        let address = &self.address;
        let with = match &self.holds[..] {
            [] => "Nothing is done with it".to_owned(),
            holds => format!("Nothing is done with it and with {}", named(holds)),
        };
        Diagnostic::error(&self.summary)
            .address(address)
            .detail(format!("{} {with}; the rest of the plan goes on.", self.why))
            .hint(&self.fix)
    }

    /// What is told of it in the lanes that it holds back.
    fn in_lane(&self) -> Refusal {
        let why = format!("what the files ask of {} is refused: {}", self.address, self.summary);
        Refusal { why, place: None, fix: self.fix.clone() }
    }
}

/// What lanes are told, by the address of what is refused or held back.
pub fn refusals(refused: &[Refused]) -> BTreeMap<Address, Vec<Refusal>> {
    let mut told: BTreeMap<Address, Vec<Refusal>> = BTreeMap::new();
    for it in refused {
        let all = it.holds.iter().chain([&it.address]);
        all.for_each(|address| told.entry(address.clone()).or_default().push(it.in_lane()));
    }
    told
}

/// Several things in a few words.
fn named(all: &[Address]) -> String {
    let shown: Vec<String> = all.iter().take(NAMED_MAX).map(Address::to_string).collect();
    match all.len().saturating_sub(NAMED_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl Diff {
    /// Whether nothing is done with a thing, for whatever reason.
    pub(super) fn is_held(&self, address: &Address) -> bool {
        self.held.contains_key(address) || self.tied.contains_key(address)
    }

    /// Does nothing with a thing for which its block asks what is refused.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.tie(&refused.address, &refused.address);
        self.refused.push(refused);
    }

    /// Does nothing with a thing that stands on a refused one, or on which such a thing stands.
    pub(super) fn tie(&mut self, address: &Address, refused: &Address) {
        self.unconfigured.insert(address.clone(), format!("{address}, which is not as its block asks"));
        self.tied.entry(address.clone()).or_insert_with(|| refused.clone());
    }

    /// Takes what is refused out of the work, with what stands on it and the end of what that stands on.
    pub(super) fn leave_refused_out(&mut self, configuration: &Configuration, state: &State) {
        if self.tied.is_empty() {
            return;
        }
        for (address, rule) in &configuration.federation_rules {
            let root =
                [&rule.provider, &rule.service_account].into_iter().find_map(|part| self.tied.get(part));
            if let Some(root) = root.cloned().filter(|_| !self.is_held(address)) {
                self.tie(address, &root);
            }
        }
        let ending: BTreeSet<Address> =
            self.work.iter().filter_map(|(operation, _)| ending(operation)).collect();
        for (address, root) in self.tied.clone() {
            let parts = state.records.get(&address).into_iter().flat_map(|record| &record.depends_on);
            parts.filter(|part| ending.contains(*part)).for_each(|part| self.tie(part, &root));
        }
        let tied = &self.tied;
        self.work.retain(|(operation, _)| !tied.contains_key(operation.target().address));
        self.changes.retain(|change| !tied.contains_key(&change.address));
        self.altered.retain(|address| !tied.contains_key(address));
    }

    /// What is refused, each with what it holds back.
    pub(super) fn take_refused(&mut self) -> Vec<Refused> {
        let mut holds: BTreeMap<&Address, Vec<Address>> = BTreeMap::new();
        for (address, root) in self.tied.iter().filter(|(address, root)| address != root) {
            holds.entry(root).or_default().push(address.clone());
        }
        let mut refused = std::mem::take(&mut self.refused);
        // Of several refusals of one thing, the first tells what waits.
        refused.iter_mut().for_each(|it| it.holds = holds.remove(&it.address).unwrap_or_default());
        refused
    }

    /// Forgets what is refused, for a look that changes nothing.
    pub(super) fn drop_refused(&mut self) {
        self.refused.clear();
        self.tied.clear();
    }
}

/// What an operation ends.
fn ending(operation: &Operation) -> Option<Address> {
    match operation {
        Operation::Archive { address } | Operation::Forget { address } => Some(address.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
