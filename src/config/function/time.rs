//! Functions of time. None reads a clock: evaluation must be repeatable.

use jiff::Timestamp;

use super::{Answer, Function, FunctionFault, seen};
use crate::config::function::arguments::Arguments;
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[seen("timeadd", 2, 2, timeadd)];

fn timeadd(arguments: Arguments<'_>) -> Answer {
    let (text, duration) = (arguments.text(0)?, arguments.text(1)?);
    let start: Timestamp = text
        .parse()
        .map_err(|_| FunctionFault::at(0, "The string is not a time such as 2026-01-31T12:00:00Z."))?;
    let span = go_duration(&duration)
        .ok_or_else(|| FunctionFault::at(1, "The string is not a duration such as 90m or -1h30m."))?;
    let end = start
        .checked_add(span)
        .map_err(|_| FunctionFault::whole("The result is outside of the calendar."))?;
    Ok(Value::text(end.to_string()))
}

/// Reads a duration as Go writes it: numbers with the units h, m, s, ms, us and ns.
fn go_duration(text: &str) -> Option<jiff::SignedDuration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(jiff::SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..length].parse().ok()?;
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| rest[length..].starts_with(unit))?;
        seconds += number * factor;
        rest = &rest[length + unit.len()..];
    }
    jiff::SignedDuration::try_from_secs_f64(sign * seconds).ok()
}
