//! The client against a real socket, with answers as the API documents them.

mod activities;
mod bodies;
mod carriers;
mod changes;
mod creates;
mod endless;
mod exchanges;
mod failures;
mod fresh;
mod issuer_keys;
mod named;
mod observation;
mod partial;
#[cfg(unix)]
mod renewal;
mod usage;

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request as HttpRequest;
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::retry::tests::QuickPace;
use super::*;

/// A request as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Value,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Method and path below `/v1/organizations/`.
    fn tail(&self) -> String {
        format!("{} {}", self.method, self.path.trim_start_matches("/v1/organizations/"))
    }
}

/// Makes a reply, as often as it is asked for.
type Answering = fn() -> Reply;

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    fn new(status: u16, body: impl Into<String>) -> Reply {
        let headers =
            vec![("content-type", "application/json".to_owned()), ("request-id", "req_01Test".to_owned())];
        Reply { status, headers, body: body.into() }
    }

    fn file(name: &str) -> Reply {
        Reply::new(200, fixture(name))
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }
}

/// The accounts of the recorded organization, as if all were managed.
fn managed() -> Managed {
    let names = ["release", "engine", "newer"].map(str::to_owned);
    Managed { account_names: names.into(), ..Managed::default() }
}

/// When the changes of these tests are announced.
fn since() -> jiff::Timestamp {
    "2026-10-01T00:00:00Z".parse().unwrap()
}

/// A recorded answer.
fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/api/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A server on this machine that answers by a function and remembers what it was asked.
struct Server {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let handler = move |request: HttpRequest| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let bytes = to_bytes(body, 1 << 20).await.unwrap();
                let seen = Seen {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    headers: parts.headers,
                    body: serde_json::from_slice(&bytes).unwrap_or_default(),
                };
                let reply = answer(&seen);
                log.lock().unwrap().push(seen);
                // The time of `QuickPace`, where the reply has none of its own.
                let dated = reply.headers.iter().any(|(name, _)| *name == "date");
                let mut response = Response::builder().status(reply.status);
                if !dated {
                    response = response.header("date", "Wed, 21 Oct 2026 07:16:40 GMT");
                }
                for (name, value) in reply.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(reply.body)).unwrap()
            }
        };
        let router = axum::Router::new().fallback(handler);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Server { base, seen, task }
    }

    /// A server whose answers do not depend on the question; the last one is repeated.
    async fn answering(replies: Vec<Answering>) -> Server {
        let next = Mutex::new(0);
        Server::start(move |_| {
            let mut next = next.lock().unwrap();
            let reply = replies[(*next).min(replies.len() - 1)];
            *next += 1;
            reply()
        })
        .await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn settings(&self) -> Settings {
        settings(&self.base)
    }

    fn client(&self) -> (HttpPlatform, Arc<QuickPace>) {
        client(self.settings())
    }
}

fn settings(base: &str) -> Settings {
    Settings::new(base, Secret::new("sk-ant-oat01-engine"))
}

/// An Admin API key for reports.
fn admin(key: &str) -> ReportKeys {
    ReportKeys::default().with(ReportKeyKind::Admin, Secret::new(key))
}

/// Settings whose notices are kept.
fn noticing(settings: Settings) -> (Settings, Arc<Mutex<Vec<String>>>) {
    let notices: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&notices);
    let notice = Arc::new(move |text: &str| kept.lock().unwrap().push(text.to_owned()));
    (Settings { notice, ..settings }, notices)
}

/// A client that never really waits.
fn client(settings: Settings) -> (HttpPlatform, Arc<QuickPace>) {
    let pace = QuickPace::new();
    (HttpPlatform::with_pace(settings, pace.clone()).unwrap(), pace)
}
