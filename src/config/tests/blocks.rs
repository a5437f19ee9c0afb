//! Each block becomes what it says.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use keyless_state::Address;

use super::*;

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

#[test]
fn a_lane_is_read_with_its_defaults() {
    let configuration = Trial::of(SOUND).configuration();
    let provider = &configuration.providers[&address("provider.github_actions.github")];
    assert_eq!(
        (&*provider.name, &*provider.issuer_url),
        ("github", "https://token.actions.githubusercontent.com")
    );
    let prod = WorkspaceRef::Data(address("data.workspace.prod"));
    let account = &configuration.service_accounts[&address("service_account.release")];
    assert_eq!(account.memberships, BTreeMap::from([(prod.clone(), "workspace_developer".to_owned())]));
    let rule = &configuration.federation_rules[&address("federation_rule.release")];
    assert_eq!(rule.location.line, 10);
    assert_eq!(rule.workspaces, WorkspaceChoice::These(BTreeSet::from([prod])));
    assert_eq!((&*rule.oauth_scope, rule.token_lifetime_seconds), ("workspace:inference", 3_600));
    assert_eq!(rule.matching.subject_prefix.as_deref(), Some("repo:acme/app:environment:production"));
    assert_eq!(rule.matching.audience.as_deref(), Some("https://api.anthropic.com"));
    assert_eq!(rule.identity_token, None);
    let key = &configuration.api_keys[&address("api_key.ci")];
    assert_eq!((key.quiet_period, key.archive_after), (SignedDuration::from_hours(72), None));
    let (id, consumer) = key.consumers.first_key_value().expect("a consumer");
    assert_eq!(
        (id.to_string(), &consumer.rule),
        ("dotenv.laptop".to_owned(), &address("federation_rule.release"))
    );
    let driver = ConsumerDriver::Dotenv {
        path: PathBuf::from(".env"),
        format: crate::env_file::Format::Dotenv,
        variable: "ANTHROPIC_API_KEY".to_owned(),
        identity_token_file: None,
    };
    assert_eq!(consumer.driver, driver);
}

