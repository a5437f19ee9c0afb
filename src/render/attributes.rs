//! Attribute maps as Terraform shows them.

use std::fmt::Write;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::inert;
use super::style::{GREEN, RED, YELLOW, paint};
use crate::plan::Attributes;

/// Lines for an object that comes into being; unknown attributes are known after apply.
pub fn created(attributes: &Attributes, unknown: &[String]) -> String {
    let mut shown: Attributes = attributes.clone();
    for name in unknown {
        shown.insert(name.clone(), Value::Null);
    }
    let width = shown.keys().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in &shown {
        if unknown.contains(name) {
            line(&mut out, '+', 6, name, width, "(known after apply)");
        } else if !is_empty(value) {
            line(&mut out, '+', 6, name, width, &literal(value, 6, Some('+')));
        }
    }
    out
}

/// Lines for an object that goes.
pub fn removed(attributes: &Attributes) -> String {
    let width = attributes.keys().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in attributes.iter().filter(|(_, value)| !is_empty(value)) {
        line(&mut out, '-', 6, name, width, &literal(value, 6, Some('-')));
    }
    out
}

/// Lines for an object as it is.
pub fn plain(attributes: &Attributes) -> String {
    let width = attributes.keys().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in attributes.iter().filter(|(_, value)| !is_empty(value)) {
        let name = inert::line(name);
        let _ = writeln!(out, "    {name:width$} = {}", literal(value, 2, None));
    }
    out
}

/// Lines for an object that changes in place: what differs, and how much does not.
pub fn changed(before: &Attributes, after: &Attributes, unknown: &[String]) -> String {
    let mut out = String::new();
    differences(&mut out, before, after, unknown, 6);
    out
}

/// Whether nothing of an object that is kept in place would be shown as a change.
pub(super) fn is_same(before: &Attributes, after: &Attributes, unknown: &[String]) -> bool {
    let within = |some: &Attributes, other: &Attributes| {
        some.iter().all(|(name, value)| is_empty(value) || other.get(name) == Some(value))
    };
    unknown.is_empty() && within(before, after) && within(after, before)
}

/// Lines for what differs, signs at a column.
pub(super) fn differences(
    out: &mut String,
    before: &Attributes,
    after: &Attributes,
    unknown: &[String],
    indent: usize,
) {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut hidden = 0;
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if unknown.contains(name) {
            line(
                out,
                '~',
                indent,
                name,
                width,
                &format!("{} -> (known after apply)", literal(old, indent, None)),
            );
        } else if old == new || (is_empty(old) && is_empty(new)) {
            hidden += usize::from(!is_empty(new));
        } else if is_empty(old) {
            line(out, '+', indent, name, width, &literal(new, indent, Some('+')));
        } else if is_empty(new) {
            line(out, '-', indent, name, width, &literal(old, indent, Some('-')));
        } else if let (Value::Object(old), Value::Object(new)) = (old, new) {
            line(out, '~', indent, name, width, "{");
            differences(out, old, new, &[], indent + 4);
            let _ = writeln!(out, "{:indent$}  }}", "");
        } else if let (Value::String(old), Value::String(new)) = (old, new)
            && (old.contains('\n') || new.contains('\n'))
        {
            line(out, '~', indent, name, width, "<<-EOT");
            lines_diff(out, old, new, indent + 6);
            let _ = writeln!(out, "{:indent$}  EOT", "");
        } else {
            let change = format!("{} -> {}", literal(old, indent, None), literal(new, indent, None));
            line(out, '~', indent, name, width, &change);
        }
    }
    if hidden > 0 {
        let s = if hidden == 1 { "" } else { "s" };
        let _ = writeln!(out, "{:indent$}  # ({hidden} unchanged attribute{s} hidden)", "");
    }
}

