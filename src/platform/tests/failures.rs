//! Every way a call can fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::changes::rule;
use super::*;
use crate::limits;
use crate::resource::RuleWorkspaces;

fn create() -> Call {
    Call::CreateRule(rule(RuleWorkspaces::All))
}

fn archive() -> Call {
    Call::ArchiveRule { id: "fdrl_1".into() }
}

fn rule_body() -> Reply {
    let page: Value = serde_json::from_str(&fixture("2026-10-21/rules.json")).unwrap();
    Reply::new(200, page["data"][0].to_string())
}

fn unavailable() -> Reply {
    Reply::new(502, "<html>Bad gateway</html>").header("content-type", "text/html")
}

fn limited() -> Reply {
    Reply::new(429, r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#)
        .header("retry-after", "7")
}

/// Makes a call against fixed answers; gives the error, the number of requests and the waits.
async fn fail(call: &Call, replies: Vec<Answering>) -> (ApiError, usize, Vec<Duration>) {
    let server = Server::answering(replies).await;
    let (client, pace) = server.client();
    let error = client.perform(call, since()).await.unwrap_err();
    (error, server.seen().len(), pace.slept())
}

#[tokio::test]
async fn refusals_keep_what_the_api_said() {
    let (error, requests, _) = fail(&create(), vec![|| Reply::new(403, fixture("forbidden.json"))]).await;
    assert_eq!((error.kind.clone(), requests), (ErrorKind::Forbidden, 1));
    assert_eq!(error.code.as_deref(), Some("sandbox_egress_restricted"));
    assert_eq!(error.request_id.as_deref(), Some("req_01Test"));
    assert_eq!(
        error.to_string(),
        "could not create rule release: This scope can be managed in the Console only. \
         (POST /v1/organizations/federation_rules, request req_01Test)"
    );
    // A conflict is final for a create: repeating it cannot help.
    let (error, requests, _) = fail(
        &create(),
        vec![|| {
            Reply::new(409, fixture("conflict.json"))
                .header("request-id", "")
                .header("x-should-retry", "true")
        }],
    )
    .await;
    assert_eq!((error.kind, requests), (ErrorKind::Conflict, 1));
}

#[tokio::test]
async fn each_status_has_its_kind() {
    let cases: [(Answering, ErrorKind); 8] = [
        (|| Reply::new(400, "{}"), ErrorKind::Invalid),
        (|| Reply::new(401, "{}"), ErrorKind::Unauthenticated),
        (|| Reply::new(402, "{}"), ErrorKind::Billing),
        (|| Reply::new(404, ""), ErrorKind::NotFound),
        (|| Reply::new(413, "not JSON"), ErrorKind::TooLarge),
        (|| Reply::new(418, r#"{"error":"teapot"}"#), ErrorKind::Unexpected { status: 418 }),
        (|| Reply::new(500, "[]").header("x-should-retry", "false"), ErrorKind::Unavailable { status: 500 }),
        (|| Reply::new(200, "<html>"), ErrorKind::Malformed),
    ];
    for (reply, expected) in cases {
        let (error, requests, _) = fail(&archive(), vec![reply]).await;
        assert_eq!((&error.kind, requests), (&expected, 1), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_recovers_is_not_an_error() {
    let server = Server::answering(vec![unavailable, limited, rule_body]).await;
    let (client, pace) = server.client();
    client.perform(&archive(), since()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(pace.slept(), [Duration::from_millis(500), Duration::from_secs(7)]);
}

#[tokio::test]
async fn a_create_is_repeated_only_when_nothing_can_have_happened() {
    let server = Server::answering(vec![limited, rule_body]).await;
    server.client().0.perform(&create(), since()).await.unwrap();
    assert_eq!(server.seen().len(), 2);

    // The look for the name fails as well, so nothing is sent again.
    let (error, requests, waits) = fail(&create(), vec![unavailable, rule_body]).await;
    assert_eq!((error.kind, requests, waits.len()), (ErrorKind::AnswerLost, 2, 0));
    let (error, requests, _) = fail(&create(), vec![|| Reply::new(200, r#"{"id":"fdrl_1"}"#)]).await;
    assert_eq!((error.kind, requests), (ErrorKind::AnswerLost, 2));
    assert!(error.message.contains("federation rule fdrl_1: missing field `name`"), "{}", error.message);
}

#[tokio::test]
async fn patience_ends() {
    let (error, requests, waits) = fail(&archive(), vec![unavailable]).await;
    assert_eq!(error.kind, ErrorKind::Unavailable { status: 502 });
    assert_eq!(
        error.message,
        "the server answered 502 with a web page, as a proxy does and the API does not"
    );
    assert_eq!(requests, limits::CALL_TRIES_MAX as usize);
    assert_eq!(waits.len(), requests - 1);

    let (error, requests, waits) = fail(&archive(), vec![|| limited().header("retry-after", "3600")]).await;
    let expected = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(3_600)) };
    assert_eq!((error.kind.clone(), requests, waits.len()), (expected, 1, 0));
    // QuickPace's time of day, and an hour.
    assert!(
        error.advice().starts_with("The API asks to wait until 2026-10-21T08:16:40Z"),
        "{}",
        error.advice()
    );
}

#[tokio::test]
async fn a_server_that_is_always_busy_is_waited_for_within_a_bound_and_aloud() {
    let server = Server::answering(vec![|| limited().header("retry-after", "30")]).await;
    let (settings, notices) = noticing(server.settings());
    let (client, pace) = client(settings);
    let error = client.perform(&archive(), since()).await.unwrap_err();
    let waited: Duration = pace.slept().iter().sum();
    assert_eq!((waited, server.seen().len()), (limits::RETRY_PATIENCE, 21));
    assert!(
        error.advice().contains("10 minutes for one call at most (600 s are over)"),
        "{}",
        error.advice()
    );
    let notices = notices.lock().unwrap();
    assert_eq!(notices.len(), 20, "every wait is told");
    for words in ["could not archive rule fdrl_1: slow down", "keyless goes on at 2026-10-21T07:17:10Z"] {
        assert!(notices[0].contains(words), "{}", notices[0]);
    }
}

#[tokio::test]
async fn a_request_without_a_body_says_that_it_has_none() {
    let server = Server::answering(vec![rule_body]).await;
    server.client().0.perform(&archive(), since()).await.unwrap();
    assert_eq!(server.seen()[0].header("content-length"), Some("0"));
    assert_eq!(server.seen()[0].header("transfer-encoding"), None);
}

#[tokio::test]
async fn redirects_are_refused() {
    let elsewhere = Arc::new(Server::answering(vec![rule_body]).await);
    let target = elsewhere.base.clone();
    for status in [301, 307, 308] {
        let target = target.clone();
        let server = Server::start(move |_| Reply::new(status, "").header("location", target.clone())).await;
        let error = server.client().0.perform(&create(), since()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unexpected { status });
        assert!(error.message.contains("redirects are refused"), "{error}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn secrets_in_an_answer_are_not_repeated() {
    let (error, ..) = fail(
        &archive(),
        vec![|| Reply::new(400, r#"{"error":{"message":"bad header Bearer sk-ant-oat01-engine"}}"#)],
    )
    .await;
    assert_eq!(error.message, "bad header Bearer (secret)");
    assert!(!format!("{error:?}").contains("oat01"));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (error, requests, _) =
        fail(&archive(), vec![|| Reply::new(200, " ".repeat(limits::RESPONSE_BYTES_MAX + 1))]).await;
    assert_eq!((error.kind, requests), (ErrorKind::Malformed, 1));
    assert!(error.message.contains("larger"), "{}", error.message);
}

/// A server that reads each request, says what it is told to and hangs up, or stays silent.
struct Rude {
    base: String,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Rude {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rude {
    async fn start(words: &'static str, hangs_up: bool) -> Rude {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(words.as_bytes()).await.unwrap();
                if !hangs_up {
                    silent.push(stream);
                }
            }
        });
        Rude { base, connections, task }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"id\"";

#[tokio::test]
async fn a_broken_connection_loses_a_create_once() {
    // One create, and as many tries to look for its name as any reading gets.
    let expected = 1 + limits::CALL_TRIES_MAX as usize;
    for words in ["", HALF] {
        let server = Rude::start(words, true).await;
        let error = client(settings(&server.base)).0.perform(&create(), since()).await.unwrap_err();
        assert_eq!((error.kind, server.connections()), (ErrorKind::AnswerLost, expected), "{words:?}");
    }
}

#[tokio::test]
async fn a_silent_server_loses_a_create_once() {
    for words in ["", HALF] {
        let server = Rude::start(words, false).await;
        let brief = Settings { call_timeout: Duration::from_millis(50), ..settings(&server.base) };
        let error = client(brief).0.perform(&create(), since()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AnswerLost);
        assert_eq!(error.message, "no answer in time");
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_where_that_is_safe() {
    let tries = limits::CALL_TRIES_MAX as usize;
    let server = Rude::start("", true).await;
    let error = client(settings(&server.base)).0.perform(&archive(), since()).await.unwrap_err();
    assert_eq!((error.kind, server.connections()), (ErrorKind::AnswerLost, tries));
    let server = Rude::start(HALF, true).await;
    let error = client(settings(&server.base)).0.api_key("apikey_1").await.unwrap_err();
    assert_eq!((error.kind, server.connections()), (ErrorKind::NotSent, tries));
}

#[tokio::test]
async fn a_create_that_found_nobody_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (client, pace) = client(settings(&base));
    let error = client.perform(&create(), since()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotSent);
    assert!(error.message.contains("refused"), "{error}");
    assert_eq!(pace.slept().len(), limits::CALL_TRIES_MAX as usize - 1);
}

#[tokio::test]
async fn wrong_credentials_and_unsafe_urls_are_refused_before_any_call() {
    let server = Server::answering(vec![rule_body]).await;
    let refused = |base: &str, token: &str| {
        HttpPlatform::new(Settings::new(base, Secret::new(token))).err().expect("a refusal").kind
    };
    assert_eq!(refused(&server.base, "sk-ant-api03-x"), ErrorKind::Credential);
    assert_eq!(refused(&server.base, "sk-ant-admin01-x"), ErrorKind::Credential);
    assert_eq!(refused(&server.base, "sk-ant-oat01-x\ny"), ErrorKind::Credential);
    assert_eq!(refused(&server.base, ""), ErrorKind::Credential);
    assert_eq!(refused("http://192.0.2.1", "sk-ant-oat01-x"), ErrorKind::Settings);
    let remote = Settings {
        clock: ClockSource::Simulator,
        ..Settings::new(DEFAULT_BASE_URL, Secret::new("sk-ant-oat01-x"))
    };
    assert!(HttpPlatform::new(remote).is_err());
    assert!(server.seen().is_empty());
}
