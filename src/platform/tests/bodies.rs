//! Answers of every status with every body that a service, a gateway or a captive portal may send:
//! the status decides what kind of failure it is, and the message says what was seen.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::limits;

const PAGE: &str = "<!DOCTYPE html><html><body>Sign in to the network sk-ant-api03-canary</body></html>";
const CUT: &str = r#"{"id": "fdrl_1", "name": "rel"#;

/// Archives a rule against one answer; gives what went wrong.
async fn failure(status: u16, content_type: &'static str, body: String) -> ApiError {
    let server = Server::start(move |_| {
        Reply::new(status, body.clone())
            .header("content-type", content_type)
            .header("x-should-retry", "false")
    })
    .await;
    let error =
        server.client().0.perform(&Call::ArchiveRule { id: "fdrl_1".into() }, since()).await.unwrap_err();
    assert_eq!(error.operation, "archive rule fdrl_1");
    assert_eq!(error.endpoint, "POST /v1/organizations/federation_rules/fdrl_1/archive");
    assert_eq!(error.request_id.as_deref(), Some("req_01Test"));
    assert!(!error.kind.advice().is_empty());
    assert!(error.message.chars().count() < 700, "{}", error.message.len());
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    error
}

fn kind(status: u16) -> ErrorKind {
    match status {
        200 => ErrorKind::Malformed,
        400 => ErrorKind::Invalid,
        401 => ErrorKind::Unauthenticated,
        402 => ErrorKind::Billing,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 500..=599 => ErrorKind::Unavailable { status },
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited { retry_after: None },
        _ => ErrorKind::Unexpected { status },
    }
}

#[tokio::test]
async fn the_status_decides_and_the_body_only_explains() {
    let statuses = [400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529];
    let said = |message: &str| json!({"type": "error", "error": {"type": "some_error", "message": message}});
    let silent = "without saying why";
    let bodies: [(&str, &'static str, String, &str); 10] = [
        ("envelope", "application/json", said("no room").to_string(), "no room"),
        ("wrong content type", "text/plain", said("no room").to_string(), "no room"),
        ("web page", "text/html", PAGE.to_owned(), "with a web page"),
        ("web page called JSON", "application/json", PAGE.to_owned(), "with a web page"),
        ("empty", "application/json", String::new(), silent),
        ("cut", "application/json", CUT.to_owned(), silent),
        ("a list", "application/json", "[1]".to_owned(), silent),
        ("an empty message", "application/json", said("").to_string(), "some_error"),
        ("OAuth", "application/json", r#"{"error":"e","error_description":"d"}"#.to_owned(), "d"),
        ("huge", "application/json", said(&"x y ".repeat(limits::ERROR_BODY_BYTES_MAX)).to_string(), silent),
    ];
    for status in statuses {
        for (name, content_type, body, expected) in &bodies {
            let error = failure(status, content_type, body.clone()).await;
            assert_eq!(error.kind, kind(status), "{status} {name}");
            assert!(error.message.contains(expected), "{status} {name}: {}", error.message);
        }
    }
}

#[tokio::test]
async fn an_answer_that_means_success_has_to_be_one() {
    let check = async |content_type, body: &str, expected: &str| {
        let error = failure(200, content_type, body.to_owned()).await;
        assert_eq!(error.kind, ErrorKind::Malformed);
        assert!(error.message.contains(expected), "{}", error.message);
    };
    check("text/html", PAGE, "the answer is a web page, not JSON").await;
    check("application/json", PAGE, "the answer is a web page, not JSON").await;
    check("application/json", " \n", "the answer is empty").await;
    check("application/json", CUT, "the answer is cut off").await;
    check("application/json", "{]", "the answer is not JSON").await;
    check("application/json", "[]", "federation rule without an id").await;
    check("application/json", "null", "federation rule without an id").await;
    check("application/json", r#"{"id":"fdrl_1"}"#, "federation rule fdrl_1: missing field `name`").await;
    check("application/json", &" ".repeat(limits::RESPONSE_BYTES_MAX + 1), "larger than any").await;
}

#[tokio::test]
async fn a_good_answer_is_taken_whatever_its_content_type_says() {
    let server = Server::start(|_| {
        let rules: Value = serde_json::from_str(&fixture("2026-10-21/rules.json")).unwrap();
        Reply::new(200, rules["data"][0].to_string()).header("content-type", "text/plain")
    })
    .await;
    server.client().0.perform(&Call::ArchiveRule { id: "fdrl_1".into() }, since()).await.unwrap();
}

#[tokio::test]
async fn all_calls_wait_when_one_is_told_to_and_come_back_slowly() {
    let answered = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        let number = answered.fetch_add(1, Ordering::SeqCst);
        let id = seen.path.rsplit('/').next().unwrap();
        match number {
            0 => Reply::new(429, "{}").header("retry-after", "4"),
            // The last request of a quota: nothing is sent until it is renewed.
            1 => key(id)
                .header("date", "Fri, 20 Nov 2026 10:00:00 GMT")
                .header("anthropic-ratelimit-requests-remaining", "0")
                .header("anthropic-ratelimit-requests-reset", "2026-11-20T10:00:09Z"),
            _ => key(id),
        }
    })
    .await;
    let (client, pace) = client(Settings { parallelism: 1, ..server.settings() });
    for id in ["apikey_1", "apikey_2", "apikey_3"] {
        client.api_key(id).await.unwrap();
    }
    let seconds: Vec<u64> = pace.slept().iter().map(std::time::Duration::as_secs).collect();
    assert_eq!((server.seen().len(), seconds), (4, vec![4, 9]));
}

fn key(id: &str) -> Reply {
    let keys: Value = serde_json::from_str(&fixture("2026-10-21/api_keys_page_1.json")).unwrap();
    let mut key = keys["data"][0].clone();
    key["id"] = json!(id);
    Reply::new(200, key.to_string())
}
