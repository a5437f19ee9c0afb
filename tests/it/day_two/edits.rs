//! Edits that people make, and what each comes to.

use crate::support::Environment;

pub(in super::super) const MAIN: &str = "main.keyless.hcl";

/// What an edit comes to where a workload lives off what it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comes {
    /// It is made.
    Made,
    /// It is refused, since it would cut the workload off.
    CutOff,
    /// What it changes gets a successor beside it.
    Succeeded,
    /// It is refused for what it is.
    Refused,
    /// Its lane alone is refused.
    LaneRefused,
}

pub(super) type Edit = (&'static str, fn(&Environment), Comes);

pub(in super::super) fn replace(environment: &Environment, changes: &[(&str, &str)]) {
    changes.iter().for_each(|(from, to)| environment.edit(MAIN, from, to));
}

/// Takes a top-level block out.
pub(in super::super) fn without(environment: &Environment, head: &str) {
    let text = environment.read(MAIN);
    let start = text.find(head).unwrap_or_else(|| panic!("no {head} in\n{text}"));
    let end = start + text[start..].find("\n}\n").unwrap() + 3;
    environment.write(MAIN, &format!("{}{}", &text[..start], &text[end..]));
}

pub(super) const RULE: &str = "federation_rule \"app\" {";
pub(in super::super) const KEY: &str = "api_key \"app\" {";
const PRODUCTION: &str =
    "data \"workspace\" \"prod\" {\n  name = \"Production\"\n}\n\nprovider \"oidc\" \"dev\" {";
const PROVIDER: &str = "provider \"oidc\" \"dev\" {";
const MEMBER: &str = "  membership {\n    workspace = data.workspace.eng\n";
const ONE: &str = "workspaces      = [data.workspace.eng]";

pub(super) const EDITS: [Edit; 27] = [
    ("another subject", |e| replace(e, &[("device:one", "device:two")]), Comes::Succeeded),
    (
        "one more claim",
        |e| {
            replace(
                e,
                &[("subject = \"device:one\"", "subject = \"device:one\"\n    claims = { site = \"a\" }")],
            )
        },
        Comes::Succeeded,
    ),
    (
        "another audience",
        |e| replace(e, &[("subject = \"device:one\"", "subject = \"device:one\"\n    audience = \"other\"")]),
        Comes::CutOff,
    ),
    (
        "another workspace",
        |e| {
            replace(
                e,
                &[
                    (PROVIDER, PRODUCTION),
                    (MEMBER, "  membership {\n    workspace = data.workspace.prod\n"),
                    (ONE, "workspaces      = [data.workspace.prod]"),
                ],
            );
        },
        Comes::Succeeded,
    ),
    (
        "one more workspace",
        |e| {
            let member = "  membership {\n    workspace = data.workspace.prod\n    role      = \"workspace_developer\"\n  }\n";
            replace(
                e,
                &[
                    (PROVIDER, PRODUCTION),
                    (MEMBER, &format!("{member}{MEMBER}")),
                    (ONE, "workspaces      = [data.workspace.prod, data.workspace.eng]"),
                ],
            );
        },
        Comes::Made,
    ),
    (
        "another account",
        |e| {
            let text = e.read(MAIN);
            let account = &text[text.find("service_account \"app\"").unwrap()..text.find(RULE).unwrap()];
            let other = account.replace("\"app\"", "\"other\"");
            replace(
                e,
                &[
                    (RULE, &format!("{other}{RULE}")),
                    ("service_account = service_account.app", "service_account = service_account.other"),
                ],
            );
        },
        Comes::Succeeded,
    ),
    (
        "account renamed",
        |e| {
            replace(
                e,
                &[
                    ("service_account \"app\"", "service_account \"app_v2\""),
                    ("service_account.app", "service_account.app_v2"),
                ],
            );
        },
        Comes::Made,
    ),
    (
        "account with another name",
        |e| replace(e, &[("service_account \"app\" {", "service_account \"app\" {\n  name = \"other\"")]),
        Comes::Succeeded,
    ),
    ("account gone", |e| without(e, "service_account \"app\" {"), Comes::Refused),
    ("another issuer", |e| replace(e, &[("devices.acme", "devices2.acme")]), Comes::Succeeded),
    (
        "tokens of a shorter life",
        |e| replace(e, &[(PROVIDER, "provider \"oidc\" \"dev\" {\n  max_jwt_lifetime_seconds = 600")]),
        Comes::CutOff,
    ),
    (
        "another provider",
        |e| {
            let other =
                "provider \"oidc\" \"other\" {\n  issuer_url = \"https://devices3.acme.example.com\"\n}\n\n";
            let both = format!("{other}{PROVIDER}");
            replace(e, &[(PROVIDER, &both), ("= provider.oidc.dev", "= provider.oidc.other")]);
        },
        Comes::Succeeded,
    ),
    (
        "another provider of one URL",
        |e| {
            let other = "provider \"oidc\" \"other\" {\n  issuer_url = \"https://devices.acme.example.com\"\n  check_jti  = false\n}\n\n";
            let both = format!("{other}{PROVIDER}");
            replace(e, &[(PROVIDER, &both), ("= provider.oidc.dev", "= provider.oidc.other")]);
        },
        Comes::Succeeded,
    ),
    (
        "provider renamed",
        |e| replace(e, &[("\"dev\"", "\"devices\""), ("provider.oidc.dev", "provider.oidc.devices")]),
        Comes::Made,
    ),
    (
        "another scope",
        |e| {
            replace(
                e,
                &[(ONE, "workspaces      = [data.workspace.eng]\n  oauth_scope = \"workspace:developer\"")],
            )
        },
        Comes::CutOff,
    ),
    (
        "a shorter life of minted tokens",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  token_lifetime_seconds = 600")]),
        Comes::Made,
    ),
    (
        "a description",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  description = \"Devices\"")]),
        Comes::Made,
    ),
    (
        "rule with another name",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  name = \"devices\"")]),
        Comes::Made,
    ),
    (
        "rule renamed",
        |e| {
            replace(
                e,
                &[
                    ("federation_rule \"app\"", "federation_rule \"v2\""),
                    ("[federation_rule.app]", "[federation_rule.v2]"),
                ],
            )
        },
        Comes::Made,
    ),
    (
        "a second rule instead",
        |e| {
            replace(
                e,
                &[
                    (RULE, "federation_rule \"v2\" {\n  token_lifetime_seconds = 600"),
                    ("[federation_rule.app]", "[federation_rule.v2]"),
                ],
            );
        },
        Comes::Made,
    ),
    ("key block gone", |e| without(e, KEY), Comes::Made),
    (
        "key and rule blocks gone",
        |e| {
            without(e, KEY);
            without(e, RULE);
        },
        Comes::CutOff,
    ),
    (
        "all gone",
        |e| {
            let text = e.read(MAIN);
            e.write(MAIN, &text[..text.find("data ").unwrap()]);
        },
        Comes::CutOff,
    ),
    ("key renamed", |e| replace(e, &[("api_key \"app\"", "api_key \"device\"")]), Comes::Made),
    ("consumer renamed", |e| replace(e, &[("\"dotenv\" \"app\"", "\"dotenv\" \"device\"")]), Comes::Made),
    (
        "another variable",
        |e| replace(e, &[("\"m/.env\"", "\"m/.env\"\n    variable = \"OTHER_KEY\"")]),
        Comes::LaneRefused,
    ),
    (
        "another file",
        |e| {
            e.write("m/other.env", "LOG=1\n");
            replace(e, &[("\"m/.env\"", "\"m/other.env\"")]);
        },
        Comes::LaneRefused,
    ),
];
