//! Sends one request at a time, reads its answer within bounds, and repeats what may be repeated.

use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::credentials::{self, CredentialSource};
use super::retry::{Effect, Failure, Governor, Pace, retry_after, settle, wait_before_next};
use super::scrub::scrub;
use super::settings::{Progress, Settings, build_client, causes, check_base_url};
use super::{ApiError, ErrorKind};
use crate::limits;

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
    /// The credential that goes with it.
    pub(crate) with: With,
    /// The beta that it needs.
    pub(crate) beta: Option<&'static str>,
}

/// The credential that goes with a request. An exchange has none: the identity token is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// The engine's own.
    Operator,
    /// The key for usage and the Activity Feed, which the federation endpoints refuse.
    AdminKey,
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
            with: With::Operator,
            beta: None,
        }
    }

    /// Tells whether it goes to a report. Those are documented for Admin API keys, so that a refused
    /// token need not be a bad one.
    fn is_report(&self) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["v1", "compliance", ..] => true,
            ["v1", "organizations", report, ..] => {
                matches!(*report, "usage_report" | "cost_report" | "analytics")
            }
            _ => false,
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
            advice: None,
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
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self, request: &Request) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| request.malformed(self, format!("the answer is not JSON: {error}")))
    }
}

/// What proves a request's right.
pub(crate) enum Sending<'a> {
    /// A token, as a bearer.
    Token(&'a HeaderValue),
    /// An Admin API key.
    AdminKey(&'a HeaderValue),
    /// The identity token in the body of an exchange.
    Assertion,
    /// The refresh token in the body.
    Refresh,
}

/// Sends single requests to one base URL.
#[derive(Clone)]
pub(crate) struct Sender {
    client: reqwest::Client,
    base: Url,
}

/// The connection to the API, with everything that all calls share.
pub(crate) struct Transport {
    sender: Sender,
    credential: CredentialSource,
    admin_key: Option<HeaderValue>,
    governor: Governor,
    pub(crate) progress: Option<Progress>,
}

impl Transport {
    pub(crate) fn new(settings: &Settings, pace: Arc<dyn Pace>) -> Result<Transport, ApiError> {
        let sender = Sender::new(settings, &settings.base_url)?;
        let endpoint = match &settings.credential.token_base_url {
            Some(url) => Sender::new(settings, url)?,
            None => sender.clone(),
        };
        let credential = CredentialSource::new(
            settings.credential.clone(),
            endpoint,
            Arc::clone(&settings.wall_clock),
            Arc::clone(&settings.notice),
        )?;
        let admin_key = settings.admin_key.as_ref();
        if let Some(why) = admin_key.and_then(|key| credentials::check_admin_key(key).err()) {
            return Err(credentials::refusal(format!("the second credential {why}")));
        }
        Ok(Transport {
            sender,
            credential,
            admin_key: admin_key.map(|key| credentials::header(key, "")),
            governor: Governor::new(settings.parallelism, pace),
            progress: settings.progress.clone(),
        })
    }

    /// Makes a call and returns its answer once the status means success.
    pub(crate) async fn call(&self, request: &Request) -> Result<Reply, ApiError> {
        // The URL would lose such a segment, and the call would go to another object.
        if request.path.iter().any(|segment| matches!(segment.as_str(), "" | "." | "..")) {
            return Err(request.error(ErrorKind::Invalid, "an id in the path is empty or only dots"));
        }
        let (mut tries, mut renewed) = (0, false);
        loop {
            let mut generation = None;
            let failure = {
                let _turn = self.governor.turn().await;
                match self.attempt(request, &mut generation).await {
                    Ok(reply) => return Ok(reply),
                    Err(failure) => failure,
                }
            };
            let refused = failure.error.kind == ErrorKind::Unauthenticated && !request.is_report();
            if let (true, Some(generation), false) = (refused, generation, renewed) {
                renewed = true;
                match self.credential.renew_after(generation).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => return Err(not_renewed(failure.error, &error)),
                }
            }
            tries += 1;
            let pace = &self.governor.pace;
            let Some(wait) = wait_before_next(&failure, request.effect, tries, pace.jitter()) else {
                return Err(self.advised(settle(failure.error, request.effect), request));
            };
            tracing::debug!(operation = request.operation, tries, ?wait, error = %failure.error, "retrying");
            match failure.error.kind {
                ErrorKind::RateLimited { .. } => self.governor.hold(wait),
                _ => pace.sleep(wait).await,
            }
        }
    }

    /// Whether there is a key for usage and the Activity Feed.
    pub(crate) fn has_admin_key(&self) -> bool {
        self.admin_key.is_some()
    }

    /// Sends a request once; notes which token it carried.
    async fn attempt(&self, request: &Request, generation: &mut Option<u64>) -> Result<Reply, Failure> {
        // A trial exchange carries no credential of ours: the identity token is the credential.
        if request.effect == Effect::Once {
            return self.sender.send(request, Sending::Assertion).await;
        }
        if let (With::AdminKey, Some(key)) = (request.with, &self.admin_key) {
            return self.sender.send(request, Sending::AdminKey(key)).await;
        }
        let bearer = self.credential.bearer().await.map_err(unsent)?;
        *generation = Some(bearer.generation);
        self.sender.send(request, Sending::Token(&bearer.header)).await
    }

    /// Adds what can be done about a refused credential, where more is known than for any other.
    fn advised(&self, mut error: ApiError, request: &Request) -> ApiError {
        if request.effect == Effect::Once || error.advice.is_some() {
            return error;
        }
        let refused = matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden);
        if refused && request.is_report() {
            let advice = match self.has_admin_key() {
                false => {
                    "This report may need an Admin API key: set ANTHROPIC_ADMIN_API_KEY, which is used for reports alone."
                }
                true => {
                    "ANTHROPIC_ADMIN_API_KEY is set, and this report is refused all the same; the Activity Feed takes Admin API keys only if they were created after the Compliance API was enabled."
                }
            };
            error.advice = Some(advice.into());
        } else if error.code.as_deref() == Some("sandbox_egress_restricted") {
            let advice =
                "Changes cannot be made from inside a sandbox with restricted network; run this elsewhere.";
            error.advice = Some(advice.into());
        } else {
            let writes = request.effect != Effect::Read;
            error.advice = self.credential.advice(&error.kind, writes).map(Into::into);
        }
        error
    }
}

