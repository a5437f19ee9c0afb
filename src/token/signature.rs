//! Whether a token bears the signature of one of its issuer's keys.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, KeyOperations, PublicKeyUse};
use serde_json::Value;

use super::key_set::PublishedKey;
use super::verify::Parts;
use super::{IssuerKeys, TokenRefusal};

/// An algorithm in which only the issuer can sign, and what checks its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    /// One that `jsonwebtoken` has.
    Known(jsonwebtoken::Algorithm),
    /// ECDSA with P-521, which it has not.
    Es512,
}

/// Bytes of one coordinate of P-521.
const P521_BYTES: usize = 66;

/// Finds the key that the header names, and checks the signature with it.
pub(super) fn check_signature(parts: &Parts<'_>, keys: &IssuerKeys) -> Result<(), TokenRefusal> {
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
    key: &PublishedKey,
    kid: &str,
    word: &str,
    algorithm: Algorithm,
) -> Result<(), TokenRefusal> {
    let declared = key.algorithm.as_deref();
    let key = &key.jwk;
    let purpose = key.common.public_key_use.as_ref().is_none_or(|use_| *use_ == PublicKeyUse::Signature);
    let operations = key.common.key_operations.as_ref();
    if !purpose || operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return Err(TokenRefusal::KeyPurpose(kid.to_owned()));
    }
    if !suits(&key.algorithm, algorithm) || declared.is_some_and(|declared| declared != word) {
        return Err(TokenRefusal::KeyMismatch { kid: kid.to_owned(), algorithm: word.to_owned() });
    }
    let holds = match algorithm {
        Algorithm::Es512 => holds_with_p521(parts, &key.algorithm),
        Algorithm::Known(algorithm) => DecodingKey::from_jwk(key).is_ok_and(|key| {
            jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), &key, algorithm)
                .unwrap_or(false)
        }),
    };
    if holds { Ok(()) } else { Err(TokenRefusal::Signature(kid.to_owned())) }
}

fn holds_with_p521(parts: &Parts<'_>, key: &AlgorithmParameters) -> bool {
    let AlgorithmParameters::EllipticCurve(key) = key else { return false };
    let (Some(x), Some(y)) = (coordinate(&key.x), coordinate(&key.y)) else { return false };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(parts.signature) else { return false };
    let point = [&[4][..], &x, &y].concat();
    UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
        .verify(parts.signed.as_bytes(), &signature)
        .is_ok()
}

/// A coordinate with the leading zeros that some issuers leave out.
fn coordinate(text: &str) -> Option<[u8; P521_BYTES]> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let mut padded = [0; P521_BYTES];
    padded.get_mut(P521_BYTES.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    Some(padded)
}

/// The algorithms that the service takes. Shared secrets and `none` are not among them.
fn algorithm(word: &str) -> Option<Algorithm> {
    use jsonwebtoken::Algorithm::{ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512};
    let known = match word {
        "RS256" => RS256,
        "RS384" => RS384,
        "RS512" => RS512,
        "PS256" => PS256,
        "PS384" => PS384,
        "PS512" => PS512,
        "ES256" => ES256,
        "ES384" => ES384,
        "ES512" => return Some(Algorithm::Es512),
        _ => return None,
    };
    Some(Algorithm::Known(known))
}

/// Whether a key of this shape is one for the algorithm; a key must never be read as another kind.
fn suits(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    use jsonwebtoken::Algorithm::{ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512};
    match (key, algorithm) {
        (AlgorithmParameters::EllipticCurve(key), Algorithm::Es512) => key.curve == EllipticCurve::P521,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::Known(ES256)) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::Known(ES384)) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::RSA(_), Algorithm::Known(RS256 | RS384 | RS512 | PS256 | PS384 | PS512)) => {
            true
        }
        _ => false,
    }
}
