//! What went wrong between us and a store.

use std::fmt;

/// What went wrong: what was tried, where, what the store said, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallError {
    /// What was tried, as a sentence part.
    pub(super) operation: String,
    /// The URL without its query; empty when nothing was sent.
    pub(super) address: String,
    /// The HTTP status; none when there was no answer.
    pub(super) status: Option<u16>,
    /// The store's word for the problem, such as `ResourceNotFoundException`; empty without one.
    pub(super) code: String,
    /// What happened, free of secrets.
    pub(super) message: String,
    /// The store's id of the request.
    pub(super) request_id: Option<String>,
    /// What to do, as sentences.
    pub(super) advice: String,
}

impl CallError {
    /// A problem on this machine: nothing was sent.
    pub(super) fn here(
        operation: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> CallError {
        CallError {
            operation: operation.into(),
            address: String::new(),
            status: None,
            code: String::new(),
            message: message.into(),
            request_id: None,
            advice: advice.into(),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if !self.address.is_empty() {
            write!(f, " at {}", self.address)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        if !self.advice.is_empty() {
            write!(f, ". {}", self.advice)?;
        }
        Ok(())
    }
}

/// What to do about a status.
pub(super) fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "Redirects are not followed, because they would carry the credential elsewhere: give the final address."
        }
        401 => "The credential is missing, wrong or expired: get a new one.",
        403 => "The credential lacks a right; docs/consumers.md lists the rights that each kind needs.",
        404 => "Check the names in the consumer block, and that the credential may see them.",
        409 | 412 => "Somebody else changed it at the same moment: apply again.",
        429 => "The store is asked too often: apply again later, or with a lower -parallelism.",
        500..=599 => "The store has a problem of its own: apply again later.",
        _ => "The message comes from the store; correct what it names and apply again.",
    }
}
