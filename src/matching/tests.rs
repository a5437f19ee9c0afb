use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::samples::{list, rule_of, samples};
use super::*;

fn step(code: &str) -> &str {
    if code.starts_with("claim_") { "claims" } else { code }
}

/// The rule with no other claim than the one that the code names.
fn only_claim(rule: &Match, code: &str) -> Option<Match> {
    let (kind, name) = code.split_once(':')?;
    assert!(kind.starts_with("claim_"), "{code}");
    let mut rule = rule.clone();
    rule.claims.retain(|claim, _| claim == name);
    Some(rule)
}

/// Runs every token against every strict and loose rule of its provider.
#[test]
fn every_sample_token_is_judged_as_expected() {
    let fixtures = samples();
    let now = fixtures["evaluated_at"].as_i64().unwrap();
    let (mut tokens, mut strict, mut denials, mut loose) = (0, 0, 0, 0);
    for provider in list(&fixtures, "providers") {
        let kids: Vec<String> = serde_json::from_value(provider["issuer"]["known_kids"].clone()).unwrap();
        let issuer = IssuerView {
            issuer_url: provider["issuer"]["issuer_url"].as_str().unwrap(),
            known_kids: &kids,
            max_jwt_lifetime_seconds: provider["issuer"]["max_jwt_lifetime_seconds"].as_i64().unwrap(),
        };
        for token in list(provider, "tokens") {
            tokens += 1;
            let name = format!("{} {}", provider["id"], token["id"]);
            let view = TokenView {
                header: token["header"].as_object().unwrap(),
                claims: token["claims"].as_object().unwrap(),
            };
            for rule in list(provider, "strict_rules") {
                strict += 1;
                let id = rule["id"].as_str().unwrap();
                let found = evaluate(&rule_of(&rule["match"]), &issuer, &view, now);
                let expected = match token["expect"][id].as_str().unwrap() {
                    "accept" => None,
                    "reject" => Some(token["deny_reason"][id].as_str().unwrap().to_owned()),
                    other => panic!("{name}: {other}"),
                };
                denials += usize::from(expected.is_some());
                let found = found.err().map(|denial| denial.code());
                assert_eq!(found.as_deref().map(step), expected.as_deref().map(step), "{name} against {id}");
                // A map has no order, so of several failing claims any may be the first; the one
                // that the fixture names has to fail by itself in the way that it says.
                let alone = expected.as_deref().and_then(|code| only_claim(&rule_of(&rule["match"]), code));
                let found = match alone {
                    Some(rule) => evaluate(&rule, &issuer, &view, now).err().map(|denial| denial.code()),
                    None => found,
                };
                assert_eq!(found, expected, "{name} against {id}");
            }
            let accepted: BTreeSet<&str> =
                list(token, "accepted_by_loose_rules").iter().map(|id| id.as_str().unwrap()).collect();
            for rule in list(provider, "loose_rules") {
                loose += 1;
                let id = rule["id"].as_str().unwrap();
                let found = evaluate(&rule_of(&rule["match"]), &issuer, &view, now);
                assert_eq!(found.is_ok(), accepted.contains(id), "{name} against {id}: {found:?}");
            }
        }
    }
    assert_eq!(tokens, 150);
    assert!(strict > 150 && denials > 100 && loose > 500, "{strict} {denials} {loose}");
}

#[track_caller]
fn explains(rule: Match, claims: Value, code: &str, words: &str) {
    let claims = claims.as_object().unwrap();
    let denial = matches_claims(&rule, claims, rule.audience.is_some()).unwrap_err();
    assert_eq!(denial.code(), code);
    let message = denial.to_string();
    assert!(message.contains(words), "{message}");
}

fn subject(pattern: &str) -> Match {
    Match { subject_prefix: Some(pattern.to_owned()), ..Match::default() }
}

fn claim(name: &str, value: &str) -> Match {
    Match { claims: [(name.to_owned(), value.to_owned())].into(), ..Match::default() }
}

fn condition(text: &str) -> Match {
    Match { condition: Some(text.to_owned()), ..Match::default() }
}

