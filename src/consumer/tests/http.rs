//! The way in which all drivers speak.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::json;

use super::server::{Answer, Server};
use crate::consumer::http::{Request, Trust, url};
use crate::secret::Secret;

fn request(base: &str) -> Request {
    let url = url("try", base, &["a b", "c/d"], &[("q", "1&2")]).unwrap();
    Request::new("try", Method::GET, url).bearer(&Secret::new("tok-1234"))
}

#[track_caller]
fn check_url(base: &str, segments: &[&str], expected: Result<&str, &str>) {
    match (url("try", base, segments, &[]), expected) {
        (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
        (found, _) => panic!("{base}: {found:?}"),
    }
}

#[test]
fn a_segment_stays_one_segment() {
    check_url("https://a.example", &["x"], Ok("https://a.example/x"));
    check_url("https://a.example/api/", &["x/y", "?z"], Ok("https://a.example/api/x%2Fy/%3Fz"));
    check_url("https://a.example", &[".."], Err("only dots"));
    check_url("https://a.example", &[""], Err("empty name"));
    check_url("https://me:pw@a.example", &["x"], Err("user name or password"));
    check_url("a.example", &["x"], Err("cannot be parsed"));
}

#[tokio::test]
async fn a_credential_does_not_travel_in_the_open() {
    for address in ["http://10.0.0.1", "http://a.example", "http://169.254.169.254", "ftp://a.example"] {
        let error = request(address).send(&Trust::default()).await.err().unwrap();
        assert!(error.to_string().contains("on the way"), "{address}: {error}");
        assert!(!error.to_string().contains("q=1"), "{error}");
    }
    let error = request("http://10.0.0.1").over_metadata().send(&Trust::default()).await.err().unwrap();
    assert!(error.to_string().contains("on the way"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_| Answer::text(200, "{}"));
    let target = other.url.clone();
    let server = Server::start(move |_| Answer::text(307, "").header("location", target.clone()));
    let error = request(&server.url).succeed(&Trust::default()).await.err().unwrap();
    assert_eq!(error.status, Some(307));
    assert!(error.to_string().contains("Redirects are not followed"), "{error}");
    assert!(other.log().is_empty());
}

#[tokio::test]
async fn an_error_repeats_no_credential() {
    let server = Server::start(|asked| {
        let message = format!("unknown token: {} sk-ant-api03-xyz", asked.header("authorization"));
        Answer::json(403, json!({ "error": { "code": "Denied", "message": message } }))
            .header("x-ms-request-id", "r-77")
    });
    let error = request(&server.url).succeed(&Trust::default()).await.err().unwrap();
    let told = error.to_string();
    assert!(!told.contains("tok-1234") && !told.contains("sk-ant"), "{told}");
    for words in
        ["cannot try at http://127", "/a%20b/c%2Fd: 403 Denied: unknown token", "request r-77", "rights"]
    {
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_busy_store_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::text(503, "").header("retry-after", "0"),
        1 => Answer::text(429, "").header("retry-after", "0"),
        _ => Answer::json(200, json!({ "done": true })),
    });
    assert_eq!(request(&server.url).fetch(&Trust::default()).await.unwrap()["done"], true);
    let server = Server::start(|_| Answer::text(503, "").header("retry-after", "0"));
    let error = request(&server.url).fetch(&Trust::default()).await.unwrap_err();
    assert_eq!((error.status, server.log().len()), (Some(503), 3));
    let server = Server::start(|_| Answer::text(429, "").header("retry-after", "3600"));
    let error = request(&server.url).fetch(&Trust::default()).await.unwrap_err();
    assert_eq!((error.status, server.log().len()), (Some(429), 1));
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_not_repeated() {
    let server = Server::start(|_| Answer::text(200, "<html>secret</html>"));
    let error = request(&server.url).fetch(&Trust::default()).await.unwrap_err();
    assert!(error.to_string().contains("not JSON") && !error.to_string().contains("html"), "{error}");
}
