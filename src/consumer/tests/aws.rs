//! Secrets of AWS. Where the variable `KEYLESS_TEST_MOTO` has the address of a moto server, the same
//! is done there too.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Trial;
use super::server::{Answer, Asked, Server};
use crate::config::{AwsSecret, ConsumerDriver};

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Live,
    Scheduled(i64),
    Gone,
}

fn answer(asked: &Asked, state: &mut State) -> Answer {
    let refuse = |code: &str| {
        Answer::json(400, json!({ "__type": format!("com.amazonaws#{code}"), "Message": "no" }))
            .header("x-amzn-requestid", "req-1")
    };
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    let signed = asked.header("authorization");
    let scope =
        format!("Credential=AKID/{}/eu-west-1/secretsmanager/aws4_request", &asked.header("x-amz-date")[..8]);
    let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,";
    if !signed.contains(&scope)
        || !signed.contains(names)
        || asked.header("x-amz-security-token") != "session"
    {
        return refuse("UnrecognizedClientException");
    }
    let body = asked.json();
    assert_eq!(body["SecretId"], "prod/claude");
    let arn = "arn:aws:secretsmanager:eu-west-1:1:secret:prod/claude";
    match (asked.header("x-amz-target"), *state) {
        (_, State::Gone) => refuse("ResourceNotFoundException"),
        ("secretsmanager.DescribeSecret", State::Live) => Answer::json(200, json!({ "ARN": arn })),
        ("secretsmanager.DescribeSecret", State::Scheduled(_)) => {
            Answer::json(200, json!({ "ARN": arn, "DeletedDate": 1.7e9 }))
        }
        ("secretsmanager.DeleteSecret", State::Live) => {
            *state = State::Scheduled(body["RecoveryWindowInDays"].as_i64().unwrap());
            Answer::json(200, json!({ "ARN": arn, "DeletionDate": 1.7e9 }))
        }
        ("secretsmanager.DeleteSecret", State::Scheduled(_)) => refuse("InvalidRequestException"),
        ("secretsmanager.RestoreSecret", _) => {
            *state = State::Live;
            Answer::json(200, json!({ "ARN": arn }))
        }
        (other, _) => panic!("{other} is not needed"),
    }
}

fn secrets_manager(state: State) -> (Server, Arc<Mutex<State>>) {
    let state = Arc::new(Mutex::new(state));
    let shared = Arc::clone(&state);
    (Server::start(move |asked| answer(asked, &mut shared.lock().unwrap())), state)
}

fn driver(secret_id: &str, region: Option<&str>) -> ConsumerDriver {
    ConsumerDriver::AwsSecret(AwsSecret {
        secret_id: secret_id.to_owned(),
        region: region.map(str::to_owned),
        recovery_window_days: 9,
    })
}

fn trial(server: &Server) -> Trial {
    let environment = [
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &*server.url),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("AWS_SESSION_TOKEN", "session"),
        ("AWS_REGION", "eu-west-1"),
    ];
    Trial::new(driver("prod/claude", None), &environment)
}

#[tokio::test]
async fn a_deletion_is_scheduled_and_cancelled() {
    let (server, state) = secrets_manager(State::Live);
    let trial = trial(&server);
    let receipt = trial.there_and_back().await.unwrap();
    assert_eq!(receipt["deletion_date"], 1.7e9);
    trial.take_out().await.unwrap();
    assert_eq!(*state.lock().unwrap(), State::Scheduled(9));
}

#[tokio::test]
async fn after_its_day_a_secret_is_gone_for_good() {
    let (server, _) = secrets_manager(State::Gone);
    let trial = trial(&server);
    assert!(!trial.check().await.unwrap());
    trial.take_out().await.unwrap();
    let error = trial.put_back(None).await.unwrap_err();
    assert!(error.to_string().contains("is over"), "{error}");
    assert!(error.to_string().contains("req-1"), "{error}");
}

/// The server answers to requests that are signed for `eu-west-1` alone.
#[tokio::test]
async fn the_region_is_declared_or_known_to_the_machine() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(home.path().join(".aws/config"), "[profile here]\nregion = eu-west-1\n").unwrap();
    let (server, _) = secrets_manager(State::Live);
    let base = [
        ("AWS_ENDPOINT_URL", &*server.url),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("AWS_SESSION_TOKEN", "session"),
        ("HOME", home.path().to_str().unwrap()),
    ];
    for (region, variable, expected) in [
        (Some("eu-west-1"), ("AWS_REGION", "us-east-2"), "held"),
        (Some("us-east-2"), ("AWS_REGION", "eu-west-1"), "UnrecognizedClientException"),
        (None, ("AWS_REGION", "eu-west-1"), "held"),
        (None, ("AWS_DEFAULT_REGION", "eu-west-1"), "held"),
        (None, ("AWS_PROFILE", "here"), "held"),
        (None, ("AWS_REGION", ""), "no region is known"),
    ] {
        let environment = [base.as_slice(), &[variable]].concat();
        let told = match Trial::new(driver("prod/claude", region), &environment).check().await {
            Ok(held) => if held { "held" } else { "absent" }.to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{region:?} {variable:?}: {told}");
    }
}

/// The same against moto, which others wrote from AWS's documentation.
#[tokio::test]
async fn moto_agrees() {
    let Ok(url) = std::env::var("KEYLESS_TEST_MOTO") else {
        println!("skipped: KEYLESS_TEST_MOTO names no moto; tests/consumers/run starts one");
        return;
    };
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let target = |action: &str, body: Value| {
        let request = client.post(&url).header("x-amz-target", format!("secretsmanager.{action}"));
        request.header("content-type", "application/x-amz-json-1.1").body(body.to_string()).header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0",
        )
    };
    let made =
        target("CreateSecret", json!({ "Name": "prod/claude", "SecretString": "v" })).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let environment = [
        ("AWS_ENDPOINT_URL", &*url),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let trial = Trial::new(driver("prod/claude", None), &environment);
    trial.there_and_back().await;
    let read = target("GetSecretValue", json!({ "SecretId": "prod/claude" })).send().await.unwrap();
    assert!(read.status().is_success());
    trial.take_out().await.unwrap();
    let read = target("GetSecretValue", json!({ "SecretId": "prod/claude" })).send().await.unwrap();
    assert_eq!(read.status().as_u16(), 400, "a scheduled secret cannot be read");
    let missing = Trial::new(driver("prod/none", None), &environment);
    assert!(!missing.check().await.unwrap());
    let forced = json!({ "SecretId": "prod/claude", "ForceDeleteWithoutRecovery": true });
    trial.put_back(None).await.unwrap();
    assert!(target("DeleteSecret", forced).send().await.unwrap().status().is_success());
    assert!(!trial.check().await.unwrap());
    assert!(trial.put_back(None).await.is_err());
}
