//! A key that comes in by a value reaches nothing that is recorded, shown or sent.

use std::path::Path;

use super::support::{Environment, Run};

/// A part of every key that stands in a file here.
const CANARY: &str = "canaryCANARYcanary0123456789";

fn key() -> String {
    ["sk-ant-", "api03-", CANARY].concat()
}

/// One lane with a file that holds a key, and more text in its configuration.
fn with(more: &str) -> Environment {
    let environment = Environment::one_lane();
    environment.write("keys/.env", &format!("ANTHROPIC_API_KEY={}\n", key()));
    let text = environment.read("main.keyless.hcl");
    environment.write("main.keyless.hcl", &format!("{text}\n{more}\n"));
    environment
}

/// The files below a directory that hold the canary, but for those where the test put it.
fn holders(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holders(&path, found);
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(CANARY) {
            found.push(path.display().to_string());
        }
    }
}

#[track_caller]
fn is_refused_unseen(environment: &Environment, run: Run, place: &str) {
    run.exits(1).says("Secret in a value").says(place).says("the line is not shown").lacks(CANARY);
    let mut found = Vec::new();
    holders(&environment.path("."), &mut found);
    found.retain(|path| !path.ends_with("keys/.env"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_key_from_a_file_is_refused_where_it_is_read() {
    for more in [
        "service_account \"other\" {\n  description = file(\"keys/.env\")\n}",
        "output \"x\" {\n  value = file(\"keys/.env\")\n}",
        "locals {\n  unused = trimspace(file(\"keys/.env\"))\n}",
    ] {
        let environment = with(more);
        let line = environment.read("main.keyless.hcl").lines().count() - 1;
        for command in ["plan -out=p", "apply -auto-approve", "validate -json", "status"] {
            let run = environment.keyless(command);
            if command.ends_with("-json") {
                run.exits(1).says("Secret in a value").lacks(CANARY);
            } else {
                is_refused_unseen(&environment, run, &format!("main.keyless.hcl:{line}"));
            }
        }
        assert!(!environment.path("p").exists());
    }
}

#[test]
fn a_key_in_the_instructions_of_a_consumer_is_refused() {
    let environment = with("");
    environment.edit(
        "main.keyless.hcl",
        "\noutput \"rule\"",
        "\napi_key \"other\" {\n  id = \"apikey_01Other\"\n  replaced_by = [federation_rule.ci]\n  consumer \"manual\" \"m\" {\n    instructions = \"put ${file(\"keys/.env\")} back\"\n  }\n}\n\noutput \"rule\"",
    );
    is_refused_unseen(&environment, environment.keyless("plan -out=p"), "main.keyless.hcl:");
}

#[test]
fn a_key_as_the_value_of_a_variable_is_refused_wherever_it_comes_from() {
    let environment =
        with("variable \"note\" {\n  default = \"\"\n}\noutput \"note\" {\n  value = var.note\n}");
    let from_flag = environment.run(&["apply", "-auto-approve", &format!("-var=note={}", key())]);
    is_refused_unseen(&environment, from_flag, "the --var flag");
    let mut command = environment.command(&["plan", "-out=p"]);
    command.env("KEYLESS_VAR_note", key());
    is_refused_unseen(&environment, environment.ended(command), "KEYLESS_VAR_note");
    environment.write("keys/.env", &format!("note = \"{}\"\n", key()));
    environment
        .run(&["plan", "-out=p", "-var-file=keys/.env"])
        .exits(1)
        .says("Secret in a file")
        .says("keys/.env:1")
        .lacks(CANARY);
    environment.keyless("plan -out=p").exits(0);
}

#[test]
fn a_line_of_a_file_of_variables_is_not_drawn() {
    let environment = with("variable \"pin\" {\n  type      = number\n  sensitive = true\n}");
    environment.write("x.auto.keylessvars", "pin = \"canary-value\"\n");
    environment.keyless("plan").exits(1).says("x.auto.keylessvars:1").lacks("canary-value");
    environment.write("x.auto.keylessvars", "pin = canary-value\n");
    environment.keyless("plan").exits(1).says("x.auto.keylessvars:1").lacks("canary-value");
    environment.write("x.auto.keylessvars", "pim = \"canary-value\"\npin = 1\n");
    environment.keyless("plan").exits(0).says("x.auto.keylessvars:1").lacks("canary-value");
}
