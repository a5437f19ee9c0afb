//! Every refusal, with keys made on the spot.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaEncoding, RsaKeyPair,
};
use serde_json::json;

use super::*;
use crate::token::install_crypto;

const ISSUER: &str = "https://issuer.example.com";
const AUDIENCE: &str = "https://api.anthropic.com";
const NOW: i64 = 1_800_000_000;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Signer {
    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Signer {
        Signer::Ec(EcdsaKeyPair::generate(algorithm).unwrap())
    }

    /// The public key as a JWK, with more members or other values for some.
    fn jwk(&self, kid: &str, more: Value) -> Value {
        let mut jwk = match self {
            Signer::Rsa(pair) => {
                let key = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": b64(key.modulus().big_endian_without_leading_zero()),
                    "e": b64(key.exponent().big_endian_without_leading_zero()),
                })
            }
            Signer::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
        };
        jwk["kid"] = json!(kid);
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let random = SystemRandom::new();
        let bytes = match self {
            Signer::Ec(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Signer::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = match header["alg"].as_str().unwrap() {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, signed.as_bytes(), &mut bytes).unwrap();
                bytes
            }
        };
        format!("{signed}.{}", b64(bytes))
    }
}

/// Making an RSA key is slow, so all tests share one.
fn rsa() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "repo:acme/app", "aud": AUDIENCE, "iat": NOW - 10, "exp": NOW + 290})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn check_token(token: &str, keys: &[Value]) -> Result<VerifiedToken, TokenRefusal> {
    install_crypto();
    let expected = Expected {
        issuer_url: ISSUER,
        audience: AUDIENCE,
        now: Timestamp::from_second(NOW).unwrap(),
        leeway_seconds: limits::CLOCK_LEEWAY_SECONDS,
        max_lifetime_seconds: 3_600,
    };
    verify(token, &IssuerKeys::from_keys(keys).unwrap(), &expected)
}

#[test]
fn every_supported_algorithm_is_accepted_and_only_with_the_right_key() {
    let p256 = Signer::ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let p384 = Signer::ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let p521 = Signer::ec(&ECDSA_P521_SHA512_FIXED_SIGNING);
    let cases = [
        ("RS256", rsa()),
        ("RS384", rsa()),
        ("RS512", rsa()),
        ("PS256", rsa()),
        ("PS384", rsa()),
        ("PS512", rsa()),
        ("ES256", &p256),
        ("ES384", &p384),
        ("ES512", &p521),
    ];
    for (algorithm, signer) in cases {
        let token = signer.sign(&json!({"alg": algorithm, "kid": "k"}), &claims());
        for more in [json!({}), json!({"alg": algorithm, "use": "sig", "key_ops": ["verify"]})] {
            let verified = check_token(&token, &[signer.jwk("k", more)]).unwrap();
            assert_eq!(verified.claims["sub"], "repo:acme/app");
            assert_eq!(verified.header["alg"], algorithm);
        }
        let other = Signer::ec(&ECDSA_P256_SHA256_FIXED_SIGNING).jwk("k", json!({}));
        check_token(&token, std::slice::from_ref(&other)).unwrap_err();
        // Of several keys with one id, any may have signed.
        check_token(&token, &[other, signer.jwk("k", json!({}))]).unwrap();
    }
}

fn rs256() -> Value {
    json!({"alg": "RS256", "kid": "k"})
}

fn mismatch(algorithm: &str) -> TokenRefusal {
    TokenRefusal::KeyMismatch { kid: "k".into(), algorithm: algorithm.into() }
}

#[test]
fn keys_are_used_for_what_they_are_published_for() {
    let check = |header: Value, more: Value, expected: TokenRefusal| {
        let token = rsa().sign(&header, &claims());
        assert_eq!(check_token(&token, &[rsa().jwk("k", more)]).unwrap_err(), expected);
    };
    check(rs256(), json!({"use": "enc"}), TokenRefusal::KeyPurpose("k".into()));
    check(rs256(), json!({"key_ops": ["encrypt"]}), TokenRefusal::KeyPurpose("k".into()));
    check(rs256(), json!({"alg": "RS512"}), mismatch("RS256"));
    check(rs256(), json!({"alg": "RSA-OAEP"}), mismatch("RS256"));
    check(rs256(), json!({"alg": "HS256"}), mismatch("RS256"));
    check(json!({"alg": "PS256", "kid": "k"}), json!({"alg": "RS256"}), mismatch("PS256"));
    check(json!({"alg": "ES256", "kid": "k"}), json!({}), mismatch("ES256"));
    check(json!({"alg": "RS256", "kid": "other"}), json!({}), TokenRefusal::UnknownKey("other".into()));
    check(json!({"alg": "RS256"}), json!({}), TokenRefusal::NoKeyId);
    check(json!({"alg": "RS256", "kid": ""}), json!({}), TokenRefusal::NoKeyId);
    check(json!({"alg": "RS256", "kid": "k", "crit": ["b64"]}), json!({}), TokenRefusal::CriticalHeader);
}

