//! Functions of strings.

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, seen};
use crate::config::letters;
use crate::config::value::Value;
use crate::limits;

pub(super) const TABLE: &[Function] = &[
    seen("join", 1, ANY, join),
    seen("split", 2, 2, split),
    seen("upper", 1, 1, |a| Ok(Value::text(letters::upper(&a.text(0)?)))),
    seen("lower", 1, 1, |a| Ok(Value::text(letters::lower(&a.text(0)?)))),
    seen("title", 1, 1, |a| Ok(Value::text(letters::title(&a.text(0)?)))),
    seen("trim", 2, 2, trim),
    seen("trimspace", 1, 1, |a| Ok(Value::text(a.text(0)?.trim()))),
    seen("trimprefix", 2, 2, trimprefix),
    seen("trimsuffix", 2, 2, trimsuffix),
    seen("chomp", 1, 1, |a| Ok(Value::text(a.text(0)?.trim_end_matches(['\r', '\n'])))),
    seen("substr", 3, 3, substr),
    seen("startswith", 2, 2, |a| Ok(Value::bool(a.text(0)?.starts_with(&*a.text(1)?)))),
    seen("endswith", 2, 2, |a| Ok(Value::bool(a.text(0)?.ends_with(&*a.text(1)?)))),
    seen("strcontains", 2, 2, |a| Ok(Value::bool(a.text(0)?.contains(&*a.text(1)?)))),
    seen("strrev", 1, 1, |a| Ok(Value::text(letters::letters(&a.text(0)?).rev().collect::<String>()))),
    seen("indent", 2, 2, indent),
];

fn join(arguments: Arguments<'_>) -> Answer {
    let separator = arguments.text(0)?;
    let mut parts = Vec::new();
    for at in 1..arguments.count() {
        parts.extend(arguments.texts(at)?);
    }
    let size = parts.iter().map(|part| (part.len() + separator.len()) as u64).sum::<u64>();
    if size > limits::VALUE_WEIGHT_MAX {
        return Err(FunctionFault::whole("The result would be too large."));
    }
    Ok(Value::text(parts.iter().map(|part| &**part).collect::<Vec<_>>().join(&separator)))
}

fn split(arguments: Arguments<'_>) -> Answer {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|letter| Value::text(letter.to_string())).collect()
    } else {
        text.split(&*separator).map(Value::text).collect()
    };
    Ok(Value::list(parts))
}

fn trim(arguments: Arguments<'_>) -> Answer {
    let (text, letters) = (arguments.text(0)?, arguments.text(1)?);
    Ok(Value::text(text.trim_matches(|letter| letters.contains(letter))))
}

fn trimprefix(arguments: Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    Ok(Value::text(text.strip_prefix(&*arguments.text(1)?).unwrap_or(&text)))
}

fn trimsuffix(arguments: Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    Ok(Value::text(text.strip_suffix(&*arguments.text(1)?).unwrap_or(&text)))
}

/// A negative offset counts from the end; the length -1 means the rest.
fn substr(arguments: Arguments<'_>) -> Answer {
    let (text, offset, length) = (arguments.text(0)?, arguments.whole(1)?, arguments.whole(2)?);
    let count = letters::letters(&text).count() as i128;
    let start = if offset < 0 { offset.saturating_add(count).max(0) } else { offset.min(count) };
    let taken = if length < 0 { count - start } else { length.min(count - start) };
    Ok(Value::text(letters::letters(&text).skip(start as usize).take(taken as usize).collect::<String>()))
}

/// The first line stays where it is.
fn indent(arguments: Arguments<'_>) -> Answer {
    let (width, text) = (arguments.whole(0)?, arguments.text(1)?);
    let width = usize::try_from(width).ok().filter(|width| *width <= limits::FORMAT_WIDTH_MAX);
    let Some(width) = width else {
        let detail = format!("The width must be between 0 and {}.", limits::FORMAT_WIDTH_MAX);
        return Err(FunctionFault::at(0, detail));
    };
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64;
    if lines * width as u64 > limits::VALUE_WEIGHT_MAX {
        return Err(FunctionFault::whole("The result would be too large."));
    }
    Ok(Value::text(text.replace('\n', &format!("\n{}", " ".repeat(width)))))
}
