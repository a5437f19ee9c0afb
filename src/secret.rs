//! A text that must never be seen: it cannot be printed, compared or serialized.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A key or token in memory. Its bytes are wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret over.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// Shows the secret to the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What kind of credential it is, judged by its public prefix alone.
    ///
    /// The documented prefixes are `sk-ant-api…` for API keys, `sk-ant-admin…` for Admin API keys
    /// and `sk-ant-oat…` for OAuth access tokens, however they were obtained.
    pub fn class(&self) -> CredentialClass {
        let text = self.expose();
        let is = |prefix: &str| text.starts_with(prefix);
        if is("sk-ant-api") {
            CredentialClass::ApiKey
        } else if is("sk-ant-admin") {
            CredentialClass::AdminKey
        } else if is("sk-ant-oat") {
            CredentialClass::OauthToken
        } else {
            CredentialClass::Unknown
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What kind of credential a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialClass {
    /// A static API key.
    ApiKey,
    /// An Admin API key.
    AdminKey,
    /// An OAuth access token.
    OauthToken,
    /// None of the documented prefixes.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("sk-ant-oat01-canary");
        assert_eq!(format!("{secret:?}"), "(secret)");
        assert_eq!(secret.class(), CredentialClass::OauthToken);
    }
}
