//! Sends one request at a time, reads its answer within bounds, and repeats what may be repeated.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::governor::{Ended, Governor};
use super::retry::{Effect, Failure, Pace, Quota, retry_after, settle, wait_before_next};
use super::scrub::scrub;
use super::settings::{Progress, Settings, build_client, causes, check_base_url};
use super::{ApiError, ErrorKind, credentials};
use crate::limits;
use crate::secret::Secret;

/// The version of the API whose shapes are asked for; the older one is understood too.
pub(crate) const API_VERSION: &str = "2026-10-21";

const OAUTH_BETA: &str = "oauth-2025-04-20";
const EXCHANGE_BETA: &str = "oauth-2025-04-20,oidc-federation-2026-04-01";

/// One request, in terms of the API.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is tried, in words.
    pub(crate) operation: String,
    /// The HTTP method.
    pub(crate) method: Method,
    /// The path, segment by segment, not yet encoded.
    pub(crate) path: Vec<String>,
    /// The query.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The JSON body, if there is one.
    pub(crate) body: Option<Value>,
    /// What sending it twice could do.
    pub(crate) effect: Effect,
    /// The beta that it needs.
    pub(crate) beta: Option<&'static str>,
}

/// One of the engine's credentials. An exchange carries none: the identity token is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// The OAuth token.
    Token,
    /// The key for usage and the Activity Feed, which the federation endpoints refuse.
    AdminKey,
}

/// The credentials to try for a path, in order: the next one only where the one before was refused.
fn carriers(path: &[String], has_admin_key: bool) -> &'static [Carrier] {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["v1", "organizations", "usage_report" | "analytics", ..] | ["v1", "compliance", ..]
            if has_admin_key =>
        {
            &[Carrier::AdminKey, Carrier::Token]
        }
        _ => &[Carrier::Token],
    }
}

impl Request {
    /// A request that only reads.
    pub(crate) fn get(operation: impl Into<String>, path: &[&str]) -> Request {
        Request {
            operation: operation.into(),
            method: Method::GET,
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            query: Vec::new(),
            body: None,
            effect: Effect::Read,
            beta: None,
        }
    }

    /// An error about this request.
    pub(crate) fn error(&self, kind: ErrorKind, message: impl AsRef<str>) -> ApiError {
        ApiError {
            operation: self.operation.clone(),
            endpoint: format!("{} /{}", self.method, self.path.join("/")),
            kind,
            message: scrub(message.as_ref()),
            code: None,
            request_id: None,
        }
    }

    /// The error for an answer that succeeded and cannot be understood.
    pub(crate) fn malformed(&self, reply: &Reply, message: impl AsRef<str>) -> ApiError {
        let error = self.error(ErrorKind::Malformed, message);
        settle(ApiError { request_id: reply.request_id.clone(), ..error }, self.effect)
    }
}

/// An answer whose status means success.
pub(crate) struct Reply {
    /// The API's id of the request.
    pub(crate) request_id: Option<String>,
    /// The body; wiped when dropped, because it may hold a minted token.
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// What the server says of its quota.
    quota: Quota,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self, request: &Request) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let why = match () {
                () if self.body.trim_ascii().is_empty() => "the answer is empty".to_owned(),
                () if is_web_page(&self.body) => "the answer is a web page, not JSON".to_owned(),
                () if error.is_eof() => format!("the answer is cut off: {error}"),
                () => format!("the answer is not JSON: {error}"),
            };
            request.malformed(self, why)
        })
    }
}

/// The connection to the API, with everything that all calls share.
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    admin_key: Option<HeaderValue>,
    governor: Governor,
    pub(crate) progress: Option<Progress>,
}

