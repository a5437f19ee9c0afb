//! No secret reaches a message, and sensitive values stay out of plans.

use super::*;

const CANARY: &str = "sk-ant-api03-canaryCANARYcanary";

/// All words of all problems, and whether the source lines may be drawn.
fn words(trial: &Trial) -> (String, bool) {
    let list = trial.load().1.into_sorted();
    let drawn = list.iter().any(|diagnostic| !diagnostic.redact);
    (format!("{list:?}"), drawn)
}

#[test]
fn a_secret_in_a_file_is_reported_and_never_shown() {
    for text in [
        format!("api_key \"a\" {{\n  id = \"{CANARY}\"\n}}"),
        format!("locals {{\n  a = \"x {CANARY} y\"\n}}"),
        format!("locals {{\n  a = \"{CANARY}\" + 1\n}}"),
        format!("locals {{\n  a = \"{CANARY}\n}}"),
        format!("# {CANARY}"),
        format!("locals {{\n  a = <<EOT\n{CANARY}\nEOT\n}}"),
        format!("{CANARY} = 1"),
        "locals {\n  a = <<EOT\n-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\nEOT\n}"
            .to_owned(),
    ] {
        let trial = Trial::of(&text);
        let (words, _) = words(&trial);
        assert!(words.contains("Secret in a file"), "{text}\n{words}");
        assert!(!words.to_lowercase().contains("canary"), "{text}\n{words}");
        for diagnostic in trial.load().1.iter().filter(|diagnostic| diagnostic.summary == "Secret in a file")
        {
            assert!(diagnostic.redact, "{diagnostic:?}");
        }
    }
}

#[test]
fn problems_beside_a_secret_do_not_draw_its_line() {
    let trial = Trial::of(&format!("locals {{ a = nothing(\"{CANARY}\") }}"));
    let (words, drawn) = words(&trial);
    assert!(!drawn && words.contains("Unknown function"), "{words}");
}

#[test]
fn a_key_in_place_of_its_id_is_reported_once() {
    check(
        &format!("api_key \"a\" {{\n  id = \"{CANARY}\"\n}}"),
        &["1: Missing argument", "1: Missing block", "2: Secret in a file"],
    );
    let trial = Trial::of("variable \"v\" {}\napi_key \"a\" {\n  id = var.v\n}")
        .variable("v", VariableInput::flag(CANARY));
    assert_eq!(trial.problems(), ["2: Missing argument", "2: Missing block", "3: Secret in a file"]);
    assert!(!words(&trial).0.contains("canary"));
}

#[test]
fn talking_about_keys_is_allowed() {
    check("# a key begins with sk-ant-api03\nlocals { a = \"apikey_01\" }", &[]);
}

#[test]
fn sensitive_values_stay_out_of_messages_and_arguments() {
    let declared = "variable \"v\" {\n  sensitive = true\n}\n";
    for (text, summary) in [
        ("output \"o\" { value = var.v }", "4: Sensitive value in an output"),
        ("output \"o\" { value = [upper(\"x${var.v}\")] }", "4: Sensitive value in an output"),
        ("service_account \"s\" { description = var.v }", "4: Sensitive value in an argument"),
        ("locals { a = var.v + 1 }", "4: Invalid operand"),
        ("locals { a = var.v.x }", "4: Unsupported attribute"),
        ("locals { a = { x = 1 }[var.v] }", "4: Invalid index"),
        ("locals { a = tonumber(var.v) }", "4: Invalid function argument"),
    ] {
        let trial = Trial::of(&format!("{declared}{text}")).variable("v", VariableInput::flag("canary"));
        assert_eq!(trial.problems(), [summary], "{text}");
        assert!(!words(&trial).0.contains("canary"), "{text}: {}", words(&trial).0);
    }
    let trial = Trial::of(&format!("{declared}output \"o\" {{\n value = var.v\n sensitive = true\n}}"))
        .variable("v", VariableInput::flag("canary"));
    assert_eq!(trial.configuration().outputs["o"].value, None);
    assert!(!format!("{:?}", trial.variables).contains("canary"));
}

#[test]
fn a_private_jwk_is_refused() {
    let text = "provider \"oidc\" \"p\" {\n  issuer_url = \"https://x\"\n  jwks = { keys = [{ kty = \"EC\", d = \"canary\" }] }\n}";
    check(text, &["3: Secret in a file"]);
    assert!(!words(&Trial::of(text)).0.contains("canary"));
}

#[test]
fn a_function_that_refuses_a_sensitive_number_does_not_show_it() {
    for expression in [
        "substr(\"abc\", var.pin, 1)",
        "format(\"%d\", var.pin)",
        "slice([1], 0, floor(var.pin))",
        "range(0, 5, -var.pin)",
        "[1, 2][floor(var.pin)]",
        "tobool(var.pin)",
        "jsondecode(\"[${var.pin}\")",
    ] {
        let text = format!(
            "variable \"pin\" {{\n  default   = 73.5\n  sensitive = true\n}}\nlocals {{\n  x = {expression}\n}}\n"
        );
        let (_, found) = Trial::of(&text).load();
        let told = format!("{:?}", found.into_sorted());
        assert!(told.contains("Error") && !told.contains("73"), "{expression}: {told}");
    }
}
