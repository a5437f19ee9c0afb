//! What a plan would do to the outputs.

use std::collections::BTreeMap;

use keyless_state::OutputRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::Action;
use crate::config::Output;

/// What a plan would do to one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    /// What is to be done: nothing, or it is created, updated or archived, which for an output is its end.
    pub action: Action,
    /// The recorded value; none where there is none or it is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Whether what is recorded is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_sensitive: bool,
    /// The value after; none where it is not known yet or withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the value after is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_sensitive: bool,
    /// Whether the value after is known only after apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// Outputs as they are recorded: a sensitive value is withheld.
pub fn recordable(outputs: &BTreeMap<String, Output>) -> BTreeMap<String, OutputRecord> {
    let record = |output: &Output| OutputRecord {
        value: output.value.clone().filter(|_| !output.sensitive).unwrap_or(Value::Null),
        sensitive: output.sensitive,
    };
    outputs.iter().map(|(name, output)| (name.clone(), record(output))).collect()
}

/// What becomes of each output. A value that is not known counts as one that changes only where the plan does
/// something from which it may become known.
pub(super) fn output_changes(
    recorded: &BTreeMap<String, OutputRecord>,
    wanted: &BTreeMap<String, Output>,
    does_something: bool,
) -> BTreeMap<String, OutputChange> {
    let fresh = recordable(wanted);
    let ends = recorded.iter().filter(|(name, _)| !fresh.contains_key(*name));
    let ends = ends.map(|(name, old)| (name.clone(), change(Some(old), None, Action::Archive)));
    let stays = fresh.iter().map(|(name, new)| {
        let old = recorded.get(name);
        let unknown = wanted[name].value.is_none() && !new.sensitive;
        let action = match old {
            None => Action::Create,
            Some(old) if old != new || unknown && does_something => Action::Update,
            Some(_) => Action::NoOp,
        };
        let unknown = unknown && action != Action::NoOp;
        (name.clone(), OutputChange { unknown, ..change(old, Some(new).filter(|_| !unknown), action) })
    });
    stays.chain(ends).collect()
}

fn change(old: Option<&OutputRecord>, new: Option<&OutputRecord>, action: Action) -> OutputChange {
    let value = |it: Option<&OutputRecord>| it.filter(|it| !it.sensitive).map(|it| it.value.clone());
    OutputChange {
        action,
        before: value(old),
        before_sensitive: old.is_some_and(|it| it.sensitive),
        after: value(new),
        after_sensitive: new.is_some_and(|it| it.sensitive),
        unknown: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn output(value: Option<Value>, sensitive: bool) -> Output {
        Output { value: value.filter(|_| !sensitive), sensitive, description: String::new() }
    }

    fn actions(
        recorded: &[(&str, Value, bool)],
        wanted: &[(&str, Option<Value>, bool)],
        does_something: bool,
    ) -> Vec<(String, Action, bool)> {
        let recorded = recorded.iter().map(|(name, value, sensitive)| {
            ((*name).to_owned(), OutputRecord { value: value.clone(), sensitive: *sensitive })
        });
        let wanted = wanted
            .iter()
            .map(|(name, value, sensitive)| ((*name).to_owned(), output(value.clone(), *sensitive)));
        let changes = output_changes(&recorded.collect(), &wanted.collect(), does_something);
        changes.into_iter().map(|(name, change)| (name, change.action, change.unknown)).collect()
    }

    #[test]
    fn each_output_has_its_change() {
        let recorded = [("gone", json!(1), false), ("other", json!("a"), false), ("same", json!([]), false)];
        let wanted = [("new", Some(json!(1)), false), ("other", Some(json!("b")), false)];
        let wanted: Vec<_> = wanted.into_iter().chain([("same", Some(json!([])), false)]).collect();
        let expected = [
            ("gone", Action::Archive),
            ("new", Action::Create),
            ("other", Action::Update),
            ("same", Action::NoOp),
        ];
        let expected: Vec<_> = expected.map(|(name, action)| (name.to_owned(), action, false)).into();
        assert_eq!(actions(&recorded, &wanted, true), expected);
    }

    #[test]
    fn what_is_not_known_changes_only_where_something_is_done() {
        let wanted = [("id", None, false)];
        let of = |recorded: &[_], does| actions(recorded, &wanted, does).remove(0);
        assert_eq!(of(&[], true), ("id".to_owned(), Action::Create, true));
        assert_eq!(of(&[("id", json!("x"), false)], true), ("id".to_owned(), Action::Update, true));
        let unknown_still = [("id", Value::Null, false)];
        assert_eq!(of(&unknown_still, true), ("id".to_owned(), Action::Update, true));
        assert_eq!(of(&unknown_still, false), ("id".to_owned(), Action::NoOp, false));
    }

    #[test]
    fn a_sensitive_value_is_in_no_change() {
        let recorded = [("s".to_owned(), OutputRecord { value: json!("canary"), sensitive: true })];
        let wanted = [("s".to_owned(), Output { sensitive: true, ..output(Some(json!("canary")), true) })];
        let changes = output_changes(&recorded.into(), &wanted.into(), true);
        assert!(!format!("{changes:?}").contains("canary"), "{changes:?}");
        assert!(changes["s"].before_sensitive && changes["s"].after_sensitive && !changes["s"].unknown);
    }
}