impl Transport {
    pub(crate) fn new(settings: &Settings, pace: Arc<dyn Pace>) -> Result<Transport, ApiError> {
        credentials::check(&settings.credential)?;
        let base = check_base_url(&settings.base_url)?;
        let bearer = Zeroizing::new(format!("Bearer {}", settings.credential.expose()));
        let mut authorization =
            HeaderValue::from_str(&bearer).expect("the credential was checked to be visible ASCII");
        authorization.set_sensitive(true);
        let admin_key = settings.admin_key.as_ref().map(admin_key_header).transpose()?;
        Ok(Transport {
            client: build_client(settings, &base)?,
            base,
            authorization,
            admin_key,
            governor: Governor::new(settings.parallelism, pace),
            progress: settings.progress.clone(),
        })
    }

    /// Whether there is a key for usage and the Activity Feed.
    pub(crate) fn has_admin_key(&self) -> bool {
        self.admin_key.is_some()
    }

    /// Time and chance.
    pub(crate) fn pace(&self) -> &dyn Pace {
        self.governor.pace.as_ref()
    }

    /// Makes a call and returns its answer once the status means success.
    pub(crate) async fn call(&self, request: &Request) -> Result<Reply, ApiError> {
        // The URL would lose such a segment, and the call would go to another object.
        if request.path.iter().any(|segment| matches!(segment.as_str(), "" | "." | "..")) {
            return Err(request.error(ErrorKind::Invalid, "an id in the path is empty or only dots"));
        }
        let mut carriers = carriers(&request.path, self.admin_key.is_some()).iter().copied().peekable();
        let mut carrier = carriers.next().unwrap_or(Carrier::Token);
        let mut tries = 0;
        loop {
            let turn = self.governor.turn().await;
            let failure = match self.attempt(request, carrier).await {
                Ok(reply) => {
                    turn.end(Ended::Answered { remaining: reply.quota.remaining });
                    if let Some(wait) = reply.quota.pause() {
                        self.governor.hold(wait);
                    }
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            turn.end(Ended::of(&failure));
            let refused = matches!(failure.error.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden);
            if refused && carriers.peek().is_some() {
                carrier = carriers.next().unwrap_or(carrier);
                continue;
            }
            tries += 1;
            let pace = &self.governor.pace;
            let Some(wait) = wait_before_next(&failure, request.effect, tries, pace.jitter()) else {
                return Err(settle(failure.error, request.effect));
            };
            tracing::debug!(operation = request.operation, tries, ?wait, error = %failure.error, "retrying");
            match failure.error.kind {
                ErrorKind::RateLimited { .. } => self.governor.hold(wait),
                _ => pace.sleep(wait).await,
            }
        }
    }

    async fn attempt(&self, request: &Request, carrier: Carrier) -> Result<Reply, Failure> {
        let lost = |error: reqwest::Error| {
            let kind = if error.is_connect() || error.is_builder() {
                ErrorKind::NotSent
            } else {
                ErrorKind::AnswerLost
            };
            let message = match (&kind, error.is_timeout()) {
                (ErrorKind::NotSent, _) => format!("no connection: {}", causes(&error)),
                (_, true) => "no answer in time".to_owned(),
                (_, false) => format!("the connection broke before the answer: {}", causes(&error)),
            };
            Failure { error: request.error(kind, message), retry_after: None, should_retry: None }
        };
        let mut response = self.build(request, carrier).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let success = (200..300).contains(&status);
        let bytes_max = if success { limits::RESPONSE_BYTES_MAX } else { limits::ERROR_BODY_BYTES_MAX };
        let now = self.governor.pace.wall();
        match read_body(&mut response, bytes_max).await {
            Ok(body) if success => {
                let quota = Quota::read(|name| header(&headers, name), now);
                Ok(Reply { request_id: header(&headers, "request-id"), body, quota })
            }
            Ok(body) => Err(refused(request, status, &headers, &body, now)),
            // The status alone says what happened to the request, whatever became of the rest.
            Err(_) if !success => Err(refused(request, status, &headers, b"", now)),
            Err(broken) => {
                let mut failure = match broken {
                    BodyError::Broken(error) => lost(error),
                    BodyError::TooLarge => {
                        let message = "the answer is larger than any of the API's";
                        let error = request.error(ErrorKind::Malformed, message);
                        Failure { error, retry_after: None, should_retry: None }
                    }
                };
                failure.error.request_id = header(&headers, "request-id");
                Err(failure)
            }
        }
    }

    fn build(&self, request: &Request, carrier: Carrier) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&request.path);
        }
        let mut builder = self.client.request(request.method.clone(), url).header(ACCEPT, "application/json");
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        // The exchange carries no credential of ours: the identity token is the credential.
        builder = match (request.effect, carrier, &self.admin_key) {
            (Effect::Once, ..) => builder.header("anthropic-beta", EXCHANGE_BETA),
            (_, Carrier::AdminKey, Some(key)) => {
                let builder =
                    builder.header("x-api-key", key.clone()).header("anthropic-version", API_VERSION);
                request.beta.into_iter().fold(builder, |builder, beta| builder.header("anthropic-beta", beta))
            }
            _ => builder
                .header(AUTHORIZATION, self.authorization.clone())
                .header("anthropic-version", API_VERSION)
                .header("anthropic-beta", betas(request.beta)),
        };
        match &request.body {
            Some(body) => builder.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            None => builder,
        }
    }
}