#[test]
fn every_argument_is_read() {
    let text = r#"
keyless {
  required_version = ">= 0.1, < 99"
  organization_id  = local.organization
  platform "simulator" {
    organization = "organization.json"
    skip_waits   = true
    call_timeout = "2s"
    retry_wait   = "5ms"
  }
  backend "local" { path = "elsewhere" }
}
locals { organization = "8b1f7f3e-0000-4000-8000-000000000001" }
provider "oidc" "own_issuer" {
  name                     = "own"
  issuer_url               = "https://issuer.example.com"
  check_jti                = false
  max_jwt_lifetime_seconds = 7200
  jwks                     = { type = "explicit_url", url = "https://keys.example.com/jwks" }
}
data "workspace" "by_id" { id = "wrkspc_1" }
service_account "worker_one" {
  description       = "Works"
  organization_role = "developer"
}
federation_rule "r" {
  description               = "All of it"
  provider                  = provider.oidc.own_issuer
  service_account           = service_account.worker_one
  applies_to_all_workspaces = true
  oauth_scope               = "workspace:developer"
  token_lifetime_seconds    = 600
  match {
    subject_prefix = "system:serviceaccount:ml:worker"
    audience       = "api"
    claims         = { team = "ml" }
    condition      = "claims.sub != ''"
  }
  identity_token { command = ["get-token", "--raw"] }
}
federation_rule "s" {
  provider        = provider.oidc.own_issuer
  service_account = service_account.worker_one
  applies_to_all_workspaces = true
  match { subject = "x" }
  identity_token { file = "token.jwt" }
}
api_key "k" {
  id            = "apikey_01"
  replaced_by   = [federation_rule.r, federation_rule.s]
  quiet_period  = "1h"
  archive_after = "7d"
  consumer "command" "vault" {
    rule    = federation_rule.s
    check   = ["./check"]
    remove  = ["./remove", "now"]
    restore = ["./restore"]
    report  = "vault.json"
  }
  consumer "manual" "console" {
    rule         = federation_rule.r
    instructions = "Delete it"
  }
  consumer "dotenv" "laptop" {
    rule                = federation_rule.r
    path                = ".env"
    variable            = "CLAUDE_KEY"
    identity_token_file = "/run/token"
  }
}
"#;
    let configuration = Trial::of(text).configuration();
    assert_eq!(
        configuration.settings,
        Settings {
            organization_id: Some("8b1f7f3e-0000-4000-8000-000000000001".to_owned()),
            platform: PlatformSettings::Simulator(SimulatorSettings {
                organization: Some(PathBuf::from("organization.json")),
                skip_waits: true,
            }),
            patience: Patience {
                call_timeout: Some(Duration::from_secs(2)),
                retry_wait: Some(Duration::from_millis(5)),
            },
            backend: BackendSettings::LocalPath(PathBuf::from("elsewhere")),
        }
    );
    let provider = &configuration.providers[&address("provider.oidc.own_issuer")];
    assert_eq!(
        (&*provider.name, provider.check_jti, provider.max_jwt_lifetime_seconds),
        ("own", false, 7_200)
    );
    let jwks = Jwks::ExplicitUrl { url: "https://keys.example.com/jwks".to_owned(), ca_cert_pem: None };
    assert_eq!(provider.jwks, jwks);
    assert_eq!(configuration.service_accounts[&address("service_account.worker_one")].name, "worker-one");
    assert_eq!(
        configuration.workspaces[&address("data.workspace.by_id")].by,
        WorkspaceKey::Id("wrkspc_1".to_owned())
    );
    let rule = &configuration.federation_rules[&address("federation_rule.r")];
    assert_eq!((rule.workspaces.clone(), rule.token_lifetime_seconds), (WorkspaceChoice::All, 600));
    assert_eq!(rule.matching.claims, BTreeMap::from([("team".to_owned(), "ml".to_owned())]));
    let command = vec!["get-token".to_owned(), "--raw".to_owned()];
    assert_eq!(rule.identity_token, Some(IdentityTokenSource::Command(command)));
    let key = &configuration.api_keys[&address("api_key.k")];
    assert_eq!(
        (key.quiet_period, key.archive_after),
        (SignedDuration::from_hours(1), Some(SignedDuration::from_hours(168)))
    );
    assert_eq!(key.consumers.len(), 3);
}

#[test]
fn raw_match_arguments_go_on_top_of_typed_ones() {
    let text = SOUND.replace(
        "    audience",
        "    condition = \"claims.ref != ''\"\n    claims = { ref = \"x\" }\n    audience",
    );
    let rule = &Trial::of(&text).configuration().federation_rules[&address("federation_rule.release")];
    assert_eq!(rule.matching.claims.len(), 2);
    assert_eq!(rule.matching.condition.as_deref(), Some("claims.ref != ''"));
}

#[test]
fn references_go_through_locals_and_conditions() {
    let text = SOUND.replace("[federation_rule.release]", "local.replacements")
        + r#"
locals {
  rules        = { release = federation_rule.release }
  replacements = toset([for name, rule in local.rules : rule if name == "release"])
}
output "same" { value = local.rules.release == federation_rule.release }
"#;
    let configuration = Trial::of(&text).configuration();
    let key = &configuration.api_keys[&address("api_key.ci")];
    assert_eq!(key.replaced_by, BTreeSet::from([address("federation_rule.release")]));
    assert_eq!(configuration.outputs["same"].value, Some(true.into()));
}

#[test]
fn outputs_become_known_with_the_ids() {
    let text = format!(
        "{SOUND}output \"id\" {{ value = \"rule ${{federation_rule.release.id}}\" }}\noutput \"name\" {{ value = federation_rule.release.name }}\n"
    );
    let before = Trial::of(&text);
    assert_eq!(before.configuration().outputs["id"].value, None);
    assert_eq!(before.configuration().outputs["name"].value, Some("release".into()));
    let after = before.known("federation_rule.release", "id", "fdrl_1");
    assert_eq!(after.configuration().outputs["id"].value, Some("rule fdrl_1".into()));
}