/// A line by line difference of two texts.
fn lines_diff(out: &mut String, old: &str, new: &str, indent: usize) {
    let mut config = TextDiff::configure();
    // A pathological pair of texts gets a coarser diff instead of a long wait.
    config.timeout(std::time::Duration::from_millis(200));
    for change in config.diff_lines(old, new).iter_all_changes() {
        let text = change.value().trim_end_matches('\n');
        let marked = match change.tag() {
            ChangeTag::Delete => paint(RED, format_args!("- {text}")),
            ChangeTag::Insert => paint(GREEN, format_args!("+ {text}")),
            ChangeTag::Equal => format!("  {text}"),
        };
        let _ = writeln!(out, "{:indent$}{marked}", "");
    }
}

/// One line with its sign.
pub(super) fn line(out: &mut String, sign: char, indent: usize, name: &str, width: usize, value: &str) {
    let name = inert::line(name);
    let _ = writeln!(out, "{:indent$}{} {name:width$} = {value}", "", self::sign(sign));
}

/// The sign of a change in its color.
pub fn sign(sign: char) -> String {
    match sign {
        '+' => paint(GREEN, '+'),
        '-' => paint(RED, '-'),
        '~' => paint(YELLOW, '~'),
        other => other.to_string(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as HCL.
pub(super) fn literal(value: &Value, indent: usize, mark: Option<char>) -> String {
    let inner = indent + 4;
    let lead = |sign: Option<char>| sign.map_or("  ".to_owned(), |sign| format!("{} ", self::sign(sign)));
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(items) => {
            let mut out = "[\n".to_owned();
            for item in items {
                let _ = writeln!(out, "{:inner$}{}{},", "", lead(mark), literal(item, inner, mark));
            }
            let _ = write!(out, "{:indent$}  ]", "");
            out
        }
        Value::Object(entries) => {
            let width = entries.keys().map(String::len).max().unwrap_or(0);
            let mut out = "{\n".to_owned();
            for (name, value) in entries.iter().filter(|(_, value)| !is_empty(value)) {
                let (name, value) = (inert::line(name), literal(value, inner, mark));
                let _ = writeln!(out, "{:inner$}{}{name:width$} = {value}", "", lead(mark));
            }
            let _ = write!(out, "{:indent$}  }}", "");
            out
        }
        Value::String(text) => inert::quoted(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Attributes {
        value.as_object().expect("an object").clone()
    }

    fn plain(text: &str) -> String {
        super::super::inert::plain(text)
    }

    #[test]
    fn a_new_object_shows_what_is_known_later() {
        let shown = plain(&created(&map(json!({"name": "ci", "description": ""})), &["id".to_owned()]));
        assert_eq!(shown, "      + id          = (known after apply)\n      + name        = \"ci\"\n");
    }

    #[test]
    fn a_change_shows_what_differs_alone() {
        let before = map(json!({"a": 1, "b": {"x": "1", "y": "2"}, "c": "same"}));
        let after = map(json!({"a": 2, "b": {"x": "1", "y": "3"}, "c": "same"}));
        let shown = plain(&changed(&before, &after, &[]));
        assert!(shown.contains("~ a = 1 -> 2"), "{shown}");
        assert!(shown.contains("~ y = \"2\" -> \"3\""), "{shown}");
        assert!(shown.contains("# (1 unchanged attribute hidden)"), "{shown}");
        assert!(!shown.contains("same"), "{shown}");
    }

    #[test]
    fn what_is_empty_is_no_change() {
        let same = |before, after| is_same(&map(before), &map(after), &[]);
        assert!(same(json!({"a": 1, "b": ""}), json!({"a": 1, "c": null})));
        assert!(!same(json!({"a": 1}), json!({"a": 2})) && !same(json!({}), json!({"a": 1})));
        assert!(!is_same(&map(json!({})), &map(json!({})), &["id".to_owned()]));
    }

    #[test]
    fn long_texts_are_compared_line_by_line() {
        let shown = plain(&changed(&map(json!({"t": "a\nb\n"})), &map(json!({"t": "a\nc\n"})), &[]));
        assert!(shown.contains("- b") && shown.contains("+ c") && shown.contains("  a"), "{shown}");
    }
}