/// The betas of a call with the engine's own credential.
fn betas(beta: Option<&str>) -> String {
    beta.map_or(OAUTH_BETA.to_owned(), |beta| format!("{OAUTH_BETA},{beta}"))
}

fn admin_key_header(key: &Secret) -> Result<HeaderValue, ApiError> {
    let text = key.expose().trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Request::get("use the key for usage and the Activity Feed", &[])
            .error(ErrorKind::Credential, "the key is empty or holds a character that no key has"));
    }
    let mut header = HeaderValue::from_str(text).expect("the key was checked to be visible ASCII");
    header.set_sensitive(true);
    Ok(header)
}

/// Room made for a body whose length is not announced; a minted token fits.
const BODY_ROOM_BYTES: usize = 16 * 1024;

/// Why a body could not be read.
pub(crate) enum BodyError {
    /// The connection broke, or time ran out.
    Broken(reqwest::Error),
    /// It is longer than was allowed.
    TooLarge,
}

/// Reads a body chunk by chunk, so that an endless one is cut off, however well it compresses.
pub(crate) async fn read_body(
    response: &mut reqwest::Response,
    bytes_max: usize,
) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    // Room for the whole body at once: a vector that grows leaves copies behind that are not wiped.
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let room = announced.unwrap_or(0).clamp(BODY_ROOM_BYTES, limits::ISSUER_DOCUMENT_BYTES_MAX);
    let mut body = Zeroizing::new(Vec::with_capacity(room));
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether a body is a page for people, whatever its content type says.
fn is_web_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    headers.get(name)?.to_str().ok().map(scrub)
}

/// Understands a refusal: the documented envelope, its inner half alone, or the OAuth form.
fn refused(request: &Request, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Failure {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &answer["error"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(scrub);
    let message = text(&error["message"])
        .or_else(|| text(&answer["error_description"]))
        .or_else(|| text(error))
        .or_else(|| text(&error["type"]));
    let message = match message {
        Some(message) => message,
        None if (300..400).contains(&status) => {
            format!("the server answered {status} and wants the call made elsewhere; redirects are refused")
        }
        None if is_web_page(body) => {
            format!("the server answered {status} with a web page, as a proxy does and the API does not")
        }
        None => format!("the server answered {status} without saying why"),
    };
    let wait = retry_after(|name| header(headers, name), now);
    let kind = match status {
        400 => ErrorKind::Invalid,
        401 => ErrorKind::Unauthenticated,
        402 => ErrorKind::Billing,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 500.. => ErrorKind::Unavailable { status },
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited { retry_after: wait },
        _ => ErrorKind::Unexpected { status },
    };
    let error = ApiError {
        code: text(&error["details"]["error_code"]),
        request_id: header(headers, "request-id").or_else(|| text(&answer["request_id"])),
        ..request.error(kind, message)
    };
    let should_retry = header(headers, "x-should-retry").and_then(|wish| wish.parse().ok());
    Failure { error, retry_after: wait, should_retry }
}
