//! Reading the fields of a request body, strictly: unknown fields and wrong types are refused.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::Refusal;
use super::ids;
use super::limits;

/// The fields of one JSON object.
pub(super) struct Fields {
    /// What to put before a field's name, such as `match.`.
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// Checks that a body gives no field. It may be left out.
    pub(super) fn none(body: &[u8]) -> Result<(), Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        Fields::parse(body, &[]).map(|_| ())
    }

    /// Reads a body, which must be there.
    pub(super) fn parse(body: &[u8], known: &[&str]) -> Result<Fields, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Refusal::invalid("The request body is missing"));
        }
        let value = serde_json::from_slice(body)
            .map_err(|error| Refusal::invalid(format!("The request body is not valid JSON: {error}")))?;
        Fields::of(value, "", known)
    }

    /// Reads an object inside a body. `path` ends in a dot, or is empty.
    pub(super) fn of(value: Value, path: &str, known: &[&str]) -> Result<Fields, Refusal> {
        let Value::Object(map) = value else {
            let what = if path.is_empty() { "The request body" } else { path.trim_end_matches('.') };
            return Err(Refusal::invalid(format!("{what}: Input should be an object")));
        };
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Refusal::invalid(format!("{path}{name}: Extra inputs are not permitted"))),
            None => Ok(Fields { path: path.to_owned(), map }),
        }
    }

    /// A refusal about one field.
    pub(super) fn refuse(&self, name: &str, problem: &str) -> Refusal {
        Refusal::invalid(format!("{}{name}: {problem}", self.path))
    }

    /// Whether a field is given as null.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_null)
    }

    /// The value of a field, unless it is absent or null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most `longest` characters and at least one.
    pub(super) fn text(&self, name: &str, longest: usize) -> Result<Option<String>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => {
                Err(self.refuse(name, "String should have at least 1 character"))
            }
            Some(Value::String(text)) if text.chars().count() > longest => {
                Err(self.refuse(name, &format!("String should have at most {longest} characters")))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.refuse(name, "Input should be a valid string")),
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, name: &str, longest: usize) -> Result<String, Refusal> {
        self.text(name, longest)?.ok_or_else(|| self.refuse(name, "Field required"))
    }

    /// A text that null clears: absent, or null or empty, or a text.
    pub(super) fn clearable_text(
        &self,
        name: &str,
        longest: usize,
    ) -> Result<Option<Option<String>>, Refusal> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Some(String::new()))),
            Some(_) => Ok(Some(self.text(name, longest)?)),
        }
    }

    /// A name: `^[a-z0-9-]+$`, 1 to 255 characters.
    pub(super) fn slug(&self, name: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(name, limits::NAME_CHARS_MAX)?;
        match &text {
            Some(slug) if !slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) => {
                Err(self.refuse(name, "String should match pattern '^[a-z0-9-]+$'"))
            }
            _ => Ok(text),
        }
    }

    /// A name that must be there.
    pub(super) fn required_slug(&self, name: &str) -> Result<String, Refusal> {
        self.slug(name)?.ok_or_else(|| self.refuse(name, "Field required"))
    }

    /// An id with this prefix.
    pub(super) fn id(&self, name: &str, prefix: &str) -> Result<Option<String>, Refusal> {
        match self.text(name, 128)? {
            Some(id) if !ids::is_well_formed(&id, prefix) => {
                Err(self.refuse(name, &format!("Input should be an id that starts with {prefix}_")))
            }
            id => Ok(id),
        }
    }

    /// An id that must be there.
    pub(super) fn required_id(&self, name: &str, prefix: &str) -> Result<String, Refusal> {
        self.id(name, prefix)?.ok_or_else(|| self.refuse(name, "Field required"))
    }

    /// True or false.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.refuse(name, "Input should be a valid boolean")),
        }
    }

    /// A whole number in a range.
    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| self.refuse(name, "Input should be a valid integer"))?;
        if range.contains(&number) {
            Ok(Some(number))
        } else {
            let problem = format!("Input should be from {} to {}", range.start(), range.end());
            Err(self.refuse(name, &problem))
        }
    }

    /// One of some words.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(word)) if words.contains(&word.as_str()) => Ok(Some(word.clone())),
            Some(_) => Err(self.refuse(name, &format!("Input should be one of: {}", words.join(", ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes(), &["name", "flag", "number", "id", "text"]).unwrap()
    }

    #[test]
    fn bodies_are_read_strictly() {
        let check = |body: &str, expected: &str| {
            let refusal = Fields::parse(body.as_bytes(), &["name"]).err().unwrap();
            assert_eq!(
                (refusal.status, refusal.message.contains(expected)),
                (400, true),
                "{}",
                refusal.message
            );
        };
        check("{\"other\":1}", "other: Extra inputs are not permitted");
        check("[]", "The request body: Input should be an object");
        check("{", "not valid JSON");
        check("\u{7f}", "not valid JSON");
        check(" \n", "The request body is missing");
        assert!(fields("{}").map.is_empty());
        assert!(Fields::none(b" \n").is_ok() && Fields::none(b"{}").is_ok());
        assert_eq!(Fields::none(b"{\"name\":1}").unwrap_err().status, 400);
    }

    #[test]
    fn values_are_checked() {
        let check = |body: &str, expected: &str| {
            let fields = fields(body);
            let problem = fields
                .slug("name")
                .err()
                .or(fields.boolean("flag").err())
                .or(fields.integer("number", 1..=5).err())
                .or(fields.id("id", "fdrl").err())
                .or(fields.clearable_text("text", 3).err());
            assert_eq!(problem.map(|refusal| refusal.message).unwrap_or_default(), expected, "{body}");
        };
        check("{}", "");
        check("{\"name\":null,\"flag\":null,\"number\":null,\"id\":null,\"text\":null}", "");
        check("{\"name\":\"a-1\",\"flag\":true,\"number\":5,\"id\":\"fdrl_1\",\"text\":\"\"}", "");
        check("{\"name\":\"A\"}", "name: String should match pattern '^[a-z0-9-]+$'");
        check("{\"name\":\"\"}", "name: String should have at least 1 character");
        check("{\"name\":7}", "name: Input should be a valid string");
        check("{\"flag\":\"true\"}", "flag: Input should be a valid boolean");
        check("{\"number\":6}", "number: Input should be from 1 to 5");
        check("{\"number\":1.5}", "number: Input should be a valid integer");
        check("{\"id\":\"fdis_1\"}", "id: Input should be an id that starts with fdrl_");
        check("{\"text\":\"four\"}", "text: String should have at most 3 characters");
    }
}
