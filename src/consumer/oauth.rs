//! Access tokens of clouds, as their token endpoints and metadata services hand them out.

use super::call_error::CallError;
use super::http::{Request, Trust};
use crate::secret::Secret;

/// Sends the request and takes the token out of the answer.
pub(super) async fn access_token(request: Request) -> Result<Secret, CallError> {
    let mut answer = request.fetch(&Trust::default()).await?;
    match answer.get_mut("access_token").map(serde_json::Value::take) {
        Some(serde_json::Value::String(token)) if !token.is_empty() => Ok(Secret::new(token)),
        _ => Err(request.error("the answer holds no access token", "Check the credential's type.")),
    }
}

/// A body of names and values, encoded as forms are.
pub(super) fn form(request: Request, pairs: &[(&str, &str)]) -> Request {
    let mut encoded = reqwest::Url::parse("form:").expect("a scheme alone is a URL");
    encoded.query_pairs_mut().extend_pairs(pairs);
    let body = encoded.query().unwrap_or_default().as_bytes().to_vec();
    request.body("application/x-www-form-urlencoded", body)
}
