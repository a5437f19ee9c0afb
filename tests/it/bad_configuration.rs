//! Configurations that are wrong: every message, and nothing done.

use super::support::Environment;

const SIMULATED: &str = "keyless {\n  platform \"simulator\" {}\n}\n";

/// Plans a small configuration; `name` is the snapshot's.
#[track_caller]
fn refused(name: &str, text: &str) {
    let environment = Environment::with(&[("main.keyless.hcl", &format!("{SIMULATED}{text}"))]);
    let run = environment.keyless("plan -parallelism=1").exits(1);
    insta::assert_snapshot!(format!("bad_{name}"), run.told());
    assert!(!environment.path(".keyless/state.json").exists());
}

/// Plans the one-lane configuration with a mistake in it.
#[track_caller]
fn mistaken(name: &str, from: &str, to: &str) {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", from, to);
    let run = environment.keyless("apply -auto-approve -parallelism=1").exits(1);
    insta::assert_snapshot!(format!("bad_{name}"), run.told());
    if environment.path(".keyless/simulator/world.json").exists() {
        assert_eq!(environment.world()["rules"], serde_json::json!({}));
    }
}

#[test]
fn syntax_errors_of_all_files_come_at_once() {
    let environment = Environment::with(&[
        ("a.keyless.hcl", "service_account \"a\" {\n  description = \n}\n"),
        ("b.keyless.hcl", "service_account \"b\" {\n  description = \"unfinished\n}\n"),
    ]);
    told!("bad_syntax", environment.keyless("plan").exits(1));
    told!("bad_syntax_json", environment.keyless("validate -json").exits(1));
}

#[test]
fn blocks_arguments_and_types() {
    refused("unknown_block", "servce_account \"a\" {}\n");
    refused("unknown_argument", "service_account \"a\" {\n  descripton = \"x\"\n}\n");
    refused("wrong_type", "service_account \"a\" {\n  description = [1]\n}\n");
    refused("duplicate", "service_account \"a\" {}\nservice_account \"a\" {}\n");
    refused("missing_variable", "variable \"team\" {\n  type = string\n}\n");
}

#[test]
fn references() {
    mistaken("reference", "service_account.ci\n", "service_account.cj\n");
    refused("cycle", "locals {\n  a = local.b\n  b = local.a\n}\n");
}

#[test]
fn values_that_the_api_refuses() {
    refused("name", "service_account \"a\" {\n  name = \"Team A\"\n}\n");
    let in_rule = "provider        = provider.github_actions.github";
    mistaken("lifetime", in_rule, &format!("{in_rule}\n  token_lifetime_seconds = 30"));
    mistaken("scope", in_rule, &format!("{in_rule}\n  oauth_scope = \"workspace:inferense\""));
    mistaken("workspace", "\"Production\"", "\"Produktion\"");
    let membership = "  membership {\n    workspace = data.workspace.production\n    role      = \"workspace_developer\"\n  }\n";
    mistaken("no_member", membership, "");
    mistaken("organization", "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001", "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0002");
}

#[test]
fn a_key_that_the_organization_has_not_refuses_its_lane() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "apikey_01Ci", "apikey_01Cj");
    told!("bad_key_id", environment.apply());
    assert_eq!(environment.lane("api_key.ci")["standing"]["state"], "refused");
}

#[test]
fn a_secret_in_a_file_is_never_repeated() {
    let canary = "sk-ant-api03-canaryCANARYcanary0123456789";
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "apikey_01Ci", canary);
    for command in ["plan", "validate", "validate -json", "apply -auto-approve", "status", "drift"] {
        let run = environment.keyless(command).exits(1);
        assert!(!run.stdout.contains("canary") && !run.stderr.contains("canary"), "{command}");
    }
    told!("bad_secret", environment.keyless("plan"));
}

#[test]
fn the_configuration_that_is_shown_where_there_is_none_is_valid() {
    let environment = Environment::with(&[]);
    let run = environment.keyless("plan").exits(1);
    told!("no_configuration", run);
    let shown: Vec<&str> =
        run.stderr.lines().skip_while(|line| !line.trim_start().starts_with("provider ")).collect();
    let indent = shown[0].len() - shown[0].trim_start().len();
    let end = shown.iter().rposition(|line| line.trim() == "}").unwrap();
    let text: Vec<&str> = shown[..=end].iter().map(|line| line.get(indent..).unwrap_or_default()).collect();
    environment.write("main.keyless.hcl", &text.join("\n"));
    environment.keyless("validate").exits(0);
}
