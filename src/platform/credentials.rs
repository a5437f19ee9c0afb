//! The engine's own credential: an OAuth token with the scope `org:admin`.

use super::{ApiError, ErrorKind};
use crate::secret::{CredentialClass, Secret};

/// The variable that holds the engine's credential.
pub const AUTH_TOKEN_VARIABLE: &str = "ANTHROPIC_AUTH_TOKEN";

const API_KEY_VARIABLE: &str = "ANTHROPIC_API_KEY";

/// Takes the engine's credential from the environment; `lookup` reads one variable.
///
/// # Errors
/// [`ErrorKind::Credential`] when the variable is missing or empty, or holds a credential that
/// the federation endpoints are known to refuse.
pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Secret, ApiError> {
    let given = lookup(AUTH_TOKEN_VARIABLE);
    let token = given.as_deref().map(str::trim).filter(|token| !token.is_empty());
    let Some(token) = token else {
        let what = if given.is_some() { "is empty" } else { "is not set" };
        let key = match lookup(API_KEY_VARIABLE) {
            Some(_) => {
                "; ANTHROPIC_API_KEY is set, but an API key cannot manage federation, so it is not used"
            }
            None => "",
        };
        return Err(refusal(format!("{AUTH_TOKEN_VARIABLE} {what}{key}")));
    };
    let secret = Secret::new(token);
    check(&secret)?;
    Ok(secret)
}

/// Refuses a credential that cannot work, before anything is sent.
pub(crate) fn check(secret: &Secret) -> Result<(), ApiError> {
    let kind = match secret.class() {
        CredentialClass::ApiKey => "an API key (sk-ant-api…)",
        CredentialClass::AdminKey => "an Admin API key (sk-ant-admin…)",
        CredentialClass::OauthToken | CredentialClass::Unknown => {
            let text = secret.expose();
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(refusal(
                    "the token is empty or holds a space, a line break or another character that no \
                     token has"
                        .to_owned(),
                ));
            }
            return Ok(());
        }
    };
    Err(refusal(format!(
        "the given credential is {kind}; the federation endpoints accept OAuth tokens with the scope \
         org:admin only, for reading too"
    )))
}

fn refusal(message: String) -> ApiError {
    ApiError {
        operation: "use the engine's credential".to_owned(),
        endpoint: String::new(),
        kind: ErrorKind::Credential,
        message,
        code: None,
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(variables: &[(&str, &str)], expected: &str) {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let error = from_environment(lookup).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Credential);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn unusable_credentials_are_refused_with_the_reason() {
        check_refused(&[], "is not set");
        check_refused(&[(AUTH_TOKEN_VARIABLE, " \n")], "is empty");
        check_refused(&[(API_KEY_VARIABLE, "sk-ant-api03-canary")], "an API key cannot manage");
        check_refused(&[(AUTH_TOKEN_VARIABLE, "sk-ant-api03-canary")], "is an API key (sk-ant-api…)");
        check_refused(&[(AUTH_TOKEN_VARIABLE, "sk-ant-admin01-canary")], "is an Admin API key");
        check_refused(&[(AUTH_TOKEN_VARIABLE, "sk-ant-oat01-canary x")], "holds a space");
    }

    #[test]
    fn white_space_around_a_token_is_dropped() {
        let token =
            from_environment(|name| (name == AUTH_TOKEN_VARIABLE).then(|| " sk-ant-oat01-abc\n".to_owned()));
        assert_eq!(token.unwrap().expose(), "sk-ant-oat01-abc");
    }
}
