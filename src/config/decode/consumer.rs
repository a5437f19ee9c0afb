//! `consumer` blocks of a key: the places where it is used.

mod forge;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use keyless_state::{Address, ConsumerId, Kind};

use super::fields::{Fields, Given};
use super::workspace;
use crate::config::nearest;
use crate::config::scan;
use crate::config::section::Section;
use crate::config::{ClaudeCodeSettings, Consumer, ConsumerDriver, SettingsEntry};
use crate::diagnostic::{Diagnostic, Span};
use crate::env_file::{Format, quoted};

const KINDS: [&str; 10] = [
    "dotenv",
    "claude_code_settings",
    "github_secret",
    "gitlab_variable",
    "kubernetes_secret",
    "aws_secret",
    "gcp_secret",
    "azure_secret",
    "command",
    "manual",
];
const VARIABLE_DEFAULT: &str = "ANTHROPIC_API_KEY";

/// Reads all consumers of a key; there must be one at least.
pub(super) fn decode_all(
    key: &mut Fields<'_>,
    replaced_by: &BTreeSet<Address>,
) -> Option<BTreeMap<ConsumerId, Consumer>> {
    let mut consumers = BTreeMap::new();
    let mut places: BTreeMap<ConsumerId, Span> = BTreeMap::new();
    let mut all = true;
    for section in key.sections("consumer") {
        let Some(id) = id(key, section) else {
            all = false;
            continue;
        };
        if let Some(first) = places.insert(id.clone(), section.header) {
            let diagnostic = Diagnostic::error("Declared twice")
                .detail(format!("The consumer {id} is declared twice in one key."))
                .label(section.header, "declared again here")
                .label(first, "first declared here")
                .hint("give one of the two another name");
            key.report(diagnostic);
        }
        match decode(key, section, &id, replaced_by) {
            Some(consumer) => {
                consumers.insert(id, consumer);
            }
            None => all = false,
        }
    }
    if places.is_empty() && all && !key.section.broken {
        let detail =
            "A key without a consumer cannot be retired safely: nobody would know where it is still used.";
        let header = key.section.header;
        key.refuse(
            "Missing block",
            detail,
            header,
            "add `consumer \"manual\" \"NAME\" { instructions = \"…\" }`, or a kind that removes the key itself",
        );
        return None;
    }
    all.then_some(consumers)
}

fn id(key: &mut Fields<'_>, section: &Section) -> Option<ConsumerId> {
    let [kind, name] = &section.labels[..] else {
        let detail = format!("The block `consumer` takes 2 labels, but here are {}.", section.labels.len());
        key.refuse(
            "Wrong number of labels",
            detail,
            section.header,
            "write `consumer \"KIND\" \"NAME\" { … }`",
        );
        return None;
    };
    if !KINDS.contains(&&*kind.text) {
        let hint = nearest::suggest(&kind.text, "there is", KINDS);
        let detail = format!("There is no consumer kind `{}`.", kind.text);
        key.refuse("Unknown consumer kind", detail, kind.span, hint);
        return None;
    }
    if !scan::is_name(&name.text) {
        let detail = "A name begins with a letter or `_` and goes on with letters, digits, `_` and `-`.";
        key.refuse("Invalid name", detail, name.span, "choose another name");
        return None;
    }
    Some(ConsumerId { kind: kind.text.clone(), name: name.text.clone() })
}

fn decode(
    key: &Fields<'_>,
    section: &Section,
    id: &ConsumerId,
    replaced_by: &BTreeSet<Address>,
) -> Option<Consumer> {
    let mut fields = key.inner(section);
    let report = fields.file("report").map(|given| PathBuf::from(given.value));
    let rule = rule(&mut fields, replaced_by);
    let workspace = fields.value("workspace", workspace::reference).map(|given| given.value);
    let driver = match &*id.kind {
        "dotenv" => dotenv(&mut fields),
        "claude_code_settings" => claude_code_settings(&mut fields),
        "github_secret" => forge::github_secret(&mut fields),
        "gitlab_variable" => forge::gitlab_variable(&mut fields),
        "kubernetes_secret" => store::kubernetes_secret(&mut fields),
        "aws_secret" => store::aws_secret(&mut fields),
        "gcp_secret" => store::gcp_secret(&mut fields),
        "azure_secret" => store::azure_secret(&mut fields),
        "command" => command(&mut fields),
        _ => manual(&mut fields),
    };
    fields.finish(&[]);
    if !fields.is_sound() {
        return None;
    }
    let location = fields.context.location(section.header);
    Some(Consumer { location, rule: rule?, workspace, report, driver: driver? })
}

fn rule(fields: &mut Fields<'_>, replaced_by: &BTreeSet<Address>) -> Option<Address> {
    let names = || replaced_by.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
    match fields.reference("rule", Kind::FederationRule) {
        Some(given) if replaced_by.is_empty() || replaced_by.contains(&given.value) => Some(given.value),
        Some(given) => {
            let detail = format!("{} is not one of the rules that replace this key.", given.value);
            let hint = format!("choose one of {}, or add it to `replaced_by`", names());
            fields.refuse("Rule does not replace the key", detail, given.span, hint);
            None
        }
        None if replaced_by.len() == 1 => replaced_by.first().cloned(),
        None => {
            // Without a single rule, the problem of `replaced_by` has been reported already.
            if replaced_by.len() > 1 {
                fields.require("rule", false, &format!("`rule = …`, one of {}", names()));
            }
            None
        }
    }
}

