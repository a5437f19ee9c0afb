//! Checks a token: first whose signature it bears, then what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

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

struct Parts<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: &'a str,
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

/// Finds the key that the header names, and checks the signature with it.
fn check_signature(parts: &Parts<'_>, keys: &IssuerKeys) -> Result<(), TokenRefusal> {
    let word = parts.header.get("alg").and_then(Value::as_str).unwrap_or("nothing");
    let algorithm = algorithm(word).ok_or_else(|| TokenRefusal::Algorithm(word.to_owned()))?;
    if parts.header.contains_key("crit") {
        return Err(TokenRefusal::CriticalHeader);
    }
    let kid = parts.header.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
    let kid = kid.ok_or(TokenRefusal::NoKeyId)?;
    let mut refusal = TokenRefusal::UnknownKey(kid.to_owned());
    for key in keys.with_id(kid) {
        match check_with_key(parts, key, kid, word, algorithm) {
            Ok(()) => return Ok(()),
            Err(why) => refusal = why,
        }
    }
    Err(refusal)
}

fn check_with_key(
    parts: &Parts<'_>,
    key: &Jwk,
    kid: &str,
    word: &str,
    algorithm: Algorithm,
) -> Result<(), TokenRefusal> {
    let purpose = key.common.public_key_use.as_ref().is_none_or(|use_| *use_ == PublicKeyUse::Signature);
    let operations = key.common.key_operations.as_ref();
    if !purpose || operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return Err(TokenRefusal::KeyPurpose(kid.to_owned()));
    }
    let declared = key.common.key_algorithm;
    if !suits(&key.algorithm, algorithm) || declared.is_some_and(|alg| alg != algorithm.into()) {
        return Err(TokenRefusal::KeyMismatch { kid: kid.to_owned(), algorithm: word.to_owned() });
    }
    let wrong = || TokenRefusal::Signature(kid.to_owned());
    let key = DecodingKey::from_jwk(key).map_err(|_| wrong())?;
    match jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), &key, algorithm) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(wrong()),
    }
}

/// The algorithms in which only the issuer can sign. Shared secrets and `none` are not among them.
fn algorithm(word: &str) -> Option<Algorithm> {
    Some(match word {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        _ => return None,
    })
}

/// Whether a key of this shape is one for the algorithm; a key must never be read as another kind.
fn suits(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match (key, algorithm) {
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        _ => false,
    }
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
