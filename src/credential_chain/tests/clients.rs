//! Each client against the same traps.

use super::*;

const MINTED: &str = "authorization: federated_token from token exchange";

/// Federation is set up in full; `change` adds to it.
#[track_caller]
fn check(client: &str, change: impl FnOnce(&mut Sources), expected: &str) {
    let mut sources = federated(&[]);
    change(&mut sources);
    assert_eq!(sent(&ask(client, &sources)), expected, "{client}");
}

fn with(variables: &'static [&'static str]) -> impl FnOnce(&mut Sources) {
    |sources| variables.iter().for_each(|variable| set(sources, variable))
}

const KEY_SET: &[&str] = &["ANTHROPIC_API_KEY=sk-ant-api03-CANARY"];
const TOKEN_SET: &[&str] = &["ANTHROPIC_AUTH_TOKEN=sk-ant-oat01-CANARY"];
const BOTH_SET: &[&str] =
    &["ANTHROPIC_API_KEY=sk-ant-api03-CANARY", "ANTHROPIC_AUTH_TOKEN=sk-ant-oat01-CANARY"];

#[test]
fn federation_wins_where_nothing_else_is_set() {
    for client in ["python", "python@0.121.0", "typescript", "typescript@0.137.0", "go", "ant", "claude-code"]
    {
        check(client, |_| {}, MINTED);
    }
}

#[test]
fn a_key_shadows_federation() {
    let bearer = "authorization: api_key from ANTHROPIC_API_KEY";
    let header = "x-api-key: api_key from ANTHROPIC_API_KEY";
    for client in ["python", "typescript"] {
        check(client, with(KEY_SET), bearer);
    }
    for client in ["python@1.17.0", "typescript@0.137.0", "go", "ant", "claude-code"] {
        check(client, with(KEY_SET), header);
    }
}

#[test]
fn a_key_that_is_empty_or_blank() {
    let empty: &[&str] = &["ANTHROPIC_API_KEY="];
    let blank: &[&str] = &["ANTHROPIC_API_KEY=   "];
    for client in ["python", "python@1.17.0", "typescript", "go", "claude-code"] {
        check(client, with(empty), MINTED);
    }
    check("python@0.121.0", with(empty), "fails");
    check("ant", with(empty), "x-api-key: empty from ANTHROPIC_API_KEY");
    check("python", with(blank), "fails");
    check("typescript", with(blank), MINTED);
    check("go", with(blank), "x-api-key: blank from ANTHROPIC_API_KEY");
    check("ant", with(blank), "x-api-key: blank from ANTHROPIC_API_KEY");
    check("claude-code", with(blank), MINTED);
}

#[test]
fn a_preset_token_shadows_federation() {
    for client in ["python", "typescript", "go", "ant", "claude-code"] {
        check(client, with(TOKEN_SET), "authorization: oauth_token from ANTHROPIC_AUTH_TOKEN");
    }
    let empty: &[&str] = &["ANTHROPIC_AUTH_TOKEN="];
    check("ant", with(empty), "authorization: empty from ANTHROPIC_AUTH_TOKEN");
    check("go", with(empty), MINTED);
    check("python@0.121.0", with(empty), "fails");
}

#[test]
fn a_key_and_a_preset_token_together() {
    let key_alone = "authorization: api_key from ANTHROPIC_API_KEY";
    let both =
        "x-api-key: api_key from ANTHROPIC_API_KEY; authorization: oauth_token from ANTHROPIC_AUTH_TOKEN";
    check("python", with(BOTH_SET), key_alone);
    check("typescript", with(BOTH_SET), key_alone);
    check("python@1.17.0", with(BOTH_SET), both);
    check("typescript@0.137.0", with(BOTH_SET), both);
    check("go", with(BOTH_SET), "x-api-key: api_key from ANTHROPIC_API_KEY");
    check("ant", with(BOTH_SET), "x-api-key: api_key from ANTHROPIC_API_KEY");
    check("claude-code", with(BOTH_SET), both);
}