fn dotenv(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let path = fields.file("path");
    fields.require("path", path.is_some(), "`path = \".env\"`");
    let given = format(fields);
    let variable = variable(fields);
    let token_file = fields.file("identity_token_file");
    let path = PathBuf::from(path?.value);
    let format = given.unwrap_or_else(|| Format::guess(&path));
    if let Some(given) = &token_file
        && let Err(fault) = quoted(&given.value, format)
    {
        let detail = format!("This path cannot be written into the file beside the key: {fault}.");
        let hint = "move the token to a path of plain characters, such as /run/secrets/identity-token";
        fields.refuse("Path that readers would take differently", detail, given.span, hint);
    }
    Some(ConsumerDriver::Dotenv {
        path,
        format,
        variable: variable.unwrap_or_else(|| VARIABLE_DEFAULT.to_owned()),
        identity_token_file: token_file.map(|given| given.value),
    })
}

fn format(fields: &mut Fields<'_>) -> Option<Format> {
    let given = fields.text("format")?;
    let found = Format::named(&given.value);
    if found.is_none() {
        let names = Format::ALL.map(Format::name);
        let detail = format!("`format` says who reads the file, and nothing is known of `{}`.", given.value);
        let hint = nearest::suggest(&given.value, "there is", names);
        fields.refuse("Unknown format", detail, given.span, hint);
    }
    found
}

fn variable(fields: &mut Fields<'_>) -> Option<String> {
    let given = fields.text("variable")?;
    if !is_variable(&given.value) {
        let detail = "The name of an environment variable has letters, digits and `_`, and no digit first.";
        fields.refuse("Invalid variable name", detail, given.span, "write for example \"ANTHROPIC_API_KEY\"");
    }
    Some(given.value)
}

fn claude_code_settings(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let path = fields.file("path");
    fields.require("path", path.is_some(), "`path = \".claude/settings.json\"`");
    let variable = variable(fields);
    let helper = fields.bool("api_key_helper");
    let entry = match (helper, variable) {
        (Some(given), Some(_)) if given.value => {
            let detail = "A consumer is one place: either a variable below `env`, or `apiKeyHelper`.";
            let hint = "write a consumer block for each of the two";
            fields.refuse("Conflicting arguments", detail, given.span, hint);
            return None;
        }
        (Some(given), None) if given.value => SettingsEntry::Helper,
        (_, variable) => SettingsEntry::Variable(variable.unwrap_or_else(|| VARIABLE_DEFAULT.to_owned())),
    };
    Some(ConsumerDriver::ClaudeCodeSettings(ClaudeCodeSettings { path: PathBuf::from(path?.value), entry }))
}

fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn command(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let check = program(fields, "check");
    let remove = program(fields, "remove");
    let restore = program(fields, "restore");
    fields.require(
        "check",
        check.is_some(),
        "`check = [\"program\", …]`, which prints `present` or `absent`",
    );
    fields.require("remove", remove.is_some(), "`remove = [\"program\", …]`, which takes the key out");
    Some(ConsumerDriver::Command { check: check?, remove: remove?, restore })
}

fn program(fields: &mut Fields<'_>, name: &'static str) -> Option<Vec<String>> {
    let given = fields.texts(name)?;
    if given.value.first().is_none_or(|program| program.trim().is_empty()) {
        let hint = "write the program and its arguments, such as [\"./remove-key\", \"--now\"]";
        fields.refuse("Empty command", format!("`{name}` names no program."), given.span, hint);
        return None;
    }
    Some(given.value)
}

fn manual(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let instructions = fields.text("instructions");
    fields.require("instructions", instructions.is_some(), "`instructions = \"what a person has to do\"`");
    Some(ConsumerDriver::Manual { instructions: instructions?.value })
}

/// A text that must be there and must satisfy `fits`.
fn required(
    fields: &mut Fields<'_>,
    name: &'static str,
    example: &str,
    fits: fn(&str) -> bool,
) -> Option<Given<String>> {
    let given = fields.text(name);
    fields.require(name, given.is_some(), &format!("`{name} = \"{example}\"`"));
    fitting(fields, name, given?, example, fits)
}

/// The same for a text that may be left out.
fn optional(
    fields: &mut Fields<'_>,
    name: &'static str,
    example: &str,
    fits: fn(&str) -> bool,
) -> Option<Given<String>> {
    let given = fields.text(name)?;
    fitting(fields, name, given, example, fits)
}

fn fitting(
    fields: &mut Fields<'_>,
    name: &'static str,
    given: Given<String>,
    example: &str,
    fits: fn(&str) -> bool,
) -> Option<Given<String>> {
    if fits(&given.value) {
        return Some(given);
    }
    let detail = format!("`{name}` cannot be `{}`: the store knows no such name.", given.value);
    fields.refuse("Invalid name", detail, given.span, format!("write it like \"{example}\""));
    None
}

/// One segment of a path: nothing in it that a URL would read otherwise.
fn is_segment(text: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '/' && c != '\\';
    !text.is_empty() && text.chars().all(plain) && !matches!(text, "." | "..")
}

fn is_path(text: &str) -> bool {
    text.split('/').all(is_segment)
}
