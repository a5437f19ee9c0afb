//! What the prefix of a credential tells before anything is sent.

use crate::platform::{ApiError, ErrorKind};
use crate::secret::{CredentialClass, Secret};

/// Refuses a token that cannot manage federation.
pub(crate) fn check(secret: &Secret, origin: &str) -> Result<(), ApiError> {
    let kind = match secret.class() {
        CredentialClass::ApiKey => "an API key (sk-ant-api…)",
        CredentialClass::AdminKey => "an Admin API key (sk-ant-admin…)",
        CredentialClass::OauthToken | CredentialClass::Unknown => {
            if !is_sendable(secret) {
                return Err(refusal(format!(
                    "{origin} is empty or holds a space, a line break or another character that no token has"
                )));
            }
            return Ok(());
        }
    };
    let elsewhere = match secret.class() {
        CredentialClass::AdminKey => "; for reports alone, set it as ANTHROPIC_ADMIN_API_KEY",
        _ => "",
    };
    Err(refusal(format!(
        "{origin} holds {kind}; the federation endpoints accept OAuth tokens with the scope org:admin \
         only, for reading too{elsewhere}"
    )))
}

/// Whether a secret can stand in a header as it is.
pub(super) fn is_sendable(secret: &Secret) -> bool {
    let text = secret.expose();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The error for a credential that cannot be used; nothing was sent with it.
pub(crate) fn refusal(message: impl Into<String>) -> ApiError {
    ApiError {
        operation: "use the engine's credential".to_owned(),
        endpoint: String::new(),
        kind: ErrorKind::Credential,
        message: message.into(),
        code: None,
        request_id: None,
        advice: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = check(&Secret::new(text), "the token").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Credential);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn unusable_tokens_are_refused_with_the_reason() {
        check_refused("", "is empty");
        check_refused("sk-ant-api03-canary", "holds an API key (sk-ant-api…)");
        check_refused("sk-ant-admin01-canary", "set it as ANTHROPIC_ADMIN_API_KEY");
        check_refused("sk-ant-oat01-canary x", "holds a space");
        check_refused("sk-ant-oat01-canary\n", "a line break");
        check(&Secret::new("sk-ant-oat01-x"), "the token").unwrap();
    }
}
