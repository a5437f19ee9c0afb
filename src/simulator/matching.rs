//! Which identity tokens a rule admits: checked when written, applied at the exchange.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::assumptions::Permission;
use super::condition;
use super::error::Refusal;
use super::fields::Fields;
use super::limits;
use super::organization::Match;

/// What `aud` must be when a rule names no audience.
pub(super) const AUDIENCE_DEFAULT: &str = "https://api.anthropic.com";

/// Reads the `match` of a request. An empty text counts as left out, and so does an empty map of
/// claims unless it is assumed to be a matcher.
pub(super) fn read(value: &Value, empty_claims: Permission) -> Result<Match, Refusal> {
    let known = ["subject_prefix", "audience", "claims", "condition"];
    let fields = Fields::of(value.clone(), "match.", &known)?;
    let text = |name: &str, longest: usize| {
        let text = fields.clearable_text(name, longest)?.flatten();
        Ok::<_, Refusal>(text.filter(|text| !text.is_empty()))
    };
    let matching = Match {
        subject_prefix: text("subject_prefix", limits::MATCHER_CHARS_MAX)?,
        audience: text("audience", limits::MATCHER_CHARS_MAX)?,
        claims: read_claims(&fields)?,
        condition: text("condition", limits::CONDITION_CHARS_MAX)?,
    };
    let has_subject = matching.subject_prefix.as_deref().is_some_and(|subject| subject != "*");
    let is_given = fields.value("claims").is_some() && empty_claims == Permission::Allowed;
    let has_claims = !matching.claims.is_empty() || is_given;
    if !has_subject && !has_claims && matching.condition.is_none() {
        let message =
            "match: At least one of subject_prefix (not a bare *), claims and condition is required";
        return Err(Refusal::invalid(message));
    }
    match matching.condition.as_deref().and_then(condition::problem) {
        Some(problem) => Err(fields.refuse("condition", &problem)),
        None => Ok(matching),
    }
}

fn read_claims(fields: &Fields) -> Result<BTreeMap<String, String>, Refusal> {
    match fields.value("claims") {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                _ => Err(fields.refuse(&format!("claims.{name}"), "Input should be a valid string")),
            })
            .collect(),
        Some(_) => Err(fields.refuse("claims", "Input should be an object of strings")),
    }
}

/// A match as the API shows it: all four fields, null where nothing was asked.
pub(super) fn show(matching: &Match) -> Value {
    json!({
        "subject_prefix": matching.subject_prefix,
        "audience": matching.audience,
        "claims": if matching.claims.is_empty() { Value::Null } else { json!(matching.claims) },
        "condition": matching.condition,
    })
}

/// Which part of a match the claims fail, by its name in the history; none when they pass.
pub(super) fn failing_part(matching: &Match, claims: &Map<String, Value>) -> Option<&'static str> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if matching.subject_prefix.as_deref().is_some_and(|wanted| !subject_passes(wanted, subject)) {
        return Some("match_subject_prefix");
    }
    let audience = matching.audience.as_deref().unwrap_or(AUDIENCE_DEFAULT);
    if !audience_passes(audience, claims.get("aud")) {
        return Some("match_audience");
    }
    let has = |(name, wanted): (&String, &String)| claims.get(name).and_then(Value::as_str) == Some(wanted);
    if !matching.claims.iter().all(has) {
        return Some("match_claims");
    }
    let fails = matching.condition.as_deref().is_some_and(|text| !condition::holds(text, claims));
    fails.then_some("match_condition")
}

/// Exact, or a prefix when the wanted text ends in a star; a star elsewhere is a star.
fn subject_passes(wanted: &str, subject: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => subject.starts_with(prefix),
        None => subject == wanted,
    }
}

fn audience_passes(wanted: &str, audience: Option<&Value>) -> bool {
    match audience {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_needs_something_besides_the_audience() {
        let check = |value: Value, accepted: bool| {
            let read = read(&value, Permission::Refused);
            assert_eq!(read.is_ok(), accepted, "{value}: {:?}", read.err());
        };
        check(json!({"subject_prefix": "repo:acme/*"}), true);
        check(json!({"claims": {"a": "b"}, "subject_prefix": "*"}), true);
        check(json!({"condition": "claims.a == 'b'"}), true);
        check(json!({"subject_prefix": "*"}), false);
        check(json!({"audience": "x"}), false);
        check(json!({"claims": {}}), false);
        check(json!({"subject_prefix": ""}), false);
        check(json!({}), false);
        check(json!({"claims": {"a": true}}), false);
        check(json!({"other": 1}), false);
        check(json!("text"), false);
        check(json!({"condition": "true"}), false);
        check(json!({"condition": format!("claims.a == '{}'", "x".repeat(4096))}), false);
    }

    #[test]
    fn every_given_part_must_pass() {
        let claims = json!({"sub": "repo:acme/app:ref:x", "aud": ["a", "https://api.anthropic.com"], "owner": "acme", "n": 1});
        let check = |matching: Value, expected: Option<&str>| {
            let matching: Match = serde_json::from_value(matching).unwrap();
            assert_eq!(failing_part(&matching, claims.as_object().unwrap()), expected);
        };
        check(json!({"subject_prefix": "repo:acme/*"}), None);
        check(json!({"subject_prefix": "repo:acme/"}), Some("match_subject_prefix"));
        check(json!({"subject_prefix": "Repo:acme/*"}), Some("match_subject_prefix"));
        check(json!({"subject_prefix": "repo:*/app:ref:x"}), Some("match_subject_prefix"));
        check(json!({"claims": {"owner": "acme"}, "audience": "a"}), None);
        check(json!({"claims": {"owner": "acme"}, "audience": "b"}), Some("match_audience"));
        check(json!({"claims": {"owner": "other"}}), Some("match_claims"));
        check(json!({"claims": {"n": "1"}}), Some("match_claims"));
        check(json!({"condition": "claims.n == 1"}), None);
        check(json!({"condition": "claims.n == 2"}), Some("match_condition"));
    }
}
