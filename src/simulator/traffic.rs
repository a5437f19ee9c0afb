//! A record of the traffic, for checks against a description of the API.
//!
//! One line of JSON for each call: method, path, query, version, status, the headers that clients
//! act on, and both bodies. No header that carries a credential is recorded, and credentials inside
//! bodies keep their kind and length only.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::error::SimulatorError;
use super::faults::Ending;

/// Only the API itself is recorded, not the controls of the simulation.
const RECORDED: &str = "/v1/";
/// Largest body that is passed on, in bytes; twice what the simulator accepts or a page can have.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Headers of an answer that clients act on.
const HEADERS: [&str; 6] = [
    "content-type",
    "request-id",
    "retry-after",
    "x-should-retry",
    "anthropic-organization-id",
    "anthropic-workspace-id",
];
/// Fields of bodies that hold a credential.
const CREDENTIALS: [&str; 3] = ["assertion", "access_token", "refresh_token"];

/// The file that calls are appended to.
pub(super) struct Traffic(Mutex<File>);

impl Traffic {
    /// Opens the file, or makes it. Several simulators may append to one file.
    pub(super) fn open(path: &Path) -> Result<Traffic, SimulatorError> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        Ok(Traffic(Mutex::new(opened.map_err(SimulatorError::file("open", path))?)))
    }

    fn append(&self, call: &Value) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line, so that lines of several processes do not mix. A full disk must not
        // change what the API answers; the check of the record notices what is missing.
        let _ = file.write_all(format!("{call}\n").as_bytes());
    }
}

/// Passes a call on and records it together with its answer.
pub(super) async fn record(State(traffic): State<Arc<Traffic>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(RECORDED) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(sent) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut call = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().unwrap_or_default(),
        "version": text(&parts.headers, "anthropic-version"),
        "beta": text(&parts.headers, "anthropic-beta"),
        "request": shown(&sent),
    });
    let response = next.run(Request::from_parts(parts, Body::from(sent))).await;

    // What breaks without an effect is no call; an answer that is lost was given. What is wrong on
    // purpose is not what the simulator takes for the API.
    let ending = response.extensions().get::<Ending>().copied().unwrap_or_default();
    if matches!(ending, Ending::Broken | Ending::Garbled) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(answered) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    call["status"] = json!(parts.status.as_u16());
    call["headers"] = HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(text(&parts.headers, name)?))))
        .collect::<Map<_, _>>()
        .into();
    call["response"] = shown(&answered);
    if ending == Ending::Lost {
        call["lost"] = json!(true);
    }
    traffic.append(&call);
    Response::from_parts(parts, Body::from(answered))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A body as it is recorded: null when empty, `{"events": […]}` for a stream, `{"unreadable": bytes}`
/// when it is neither that nor JSON.
fn shown(body: &Bytes) -> Value {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Value::Null;
    }
    match serde_json::from_slice(body) {
        Ok(mut value) => {
            hide(&mut value);
            value
        }
        Err(_) => events(body).unwrap_or_else(|| json!({"unreadable": body.len()})),
    }
}

/// The data of the events of a stream; nothing for other bodies.
fn events(body: &Bytes) -> Option<Value> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.starts_with("event: "))?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = data.map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let mut events = json!({"events": events});
    hide(&mut events);
    Some(events)
}

/// Covers the credentials in a body, at any depth.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    // A hint is what the API shows of a key instead of the key.
                    _ if name == "partial_key_hint" => {}
                    Value::String(secret) if CREDENTIALS.contains(&name.as_str()) => {
                        *secret = covered(secret)
                    }
                    _ => hide(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) if text.starts_with("sk-ant-") => *text = covered(text),
        _ => {}
    }
}

/// The kind of a credential, such as `sk-ant-oat01-`, and as many crosses as it has more characters.
fn covered(secret: &str) -> String {
    let kind = match secret.starts_with("sk-ant-") {
        true => secret.match_indices('-').nth(2).map_or(0, |(at, _)| at + 1),
        false => 0,
    };
    let (kind, rest) = secret.split_at(kind);
    format!("{kind}{}", "x".repeat(rest.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_bodies_keep_kind_and_length_only() {
        let check = |body: &str, expected: Value| {
            assert_eq!(shown(&Bytes::copy_from_slice(body.as_bytes())), expected, "{body}");
        };
        check("", Value::Null);
        check(" \n", Value::Null);
        check("{", json!({"unreadable": 1}));
        check("event: a\ndata: {\"access_token\":\"ab\"}\n\n", json!({"events": [{"access_token": "xx"}]}));
        check("event: a\ndata: {\n\n", json!({"unreadable": 18}));
        check(r#"{"assertion":"abc.de"}"#, json!({"assertion": "xxxxxx"}));
        check(r#"{"access_token":"sk-ant-oat01-AB-C"}"#, json!({"access_token": "sk-ant-oat01-xxxx"}));
        check(r#"[{"a":["sk-ant-api03-AB"]}]"#, json!([{"a": ["sk-ant-api03-xx"]}]));
        check(r#"{"name":"sk-ant-x"}"#, json!({"name": "xxxxxxxx"}));
        check(
            r#"{"partial_key_hint":"sk-ant-api03-A...Z"}"#,
            json!({"partial_key_hint": "sk-ant-api03-A...Z"}),
        );
    }
}
