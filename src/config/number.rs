//! Numbers of the language: exact decimals, whatever their length.
//!
//! A number is its digits and how many of them stand behind the point, so that what is written is
//! what is printed: an id of 21 digits loses none, `0.1 + 0.2` is `0.3`. Only a quotient that never
//! ends is rounded, and what the functions with roots give, which have the precision of a float.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};

use crate::limits;

/// A number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    digits: BigInt,
    /// How many of the digits are behind the point; the last of these is never a zero.
    scale: u32,
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// The text is no number.
    NotANumber,
    /// The number has more digits than any can have.
    TooLarge,
    /// Something was to be divided by zero.
    DivisionByZero,
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumberFault::NotANumber => f.write_str("This is not a number."),
            NumberFault::TooLarge => write!(
                f,
                "The number needs more than {most} digits before or behind its point, and none can have more.",
                most = limits::NUMBER_DIGITS_MAX
            ),
            NumberFault::DivisionByZero => f.write_str("Division by zero has no result."),
        }
    }
}

type Made = Result<Number, NumberFault>;

impl Number {
    /// Drops zeros at the end behind the point, and refuses what is too long.
    fn new(mut digits: BigInt, mut scale: u32) -> Made {
        let ten = BigInt::from(10);
        while scale > 0 {
            let (rest, last) = (&digits / &ten, &digits % &ten);
            if last.sign() != Sign::NoSign {
                break;
            }
            (digits, scale) = (rest, scale - 1);
        }
        let most = u64::from(limits::NUMBER_DIGITS_MAX);
        // A digit takes more than three bits, so that most numbers need no count.
        let may_be_long = digits.bits() > 3 * most;
        let count = || digits.magnitude().to_string().len() as u64;
        if u64::from(scale) > most || may_be_long && count() > most + u64::from(scale) {
            return Err(NumberFault::TooLarge);
        }
        Ok(Number { digits, scale })
    }

    /// Takes a float over, as its shortest decimal text.
    ///
    /// # Errors
    /// If it is infinite or no number.
    pub fn from_f64(value: f64) -> Made {
        if value.is_finite() { Number::parse(&value.to_string()) } else { Err(NumberFault::TooLarge) }
    }

