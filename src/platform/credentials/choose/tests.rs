use std::collections::BTreeMap;

use super::*;

const DIRECTORY: &str = "/home/ada/.config/anthropic";

const LOGIN: &str = r#"{"version":"1.0","authentication":{"type":"user_oauth","client_id":"c"},"later":1}"#;
const FEDERATION: &str = r#"{
    "base_url": "https://gateway.example.com",
    "organization_id": "org",
    "authentication": {
        "type": "oidc_federation",
        "federation_rule_id": "fdrl_profile",
        "identity_token": {"source": "file", "path": "/run/token"}
    }
}"#;

/// Chooses among these variables and files; files are named below the directory of profiles.
fn chosen(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Selection, ApiError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().chain([("HOME", "/home/ada")]).collect();
    let environment = Environment::of(|name| variables.get(name).map(|value| (*value).to_owned()));
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| path.ends_with(name));
        match found {
            Some((_, "OPEN")) => Err("can be written by others".to_owned()),
            found => Ok(found.map(|(_, text)| (*text).to_owned())),
        }
    };
    choose(&environment, &read)
}

#[track_caller]
fn check(variables: &[(&str, &str)], files: &[(&str, &str)], origin: &str, caller: Caller) -> Selection {
    let selection = chosen(variables, files).unwrap();
    assert!(selection.credential.origin.starts_with(origin), "{selection:?}");
    assert_eq!(selection.credential.caller, caller);
    selection
}

