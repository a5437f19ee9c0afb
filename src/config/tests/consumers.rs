//! Consumers of every kind: what their blocks become, and what is refused.

use std::path::PathBuf;

use super::*;
use crate::env_file::Format;

const DOTENV: &str = "consumer \"dotenv\" \"laptop\" { path = \".env\" }";

fn with(kind: &str, arguments: &str) -> String {
    assert!(SOUND.contains(DOTENV));
    SOUND
        .replace(DOTENV, &format!("consumer \"{kind}\" \"laptop\" {{\n{}\n}}", arguments.replace("; ", "\n")))
}

#[track_caller]
fn check_driver(kind: &str, arguments: &str, expected: &ConsumerDriver) {
    let configuration = Trial::of(&with(kind, arguments)).configuration();
    let (_, key) = configuration.api_keys.first_key_value().expect("a key");
    let (_, consumer) = key.consumers.first_key_value().expect("a consumer");
    assert_eq!(&consumer.driver, expected, "{arguments}");
}

#[track_caller]
fn check_refused(kind: &str, arguments: &str, expected: &str) {
    let problems = Trial::of(&with(kind, arguments)).problems();
    let summaries: Vec<&str> =
        problems.iter().filter_map(|problem| problem.split_once(": ")).map(|(_, summary)| summary).collect();
    assert_eq!(summaries, [expected], "{kind} {arguments}");
}

fn github(owner: GithubOwner, app: &str) -> ConsumerDriver {
    ConsumerDriver::GithubSecret(GithubSecret { owner, app: app.to_owned(), name: "KEY".to_owned() })
}

#[test]
fn secrets_of_github_are_taken_out_for_good_and_say_so() {
    let repository = GithubOwner::Repository("acme/app".to_owned());
    let known = "acknowledge_irreversible = true";
    let base = format!("name = \"KEY\"; {known}");
    let given = format!("repository = \"acme/app\"; {base}");
    check_driver("github_secret", &given, &github(repository.clone(), "actions"));
    check_driver(
        "github_secret",
        &format!("{given}; app = \"codespaces\""),
        &github(repository, "codespaces"),
    );
    let environment =
        GithubOwner::Environment { repository: "acme/app".to_owned(), environment: "prod eu".to_owned() };
    check_driver(
        "github_secret",
        &format!("{given}; environment = \"prod eu\""),
        &github(environment, "actions"),
    );
    let organization = GithubOwner::Organization("acme".to_owned());
    check_driver(
        "github_secret",
        &format!("organization = \"acme\"; {base}"),
        &github(organization, "actions"),
    );
    for (arguments, expected) in [
        ("repository = \"acme/app\"; name = \"KEY\"".to_owned(), "Removal cannot be undone"),
        (given.replace("true", "false"), "Removal cannot be undone"),
        (base.clone(), "Which owner"),
        (format!("{given}; organization = \"acme\""), "Which owner"),
        (format!("organization = \"acme\"; environment = \"prod\"; {base}"), "Which owner"),
        (format!("{given}; environment = \"prod\"; app = \"dependabot\""), "Conflicting arguments"),
        (format!("{given}; app = \"pages\""), "Invalid name"),
        (format!("repository = \"acme\"; {base}"), "Invalid name"),
        (format!("repository = \"acme/..\"; {base}"), "Invalid name"),
        (format!("repository = \"acme/app\"; {known}"), "Missing argument"),
    ] {
        check_refused("github_secret", &arguments, expected);
    }
}

#[test]
fn variables_of_gitlab_are_parked_unless_said_otherwise() {
    let variable = |owner, scope: &str, park| {
        let (key, environment_scope) = ("KEY".to_owned(), scope.to_owned());
        ConsumerDriver::GitlabVariable(GitlabVariable { owner, key, environment_scope, park })
    };
    let project = || GitlabOwner::Project("acme/apps/app".to_owned());
    let given = "project = \"acme/apps/app\"; key = \"KEY\"";
    check_driver("gitlab_variable", given, &variable(project(), "*", true));
    let deleted = format!("{given}; park = false; acknowledge_irreversible = true");
    check_driver("gitlab_variable", &deleted, &variable(project(), "*", false));
    let group = "group = \"acme\"; key = \"KEY\"; environment_scope = \"review/*\"";
    check_driver(
        "gitlab_variable",
        group,
        &variable(GitlabOwner::Group("acme".to_owned()), "review/*", true),
    );
    for (arguments, expected) in [
        (format!("{given}; park = false"), "Removal cannot be undone"),
        (format!("{given}; group = \"acme\""), "Which owner"),
        ("key = \"KEY\"".to_owned(), "Which owner"),
        ("project = \"7\"; key = \"KEY\"".to_owned(), "Invalid name"),
        (format!("{given}; environment_scope = \"a,b\""), "Invalid name"),
    ] {
        check_refused("gitlab_variable", &arguments, expected);
    }
}

