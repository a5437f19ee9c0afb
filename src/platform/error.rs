//! One error type for every call: operation, address, request id, and what to do.

use std::fmt;
use std::time::Duration;

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What was tried, in words, such as `list federation rules`.
    pub operation: String,
    /// Method and path, without a query that could hold anything private.
    pub endpoint: String,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What the server said, or the transport; never a secret, cut at a sensible length.
    pub message: String,
    /// The API's error code where there is one, such as `org_api_key_limit_exceeded`.
    pub code: Option<String>,
    /// The API's id of the request.
    pub request_id: Option<String>,
    /// What a person can do about it, where more is known than the kind tells.
    pub advice: Option<Box<str>>,
}

/// What kind of failure it is, which decides what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is refused as it stands (400).
    Invalid,
    /// The credential is not accepted (401).
    Unauthenticated,
    /// The account has to be paid for (402).
    Billing,
    /// The credential may not do this (403).
    Forbidden,
    /// There is no such object (404).
    NotFound,
    /// The name is taken, or somebody changed the object meanwhile (409).
    Conflict,
    /// The request is too large (413).
    TooLarge,
    /// Too many requests (429).
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service failed (5xx, 529).
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// The request never reached the service: nothing can have happened.
    NotSent,
    /// The request was sent and no answer came: it may have happened.
    AnswerLost,
    /// The answer is not what the API documents.
    Malformed,
    /// A status that the API does not document.
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// The engine's own credential is missing or of the wrong kind; nothing was sent.
    Credential,
    /// The base URL or the CA file cannot be used as it is; nothing was sent.
    Settings,
}

impl ApiError {
    /// What a person can do about it, in whole sentences.
    pub fn advice(&self) -> &str {
        self.advice.as_deref().unwrap_or_else(|| self.kind.advice())
    }

    /// The error with its advice, for people.
    pub fn told(&self) -> String {
        let between = if self.message.contains('\n') { "\n" } else { ". " };
        format!("{self}{between}{}", self.advice())
    }
}

impl ErrorKind {
    /// What a person can do about it, as one sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            ErrorKind::Invalid => {
                "The API does not accept these values; change the configuration and plan again."
            }
            ErrorKind::Unauthenticated => {
                "The credential is expired or not valid here; log in again with `ant auth login --scope org:admin`."
            }
            ErrorKind::Billing => "The organization's billing needs attention in the Console.",
            ErrorKind::Forbidden => {
                "The credential may not do this; managing federation needs an OAuth token with the scope org:admin, and some operations can be done in the Console only."
            }
            ErrorKind::NotFound => {
                "The object is gone or belongs to another organization; run `keyless plan` to see what changed."
            }
            ErrorKind::Conflict => {
                "The name is taken, or somebody changed the object at the same moment; run `keyless plan` to look again."
            }
            ErrorKind::TooLarge => "The request is larger than the API accepts; make the values smaller.",
            ErrorKind::RateLimited { .. } => {
                "The API asks for fewer requests; wait, or lower -parallelism, and run the command again."
            }
            ErrorKind::Unavailable { .. } => {
                "The service is not well; run the command again later, it goes on where it stopped."
            }
            ErrorKind::NotSent => {
                "The API could not be reached; check the network, the proxy variables and ANTHROPIC_BASE_URL."
            }
            ErrorKind::AnswerLost => {
                "The answer was lost, so the change may or may not have happened; run the command again, it looks before it acts."
            }
            ErrorKind::Malformed => {
                "The answer is not what the API documents; is ANTHROPIC_BASE_URL the Claude API, and is a proxy answering in its place?"
            }
            ErrorKind::Unexpected { .. } => {
                "The API answered in an undocumented way; look the request id up with the vendor."
            }
            ErrorKind::Credential => {
                "On a laptop, log in with `ant auth login --scope org:admin`; in CI, set the federation variables. docs/credentials.md shows both."
            }
            ErrorKind::Settings => {
                "Correct ANTHROPIC_BASE_URL, the profile's `base_url` or -ca-file; nothing was sent."
            }
        }
    }
}

impl ApiError {
    /// Tells whether the endpoint is simply not there for this credential.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.operation, self.message)?;
        if !self.endpoint.is_empty() {
            write!(f, " ({}", self.endpoint)?;
            if let Some(id) = &self.request_id {
                write!(f, ", request {id}")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