#[test]
fn denials_explain_themselves() {
    let sub = json!({"sub": "repo:acme/app:ref:refs/heads/dev"});
    let words = r#"alike up to "repo:acme/app:ref:refs/heads/", then "dev" instead of "main""#;
    explains(subject("repo:acme/app:ref:refs/heads/main"), sub.clone(), "subject_mismatch", words);
    explains(subject("x*"), sub.clone(), "subject_mismatch", "nothing in common");
    explains(
        subject("repo:acme/app:ref:refs/heads/develop"),
        sub.clone(),
        "subject_mismatch",
        "nothing more",
    );
    explains(subject("äé"), json!({"sub": "äö"}), "subject_mismatch", r#"up to "ä""#);
    explains(subject("x"), json!({}), "sub_missing", "no `sub`");
    explains(claim("ref", "a"), json!({"ref": "b"}), "claim_mismatch:ref", r#"is "b"; the rule expects "a""#);
    explains(claim("actor", "a"), json!({"actor": "jane"}), "claim_mismatch:actor", "is another one");
    explains(claim("ref", "a"), json!({}), "claim_missing:ref", "no claim");
    explains(claim("ok", "true"), json!({"ok": true}), "claim_not_string:ok", "is a boolean");
    explains(condition("claims.a == 'b'"), json!({"a": "c"}), "condition_false", "is false");
    explains(condition("claims.a == 'b'"), json!({}), "condition_error", "failed");
    let audience = Match { audience: Some("me".to_owned()), ..Match::default() };
    explains(audience.clone(), json!({"aud": ["you", "they"]}), "audience_mismatch", r#""you", "they""#);
    explains(audience, json!({}), "audience_mismatch", "no audience");
}

#[test]
fn issuers_that_nearly_agree_are_told_apart() {
    let check = |actual: &str, words: &str| {
        let denial =
            Denial::IssuerMismatch { expected: "https://a.b/c".to_owned(), actual: Some(actual.to_owned()) };
        assert!(denial.to_string().ends_with(words), "{denial}");
    };
    check("https://a.b/c/", "(they differ in the final slash)");
    check("https://A.b/c", "(they differ in case)");
    check("a.b/c", "(the token's lacks the scheme)");
    check("https://x", r#"the issuer is "https://a.b/c""#);
}

#[test]
fn times_have_a_leeway_of_half_a_minute() {
    let kids = ["k".to_owned()];
    let issuer = IssuerView { issuer_url: "i", known_kids: &kids, max_jwt_lifetime_seconds: 100 };
    let header = json!({"alg": "RS256", "kid": "k"});
    let check = |claims: Value, expected: &str| {
        let mut claims = claims;
        claims["iss"] = json!("i");
        claims["sub"] = json!("s");
        let view = TokenView { header: header.as_object().unwrap(), claims: claims.as_object().unwrap() };
        let found = evaluate(&subject("s"), &issuer, &view, 1_000);
        let code = found.err().map_or_else(String::new, |denial| denial.code());
        // Without an `aud` the audience is the first check after the times.
        assert_eq!(code, expected, "{claims}");
    };
    check(json!({"iat": 1_030, "exp": 1_040}), "audience_mismatch");
    check(json!({"iat": 1_031, "exp": 1_040}), "iat_future");
    check(json!({"iat": 900, "exp": 971}), "audience_mismatch");
    check(json!({"iat": 900, "exp": 970}), "expired");
    check(json!({"iat": 900, "exp": 1_000, "nbf": 1_031}), "nbf_future");
    check(json!({"iat": 900, "exp": 1_001}), "lifetime_exceeded");
    check(json!({"iat": 900.5, "exp": 1_000.0}), "audience_mismatch");
    check(json!({"exp": 1_000}), "iat_missing");
    check(json!({"iat": 1_000}), "exp_missing");
}

proptest! {
    #[test]
    fn no_text_makes_the_matcher_panic(
        pattern in ".{0,40}", sub in ".{0,40}", value in ".{0,20}", condition in ".{0,60}",
    ) {
        let claims = json!({"sub": sub, "aud": value, "a": value});
        let mut rule = subject(&pattern);
        rule.claims.insert("a".to_owned(), sub.clone());
        let describe = |rule: &Match| matches_claims(rule, claims.as_object().unwrap(), true).map_err(|denial| denial.to_string());
        let _ = describe(&rule);
        rule.audience = Some(value.clone());
        let _ = describe(&rule);
        let _ = describe(&Match { audience: Some(value), condition: Some(condition), ..Match::default() });
    }
}
