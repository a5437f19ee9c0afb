//! Durations such as `72h` or `1h30m`.

use jiff::SignedDuration;

use super::fields::{Fields, Given};
use crate::config::convert;

/// Reads a duration: whole numbers with the units `s`, `m`, `h` and `d`, largest first or not.
pub(super) fn parse(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut seconds: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let factor = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + 1..];
    }
    Some(SignedDuration::from_secs(seconds))
}

/// An argument that holds a duration.
pub(super) fn field(fields: &mut Fields<'_>, name: &'static str) -> Option<Given<SignedDuration>> {
    fields.value(name, |value| {
        let parsed = value.as_text().and_then(parse);
        parsed.ok_or_else(|| convert::expected("a duration such as \"72h\" (units s, m, h, d)", value))
    })
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
        for text in
            ["", "72", "h", "-1h", "1w", "1.5h", "1h ", "99999999999999999999s", "9223372036854775807d"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
