//! Sends one request once and reads its answer within bounds.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::retry::{Failure, Pace, Quota, date, retry_after};
use super::scrub::scrub;
use super::settings::{Settings, build_client, causes, check_base_url};
use super::transport::{Reply, Request};
use super::{ApiError, ErrorKind};
use crate::limits;

/// The version of the API whose shapes are asked for; the older one is understood too.
pub(crate) const API_VERSION: &str = "2026-10-21";

const OAUTH_BETA: &str = "oauth-2025-04-20";
const EXCHANGE_BETA: &str = "oauth-2025-04-20,oidc-federation-2026-04-01";

/// What proves a request's right.
pub(crate) enum Sending<'a> {
    /// A token, as a bearer.
    Token(&'a HeaderValue),
    /// A key for reports.
    ReportKey(&'a HeaderValue),
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
    pace: Arc<dyn Pace>,
}

impl Sender {
    pub(crate) fn new(settings: &Settings, base_url: &str, pace: &Arc<dyn Pace>) -> Result<Sender, ApiError> {
        let base = check_base_url(base_url)?;
        Ok(Sender { client: build_client(settings, &base)?, base, pace: Arc::clone(pace) })
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
        let success = (200..300).contains(&status);
        let bytes_max = if success { limits::RESPONSE_BYTES_MAX } else { limits::ERROR_BODY_BYTES_MAX };
        let now = self.pace.wall();
        match read_body(&mut response, bytes_max).await {
            Ok(body) if success => {
                let header = |name: &str| header(&headers, name);
                let (quota, date) = (Quota::read(header, now), header("date").and_then(|text| date(&text)));
                Ok(Reply { request_id: header("request-id"), body, quota, date })
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
            Sending::ReportKey(header) => {
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
            // Valid without, but some gateways answer 411. The vendor's clients send it too.
            None if request.method == Method::POST => builder.header(CONTENT_LENGTH, "0"),
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

/// Whether a body is a page for people, whatever its content type says.
pub(crate) fn is_web_page(body: &[u8]) -> bool {
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
