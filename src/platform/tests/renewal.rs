//! The engine's own token: found, exchanged, renewed in time, and once for all calls.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A time to start from; what counts are the seconds after it.
const START: i64 = 1_800_000_000;

/// An unsigned identity token; `jti` makes it work once.
fn identity_token(claims: Value) -> String {
    use base64::Engine;
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "RS256", "kid": "k"})), part(claims))
}

/// A disk, a clock that is set by hand, and an API that mints tokens `sk-ant-oat01-N`, each living
/// ten minutes, and accepts those numbered from `accepts` on.
struct World {
    directory: TempDir,
    server: Server,
    seconds: Arc<AtomicI64>,
    accepts: Arc<AtomicUsize>,
    notices: Arc<Mutex<Vec<String>>>,
}

fn is_mint(seen: &Seen) -> bool {
    seen.path == "/v1/oauth/token"
}

impl World {
    async fn start() -> World {
        World::with(|number| {
            let body = json!({
                "access_token": format!("sk-ant-oat01-{number}"), "token_type": "Bearer",
                "expires_in": 600, "scope": "org:admin",
            });
            Reply::new(200, body.to_string())
        })
        .await
    }

    /// The same with other answers of the token endpoint, by the number of the request from 1.
    async fn with(mint: impl Fn(usize) -> Reply + Send + Sync + 'static) -> World {
        let accepts = Arc::new(AtomicUsize::new(0));
        let (minted, least) = (AtomicUsize::new(0), Arc::clone(&accepts));
        let server = Server::start(move |seen| {
            if is_mint(seen) {
                return mint(minted.fetch_add(1, Ordering::SeqCst) + 1);
            }
            let number =
                seen.header("authorization").and_then(|header| header.rsplit('-').next()?.parse().ok());
            match number.is_some_and(|number: usize| number >= least.load(Ordering::SeqCst)) {
                true => Reply::new(200, "{}"),
                false => Reply::new(401, r#"{"error":{"message":"Invalid bearer token"}}"#),
            }
        })
        .await;
        World {
            directory: TempDir::new().unwrap(),
            server,
            seconds: Arc::new(AtomicI64::new(0)),
            accepts,
            notices: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A client with the credential that these variables and this disk give.
    fn client(&self, variables: &[(&str, &str)]) -> HttpPlatform {
        let variables: Vec<(&str, String)> =
            variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        super::client(self.settings(&variables)).0
    }

    fn settings(&self, variables: &[(&str, String)]) -> Settings {
        let directory = self.directory.path().display().to_string();
        let lookup = |name: &str| match name {
            "ANTHROPIC_CONFIG_DIR" => Some(directory.clone()),
            name => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
        };
        let selection = choose(&Environment::of(lookup), &|path| match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Ok(None),
        })
        .unwrap();
        let (seconds, notices) = (Arc::clone(&self.seconds), Arc::clone(&self.notices));
        let mut settings = Settings::new(&self.server.base, selection.credential);
        settings.report_keys = selection.report_keys;
        settings.wall_clock =
            Arc::new(move || Timestamp::from_second(START + seconds.load(Ordering::SeqCst)).unwrap());
        settings.notice = Arc::new(move |text| notices.lock().unwrap().push(text.to_owned()));
        settings
    }

    /// A client that federates with the identity token in the file `token`.
    fn federated(&self) -> HttpPlatform {
        super::client(self.settings(&self.federation())).0
    }

    fn federation(&self) -> Vec<(&'static str, String)> {
        let pair = |name, value: &str| (name, value.to_owned());
        vec![
            pair("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_engine"),
            pair("ANTHROPIC_ORGANIZATION_ID", "org"),
            pair("ANTHROPIC_SERVICE_ACCOUNT_ID", "svac_engine"),
            pair("ANTHROPIC_WORKSPACE_ID", "default"),
            pair("ANTHROPIC_IDENTITY_TOKEN_FILE", &self.path("token").display().to_string()),
        ]
    }

    /// Writes a fresh identity token that works once.
    fn rotate(&self, jti: &str) {
        self.write("token", &format!("{}\n", identity_token(json!({"sub": "ci", "jti": jti}))));
    }

    /// What the server saw: `mint`, or the number of the token on a call.
    fn seen(&self) -> Vec<String> {
        let word = |seen: Seen| match is_mint(&seen) {
            true => "mint".to_owned(),
            false => seen.header("authorization").unwrap().rsplit('-').next().unwrap().to_owned(),
        };
        self.server.seen().into_iter().map(word).collect()
    }
}

async fn call(client: &HttpPlatform) -> Result<(), ApiError> {
    let request = super::transport::Request::get("look", &["v1", "organizations", "me"]);
    client.transport.call(&request).await.map(|_| ())
}

#[tokio::test]
async fn an_identity_token_is_exchanged_at_the_first_call() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    assert!(world.seen().is_empty());
    call(&client).await.unwrap();
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "1"]);
    let mint = &world.server.seen()[0];
    assert_eq!(mint.header("authorization"), None);
    assert_eq!(mint.header("anthropic-beta"), Some("oauth-2025-04-20,oidc-federation-2026-04-01"));
    assert_eq!(
        mint.body,
        json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": identity_token(json!({"sub": "ci", "jti": "1"})),
            "federation_rule_id": "fdrl_engine",
            "organization_id": "org",
            "service_account_id": "svac_engine",
            "workspace_id": "default",
        })
    );
}

