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
    assert_eq!(trial.problems(), ["1: Secret in a value", "2: Missing argument", "2: Missing block"]);
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

/// One problem, whose place is told and whose line and value are not shown.
#[track_caller]
fn refused_unseen(trial: &Trial, place: &str) {
    assert_eq!(trial.problems(), [place]);
    let (words, drawn) = words(trial);
    assert!(!drawn && !words.contains("canary"), "{words}");
}

#[test]
fn a_secret_that_comes_in_by_value_is_refused_where_it_comes_in() {
    for expression in [
        "file(\"key.env\")",
        "file(\"key.pem\")",
        "sensitive(file(\"key.env\"))",
        "regex(\"sk-ant-.*\", file(\"key.env\"))",
        "base64encode(file(\"key.env\"))",
        "length(file(\"key.env\"))",
        "{ (file(\"key.env\")) = 1 }",
        "\"sk-ant-${local.rest}\"",
        "format(\"sk-ant-%s\", local.rest)",
        "join(\"-\", [\"sk\", \"ant\", local.rest])",
        "{ (\"${\"sk\"}-ant-${local.rest}\") = 1 }",
        "{ \"sk-${\"ant\"}-${local.rest}\" = 1 }",
        "zipmap([\"a\"], [base64decode(\"c2stYW50LWFwaTAzLWNhbmFyeUNBTkFSWQ==\")])",
        "jsondecode(\"{\\\"sk-\\\\u0061nt-api03-canarycanary\\\": 1}\")",
        "\"sk-\\u0061nt-api03-canarycanary\"",
    ] {
        for holder in [
            "service_account \"s\" { description = X }",
            "locals { x = X }",
            "output \"o\" { value = X }",
            "output \"o\" {value = { a = [1, { b = X }] }}",
            "variable \"v\" { default = \"\" }\noutput \"o\" { value = X }",
        ] {
            let line = holder.lines().count();
            let text =
                format!("{}\nlocals {{ rest = \"api03-canaryCANARY\" }}", holder.replace('X', expression));
            refused_unseen(&Trial::of(&text), &format!("{line}: Secret in a value"));
        }
    }
}

