//! Which credential goes where.

use super::transport::Request;
use super::*;

fn both(server: &Server) -> HttpPlatform {
    let report_keys = admin("sk-ant-admin01-engine");
    client(Settings { report_keys, ..server.settings() }).0
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

fn report(beta: Option<&'static str>) -> Request {
    Request { beta, ..Request::get("read a report", &["v1", "organizations", "analytics", "usage"]) }
}

#[tokio::test]
async fn a_report_is_asked_for_with_the_admin_key_and_then_with_the_token() {
    let server = Server::start(|seen| match seen.header("x-api-key") {
        Some(_) => Reply::new(401, "{}"),
        None => Reply::new(200, "{}"),
    })
    .await;
    let client = both(&server);
    for beta in [None, Some("b-1")] {
        client.transport.call(&report(beta)).await.unwrap();
    }
    assert_eq!(carried(&server), ["key", "token", "key", "token"]);
    let betas: Vec<Option<String>> =
        server.seen().iter().map(|seen| seen.header("anthropic-beta").map(str::to_owned)).collect();
    let oauth = "oauth-2025-04-20".to_owned();
    assert_eq!(betas, [None, Some(oauth.clone()), Some("b-1".to_owned()), Some(format!("{oauth},b-1"))]);
}

#[tokio::test]
async fn without_an_admin_key_the_token_goes_with_everything() {
    let server = Server::answering(vec![|| Reply::new(200, "{}")]).await;
    let (client, _) = server.client();
    assert!(!client.transport.has_feed_key());
    client.transport.call(&report(None)).await.unwrap();
    assert_eq!(carried(&server), ["token"]);
}

#[tokio::test]
async fn each_report_is_asked_for_with_the_key_that_fits_it_best() {
    let server = Server::answering(vec![|| Reply::new(401, "{}")]).await;
    let report_keys = admin("sk-ant-admin01-engine")
        .with(ReportKeyKind::Analytics, Secret::new("sk-ant-api03-analytics"))
        .with(ReportKeyKind::Compliance, Secret::new("sk-ant-api03-compliance"));
    let (client, _) = client(Settings { report_keys, ..server.settings() });
    for path in [
        "v1/organizations/analytics/usage",
        "v1/organizations/usage_report/messages",
        "v1/compliance/activities",
    ] {
        let path: Vec<&str> = path.split('/').collect();
        client.transport.call(&Request::get("read a report", &path)).await.err().unwrap();
    }
    let seen = server.seen();
    let carried: Vec<&str> = seen.iter().map(|seen| seen.header("x-api-key").unwrap_or("token")).collect();
    let (own, admin) = (["sk-ant-api03-analytics", "sk-ant-api03-compliance"], "sk-ant-admin01-engine");
    assert_eq!(carried, [own[0], admin, "token", admin, "token", own[1], admin, "token"]);
    client.api_key("apikey_1").await.unwrap_err();
    assert_eq!(server.seen().last().unwrap().header("x-api-key"), None);
}

#[tokio::test]
async fn the_admin_key_never_manages_federation() {
    let server = Server::answering(vec![|| Reply::new(403, "{}")]).await;
    let error = both(&server).perform(&Call::ArchiveRule { id: "fdrl_1".into() }, since()).await.unwrap_err();
    assert_eq!((error.kind.clone(), carried(&server)), (ErrorKind::Forbidden, vec!["token"]));
    for words in ["the given token, which does not tell", "Console only", "no workload may give"] {
        assert!(error.advice().contains(words), "{}", error.advice());
    }
}

#[tokio::test]
async fn a_refused_report_tells_of_the_admin_key() {
    let server = Server::answering(vec![|| Reply::new(403, "{}")]).await;
    let told = async |client: HttpPlatform| {
        let error = client.transport.call(&report(None)).await.err().unwrap();
        error.advice().to_owned()
    };
    assert!(
        told(server.client().0).await.contains("set ANTHROPIC_ANALYTICS_API_KEY or ANTHROPIC_ADMIN_API_KEY")
    );
    assert!(told(both(&server)).await.contains("refused all the same"));
}

#[tokio::test]
async fn anything_but_an_admin_key_is_refused_as_the_second_credential() {
    let report_keys = admin("sk-ant-api03-canary");
    let error = HttpPlatform::new(Settings { report_keys, ..settings("http://127.0.0.1:9") }).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Credential);
    assert!(error.message.contains("an API key") && !error.message.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_sandbox_is_named_as_the_reason() {
    let server = Server::answering(vec![|| Reply::new(403, fixture("forbidden.json"))]).await;
    let error =
        server.client().0.perform(&Call::ArchiveRule { id: "fdrl_1".into() }, since()).await.unwrap_err();
    assert!(error.advice().contains("sandbox"), "{}", error.advice());
}
