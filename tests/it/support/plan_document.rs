//! A printed plan held against its published schema.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../../docs/schema/plan.schema.json")).unwrap();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
});

/// What is wrong with a plan.
pub(crate) fn problems(plan: &Value) -> Vec<String> {
    SCHEMA.iter_errors(plan).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Judges what a run printed, if that is a plan as JSON.
#[track_caller]
pub(crate) fn judge(printed: &str) {
    if !printed.starts_with('{') || !printed.contains("\"resource_changes\":") {
        return;
    }
    assert_eq!(printed.lines().count(), 1, "a plan is on one line:\n{printed}");
    let problems = problems(&serde_json::from_str(printed).unwrap());
    assert!(problems.is_empty(), "{}\n{printed}", problems.join("\n"));
}
