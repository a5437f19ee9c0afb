//! Who asks AWS: environment, web identity, profile, container, instance, as AWS's own tools look.

use reqwest::Method;
use serde_json::Value;

use super::super::command;
use super::super::environment::read_credential_file;
use super::super::http::Trust;
use super::profile::Profile;
use super::{CallError, Environment, Request, domain, url};
use crate::secret::Secret;

const OPERATION: &str = "get AWS credentials";

/// Where the container service of ECS is.
const CONTAINER_HOST: &str = "http://169.254.170.2";

/// Life of a session token of the instance service, in seconds: one run needs no more.
const INSTANCE_TOKEN_SECONDS: &str = "300";

/// Keys that sign requests.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_key: Secret,
    pub(super) session_token: Option<Secret>,
}

/// Finds credentials.
pub(super) async fn find(
    environment: &Environment,
    profile: &Profile,
    region: &str,
) -> Result<Credentials, CallError> {
    if let (Some(access_key_id), Some(secret_key)) =
        (environment.text("AWS_ACCESS_KEY_ID"), environment.secret("AWS_SECRET_ACCESS_KEY"))
    {
        let session_token = environment.secret("AWS_SESSION_TOKEN");
        return Ok(Credentials { access_key_id, secret_key, session_token });
    }
    let web_identity = (environment.text("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.text("AWS_ROLE_ARN"));
    if let (Some(file), Some(role)) = &web_identity {
        return from_web_identity(environment, file, role, region).await;
    }
    if let Some(found) = from_profile(environment, profile, region).await? {
        return Ok(found);
    }
    if let Some(found) = from_container(environment).await? {
        return Ok(found);
    }
    from_instance(environment).await
}

async fn from_profile(
    environment: &Environment,
    profile: &Profile,
    region: &str,
) -> Result<Option<Credentials>, CallError> {
    if let (Some(id), Some(key)) = (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        return Ok(Some(Credentials {
            access_key_id: id.to_owned(),
            secret_key: Secret::new(key),
            session_token: profile.get("aws_session_token").map(Secret::new),
        }));
    }
    if let (Some(file), Some(role)) = (profile.get("web_identity_token_file"), profile.get("role_arn")) {
        return from_web_identity(environment, file, role, region).await.map(Some);
    }
    if let Some(process) = profile.get("credential_process") {
        return from_process(process).await.map(Some);
    }
    if ["role_arn", "sso_session", "sso_start_url"].iter().any(|name| profile.get(name).is_some()) {
        let name = &profile.name;
        return Err(CallError::here(
            OPERATION,
            format!("the profile `{name}` needs a sign-in or a role that only AWS's own tools take on"),
            format!(
                "Run `eval \"$(aws configure export-credentials --profile {name} --format env)\"` first."
            ),
        ));
    }
    Ok(None)
}

async fn from_process(process: &str) -> Result<Credentials, CallError> {
    let fail = |message: String| CallError::here(OPERATION, message, "Run it by hand to see what it prints.");
    let words = ["sh", "-c", process].map(str::to_owned);
    let base = std::path::Path::new(".");
    let output = command::run_for_output(&words, base)
        .await
        .map_err(|_| fail("the profile's `credential_process` failed".to_owned()))?;
    let output = zeroize::Zeroizing::new(output);
    let answer = serde_json::from_str(&output).unwrap_or_default();
    credentials(answer, "SessionToken")
        .ok_or_else(|| fail("the profile's `credential_process` printed no credentials".to_owned()))
}

/// Credentials in the form that AWS uses nearly everywhere.
fn credentials(mut answer: Value, token: &str) -> Option<Credentials> {
    let mut take = |name: &str| match answer.get_mut(name).map(Value::take) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    Some(Credentials {
        access_key_id: take("AccessKeyId")?,
        secret_key: Secret::new(take("SecretAccessKey")?),
        session_token: take(token).map(Secret::new),
    })
}

async fn from_web_identity(
    environment: &Environment,
    file: &str,
    role: &str,
    region: &str,
) -> Result<Credentials, CallError> {
    let Some(token) = read_credential_file(OPERATION, file.as_ref())? else {
        let message = format!("the web identity token {file} is not there");
        return Err(CallError::here(OPERATION, message, "Correct AWS_WEB_IDENTITY_TOKEN_FILE."));
    };
    let base = environment
        .first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
        .unwrap_or_else(|| format!("https://sts.{region}.{}", domain(region)));
    let session = environment.text("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "keyless".to_owned());
    let request = super::super::oauth::form(
        Request::new(OPERATION, Method::POST, url(OPERATION, &base, &[], &[])?),
        &[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", &session),
            ("WebIdentityToken", token.trim()),
        ],
    );
    let reply = request.succeed(&Trust::default()).await?;
    let text = std::str::from_utf8(&reply.body).unwrap_or_default();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.trim().to_owned())
    };
    match (element("AccessKeyId"), element("SecretAccessKey")) {
        (Some(access_key_id), Some(secret_key)) => Ok(Credentials {
            access_key_id,
            secret_key: Secret::new(secret_key),
            session_token: element("SessionToken").map(Secret::new),
        }),
        _ => Err(request.error("the answer holds no credentials", "Check the role's trust policy.")),
    }
}

async fn from_container(environment: &Environment) -> Result<Option<Credentials>, CallError> {
    let base = match (
        environment.text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        environment.text("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ) {
        (Some(relative), _) => format!("{CONTAINER_HOST}{relative}"),
        (None, Some(full)) => full,
        (None, None) => return Ok(None),
    };
    let mut request = Request::new(OPERATION, Method::GET, url(OPERATION, &base, &[], &[])?).over_metadata();
    let token = match environment.text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => read_credential_file(OPERATION, file.as_ref())?.map(|text| Secret::new(text.trim())),
        None => environment.secret("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    if let Some(token) = token {
        request = request.secret_header("authorization", token);
    }
    let found = credentials(request.fetch(&Trust::default()).await?, "Token");
    found.map(Some).ok_or_else(|| request.error("the answer holds no credentials", "Check the task's role."))
}

/// The instance service, in its second version only: a token is asked for first.
async fn from_instance(environment: &Environment) -> Result<Credentials, CallError> {
    let nowhere = |error: CallError| {
        CallError {
        advice: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or AWS_WEB_IDENTITY_TOKEN_FILE with \
                 AWS_ROLE_ARN."
            .to_owned(),
        ..error
    }
    };
    if environment.text("AWS_EC2_METADATA_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Err(nowhere(CallError::here(OPERATION, "there are none on this machine", "")));
    }
    let base = environment.text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = base.unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let latest = |tail: &[&str]| url(OPERATION, &base, &[&["latest"], tail].concat(), &[]);
    let text = |body: &[u8]| String::from_utf8_lossy(body).trim().to_owned();
    let ask = Request::new(OPERATION, Method::PUT, latest(&["api", "token"])?)
        .header("x-aws-ec2-metadata-token-ttl-seconds", INSTANCE_TOKEN_SECONDS)
        .over_metadata();
    let token = Secret::new(text(&ask.succeed(&Trust::default()).await.map_err(nowhere)?.body));
    let get = |tail: &[&str]| -> Result<Request, CallError> {
        let request = Request::new(OPERATION, Method::GET, latest(tail)?);
        Ok(request.secret_header("x-aws-ec2-metadata-token", token.clone()).over_metadata())
    };
    let path = ["meta-data", "iam", "security-credentials"];
    let roles = get(&path)?.succeed(&Trust::default()).await.map_err(nowhere)?;
    let role = text(&roles.body).lines().next().unwrap_or_default().to_owned();
    let request = get(&[path[0], path[1], path[2], &role])?;
    let answer = request.fetch(&Trust::default()).await?;
    credentials(answer, "Token")
        .ok_or_else(|| request.error("the answer holds no credentials", "Check the instance's role."))
}
