//! The language from end to end: what a person writes is what the plan shows.

use super::support::{Environment, Run};

const ID: &str = "104892101234567890123";

/// A rule for a Google service account whose unique id is `value`.
fn rule_for(value: &str, more: &str) -> Environment {
    let text = format!(
        "keyless {{\n  platform \"simulator\" {{}}\n}}\n{more}
provider \"gcp\" \"google\" {{}}
service_account \"app\" {{}}
federation_rule \"app\" {{
  provider                  = provider.gcp.google
  service_account           = service_account.app
  applies_to_all_workspaces = true
  match {{
    service_account_unique_id = {value}
  }}
}}
"
    );
    Environment::with(&[
        ("main.keyless.hcl", &text),
        ("account.json", &format!("{{\"unique_id\": {ID}}}")),
        ("ids.keylessvars", &format!("id = {ID}\n")),
    ])
}

#[track_caller]
fn keeps_the_id(run: Run) {
    let run = run.exits(0).says(&format!("\"{ID}\""));
    assert!(!run.stdout.contains("104892101234567890000"), "{}", run.stdout);
}

#[test]
fn a_long_id_without_quotes_keeps_its_digits() {
    let plan = |value: &str, more: &str| rule_for(value, more).keyless("plan");
    keeps_the_id(plan(ID, ""));
    keeps_the_id(plan(&format!("\"{ID}\""), ""));
    keeps_the_id(plan("local.id", &format!("locals {{\n  id = {ID}\n}}\n")));
    keeps_the_id(plan("\"${local.id}\"", &format!("locals {{\n  id = {ID}\n}}\n")));
    keeps_the_id(plan("jsondecode(file(\"account.json\")).unique_id", ""));
    keeps_the_id(plan("format(\"%d\", jsondecode(jsonencode(tonumber(\"104892101234567890122\") + 1)))", ""));
    keeps_the_id(plan("var.id", &format!("variable \"id\" {{\n  default = {ID}\n}}\n")));
}

#[test]
fn a_long_id_from_outside_keeps_its_digits() {
    for kind in ["", "  type = number\n", "  type = string\n", "  type = any\n"] {
        let environment = rule_for("var.id", &format!("variable \"id\" {{\n{kind}}}\n"));
        keeps_the_id(environment.keyless("plan -var-file=ids.keylessvars"));
        keeps_the_id(environment.keyless(&format!("plan -var=id={ID}")));
        let mut command = environment.command(&["plan"]);
        command.env("KEYLESS_VAR_id", ID);
        keeps_the_id(environment.ended(command));
    }
}

#[test]
fn a_number_that_is_too_long_is_told_with_its_place() {
    rule_for("1e99999", "").keyless("validate").exits(1).says("main.keyless.hcl:12").says("Number too long");
    let environment =
        Environment::with(&[("main.keyless.hcl", &format!("output \"id\" {{\n  value = {ID}\n}}\n"))]);
    environment.keyless("validate").exits(1).says("main.keyless.hcl:2").says("tostring");
}

#[test]
fn a_heredoc_goes_on_behind_a_line_that_begins_with_its_marker() {
    let text = "output \"x\" {\n  value = <<EOT\nfirst\nEOT is here\nEOT: no\nlast\n  EOT  \n}\n";
    let simulated = format!("keyless {{\n  platform \"simulator\" {{}}\n}}\n{text}");
    let environment = Environment::with(&[("main.keyless.hcl", &simulated)]);
    environment.keyless("apply -auto-approve").exits(0);
    let run = environment.keyless("output -json").exits(0);
    assert_eq!(run.json()["x"]["value"], "first\nEOT is here\nEOT: no\nlast\n", "{}", run.stdout);
    environment.write("main.keyless.hcl", "output \"x\" {\n  value = upper(<<EOT\nfirst\nEOT)\n}\n");
    environment.keyless("validate").exits(1).says("main.keyless.hcl:2").says("Line 4 begins with EOT");
}