    /// Reads decimal digits, as in `-1.5e3`.
    ///
    /// # Errors
    /// If the text is no number, or one with too many digits.
    pub fn parse(text: &str) -> Made {
        let (negative, size) = match text.strip_prefix('-') {
            Some(size) => (true, size),
            None => (false, text),
        };
        let (mantissa, exponent) = match size.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (size, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // `inf`, `nan`, `+1` and `.5` are floats elsewhere, not numbers of the language.
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(NumberFault::NotANumber);
        }
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Number::from(0));
        }
        let most = i64::from(limits::NUMBER_DIGITS_MAX);
        let kept = digits.trim_end_matches('0');
        let dropped = (digits.len() - kept.len()) as i64;
        // How many places the last digit that counts stands behind the point, or before it.
        let scale = (fraction.len() as i64).saturating_sub(dropped).saturating_sub(exponent);
        if scale > most || (kept.len() as i64).saturating_sub(scale) > most {
            return Err(NumberFault::TooLarge);
        }
        let value = BigInt::parse_bytes(kept.as_bytes(), 10).ok_or(NumberFault::NotANumber)?;
        let value = if negative { -value } else { value };
        match u32::try_from(scale) {
            Ok(scale) => Number::new(value, scale),
            Err(_) => Number::new(value * power_of_ten(scale.unsigned_abs() as u32), 0),
        }
    }

    /// The nearest float; none where there is no such float but infinity or zero.
    pub fn to_f64(&self) -> Option<f64> {
        let float: f64 = self.to_string().parse().ok()?;
        (float.is_finite() && (float != 0.0 || self.is_zero())).then_some(float)
    }

    /// The number as an integer, if it is whole.
    pub fn to_integer(&self) -> Option<&BigInt> {
        (self.scale == 0).then_some(&self.digits)
    }

    /// The number as a whole one of the usual size, if it is.
    pub fn to_whole(&self) -> Option<i128> {
        self.to_integer().and_then(|integer| i128::try_from(integer).ok())
    }

    /// The sum.
    ///
    /// # Errors
    /// If it is too large.
    pub fn plus(&self, other: &Number) -> Made {
        let (a, b, scale) = self.aligned(other);
        Number::new(a + b, scale)
    }

    /// The difference.
    ///
    /// # Errors
    /// If it is too large.
    pub fn minus(&self, other: &Number) -> Made {
        let (a, b, scale) = self.aligned(other);
        Number::new(a - b, scale)
    }

    /// The product.
    ///
    /// # Errors
    /// If it is too large.
    pub fn times(&self, other: &Number) -> Made {
        Number::new(&self.digits * &other.digits, self.scale + other.scale)
    }

    /// The quotient, exact where it ends within as many digits as Terraform computes with.
    ///
    /// # Errors
    /// If the divisor is zero.
    pub fn divide(&self, other: &Number) -> Made {
        if other.is_zero() {
            return Err(NumberFault::DivisionByZero);
        }
        let (a, b, _) = self.aligned(other);
        // A small quotient begins behind the point, and its digits are counted from there.
        let begins = b.magnitude().to_string().len().saturating_sub(a.magnitude().to_string().len());
        let scale = (limits::QUOTIENT_DIGITS + begins as u32).min(limits::NUMBER_DIGITS_MAX);
        let quotient = divide_rounded(&(a * power_of_ten(scale)), &b);
        if quotient.sign() == Sign::NoSign && !self.is_zero() {
            return Err(NumberFault::TooLarge);
        }
        Number::new(quotient, scale)
    }

    /// The remainder, with the sign of the dividend.
    ///
    /// # Errors
    /// If the divisor is zero.
    pub fn remainder(&self, other: &Number) -> Made {
        if other.is_zero() {
            return Err(NumberFault::DivisionByZero);
        }
        let (a, b, scale) = self.aligned(other);
        Number::new(a % b, scale)
    }

    /// The number to a whole power; none where the power is no small whole number.
    pub fn power(&self, power: &Number) -> Option<Made> {
        let power = u32::try_from(power.to_whole()?).ok()?;
        let size = self.digits.bits().saturating_mul(u64::from(power));
        let zero_or_one = self.digits.bits() < 2 && self.scale == 0;
        if !zero_or_one && size > 4 * u64::from(limits::NUMBER_DIGITS_MAX) {
            return Some(Err(NumberFault::TooLarge));
        }
        Some(Number::new(self.digits.pow(power), self.scale.saturating_mul(power)))
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negate(&self) -> Number {
        Number { digits: -&self.digits, scale: self.scale }
    }

    /// The number without its sign.
    #[must_use]
    pub fn abs(&self) -> Number {
        Number { digits: BigInt::from(self.digits.magnitude().clone()), scale: self.scale }
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i64 {
        match self.digits.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// The largest whole number that is not above.
    #[must_use]
    pub fn floor(&self) -> Number {
        let (unit, zero) = (power_of_ten(self.scale), BigInt::ZERO);
        let below = if &self.digits % &unit < zero { 1 } else { 0 };
        Number { digits: &self.digits / unit - below, scale: 0 }
    }

    /// The smallest whole number that is not below.
    #[must_use]
    pub fn ceil(&self) -> Number {
        self.negate().floor().negate()
    }

    /// The number without its sign, rounded to so many digits behind the point, all of them written.
    pub fn fixed(&self, decimals: usize) -> String {
        let size = BigInt::from(self.digits.magnitude().clone());
        let wanted = decimals as u32;
        let digits = if wanted >= self.scale {
            size * power_of_ten(wanted - self.scale)
        } else {
            divide_rounded(&size, &power_of_ten(self.scale - wanted))
        };
        pointed(digits.magnitude(), decimals)
    }

    /// The digits that count and the power of ten of the first, rounded to `most` digits.
    pub fn significant(&self, most: usize) -> (String, i64) {
        let digits = self.digits.magnitude().to_string();
        let power = digits.len() as i64 - 1 - i64::from(self.scale);
        if digits.len() <= most || self.is_zero() {
            return (digits.trim_end_matches('0').to_owned(), if self.is_zero() { 0 } else { power });
        }
        let unit = power_of_ten((digits.len() - most) as u32);
        let rounded = divide_rounded(&BigInt::from(self.digits.magnitude().clone()), &unit).to_string();
        let carried = i64::from(rounded.len() > most);
        (rounded.trim_end_matches('0').to_owned(), power + carried)
    }

    /// The number for JSON; none where a reader of JSON would lose digits of it.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        if let Some(whole) = self.to_whole() {
            return i64::try_from(whole)
                .map(Into::into)
                .or_else(|_| u64::try_from(whole).map(Into::into))
                .ok();
        }
        let float = self.to_f64().filter(|float| Number::from_f64(*float).as_ref() == Ok(self))?;
        serde_json::Number::from_f64(float).map(Into::into)
    }

    fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    /// The digits of both at one scale.
    fn aligned(&self, other: &Number) -> (BigInt, BigInt, u32) {
        let scale = self.scale.max(other.scale);
        let at = |number: &Number| &number.digits * power_of_ten(scale - number.scale);
        (at(self), at(other), scale)
    }
}

/// Saturates: an exponent beyond all bounds is refused as too large, not as no number.
fn read_exponent(text: &str) -> Result<i64, NumberFault> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberFault::NotANumber);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn power_of_ten(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

/// Halves go to the even neighbour.
fn divide_rounded(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, rest): (BigInt, BigInt) = (a / b, a % b);
    let twice = rest.magnitude() * 2u32;
    let up = match twice.cmp(b.magnitude()) {
        Ordering::Less => false,
        Ordering::Equal => quotient.bit(0),
        Ordering::Greater => true,
    };
    match (up, a.sign() == b.sign()) {
        (false, _) => quotient,
        (true, true) => quotient + 1,
        (true, false) => quotient - 1,
    }
}

/// Digits with the point before the last `scale` of them.
fn pointed(digits: &BigUint, scale: usize) -> String {
    let digits = format!("{:0>width$}", digits.to_string(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

impl From<BigInt> for Number {
    fn from(digits: BigInt) -> Number {
        Number { digits, scale: 0 }
    }
}

impl From<i64> for Number {
    fn from(whole: i64) -> Number {
        Number::from(BigInt::from(whole))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }
}

/// All digits and no exponent, as Terraform prints numbers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.signum() < 0 { "-" } else { "" };
        write!(f, "{sign}{}", pointed(self.digits.magnitude(), self.scale as usize))
    }
}

#[cfg(test)]
mod tests;
