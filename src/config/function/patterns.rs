//! Replacing and matching, with regular expressions.

use std::collections::BTreeMap;

use regex::{Captures, Regex, RegexBuilder};

use super::arguments::Arguments;
use super::{Answer, Function, FunctionFault, seen};
use crate::config::value::Value;
use crate::limits;

pub(super) const TABLE: &[Function] =
    &[seen("replace", 3, 3, replace), seen("regex", 2, 2, find), seen("regexall", 2, 2, find_all)];

fn compile(at: usize, pattern: &str) -> Result<Regex, FunctionFault> {
    // A pattern such as `(\w{500}){500}` would take gigabytes otherwise.
    const COMPILED_BYTES_MAX: usize = 1024 * 1024;
    RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| FunctionFault::at(at, format!("The pattern is not a regular expression: {error}.")))
}

/// `/pattern/` is a regular expression, anything else is taken literally.
fn replace(arguments: Arguments<'_>) -> Answer {
    let (text, search, replacement) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let pattern = search.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let places = (text.len() as u64 + 1) * (replacement.len() as u64 + 1);
    if places > limits::VALUE_WEIGHT_MAX * 16 {
        return Err(FunctionFault::whole("The result could be too large."));
    }
    Ok(Value::text(match pattern {
        Some(pattern) => compile(1, pattern)?.replace_all(&text, &*replacement).into_owned(),
        None => text.replace(&*search, &replacement),
    }))
}

fn find(arguments: Arguments<'_>) -> Answer {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let regex = compile(0, &pattern)?;
    match regex.captures(&text) {
        Some(captures) => Ok(captured(&regex, &captures)),
        None => Err(FunctionFault::at(1, "The pattern does not match.")),
    }
}

fn find_all(arguments: Arguments<'_>) -> Answer {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let regex = compile(0, &pattern)?;
    Ok(Value::list(regex.captures_iter(&text).map(|captures| captured(&regex, &captures)).collect()))
}

/// Named groups become an object, unnamed ones a list; without groups it is the whole match.
fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let value = |at: usize| captures.get(at).map_or_else(Value::null, |found| Value::text(found.as_str()));
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    if names.iter().any(Option::is_some) {
        let entries =
            names.iter().enumerate().filter_map(|(at, name)| Some(((*name)?.to_owned(), value(at))));
        return Value::object(entries.collect::<BTreeMap<_, _>>());
    }
    match captures.len() {
        1 => value(0),
        count => Value::list((1..count).map(value).collect()),
    }
}
