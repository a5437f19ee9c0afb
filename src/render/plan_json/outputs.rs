//! Outputs, as they are planned and as they change.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::plan::{Action, OutputChange};

/// What becomes of each output.
pub(super) fn changes(outputs: &BTreeMap<String, OutputChange>) -> Value {
    outputs.iter().map(|(name, it)| (name.clone(), change(it))).collect()
}

fn change(change: &OutputChange) -> Value {
    let action = match change.action {
        Action::NoOp | Action::Adopt => "no-op",
        Action::Create => "create",
        Action::Update => "update",
        Action::Archive | Action::Forget => "delete",
    };
    let mut shown = json!({
        "actions": [action],
        "before": change.before,
        "after": change.after,
        "after_unknown": change.unknown,
        "before_sensitive": change.before_sensitive,
        "after_sensitive": change.after_sensitive,
    });
    // What is not known has no value, not even null.
    if change.unknown
        && let Some(entries) = shown.as_object_mut()
    {
        entries.remove("after");
    }
    shown
}

/// All outputs that are there after apply, as far as they are known.
pub(super) fn planned(outputs: &BTreeMap<String, OutputChange>) -> Map<String, Value> {
    let stays = outputs.iter().filter(|(_, it)| it.action != Action::Archive);
    stays.map(|(name, it)| (name.clone(), value(it.after.as_ref(), it.after_sensitive))).collect()
}

/// An output with its value, where it has one that may be shown.
pub(super) fn value(value: Option<&Value>, sensitive: bool) -> Value {
    match value.filter(|_| !sensitive) {
        Some(value) => json!({ "sensitive": sensitive, "value": value }),
        None => json!({ "sensitive": sensitive }),
    }
}
