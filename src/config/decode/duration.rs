//! Durations such as `72h`, `1h30m` or `500ms`.

use std::ops::RangeInclusive;

use jiff::SignedDuration;

use super::fields::{Fields, Given};
use crate::config::convert;

/// Reads a duration: whole numbers with the units `ms`, `s`, `m`, `h` and `d`, largest first or not.
pub(super) fn parse(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut milliseconds: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let number: i64 = number.parse().ok()?;
        let unit = |(unit, factor)| Some((after.strip_prefix(unit)?, factor));
        let (after, factor) = UNITS.into_iter().find_map(unit)?;
        milliseconds = milliseconds.checked_add(number.checked_mul(factor)?)?;
        rest = after;
    }
    Some(SignedDuration::from_millis(milliseconds))
}

/// The units, the longer of two that begin alike first, in milliseconds.
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// An argument that holds a duration.
pub(super) fn field(fields: &mut Fields<'_>, name: &'static str) -> Option<Given<SignedDuration>> {
    fields.value(name, |value| {
        let parsed = value.as_text().and_then(parse);
        parsed.ok_or_else(|| convert::expected("a duration such as \"72h\" (units ms, s, m, h, d)", value))
    })
}

/// An argument that holds a duration of `bounds`; `why` says what is wrong with any other.
pub(super) fn within(
    fields: &mut Fields<'_>,
    name: &'static str,
    bounds: &RangeInclusive<SignedDuration>,
    why: &str,
) -> Option<SignedDuration> {
    let given = field(fields, name)?;
    if bounds.contains(&given.value) {
        return Some(given.value);
    }
    let (least, most) = (bounds.start(), bounds.end());
    let detail = format!("`{name}` is {:#}, and it is a time from {least:#} to {most:#}. {why}", given.value);
    fields.refuse("Duration out of range", detail, given.span, "leave it out for the usual time");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in
            [("72h", 259_200), ("0s", 0), ("90m", 5_400), ("7d", 604_800), ("1h30m", 5_400)]
        {
            assert_eq!(parse(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        for (text, milliseconds) in [("500ms", 500), ("1m500ms", 60_500), ("1ms1m", 60_001)] {
            assert_eq!(parse(text), Some(SignedDuration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "72", "h", "-1h", "1w", "1.5h", "1h ", "99999999999999999999s", "9223372036854775807d"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
