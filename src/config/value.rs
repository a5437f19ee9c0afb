//! Values of the language, cheap to clone, with what a plan needs beside them: values that are
//! not known yet, and values that must not be shown.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use keyless_state::{Address, credential_text};

use super::letters;
use super::number::Number;

/// A value with its marks.
#[derive(Clone)]
pub struct Value {
    data: Data,
    sensitive: bool,
    sensitive_inside: bool,
    unknown_inside: bool,
    credential_inside: bool,
    weight: u64,
}

/// What a value holds.
#[derive(Clone)]
pub enum Data {
    /// Nothing; an argument that is null counts as not given.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Arc<str>),
    /// A list; tuples are lists too.
    List(Arc<Vec<Value>>),
    /// A set: sorted, each element once.
    Set(Arc<Vec<Value>>),
    /// An object; maps are objects too.
    Object(Arc<BTreeMap<String, Value>>),
    /// A declared thing.
    Reference(Arc<Reference>),
    /// Something that only apply can tell.
    Unknown,
}

/// A declared thing as expressions see it.
pub struct Reference {
    /// Which thing.
    pub address: Address,
    /// What can be asked of it, computed attributes included.
    pub attributes: BTreeMap<String, Value>,
}

/// About the memory that a value takes beside its text, in bytes.
const VALUE_BYTES: u64 = 64;

impl Value {
    fn simple(data: Data, text_bytes: u64) -> Value {
        let weight = VALUE_BYTES + text_bytes;
        Value {
            data,
            sensitive: false,
            sensitive_inside: false,
            unknown_inside: false,
            credential_inside: false,
            weight,
        }
    }

    /// Nothing.
    pub fn null() -> Value {
        Value::simple(Data::Null, 0)
    }

    /// True or false.
    pub fn bool(value: bool) -> Value {
        Value::simple(Data::Bool(value), 0)
    }

    /// A number.
    pub fn number(value: Number) -> Value {
        Value::simple(Data::Number(value), 0)
    }

    /// A whole number that counts something.
    pub fn count(value: usize) -> Value {
        Value::number(Number::from(num_bigint::BigInt::from(value)))
    }

    /// A text, which is brought into its composed form.
    pub fn text(value: impl Into<Arc<str>>) -> Value {
        let value = letters::composed(value.into());
        let bytes = value.len() as u64;
        let credential_inside = credential_text::is_in(&value);
        Value { credential_inside, ..Value::simple(Data::Text(value), bytes) }
    }

    /// Something that only apply can tell.
    pub fn unknown() -> Value {
        Value { unknown_inside: true, ..Value::simple(Data::Unknown, 0) }
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Value {
        Value::holding(items.iter()).with(Data::List(Arc::new(items)))
    }

    /// A set: sorts and drops what is there twice.
    pub fn set(mut items: Vec<Value>) -> Value {
        items.sort_by(|a, b| a.compare(b));
        items.dedup_by(|a, b| a.compare(b) == Ordering::Equal);
        Value::holding(items.iter()).with(Data::Set(Arc::new(items)))
    }

    /// An object.
    pub fn object(entries: BTreeMap<String, Value>) -> Value {
        let keys = entries.keys().map(|key| key.len() as u64).sum::<u64>();
        let mut value = Value::holding(entries.values());
        value.weight = value.weight.saturating_add(keys);
        value.credential_inside |= entries.keys().any(|key| credential_text::is_in(key));
        value.with(Data::Object(Arc::new(entries)))
    }

    /// A declared thing. It is known by its address, even where its attributes are not known.
    pub fn reference(reference: Reference) -> Value {
        let mut value = Value::holding(reference.attributes.values());
        value.unknown_inside = false;
        value.weight = VALUE_BYTES;
        value.with(Data::Reference(Arc::new(reference)))
    }

    fn holding<'a>(items: impl Iterator<Item = &'a Value>) -> Value {
        let mut value = Value::null();
        for item in items {
            value.sensitive_inside |= item.sensitive || item.sensitive_inside;
            value.unknown_inside |= item.unknown_inside;
            value.credential_inside |= item.credential_inside;
            value.weight = value.weight.saturating_add(item.weight);
        }
        value
    }

