//! Conversions between the simple kinds of values, as Terraform does them.

use super::number::{Number, NumberFault};
use super::value::{Data, Value};

/// The value as a string. Numbers and bools convert.
///
/// # Errors
/// A sentence for people.
pub(super) fn to_text(value: &Value) -> Result<Value, String> {
    let text = match value.data() {
        Data::Text(_) | Data::Null | Data::Unknown => return Ok(value.clone()),
        Data::Number(number) => number.to_string(),
        Data::Bool(truth) => truth.to_string(),
        _ => return Err(expected("a string", value)),
    };
    Ok(Value::text(text).marked(value.is_sensitive()))
}

/// The value as a number. Strings that hold one convert.
///
/// # Errors
/// A sentence for people.
pub(super) fn to_number(value: &Value) -> Result<Value, String> {
    match value.data() {
        Data::Number(_) | Data::Null | Data::Unknown => Ok(value.clone()),
        Data::Text(text) => match Number::parse(text) {
            Ok(number) => Ok(Value::number(number).marked(value.is_sensitive())),
            Err(NumberFault::TooLarge) => Err(NumberFault::TooLarge.to_string()),
            Err(_) => Err(expected("a number", value)),
        },
        _ => Err(expected("a number", value)),
    }
}

/// The value as a bool. The strings `true` and `false` convert.
///
/// # Errors
/// A sentence for people.
pub(super) fn to_bool(value: &Value) -> Result<Value, String> {
    match value.data() {
        Data::Bool(_) | Data::Null | Data::Unknown => Ok(value.clone()),
        Data::Text(text) => match &**text {
            "true" | "1" => Ok(Value::bool(true).marked(value.is_sensitive())),
            "false" | "0" => Ok(Value::bool(false).marked(value.is_sensitive())),
            _ => Err(expected("true or false", value)),
        },
        _ => Err(expected("true or false", value)),
    }
}

/// The sentence that something else was expected.
pub(super) fn expected(what: &str, given: &Value) -> String {
    format!("Expected {what}, but this is {}.", given.describe())
}
