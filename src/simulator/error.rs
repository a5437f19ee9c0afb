//! The API's error envelope, and the errors of the simulator itself.

use std::path::PathBuf;

use serde_json::{Value, json};

/// A request that the API refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: u16,
    /// The broad category, such as `invalid_request_error`.
    pub(super) kind: &'static str,
    /// What is wrong, for people.
    pub(super) message: String,
    /// A stable code, where the cause has one.
    pub(super) code: Option<&'static str>,
    /// What a code tells besides.
    pub(super) details: Vec<(&'static str, String)>,
    /// Headers that the answer has besides the usual ones.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// 400: the request is wrong as it stands.
    pub(super) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::with_status(400, message)
    }

    /// 401: the credential is missing, ended or of the wrong class.
    pub(super) fn unauthenticated(message: impl Into<String>) -> Refusal {
        Refusal::with_status(401, message)
    }

    /// 403: the credential may not do this.
    pub(super) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::with_status(403, message)
    }

    /// 404: there is no such object.
    pub(super) fn not_found(message: impl Into<String>) -> Refusal {
        Refusal::with_status(404, message)
    }

    /// 409: the name is taken.
    pub(super) fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::with_status(409, message)
    }

    /// A refusal with the category that belongs to its status.
    pub(super) fn with_status(status: u16, message: impl Into<String>) -> Refusal {
        let kind = match status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        Refusal {
            status,
            kind,
            message: message.into(),
            code: None,
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds a stable code.
    pub(super) fn code(mut self, code: &'static str) -> Refusal {
        self.code = Some(code);
        self
    }

    /// Adds a detail beside the code.
    pub(super) fn detail(mut self, name: &'static str, value: &str) -> Refusal {
        self.details.push((name, value.to_owned()));
        self
    }

    /// Adds a header to the answer.
    pub(super) fn header(mut self, name: &'static str, value: String) -> Refusal {
        self.headers.push((name, value));
        self
    }

    /// The documented envelope.
    pub(super) fn body(&self, request_id: &str) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = self.code {
            error["details"] = json!({"error_code": code});
            for (name, value) in &self.details {
                error["details"][*name] = json!(value);
            }
        }
        json!({"type": "error", "error": error, "request_id": request_id})
    }
}

/// Why the simulator cannot start, be reached or stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// A file or directory cannot be used.
    #[error("could not {action} {}: {source}", path.display())]
    File {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The seed is not a description of an organization.
    #[error("the simulated organization in {file} is not valid: {problem}")]
    Seed {
        /// The file's name, or `the built-in organization`.
        file: String,
        /// What is wrong and where.
        problem: String,
    },
    /// What was persisted cannot be read.
    #[error(
        "the simulator's saved organization {} cannot be used: {problem}; delete the folder {} to start over",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another process holds the directory.
    #[error(
        "another simulator is using {}; stop it first, or give this one another directory",
        directory.display()
    )]
    Busy {
        /// The directory.
        directory: PathBuf,
    },
    /// Another process holds the directory but has not said where it listens.
    #[error(
        "another simulator is using {} but has not said where it listens; stop it and try again",
        directory.display()
    )]
    Silent {
        /// The directory.
        directory: PathBuf,
    },
    /// The address is not on the loopback interface.
    #[error(
        "the simulator answers without a credential, so it listens on a loopback address only; {address} is none"
    )]
    NotLoopback {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// The socket cannot be opened.
    #[error("could not listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

impl SimulatorError {
    /// An error of a file; use as `map_err(SimulatorError::file("read", path))`.
    pub(super) fn file(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> SimulatorError {
        let path = path.to_owned();
        move |source| SimulatorError::File { action, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_as_documented() {
        let refusal = Refusal::invalid("name: Field required").code("x").detail("id", "1");
        assert_eq!(
            refusal.body("req_1"),
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "name: Field required",
                "details": {"error_code": "x", "id": "1"}}, "request_id": "req_1"})
        );
        assert_eq!(Refusal::with_status(413, "").kind, "request_too_large");
        assert_eq!(Refusal::with_status(500, "").kind, "api_error");
        assert_eq!(Refusal::with_status(529, "").kind, "overloaded_error");
    }
}
