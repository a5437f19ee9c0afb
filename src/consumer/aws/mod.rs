//! Secrets of AWS Secrets Manager: deletion is scheduled, and can be cancelled until its day.

mod credentials;
mod profile;
mod signature;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Request, Trust, url};
use super::store::Store;
use crate::config::AwsSecret;
use credentials::Credentials;

const SERVICE: &str = "secretsmanager";

/// A secret with the way to it.
pub(super) struct Aws<'a> {
    secret: &'a AwsSecret,
    endpoint: String,
    region: String,
    credentials: Credentials,
}

impl<'a> Aws<'a> {
    pub(super) async fn new(secret: &'a AwsSecret, environment: &Environment) -> Result<Aws<'a>, CallError> {
        let profile = profile::read(environment)?;
        let region = region(secret, environment, &profile).ok_or_else(|| {
            let advice = "Write `region` into the consumer block, or set AWS_REGION.";
            CallError::here("reach AWS Secrets Manager", "no region is known", advice)
        })?;
        let credentials = credentials::find(environment, &profile, &region).await?;
        let endpoint = environment
            .first(&["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"])
            .unwrap_or_else(|| format!("https://{SERVICE}.{region}.{}", domain(&region)));
        Ok(Aws { secret, endpoint, region, credentials })
    }

    async fn call(&self, action: &str, what: &str, arguments: Value) -> Result<Value, CallError> {
        let operation = format!("{what} {}", self.secret.secret_id);
        let mut body = arguments;
        body["SecretId"] = json!(self.secret.secret_id);
        let body = body.to_string().into_bytes();
        let url = url(&operation, &self.endpoint, &[], &[])?;
        let target = format!("{SERVICE}.{action}");
        let signed = signature::sign(
            &self.credentials,
            &signature::Signed {
                method: "POST",
                url: &url,
                headers: &[("content-type", CONTENT_TYPE), ("x-amz-target", &target)],
                body: &body,
                region: &self.region,
                service: SERVICE,
                at: Timestamp::now(),
            },
        );
        let mut request = Request::new(operation, Method::POST, url)
            .header("x-amz-target", target)
            .header("x-amz-date", signed.date)
            .secret_header("authorization", signed.authorization)
            .body(CONTENT_TYPE, body);
        if let Some(token) = &self.credentials.session_token {
            request = request.secret_header("x-amz-security-token", token.clone());
        }
        request.fetch(&Trust::default()).await
    }
}

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The domain of a region's services.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// The region: as declared, that of the ARN, or that of this machine's settings.
fn region(secret: &AwsSecret, environment: &Environment, profile: &profile::Profile) -> Option<String> {
    secret
        .region
        .clone()
        .or_else(|| region_of_arn(&secret.secret_id))
        .or_else(|| environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]))
        .or_else(|| profile.get("region").map(str::to_owned))
}

/// The region that an ARN names; a name has none.
fn region_of_arn(secret_id: &str) -> Option<String> {
    let region = secret_id.strip_prefix("arn:")?.split(':').nth(2)?;
    Some(region.to_owned()).filter(|region| !region.is_empty())
}

impl Store for Aws<'_> {
    async fn holds_key(&self) -> Result<bool, CallError> {
        match self.call("DescribeSecret", "describe the secret", json!({})).await {
            Ok(answer) => Ok(answer["DeletedDate"].is_null()),
            Err(error) if error.code == "ResourceNotFoundException" => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        if !self.holds_key().await? {
            return Ok(None);
        }
        let arguments = json!({ "RecoveryWindowInDays": self.secret.recovery_window_days });
        let answer = self.call("DeleteSecret", "schedule the deletion of the secret", arguments).await?;
        Ok(Some(json!({ "arn": answer["ARN"], "deletion_date": answer["DeletionDate"] })))
    }

    async fn put_back(&self, _receipt: Option<&Value>) -> Result<(), CallError> {
        match self.call("RestoreSecret", "cancel the deletion of the secret", json!({})).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == "ResourceNotFoundException" => Err(CallError {
                advice:
                    "The time in which it could be brought back is over: set it anew from a copy of the key."
                        .to_owned(),
                ..error
            }),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_region() {
        for (secret_id, expected) in [
            ("arn:aws:secretsmanager:eu-west-1:1:secret:prod/claude-AbCdEf", Some("eu-west-1")),
            ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:x", Some("cn-north-1")),
            ("prod/claude", None),
            ("arn:x", None),
        ] {
            assert_eq!(region_of_arn(secret_id).as_deref(), expected, "{secret_id}");
        }
    }

    #[test]
    fn china_has_a_domain_of_its_own() {
        assert_eq!((domain("eu-west-1"), domain("cn-north-1")), ("amazonaws.com", "amazonaws.com.cn"));
    }
}
