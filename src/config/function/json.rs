//! JSON as Terraform writes it: keys sorted, and the characters that HTML gives a meaning escaped.

use crate::config::value::Value;

/// The value as JSON text; none while anything in it is unknown.
pub(super) fn encode(value: &Value) -> Option<String> {
    Some(escape(&value.to_json()?.to_string()))
}

/// A string in JSON's quotes.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// These characters stand only inside of strings, so they can be replaced in the whole text.
fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => result += &format!("\\u{:04x}", letter as u32),
            _ => result.push(letter),
        }
    }
    result
}
