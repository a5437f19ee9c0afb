//! A trial exchange: an identity token goes in, and the minted token is thrown away.

use super::grant::{self, Assertion};
use super::transport::Transport;
use super::{ApiError, ErrorKind, ExchangeRequest, Exchanged};

/// Exchanges an identity token through a rule.
///
/// It is sent once only, because an identity token may work only once.
///
/// # Errors
/// Whatever kept the API from judging; a refusal is no error.
pub(crate) async fn exchange(transport: &Transport, asked: &ExchangeRequest) -> Result<Exchanged, ApiError> {
    let operation = format!("exchange an identity token through rule {}", asked.rule_id);
    let assertion = Assertion {
        rule_id: &asked.rule_id,
        organization_id: &asked.organization_id,
        service_account_id: Some(&asked.service_account_id),
        workspace_id: asked.workspace_id.as_deref(),
    };
    let request = grant::exchange(operation, &assertion, &asked.identity_token)?;
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
    let minted = grant::minted(&request, &reply)?;
    Ok(Exchanged::Accepted {
        expires_in_seconds: minted.expires_in_seconds,
        scope: minted.scope.unwrap_or_default(),
    })
}