#[test]
fn variables_come_from_outside() {
    let typed = "variable \"v\" {\n  type = TYPE\n}\noutput \"o\" { value = var.v }\n";
    for (kind, given, expected) in [
        ("string", "a b", Some(r#""a b""#)),
        ("string", "[1]", Some(r#""[1]""#)),
        ("number", "42", Some("42")),
        ("bool", "true", Some("true")),
        ("list(string)", "[\"a\", 1]", Some(r#"["a","1"]"#)),
        ("map(number)", "{ a = \"1\" }", Some(r#"{"a":1}"#)),
        ("set(string)", "[\"b\", \"a\", \"b\"]", Some(r#"["a","b"]"#)),
        (
            "object({ a = string, b = optional(bool, true) })",
            "{ a = 1, c = 2 }",
            Some(r#"{"a":"1","b":true}"#),
        ),
        ("tuple([string, number])", "[1, \"2\"]", Some(r#"["1",2]"#)),
        ("any", "{ a = [1] }", Some(r#"{"a":[1]}"#)),
        ("number", "many", None),
        ("list(string)", "a", None),
        ("list(number)", "[\"x\"]", None),
        ("object({ a = string })", "{}", None),
        ("list(string)", "[", None),
    ] {
        let trial = Trial::of(&typed.replace("TYPE", kind)).variable("v", VariableInput::flag(given));
        match expected {
            Some(json) => {
                let value = trial.configuration().outputs["o"].value.clone();
                assert_eq!(value.map(|value| value.to_string()).as_deref(), Some(json), "{kind} {given}");
            }
            None => assert_eq!(trial.problems(), ["1: Invalid value for variable"], "{kind} {given}"),
        }
    }
}

#[test]
fn variables_are_checked() {
    check_words("variable \"region\" {}", &["--var region=", "KEYLESS_VAR_region", "region = …"]);
    check("variable \"v\" { default = null }\noutput \"o\" { value = var.v }", &[]);
    check("variable \"v\" {\n default = null\n nullable = false\n}", &[]);
    check("variable \"v\" { type = text }", &["1: Invalid type"]);
    check("variable \"v\" {\n type = number\n default = \"x\"\n}", &["3: Invalid value for variable"]);
    check("variable \"v\" { default = local.a }\nlocals { a = 1 }", &["1: Reference in a variable block"]);
    let validated = r#"
variable "v" {
  default = "prod"
  validation {
    condition     = contains(local.allowed, var.v)
    error_message = "It must be prod or test."
  }
}
locals { allowed = ["prod", "test"] }
"#;
    check(validated, &[]);
    let trial = Trial::of(validated).variable("v", VariableInput::environment("KEYLESS_VAR_v", "dev"));
    assert_eq!(trial.problems(), ["5: Invalid value for variable"]);
    let undeclared = Trial::of("variable \"region\" { default = 1 }");
    assert_eq!(
        undeclared.variable("regoin", VariableInput::flag("1")).problems(),
        ["Value for an undeclared variable"]
    );
    let environment = Trial::of("").variable("x", VariableInput::environment("TF_VAR_x", "1"));
    assert!(environment.problems().is_empty());
}

#[test]
fn variable_files_hold_plain_values() {
    let mut sources = SourceMap::default();
    let file =
        sources.add("a.auto.keylessvars", "# all\nregion = \"eu\"\nports = [1, 2]\nbad = local.x\nx { }\n");
    let (variables, found) = variable_file(&sources, file);
    assert_eq!(variables.keys().collect::<Vec<_>>(), ["ports", "region"]);
    let summaries: Vec<String> = found.into_sorted().into_iter().map(|d| d.summary).collect();
    assert_eq!(summaries, ["Reference in a variables file", "Unexpected block"]);
    sources.add("main.keyless.hcl", "variable \"region\" {}\nvariable \"ports\" { type = list(string) }\noutput \"o\" { value = [var.region, var.ports] }\n");
    let trial = Trial { sources, variables, ..Trial::default() };
    assert_eq!(trial.configuration().outputs["o"].value, Some(serde_json::json!(["eu", ["1", "2"]])));
}