#[tokio::test]
async fn a_long_run_renews_its_token_from_the_rotated_file() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    call(&client).await.unwrap();
    world.rotate("2");
    world.pass(600 - 121);
    call(&client).await.unwrap();
    world.pass(1);
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "1", "mint", "2"]);
}

#[tokio::test]
async fn an_identity_token_that_works_once_is_not_sent_twice() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    call(&client).await.unwrap();
    // Early on, the old token still serves.
    world.pass(500);
    call(&client).await.unwrap();
    world.pass(75);
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credential);
    assert!(error.message.contains("was exchanged before and has not changed since"), "{error}");
    assert!(error.advice().contains("write a new identity token"), "{}", error.advice());
    assert_eq!(world.seen(), ["mint", "1", "1"]);
    world.rotate("2");
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "1", "mint", "2"]);
}

#[tokio::test]
async fn an_identity_token_without_a_jti_may_be_sent_again() {
    let world = World::start().await;
    world.write("token", &identity_token(json!({"sub": "ci"})));
    let client = world.federated();
    call(&client).await.unwrap();
    world.pass(590);
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "mint", "2"]);
}

#[tokio::test]
async fn calls_at_the_same_moment_share_one_exchange() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    let calls = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { call(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(world.seen().iter().filter(|word| *word == "mint").count(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    call(&client).await.unwrap();
    world.accepts.store(2, Ordering::SeqCst);
    world.rotate("2");
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "1", "mint", "2"]);
    world.accepts.store(9, Ordering::SeqCst);
    world.rotate("3");
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(error.advice().contains("the federation variables (rule fdrl_engine)"), "{}", error.advice());
    assert_eq!(world.seen()[5..], ["2", "mint", "3"]);
    // The same identity token again would be refused for being used, which is not the reason.
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(error.advice().contains("could not be renewed"), "{}", error.advice());
}

#[tokio::test]
async fn a_report_that_refuses_the_token_costs_no_exchange() {
    let world = World::start().await;
    world.rotate("1");
    let client = world.federated();
    call(&client).await.unwrap();
    world.accepts.store(9, Ordering::SeqCst);
    world.rotate("2");
    let path = ["v1", "organizations", "usage_report", "messages"];
    let request = super::transport::Request::get("read a report", &path);
    let error = client.transport.call(&request).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert_eq!(world.seen(), ["mint", "1", "1"]);
}

#[tokio::test]
async fn a_service_that_is_not_well_gets_the_same_identity_token_again() {
    let world = World::with(|number| match number {
        1 => Reply::new(503, "{}"),
        _ => Reply::new(200, r#"{"access_token":"sk-ant-oat01-2","expires_in":600}"#),
    })
    .await;
    world.rotate("1");
    call(&world.federated()).await.unwrap();
    assert_eq!(world.seen(), ["mint", "mint", "2"]);
}

#[tokio::test]
async fn redirects_of_the_token_endpoint_are_not_followed() {
    let elsewhere = Server::answering(vec![|| Reply::new(200, "{}")]).await;
    let location = format!("{}/v1/oauth/token", elsewhere.base);
    let world = World::with(move |_| Reply::new(307, "").header("location", &location)).await;
    world.rotate("1");
    let error = call(&world.federated()).await.unwrap_err();
    assert!(error.message.contains("redirects are refused"), "{error}");
    assert_eq!((world.seen().len(), elsewhere.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_silent_token_endpoint_is_asked_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let world = World::start().await;
    world.rotate("1");
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let silent = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            open.push(connection);
        }
    });
    let mut settings = world.settings(&world.federation());
    settings.base_url = base;
    settings.call_timeout = std::time::Duration::from_millis(50);
    let error = call(&super::client(settings).0).await.unwrap_err();
    silent.abort();
    assert_eq!((error.kind.clone(), error.message.as_str()), (ErrorKind::Credential, "no answer in time"));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_exchange_tells_where_to_look() {
    let world = World::with(|_| Reply::new(401, r#"{"error":{"message":"Authentication failed"}}"#)).await;
    world.rotate("1");
    let error = call(&world.federated()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credential);
    assert_eq!(world.seen(), ["mint"], "an unchanged token is not sent again");
    for words in ["history", "ANTHROPIC_WORKSPACE_ID", "org:admin"] {
        assert!(error.advice().contains(words), "{}", error.advice());
    }
}

#[tokio::test]
async fn a_rule_without_the_scope_is_refused_before_any_call() {
    let body = r#"{"access_token":"sk-ant-oat01-1","expires_in":600,"scope":"workspace:inference"}"#;
    let world = World::with(move |_| Reply::new(200, body)).await;
    world.rotate("1");
    let error = call(&world.federated()).await.unwrap_err();
    assert!(
        error.message.contains("`workspace:inference`, and managing federation needs org:admin"),
        "{error}"
    );
    assert_eq!(world.seen(), ["mint"]);
}

#[tokio::test]
async fn an_identity_token_that_cannot_be_read_is_named() {
    let world = World::start().await;
    let error = call(&world.federated()).await.unwrap_err();
    assert!(error.message.contains(&world.path("token").display().to_string()), "{error}");
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn a_profile_keeps_what_it_minted_for_the_next_process() {
    let world = World::start().await;
    let profile = json!({
        "organization_id": "org", "base_url": world.server.base,
        "authentication": {
            "type": "oidc_federation", "federation_rule_id": "fdrl_engine",
            "identity_token": {"source": "file", "path": world.path("token")},
        },
    });
    world.write("configs/default.json", &profile.to_string());
    world.rotate("1");
    call(&world.client(&[])).await.unwrap();
    assert_eq!(world.read("credentials/default.json")["expires_at"], json!(START + 600));
    call(&world.client(&[])).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1", "1"]);
    world.pass(580);
    world.rotate("2");
    let client = world.client(&[]);
    call(&client).await.unwrap();
    assert_eq!(world.seen()[3..], ["mint", "2"]);
    // Within a run what is stored is what is in use, so it is no help once that nears its end.
    world.pass(500);
    world.rotate("3");
    call(&client).await.unwrap();
    assert_eq!(world.seen()[5..], ["mint", "3"]);
}

mod login;
