//! `federation_rule` blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use keyless_state::{Address, Kind};

use super::fields::Fields;
use super::matching::{self, MatchPlaces};
use super::{Context, ProviderParts, api_name, workspace};
use crate::config::configuration::{FederationRule, IdentityTokenSource, WorkspaceChoice};
use crate::config::nearest;
use crate::config::section::Section;
use crate::diagnostic::Diagnostic;
use crate::limits;

const SCOPE_DEFAULT: &str = "workspace:inference";
/// Through the API.
const SCOPES: [&str; 2] = [SCOPE_DEFAULT, "workspace:developer"];
/// In the Console alone.
const CONSOLE_SCOPES: [&str; 2] = ["org:admin", "workspace:manage_tunnels"];
const TOKEN_LIFETIME_DEFAULT: i64 = 3_600;

pub(super) fn decode(
    context: &Context<'_>,
    address: &Address,
    section: &Section,
    providers: &BTreeMap<Address, ProviderParts>,
) -> Option<(FederationRule, MatchPlaces)> {
    let mut fields = Fields::of(context, section, address);
    let name = api_name::name(&mut fields, address);
    let description = api_name::description(&mut fields);
    let provider = fields.reference("provider", Kind::Provider);
    fields.require("provider", provider.is_some(), "`provider = provider.KIND.NAME`");
    let account = fields.reference("service_account", Kind::ServiceAccount);
    fields.require("service_account", account.is_some(), "`service_account = service_account.NAME`");
    let workspaces = workspaces(&mut fields);
    let oauth_scope = scope(&mut fields, address);
    let token_lifetime_seconds = lifetime(&mut fields);
    let parts = provider.as_ref().and_then(|given| providers.get(&given.value));
    let matched = match fields.section("match") {
        Some(section) => matching::decode(&mut fields, section, parts),
        None => {
            if !section.broken {
                let detail = format!(
                    "{address} needs a block `match` that says which tokens may become the service account."
                );
                fields.refuse("Missing block", detail, section.header, "add `match { … }`");
            }
            None
        }
    };
    let identity_token = match fields.section("identity_token") {
        Some(section) => {
            let source = identity_token(&mut fields, section);
            if source.is_none() {
                fields.spoil();
            }
            source
        }
        None => None,
    };
    fields.finish(&["match", "identity_token"]);
    if !fields.is_sound() {
        return None;
    }
    let (matching, places) = matched?;
    let rule = FederationRule {
        location: context.location(section.header),
        name: name?,
        description,
        provider: provider?.value,
        service_account: account?.value,
        workspaces: workspaces?,
        oauth_scope,
        token_lifetime_seconds,
        matching,
        identity_token,
    };
    Some((rule, places))
}

fn workspaces(fields: &mut Fields<'_>) -> Option<WorkspaceChoice> {
    let list = fields.list("workspaces", workspace::reference);
    let all = fields.bool("applies_to_all_workspaces").filter(|given| given.value);
    match (list, all) {
        (Some(list), None) if list.value.is_empty() => {
            let detail = "A rule must be enabled in at least one workspace; `workspaces` is empty.";
            fields.refuse("No workspace", detail, list.span, "name a workspace, such as data.workspace.NAME");
            None
        }
        (Some(list), None) => Some(WorkspaceChoice::These(list.value.into_iter().collect::<BTreeSet<_>>())),
        (None, Some(_)) => Some(WorkspaceChoice::All),
        (Some(list), Some(all)) => {
            let diagnostic = Diagnostic::error("Conflicting arguments")
                .detail("A rule is enabled in the workspaces of a list, or in all; here it is both.")
                .label(all.span, "")
                .label(list.span, "")
                .hint("remove `applies_to_all_workspaces`, so that workspaces of tomorrow are not included");
            fields.report(diagnostic);
            None
        }
        (None, None) => {
            fields.require("workspaces", false, "`workspaces = [data.workspace.NAME]`");
            None
        }
    }
}

fn scope(fields: &mut Fields<'_>, address: &Address) -> String {
    let Some(given) = fields.text("oauth_scope") else { return SCOPE_DEFAULT.to_owned() };
    let mut words: Vec<&str> = Vec::new();
    for word in given.value.split_whitespace() {
        if words.contains(&word) {
            let detail = format!("`oauth_scope` holds `{word}` twice, and the API keeps a scope once.");
            fields.refuse("Scope given twice", detail, given.span, "remove one of the two");
        } else {
            words.push(word);
        }
    }
    for word in words.iter().filter(|word| !SCOPES.contains(word)) {
        if CONSOLE_SCOPES.contains(word) {
            // A warning, which leaves the block sound.
            let warning = Diagnostic::warning("Scope is managed in the Console only")
                .detail(format!(
                    "The API lets only the Console create, change and archive rules with the scope `{word}`. The \
                     plan says what to do there by hand, and holds back what needs this rule."
                ))
                .label(given.span, "")
                .hint(format!("write `oauth_scope = \"{SCOPE_DEFAULT}\"` unless the workload needs the other scope"));
            fields.context.report(warning.address(address));
            continue;
        }
        let known = SCOPES.into_iter().chain(CONSOLE_SCOPES);
        fields.refuse(
            "Unknown scope",
            format!("There is no scope `{word}` for federation rules."),
            given.span,
            nearest::suggest(word, "there is", known),
        );
    }
    words.join(" ")
}

fn lifetime(fields: &mut Fields<'_>) -> i64 {
    let Some(given) = fields.whole("token_lifetime_seconds") else { return TOKEN_LIFETIME_DEFAULT };
    if !limits::TOKEN_LIFETIME_SECONDS.contains(&given.value) {
        let (least, most) = limits::TOKEN_LIFETIME_SECONDS.into_inner();
        fields.refuse(
            "Number out of range",
            format!("`token_lifetime_seconds` is {}, and the API takes {least} to {most}.", given.value),
            given.span,
            format!("write a number from {least} to {most}; {TOKEN_LIFETIME_DEFAULT} is an hour"),
        );
    }
    given.value
}

fn identity_token(fields: &mut Fields<'_>, section: &Section) -> Option<IdentityTokenSource> {
    let mut inner = fields.inner(section);
    let file = inner.file("file");
    let command = inner.texts("command");
    inner.finish(&[]);
    match (file, command) {
        (Some(file), None) => Some(IdentityTokenSource::File(PathBuf::from(file.value))),
        (None, Some(command)) if command.value.first().is_none_or(|program| program.trim().is_empty()) => {
            let hint = "write the program and its arguments, such as [\"get-token\", \"--raw\"]";
            inner.refuse("Empty command", "`command` names no program.", command.span, hint);
            None
        }
        (None, Some(command)) => Some(IdentityTokenSource::Command(command.value)),
        (Some(_), Some(command)) => {
            let detail = "The token comes from `file` or from `command`, not from both.";
            inner.refuse("Conflicting arguments", detail, command.span, "remove one of the two");
            None
        }
        (None, None) => {
            if inner.is_sound() {
                let detail = "The block `identity_token` needs `file` or `command`.";
                let hint = "add `file = \"path\"` or `command = [\"program\", \"argument\"]`";
                inner.refuse("Missing argument", detail, section.header, hint);
            }
            None
        }
    }
}