#[test]
fn a_curve_is_not_taken_for_another() {
    let p384 = Signer::ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let token = p384.sign(&json!({"alg": "ES256", "kid": "k"}), &claims());
    assert_eq!(check_token(&token, &[p384.jwk("k", json!({}))]).unwrap_err(), mismatch("ES256"));
    let token = p384.sign(&json!({"alg": "ES512", "kid": "k"}), &claims());
    assert_eq!(check_token(&token, &[p384.jwk("k", json!({}))]).unwrap_err(), mismatch("ES512"));
    let p521 = Signer::ec(&ECDSA_P521_SHA512_FIXED_SIGNING);
    let token = p521.sign(&json!({"alg": "ES384", "kid": "k"}), &claims());
    assert_eq!(check_token(&token, &[p521.jwk("k", json!({}))]).unwrap_err(), mismatch("ES384"));
    let token = p521.sign(&json!({"alg": "ES512", "kid": "k"}), &claims());
    for more in [json!({"alg": "ES384"}), json!({"alg": "ES513"})] {
        assert_eq!(check_token(&token, &[p521.jwk("k", more)]).unwrap_err(), mismatch("ES512"));
    }
}

#[test]
fn a_p521_signature_is_checked_with_coordinates_of_any_written_length() {
    let header = json!({"alg": "ES512", "kid": "k"});
    // Half of all coordinates begin with a zero byte, which some issuers leave out.
    for _ in 0..8 {
        let signer = Signer::ec(&ECDSA_P521_SHA512_FIXED_SIGNING);
        let token = signer.sign(&header, &claims());
        let mut key = signer.jwk("k", json!({}));
        for name in ["x", "y"] {
            let bytes = URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
            let start = bytes.iter().position(|byte| *byte != 0).unwrap();
            key[name] = json!(b64(&bytes[start..]));
        }
        check_token(&token, &[key.clone()]).unwrap();
        let (signed, _) = token.rsplit_once('.').unwrap();
        for signature in ["", "AAAA", "!"] {
            let refusal = check_token(&format!("{signed}.{signature}"), &[key.clone()]).unwrap_err();
            assert_eq!(refusal, TokenRefusal::Signature("k".into()));
        }
        key["x"] = json!(b64([1; 67]));
        assert_eq!(check_token(&token, &[key]).unwrap_err(), TokenRefusal::Signature("k".into()));
    }
}

#[test]
fn a_signature_is_checked_alone_where_the_claims_do_not_matter() {
    install_crypto();
    let keys = IssuerKeys::from_keys(&[rsa().jwk("k", json!({}))]).unwrap();
    let token = rsa().sign(&rs256(), &without("aud"));
    assert_eq!(verify_signature(&token, &keys).unwrap().claims["sub"], "repo:acme/app");
    let token = rsa().sign(&json!({"alg": "EdDSA", "kid": "k"}), &claims());
    assert_eq!(verify_signature(&token, &keys).unwrap_err(), TokenRefusal::Algorithm("EdDSA".into()));
}

#[test]
fn unsigned_and_symmetric_tokens_are_refused() {
    let key = rsa().jwk("k", json!({}));
    for algorithm in ["none", "None", "HS256", "HS512", "ES257", "EdDSA", ""] {
        let header = json!({"alg": algorithm, "kid": "k"});
        let token = format!("{}.{}.", b64(header.to_string()), b64(claims().to_string()));
        let refusal = check_token(&token, std::slice::from_ref(&key)).unwrap_err();
        assert_eq!(refusal, TokenRefusal::Algorithm(algorithm.into()));
    }
    // The classic confusion: the public key's own bytes as a shared secret.
    let Signer::Rsa(pair) = rsa() else { panic!("an RSA key") };
    let secret = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    let header = json!({"alg": "HS256", "kid": "k"});
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let mac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_ref());
    let mac = aws_lc_rs::hmac::sign(&mac_key, signed.as_bytes());
    let refusal = check_token(&format!("{signed}.{}", b64(mac)), &[key]).unwrap_err();
    assert_eq!(refusal, TokenRefusal::Algorithm("HS256".into()));
}