#[test]
fn a_named_profile() {
    let stored =
        "authorization: oauth_token from access_token (/home/me/.config/anthropic/credentials/me.json:1)";
    let named = |sources: &mut Sources| {
        login(sources, "me");
        set(sources, "ANTHROPIC_PROFILE=me");
    };
    for client in ["python", "typescript", "go", "claude-code"] {
        check(client, named, stored);
    }
    // The login has no refresh token, which ant wants.
    check("ant", named, "fails");
    let missing: &[&str] = &["ANTHROPIC_PROFILE=gone"];
    for client in ["python", "python@0.121.0", "typescript", "go", "claude-code"] {
        check(client, with(missing), "fails");
    }
    check("ant", with(missing), MINTED);
    check("typescript@0.137.0", with(missing), MINTED);
    for client in ["python", "typescript", "go", "ant", "claude-code"] {
        check(client, with(&["ANTHROPIC_PROFILE="]), MINTED);
    }
}

#[test]
fn a_profile_that_lies_around() {
    let stored = "authorization: oauth_token from access_token (/home/me/.config/anthropic/credentials/default.json:1)";
    let around = |sources: &mut Sources| login(sources, "default");
    for client in ["python", "python@1.17.0", "typescript", "go", "ant", "claude-code"] {
        check(client, around, MINTED);
    }
    check("typescript@0.137.0", around, stored);
    let pointed = |sources: &mut Sources| {
        login(sources, "default");
        put(sources, "/home/me/.config/anthropic/active_config", "default\n");
    };
    check("python", pointed, MINTED);
    check("python@1.17.0", pointed, stored);
    check("typescript", pointed, MINTED);
}

#[test]
fn custom_headers() {
    let key: &[&str] = &["ANTHROPIC_CUSTOM_HEADERS=x-api-key: sk-ant-api03-CANARY"];
    let sent = "x-api-key: api_key from ANTHROPIC_CUSTOM_HEADERS (x-api-key)";
    check("python", with(key), sent);
    let beside = format!("{MINTED}; {sent}");
    check("typescript", with(key), &beside);
    check("claude-code", with(key), &beside);
    check("go", with(key), MINTED);
    check("ant", with(key), MINTED);
    let bearer: &[&str] = &["ANTHROPIC_CUSTOM_HEADERS=Authorization: Bearer sk-ant-api03-CANARY"];
    let sent = "authorization: api_key from ANTHROPIC_CUSTOM_HEADERS (Authorization)";
    check("python", with(bearer), sent);
    check("typescript", with(bearer), sent);
    check("claude-code", with(bearer), MINTED);
    assert!(
        ask("typescript", &federated(bearer)).exchange.is_some(),
        "it exchanges and sends the key all the same"
    );
}

#[test]
fn variables_of_federation() {
    let literal: &[&str] = &["ANTHROPIC_IDENTITY_TOKEN=CANARY"];
    check("go", with(literal), MINTED);
    check("ant", with(literal), "fails");
    let empty_file: &[&str] = &["ANTHROPIC_IDENTITY_TOKEN=CANARY", "ANTHROPIC_IDENTITY_TOKEN_FILE="];
    for client in ["python", "typescript", "ant"] {
        check(client, with(empty_file), MINTED);
    }
    check("go", with(empty_file), "fails");
    let empty_rule: &[&str] = &["ANTHROPIC_FEDERATION_RULE_ID="];
    for client in ["python", "typescript", "ant", "claude-code"] {
        check(client, with(empty_rule), "fails");
    }
    check("go", with(empty_rule), MINTED);

    let exchange = |client: &str, variable: &'static str| {
        let exchange = ask(client, &federated(&[variable])).exchange.unwrap();
        (exchange.service_account_id, exchange.workspace_id)
    };
    assert_eq!(exchange("python", "ANTHROPIC_SERVICE_ACCOUNT_ID="), (Some(String::new()), None));
    assert_eq!(exchange("typescript", "ANTHROPIC_SERVICE_ACCOUNT_ID="), (None, None));
    assert_eq!(exchange("go", "ANTHROPIC_WORKSPACE_ID=wrkspc_1"), (None, Some("wrkspc_1".to_owned())));
    assert_eq!(exchange("ant", "ANTHROPIC_WORKSPACE_ID=wrkspc_1"), (None, None));
}

