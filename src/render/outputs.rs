//! Changes of outputs as Terraform shows them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::attributes::{differences, line, literal};
use super::style::{BOLD, paint};
use crate::plan::{Action, OutputChange};

/// The column at which the sign of an output stands.
const INDENT: usize = 2;

/// `Changes to Outputs:` and a line for each; nothing where none changes.
pub fn changes(outputs: &BTreeMap<String, OutputChange>) -> String {
    let changes: Vec<_> = outputs.iter().filter(|(_, change)| change.action != Action::NoOp).collect();
    if changes.is_empty() {
        return String::new();
    }
    let width = changes.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = format!("\n{}\n", paint(BOLD, "Changes to Outputs:"));
    for (name, change) in changes {
        match (change.action, &change.before, &change.after) {
            (Action::Update, Some(Value::Object(old)), Some(Value::Object(new))) => {
                line(&mut out, '~', INDENT, name, width, "{");
                differences(&mut out, old, new, &[], INDENT + 4);
                out.push_str(&format!("{:INDENT$}  }}\n", ""));
            }
            _ => {
                let (mark, value) = plain(change);
                line(&mut out, mark, INDENT, name, width, &value);
            }
        }
    }
    out
}

fn plain(change: &OutputChange) -> (char, String) {
    let shown = |value: &Option<Value>, sensitive: bool, mark: Option<char>| match value {
        _ if sensitive => "(sensitive value)".to_owned(),
        Some(value) => literal(value, INDENT, mark),
        None => "(known after apply)".to_owned(),
    };
    let before = |mark| shown(&change.before, change.before_sensitive, mark);
    let after = |mark| shown(&change.after, change.after_sensitive, mark);
    match change.action {
        Action::Create => ('+', after(Some('+'))),
        Action::Archive | Action::Forget => ('-', before(Some('-'))),
        Action::Update | Action::Adopt | Action::NoOp => {
            ('~', format!("{} -> {}", before(None), after(None)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(action: Action, before: Option<Value>, after: Option<Value>) -> OutputChange {
        let unknown = after.is_none() && action != Action::Archive;
        OutputChange { action, before, before_sensitive: false, after, after_sensitive: false, unknown }
    }

    #[test]
    fn each_change_has_its_line() {
        let secret =
            OutputChange { after_sensitive: true, unknown: false, ..change(Action::Create, None, None) };
        let outputs = [
            ("gone", change(Action::Archive, Some(json!("a")), None)),
            (
                "ids",
                change(Action::Update, Some(json!({"a": "1", "b": "2"})), Some(json!({"a": "1", "b": "3"}))),
            ),
            ("later", change(Action::Update, Some(json!(1)), None)),
            ("new", change(Action::Create, None, None)),
            ("same", change(Action::NoOp, Some(json!(1)), Some(json!(1)))),
            ("secret", secret),
            ("word", change(Action::Create, None, Some(json!("x")))),
        ];
        let text = changes(&outputs.map(|(name, change)| (name.to_owned(), change)).into());
        let expected = r#"
Changes to Outputs:
  - gone   = "a"
  ~ ids    = {
      ~ b = "2" -> "3"
        # (1 unchanged attribute hidden)
    }
  ~ later  = 1 -> (known after apply)
  + new    = (known after apply)
  + secret = (sensitive value)
  + word   = "x"
"#;
        assert_eq!(super::super::inert::plain(&text), expected);
        assert_eq!(changes(&BTreeMap::new()), "");
    }
}
