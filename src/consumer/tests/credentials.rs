//! Who asks: each way in which the clouds hand out credentials.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use serde_json::json;

use super::Trial;
use super::server::{Answer, Asked, Server};
use crate::config::{AwsSecret, AzureSecret, ConsumerDriver, GcpSecret};

/// A cloud whose store answers to `Bearer minted` with nothing, and that mints as `mint` says.
fn cloud(mint: impl Fn(&Asked) -> Option<Answer> + Send + 'static) -> Server {
    Server::start(move |asked| match mint(asked) {
        Some(answer) => answer,
        None if asked.header("authorization") == "Bearer minted" => {
            Answer::json(200, json!({ "value": [], "versions": [] }))
        }
        None => Answer::json(401, json!({ "error": { "message": "who are you" } })),
    })
}

fn minted() -> Option<Answer> {
    Some(Answer::json(200, json!({ "access_token": "minted", "expires_in": 3599 })))
}

fn gcp(server: &Server, extra: &[(&str, &str)]) -> Trial {
    let driver = ConsumerDriver::GcpSecret(GcpSecret {
        project: "acme".to_owned(),
        secret: "claude".to_owned(),
        version: None,
    });
    let endpoint = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", &*server.url);
    Trial::new(driver, &[&[endpoint], extra].concat())
}

fn written(file: &serde_json::Value) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credential.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[tokio::test]
async fn a_service_account_of_google_signs_for_itself() {
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let public = key.public_key().as_ref().to_vec();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'static> = key.as_der().unwrap();
    let encoded = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n");
    let server = cloud(move |asked| {
        if asked.path != "/token" {
            return None;
        }
        let form = asked.form();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.set_audience(&[format!("http://{}/token", asked.header("host"))]);
        validation.set_issuer(&["ops@acme.iam"]);
        let key = jsonwebtoken::DecodingKey::from_rsa_der(&public);
        let token = jsonwebtoken::decode::<serde_json::Value>(&form["assertion"], &key, &validation).unwrap();
        assert_eq!(token.header.kid.as_deref(), Some("k1"));
        assert_eq!(token.claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
        minted()
    });
    let file = json!({ "type": "service_account", "client_email": "ops@acme.iam", "private_key_id": "k1",
                       "private_key": pem, "token_uri": format!("{}/token", server.url) });
    let (_directory, path) = written(&file);
    assert!(!gcp(&server, &[("GOOGLE_APPLICATION_CREDENTIALS", &path)]).check().await.unwrap());
}

#[tokio::test]
async fn a_user_of_google_is_refreshed_from_the_usual_place() {
    let server = cloud(|asked| {
        let form = (asked.path == "/token").then(|| asked.form())?;
        assert_eq!((&*form["grant_type"], &*form["refresh_token"]), ("refresh_token", "1//r&r"));
        assert_eq!((&*form["client_id"], &*form["client_secret"]), ("id", "cs"));
        minted()
    });
    let file = json!({ "type": "authorized_user", "client_id": "id", "client_secret": "cs", "refresh_token": "1//r&r",
                       "token_uri": format!("{}/token", server.url) });
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("application_default_credentials.json"), file.to_string()).unwrap();
    assert!(!gcp(&server, &[("HOME", home.path().to_str().unwrap())]).check().await.unwrap());
}

#[tokio::test]
async fn a_machine_of_google_asks_its_metadata() {
    let server = cloud(|asked| {
        let path = "/computeMetadata/v1/instance/service-accounts/default/token";
        (asked.path == path && asked.header("metadata-flavor") == "Google").then(minted)?
    });
    assert!(!gcp(&server, &[("GCE_METADATA_HOST", server.address())]).check().await.unwrap());
}

