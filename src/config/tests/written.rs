//! What the files say, as data.

use serde_json::json;

use super::*;

fn written(trial: &Trial) -> Written {
    trial.configuration().written
}

fn locals(text: &str) -> BTreeMap<String, WrittenExpression> {
    written(&Trial::of(&format!(
        "{SOUND}\nvariable \"v\" {{\n  default = [\"x\"]\n}}\nlocals {{\n{text}\n}}"
    )))
    .locals
}

fn mentions(list: &[(&str, &[Json])]) -> WrittenExpression {
    let one = |(name, steps): &(&str, &[Json])| Mentioned { name: (*name).to_owned(), steps: steps.to_vec() };
    WrittenExpression::Mentions(list.iter().map(one).collect())
}

#[test]
fn an_expression_is_a_constant_or_what_it_mentions() {
    let constant = WrittenExpression::Constant;
    for (text, expected) in [
        ("\"text\"", constant(json!("text"))),
        ("1 + 2", constant(json!(3))),
        ("[true, null, \"a${1}\"]", constant(json!([true, null, "a1"]))),
        ("[for x in [1, 2] : x * 2]", constant(json!([2, 4]))),
        ("{ a = { b = 1 } }", constant(json!({ "a": { "b": 1 } }))),
        ("upper(\"a\")", mentions(&[])),
        ("sensitive(\"canary\")", mentions(&[])),
        ("var.v", mentions(&[("var.v", &[])])),
        ("var.v[0]", mentions(&[("var.v", &[json!(0)])])),
        ("upper(var.v[0])", mentions(&[("var.v", &[json!(0)])])),
        ("\"${path.module}/a\"", mentions(&[("path.module", &[])])),
        (
            "provider.github_actions.github.id",
            mentions(&[("provider.github_actions.github", &[json!("id")])]),
        ),
        ("[for x in var.v : x]", mentions(&[("var.v", &[])])),
        ("var.v[length(var.v) - 1]", mentions(&[("var.v", &[]), ("var.v", &[])])),
    ] {
        let found = locals(&format!("  tried = {text}"));
        assert_eq!(found["tried"], expected, "{text}");
    }
}

#[test]
fn blocks_are_lists_with_their_labels() {
    let written = written(&Trial::of(SOUND));
    let key = &written.objects[&"api_key.ci".parse().unwrap()];
    assert_eq!(key.arguments["replaced_by"], mentions(&[("federation_rule.release", &[])]));
    let [consumer] = &key.blocks["consumer"][..] else { panic!("{key:?}") };
    assert_eq!(consumer.labels, ["dotenv", "laptop"]);
    assert_eq!(consumer.arguments["path"], WrittenExpression::Constant(json!(".env")));
}

#[test]
fn what_may_not_be_shown_is_not_written_down() {
    let text = format!(
        "{SOUND}\nvariable \"s\" {{\n  sensitive = true\n  default = \"canary\"\n}}\nvariable \"open\" {{}}\n\
         output \"s\" {{\n  sensitive = true\n  value = \"canary\"\n}}"
    );
    let trial = Trial::of(&text).variable("open", VariableInput::environment("KEYLESS_VAR_open", "a b"));
    let written = written(&trial);
    let shown = serde_json::to_string(&written).unwrap();
    assert!(!shown.to_lowercase().contains("canary"), "{shown}");
    assert_eq!(written.variables["open"].value, Some(json!("a b")));
    assert!(written.variables["s"].sensitive && written.outputs["s"].sensitive);
}
