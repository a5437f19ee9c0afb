//! Texts are composed (NFC), and letters are what people take for one.

use super::*;

const FAMILY: &str = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";

/// A table of expressions and their values as JSON.
#[track_caller]
fn table(rows: &[(&str, Json)]) {
    for (expression, expected) in rows {
        let expression = expression.replace("FAMILY", FAMILY);
        assert_eq!(output(&expression).as_ref(), Some(expected), "{expression}");
    }
}

#[test]
fn equal_after_composition_is_equal() {
    table(&[
        (r#""\u00e9" == "e\u0301""#, true.into()),
        ("\"e\u{301}\" == \"\u{e9}\"", true.into()),
        (r#""e${"\u0301"}" == "\u00e9""#, true.into()),
        ("<<EOT\ne\u{301}\nEOT\n", "é\n".into()),
        (r#"length(toset(["\u00e9", "e\u0301"]))"#, 1.into()),
        (r#"distinct(["\u00e9", "e\u0301"])"#, serde_json::json!(["é"])),
        (r#"{ "\u00e9" = 1 }["e\u0301"]"#, 1.into()),
        (r#"{ "e\u0301" = 1 }["\u00e9"]"#, 1.into()),
        (r#"keys({ "e\u0301" = 1 })"#, serde_json::json!(["é"])),
        (r#"jsondecode("{\"e\u0301\": \"e\u0301\"}")"#, serde_json::json!({"é": "é"})),
        (r#"contains(["e\u0301"], "\u00e9")"#, true.into()),
        (r#"lookup({ "\u00e9" = 1 }, "e\u0301", 2)"#, 1.into()),
        (r#"merge({ "\u00e9" = 1 }, { "e\u0301" = 2 })"#, serde_json::json!({"é": 2})),
        (r#"join("", ["e", "\u0301"])"#, "é".into()),
        (r#"replace("e-\u0301", "-", "")"#, "é".into()),
        (r#"sha256("e\u0301") == sha256("\u00e9")"#, true.into()),
    ]);
    let input = VariableInput { value: VariableValue::Text("e\u{301}".to_owned()), origin: Origin::Flag };
    let text = "variable \"v\" {}\noutput \"x\" { value = var.v }\n";
    let read = Trial::of(text).variable("v", input).configuration();
    assert_eq!(read.outputs["x"].value, Some(Json::from("é")));
}

#[test]
fn keys_that_are_equal_after_composition_are_one_key_twice() {
    for expression in [r#"{ "\u00e9" = 1, "e\u0301" = 2 }"#, r#"{ for x in ["\u00e9", "e\u0301"] : x => 1 }"#]
    {
        check(&format!("locals {{\n\n  x = {expression}\n}}\n"), &["3: Duplicate key"]);
    }
    let json = r#"jsondecode("{\"\\u00e9\": 1, \"e\\u0301\": 2}")"#;
    check_words(&format!("locals {{\n  x = {json}\n}}\n"), &["two keys that are the same text"]);
}

#[test]
fn functions_count_and_cut_letters() {
    table(&[
        (r#"length("e\u0301")"#, 1.into()),
        (r#"length("q\u0307")"#, 1.into()),
        (r#"length("FAMILY")"#, 1.into()),
        ("length(\"\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}\")", 2.into()),
        (r#"length("a\r\nb")"#, 3.into()),
        (r#"strrev("q\u0307a")"#, "aq\u{307}".into()),
        (r#"strrev("aFAMILY")"#, format!("{FAMILY}a").into()),
        (r#"strrev("e\u0301a")"#, "aé".into()),
        (r#"substr("q\u0307a", 0, 1)"#, "q\u{307}".into()),
        (r#"substr("aq\u0307", -1, -1)"#, "q\u{307}".into()),
        (r#"substr("FAMILYa", 1, 1)"#, "a".into()),
        (r#"format("[%3s|%-3s]", "FAMILY", "q\u0307")"#, format!("[  {FAMILY}|q\u{307}  ]").into()),
        (r#"format("%.1s", "q\u0307a")"#, "q\u{307}".into()),
        (r#"[upper("straße"), lower("İ"), lower("ΟΔΣ")]"#, serde_json::json!(["STRAßE", "i", "οδσ"])),
        (r#"title("don't e\u0301t")"#, "Don'T Ét".into()),
    ]);
}
