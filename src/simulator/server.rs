//! The socket: HTTP in, a plain request to the router, HTTP out. A change is on disk before its
//! answer is sent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use super::concealed::Concealed;
use super::error::{Refusal, SimulatorError};
use super::ids;
use super::organization::World;
use super::persist::Directory;
use super::request::{Query, Reply, Request};
use super::router;
use super::traffic::{self, Traffic};
use super::workload;

/// Largest request body, in bytes; the largest documented field has 16 KiB.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The organization behind the socket.
pub(super) struct Shell {
    directory: Directory,
    base: PathBuf,
    held: Mutex<Held>,
    /// The version that is on disk.
    saved: Mutex<u64>,
    requests: AtomicU64,
}

/// The organization and how often it was changed.
struct Held {
    world: World,
    version: u64,
}

impl Shell {
    /// Takes over an organization that is about to be served and saves it.
    pub(super) fn new(directory: Directory, base: PathBuf, world: World) -> Result<Shell, SimulatorError> {
        let held = Mutex::new(Held { world, version: 1 });
        let shell = Shell { directory, base, held, saved: Mutex::new(0), requests: AtomicU64::new(0) };
        shell.save(1)?;
        Ok(shell)
    }

    /// The directory the organization is kept in.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Saves the newest organization, whatever is on disk.
    pub(super) fn save_now(&self) -> Result<(), SimulatorError> {
        let mut held = lock(&self.held);
        held.version += 1;
        let version = held.version;
        drop(held);
        self.save(version)
    }

    /// Sees to it that this version, or a newer one, is on disk. Requests that wait here together
    /// are served by one write.
    fn save(&self, version: u64) -> Result<(), SimulatorError> {
        let mut saved = lock(&self.saved);
        if *saved >= version {
            return Ok(());
        }
        let held = lock(&self.held);
        let newest = held.version;
        let bytes = serde_json::to_vec(&held.world).expect("the organization has text keys only");
        drop(held);
        self.directory.save(&bytes)?;
        *saved = newest;
        Ok(())
    }

    /// Answers one request.
    fn handle(&self, request: Result<Request, Refusal>) -> Answered {
        let real = Timestamp::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut held = lock(&self.held);
        let world = &mut held.world;
        let request_id = ids::request(world.seed, world.starts, number);
        let organization = world.organization.id.clone();
        let now = world.clock.now(real);
        let mut changed = world.clock.runs() && workload::catch_up(world, &self.base, now);
        let result = request.and_then(|request| {
            let result = router::answer(world, &self.base, &request, now, real);
            // A denied exchange changes the history.
            changed |= request.method != "GET" && (result.is_ok() || request.path == "/v1/oauth/token");
            result
        });
        if changed {
            held.version += 1;
        }
        let version = held.version;
        drop(held);
        let result = if changed {
            let saved = self.save(version).map_err(|error| Refusal::with_status(500, error.to_string()));
            saved.and(result)
        } else {
            result
        };
        Answered { result, request_id, organization }
    }
}

struct Answered {
    result: Result<Reply, Refusal>,
    request_id: String,
    organization: String,
}

/// The service for every path; calls are recorded where there is a record.
pub(super) fn service(shell: Arc<Shell>, traffic: Option<Traffic>) -> Router {
    let router = Router::new().fallback(serve).with_state(shell);
    match traffic {
        None => router,
        Some(traffic) => router.layer(from_fn_with_state(Arc::new(traffic), traffic::record)),
    }
}

async fn serve(State(shell): State<Arc<Shell>>, request: axum::http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let too_large = || {
        let message = format!("The request body is larger than {BODY_BYTES_MAX} bytes");
        Refusal::with_status(413, message)
    };
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large());
    let request = body.map(|body| Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        bearer: bearer(&parts.headers),
        api_key: text(&parts.headers, "x-api-key").map(Concealed::new),
        version: text(&parts.headers, "anthropic-version").map(str::to_owned),
        body: body.to_vec(),
    });
    // Files are written and conditions run on threads of their own, so this may block.
    match tokio::task::spawn_blocking(move || shell.handle(request)).await {
        Ok(answered) => respond(answered),
        Err(_) => {
            let refusal = Refusal::with_status(500, "The simulator failed on this request");
            respond(Answered {
                result: Err(refusal),
                request_id: String::from("req_0"),
                organization: String::new(),
            })
        }
    }
}

fn respond(answered: Answered) -> Response {
    let (status, body, authenticated, workspace) = match answered.result {
        Ok(reply) => (200, reply.body, reply.authenticated, reply.workspace),
        Err(refusal) => (refusal.status, refusal.body(&answered.request_id), false, None),
    };
    let mut response = Response::new(Body::from(body_text(&body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    add("request-id", &answered.request_id);
    if authenticated {
        add("anthropic-organization-id", &answered.organization);
    }
    if let Some(workspace) = workspace {
        add("anthropic-workspace-id", &workspace);
    }
    response
}

fn body_text(body: &Value) -> String {
    body.to_string()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn bearer(headers: &HeaderMap) -> Option<Concealed> {
    let (scheme, token) = text(headers, "authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Concealed::new(token.trim()))
}

/// A panic while the lock was held leaves data that is still whole enough for a toy.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