    fn with(self, data: Data) -> Value {
        Value { data, ..self }
    }

    /// The same value, marked as not to be shown if `sensitive` says so.
    #[must_use]
    pub fn marked(mut self, sensitive: bool) -> Value {
        self.sensitive |= sensitive;
        self
    }

    /// The same value without marks, inner ones included.
    #[must_use]
    pub fn unmarked(&self) -> Value {
        if !self.has_secrets() {
            return self.clone();
        }
        match &self.data {
            Data::List(items) => Value::list(items.iter().map(Value::unmarked).collect()),
            Data::Set(items) => Value::set(items.iter().map(Value::unmarked).collect()),
            Data::Object(entries) => {
                Value::object(entries.iter().map(|(key, item)| (key.clone(), item.unmarked())).collect())
            }
            _ => Value { sensitive: false, ..self.clone() },
        }
    }

    /// What it holds.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Whether the value itself must not be shown.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether the value, or anything in it, must not be shown.
    pub fn has_secrets(&self) -> bool {
        self.sensitive || self.sensitive_inside
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Whether nothing at all is known of it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown)
    }

    /// Whether the value, or anything in it, is not known.
    pub fn has_unknowns(&self) -> bool {
        self.unknown_inside
    }

    /// Whether a credential stands in a text or a name in it.
    pub fn holds_credential(&self) -> bool {
        self.credential_inside
    }

    /// A bound on the memory that a copy of everything in it would take.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list or a set.
    pub fn as_items(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(items) | Data::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is an object or a declared thing.
    pub fn as_entries(&self) -> Option<&BTreeMap<String, Value>> {
        match &self.data {
            Data::Object(entries) => Some(entries),
            Data::Reference(reference) => Some(&reference.attributes),
            _ => None,
        }
    }

    /// The declared thing, if it is one.
    pub fn as_reference(&self) -> Option<&Reference> {
        match &self.data {
            Data::Reference(reference) => Some(reference),
            _ => None,
        }
    }

    /// The word for what it holds, with its article.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a bool",
            Data::Number(_) => "a number",
            Data::Text(_) => "a string",
            Data::List(_) => "a list",
            Data::Set(_) => "a set",
            Data::Object(_) => "an object",
            Data::Reference(_) => "a declared block",
            Data::Unknown => "a value that is not known before apply",
        }
    }

    /// What it is, for messages. Never shows what must not be shown.
    pub fn describe(&self) -> String {
        const SHOWN_MAX: usize = 60;
        if self.has_secrets() {
            return format!("{} that is marked sensitive", self.kind());
        }
        match &self.data {
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => format!("the number {number}"),
            Data::Text(text) if text.chars().count() <= SHOWN_MAX => format!("the string {text:?}"),
            Data::Reference(reference) => reference.address.to_string(),
            _ => self.kind().to_owned(),
        }
    }

    /// A total order: by kind, then by content. Marks do not count.
    pub fn compare(&self, other: &Value) -> Ordering {
        match (&self.data, &other.data) {
            (Data::Bool(a), Data::Bool(b)) => a.cmp(b),
            (Data::Number(a), Data::Number(b)) => a.cmp(b),
            (Data::Text(a), Data::Text(b)) => a.cmp(b),
            (Data::List(a), Data::List(b)) | (Data::Set(a), Data::Set(b)) => {
                if Arc::ptr_eq(a, b) {
                    return Ordering::Equal;
                }
                let pairs = a.iter().zip(b.iter()).map(|(a, b)| a.compare(b));
                pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
            }
            (Data::Object(a), Data::Object(b)) => {
                if Arc::ptr_eq(a, b) {
                    return Ordering::Equal;
                }
                let pairs =
                    a.iter().zip(b.iter()).map(|((k, a), (l, b))| k.cmp(l).then_with(|| a.compare(b)));
                pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
            }
            (Data::Reference(a), Data::Reference(b)) => a.address.cmp(&b.address),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    /// The value as JSON; none while anything in it is unknown, or a number that would lose digits,
    /// which [`Value::inexact_in_json`] tells. Marks are lost.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match &self.data {
            Data::Null => Json::Null,
            Data::Bool(value) => Json::Bool(*value),
            Data::Number(number) => number.to_json()?,
            Data::Text(text) => Json::String(text.to_string()),
            Data::List(items) | Data::Set(items) => {
                Json::Array(items.iter().map(Value::to_json).collect::<Option<_>>()?)
            }
            Data::Object(entries) => entries_to_json(entries)?,
            Data::Reference(reference) => entries_to_json(&reference.attributes)?,
            Data::Unknown => return None,
        })
    }

    /// A number in it of which JSON would lose digits.
    pub fn inexact_in_json(&self) -> Option<&Number> {
        match &self.data {
            Data::Number(number) => Some(number).filter(|number| number.to_json().is_none()),
            Data::List(items) | Data::Set(items) => items.iter().find_map(Value::inexact_in_json),
            Data::Object(entries) => entries.values().find_map(Value::inexact_in_json),
            _ => None,
        }
    }

    /// Takes a JSON value over.
    pub fn from_json(json: &serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::null(),
            Json::Bool(value) => Value::bool(*value),
            // A number that serde_json could read has digits; only its range may be too large.
            Json::Number(number) => {
                Number::parse(&number.to_string()).map_or_else(|_| Value::null(), Value::number)
            }
            Json::String(text) => Value::text(text.as_str()),
            Json::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            Json::Object(entries) => Value::object(
                entries
                    .iter()
                    .map(|(key, item)| (letters::composed_key(key), Value::from_json(item)))
                    .collect(),
            ),
        }
    }
}

