//! An issuer's public keys.

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::limits;

/// An issuer's public keys, as published or as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKeys {
    /// The key ids, sorted; a key without an id can verify no token.
    pub key_ids: Vec<String>,
    /// SHA-256, in hexadecimal, of the document the keys were read from.
    pub digest: String,
    keys: Vec<PublishedKey>,
}

/// One key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublishedKey {
    pub(super) jwk: Jwk,
    /// Its `alg` as it is written; the word may be one that `jsonwebtoken` does not know.
    pub(super) algorithm: Option<String>,
}

impl PublishedKey {
    fn read(value: &Value) -> Option<PublishedKey> {
        let algorithm = value.get("alg").and_then(Value::as_str).map(str::to_owned);
        Some(PublishedKey { jwk: Jwk::deserialize(value).ok()?, algorithm })
    }
}

/// Why a document is no usable key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is not JSON, or not the object that a key set is.
    #[error("the document is no key set: {0}")]
    NotAKeySet(String),
    /// It holds no key that a token could name.
    #[error("the key set holds no usable key with a `kid`")]
    NoKeys,
    /// It is too long.
    #[error("the key set holds {0} keys, more than any issuer needs")]
    TooManyKeys(usize),
    /// It gives away what signs tokens.
    #[error("the key set publishes the secret part of the key {0}, so anyone can sign tokens with it")]
    SecretKey(String),
}

/// Members of a JWK that only the signer may know.
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl IssuerKeys {
    /// Reads a published key set, `{"keys": […]}`.
    ///
    /// # Errors
    /// When it is no key set, or an unusable or dangerous one.
    pub fn parse(document: &[u8]) -> Result<IssuerKeys, KeySetError> {
        let value: Value =
            serde_json::from_slice(document).map_err(|error| KeySetError::NotAKeySet(error.to_string()))?;
        match value.get("keys") {
            Some(Value::Array(keys)) => IssuerKeys::read(keys, document),
            _ => Err(KeySetError::NotAKeySet("it has no list `keys`".to_owned())),
        }
    }

    /// Takes keys from a configuration.
    ///
    /// # Errors
    /// When they are unusable or dangerous.
    pub fn from_keys(keys: &[Value]) -> Result<IssuerKeys, KeySetError> {
        let document = Value::from(keys.to_vec()).to_string();
        IssuerKeys::read(keys, document.as_bytes())
    }

    fn read(values: &[Value], document: &[u8]) -> Result<IssuerKeys, KeySetError> {
        if values.len() > limits::ISSUER_KEYS_MAX {
            return Err(KeySetError::TooManyKeys(values.len()));
        }
        if let Some(value) = values.iter().find(|value| SECRET_MEMBERS.iter().any(|m| value.get(m).is_some()))
        {
            let kid = value["kid"].as_str().unwrap_or("without a `kid`");
            return Err(KeySetError::SecretKey(kid.to_owned()));
        }
        // A key of a kind that is not known yet must not take the others with it.
        let keys: Vec<PublishedKey> = values.iter().filter_map(PublishedKey::read).collect();
        let mut key_ids: Vec<String> = keys.iter().filter_map(|key| key.jwk.common.key_id.clone()).collect();
        key_ids.sort();
        key_ids.dedup();
        if key_ids.is_empty() {
            return Err(KeySetError::NoKeys);
        }
        Ok(IssuerKeys { key_ids, digest: hex(&Sha256::digest(document)), keys })
    }

    /// The keys with this id; an issuer may publish several.
    pub(super) fn with_id<'a>(&'a self, kid: &'a str) -> impl Iterator<Item = &'a PublishedKey> {
        self.keys.iter().filter(move |key| key.jwk.common.key_id.as_deref() == Some(kid))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(kid: &str) -> Value {
        json!({"kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB"})
    }

    #[test]
    fn unknown_kinds_of_keys_are_passed_over() {
        let document = json!({"keys": [
            rsa("b"),
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "LMS", "kid": "a"},
            {"kty": "EC", "kid": "z", "key_ops": "not a list"},
            rsa("b"),
        ], "more": 1});
        let keys = IssuerKeys::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(keys.key_ids, ["a", "b"]);
        assert_eq!(keys.with_id("b").count(), 2);
        assert_eq!(keys.digest.len(), 64);
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        let error = IssuerKeys::parse(document.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{document}: {error}");
    }

    #[test]
    fn unusable_sets_are_refused() {
        check("<html>", "no key set");
        check("[]", "no list `keys`");
        check(r#"{"keys": {}}"#, "no list `keys`");
        check(r#"{"keys": []}"#, "no usable key");
        check(r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#, "no usable key");
        check(r#"{"keys": [{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB", "d": "AQAB"}]}"#, "key k1");
        check(r#"{"keys": [{"kty": "oct", "kid": "k2", "k": "AQAB"}]}"#, "key k2");
        let many = json!({"keys": vec![rsa("x"); limits::ISSUER_KEYS_MAX + 1]});
        check(&many.to_string(), "more than any issuer needs");
    }

    #[test]
    fn configured_keys_have_a_digest_of_their_own() {
        let one = IssuerKeys::from_keys(&[rsa("a")]).unwrap();
        let two = IssuerKeys::from_keys(&[rsa("b")]).unwrap();
        assert_ne!(one.digest, two.digest);
    }
}
