//! `consumer` blocks of a key: the places where it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use keyless_state::{Address, ConsumerId, Kind};

use super::fields::Fields;
use crate::config::configuration::{Consumer, ConsumerDriver};
use crate::config::nearest;
use crate::config::scan;
use crate::config::section::Section;
use crate::diagnostic::{Diagnostic, Span};

const KINDS: [&str; 3] = ["dotenv", "command", "manual"];
const KINDS_LATER: [&str; 6] =
    ["github_secret", "gitlab_variable", "kubernetes_secret", "aws_secret", "gcp_secret", "azure_secret"];
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
        if KINDS_LATER.contains(&&*kind.text) {
            let detail = format!("This version cannot reach consumers of the kind `{}` yet.", kind.text);
            key.refuse("Not available in this version", detail, kind.span, hint);
        } else {
            key.refuse(
                "Unknown consumer kind",
                format!("There is no consumer kind `{}`.", kind.text),
                kind.span,
                hint,
            );
        }
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
    let report = fields.text("report").map(|given| PathBuf::from(given.value));
    let rule = rule(&mut fields, replaced_by);
    let driver = match &*id.kind {
        "dotenv" => dotenv(&mut fields),
        "command" => command(&mut fields),
        _ => manual(&mut fields),
    };
    fields.finish(&[]);
    if !fields.is_sound() {
        return None;
    }
    let location = fields.context.location(section.header);
    Some(Consumer { location, rule: rule?, report, driver: driver? })
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
    let path = fields.text("path");
    fields.require("path", path.is_some(), "`path = \".env\"`");
    let variable = fields.text("variable");
    if let Some(given) = &variable
        && !is_variable(&given.value)
    {
        let detail = "The name of an environment variable has letters, digits and `_`, and no digit first.";
        fields.refuse("Invalid variable name", detail, given.span, "write for example \"ANTHROPIC_API_KEY\"");
    }
    let identity_token_file = fields.text("identity_token_file").map(|given| given.value);
    Some(ConsumerDriver::Dotenv {
        path: PathBuf::from(path?.value),
        variable: variable.map_or_else(|| VARIABLE_DEFAULT.to_owned(), |given| given.value),
        identity_token_file,
    })
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
    if given.value.first().is_none_or(String::is_empty) {
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
