//! Made-up tokens of an issuer's other workloads.

use serde_json::{Map, Value, json};

use crate::provider::profile::{Part, TokenProfile};

/// How many are made up; enough that each other claim takes each of its values.
const STRANGERS: usize = 32;

/// Claims of workloads that have nothing to do with a rule. A condition that is true of them all
/// is true of everybody.
pub(super) fn strangers(profile: &TokenProfile, issuer_url: &str) -> Vec<Map<String, Value>> {
    (0..STRANGERS).map(|number| stranger(profile, issuer_url, number)).collect()
}

fn stranger(profile: &TokenProfile, issuer_url: &str, number: usize) -> Map<String, Value> {
    let mut claims = Map::new();
    let audience = ["https://api.anthropic.com", "sts.amazonaws.com", "https://example.com"][number % 3];
    claims.insert("iss".to_owned(), json!(issuer_url));
    claims.insert("aud".to_owned(), json!(audience));
    claims.insert("sub".to_owned(), json!(subject(profile, number)));
    claims.insert("iat".to_owned(), json!(1_790_000_000 + number));
    claims.insert("nbf".to_owned(), json!(1_790_000_000 + number));
    claims.insert("exp".to_owned(), json!(1_790_000_300 + number));
    claims.insert("jti".to_owned(), json!(format!("00000000-0000-4000-8000-{number:012}")));
    for (name, values) in profile.other_claims {
        claims.insert((*name).to_owned(), json!(values[number % values.len()]));
    }
    for claim in profile.identity_claims {
        // `sub` is there already.
        if claim.path != ["sub"] {
            put(&mut claims, claim.path, json!(format!("{}{number}", pick(number + claim.path.len()))));
        }
    }
    claims
}

fn subject(profile: &TokenProfile, number: usize) -> String {
    let Some(template) = profile.templates.get(number % profile.templates.len().max(1)) else {
        return format!("{}{number}", pick(number));
    };
    let pieces = template.iter().enumerate().map(|(at, part)| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Value(_) => format!("{}{number}", pick(number + at)),
    });
    pieces.collect()
}

fn pick(number: usize) -> &'static str {
    ["mallory", "x", "main", "0af9", "Evil.Corp", "a-b_c", "9", "release"][number % 8]
}

fn put(claims: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            claims.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let inner = claims.entry(*name).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