#[test]
fn entries_of_stores_are_named() {
    let kubernetes = |object, context: Option<&str>| {
        ConsumerDriver::KubernetesSecret(KubernetesSecret {
            namespace: "ml".to_owned(),
            object,
            key: "KEY".to_owned(),
            context: context.map(str::to_owned),
        })
    };
    let entry = "namespace = \"ml\"; key = \"KEY\"";
    let secret = KubernetesObject::Secret("claude".to_owned());
    check_driver("kubernetes_secret", &format!("{entry}; secret = \"claude\""), &kubernetes(secret, None));
    let map = KubernetesObject::ConfigMap("claude".to_owned());
    let given = format!("{entry}; config_map = \"claude\"; context = \"prod\"");
    check_driver("kubernetes_secret", &given, &kubernetes(map, Some("prod")));
    let aws = |region: Option<&str>, recovery_window_days| {
        let (secret_id, region) = ("prod/claude".to_owned(), region.map(str::to_owned));
        ConsumerDriver::AwsSecret(AwsSecret { secret_id, region, recovery_window_days })
    };
    check_driver("aws_secret", "secret_id = \"prod/claude\"", &aws(None, 30));
    let given = "secret_id = \"prod/claude\"; region = \"eu-west-1\"; recovery_window_days = 7";
    check_driver("aws_secret", given, &aws(Some("eu-west-1"), 7));
    let gcp = ConsumerDriver::GcpSecret(GcpSecret {
        project: "acme".to_owned(),
        secret: "claude".to_owned(),
        version: Some("3".to_owned()),
    });
    check_driver("gcp_secret", "project = \"acme\"; secret = \"claude\"; version = \"3\"", &gcp);
    let azure = ConsumerDriver::AzureSecret(AzureSecret {
        vault_url: "https://acme.vault.azure.net".to_owned(),
        secret: "claude".to_owned(),
        version: None,
    });
    check_driver("azure_secret", "vault = \"acme\"; secret = \"claude\"", &azure);
    for (kind, arguments, expected) in [
        ("kubernetes_secret", entry, "Which object"),
        ("kubernetes_secret", &format!("{entry}; secret = \"a\"; config_map = \"b\""), "Which object"),
        ("kubernetes_secret", &format!("{entry}; secret = \"../a\""), "Invalid name"),
        ("kubernetes_secret", "namespace = \"ml\"; secret = \"a\"; key = \"a/b\"", "Invalid name"),
        ("aws_secret", "secret_id = \"x\"; recovery_window_days = 6", "Number out of range"),
        ("aws_secret", "secret_id = \"x\"; region = \"eu.evil\"", "Invalid name"),
        ("gcp_secret", "project = \"acme\"; secret = \"a/b\"", "Invalid name"),
        ("gcp_secret", "project = \"acme\"; secret = \"a\"; version = \"latest\"", "Invalid name"),
        ("azure_secret", "vault = \"http://acme.vault.azure.net\"; secret = \"a\"", "Invalid name"),
        ("azure_secret", "vault = \"acme\"", "Missing argument"),
    ] {
        check_refused(kind, arguments, expected);
    }
}

#[test]
fn settings_of_claude_code_give_the_key_in_one_of_two_ways() {
    let settings = |entry| {
        let path = PathBuf::from(".claude/settings.json");
        ConsumerDriver::ClaudeCodeSettings(ClaudeCodeSettings { path, entry })
    };
    let path = "path = \".claude/settings.json\"";
    let variable = |name: &str| SettingsEntry::Variable(name.to_owned());
    let kind = "claude_code_settings";
    check_driver(kind, path, &settings(variable("ANTHROPIC_API_KEY")));
    let token = format!("{path}; variable = \"ANTHROPIC_AUTH_TOKEN\"; api_key_helper = false");
    check_driver(kind, &token, &settings(variable("ANTHROPIC_AUTH_TOKEN")));
    check_driver(kind, &format!("{path}; api_key_helper = true"), &settings(SettingsEntry::Helper));
    check_refused(
        kind,
        &format!("{path}; api_key_helper = true; variable = \"KEY\""),
        "Conflicting arguments",
    );
    check_refused(kind, &format!("{path}; variable = \"1\""), "Invalid variable name");
}

#[test]
fn a_file_of_variables_is_read_by_the_format_that_fits_its_name_or_that_is_given() {
    let driver = |path: &str, format| ConsumerDriver::Dotenv {
        path: PathBuf::from(path),
        format,
        variable: "ANTHROPIC_API_KEY".to_owned(),
        identity_token_file: None,
    };
    check_driver("dotenv", "path = \"app/.envrc\"", &driver("app/.envrc", Format::Direnv));
    check_driver("dotenv", "path = \"env\"; format = \"systemd\"", &driver("env", Format::Systemd));
    check_refused("dotenv", "path = \"env\"; format = \"fish\"", "Unknown format");
    for file in ["/run/$A/token", "/run/a\\\\b", "/run/a'b\\\"c"] {
        let arguments = format!("path = \".env\"; identity_token_file = \"{file}\"");
        check_refused("dotenv", &arguments, "Path that readers would take differently");
    }
}

#[test]
fn one_variable_is_one_place_and_one_file_has_one_set_of_settings() {
    let two = |first: &str, second: &str| {
        let block =
            |name: &str, arguments: &str| format!("consumer \"dotenv\" \"{name}\" {{\n{arguments}\n}}");
        let blocks = format!("{}\n  {}", block("laptop", first), block("other", second));
        let problems = Trial::of(&SOUND.replace(DOTENV, &blocks.replace("; ", "\n"))).problems();
        problems.iter().filter_map(|problem| Some(problem.split_once(": ")?.1.to_owned())).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(two("path = \".env\"", "path = \"./a/../.env\""), ["Place declared twice"]);
    assert_eq!(two("path = \".env\"", "path = \".env\"; variable = \"CLAUDE_API_KEY\""), none);
    let settings = "identity_token_file = \"/run/token\"";
    let other = "path = \".env\"; variable = \"CLAUDE_API_KEY\"";
    assert_eq!(two(&format!("path = \".env\"; {settings}"), other), none);
    assert_eq!(
        two(&format!("path = \".env\"; {settings}"), &format!("{other}; {settings}")),
        ["Federation settings twice in one file"]
    );
}
