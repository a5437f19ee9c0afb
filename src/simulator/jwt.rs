//! Signing and verifying identity tokens, apart from the engine's own code on purpose.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as sign;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The algorithms that the API accepts.
pub(super) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

/// A private key and the public one to publish.
pub(super) struct NewKey {
    /// PKCS #8, base64.
    pub(super) private: String,
    /// A JWK with `kid`, `alg` and `use`.
    pub(super) public: Value,
}

/// An identity token taken apart, not yet verified.
pub(super) struct Parts<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// An elliptic curve with what it needs to sign and to verify.
struct Curve {
    name: &'static str,
    /// Bytes of one coordinate.
    size: usize,
    signing: &'static sign::EcdsaSigningAlgorithm,
    verifying: &'static sign::EcdsaVerificationAlgorithm,
}

fn curve(algorithm: &str) -> Option<Curve> {
    let (name, size, signing, verifying): (_, _, &'static _, &'static _) = match algorithm {
        "ES256" => ("P-256", 32, &sign::ECDSA_P256_SHA256_FIXED_SIGNING, &sign::ECDSA_P256_SHA256_FIXED),
        "ES384" => ("P-384", 48, &sign::ECDSA_P384_SHA384_FIXED_SIGNING, &sign::ECDSA_P384_SHA384_FIXED),
        "ES512" => ("P-521", 66, &sign::ECDSA_P521_SHA512_FIXED_SIGNING, &sign::ECDSA_P521_SHA512_FIXED),
        _ => return None,
    };
    Some(Curve { name, size, signing, verifying })
}

fn rsa(algorithm: &str) -> Option<(&'static dyn sign::RsaEncoding, &'static sign::RsaParameters)> {
    Some(match algorithm {
        "RS256" => (&sign::RSA_PKCS1_SHA256, &sign::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => (&sign::RSA_PKCS1_SHA384, &sign::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => (&sign::RSA_PKCS1_SHA512, &sign::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => (&sign::RSA_PSS_SHA256, &sign::RSA_PSS_2048_8192_SHA256),
        "PS384" => (&sign::RSA_PSS_SHA384, &sign::RSA_PSS_2048_8192_SHA384),
        "PS512" => (&sign::RSA_PSS_SHA512, &sign::RSA_PSS_2048_8192_SHA512),
        _ => return None,
    })
}

/// Makes a key for one of the algorithms; none for another.
pub(super) fn generate(algorithm: &str) -> Option<NewKey> {
    let (private, mut public) = match curve(algorithm) {
        Some(curve) => {
            let pair = EcdsaKeyPair::generate(curve.signing).ok()?;
            let point = pair.public_key().as_ref().get(1..)?;
            let (x, y) = point.split_at_checked(curve.size)?;
            let jwk = json!({"kty": "EC", "crv": curve.name, "x": BASE64.encode(x), "y": BASE64.encode(y)});
            (pair.to_pkcs8v1().ok()?.as_ref().to_vec(), jwk)
        }
        None => {
            rsa(algorithm)?;
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            let n = BASE64.encode(pair.public_key().modulus().big_endian_without_leading_zero());
            let e = BASE64.encode(pair.public_key().exponent().big_endian_without_leading_zero());
            (pair.as_der().ok()?.as_ref().to_vec(), json!({"kty": "RSA", "n": n, "e": e}))
        }
    };
    let thumbprint = Sha256::digest(public.to_string());
    public["kid"] = Value::String(BASE64.encode(&thumbprint[..12]));
    public["alg"] = json!(algorithm);
    public["use"] = json!("sig");
    Some(NewKey { private: BASE64.encode(private), public })
}

/// Signs claims into a token; none when the key does not belong to the algorithm.
pub(super) fn sign(algorithm: &str, private: &str, kid: &str, claims: &Map<String, Value>) -> Option<String> {
    let header = json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
    let signed =
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(json!(claims).to_string()));
    let der = BASE64.decode(private).ok()?;
    let random = SystemRandom::new();
    let signature = match curve(algorithm) {
        Some(curve) => {
            let pair = EcdsaKeyPair::from_pkcs8(curve.signing, &der).ok()?;
            pair.sign(&random, signed.as_bytes()).ok()?.as_ref().to_vec()
        }
        None => {
            let pair = RsaKeyPair::from_pkcs8(&der).ok()?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(rsa(algorithm)?.0, &random, signed.as_bytes(), &mut signature).ok()?;
            signature
        }
    };
    Some(format!("{signed}.{}", BASE64.encode(signature)))
}

/// Takes a token apart; none when it is no JWT.
pub(super) fn parse(token: &str) -> Option<Parts<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let object = |text: &str| match serde_json::from_slice(&BASE64.decode(text).ok()?).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    };
    Some(Parts {
        header: object(header)?,
        claims: object(claims)?,
        signed,
        signature: BASE64.decode(signature).ok()?,
    })
}

impl Parts<'_> {
    /// A text in the header.
    pub(super) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// Checks the signature against a JWK, whose own `alg` and `use` must agree, where given.
    pub(super) fn is_signed_by(&self, jwk: &Value) -> bool {
        let Some(algorithm) = self.header_text("alg") else { return false };
        let agrees = |field: &str, wanted: &str| jwk.get(field).is_none_or(|value| value == wanted);
        agrees("alg", algorithm) && agrees("use", "sig") && self.verify(algorithm, jwk).is_some()
    }

    fn verify(&self, algorithm: &str, jwk: &Value) -> Option<()> {
        let part = |name: &str| BASE64.decode(jwk.get(name)?.as_str()?).ok();
        let message = self.signed.as_bytes();
        match (curve(algorithm), jwk.get("kty").and_then(Value::as_str)?) {
            (Some(curve), "EC") if jwk.get("crv")?.as_str()? == curve.name => {
                let (x, y) = (part("x")?, part("y")?);
                if x.len() != curve.size || y.len() != curve.size {
                    return None;
                }
                let point = [&[4u8][..], &x, &y].concat();
                UnparsedPublicKey::new(curve.verifying, point).verify(message, &self.signature).ok()
            }
            (None, "RSA") => {
                let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
                key.verify(rsa(algorithm)?.1, message, &self.signature).ok()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_signs_and_verifies() {
        for algorithm in ALGORITHMS {
            let key = generate(algorithm).unwrap();
            let other = generate(algorithm).unwrap();
            let claims = json!({"sub": "x"}).as_object().cloned().unwrap();
            let token = sign(algorithm, &key.private, "k", &claims).unwrap();
            let parts = parse(&token).unwrap();
            assert_eq!(parts.claims, claims);
            assert_eq!(parts.header_text("kid"), Some("k"));
            assert!(parts.is_signed_by(&key.public), "{algorithm}");
            assert!(!parts.is_signed_by(&other.public), "{algorithm}");
            let mut encryption = key.public.clone();
            encryption["use"] = json!("enc");
            assert!(!parts.is_signed_by(&encryption), "{algorithm}");
        }
    }

    #[test]
    fn what_is_no_token_is_no_token() {
        for text in ["", "a.b", "a.b.c", "....", "e30.e30", "e30.W10.AA"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(generate("HS256").is_none());
        assert!(!parse("e30.e30.AA").unwrap().is_signed_by(&json!({})));
    }
}
