//! Which credential goes where.

use super::*;

const SINCE: &str = "2026-11-20T10:00:00Z";

fn both(server: &Server) -> HttpPlatform {
    let admin_key = Some(Secret::new("sk-ant-admin01-engine"));
    client(Settings { admin_key, ..server.settings() }).0
}

/// `token` or `key` for each request.
fn carried(server: &Server) -> Vec<&'static str> {
    let word = |seen: &Seen| match (seen.header("authorization"), seen.header("x-api-key")) {
        (Some("Bearer sk-ant-oat01-engine"), None) => "token",
        (None, Some("sk-ant-admin01-engine")) => "key",
        other => panic!("{other:?}"),
    };
    server.seen().iter().map(word).collect()
}

async fn usage(client: &HttpPlatform) -> Result<Vec<UsageRow>, ApiError> {
    client.usage(SINCE.parse().unwrap()).await
}

/// A server that refuses the token for the usage report.
async fn keyed() -> Server {
    Server::start(|seen| match seen.header("x-api-key") {
        None => Reply::new(401, "{}"),
        Some(_) if seen.query.contains("page=") => Reply::file("usage_page_2.json"),
        Some(_) => Reply::file("usage_page_1.json"),
    })
    .await
}

#[tokio::test]
async fn the_admin_key_helps_where_a_report_refuses_the_token() {
    let server = keyed().await;
    usage(&both(&server)).await.unwrap();
    assert_eq!(carried(&server), ["token", "key", "key"], "the second page does not ask again");
}

#[tokio::test]
async fn the_admin_key_stays_at_home_where_the_token_is_accepted() {
    let server = Server::answering(vec![|| Reply::file("usage_page_2.json")]).await;
    usage(&both(&server)).await.unwrap();
    assert_eq!(carried(&server), ["token"]);
}

#[tokio::test]
async fn the_admin_key_never_manages_federation() {
    let server = Server::answering(vec![|| Reply::new(403, "{}")]).await;
    let error = both(&server).perform(&Call::ArchiveRule { id: "fdrl_1".into() }).await.unwrap_err();
    assert_eq!((error.kind.clone(), carried(&server)), (ErrorKind::Forbidden, vec!["token"]));
    for words in ["the given token, which does not tell", "Console only", "no workload may give"] {
        assert!(error.advice().contains(words), "{}", error.advice());
    }
}

#[tokio::test]
async fn without_an_admin_key_a_refused_report_asks_for_one() {
    let server = keyed().await;
    let error = usage(&server.client().0).await.unwrap_err();
    assert!(error.advice().contains("set ANTHROPIC_ADMIN_API_KEY"), "{}", error.advice());
    assert_eq!(carried(&server), ["token"]);
    let server = Server::answering(vec![|| Reply::new(403, "{}")]).await;
    let error = usage(&both(&server)).await.unwrap_err();
    assert!(error.advice().starts_with("Neither the OAuth token nor"), "{}", error.advice());
}

#[tokio::test]
async fn anything_but_an_admin_key_is_refused_as_the_second_credential() {
    let admin_key = Some(Secret::new("sk-ant-api03-canary"));
    let error = HttpPlatform::new(Settings { admin_key, ..settings("http://127.0.0.1:9") }).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Credential);
    assert!(error.message.contains("an API key") && !error.message.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_sandbox_is_named_as_the_reason() {
    let server = Server::answering(vec![|| Reply::new(403, fixture("forbidden.json"))]).await;
    let error = server.client().0.perform(&Call::ArchiveRule { id: "fdrl_1".into() }).await.unwrap_err();
    assert!(error.advice().contains("sandbox"), "{}", error.advice());
}
