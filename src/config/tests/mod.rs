//! Tests of the whole way from text to configuration.

mod blocks;
mod consumers;
mod language;
mod letters;
mod lints;
mod odd_values;
mod problems;
mod properties;
mod secrets;
mod written;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::load::{Tables, load_with};
use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, SourceMap};
use crate::lint::{Finding, LintedRule};
use crate::provider::{Argument, ArgumentProblem, Holds, IssuerPreset, ProviderKind};
use crate::resource::{Jwks, Match};

/// Two kinds that exist for these tests alone.
static KINDS: [ProviderKind; 2] = [
    ProviderKind {
        name: "github_actions",
        arguments: &[text("organization", true)],
        match_arguments: &[text("repository", true), text("environment", false)],
        profile: None,
        issuer: |_| Ok(preset("https://token.actions.githubusercontent.com")),
        compile_match: |_, typed| {
            let repository = typed["repository"].as_str().unwrap_or_default();
            if !repository.contains('/') {
                return Err(vec![ArgumentProblem {
                    argument: "repository".to_owned(),
                    detail: "A repository is OWNER/NAME.".to_owned(),
                    hint: "write OWNER/NAME".to_owned(),
                }]);
            }
            let tail = typed.get("environment").and_then(Json::as_str).unwrap_or("none");
            Ok(Match {
                subject_prefix: Some(format!("repo:{repository}:environment:{tail}")),
                claims: BTreeMap::from([("repository".to_owned(), repository.to_owned())]),
                ..Match::default()
            })
        },
    },
    ProviderKind {
        name: "oidc",
        arguments: &[text("issuer_url", true)],
        match_arguments: &[],
        profile: None,
        issuer: |arguments: &Map<String, Json>| {
            Ok(preset(arguments["issuer_url"].as_str().unwrap_or_default()))
        },
        compile_match: |_, _| Ok(Match::default()),
    },
];

const fn text(name: &'static str, required: bool) -> Argument {
    Argument { name, holds: Holds::Text, required, description: "a test" }
}

fn preset(issuer_url: &str) -> IssuerPreset {
    IssuerPreset {
        issuer_url: issuer_url.to_owned(),
        jwks: Jwks::Discovery { discovery_base: None, ca_cert_pem: None },
        check_jti: true,
        max_jwt_lifetime_seconds: 3_600,
    }
}

/// Everything that a key needs, in 25 lines.
const SOUND: &str = r#"
provider "github_actions" "github" { organization = "acme" }
data "workspace" "prod" { name = "Production" }
service_account "release" {
  membership {
    workspace = data.workspace.prod
    role      = "workspace_developer"
  }
}
federation_rule "release" {
  provider        = provider.github_actions.github
  service_account = service_account.release
  workspaces      = [data.workspace.prod]
  match {
    repository  = "acme/app"
    environment = "production"
    audience    = "https://api.anthropic.com"
  }
}
api_key "ci" {
  id          = "apikey_01"
  replaced_by = [federation_rule.release]
  consumer "dotenv" "laptop" { path = ".env" }
}
"#;

/// A load with its surroundings.
#[derive(Default)]
struct Trial {
    sources: SourceMap,
    variables: BTreeMap<String, VariableInput>,
    known: KnownObjects,
    lint: Option<fn(LintedRule<'_>) -> Vec<Finding>>,
}

impl Trial {
    fn of(text: &str) -> Trial {
        Trial::default().file("main.keyless.hcl", text)
    }

    fn file(mut self, name: &str, text: &str) -> Trial {
        self.sources.add(name, text);
        self
    }

    fn variable(mut self, name: &str, input: VariableInput) -> Trial {
        self.variables.insert(name.to_owned(), input);
        self
    }

    fn known(mut self, address: &str, name: &str, value: &str) -> Trial {
        let address = address.parse().expect("an address");
        self.known.entry(address).or_default().insert(name.to_owned(), value.into());
        self
    }

    fn load(&self) -> (Option<Configuration>, Diagnostics) {
        let read_file = |path: &str| match path {
            "greeting.txt" => Ok("hello\n".to_owned()),
            "key.env" => Ok(format!("ANTHROPIC_API_KEY={}{}\n", "sk-ant-", "api03-canaryCANARYcanary")),
            "key.pem" => Ok("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n".to_owned()),
            _ => Err("cannot be read: no such file".to_owned()),
        };
        let inputs = Inputs { variables: &self.variables, known: &self.known, read_file: &read_file };
        let check_rule = self.lint.unwrap_or(|_| Vec::new());
        load_with(&self.sources, &inputs, Tables { kinds: &KINDS, check_rule })
    }

    /// The problems as `line: summary`, or `file:line: summary` where there are several files.
    fn problems(&self) -> Vec<String> {
        let (configuration, found) = self.load();
        if found.has_errors() {
            let lints_only = found.iter().all(|d| d.code.is_some() || d.severity == Severity::Warning);
            assert!(configuration.is_none() || lints_only, "a configuration in spite of errors");
        }
        found.into_sorted().iter().map(|diagnostic| self.line(diagnostic)).collect()
    }

    fn line(&self, diagnostic: &Diagnostic) -> String {
        let Some(label) = diagnostic.labels.first() else { return diagnostic.summary.clone() };
        let place = self.sources.location(label.span);
        match self.sources.files().count() {
            1 => format!("{}: {}", place.line, diagnostic.summary),
            _ => format!("{}:{}: {}", place.file, place.line, diagnostic.summary),
        }
    }

    /// The configuration; panics with the problems if there is none.
    fn configuration(&self) -> Configuration {
        let (configuration, found) = self.load();
        configuration.unwrap_or_else(|| panic!("{found:#?}"))
    }
}

/// Expects these problems, in this order, and no others.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(Trial::of(text).problems(), expected, "{text}");
}

/// Expects one problem whose words contain `words`.
#[track_caller]
fn check_words(text: &str, words: &[&str]) {
    let (_, found) = Trial::of(text).load();
    let list = found.into_sorted();
    assert_eq!(list.len(), 1, "{text}\n{list:#?}");
    let labels: Vec<&str> = list[0].labels.iter().map(|label| &*label.text).collect();
    let all = format!(
        "{} {} {} {}",
        list[0].summary,
        list[0].detail,
        labels.join(" "),
        list[0].hint.clone().unwrap_or_default()
    );
    for word in words {
        assert!(all.contains(word), "{word:?} is not in {all:?}");
    }
}

/// The value of an expression as JSON; none while it is unknown.
#[track_caller]
fn output(expression: &str) -> Option<Json> {
    let text = format!("{SOUND}\noutput \"x\" {{\n  value = {expression}\n}}\n");
    Trial::of(&text).configuration().outputs["x"].value.clone()
}
