//! Checks a token: first whose signature it bears, then what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::signature::check_signature;
use super::{IssuerKeys, TokenRefusal};
use crate::limits;

/// What a token must say to be believed.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its `iss`, byte for byte.
    pub issuer_url: &'a str,
    /// One of its `aud`.
    pub audience: &'a str,
    /// The time by which it is judged.
    pub now: Timestamp,
    /// Clock difference that is tolerated, in seconds.
    pub leeway_seconds: u64,
    /// Longest permitted `exp - iat`, in seconds.
    pub max_lifetime_seconds: i64,
}

/// A token whose signature and claims were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The header.
    pub header: Map<String, Value>,
    /// The claims; `iss`, `sub`, `aud`, `iat` and `exp` are there and of the right kind.
    pub claims: Map<String, Value>,
}

/// What a token says of itself. Nothing of it is checked: anyone could have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedToken {
    /// The header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Reads a token without believing it, for choosing an issuer and for messages.
///
/// # Errors
/// When it is too large or no token at all.
pub fn peek_unverified(token: &str) -> Result<UnverifiedToken, TokenRefusal> {
    let parts = Parts::split(token)?;
    Ok(UnverifiedToken { header: parts.header, claims: parts.claims })
}

/// Tells whether an issuer that checks `jti` would take a token once alone. One without `jti` cannot be told
/// from others, so the API lets it pass again; one that cannot be read is better not sent twice.
pub fn is_single_use(token: &str) -> bool {
    peek_unverified(token).map_or(true, |seen| seen.claims.contains_key("jti"))
}

/// Checks a token's signature alone: what it says may still be refused.
///
/// # Errors
/// Why the signature is not believed, or cannot be checked.
pub fn verify_signature(token: &str, keys: &IssuerKeys) -> Result<UnverifiedToken, TokenRefusal> {
    let parts = Parts::split(token)?;
    check_signature(&parts, keys)?;
    Ok(UnverifiedToken { header: parts.header, claims: parts.claims })
}

/// Checks a token's signature against an issuer's keys, and its claims against what is expected.
///
/// # Errors
/// The first reason not to believe it; the signature comes before the claims.
pub fn verify(
    token: &str,
    keys: &IssuerKeys,
    expected: &Expected<'_>,
) -> Result<VerifiedToken, TokenRefusal> {
    let parts = Parts::split(token)?;
    check_signature(&parts, keys)?;
    check_claims(&parts.claims, expected)?;
    Ok(VerifiedToken { header: parts.header, claims: parts.claims })
}

pub(super) struct Parts<'a> {
    pub(super) header: Map<String, Value>,
    claims: Map<String, Value>,
    pub(super) signed: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Parts<'a>, TokenRefusal> {
        let max = limits::IDENTITY_TOKEN_BYTES_MAX;
        if token.len() > max {
            return Err(TokenRefusal::TooLarge { bytes: token.len(), max });
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(TokenRefusal::NotAToken("it does not have three parts"));
        };
        Ok(Parts {
            header: object(header).ok_or(TokenRefusal::NotAToken("its header cannot be read"))?,
            claims: object(claims).ok_or(TokenRefusal::NotAToken("its claims cannot be read"))?,
            signed: &token[..header.len() + 1 + claims.len()],
            signature,
        })
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn check_claims(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), TokenRefusal> {
    let issuer = text(claims, "iss")?;
    if issuer != expected.issuer_url {
        let (expected, found) = (expected.issuer_url.to_owned(), issuer.to_owned());
        return Err(TokenRefusal::Issuer { expected, found });
    }
    if text(claims, "sub")?.is_empty() {
        return Err(TokenRefusal::MissingClaim("sub"));
    }
    check_audience(claims, expected.audience)?;
    check_times(claims, expected)
}

fn check_audience(claims: &Map<String, Value>, expected: &str) -> Result<(), TokenRefusal> {
    let audience = claim(claims, "aud")?;
    let meant = match audience {
        Value::String(one) => one == expected,
        Value::Array(many) if many.iter().all(Value::is_string) => many.iter().any(|one| one == expected),
        _ => return Err(TokenRefusal::ClaimType("aud")),
    };
    if meant {
        return Ok(());
    }
    Err(TokenRefusal::Audience { expected: expected.to_owned(), found: audience.to_string() })
}

fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), TokenRefusal> {
    let now = expected.now.as_second();
    let leeway = i64::try_from(expected.leeway_seconds).unwrap_or(i64::MAX);
    let (iat, exp) = (seconds(claims, "iat")?, seconds(claims, "exp")?);
    if exp.saturating_add(leeway) <= now {
        return Err(TokenRefusal::Expired { seconds: now.saturating_sub(exp) });
    }
    let ahead = |time: i64| Some(time.saturating_sub(now)).filter(|ahead| *ahead > leeway);
    if claims.contains_key("nbf")
        && let Some(seconds) = ahead(seconds(claims, "nbf")?)
    {
        return Err(TokenRefusal::NotYetValid { seconds });
    }
    if let Some(seconds) = ahead(iat) {
        return Err(TokenRefusal::IssuedInFuture { seconds });
    }
    let life = exp.saturating_sub(iat);
    if life < 0 {
        return Err(TokenRefusal::EndsBeforeIssued);
    }
    if life > expected.max_lifetime_seconds {
        return Err(TokenRefusal::LivesTooLong { seconds: life, max: expected.max_lifetime_seconds });
    }
    Ok(())
}

fn claim<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, TokenRefusal> {
    claims.get(name).filter(|value| !value.is_null()).ok_or(TokenRefusal::MissingClaim(name))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenRefusal> {
    claim(claims, name)?.as_str().ok_or(TokenRefusal::ClaimType(name))
}

/// A time in whole seconds; fractions are allowed and cut off.
fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<i64, TokenRefusal> {
    let value = claim(claims, name)?;
    let whole = value
        .as_i64()
        .or_else(|| value.as_f64().filter(|number| number.abs() < 1e15).map(|number| number.floor() as i64));
    whole.ok_or(TokenRefusal::ClaimType(name))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
