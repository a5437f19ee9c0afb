//! JSON as Terraform reads and writes it: numbers with all their digits, keys sorted, and the
//! characters that HTML gives a meaning escaped.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::config::letters::composed_key;
use crate::config::number::{Number, NumberFault};
use crate::config::value::{Data, Value};
use crate::limits;

/// The value as JSON text; none while anything in it is unknown.
pub(super) fn encode(value: &Value) -> Option<String> {
    let mut text = String::new();
    write(value, &mut text)?;
    Some(escape(&text))
}

/// `serde_json` would turn a long number into a float, so only strings are left to it.
fn write(value: &Value, text: &mut String) -> Option<()> {
    match value.data() {
        Data::Null => *text += "null",
        Data::Bool(truth) => *text += if *truth { "true" } else { "false" },
        Data::Number(number) => *text += &number.to_string(),
        Data::Text(inner) => *text += &quote(inner),
        Data::List(items) | Data::Set(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                *text += if at > 0 { "," } else { "" };
                write(item, text)?;
            }
            text.push(']');
        }
        Data::Object(entries) => write_entries(entries, text)?,
        Data::Reference(reference) => write_entries(&reference.attributes, text)?,
        Data::Unknown => return None,
    }
    Some(())
}

fn write_entries(entries: &BTreeMap<String, Value>, text: &mut String) -> Option<()> {
    text.push('{');
    for (at, (key, item)) in entries.iter().enumerate() {
        *text += if at > 0 { "," } else { "" };
        *text += &quote(key);
        text.push(':');
        write(item, text)?;
    }
    text.push('}');
    Some(())
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

/// The value of a JSON text.
///
/// # Errors
/// A sentence that names the place and quotes nothing.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| not_json(text, 0, &error))?;
    Reader { text }.value(whole, 0)
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn value(&self, raw: &RawValue, depth: usize) -> Result<Value, String> {
        let part = raw.get();
        if depth > limits::JSON_DEPTH_MAX {
            let (line, column) = self.place(part);
            let most = limits::JSON_DEPTH_MAX;
            return Err(format!(
                "The JSON is nested more than {most} levels deep at line {line}, column {column}."
            ));
        }
        match part.as_bytes().first() {
            Some(b'[') => {
                let items: Vec<&RawValue> = self.read(part)?;
                let items = items.into_iter().map(|item| self.value(item, depth + 1));
                Ok(Value::list(items.collect::<Result<_, _>>()?))
            }
            Some(b'{') => {
                let entries: BTreeMap<String, &RawValue> = self.read(part)?;
                let mut composed = BTreeMap::new();
                for (key, item) in entries {
                    if composed.insert(composed_key(&key), self.value(item, depth + 1)?).is_some() {
                        let (line, column) = self.place(part);
                        return Err(format!(
                            "The object at line {line}, column {column} of the JSON has two keys that are the same text."
                        ));
                    }
                }
                Ok(Value::object(composed))
            }
            Some(b'"') => Ok(Value::text(self.read::<String>(part)?)),
            Some(b'-' | b'0'..=b'9') => self.number(part),
            _ => Ok(self.read::<Option<bool>>(part)?.map_or_else(Value::null, Value::bool)),
        }
    }

    fn number(&self, part: &str) -> Result<Value, String> {
        Number::parse(part).map(Value::number).map_err(|fault| {
            let (line, column) = self.place(part);
            match fault {
                NumberFault::NotANumber => {
                    format!("The string is not JSON, as line {line}, column {column} shows.")
                }
                _ => format!("At line {line}, column {column} of the JSON: {fault}"),
            }
        })
    }

    fn read<'p, T: serde::Deserialize<'p>>(&self, part: &'p str) -> Result<T, String> {
        serde_json::from_str(part).map_err(|error| not_json(self.text, self.offset(part), &error))
    }

    /// Where a part stands in the whole text, of which it is a slice.
    fn offset(&self, part: &str) -> usize {
        part.as_ptr() as usize - self.text.as_ptr() as usize
    }

    fn place(&self, part: &str) -> (usize, usize) {
        place(self.text, self.offset(part))
    }
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, offset - line_start + 1)
}

/// The error counts from the part that begins at `offset`.
fn not_json(text: &str, offset: usize, error: &serde_json::Error) -> String {
    let (line, column) = place(text, offset);
    let (line, column) = match error.line() {
        0 | 1 => (line, column - 1 + error.column()),
        more => (line + more - 1, error.column()),
    };
    format!("The string is not JSON, as line {line}, column {column} shows.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_every_digit() {
        for text in [
            "104892101234567890123",
            "-104892101234567890123",
            "18446744073709551617",
            "0.12345678901234567890123",
            "{\"a\":[1,104892101234567890123,null,true,\"x\"],\"b\":{}}",
        ] {
            assert_eq!(encode(&decode(text).expect(text)).as_deref(), Some(text));
        }
        assert_eq!(encode(&decode("1e21").expect("a number")).as_deref(), Some("1000000000000000000000"));
        assert_eq!(decode("1e400").map(|v| encode(&v)), Ok(Some(format!("1{}", "0".repeat(400)))));
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        for (text, words) in [
            ("{\n \"a\": tru}", "line 2, column 10"),
            ("[1,\n \"\\ud800\"]", "line 2"),
            ("[1,\n 1e99999]", "line 2, column 2"),
            ("[01]", "line 1"),
            ("[1] 2", "line 1, column 5"),
            ("", "line 1"),
        ] {
            let told = decode(text).expect_err(text);
            assert!(told.contains(words), "{text}: {told}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(decode(&deep).expect_err("too deep").contains("nested"));
    }
}