#[test]
fn a_secret_as_the_value_of_a_variable_is_refused_whatever_is_done_with_it() {
    let key = format!("a {CANARY} b");
    for (more, value) in [
        ("", key.clone()),
        ("  sensitive = true\n", key.clone()),
        ("  type = list(string)\n", format!("[\"{key}\"]")),
        ("  type = number\n", key.clone()),
        ("", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----".to_owned()),
    ] {
        for input in [VariableInput::flag(&*value), VariableInput::environment("KEYLESS_VAR_v", &*value)] {
            let text = format!("variable \"v\" {{\n{more}}}\noutput \"o\" {{ value = var.v }}");
            refused_unseen(&Trial::of(&text).variable("v", input), "1: Secret in a value");
        }
    }
    let text = "variable \"v\" { type = list(string) }";
    let trial = Trial::of(text).variable("v", VariableInput::flag("[\"sk-\\u0061nt-api03-canarycanary\"]"));
    assert_eq!(trial.problems(), ["1: Invalid value for variable"]);
    assert!(!words(&trial).0.contains("canary"));
}

#[test]
fn what_the_api_calls_a_thing_may_hold_no_secret_either() {
    let text = "data \"workspace\" \"w\" { name = \"W\" }\noutput \"o\" { value = data.workspace.w.id }";
    refused_unseen(&Trial::of(text).known("data.workspace.w", "id", CANARY), "2: Secret in a value");
}

#[test]
fn a_label_that_holds_a_secret_names_no_problem() {
    let trial = Trial::of(&format!("service_account \"{CANARY}\" {{ description = 1 + [] }}"));
    assert!(trial.load().1.has_errors());
    let list = trial.load().1.into_sorted();
    assert!(list.iter().all(|it| it.address.is_none()) && !words(&trial).0.contains("canary"), "{list:?}");
}

#[test]
fn a_file_of_variables_is_not_drawn_and_not_quoted() {
    for line in [
        "v = canary",
        "v = \"canary\" + 1",
        "v = [\"canary\"].canary",
        "v = \"canary",
        "v = { \"canary\" = 1, \"canary\" = 2 }",
        &format!("v = \"{CANARY}\""),
        &format!("# {CANARY}"),
        "v = \"sk-\\u0061nt-api03-canarycanary\"",
    ] {
        let mut sources = SourceMap::default();
        let file = sources.add("x.auto.keylessvars", format!("{line}\n"));
        let found = variable_file(&sources, file).1.into_sorted();
        assert!(!found.is_empty(), "{line}");
        assert!(found.iter().all(|it| it.redact) && !format!("{found:?}").contains("canary"), "{found:?}");
    }
}

#[test]
fn problems_with_a_value_from_a_file_of_variables_do_not_draw_its_line() {
    for (block, summary) in [
        ("variable \"v\" {\n  sensitive = true\n  type = number\n}", "Invalid value for variable"),
        ("variable \"v\" {\n  type = number\n}", "Invalid value for variable"),
        ("locals {}", "Value for an undeclared variable"),
        (
            "variable \"v\" {\n  sensitive = true\n  validation {\n    condition = false\n    error_message = var.v\n  }\n}",
            "Invalid value for variable",
        ),
    ] {
        let mut trial = Trial::of(block);
        let file = trial.sources.add("x.keylessvars", "v = \"canary\"\n");
        trial.variables = variable_file(&trial.sources, file).0;
        let list = trial.load().1.into_sorted();
        assert_eq!(list.len(), 1, "{list:?}");
        assert!(list[0].summary == summary && list[0].redact, "{list:?}");
        if block.contains("sensitive") {
            assert!(!format!("{list:?}").contains("canary"), "{list:?}");
        }
    }
}

#[test]
fn a_sensitive_value_of_another_type_is_not_quoted() {
    for (kind, value) in [
        ("number", "canary"),
        ("bool", "canary"),
        ("list(number)", "[\"canary\"]"),
        ("list(number)", "canary"),
        ("list(number)", "[\"canary\" + 1]"),
        ("map(number)", "{ canary = \"x\" }"),
        ("object({ secret = number })", "{ secret = \"canary\" }"),
        ("tuple([bool])", "[\"canary\"]"),
    ] {
        let text = format!("variable \"v\" {{\n  sensitive = true\n  type = {kind}\n}}");
        let trial = Trial::of(&text).variable("v", VariableInput::flag(value));
        assert_eq!(trial.problems(), ["1: Invalid value for variable"], "{kind}");
        assert!(!words(&trial).0.contains("canary"), "{kind}: {}", words(&trial).0);
    }
    let text = "variable \"v\" {\n  sensitive = true\n  type = list(number)\n  default = [\"canary\"]\n}";
    refused_unseen(&Trial::of(text), "4: Invalid value for variable");
}

#[test]
fn what_is_taken_out_of_a_sensitive_value_is_sensitive() {
    let declared = "variable \"v\" {\n  sensitive = true\n  type = any\n}\nlocals {\n  inner = { secret = sensitive(\"canary\") }\n}\n";
    let value = "{ secret = \"canary\", list = [\"canary\"], canary = \"canary\" }";
    for expression in [
        "file(var.v.secret)",
        "file(local.inner.secret)",
        "regex(var.v.secret, \"x\")",
        "regex(\"[${local.inner.secret}\", \"x\")",
        "regexall(\"(${var.v.secret}\", \"x\")",
        "replace(\"x\", \"/(${var.v.secret}/\", \"\")",
        "[for x in var.v.list : x + 1]",
        "[for k, x in var.v : tonumber(k)]",
        "{ for x in var.v.list : x => file(x) }",
        "\"%{ for x in var.v.list }${x + 1}%{ endfor }\"",
        "[for x in values(local.inner) : x + 1]",
        "[for x in merge(var.v, {}) : file(x)]",
        "concat(var.v.list)[0] + 1",
        "one(var.v.list) + 1",
        "lookup(var.v, \"secret\") + 1",
        "flatten([var.v.list])[0] + 1",
        "reverse(var.v.list)[0] + 1",
        "element(var.v.list, 0) + 1",
        "coalesce(local.inner.secret) + 1",
        "chunklist(var.v.list, 1)[0][0] + 1",
        "slice(var.v.list, 0, 1)[0] + 1",
        "tolist(var.v.list)[0] + 1",
        "tomap(var.v).secret + 1",
        "var.v.list[*] + 1",
        "(true ? var.v.secret : \"\") + 1",
        "keys(zipmap([local.inner.secret], [1]))[0] + 1",
        "zipmap([local.inner.secret], [1]).x",
        "keys(var.v)[0] + 1",
        "max(var.v.list...)",
        "var.v[\"secret\"] + 1",
        "var.v.secret.nothing",
        "{ a = 1 }[var.v.secret]",
    ] {
        let text = format!("{declared}locals {{\n  x = {expression}\n}}");
        let trial = Trial::of(&text).variable("v", VariableInput::flag(value));
        let (words, _) = words(&trial);
        assert!(words.contains("Error") && !words.contains("canary"), "{expression}: {words}");
        // Where it is no mistake, it is no output either.
        let output = format!("{declared}output \"o\" {{\n  value = try({expression}, var.v.secret)\n}}");
        let trial = Trial::of(&output).variable("v", VariableInput::flag(value));
        assert_eq!(trial.problems(), ["9: Sensitive value in an output"], "{expression}");
    }
    let text = format!("{declared}output \"o\" {{\n  value = zipmap([local.inner.secret], [1])\n}}");
    let trial = Trial::of(&text).variable("v", VariableInput::flag(value));
    assert_eq!(trial.problems(), ["9: Sensitive value in an output"]);
}
