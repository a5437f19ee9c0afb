//! The exchange's checks, offline: would this token pass this rule, and if not, why?
//!
//! The service answers each denial with the same words, so that only this tells a user which
//! check failed. Checks run in the service's order and the first failure is given. What cannot be
//! seen offline is left out: signatures, single use of a `jti`, archived objects, memberships.

use serde_json::{Map, Value};

use crate::condition;
use crate::limits::CLOCK_LEEWAY_SECONDS;
use crate::resource::Match;

mod denial;
mod wider;

pub use denial::Denial;
pub use wider::{is_wider, keeps_audience};

/// The audience that the service expects when a rule names none.
pub const DEFAULT_AUDIENCE: &str = "https://api.anthropic.com";

/// Signing algorithms that the service takes.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

/// A decoded token. Nothing is said of its signature.
#[derive(Clone, Copy, Debug)]
pub struct TokenView<'a> {
    /// The header.
    pub header: &'a Map<String, Value>,
    /// The claims.
    pub claims: &'a Map<String, Value>,
}

/// What the checks need to know of an issuer.
#[derive(Clone, Copy, Debug)]
pub struct IssuerView<'a> {
    /// The exact `iss`.
    pub issuer_url: &'a str,
    /// Ids of the keys in its key set.
    pub known_kids: &'a [String],
    /// Longest permitted `exp - iat`, in seconds.
    pub max_jwt_lifetime_seconds: i64,
}

/// Runs every check on a token. `now` is in seconds since 1970.
///
/// # Errors
///
/// The first check that fails.
pub fn evaluate(
    rule: &Match,
    issuer: &IssuerView<'_>,
    token: &TokenView<'_>,
    now: i64,
) -> Result<(), Denial> {
    check_header(issuer, token)?;
    check_times(issuer, token.claims, now)?;
    matches_claims(rule, token.claims, true)
}

/// Runs the checks of the match alone; the audience only when asked.
///
/// # Errors
///
/// The first check that fails.
pub fn matches_claims(rule: &Match, claims: &Map<String, Value>, check_audience: bool) -> Result<(), Denial> {
    if check_audience {
        audience_matches(rule.audience.as_deref().unwrap_or(DEFAULT_AUDIENCE), claims)?;
    }
    if let Some(pattern) = &rule.subject_prefix {
        let actual = claims.get("sub").and_then(Value::as_str).ok_or(Denial::SubMissing)?;
        if !subject_matches(pattern, actual) {
            return Err(Denial::SubjectMismatch { pattern: pattern.clone(), actual: actual.to_owned() });
        }
    }
    for (name, expected) in &rule.claims {
        claim_matches(name, expected, claims)?;
    }
    match &rule.condition {
        None => Ok(()),
        Some(text) => match condition::evaluate(text, claims) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Denial::ConditionFalse { condition: text.clone() }),
            Err(fault) => Err(Denial::ConditionError { condition: text.clone(), fault }),
        },
    }
}

/// Tells whether a subject fits a pattern: exactly, or by its beginning when the pattern ends
/// in a star.
pub fn subject_matches(pattern: &str, subject: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => subject.starts_with(prefix),
        None => subject == pattern,
    }
}

fn check_header(issuer: &IssuerView<'_>, token: &TokenView<'_>) -> Result<(), Denial> {
    let text = |name: &str| token.header.get(name).and_then(Value::as_str);
    let algorithm = text("alg").unwrap_or_default();
    if !ALGORITHMS.contains(&algorithm) {
        return Err(Denial::AlgorithmRejected { algorithm: algorithm.to_owned() });
    }
    let kid = text("kid").filter(|kid| !kid.is_empty()).ok_or(Denial::KidMissing)?;
    let actual = token.claims.get("iss").and_then(Value::as_str);
    if actual != Some(issuer.issuer_url) {
        return Err(Denial::IssuerMismatch {
            expected: issuer.issuer_url.to_owned(),
            actual: actual.map(str::to_owned),
        });
    }
    if !issuer.known_kids.iter().any(|known| known == kid) {
        return Err(Denial::SignatureKeyUnknown { kid: kid.to_owned() });
    }
    Ok(())
}

fn check_times(issuer: &IssuerView<'_>, claims: &Map<String, Value>, now: i64) -> Result<(), Denial> {
    let leeway = i64::try_from(CLOCK_LEEWAY_SECONDS).unwrap_or(i64::MAX);
    let latest = now.saturating_add(leeway);
    if !claims.get("sub").is_some_and(Value::is_string) {
        return Err(Denial::SubMissing);
    }
    let issued_at = seconds(claims, "iat").ok_or(Denial::IatMissing)?;
    if issued_at > latest {
        return Err(Denial::IatFuture { issued_at, now });
    }
    let expires_at = seconds(claims, "exp").ok_or(Denial::ExpMissing)?;
    if expires_at.saturating_add(leeway) <= now {
        return Err(Denial::Expired { expires_at, now });
    }
    if let Some(not_before) = seconds(claims, "nbf").filter(|not_before| *not_before > latest) {
        return Err(Denial::NbfFuture { not_before, now });
    }
    let lifetime = expires_at.saturating_sub(issued_at);
    if lifetime > issuer.max_jwt_lifetime_seconds {
        return Err(Denial::LifetimeExceeded { seconds: lifetime, limit: issuer.max_jwt_lifetime_seconds });
    }
    Ok(())
}

/// A point in time; fractions of a second are dropped.
fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

fn audience_matches(expected: &str, claims: &Map<String, Value>) -> Result<(), Denial> {
    let actual: Vec<String> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if actual.iter().any(|audience| audience == expected) {
        return Ok(());
    }
    Err(Denial::AudienceMismatch { expected: expected.to_owned(), actual })
}

fn claim_matches(name: &str, expected: &str, claims: &Map<String, Value>) -> Result<(), Denial> {
    let name = name.to_owned();
    match claims.get(&name) {
        None => Err(Denial::ClaimMissing { name, expected: expected.to_owned() }),
        Some(Value::String(actual)) if actual == expected => Ok(()),
        Some(Value::String(actual)) => {
            Err(Denial::ClaimMismatch { name, expected: expected.to_owned(), actual: actual.clone() })
        }
        Some(other) => Err(Denial::ClaimNotString { name, found: type_of(other) }),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
