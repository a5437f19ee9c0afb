//! Numbers of the language: whole numbers are exact, the others are floating point.

use std::cmp::Ordering;
use std::fmt;

/// A number.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Whole(i128),
    /// Any other number; always finite and never a small whole number.
    Float(f64),
}

/// Why an operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// The result is outside the range of numbers.
    TooLarge,
    /// Something was to be divided by zero.
    DivisionByZero,
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberFault::TooLarge => "The result is too large to be computed exactly.",
            NumberFault::DivisionByZero => "Division by zero has no result.",
        })
    }
}

/// Whole floats below this are exact, 2 to the power of 53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// Takes a float over; whole ones become exact.
    ///
    /// # Errors
    /// If it is infinite or no number.
    pub fn from_f64(value: f64) -> Result<Number, NumberFault> {
        if !value.is_finite() {
            Err(NumberFault::TooLarge)
        } else if value.fract() == 0.0 && value.abs() <= EXACT {
            Ok(Number::Whole(value as i128))
        } else {
            Ok(Number::Float(value))
        }
    }

    /// Reads decimal digits, as in `-1.5e3`.
    pub fn parse(text: &str) -> Option<Number> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        // `inf`, `nan` and `+1` are floats to Rust, not numbers of the language.
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        match text.parse::<i128>() {
            Ok(whole) => Some(Number::Whole(whole)),
            Err(_) => Number::from_f64(text.parse().ok()?).ok(),
        }
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Float(float) => float,
        }
    }

    /// The number as a whole one, if it is.
    pub fn to_whole(self) -> Option<i128> {
        match self {
            Number::Whole(whole) => Some(whole),
            Number::Float(_) => None,
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// If it is too large.
    pub fn plus(self, other: Number) -> Result<Number, NumberFault> {
        self.combine(other, i128::checked_add, |a, b| a + b)
    }

    /// The difference.
    ///
    /// # Errors
    /// If it is too large.
    pub fn minus(self, other: Number) -> Result<Number, NumberFault> {
        self.combine(other, i128::checked_sub, |a, b| a - b)
    }

    /// The product.
    ///
    /// # Errors
    /// If it is too large.
    pub fn times(self, other: Number) -> Result<Number, NumberFault> {
        self.combine(other, i128::checked_mul, |a, b| a * b)
    }

    /// The quotient, exact where it is whole.
    ///
    /// # Errors
    /// If the divisor is zero.
    pub fn divide(self, other: Number) -> Result<Number, NumberFault> {
        if other.is_zero() {
            return Err(NumberFault::DivisionByZero);
        }
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) if a.checked_rem(b) == Some(0) => {
                a.checked_div(b).map(Number::Whole).ok_or(NumberFault::TooLarge)
            }
            _ => Number::from_f64(self.to_f64() / other.to_f64()),
        }
    }

    /// The remainder, with the sign of the dividend.
    ///
    /// # Errors
    /// If the divisor is zero.
    pub fn remainder(self, other: Number) -> Result<Number, NumberFault> {
        if other.is_zero() {
            return Err(NumberFault::DivisionByZero);
        }
        match (self, other) {
            // The one case without a result here is MIN % -1, which is 0.
            (Number::Whole(a), Number::Whole(b)) => Ok(Number::Whole(a.checked_rem(b).unwrap_or(0))),
            _ => Number::from_f64(self.to_f64() % other.to_f64()),
        }
    }

    /// The number with the other sign.
    ///
    /// # Errors
    /// If it is too large.
    pub fn negate(self) -> Result<Number, NumberFault> {
        Number::Whole(0).minus(self)
    }

    /// The number for JSON; beyond 64 bits the nearest float.
    pub fn to_json(self) -> serde_json::Value {
        let float =
            |float: f64| serde_json::Number::from_f64(float).map_or(serde_json::Value::Null, Into::into);
        match self {
            Number::Whole(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
                (Ok(whole), _) => whole.into(),
                (_, Ok(whole)) => whole.into(),
                _ => float(whole as f64),
            },
            Number::Float(value) => float(value),
        }
    }

    fn is_zero(self) -> bool {
        self == Number::Whole(0)
    }

    fn combine(
        self,
        other: Number,
        whole: fn(i128, i128) -> Option<i128>,
        float: fn(f64, f64) -> f64,
    ) -> Result<Number, NumberFault> {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => {
                whole(a, b).map(Number::Whole).ok_or(NumberFault::TooLarge)
            }
            _ => Number::from_f64(float(self.to_f64(), other.to_f64())),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => a.cmp(b),
            _ => self.to_f64().total_cmp(&other.to_f64()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(whole) => write!(f, "{whole}"),
            Number::Float(float) => write!(f, "{float}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect(text)
    }

    #[test]
    fn numbers_print_as_terraform_prints_them() {
        for (text, printed) in [
            ("1", "1"),
            ("-1", "-1"),
            ("1.50", "1.5"),
            ("2.0", "2"),
            ("1e3", "1000"),
            ("18446744073709551616", "18446744073709551616"),
            ("1e21", "1000000000000000000000"),
        ] {
            assert_eq!(number(text).to_string(), printed, "{text}");
        }
        for text in ["", "-", "inf", "nan", "+1", "1x", "0x10", " 1"] {
            assert!(Number::parse(text).is_none(), "{text:?} was read as a number");
        }
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        let max = Number::Whole(i128::MAX);
        assert_eq!(number("18446744073709551615").plus(number("1")), Ok(number("18446744073709551616")));
        assert_eq!(max.plus(number("1")), Err(NumberFault::TooLarge));
        assert_eq!(number("1").divide(number("0")), Err(NumberFault::DivisionByZero));
        assert_eq!(number("1").remainder(number("0")), Err(NumberFault::DivisionByZero));
        assert_eq!(Number::Whole(i128::MIN).divide(number("-1")).map(Number::to_whole), {
            Number::from_f64(i128::MIN as f64 / -1.0).map(Number::to_whole)
        });
        assert_eq!(Number::Whole(i128::MIN).remainder(number("-1")), Ok(number("0")));
        assert_eq!(number("7").divide(number("2")), Ok(number("3.5")));
        assert_eq!(number("6").divide(number("2")), Ok(number("3")));
        assert_eq!(number("-7").remainder(number("2")), Ok(number("-1")));
        assert_eq!(number("1e308").times(number("10.5")), Err(NumberFault::TooLarge));
    }
}
