//! An API that cannot be reached, refuses, or is none.

use super::support::{Environment, Run, ScriptedApi, answer};

const TOKEN: &str = "sk-ant-oat01-fake-fake-fake-fake-fake";

#[track_caller]
fn plan(url: &str, token: Option<&str>) -> Run {
    let environment = Environment::one_lane();
    let platform = "platform \"simulator\" {\n    organization = \"acme.json\"\n    skip_waits   = true\n  }";
    environment.edit("main.keyless.hcl", platform, "platform \"claude\" {}");
    let mut command = environment.command(&["plan", "-parallelism=1"]);
    command.env("ANTHROPIC_BASE_URL", url);
    if let Some(token) = token {
        command.env("ANTHROPIC_AUTH_TOKEN", token);
    }
    environment.ended(command).exits(1)
}

/// Plans against an API that always answers so. It asks not to be tried again, as the program
/// would otherwise wait between its tries.
fn answered(status: &str, body: &str) -> Run {
    let api = ScriptedApi::start(answer(status, "x-should-retry: false\r\nrequest-id: req_01\r\n", body));
    plan(&api.url, Some(TOKEN))
}

fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"type": "error", "error": {{"type": "{kind}", "message": "{message}"}}}}"#)
}

#[test]
fn credentials_that_cannot_work() {
    told!("token_missing", plan("http://127.0.0.1:9", None));
    told!("token_is_api_key", plan("http://127.0.0.1:9", Some("sk-ant-api03-fake-fake-fake-fake")));
    told!("base_url_without_tls", plan("http://api.example.com", Some(TOKEN)));
}

#[test]
fn nobody_answers() {
    // The port was free a moment ago, and nothing listens on it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    told!("api_unreachable", plan(&url, Some(TOKEN)));
}

#[test]
fn refusals() {
    told!("api_401", answered("401 Unauthorized", &error("authentication_error", "Invalid bearer token")));
    told!(
        "api_403",
        answered("403 Forbidden", &error("permission_error", "The token does not have the scope org:admin"))
    );
    told!("api_429", answered("429 Too Many Requests", &error("rate_limit_error", "Slow down")));
    told!("api_500", answered("500 Internal Server Error", &error("api_error", "Internal server error")));
    told!("api_not_json", answered("200 OK", "<html>Sign in to the network</html>"));
    told!(
        "api_wrong_organization",
        answered(
            "200 OK",
            r#"{"id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0009", "name": "Other", "type": "organization", "data": [], "has_more": false, "first_id": null, "last_id": null, "next_page": null}"#
        )
    );
}
