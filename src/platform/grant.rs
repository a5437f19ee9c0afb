//! The requests to the token endpoint, and the tokens that it mints.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::retry::Effect;
use super::transport::{Reply, Request};
use super::{ApiError, ErrorKind};
use crate::limits;
use crate::secret::Secret;

/// What an exchange sends, beside the identity token.
pub(crate) struct Assertion<'a> {
    pub(crate) rule_id: &'a str,
    pub(crate) organization_id: &'a str,
    pub(crate) service_account_id: Option<&'a str>,
    pub(crate) workspace_id: Option<&'a str>,
}

/// The request that exchanges an identity token.
///
/// # Errors
/// When no such token can exist; nothing is to be sent then.
pub(crate) fn exchange(
    operation: impl Into<String>,
    asked: &Assertion<'_>,
    identity_token: &Secret,
) -> Result<Request, ApiError> {
    let assertion = identity_token.expose().trim();
    let mut body = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": assertion,
        "federation_rule_id": asked.rule_id,
        "organization_id": asked.organization_id,
    });
    for (name, value) in
        [("service_account_id", asked.service_account_id), ("workspace_id", asked.workspace_id)]
    {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let request = request(operation, body);
    if assertion.is_empty() {
        return Err(request.error(ErrorKind::Invalid, "the identity token is empty"));
    }
    if assertion.len() > limits::IDENTITY_TOKEN_BYTES_MAX {
        let message = format!(
            "the identity token has {} bytes, and the API takes {} at most",
            assertion.len(),
            limits::IDENTITY_TOKEN_BYTES_MAX
        );
        return Err(request.error(ErrorKind::TooLarge, message));
    }
    Ok(request)
}

/// The request that renews a person's login.
pub(crate) fn refresh(operation: impl Into<String>, client_id: &str, refresh_token: &Secret) -> Request {
    let body = json!({
        "grant_type": "refresh_token",
        "refresh_token": refresh_token.expose(),
        "client_id": client_id,
    });
    request(operation, body)
}

fn request(operation: impl Into<String>, body: Value) -> Request {
    Request {
        method: Method::POST,
        body: Some(body),
        effect: Effect::Once,
        ..Request::get(operation, &["v1", "oauth", "token"])
    }
}

/// A minted token.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) expires_in_seconds: u64,
    pub(crate) scope: Option<String>,
}

#[derive(Deserialize)]
struct MintedWire<'a> {
    // Borrowed from the body, so that no copy of the token outlives the body's wiping.
    access_token: &'a str,
    #[serde(default)]
    refresh_token: Option<&'a str>,
    #[serde(default)]
    token_type: Option<String>,
    expires_in: u64,
    #[serde(default)]
    scope: Option<String>,
}

/// Reads the token endpoint's answer.
pub(crate) fn minted(request: &Request, reply: &Reply) -> Result<Minted, ApiError> {
    // The parser's own words could quote the body, and the body holds the minted token.
    let minted: MintedWire<'_> = serde_json::from_slice(&reply.body).map_err(|_| {
        request.malformed(reply, "the answer lacks `access_token` or `expires_in`, or is not JSON")
    })?;
    if minted.access_token.is_empty() {
        return Err(request.malformed(reply, "the field `access_token` is empty"));
    }
    if minted.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(request.malformed(reply, "the minted token is not a bearer token"));
    }
    Ok(Minted {
        access_token: Secret::new(minted.access_token),
        refresh_token: minted.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        expires_in_seconds: minted.expires_in,
        scope: minted.scope,
    })
}
