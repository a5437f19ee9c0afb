//! A trial exchange: an identity token goes in, and the minted token is thrown away.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::retry::Effect;
use super::transport::{Request, Transport};
use super::{ApiError, ErrorKind, ExchangeRequest, Exchanged};
use crate::limits;

#[derive(Deserialize)]
struct MintedWire<'a> {
    // Borrowed from the body, so that no copy of the token outlives the body's wiping.
    access_token: &'a str,
    #[serde(default)]
    token_type: Option<String>,
    expires_in: u64,
    #[serde(default)]
    scope: Option<String>,
}

/// Exchanges an identity token through a rule.
///
/// It is sent once only, because an identity token may work only once.
///
/// # Errors
/// Whatever kept the API from judging; a refusal is no error.
pub(crate) async fn exchange(transport: &Transport, asked: &ExchangeRequest) -> Result<Exchanged, ApiError> {
    let assertion = asked.identity_token.expose().trim();
    let mut body = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": assertion,
        "federation_rule_id": asked.rule_id,
        "organization_id": asked.organization_id,
        "service_account_id": asked.service_account_id,
    });
    if let Some(workspace_id) = &asked.workspace_id {
        body["workspace_id"] = json!(workspace_id);
    }
    let request = Request {
        method: Method::POST,
        body: Some(body),
        effect: Effect::Once,
        ..Request::get(
            format!("exchange an identity token through rule {}", asked.rule_id),
            &["v1", "oauth", "token"],
        )
    };
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
    let reply = match transport.call(&request).await {
        Ok(reply) => reply,
        Err(error) => {
            let status = match error.kind {
                ErrorKind::Invalid => 400,
                ErrorKind::Unauthenticated => 401,
                _ => return Err(error),
            };
            let ApiError { message, request_id, .. } = error;
            return Ok(Exchanged::Refused { status, message, request_id });
        }
    };
    // The parser's own words could quote the body, and the body holds the minted token.
    let minted: MintedWire<'_> = serde_json::from_slice(&reply.body).map_err(|_| {
        request.malformed(&reply, "the answer lacks `access_token` or `expires_in`, or is not JSON")
    })?;
    if minted.access_token.is_empty() {
        return Err(request.malformed(&reply, "the field `access_token` is empty"));
    }
    if minted.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(request.malformed(&reply, "the minted token is not a bearer token"));
    }
    Ok(Exchanged::Accepted { expires_in_seconds: minted.expires_in, scope: minted.scope.unwrap_or_default() })
}
