//! Encodings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arguments::Arguments;
use super::{Answer, Function, FunctionFault, json, seen};
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[
    seen("jsonencode", 1, 1, jsonencode),
    seen("jsondecode", 1, 1, jsondecode),
    seen("base64encode", 1, 1, |a| Ok(Value::text(STANDARD.encode(a.text(0)?.as_bytes())))),
    seen("base64decode", 1, 1, base64decode),
    seen("urlencode", 1, 1, urlencode),
];

fn jsonencode(arguments: Arguments<'_>) -> Answer {
    // A declared thing whose id is not known yet is a known value with unknown attributes.
    Ok(json::encode(&arguments.value(0)).map_or_else(Value::unknown, Value::text))
}

fn jsondecode(arguments: Arguments<'_>) -> Answer {
    json::decode(&arguments.text(0)?).map_err(|detail| FunctionFault::at(0, detail))
}

fn base64decode(arguments: Arguments<'_>) -> Answer {
    let bytes = STANDARD
        .decode(arguments.text(0)?.as_bytes())
        .map_err(|_| FunctionFault::at(0, "The string is not base64."))?;
    let text =
        String::from_utf8(bytes).map_err(|_| FunctionFault::at(0, "The decoded bytes are not UTF-8."))?;
    Ok(Value::text(text))
}

/// As in a query: blanks become `+`.
fn urlencode(arguments: Arguments<'_>) -> Answer {
    let mut result = String::new();
    for byte in arguments.text(0)?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => result.push(byte as char),
            b' ' => result.push('+'),
            _ => result += &format!("%{byte:02X}"),
        }
    }
    Ok(Value::text(result))
}
