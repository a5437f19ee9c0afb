//! Secret bytes in a plan.

use serde_json::Value;

use super::invariant::{Invariant, Violation};
use crate::plan::Plan;

pub(super) fn check(plan: &Plan, found: &mut Vec<Violation>) {
    // Most plans hold nothing that even begins like a secret, and are read once only. JSON escapes none of
    // these characters.
    let text = serde_json::to_string(plan).expect("a plan is plain data");
    if ["sk-ant-", "eyJ", "PRIVATE KEY-----", "\"kty\""].iter().any(|sign| text.contains(sign)) {
        walk(&serde_json::from_str(&text).expect("it was JSON"), "", found);
    }
}

fn walk(value: &Value, path: &str, found: &mut Vec<Violation>) {
    match value {
        Value::String(text) => tell(secret_in(text), path, found),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}/{at}"), found);
            }
        }
        Value::Object(map) => {
            let private = ["d", "p", "q", "dp", "dq", "qi", "k"];
            let is_private = map.contains_key("kty") && private.iter().any(|name| map.contains_key(*name));
            tell(is_private.then_some("a private key"), path, found);
            for (name, item) in map {
                tell(secret_in(name), path, found);
                walk(item, &format!("{path}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Tells the place and never the text.
fn tell(what: Option<&str>, path: &str, found: &mut Vec<Violation>) {
    if let Some(what) = what {
        found.push(Violation {
            invariant: Invariant::I10,
            step: None,
            found: format!("{what} at {path}"),
            expected: "no credential anywhere in a plan".to_owned(),
        });
    }
}

/// Longest run of characters as credentials have them.
fn run(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(text.len())
}

fn secret_in(text: &str) -> Option<&'static str> {
    // A hint such as `sk-ant-api03-abc...xyz` is no secret.
    const KEY_CHARS_MIN: usize = 24;
    const TOKEN_CHARS_MIN: usize = 24;
    if text.match_indices("sk-ant-").any(|(at, _)| run(&text[at..]) >= KEY_CHARS_MIN) {
        return Some("a static credential");
    }
    if text.match_indices("eyJ").any(|(at, _)| {
        let head = run(&text[at..]);
        head >= TOKEN_CHARS_MIN && text[at + head..].starts_with('.')
    }) {
        return Some("a token");
    }
    text.contains("PRIVATE KEY-----").then_some("a private key")
}
