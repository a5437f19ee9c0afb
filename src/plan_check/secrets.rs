//! Secret bytes in a plan.

use std::io;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use super::invariant::{Invariant, Violation};
use crate::plan::Plan;

pub(super) fn check(plan: &Plan, found: &mut Vec<Violation>) {
    // Most plans hold nothing that even begins like a secret, and are written once, past a look at it.
    let mut signs = Signs { text: Vec::with_capacity(2 * PIECE), are_there: false };
    serde_json::to_writer(&mut signs, plan).expect("a plan is plain data, and nothing fails to be written");
    signs.look();
    if signs.are_there {
        walk(&serde_json::to_value(plan).expect("a plan is plain data"), "", found);
    }
}

/// How a secret may begin. JSON escapes none of these characters.
static SIGNS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"sk-ant-|eyJ|PRIVATE KEY-----|"kty""#).expect("the pattern is well formed")
});
/// No sign is longer.
const SIGN_MAX: usize = 16;
/// So much text is looked at in one go: it stays in the processor's cache.
const PIECE: usize = 64 * 1024;

/// A text in which signs of secrets are looked for while it is written.
struct Signs {
    text: Vec<u8>,
    are_there: bool,
}

impl Signs {
    /// Looks at what was written, and keeps of it what may be the begin of a sign.
    fn look(&mut self) {
        self.are_there = self.are_there || SIGNS.is_match(&self.text);
        self.text.drain(..self.text.len().saturating_sub(SIGN_MAX));
    }
}

impl io::Write for Signs {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(text);
        if self.text.len() >= PIECE {
            self.look();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_sign_is_seen_wherever_the_text_is_cut() {
        for sign in ["sk-ant-", "eyJ", "PRIVATE KEY-----", "\"kty\""] {
            assert!(sign.len() <= SIGN_MAX);
            for at in PIECE - 2 * SIGN_MAX..PIECE + 2 * SIGN_MAX {
                let seen = |text: &str| {
                    let mut signs = Signs { text: Vec::new(), are_there: false };
                    signs.write_all(&b"x".repeat(at)).unwrap();
                    text.bytes().for_each(|byte| signs.write_all(&[byte]).unwrap());
                    signs.write_all(&b"x".repeat(PIECE)).unwrap();
                    signs.look();
                    signs.are_there
                };
                assert!(seen(sign), "{sign} at {at}");
                assert!(!seen(&sign[1..]), "less than {sign} at {at}");
            }
        }
    }
}