/// A call for which no token could be had was not sent, so that it may be tried again where the
/// reason may pass.
fn unsent(error: ApiError) -> Failure {
    let kind = match error.kind {
        ErrorKind::NotSent | ErrorKind::RateLimited { .. } | ErrorKind::Unavailable { .. } => {
            ErrorKind::NotSent
        }
        // What was sent to the token endpoint may work only once.
        _ => ErrorKind::Credential,
    };
    let advice = Some(error.advice().into());
    Failure { error: ApiError { kind, advice, ..error }, retry_after: None, should_retry: None }
}

fn not_renewed(refusal: ApiError, error: &ApiError) -> ApiError {
    let advice = format!("The token could not be renewed: {error}. {}", error.advice());
    ApiError { advice: Some(advice.into()), ..refusal }
}

impl Sender {
    fn new(settings: &Settings, base_url: &str) -> Result<Sender, ApiError> {
        let base = check_base_url(base_url)?;
        Ok(Sender { client: build_client(settings, &base)?, base })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, request: &Request, sending: Sending<'_>) -> Result<Reply, Failure> {
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
        let mut response = self.build(request, sending).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body =
            read_body(&mut response, limits::RESPONSE_BYTES_MAX).await.map_err(|error| match error {
                BodyError::Broken(error) => lost(error),
                BodyError::TooLarge => Failure {
                    error: request.error(ErrorKind::Malformed, "the answer is larger than any of the API's"),
                    retry_after: None,
                    should_retry: None,
                },
            })?;
        if (200..300).contains(&status) {
            return Ok(Reply { request_id: header(&headers, "request-id"), body });
        }
        Err(refused(request, status, &headers, &body))
    }

    fn build(&self, request: &Request, sending: Sending<'_>) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&request.path);
        }
        let mut builder = self.client.request(request.method.clone(), url).header(ACCEPT, "application/json");
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        builder = match sending {
            Sending::Token(header) => builder
                .header(AUTHORIZATION, header.clone())
                .header("anthropic-version", API_VERSION)
                .header("anthropic-beta", betas(request.beta)),
            Sending::AdminKey(header) => {
                let builder =
                    builder.header("x-api-key", header.clone()).header("anthropic-version", API_VERSION);
                request.beta.into_iter().fold(builder, |builder, beta| builder.header("anthropic-beta", beta))
            }
            Sending::Assertion => builder.header("anthropic-beta", EXCHANGE_BETA),
            // With the flag of federation the service would take it for an exchange.
            Sending::Refresh => builder.header("anthropic-beta", OAUTH_BETA),
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

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    headers.get(name)?.to_str().ok().map(scrub)
}

/// Understands a refusal: the documented envelope, its inner half alone, or the OAuth form.
fn refused(request: &Request, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
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
        None => format!("the server answered {status} without saying why"),
    };
    let wait = retry_after(|name| header(headers, name));
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
