//! A profile that a person logged in to.

use super::*;

const TOKENS: &str = "credentials/default.json";

/// Writes a login whose token ends after so many seconds.
fn log_in(world: &World, token: &str, ends: i64, refresh_token: Option<&str>) {
    let profile = json!({"authentication": {"type": "user_oauth", "client_id": "client-1"}});
    world.write("configs/default.json", &profile.to_string());
    let mut tokens = json!({
        "access_token": token, "expires_at": START + ends, "scope": "org:admin", "account_email": "a@example.com",
    });
    if let Some(refresh_token) = refresh_token {
        tokens["refresh_token"] = json!(refresh_token);
    }
    world.write(TOKENS, &tokens.to_string());
}

/// Tokens that a refresh gives: numbered from 1, with the next refresh token.
fn renewed(number: usize) -> Reply {
    let body = json!({
        "access_token": format!("sk-ant-oat01-{number}"), "expires_in": 600,
        "refresh_token": format!("next-{number}"),
    });
    Reply::new(200, body.to_string())
}

#[tokio::test]
async fn a_login_is_used_while_it_is_good_and_renewed_when_it_ends() {
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 300, Some("first"));
    let client = world.client(&[]);
    call(&client).await.unwrap();
    world.pass(181);
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["0", "mint", "1"]);
    let mint = &world.server.seen()[1];
    assert_eq!(
        mint.body,
        json!({"grant_type": "refresh_token", "refresh_token": "first", "client_id": "client-1"})
    );
    assert_eq!(mint.header("anthropic-beta"), Some("oauth-2025-04-20"));
    assert_eq!((mint.header("authorization"), mint.header("x-api-key")), (None, None));
}

#[tokio::test]
async fn what_was_renewed_is_stored_for_other_clients() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 0, Some("first"));
    call(&world.client(&[])).await.unwrap();
    assert_eq!(
        world.read(TOKENS),
        json!({
            "version": "1.0", "type": "oauth_token", "access_token": "sk-ant-oat01-1", "refresh_token": "next-1",
            "expires_at": START + 600, "scope": "org:admin", "account_email": "a@example.com",
        })
    );
    let mode = std::fs::metadata(world.path(TOKENS)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(world.notices.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_login_that_somebody_else_renewed_is_taken_over() {
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 300, Some("first"));
    let client = world.client(&[]);
    call(&client).await.unwrap();
    log_in(&world, "sk-ant-oat01-77", 900, Some("second"));
    world.pass(290);
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["0", "77"]);
}

#[tokio::test]
async fn a_login_that_cannot_be_renewed_says_when_it_ended() {
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 10, None);
    let client = world.client(&[]);
    call(&client).await.unwrap();
    world.pass(10);
    let error = call(&client).await.unwrap_err();
    assert!(error.message.contains("ended at 2027-01-15T08:00:10Z, and it cannot be renewed"), "{error}");
    assert!(error.advice().contains("ant auth login --scope org:admin"));
    assert_eq!(world.seen(), ["0"]);
}

#[tokio::test]
async fn an_ended_login_asks_for_a_new_one() {
    let world = World::with(|_| Reply::new(400, r#"{"error":"invalid_grant"}"#)).await;
    log_in(&world, "sk-ant-oat01-0", 0, Some("canary"));
    let error = call(&world.client(&[])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credential);
    assert!(error.advice().contains("log in again with `ant auth login --scope org:admin`"), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(world.seen(), ["mint"]);
}

#[tokio::test]
async fn an_early_renewal_that_fails_does_no_harm() {
    let world = World::with(|_| Reply::new(503, "{}")).await;
    log_in(&world, "sk-ant-oat01-0", 100, Some("first"));
    let client = world.client(&[]);
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    // The first call takes the login from the file, the second tries early, the third pauses.
    assert_eq!(world.seen(), ["0", "mint", "0", "0"]);
    world.pass(5);
    call(&client).await.unwrap();
    assert_eq!(world.seen()[4..], ["mint", "0"]);
}

#[tokio::test]
async fn logins_with_another_scope_and_open_files_are_refused_before_any_call() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 300, None);
    let mut tokens = world.read(TOKENS);
    tokens["scope"] = json!("user:inference user:profile");
    world.write(TOKENS, &tokens.to_string());
    let error = call(&world.client(&[])).await.unwrap_err();
    assert!(error.message.contains("needs org:admin"), "{error}");
    std::fs::set_permissions(world.path(TOKENS), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = call(&world.client(&[])).await.unwrap_err();
    assert!(error.message.contains("can be opened by others"), "{error}");
    std::fs::remove_file(world.path(TOKENS)).unwrap();
    let error = call(&world.client(&[])).await.unwrap_err();
    assert!(error.message.contains("does not exist"), "{error}");
    log_in(&world, "sk-ant-api03-canary", 300, None);
    let error = call(&world.client(&[])).await.unwrap_err();
    assert!(error.message.contains("an API key") && !error.message.contains("canary"), "{error}");
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn a_token_that_cannot_be_stored_is_used_and_told_of() {
    let world = World::with(renewed).await;
    log_in(&world, "sk-ant-oat01-0", 0, Some("first"));
    let client = world.client(&[]);
    // A directory in the way of the new file: it cannot be replaced by one.
    let way = world.path("credentials").join(format!(".default.json.{}.new", std::process::id()));
    std::fs::create_dir(&way).unwrap();
    call(&client).await.unwrap();
    assert_eq!(world.seen(), ["mint", "1"]);
    let notices = world.notices.lock().unwrap();
    assert!(notices[0].contains("could not be stored") && !notices[0].contains("sk-ant"), "{notices:?}");
}
