//! Where an issuer's public keys come from.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where an issuer's public keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Jwks {
    /// The discovery document below `discovery_base`, or below the issuer URL.
    Discovery {
        /// Base URL to ask instead of the issuer URL.
        discovery_base: Option<String>,
        /// Private CA, PEM, at most 8192 characters.
        ca_cert_pem: Option<String>,
    },
    /// A fixed URL.
    ExplicitUrl {
        /// The URL of the key set.
        url: String,
        /// Private CA, PEM, at most 8192 characters.
        ca_cert_pem: Option<String>,
    },
    /// The keys themselves; they are never refreshed.
    Inline {
        /// Public JWK objects, at least one.
        keys: Vec<Value>,
    },
    /// A source that this program does not know; it can be seen and never written.
    Other {
        /// The API's word.
        kind: String,
    },
}

impl Jwks {
    /// Tells whether two sources give the same keys in the same way, however they are written: the
    /// API may store the order of keys and members, the padding of numbers and the line breaks of
    /// PEM in a form of its own.
    pub fn is_equivalent(&self, other: &Jwks) -> bool {
        match (self, other) {
            (
                Jwks::Discovery { discovery_base: base, ca_cert_pem: ca },
                Jwks::Discovery { discovery_base: other_base, ca_cert_pem: other_ca },
            ) => base == other_base && same_authorities(ca.as_deref(), other_ca.as_deref()),
            (
                Jwks::ExplicitUrl { url, ca_cert_pem: ca },
                Jwks::ExplicitUrl { url: other_url, ca_cert_pem: other_ca },
            ) => url == other_url && same_authorities(ca.as_deref(), other_ca.as_deref()),
            (Jwks::Inline { keys }, Jwks::Inline { keys: others }) => same_keys(keys, others),
            _ => self == other,
        }
    }
}

fn same_authorities(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a != b => match (certificates(a), certificates(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
        _ => a == b,
    }
}

/// The certificates of a PEM text, in DER; none where it has none or cannot be read.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}

fn same_keys(a: &[Value], b: &[Value]) -> bool {
    let sorted = |keys: &[Value]| {
        let mut keys: Vec<(Vec<Vec<u8>>, Value)> =
            keys.iter().map(|key| (identity(key), key.clone())).collect();
        keys.sort_by(|(a, _), (b, _)| a.cmp(b));
        keys
    };
    let (a, b) = (sorted(a), sorted(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && agree(&a.1, &b.1))
}

/// What makes a key that key: its kind, its id and its numbers (RFC 7638 names the members).
fn identity(key: &Value) -> Vec<Vec<u8>> {
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    let (words, numbers): (&[&str], &[&str]) = match text("kty") {
        "RSA" => (&[], &["n", "e"]),
        "EC" => (&["crv"], &["x", "y"]),
        "OKP" => (&["crv"], &["x"]),
        // Of a kind that is not known every member may matter.
        _ => return vec![key.to_string().into_bytes()],
    };
    let words = ["kty", "kid"].iter().chain(words).map(|name| text(name).as_bytes().to_vec());
    words.chain(numbers.iter().map(|name| number(text(name)))).collect()
}

/// A number's bytes without leading zeros; the text itself where it is no base64url.
fn number(text: &str) -> Vec<u8> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    match LENIENT.decode(text) {
        Ok(bytes) => bytes.into_iter().skip_while(|byte| *byte == 0).collect(),
        Err(_) => text.as_bytes().to_vec(),
    }
}

/// Tells whether two forms of a key agree on what both say of its use.
fn agree(a: &Value, b: &Value) -> bool {
    ["alg", "use", "key_ops"].iter().all(|name| match (a.get(name), b.get(name)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(a: &Value, b: &Value, expected: bool) {
        let inline = |keys: &Value| Jwks::Inline { keys: keys.as_array().unwrap().clone() };
        assert_eq!(inline(a).is_equivalent(&inline(b)), expected, "{a}\n{b}");
        assert_eq!(inline(b).is_equivalent(&inline(a)), expected, "{b}\n{a}");
    }

    #[test]
    fn keys_are_compared_and_not_their_texts() {
        let rsa =
            json!({"kty": "RSA", "kid": "1", "n": "AQAB_-8", "e": "AQAB", "alg": "RS256", "use": "sig"});
        let curve = json!({"kty": "EC", "kid": "2", "crv": "P-256", "x": "AQ", "y": "Ag"});
        check(&json!([rsa, curve]), &json!([curve, rsa]), true);
        // The padding, a leading zero and the members that say nothing of the key.
        let stored = json!({"e": "AAEAAQ==", "kid": "1", "kty": "RSA", "n": "AQAB_-8=", "x5c": null});
        check(&json!([rsa]), &json!([stored]), true);
        for (name, value) in [("n", "AQAB_-9"), ("kid", "3"), ("alg", "PS256"), ("use", "enc"), ("n", "?")] {
            let mut other = rsa.clone();
            other[name] = json!(value);
            check(&json!([rsa]), &json!([other]), false);
        }
        check(&json!([rsa]), &json!([rsa, rsa]), false);
        check(&json!([rsa, rsa]), &json!([rsa, curve]), false);
        let unknown = json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQ"});
        check(&json!([unknown]), &json!([{"kty": "AKP", "alg": "ML-DSA-44", "pub": "Ag"}]), false);
        check(&json!([unknown]), &json!([unknown]), true);
    }

    #[test]
    fn certificates_are_compared_and_not_their_texts() {
        let pem = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap().pem()
        };
        let (one, other) = (pem("one.example"), pem("other.example"));
        let source = |pem: &str| Jwks::Discovery { discovery_base: None, ca_cert_pem: Some(pem.to_owned()) };
        let same = |a: &str, b: &str| source(a).is_equivalent(&source(b));
        assert!(same(&one, &format!("# Our CA\r\n{}", one.replace('\n', "\r\n"))));
        assert!(same(&one, one.trim_end()));
        assert!(!same(&one, &other));
        assert!(!same(&one, &format!("{one}{other}")), "one more authority is trusted");
        assert!(!same("no certificate", "none either") && same("no certificate", "no certificate"));
        assert!(!source(&one).is_equivalent(&Jwks::Discovery { discovery_base: None, ca_cert_pem: None }));
    }
}
