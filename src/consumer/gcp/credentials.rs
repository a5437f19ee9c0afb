//! Who asks Google Cloud: the order of Application Default Credentials, with a token given
//! outright before it.

use std::path::PathBuf;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::environment::read_credential_file;
use super::super::oauth::{access_token, form};
use super::{CallError, Environment, Request, url};
use crate::secret::Secret;

const OPERATION: &str = "get a Google Cloud access token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Life of the statement that is exchanged for a token, in seconds (documented: an hour at most).
const ASSERTION_SECONDS: i64 = 600;

/// An access token.
pub(super) async fn token(environment: &Environment) -> Result<Secret, CallError> {
    if let Some(token) = environment.secret("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Ok(token);
    }
    let named = environment.text("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    let is_named = named.is_some();
    let usual = || {
        let name = "application_default_credentials.json";
        match environment.text("CLOUDSDK_CONFIG") {
            Some(directory) => Some(PathBuf::from(directory).join(name)),
            None => environment.in_home(&format!(".config/gcloud/{name}")),
        }
    };
    if let Some(path) = named.or_else(usual) {
        match read_credential_file(OPERATION, &path)? {
            Some(text) => return from_file(&text, &path.display().to_string()).await,
            None if is_named => {
                let message = format!("{} is not there", path.display());
                let advice = "Correct or unset GOOGLE_APPLICATION_CREDENTIALS.";
                return Err(CallError::here(OPERATION, message, advice));
            }
            None => {}
        }
    }
    from_metadata(environment).await
}

async fn from_file(text: &str, path: &str) -> Result<Secret, CallError> {
    let fail = |message: String, advice: &str| CallError::here(OPERATION, message, advice);
    let Ok(mut file) = serde_json::from_str::<Value>(text) else {
        return Err(fail(format!("{path} is not JSON"), "Create the credential anew."));
    };
    let mut field = |name: &str| match file.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let token_uri = Some(field("token_uri")).filter(|uri| !uri.is_empty());
    let token_uri = token_uri.unwrap_or_else(|| TOKEN_URL.to_owned());
    let request = Request::new(OPERATION, Method::POST, url(OPERATION, &token_uri, &[], &[])?);
    match &*field("type") {
        "service_account" => {
            let key = Secret::new(field("private_key"));
            let assertion = assertion(&field("client_email"), &field("private_key_id"), &key, &token_uri)
                .map_err(|why| fail(format!("{path} cannot be used: {why}"), "Create the key anew."))?;
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
            access_token(form(request, &[("grant_type", grant), ("assertion", assertion.expose())])).await
        }
        "authorized_user" => {
            let (id, secret, refresh) = (
                field("client_id"),
                Secret::new(field("client_secret")),
                Secret::new(field("refresh_token")),
            );
            let pairs = [
                ("grant_type", "refresh_token"),
                ("client_id", &*id),
                ("client_secret", secret.expose()),
                ("refresh_token", refresh.expose()),
            ];
            access_token(form(request, &pairs)).await
        }
        other => Err(fail(
            format!("{path} is of the type `{other}`, which is not understood here"),
            "Set GOOGLE_OAUTH_ACCESS_TOKEN to the output of `gcloud auth print-access-token`.",
        )),
    }
}

/// A signed statement of a service account that it is the one who asks.
fn assertion(email: &str, key_id: &str, key: &Secret, audience: &str) -> Result<Secret, String> {
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": email,
        "scope": SCOPE,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    });
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.kid = Some(key_id.to_owned()).filter(|id| !id.is_empty());
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(key.expose().as_bytes())
        .map_err(|_| "its private key is no RSA key in PEM".to_owned())?;
    let token = jsonwebtoken::encode(&header, &claims, &key).map_err(|_| "it cannot sign".to_owned())?;
    Ok(Secret::new(token))
}

async fn from_metadata(environment: &Environment) -> Result<Secret, CallError> {
    // The name `metadata.google.internal` leads to this address, and could lead elsewhere.
    let host = environment.text("GCE_METADATA_HOST").unwrap_or_else(|| "169.254.169.254".to_owned());
    let segments = ["computeMetadata", "v1", "instance", "service-accounts", "default", "token"];
    let url = url(OPERATION, &format!("http://{host}"), &segments, &[])?;
    let request =
        Request::new(OPERATION, Method::GET, url).header("metadata-flavor", "Google").over_metadata();
    access_token(request).await.map_err(|error| CallError {
        advice: "Set GOOGLE_OAUTH_ACCESS_TOKEN or GOOGLE_APPLICATION_CREDENTIALS, or run \
                 `gcloud auth application-default login`."
            .to_owned(),
        ..error
    })
}