#[tokio::test]
async fn what_google_credential_is_not_understood_is_said() {
    let server = cloud(|_| None);
    let (_directory, path) = written(&json!({ "type": "external_account" }));
    for (variables, words) in [
        ([("GOOGLE_APPLICATION_CREDENTIALS", &*path)], "`external_account`"),
        ([("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/x.json")], "/nowhere/x.json is not there"),
        ([("GCE_METADATA_HOST", server.address())], "gcloud auth application-default login"),
    ] {
        let error = gcp(&server, &variables).check().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

fn azure(server: &Server, extra: &[(&str, &str)]) -> Trial {
    let driver = ConsumerDriver::AzureSecret(AzureSecret {
        vault_url: server.url.clone(),
        secret: "claude".to_owned(),
        version: None,
    });
    Trial::new(driver, extra)
}

#[tokio::test]
async fn an_application_of_azure_shows_a_secret_or_a_token() {
    let server = cloud(|asked| {
        let form = (asked.path == "/tenant/oauth2/v2.0/token").then(|| asked.form())?;
        assert_eq!((&*form["grant_type"], &*form["client_id"]), ("client_credentials", "app"));
        assert_eq!(form["scope"], "https://vault.azure.net/.default");
        let by_secret = form.get("client_secret").map(String::as_str) == Some("s&s");
        let by_token = form.get("client_assertion").map(String::as_str) == Some("jwt");
        (by_secret || by_token).then(minted)?
    });
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "jwt\n").unwrap();
    let base =
        [("AZURE_AUTHORITY_HOST", &*server.url), ("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "app")];
    for last in [("AZURE_CLIENT_SECRET", "s&s"), ("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap())] {
        assert!(!azure(&server, &[base.as_slice(), &[last]].concat()).check().await.unwrap());
    }
}

#[tokio::test]
async fn a_machine_of_azure_has_an_identity() {
    let server = cloud(|asked| {
        let resource = asked.query.get("resource").map(String::as_str) == Some("https://vault.azure.net");
        let of_app = asked.path == "/msi/token" && asked.header("x-identity-header") == "h";
        let of_machine =
            asked.path == "/metadata/identity/oauth2/token" && asked.header("metadata") == "true";
        (resource && (of_app || of_machine)).then(minted)?
    });
    let endpoint = format!("{}/msi/token", server.url);
    assert!(
        !azure(&server, &[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "h")]).check().await.unwrap()
    );
    let machine = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*server.url), ("AZURE_CLIENT_ID", "app")];
    assert!(!azure(&server, &machine).check().await.unwrap());
}

const ID: &str = "ASIAFOUND";

/// AWS: the store answers to requests that are signed with [`ID`] and carry its session token.
fn aws(mint: impl Fn(&Asked) -> Option<Answer> + Send + 'static) -> Server {
    Server::start(move |asked| match mint(asked) {
        Some(answer) => answer,
        None if asked.header("authorization").contains(&format!("Credential={ID}/"))
            && asked.header("x-amz-security-token") == "st" =>
        {
            Answer::json(400, json!({ "__type": "ResourceNotFoundException" }))
        }
        None => Answer::json(400, json!({ "__type": "UnrecognizedClientException" })),
    })
}

async fn check_aws(server: &Server, extra: &[(&str, &str)]) {
    let driver = ConsumerDriver::AwsSecret(AwsSecret {
        secret_id: "prod/claude".to_owned(),
        region: Some("eu-west-1".to_owned()),
        recovery_window_days: 30,
    });
    let trial = Trial::new(driver, &[&[("AWS_ENDPOINT_URL", &*server.url)], extra].concat());
    assert!(!trial.check().await.unwrap_or_else(|error| panic!("{error}")));
}

fn keys(token: &str) -> serde_json::Value {
    json!({ "AccessKeyId": ID, "SecretAccessKey": "s", token: "st" })
}

#[tokio::test]
async fn a_web_identity_takes_a_role_of_aws_on() {
    let server = aws(|asked| {
        let form = (asked.header("x-amz-target").is_empty()).then(|| asked.form())?;
        assert_eq!(form["Action"], "AssumeRoleWithWebIdentity");
        assert_eq!((&*form["RoleArn"], &*form["WebIdentityToken"]), ("arn:aws:iam::1:role/ops", "jwt"));
        let keys = format!("<AccessKeyId>{ID}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>");
        Some(Answer::text(
            200,
            format!("<R><Credentials>{keys}<SessionToken>st</SessionToken></Credentials></R>"),
        ))
    });
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "jwt\n").unwrap();
    let file = ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap());
    check_aws(&server, &[file, ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ops")]).await;
}

#[tokio::test]
async fn a_profile_of_aws_has_keys_or_a_program() {
    let server = aws(|_| None);
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = keys("SessionToken").to_string();
    let config = format!(
        "[profile ops]\ncredential_process = echo '{keys}'\n[profile sso]\nsso_session = acme\n[default]\n"
    );
    let credentials =
        format!("[static]\naws_access_key_id={ID}\naws_secret_access_key = s\naws_session_token = st\n");
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    let home = ("HOME", home.path().to_str().unwrap());
    for profile in ["ops", "static"] {
        check_aws(&server, &[home, ("AWS_PROFILE", profile)]).await;
    }
    let driver = ConsumerDriver::AwsSecret(AwsSecret {
        secret_id: "x".to_owned(),
        region: Some("eu-west-1".to_owned()),
        recovery_window_days: 30,
    });
    for (profile, words) in [("sso", "export-credentials --profile sso"), ("none", "no profile `none`")] {
        let trial = Trial::new(driver.clone(), &[home, ("AWS_PROFILE", profile)]);
        let error = trial.check().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_container_and_an_instance_of_aws_have_a_role() {
    let server = aws(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/pod") => {
            (asked.header("authorization") == "pod-token").then(|| Answer::json(200, keys("Token")))
        }
        ("PUT", "/latest/api/token") => {
            assert!(!asked.header("x-aws-ec2-metadata-token-ttl-seconds").is_empty());
            Some(Answer::text(200, "imds"))
        }
        ("GET", path) if path.starts_with("/latest/meta-data/iam/security-credentials") => {
            assert_eq!(asked.header("x-aws-ec2-metadata-token"), "imds");
            Some(match path.ends_with("/ops") {
                true => Answer::json(200, keys("Token")),
                false => Answer::text(200, "ops\n"),
            })
        }
        _ => None,
    });
    let uri = format!("{}/pod", server.url);
    let container =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token")];
    check_aws(&server, &container).await;
    check_aws(&server, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url)]).await;
}
