//! Which bindings count: those of workloads that do not have their key, until somebody's word ends them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Binding, Fact, Grant, Kind, State};

use crate::limits;

/// A person's word that nothing lives off a rule any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its id among the evidence.
    pub id: &'a str,
    /// Who gave it.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

/// The words about rules that still count, by the ids of these.
pub fn words<'a>(state: &'a State, now: Timestamp) -> BTreeMap<&'a str, Word<'a>> {
    let given = state.evidence.iter().filter_map(|evidence| match &evidence.fact {
        Fact::Retirement { object_id, by, grant, .. }
            if grant.kind() == Kind::FederationRule
                && now.duration_since(evidence.observed_at) < limits::RETIREMENT_COUNTS =>
        {
            Some((object_id.as_str(), Word { id: &evidence.id, by, at: evidence.observed_at }))
        }
        _ => None,
    });
    given.collect()
}

/// Bindings of workloads that may live off something else than the key in its place.
pub fn live(state: &State) -> impl Iterator<Item = &Binding> {
    state.bindings.values().filter(|binding| binding.ended.is_none() && binding.grant != Grant::Key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{RULE, address, evidence, hour};

    #[test]
    fn a_word_about_a_rule_counts_for_a_week() {
        let given = |grant: &str| {
            let fact = Fact::Retirement {
                grant: address(grant),
                object_id: "fdrl_1".to_owned(),
                consumer: None,
                by: "Ada".to_owned(),
                statement: "gone".to_owned(),
            };
            State { evidence: vec![evidence("word", hour(0), fact)], ..State::default() }
        };
        let week = 7 * 24;
        assert_eq!(words(&given(RULE), hour(week - 1))["fdrl_1"].by, "Ada");
        assert!(words(&given(RULE), hour(week)).is_empty());
        // That about a key has ended its bindings already.
        assert!(words(&given("api_key.old"), hour(0)).is_empty());
    }
}