fn entries_to_json(entries: &BTreeMap<String, Value>) -> Option<serde_json::Value> {
    let entries = entries.iter().map(|(key, item)| Some((key.clone(), item.to_json()?)));
    Some(serde_json::Value::Object(entries.collect::<Option<_>>()?))
}

impl Data {
    fn rank(&self) -> u8 {
        match self {
            Data::Null => 0,
            Data::Bool(_) => 1,
            Data::Number(_) => 2,
            Data::Text(_) => 3,
            Data::List(_) => 4,
            Data::Set(_) => 5,
            Data::Object(_) => 6,
            Data::Reference(_) => 7,
            Data::Unknown => 8,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive {
            return f.write_str("(sensitive)");
        }
        match &self.data {
            Data::Null => f.write_str("null"),
            Data::Bool(value) => write!(f, "{value}"),
            Data::Number(number) => write!(f, "{number}"),
            Data::Text(text) => write!(f, "{text:?}"),
            Data::List(items) => f.debug_list().entries(items.iter()).finish(),
            Data::Set(items) => f.debug_set().entries(items.iter()).finish(),
            Data::Object(entries) => f.debug_map().entries(entries.iter()).finish(),
            Data::Reference(reference) => write!(f, "{}", reference.address),
            Data::Unknown => f.write_str("(known after apply)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_is_not_printed() {
        let secret = Value::text("canary").marked(true);
        let holder = Value::list(vec![secret.clone()]);
        assert_eq!(format!("{secret:?} {holder:?}"), "(sensitive) [(sensitive)]");
        assert_eq!(holder.describe(), "a list that is marked sensitive");
        assert!(holder.has_secrets() && !holder.is_sensitive());
        assert!(!holder.unmarked().has_secrets());
    }

    #[test]
    fn what_is_unknown_has_no_json() {
        assert_eq!(Value::list(vec![Value::unknown()]).to_json(), None);
        assert!(Value::list(vec![Value::unknown()]).has_unknowns());
        let json = serde_json::json!({"a": [1, 2.5, null, true, "x"]});
        assert_eq!(Value::from_json(&json).to_json(), Some(json));
    }

    #[test]
    fn a_set_is_sorted_and_holds_each_once() {
        let set = Value::set(vec![Value::text("b"), Value::text("a"), Value::text("b")]);
        assert_eq!(format!("{set:?}"), r#"{"a", "b"}"#);
    }
}
