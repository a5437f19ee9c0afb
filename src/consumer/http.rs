//! The one way in which drivers speak HTTP: with bounds, without redirects, and over TLS except to
//! this machine.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::call_error::{CallError, advice};
use super::notice::{tell, told};
use crate::limits;
use crate::platform::{BodyError, causes, is_loopback, read_body, scrub, user_agent};
use crate::secret::Secret;

/// Most tries of a call. Everything that drivers do is safe to repeat.
const TRIES_MAX: u32 = 3;

/// Time to reach a machine's metadata service. It answers at once where there is one, and never
/// elsewhere.
const METADATA_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where stores and gateways put their id of a request.
const REQUEST_ID_HEADERS: [&str; 6] = [
    "x-github-request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "audit-id",
    "x-request-id",
    "x-goog-request-id",
];

/// Whom to trust and who we are, beyond what the system says.
#[derive(Clone, Default)]
pub(super) struct Trust {
    /// The only authorities, in PEM; none: those of the system.
    pub(super) authorities: Option<Vec<u8>>,
    /// A client certificate with its key, in PEM.
    pub(super) identity: Option<Zeroizing<Vec<u8>>>,
}

/// One request.
pub(super) struct Request {
    operation: String,
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    secret_headers: Vec<(&'static str, Secret)>,
    body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
    read_success: bool,
    metadata: bool,
}

impl Request {
    pub(super) fn new(operation: impl Into<String>, method: Method, url: Url) -> Request {
        Request {
            operation: operation.into(),
            method,
            url,
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: None,
            read_success: true,
            metadata: false,
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    /// A header that is a credential: it is never shown, also not where the store repeats it.
    pub(super) fn secret_header(mut self, name: &'static str, value: Secret) -> Request {
        self.secret_headers.push((name, value));
        self
    }

    pub(super) fn bearer(self, token: &Secret) -> Request {
        self.secret_header("authorization", Secret::new(format!("Bearer {}", token.expose())))
    }

    pub(super) fn json(self, body: &Value) -> Request {
        self.body("application/json", body.to_string().into_bytes())
    }

    pub(super) fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Request {
        self.body = Some((content_type, Zeroizing::new(body)));
        self
    }

    /// Leaves the body of a success unread, because the store puts the secret's value into it.
    pub(super) fn unread(mut self) -> Request {
        self.read_success = false;
        self
    }

    /// Lets the request go to the machine's own metadata service, which has no TLS.
    pub(super) fn over_metadata(mut self) -> Request {
        self.metadata = true;
        self
    }

    /// An error about this request.
    pub(super) fn error(&self, message: impl AsRef<str>, advice: impl Into<String>) -> CallError {
        let mut message = message.as_ref().to_owned();
        for (_, secret) in &self.secret_headers {
            let text = secret.expose();
            let parts = [text, text.strip_prefix("Bearer ").unwrap_or(text)];
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                message = message.replace(part, "(secret)");
            }
        }
        CallError { address: self.address(), ..CallError::here(&self.operation, scrub(&message), advice) }
    }

    fn address(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.to_string()
    }

    /// Refuses an address over which a credential could be read by others.
    fn check(&self) -> Result<(), CallError> {
        let host = self.url.host_str().unwrap_or_default();
        let is_metadata =
            self.metadata && matches!(host.parse(), Ok(IpAddr::V4(address)) if address.is_link_local());
        match self.url.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(&self.url) || is_metadata => Ok(()),
            scheme => Err(self.error(
                format!("the address begins with `{scheme}://`, so the credential could be read on the way"),
                "Use an https:// address.",
            )),
        }
    }

    fn header_map(&self) -> Result<HeaderMap, CallError> {
        let mut map = HeaderMap::new();
        let plain = self.headers.iter().map(|(name, value)| (*name, value.as_str(), false));
        let secret = self.secret_headers.iter().map(|(name, value)| (*name, value.expose(), true));
        for (name, value, sensitive) in plain.chain(secret) {
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                let message = format!("what goes into the header `{name}` holds a line break or worse");
                self.error(message, "Check the variable or file that it comes from.")
            })?;
            value.set_sensitive(sensitive);
            map.insert(HeaderName::from_static(name), value);
        }
        if let Some((content_type, _)) = &self.body {
            map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Ok(map)
    }

