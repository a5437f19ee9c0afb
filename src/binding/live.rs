//! Which bindings count: those of workloads that do not have their key, until somebody's word ends them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, Fact, Grant, Kind, State};

use crate::limits;
use crate::resource::next_hour;

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

/// The words about rules that still count, by the ids of these. Once the account of a rule uses tokens in a later hour,
/// somebody lives off it.
pub fn words<'a>(state: &'a State, now: Timestamp) -> BTreeMap<&'a str, Word<'a>> {
    let mut used: BTreeMap<&Address, Timestamp> = BTreeMap::new();
    for evidence in &state.evidence {
        if let Fact::AccountTraffic { service_account, last_seen } = &evidence.fact {
            used.insert(service_account, *last_seen);
        }
    }
    let used_at: BTreeMap<&str, Timestamp> = state
        .records
        .values()
        .filter_map(|record| {
            let used = record.depends_on.iter().filter_map(|part| used.get(part)).max();
            Some((record.id.as_str(), *used?))
        })
        .collect();
    let is_used_since =
        |rule: &str, word: &Word<'_>| used_at.get(rule).is_some_and(|used| *used >= next_hour(word.at));
    let given = state.evidence.iter().filter_map(|evidence| match &evidence.fact {
        Fact::Retirement { object_id, by, grant, .. }
            if grant.kind() == Kind::FederationRule
                && now.duration_since(evidence.observed_at) < limits::RETIREMENT_COUNTS =>
        {
            Some((object_id.as_str(), Word { id: &evidence.id, by, at: evidence.observed_at }))
        }
        _ => None,
    });
    given.filter(|(rule, word)| !is_used_since(rule, word)).collect()
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
