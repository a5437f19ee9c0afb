//! Fetching issuers' keys; the simulator's gateway stands in for the internet.

use serde_json::json;

use super::*;
use crate::resource::{IssuerArguments, Jwks};

const ISSUER: &str = "https://issuer.example.com/tenant/";
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"AQ","y":"AQ"}]}"#;

fn issuer(jwks: Jwks) -> IssuerArguments {
    IssuerArguments {
        name: "issuer".into(),
        issuer_url: ISSUER.into(),
        jwks,
        check_jti: true,
        max_jwt_lifetime_seconds: 3_600,
    }
}

fn discovery(discovery_base: Option<&str>) -> IssuerArguments {
    issuer(Jwks::Discovery { discovery_base: discovery_base.map(Into::into), ca_cert_pem: None })
}

fn explicit(url: &str) -> IssuerArguments {
    issuer(Jwks::ExplicitUrl { url: url.into(), ca_cert_pem: None })
}

fn discovery_document(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string()
}

fn internet(seen: &Seen) -> Reply {
    let url = reqwest::Url::parse(&format!("http://x/?{}", seen.query)).unwrap();
    let (_, url) = url.query_pairs().next().unwrap();
    assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/_simulator/fetch", None));
    let keys_url = "https://keys.example.com/jwks";
    let document = |issuer: &str, uri: &str| Reply::new(200, discovery_document(issuer, uri));
    match url.trim_end_matches("/.well-known/openid-configuration") {
        "https://issuer.example.com/tenant" => document(ISSUER, keys_url),
        "https://other.example.com" => document("https://issuer.example.com/tenant", keys_url),
        "https://inner.example.com" => document(ISSUER, "https://10.0.0.1/jwks"),
        "https://partial.example.com" => Reply::new(200, json!({"issuer": ISSUER}).to_string()),
        "https://keys.example.com/jwks" => Reply::new(200, KEYS),
        "https://moved.example.com/" => Reply::new(302, "").header("location", keys_url),
        "https://login.example.com/" => {
            Reply::new(200, KEYS).header("content-type", "text/html; charset=utf-8")
        }
        "https://large.example.com/" => Reply::new(200, " ".repeat(1024 * 1024 + 1)),
        "https://text.example.com/" => Reply::new(200, "hello"),
        _ => Reply::new(404, ""),
    }
}

#[tokio::test]
async fn keys_are_found_in_each_way() {
    let server = Server::start(internet).await;
    let client = IssuerKeyClient::through_simulator(&server.base).unwrap();
    let found = client.fetch_keys(&discovery(None)).await.unwrap();
    assert_eq!(found.key_ids, ["k1"]);
    let based = discovery(Some("https://issuer.example.com/tenant"));
    assert_eq!(client.fetch_keys(&based).await.unwrap(), found);
    assert_eq!(client.fetch_keys(&explicit("https://keys.example.com/jwks")).await.unwrap(), found);
    let requests = server.seen().len();
    let keys = serde_json::from_str::<Value>(KEYS).unwrap()["keys"].as_array().unwrap().clone();
    let inline = client.fetch_keys(&issuer(Jwks::Inline { keys })).await.unwrap();
    assert_eq!((inline.key_ids, server.seen().len()), (found.key_ids, requests));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_url() {
    let server = Server::start(internet).await;
    let client = IssuerKeyClient::through_simulator(&server.base).unwrap();
    let cases = [
        (discovery(Some("https://other.example.com")), "and not for `https://issuer.example.com/tenant/`"),
        (discovery(Some("https://inner.example.com")), "its host is an address"),
        (discovery(Some("https://partial.example.com")), "no `jwks_uri`"),
        (discovery(Some("https://missing.example.com")), "answered 404"),
        (discovery(Some("https://text.example.com/")), "answered 404"),
        (explicit("https://moved.example.com/"), "redirects are refused"),
        (explicit("https://login.example.com/"), "web page"),
        (explicit("https://large.example.com/"), "larger than"),
        (explicit("https://text.example.com/"), "no key set"),
        (explicit("http://keys.example.com/jwks"), "not https"),
        (explicit("https://127.0.0.1/jwks"), "its host is an address"),
        (issuer(Jwks::Other { kind: "pigeon".into() }), "`pigeon`"),
    ];
    for (issuer, expected) in cases {
        let error = client.fetch_keys(&issuer).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.advice.is_empty());
    }
}

#[tokio::test]
async fn refused_urls_are_not_dialled() {
    let client = IssuerKeyClient::new();
    for url in ["https://localhost/jwks", "https://169.254.169.254/latest", "http://keys.example.com/"] {
        let error = client.fetch_keys(&explicit(url)).await.unwrap_err();
        assert!(error.problem.contains("would not dial"), "{error}");
    }
    assert!(IssuerKeyClient::through_simulator("https://simulator.example.com").is_err());
}