    /// Sends the request, and again while the store asks for patience. Any status is an answer.
    pub(super) async fn send(&self, trust: &Trust) -> Result<Reply, CallError> {
        self.check()?;
        let client = self.client(trust)?;
        let headers = self.header_map()?;
        let mut tries = 0;
        loop {
            let slow = || {
                let (what, seconds) = (&self.operation, limits::CALL_TIMEOUT.as_secs());
                format!("no answer yet from {} to: {what}; keyless waits {seconds} s at most", self.address())
            };
            let reply = told(slow, self.attempt(&client, headers.clone())).await?;
            tries += 1;
            let patience = matches!(reply.status, 429 | 502..=504);
            let wait = reply.retry_after.unwrap_or(Duration::from_secs(u64::from(tries)));
            if !patience || tries >= TRIES_MAX || wait > limits::STORE_WAIT_MAX {
                return Ok(reply);
            }
            if wait >= limits::RETRY_TOLD {
                let (status, seconds) = (reply.status, wait.as_secs());
                let what = format!("could not {} yet: {} answered {status}", self.operation, self.address());
                tell(&format!("{what} and asks to wait; keyless tries again in {seconds} s"));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends the request; anything but success is an error.
    pub(super) async fn succeed(&self, trust: &Trust) -> Result<Reply, CallError> {
        let reply = self.send(trust).await?;
        if reply.is_success() { Ok(reply) } else { Err(self.refused(&reply)) }
    }

    /// Sends the request and reads a JSON answer.
    pub(super) async fn fetch(&self, trust: &Trust) -> Result<Value, CallError> {
        let reply = self.succeed(trust).await?;
        serde_json::from_slice(&reply.body).map_err(|error| {
            // The text of the answer may hold a token, so only the place of the fault is told.
            let message =
                format!("the answer is not JSON (line {}, column {})", error.line(), error.column());
            self.error(message, "Check that the address is that of the store.")
        })
    }

    async fn attempt(&self, client: &reqwest::Client, headers: HeaderMap) -> Result<Reply, CallError> {
        let lost = |error: reqwest::Error| {
            let message = match (error.is_connect() || error.is_builder(), error.is_timeout()) {
                (true, _) => format!("no connection: {}", causes(&error)),
                (false, true) => "no answer in time".to_owned(),
                (false, false) => format!("the connection broke before the answer: {}", causes(&error)),
            };
            self.error(message, "Check the address and the network, and apply again.")
        };
        let mut builder = client.request(self.method.clone(), self.url.clone()).headers(headers);
        if let Some((_, body)) = &self.body {
            builder = builder.body(body.to_vec());
        }
        let mut response = builder.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let request_id = REQUEST_ID_HEADERS.iter().find_map(|name| header(name)).map(scrub);
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok());
        let success = (200..300).contains(&status);
        let body = if success && !self.read_success {
            Zeroizing::default()
        } else {
            read_body(&mut response, limits::RESPONSE_BYTES_MAX).await.map_err(|error| match error {
                BodyError::Broken(error) => lost(error),
                BodyError::TooLarge => {
                    self.error("the answer is too large", "Check that the address is that of the store.")
                }
            })?
        };
        Ok(Reply { status, request_id, retry_after: retry_after.map(Duration::from_secs), body })
    }

    fn client(&self, trust: &Trust) -> Result<reqwest::Client, CallError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(limits::CALL_TIMEOUT)
            .connect_timeout(if self.metadata { METADATA_CONNECT_TIMEOUT } else { limits::CONNECT_TIMEOUT });
        if self.metadata || is_loopback(&self.url) {
            builder = builder.no_proxy();
        }
        let fail = |what: &str, error: reqwest::Error| {
            self.error(format!("{what}: {}", causes(&error)), "Check the certificates it was given.")
        };
        if let Some(pem) = &trust.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| fail("the authorities to trust are not PEM", error))?;
            builder = builder.tls_certs_only(authorities);
        } else if self.url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        if let Some(pem) = &trust.identity {
            let identity = reqwest::Identity::from_pem(pem)
                .map_err(|error| fail("the client certificate cannot be used", error))?;
            builder = builder.identity(identity);
        }
        builder.build().map_err(|error| fail("the TLS client cannot be set up", error))
    }

    /// The error for an answer that is no success.
    pub(super) fn refused(&self, reply: &Reply) -> CallError {
        let said = serde_json::from_slice(&reply.body).unwrap_or_default();
        let (code, message) = words(&said);
        let message = match (message.is_empty(), code.is_empty()) {
            (false, false) if !message.contains(&code) => format!("{} {code}: {message}", reply.status),
            (false, _) => format!("{} {message}", reply.status),
            (true, false) => format!("{} {code}", reply.status),
            (true, true) => format!("the answer was {} without a reason", reply.status),
        };
        CallError {
            status: Some(reply.status),
            code: scrub(&code),
            request_id: reply.request_id.clone(),
            ..self.error(message, advice(reply.status))
        }
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    /// Wiped when dropped; empty when it was left unread.
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The code and the message of an error, wherever the stores put them.
fn words(said: &Value) -> (String, String) {
    let first = |pointers: &[&str]| {
        let found = pointers.iter().filter_map(|pointer| match said.pointer(pointer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            // GitLab tells what is wrong with each field in an object.
            Value::Object(fields) if *pointer == "/message" => {
                Some(Value::Object(fields.clone()).to_string())
            }
            _ => None,
        });
        found.take(1).next().unwrap_or_default()
    };
    let code = first(&["/error/status", "/error/code", "/__type", "/reason", "/error"]);
    let mut message = first(&[
        "/error/message",
        "/message",
        "/Message",
        "/error_description",
        "/error",
        "/errors/0/message",
    ]);
    if let Some(cause) = said.pointer("/details/causes/0/message").and_then(Value::as_str) {
        message = format!("{message} ({cause})");
    }
    // AWS puts the name of a protocol before its code.
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    (code, message)
}

/// An address with segments and a query added; each segment is encoded as a whole.
pub(super) fn url(
    operation: &str,
    base: &str,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Result<Url, CallError> {
    let fail = |why: &str| {
        CallError::here(operation, format!("the address `{}` {why}", scrub(base)), "Correct the address.")
    };
    let mut url = Url::parse(base).map_err(|error| fail(&format!("cannot be parsed: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CallError::here(
            operation,
            "the address holds a user name or password",
            "Take it out of the address; credentials have variables of their own.",
        ));
    }
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(fail("would get an empty name or one of only dots"));
    }
    url.path_segments_mut().map_err(|()| fail("has no path"))?.pop_if_empty().extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
