//! The sample tokens and rules that tests share.

use serde_json::Value;

use crate::resource::Match;

/// The whole sample file.
pub(crate) fn samples() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/tokens/sample-tokens.json")).unwrap()
}

/// The list of this name.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// A match as the sample file writes it.
pub(crate) fn rule_of(value: &Value) -> Match {
    let text = |name: &str| value.get(name).map(|text| text.as_str().unwrap().to_owned());
    let claims = value.get("claims").and_then(Value::as_object);
    Match {
        subject_prefix: text("subject_prefix"),
        audience: text("audience"),
        claims: claims
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        condition: text("condition"),
    }
}
