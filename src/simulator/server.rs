//! The socket: HTTP in, a plain request to the shell, HTTP out, or a connection that breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;

use super::concealed::Concealed;
use super::error::Refusal;
use super::faults::{Ending, Ruling};
use super::line::Line;
use super::messages;
use super::request::{Query, Request};
use super::router;
use super::shell::{Answered, Shell};
use super::tally::Kind;
use super::traffic::{self, Traffic};

/// Largest request body, in bytes; the largest documented field has 16 KiB.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The service for every path; calls are recorded where there is a record.
pub(super) fn service(shell: Arc<Shell>, traffic: Option<Traffic>) -> Router {
    let router = Router::new().fallback(serve).with_state(shell);
    match traffic {
        None => router,
        Some(traffic) => router.layer(from_fn_with_state(Arc::new(traffic), traffic::record)),
    }
}

async fn serve(
    State(shell): State<Arc<Shell>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: axum::http::Request<Body>,
) -> Response {
    let kind = Kind::of(request.method().as_str(), request.uri().path());
    let request = read(request).await;
    // Files are written and conditions run on threads of their own, so this may block.
    let answering = tokio::task::spawn_blocking(move || {
        // Counted in here, because a caller that hangs up ends everything outside.
        let answered = catch_unwind(AssertUnwindSafe(|| shell.handle(request)));
        let answered = answered.unwrap_or_else(|_| failed());
        if let Some(kind) = kind {
            shell.count(kind, &answered);
        }
        answered
    });
    let answered = answering.await.unwrap_or_else(|_| failed());
    if !answered.ruling.delay.is_zero() {
        tokio::time::sleep(answered.ruling.delay).await;
    }
    let ending = answered.ruling.ending;
    let mut response = respond(answered);
    if matches!(ending, Ending::Lost | Ending::Broken) {
        line.cut();
    }
    response.extensions_mut().insert(ending);
    response
}

/// The answer when handling a request has panicked.
fn failed() -> Answered {
    Answered {
        result: Err(Refusal::with_status(500, "The simulator failed on this request")),
        request_id: String::from("req_0"),
        organization: String::new(),
        ruling: Ruling::default(),
        quota: None,
    }
}

async fn read(request: axum::http::Request<Body>) -> Result<Request, Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        Refusal::with_status(413, format!("The request body is larger than {BODY_BYTES_MAX} bytes"))
    })?;
    Ok(Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        bearer: bearer(&parts.headers),
        api_key: text(&parts.headers, "x-api-key").map(Concealed::new),
        version: text(&parts.headers, "anthropic-version").map(str::to_owned),
        betas: betas(&parts.headers),
        id: String::new(),
        body: body.to_vec(),
    })
}

fn respond(answered: Answered) -> Response {
    let mut told = Vec::new();
    let (status, reply) = match answered.result {
        Ok(reply) => (200, reply),
        Err(refusal) => {
            told.clone_from(&refusal.headers);
            (refusal.status, router::plain(refusal.body(&answered.request_id)))
        }
    };
    let (content_type, body) = match reply.is_stream {
        true => ("text/event-stream; charset=utf-8", messages::events(&reply.body)),
        false => ("application/json", reply.body.to_string()),
    };
    told.push(("request-id", answered.request_id));
    if reply.authenticated {
        told.push(("anthropic-organization-id", answered.organization));
    }
    told.extend(reply.workspace.map(|workspace| ("anthropic-workspace-id", workspace)));
    if let Some(quota) = answered.quota {
        told.push(("anthropic-ratelimit-requests-limit", quota.limit.to_string()));
        told.push(("anthropic-ratelimit-requests-remaining", quota.remaining.to_string()));
        told.push(("anthropic-ratelimit-requests-reset", quota.reset.to_string()));
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn betas(headers: &HeaderMap) -> Vec<String> {
    let given = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect()
}

fn bearer(headers: &HeaderMap) -> Option<Concealed> {
    let (scheme, token) = text(headers, "authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Concealed::new(token.trim()))
}