const MAIN: &str = "main.keyless.hcl";
const IN_MATCH: &str = "    environment   = \"production\"\n";

/// One lane whose rule has this line in its `match` block, and an empty variable to refer to.
fn matching(line: &str) -> Environment {
    let environment = Environment::one_lane();
    environment.edit(MAIN, IN_MATCH, &format!("{IN_MATCH}    {line}\n"));
    let output = "output \"rule\"";
    environment.edit(MAIN, output, &format!("variable \"extra\" {{\n  default = \"\"\n}}\n\n{output}"));
    environment
}

#[test]
fn an_empty_condition_is_refused_before_anything_is_done() {
    for line in [
        "condition = \"\"",
        "condition = \"  \"",
        "condition = var.extra",
        "subject_prefix = \"\"",
        "claims = { \"\" = \"x\" }",
    ] {
        let environment = matching(line);
        environment.keyless("validate").exits(1).says("main.keyless.hcl:35");
        environment.keyless("apply -auto-approve").exits(1);
        assert!(!environment.path(".keyless/state.json").exists(), "{line}");
    }
}

#[test]
fn after_an_apply_nothing_is_left_to_do_whatever_says_nothing() {
    for line in ["claims = {}", "condition = null", "condition = var.extra != \"\" ? var.extra : null"] {
        let environment = matching(line);
        for block in ["service_account \"ci\" {\n", "federation_rule \"ci\" {\n"] {
            environment.edit(MAIN, block, &format!("{block}  description = \"  \"\n"));
        }
        environment.apply();
        environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    }
}

#[test]
fn capitals_in_the_id_of_the_organization_mean_the_same() {
    let environment = Environment::one_lane();
    let id = "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001";
    environment.edit(MAIN, id, &id.to_uppercase());
    environment.apply();
    environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    environment.edit(MAIN, &id.to_uppercase(), "no-uuid");
    environment.keyless("validate").exits(1).says("main.keyless.hcl:2").says("Invalid organization id");
    environment.edit(MAIN, "no-uuid", &id.replace("0001", "0002"));
    environment.keyless("plan").exits(1).says("belongs to the organization");
}

#[test]
fn a_silence_of_no_length_is_no_proof() {
    let environment = Environment::one_lane();
    environment.edit(MAIN, "\"24h\"", "\"0h\"");
    environment
        .keyless("validate")
        .exits(1)
        .says("main.keyless.hcl:45")
        .says("from 1h to 8784h")
        .says("skip_waits");
    environment.edit(MAIN, "\"0h\"", "\"1h\"");
    environment.keyless("validate").exits(0);
}

#[test]
fn the_number_of_calls_in_flight_has_a_range() {
    let environment = Environment::one_lane();
    for wrong in ["0", "65", "-1", "many", "1.5"] {
        for command in ["plan", "apply -auto-approve", "destroy -auto-approve"] {
            environment.keyless(&format!("{command} -parallelism={wrong}")).exits(1).says("from 1 to 64");
        }
    }
    environment.keyless("plan -parallelism=64").exits(0);
}

#[test]
fn letters_typed_in_two_ways_are_the_same() {
    let environment = Environment::one_lane();
    environment.write("one.txt", "caf\u{e9}");
    environment.write("two.txt", "cafe\u{301}");
    let outputs = "output \"same\" {\n  value = file(\"one.txt\") == file(\"two.txt\")\n}\n\
                   output \"length\" {\n  value = length(file(\"two.txt\"))\n}\n";
    environment.write("outputs.keyless.hcl", outputs);
    let block = "federation_rule \"ci\" {\n";
    environment.edit(MAIN, block, &format!("{block}  description = file(\"two.txt\")\n"));
    environment.apply();
    let told = environment.keyless("output -json").exits(0).json();
    assert_eq!((&told["same"]["value"], &told["length"]["value"]), (&true.into(), &4.into()));
    environment.edit(MAIN, "two.txt", "one.txt");
    environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
}