#[test]
fn part_of_federation_beside_a_good_profile() {
    let partial = |sources: &mut Sources| {
        sources.variables.remove("ANTHROPIC_IDENTITY_TOKEN_FILE");
        login(sources, "default");
    };
    let stored = "authorization: oauth_token from access_token (/home/me/.config/anthropic/credentials/default.json:1)";
    for client in ["python", "typescript", "go"] {
        check(client, partial, stored);
    }
    check("ant", partial, "fails");
}

#[test]
fn claude_code_settings_and_stores() {
    let user = "/home/me/.claude/settings.json";
    check(
        "claude-code",
        |sources| {
            put(sources, user, "{\n \"env\": {\n  \"ANTHROPIC_API_KEY\": \"sk-ant-api03-CANARY\"\n }\n}")
        },
        "x-api-key: api_key from env.ANTHROPIC_API_KEY (/home/me/.claude/settings.json:3)",
    );
    let helper = "apiKeyHelper (/project/.claude/settings.local.json:1)";
    check(
        "claude-code",
        |sources| put(sources, "/project/.claude/settings.local.json", r#"{"apiKeyHelper": "cat key"}"#),
        &format!("x-api-key: unknown from {helper}; authorization: unknown from {helper}"),
    );
    let console = |sources: &mut Sources| {
        put(sources, "/home/me/.claude.json", r#"{"primaryApiKey":"sk-ant-api03-CANARY"}"#)
    };
    let stored = "x-api-key: api_key from primaryApiKey (/home/me/.claude.json:1)";
    check("claude-code", console, stored);
    let variable = |sources: &mut Sources| {
        console(sources);
        set(sources, "CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-CANARY");
    };
    check("claude-code", variable, "authorization: oauth_token from CLAUDE_CODE_OAUTH_TOKEN");
    let claude_ai = |sources: &mut Sources| {
        put(
            sources,
            "/home/me/.claude/.credentials.json",
            r#"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-CANARY"}}"#,
        );
    };
    check("claude-code", claude_ai, MINTED);
    let without_federation = |sources: &mut Sources| {
        claude_ai(sources);
        console(sources);
        sources.variables.remove("ANTHROPIC_FEDERATION_RULE_ID");
    };
    check(
        "claude-code",
        without_federation,
        "authorization: oauth_token from accessToken (/home/me/.claude/.credentials.json:1)",
    );
    check("claude-code", with(&["CLAUDE_CODE_USE_BEDROCK=1"]), "");
    // What other clients do is none of Claude Code's settings.
    check("python", |sources| put(sources, user, r#"{"env":{"ANTHROPIC_API_KEY":"x"}}"#), MINTED);
}

#[test]
fn an_exchange_at_one_host_and_calls_at_another() {
    let mut sources =
        federated(&["ANTHROPIC_BASE_URL=https://gateway.example.com", "ANTHROPIC_PROFILE=robot"]);
    let profile = r#"{"base_url":"https://api.example.com","authentication":{"type":"oidc_federation"}}"#;
    put(&mut sources, "/home/me/.config/anthropic/configs/robot.json", profile);
    let outcome = ask("typescript", &sources);
    assert_eq!(outcome.base_url, "https://gateway.example.com");
    assert_eq!(outcome.exchange.unwrap().base_url, "https://api.example.com");
    assert_eq!(outcome.remedies.iter().map(|remedy| remedy.trap).collect::<Vec<_>>(), ["T20"]);
    let open = federated(&["ANTHROPIC_BASE_URL=http://127.0.0.1.example.com"]);
    assert_eq!(sent(&ask("go", &open)), "fails");
    assert_eq!(sent(&ask("python", &open)), MINTED, "Python compares the beginning of the text alone");
}
