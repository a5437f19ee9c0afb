//! Which bindings count: those of workloads that do not have their key, until somebody's word ends them.

use jiff::Timestamp;
use keyless_state::{Address, Binding, Fact, Grant, State};

use crate::limits;

/// A person's word that nothing lives off an object any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its id among the evidence.
    pub id: &'a str,
    /// Who gave it.
    pub by: &'a str,
}

/// The word about an object that still counts, if somebody gave one.
pub fn word<'a>(state: &'a State, object: &str, now: Timestamp) -> Option<Word<'a>> {
    let counts = |at: Timestamp| now.duration_since(at) < limits::RETIREMENT_COUNTS;
    state.evidence.iter().find_map(|evidence| match &evidence.fact {
        Fact::Retirement { object_id, by, .. } if object_id == object && counts(evidence.observed_at) => {
            Some(Word { id: &evidence.id, by })
        }
        _ => None,
    })
}

/// Bindings of workloads that live off something else than the key in its place.
pub fn live(state: &State, now: Timestamp) -> impl Iterator<Item = &Binding> {
    state.bindings.values().filter(move |binding| {
        let is_retired = |object: &str| word(state, object, now).is_some();
        binding.ended.is_none()
            && match &binding.grant {
                Grant::Key => false,
                Grant::Rule { rule_id, .. } => !is_retired(rule_id) && !is_retired(&binding.key_id),
                Grant::Unresolved => !is_retired(&binding.key_id),
            }
    })
}

/// The recorded rule that a binding lives off, by its address of today.
pub fn rule<'a>(binding: &Binding, state: &'a State) -> Option<&'a Address> {
    let Grant::Rule { rule_id, .. } = &binding.grant else { return None };
    state.records.iter().find(|(_, record)| record.id == *rule_id).map(|(address, _)| address)
}
