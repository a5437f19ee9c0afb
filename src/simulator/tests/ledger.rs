//! Every line of the behaviour ledger has a test that names it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Files of the tests, at any depth.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The lines that a test is named after: those of `b13_b14_matches` are B13 and B14.
fn named(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| {
        line.trim_start().strip_prefix("async fn ").or(line.trim_start().strip_prefix("fn "))
    });
    let numbers = |name: &str| {
        let parts = name.split('_').map_while(|part| {
            let digits = part.strip_prefix('b')?;
            (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| format!("B{digits}"))
        });
        parts.collect::<Vec<_>>()
    };
    names.flat_map(numbers).collect()
}

#[test]
fn no_line_of_the_ledger_is_without_a_test() {
    let lines: BTreeSet<String> = (1..=41).map(|number| format!("B{number:02}")).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ledger = std::fs::read_to_string(root.join("tests/conformance/ledger.json")).unwrap();
    let ledger: Value = serde_json::from_str(&ledger).unwrap();
    let told: BTreeSet<String> = ledger.as_object().unwrap().keys().cloned().collect();
    assert_eq!(told, lines, "the ledger itself is whole");
    let mut text = String::new();
    sources(&root.join("src/simulator/tests"), &mut text);
    let tested = named(&text);
    let missing: Vec<_> = lines.difference(&tested).collect();
    assert!(missing.is_empty(), "no test is named after {missing:?}");
    let unknown: Vec<_> = tested.difference(&lines).collect();
    assert!(unknown.is_empty(), "tests are named after {unknown:?}, which the ledger does not have");
}

#[test]
fn names_of_tests_are_read() {
    let found = named("async fn b13_b14_matches() {\n    fn b7_x() {}\nfn b24_the_last() {\nfn body_x() {");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["B13", "B14", "B24"]);
}
