//! Servers that do not come to an end, and waits that are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::page::{self, Style};
use super::super::retry::tests::QuickPace;
use super::super::transport::{Request, Transport};
use super::*;

/// Reads a list whose page is made from its number; gives the error and the number of pages asked for.
async fn read(data: impl Fn(usize) -> Value + Send + Sync + 'static) -> (ApiError, usize) {
    let pages = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let number = pages.fetch_add(1, Ordering::Relaxed);
        let page = json!({ "data": data(number), "has_more": true, "last_id": format!("id{number}") });
        Reply::new(200, page.to_string())
    })
    .await;
    let transport = Transport::new(&server.settings(), QuickPace::new()).unwrap();
    let request = Request::get("list things", &["v1", "things"]);
    let error = page::read_all(&transport, "things", Style::Window, request).await.unwrap_err();
    (error, server.seen().len())
}

#[tokio::test]
async fn new_cursors_to_nothing_new_are_not_followed_without_end() {
    let (error, pages) = read(|_| json!([])).await;
    assert_eq!((error.kind, pages), (ErrorKind::Malformed, crate::limits::EMPTY_PAGES_MAX));
    let (error, pages) = read(|_| json!([{ "id": "the_same" }])).await;
    assert_eq!((error.kind, pages), (ErrorKind::Malformed, 2));
    assert_eq!(error.message, "the list gives the objects of an earlier page again");
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let text = "x".repeat(crate::limits::RESPONSE_BYTES_MAX - 1024);
    let (error, pages) = read(move |number| json!([{ "id": number, "name": text }])).await;
    assert_eq!((error.kind, pages), (ErrorKind::Malformed, 17));
    assert_eq!(error.message, "the list has more than 256 MiB, the most that is read of one");
}

/// Reads one thing; gives what was told.
async fn told(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Vec<String> {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |_| answer(calls.fetch_add(1, Ordering::Relaxed))).await;
    let (settings, notices) = noticing(server.settings());
    let transport = Transport::new(&settings, QuickPace::new()).unwrap();
    for _ in 0..2 {
        let _ = transport.call(&Request::get("read a thing", &["v1", "thing"])).await;
    }
    notices.lock().unwrap().clone()
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told() {
    let told = told(|_| {
        Reply::new(200, "{}")
            .header("anthropic-ratelimit-requests-remaining", "0")
            .header("anthropic-ratelimit-requests-reset", "2999-01-01T00:00:00Z")
    })
    .await;
    let expected =
        "the API says that its quota of requests is used up: keyless goes on at 2026-10-21T07:17:40Z";
    assert_eq!(told[0], expected);
}

#[tokio::test]
async fn many_short_waits_are_told_as_one_long_one() {
    let told = told(|_| Reply::new(503, "{}")).await;
    assert_eq!(told.len(), 2, "once for each call: {told:?}");
    assert!(told[0].contains("could not read a thing") && told[0].contains("tries again at"), "{told:?}");
}

#[tokio::test]
async fn a_wish_for_an_endless_wait_is_refused_and_told() {
    for wish in ["99999999999", "18446744073709551615", "1e300", "-5", "soon"] {
        let server = Server::start(move |_| Reply::new(429, "{}").header("retry-after", wish)).await;
        let pace = QuickPace::new();
        let transport = Transport::new(&server.settings(), pace.clone()).unwrap();
        let error = transport.call(&Request::get("read a thing", &["v1", "thing"])).await.err().unwrap();
        assert!(matches!(error.kind, ErrorKind::RateLimited { .. }), "{wish}: {error}");
        assert!(error.advice().contains("The API asks to wait until"), "{wish}: {}", error.advice());
        assert!(pace.slept().iter().sum::<Duration>() <= crate::limits::RETRY_PATIENCE, "{wish}");
    }
}
