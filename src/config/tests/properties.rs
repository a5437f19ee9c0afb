//! Properties: no text makes the loader panic, known values agree with another evaluator, and
//! large values are shared.

use hcl::eval::{Context as HclContext, Evaluate};
use proptest::prelude::*;

use super::*;
use crate::config::eval::Scope;
use crate::config::name::Name;
use crate::config::parse::parse_expression;

/// The value of an expression by the evaluator of hcl-rs; none where it has none.
fn oracle(expression: &str) -> Option<Json> {
    let text = format!("x = {expression}\n");
    let body: hcl::Body = hcl::parse(&text).ok()?;
    let attribute = body.attributes().next()?.clone();
    let value = attribute.expr().evaluate(&HclContext::new()).ok()?;
    serde_json::to_value(value).ok()
}

/// The value by our own; none where it has none.
fn ours(expression: &str) -> Option<Json> {
    let no_files = |_: &str| Err("no files".to_owned());
    let parsed = parse_expression(expression).ok()?;
    Scope::new(&no_files).evaluate(&parsed).ok()?.to_json()
}

#[test]
fn known_values_agree_with_another_evaluator() {
    for expression in [
        "1 + 2 * 3 - 4",
        "(1 + 2) * 3",
        "10 % 4",
        "1.5 * 2",
        "-3 + 5",
        "!true || false",
        "1 < 2 && 2 <= 2",
        "\"a\" == \"a\"",
        "[1, 2, 3][1]",
        "{ a = { b = [1, 2] } }.a.b[0]",
        "\"a${1}b\"",
        "\"%{ if true }x%{ else }y%{ endif }\"",
        "\"%{ for x in [1, 2] }${x},%{ endfor }\"",
        "[for x in [1, 2, 3] : x * 2 if x > 1]",
        "{ for i, x in [\"a\", \"b\"] : x => i }",
        "[{ n = 1 }, { n = 2 }][*].n",
        "[{ n = 1 }, { n = 2 }].*.n",
        "true ? \"a\" : \"b\"",
        "<<EOT\nx ${1}\nEOT\n",
        "<<-EOT\n  x\n    y\n  EOT\n",
        "\"a ${~ 1 ~} b\"",
        "null",
    ] {
        let expected = oracle(expression);
        assert!(expected.is_some(), "the oracle has no value for {expression}");
        assert_eq!(ours(expression), expected, "{expression}");
    }
}

/// Arithmetic in a range where the other evaluator neither overflows nor divides by zero.
fn number() -> impl Strategy<Value = String> {
    let leaf = (0i64..1_000).prop_map(|number| number.to_string());
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*")])
                .prop_map(|(a, b, operator)| format!("({a} {operator} {b})")),
            (truth(inner.clone()), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
            (prop::collection::vec(inner.clone(), 1..4))
                .prop_map(|items| format!("[{}][0]", items.join(", "))),
            inner.prop_map(|a| format!("{{ k = {a} }}.k")),
        ]
    })
}

fn truth(inner: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    (inner.clone(), inner, prop_oneof![Just("<"), Just(">="), Just("=="), Just("!=")])
        .prop_map(|(a, b, operator)| format!("{a} {operator} {b}"))
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        number(),
        prop::collection::vec(number(), 0..4)
            .prop_map(|items| format!("[for x in [{}] : x + 1]", items.join(", "))),
        (number(), "[a-z ]{0,6}").prop_map(|(a, text)| format!("\"{text}${{{a}}}{text}\"")),
        prop::collection::btree_map("[a-z]{1,3}", number(), 0..4).prop_map(|entries| {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("\"{key}\" = {value}")).collect();
            format!("{{ {} }}", entries.join(", "))
        }),
    ]
}

/// Pieces that a text can be made of, so that random texts reach deeper than noise does.
const PIECES: [&str; 40] = [
    "locals", "output", "\"x\"", "{", "}", "[", "]", "(", ")", "=", "==", ",", "\n", " ", "\"", "${", "%{",
    "~}", "<<EOT\n", "\nEOT\n", "# c\n", "/*", "*/", "for", "in", ":", "=>", "...", "if", "local.a", "var.b",
    "1", "-", "?", ".*", "[*]", "\\", "é", "\r\n", "a",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn generated_expressions_agree_with_another_evaluator(expression in anything()) {
        // Beyond this the other evaluator turns to floats or wraps, where ours stays exact.
        let expected = oracle(&expression);
        let magnitude = |json: &Json| json.to_string().split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
        if let Some(expected) = expected.filter(|json| magnitude(json) < 15) {
            prop_assert_eq!(ours(&expression), Some(expected), "{}", expression);
        }
    }

    #[test]
    fn noise_makes_no_panic(text in "\\PC{0,200}") {
        Trial::of(&text).load();
    }

    #[test]
    fn pieces_make_no_panic(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        Trial::of(&pieces.concat()).load();
        Trial::of(&format!("locals {{\n a = {}\n}}\n", pieces.concat())).load();
    }

    #[test]
    fn mutations_make_no_panic(at in 0usize..SOUND.len(), length in 0usize..8, piece in prop::sample::select(&PIECES[..])) {
        let end = (at + length).min(SOUND.len());
        let text = format!("{}{piece}{}", &SOUND[..at], &SOUND[end..]);
        Trial::of(&text).load();
    }
}

#[test]
fn ten_thousand_references_share_one_value() {
    const COUNT: u64 = 10_000;
    let no_files = |_: &str| Err("no files".to_owned());
    let mut scope = Scope::new(&no_files);
    let big =
        parse_expression("{ inner = { list = [for x in range(1000) : x], name = \"n\" } }").expect("syntax");
    let big = scope.evaluate(&big).expect("a value");
    scope.values.insert(Name::Local("big".to_owned()), Some(big.clone()));
    let reference = parse_expression("local.big.inner.list").expect("syntax");
    let before = scope.steps.get();
    let list = |value: &Value| match value.data() {
        Data::List(items) => items.clone(),
        _ => panic!("not a list: {value:?}"),
    };
    let first = list(&scope.evaluate(&reference).expect("a value"));
    for _ in 1..COUNT {
        let again = list(&scope.evaluate(&reference).expect("a value"));
        assert!(std::sync::Arc::ptr_eq(&first, &again), "the list was copied");
    }
    assert_eq!(scope.steps.get() - before, COUNT, "one step for each reference");
}

#[test]
fn a_long_chain_of_locals_does_not_recurse() {
    let mut text = "locals {\n  l0 = 1\n".to_owned();
    for at in 1..5_000 {
        text += &format!("  l{at} = local.l{} + 1\n", at - 1);
    }
    text += "}\noutput \"o\" { value = local.l4999 }\n";
    assert_eq!(Trial::of(&text).configuration().outputs["o"].value, Some(5_000.into()));
}
