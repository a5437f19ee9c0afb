//! Trial exchanges and the clock.

use super::*;

fn request() -> ExchangeRequest {
    ExchangeRequest {
        rule_id: "fdrl_01Release".into(),
        organization_id: "11111111-2222-3333-4444-555555555555".into(),
        service_account_id: "svac_01Release".into(),
        workspace_id: Some("wrkspc_01Prod".into()),
        identity_token: Secret::new(" eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.canary\n"),
    }
}

#[tokio::test]
async fn an_accepted_exchange_keeps_no_token() {
    let server = Server::answering(vec![|| Reply::file("minted.json")]).await;
    let exchanged = server.client().0.exchange(&request()).await.unwrap();
    assert_eq!(
        exchanged,
        Exchanged::Accepted { expires_in_seconds: 600, scope: "workspace:inference".into() }
    );
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/oauth/token"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("anthropic-version"), None);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("anthropic-beta"), Some("oauth-2025-04-20,oidc-federation-2026-04-01"));
    assert_eq!(
        seen.body,
        json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.canary",
            "federation_rule_id": "fdrl_01Release",
            "organization_id": "11111111-2222-3333-4444-555555555555",
            "service_account_id": "svac_01Release",
            "workspace_id": "wrkspc_01Prod",
        })
    );
}

#[tokio::test]
async fn a_refused_exchange_is_no_error() {
    let cases: [(Answering, u16, &str); 4] = [
        (|| Reply::new(401, fixture("exchange_denied.json")), 401, "Authentication failed"),
        (|| Reply::new(400, r#"{"error":"invalid_grant"}"#), 400, "invalid_grant"),
        (|| Reply::new(400, r#"{"error":"e","error_description":"more"}"#), 400, "more"),
        (|| Reply::new(401, "nothing"), 401, "the server answered 401 without saying why"),
    ];
    for (reply, status, message) in cases {
        let server = Server::answering(vec![reply]).await;
        let exchanged = server.client().0.exchange(&request()).await.unwrap();
        let request_id = Some("req_01Test".to_owned());
        assert_eq!(exchanged, Exchanged::Refused { status, message: message.into(), request_id });
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_forbidden_exchange_blames_no_credential_of_keyless() {
    let server = Server::answering(vec![|| Reply::new(403, "{}")]).await;
    let error = server.client().0.exchange(&request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.advice().contains("IP allowlist"), "{}", error.advice());
    assert!(!error.advice().contains("org:admin"), "{}", error.advice());
}

#[tokio::test]
async fn time_is_that_of_the_api_and_a_difference_is_told() {
    let check = async |date: &'static str, expected: &str, told: &str| {
        let server = Server::start(move |_| Reply::file("organization.json").header("date", date)).await;
        let (settings, notices) = noticing(server.settings());
        let (client, _) = client(settings);
        assert_eq!(client.now().await.unwrap().to_string(), "2026-10-21T07:16:40Z", "nothing is known yet");
        for _ in 0..2 {
            let request = super::super::transport::Request::get("ask", &["v1", "organizations", "me"]);
            client.transport.call(&request).await.map(|_| ()).unwrap();
        }
        assert_eq!(client.now().await.unwrap().to_string(), expected);
        let notices = notices.lock().unwrap().join("|");
        assert!(notices.contains(told) && (told.is_empty() == notices.is_empty()), "{notices}");
        assert!(!notices.contains('|'), "it is told once: {notices}");
    };
    check("Wed, 21 Oct 2026 07:16:38 GMT", "2026-10-21T07:16:40Z", "").await;
    check("Wed, 21 Oct 2026 07:17:40 GMT", "2026-10-21T07:17:40Z", "").await;
    check("Wed, 21 Oct 2026 07:17:41 GMT", "2026-10-21T07:17:41Z", "61 s behind the API's").await;
    check("Wed, 21 Oct 2026 05:16:40 GMT", "2026-10-21T05:16:40Z", "7200 s ahead of the API's").await;
    check("soon", "2026-10-21T07:16:40Z", "").await;
}

#[tokio::test]
async fn an_exchange_is_sent_once() {
    let cases: [(Answering, ErrorKind); 6] = [
        (|| Reply::new(503, "{}"), ErrorKind::Unavailable { status: 503 }),
        (|| Reply::new(429, "{}"), ErrorKind::RateLimited { retry_after: None }),
        (
            || Reply::new(307, "").header("location", "https://evil.example.com"),
            ErrorKind::Unexpected { status: 307 },
        ),
        (|| Reply::new(200, r#"{"access_token":"sk-ant-oat01-canary"}"#), ErrorKind::Malformed),
        (|| Reply::new(200, r#"{"expires_in":1,"access_token":""}"#), ErrorKind::Malformed),
        (
            || Reply::new(200, r#"{"expires_in":1,"access_token":"sk-ant-oat01-canary","token_type":"mac"}"#),
            ErrorKind::Malformed,
        ),
    ];
    for (reply, expected) in cases {
        let server = Server::answering(vec![reply]).await;
        let error = server.client().0.exchange(&request()).await.unwrap_err();
        assert_eq!((&error.kind, server.seen().len()), (&expected, 1), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn impossible_identity_tokens_are_not_sent() {
    let server = Server::answering(vec![|| Reply::file("minted.json")]).await;
    let cases = [(" ".to_owned(), ErrorKind::Invalid), ("x".repeat(16_385), ErrorKind::TooLarge)];
    for (token, expected) in cases {
        let request = ExchangeRequest { identity_token: Secret::new(token), ..request() };
        let error = server.client().0.exchange(&request).await.unwrap_err();
        assert_eq!(error.kind, expected);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_simulated_clock_is_read_and_moved() {
    let server = Server::answering(vec![|| Reply::new(200, r#"{"now":"2030-01-02T03:04:05Z"}"#)]).await;
    let (client, _) = client(Settings { clock: ClockSource::Simulator, ..server.settings() });
    let now = client.now().await.unwrap();
    assert_eq!(now.to_string(), "2030-01-02T03:04:05Z");
    assert!(client.advance_clock(now).await.unwrap());
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/_simulator/clock"));
    assert_eq!((seen[1].method.as_str(), seen[1].path.as_str()), ("POST", "/_simulator/clock"));
    assert_eq!(seen[1].body, json!({"advance_to": "2030-01-02T03:04:05Z"}));
}

#[tokio::test]
async fn real_time_is_not_asked_for_and_not_moved() {
    let server = Server::answering(vec![|| Reply::new(500, "")]).await;
    let (client, _) = server.client();
    client.now().await.unwrap();
    assert!(!client.advance_clock("2030-01-01T00:00:00Z".parse().unwrap()).await.unwrap());
    assert!(server.seen().is_empty());
}