#[test]
fn changed_tokens_are_refused() {
    let keys = [rsa().jwk("k", json!({}))];
    let token = rsa().sign(&rs256(), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let other_claims = b64(with("sub", json!("repo:evil/app")).to_string());
    let other_header = b64(json!({"alg": "RS256", "kid": "k", "typ": "x"}).to_string());
    let wrong = TokenRefusal::Signature("k".into());
    let check = |token: String, expected: &TokenRefusal| {
        assert_eq!(&check_token(&token, &keys).unwrap_err(), expected);
    };
    check(format!("{}.{other_claims}.{}", parts[0], parts[2]), &wrong);
    check(format!("{other_header}.{}.{}", parts[1], parts[2]), &wrong);
    check(format!("{}.{}.", parts[0], parts[1]), &wrong);
    check(format!("{}.{}.!", parts[0], parts[1]), &wrong);
    check(format!("{}.{}.{}A", parts[0], parts[1], parts[2]), &wrong);
    check(format!("{token}.x"), &TokenRefusal::NotAToken("it does not have three parts"));
    check("".into(), &TokenRefusal::NotAToken("it does not have three parts"));
    check("a.b.c".into(), &TokenRefusal::NotAToken("its header cannot be read"));
    check(format!("{}.bnVsbA.x", parts[0]), &TokenRefusal::NotAToken("its claims cannot be read"));
    check(format!(" {token}"), &TokenRefusal::NotAToken("its header cannot be read"));
    let max = limits::IDENTITY_TOKEN_BYTES_MAX;
    check("x".repeat(max + 1), &TokenRefusal::TooLarge { bytes: max + 1, max });
}

#[track_caller]
fn check_claims_of(claims: Value, expected: Option<TokenRefusal>) {
    let token = rsa().sign(&rs256(), &claims);
    assert_eq!(check_token(&token, &[rsa().jwk("k", json!({}))]).err(), expected, "{claims}");
}

#[test]
fn required_claims_are_required() {
    use TokenRefusal::{ClaimType, MissingClaim};
    for name in ["iss", "sub", "aud", "iat", "exp"] {
        check_claims_of(without(name), Some(MissingClaim(name)));
        check_claims_of(with(name, Value::Null), Some(MissingClaim(name)));
        check_claims_of(with(name, json!(true)), Some(ClaimType(name)));
    }
    check_claims_of(with("sub", json!("")), Some(MissingClaim("sub")));
    check_claims_of(with("iss", json!([ISSUER])), Some(ClaimType("iss")));
    check_claims_of(with("aud", json!([AUDIENCE, 1])), Some(ClaimType("aud")));
    check_claims_of(with("exp", json!("soon")), Some(ClaimType("exp")));
    check_claims_of(with("exp", json!(1e300)), Some(ClaimType("exp")));
    check_claims_of(with("nbf", json!("soon")), Some(ClaimType("nbf")));
}

#[test]
fn issuer_and_audience_must_be_the_expected_ones() {
    let issuer = |found: &str| TokenRefusal::Issuer { expected: ISSUER.into(), found: found.into() };
    let slash = format!("{ISSUER}/");
    check_claims_of(with("iss", json!(slash)), Some(issuer(&slash)));
    check_claims_of(with("iss", json!(ISSUER.to_uppercase())), Some(issuer(&ISSUER.to_uppercase())));
    let audience =
        |found: Value| Some(TokenRefusal::Audience { expected: AUDIENCE.into(), found: found.to_string() });
    check_claims_of(with("aud", json!(["x", AUDIENCE])), None);
    check_claims_of(with("aud", json!([])), audience(json!([])));
    check_claims_of(with("aud", json!("other")), audience(json!("other")));
    check_claims_of(with("aud", json!(["a", "b"])), audience(json!(["a", "b"])));
}

#[test]
fn times_are_judged_by_the_given_clock_with_the_leeway() {
    let lived = |iat: i64, exp: i64| {
        let mut claims = claims();
        claims["iat"] = json!(iat);
        claims["exp"] = json!(exp);
        claims
    };
    check_claims_of(lived(NOW - 100, NOW - 29), None);
    check_claims_of(lived(NOW - 100, NOW - 30), Some(TokenRefusal::Expired { seconds: 30 }));
    check_claims_of(lived(NOW + 30, NOW + 100), None);
    check_claims_of(lived(NOW + 31, NOW + 100), Some(TokenRefusal::IssuedInFuture { seconds: 31 }));
    check_claims_of(with("nbf", json!(NOW + 30)), None);
    check_claims_of(with("nbf", json!(NOW + 31)), Some(TokenRefusal::NotYetValid { seconds: 31 }));
    check_claims_of(lived(NOW, NOW + 3_600), None);
    let long = TokenRefusal::LivesTooLong { seconds: 3_601, max: 3_600 };
    check_claims_of(lived(NOW, NOW + 3_601), Some(long));
    check_claims_of(lived(NOW, NOW - 1), Some(TokenRefusal::EndsBeforeIssued));
    check_claims_of(with("exp", json!(NOW as f64 + 100.5)), None);
    check_claims_of(
        lived(i64::MIN, i64::MAX),
        Some(TokenRefusal::LivesTooLong { seconds: i64::MAX, max: 3_600 }),
    );
}

#[test]
fn peeking_believes_nothing_and_reads_everything() {
    let token = format!("{}.{}.", b64(rs256().to_string()), b64(r#"{"iss":"x"}"#));
    let seen = peek_unverified(&token).unwrap();
    assert_eq!((seen.header["kid"].as_str(), seen.claims["iss"].as_str()), (Some("k"), Some("x")));
    peek_unverified("sk-ant-oat01-not-a-jwt").unwrap_err();
}

#[test]
fn refusals_do_not_quote_the_token() {
    let token = rsa().sign(&rs256(), &with("exp", json!(NOW - 100)));
    let refusal = check_token(&token, &[rsa().jwk("k", json!({}))]).unwrap_err();
    let signature = token.rsplit('.').next().unwrap();
    assert!(!format!("{refusal} {refusal:?}").contains(&signature[..16]));
}