#[track_caller]
fn check_refused(variables: &[(&str, &str)], files: &[(&str, &str)], expected: &[&str]) {
    let error = chosen(variables, files).unwrap_err();
    for words in expected {
        assert!(error.to_string().contains(words), "no {words:?} in {error}");
    }
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

const RULE: (&str, &str) = ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_env");
const ORGANIZATION: (&str, &str) = ("ANTHROPIC_ORGANIZATION_ID", "org");
const FILE: (&str, &str) = ("ANTHROPIC_IDENTITY_TOKEN_FILE", "/run/env");
const TOKEN: (&str, &str) = ("ANTHROPIC_AUTH_TOKEN", " sk-ant-oat01-canary\n");
const DEFAULT: (&str, &str) = ("configs/default.json", LOGIN);

#[test]
fn the_order_is_that_of_the_vendors_clients() {
    let all = [TOKEN, ("ANTHROPIC_PROFILE", "ci"), RULE, ORGANIZATION, FILE];
    let files = [DEFAULT, ("configs/ci.json", FEDERATION)];
    let first = check(&all, &files, "ANTHROPIC_AUTH_TOKEN", Caller::Unknown);
    assert!(first.warnings[0].contains("ANTHROPIC_PROFILE and ANTHROPIC_FEDERATION_RULE_ID beside it"));
    check(&all[1..], &files, "the profile `ci`", Caller::Workload);
    check(&all[2..], &files, "the federation variables (rule fdrl_env)", Caller::Workload);
    check(&[], &files, "the profile `default`", Caller::Person);
    let pointed = [DEFAULT, ("configs/ci.json", FEDERATION), ("active_config", "ci\n")];
    check(&[], &pointed, "the profile `ci`", Caller::Workload);
}

#[test]
fn blank_variables_count_for_nothing() {
    let blank = [("ANTHROPIC_AUTH_TOKEN", " \n"), ("ANTHROPIC_PROFILE", ""), RULE, ORGANIZATION];
    let selection = check(&blank, &[DEFAULT], "the profile `default`", Caller::Person);
    assert!(selection.warnings[0].contains("ANTHROPIC_IDENTITY_TOKEN_FILE is not set"), "{selection:?}");
}

#[test]
fn what_was_asked_for_by_name_is_never_skipped() {
    let named = [("ANTHROPIC_PROFILE", "ci"), RULE, ORGANIZATION, FILE];
    check_refused(
        &named,
        &[DEFAULT],
        &["ANTHROPIC_PROFILE names the profile `ci`", "configs/ci.json does not exist"],
    );
    check_refused(&named, &[("configs/ci.json", "OPEN")], &["can be written by others"]);
    check_refused(&named, &[("configs/ci.json", "{")], &["is not a profile that can be read"]);
    let unknown = r#"{"authentication":{"type":"magic"}}"#;
    check_refused(&named, &[("configs/ci.json", unknown)], &["magic"]);
    check_refused(&[("ANTHROPIC_PROFILE", "../x")], &[], &["letters, digits"]);
    check_refused(
        &[("ANTHROPIC_AUTH_TOKEN", "sk-ant-api03-canary"), RULE, ORGANIZATION, FILE],
        &[DEFAULT],
        &["ANTHROPIC_AUTH_TOKEN holds an API key"],
    );
}

#[test]
fn the_error_tells_every_place_in_order() {
    check_refused(
        &[("ANTHROPIC_API_KEY", "sk-ant-api03-canary"), ("ANTHROPIC_AUTH_TOKEN", ""), RULE],
        &[("active_config", "gone")],
        &[
            "1. ANTHROPIC_AUTH_TOKEN is set but blank",
            "2. ANTHROPIC_PROFILE is not set",
            "3. federation variables: ANTHROPIC_ORGANIZATION_ID is not set, ANTHROPIC_IDENTITY_TOKEN_FILE is not set",
            "4. active profile `gone` (named by /home/ada/.config/anthropic/active_config):",
            "configs/gone.json does not exist",
            "5. ANTHROPIC_API_KEY is set, but",
        ],
    );
}

#[test]
fn profiles_are_found_where_other_clients_keep_them() {
    let place = |variables: &[(&str, &str)]| {
        let error = chosen(variables, &[]).unwrap_err().message;
        error.lines().last().unwrap().to_owned()
    };
    assert!(place(&[]).contains(&format!("{DIRECTORY}/configs/default.json")));
    assert!(place(&[("XDG_CONFIG_HOME", "/xdg")]).contains("/xdg/anthropic/configs/default.json"));
    let both = [("XDG_CONFIG_HOME", "/xdg"), ("ANTHROPIC_CONFIG_DIR", "/own")];
    assert!(place(&both).contains("/own/configs/default.json"));
}

#[test]
fn a_profile_keeps_what_it_says_and_takes_the_rest_from_variables() {
    let variables = [ORGANIZATION, ("ANTHROPIC_WORKSPACE_ID", "wrkspc_env"), FILE, RULE];
    let variables = [&variables[..], &[("ANTHROPIC_PROFILE", "ci")]].concat();
    let federation = |files: &[(&str, &str)]| {
        let selection = chosen(&variables, files).unwrap();
        let Proof::Federation(federation) = selection.credential.proof else { panic!("no federation") };
        (federation, selection.base_url, selection.credential.token_base_url)
    };
    let (full, base_url, token_base_url) = federation(&[("configs/ci.json", FEDERATION)]);
    assert_eq!((full.rule_id.as_str(), full.workspace_id.as_deref()), ("fdrl_profile", Some("wrkspc_env")));
    assert!(matches!(full.identity_token, IdentityToken::File(path) if path == Path::new("/run/token")));
    assert_eq!(full.cache.unwrap(), Path::new(DIRECTORY).join("credentials/ci.json"));
    assert_eq!(base_url.as_deref(), Some("https://gateway.example.com"));
    assert_eq!(token_base_url, base_url);
    let bare = r#"{"authentication":{"type":"oidc_federation"}}"#;
    let (filled, ..) = federation(&[("configs/ci.json", bare)]);
    assert_eq!(filled.rule_id, "fdrl_env");
    assert!(matches!(filled.identity_token, IdentityToken::File(path) if path == Path::new("/run/env")));
}

#[test]
fn a_variable_sends_calls_elsewhere_and_renewals_stay_with_the_profile() {
    let variables = [("ANTHROPIC_PROFILE", "ci"), ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")];
    let selection = chosen(&variables, &[("configs/ci.json", FEDERATION)]).unwrap();
    assert_eq!(selection.base_url.as_deref(), Some("http://127.0.0.1:1"));
    assert_eq!(selection.credential.token_base_url.as_deref(), Some("https://gateway.example.com"));
}

#[test]
fn keys_beside_the_token_are_ignored_or_kept_for_reports() {
    let warned = chosen(&[TOKEN, ("ANTHROPIC_API_KEY", "sk-ant-api03-canary")], &[]).unwrap();
    assert!(warned.warnings[0].starts_with("ANTHROPIC_API_KEY is set."), "{warned:?}");
    assert_eq!(warned.report_keys.iter().count(), 0);
    let kept = chosen(&[TOKEN, ("ANTHROPIC_ADMIN_API_KEY", "sk-ant-admin01-x")], &[]).unwrap();
    assert!(kept.report_keys.iter().count() == 1 && kept.warnings.is_empty());
    let wrong = chosen(&[TOKEN, ("ANTHROPIC_ADMIN_API_KEY", "sk-ant-api03-canary")], &[]).unwrap();
    assert_eq!(wrong.report_keys.iter().count(), 0);
    assert!(wrong.warnings[0].contains("ANTHROPIC_ADMIN_API_KEY is not used"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("canary"));
    let own = ["ANTHROPIC_ANALYTICS_API_KEY", "ANTHROPIC_COMPLIANCE_ACCESS_KEY"];
    let kept = chosen(&[TOKEN, (own[0], "sk-ant-api03-x"), (own[1], "sk-ant-api03-y")], &[]).unwrap();
    assert!(kept.report_keys.iter().count() == 2 && kept.warnings.is_empty());
}
