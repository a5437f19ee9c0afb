//! Functions of numbers.

use num_bigint::{BigInt, Sign};

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, seen};
use crate::config::number::{Number, NumberFault};
use crate::config::value::Value;
use crate::limits;

pub(super) const TABLE: &[Function] = &[
    seen("abs", 1, 1, |a| Ok(Value::number(a.number(0)?.abs()))),
    seen("ceil", 1, 1, |a| Ok(Value::number(a.number(0)?.ceil()))),
    seen("floor", 1, 1, |a| Ok(Value::number(a.number(0)?.floor()))),
    seen("max", 1, ANY, |a| Ok(a.numbers()?.into_iter().max().map_or_else(Value::null, Value::number))),
    seen("min", 1, ANY, |a| Ok(a.numbers()?.into_iter().min().map_or_else(Value::null, Value::number))),
    seen("signum", 1, 1, |a| Ok(Value::number(a.number(0)?.signum().into()))),
    seen("pow", 2, 2, pow),
    seen("log", 2, 2, log),
    seen("parseint", 2, 2, parseint),
];

/// Exact where the power is a whole number.
fn pow(arguments: Arguments<'_>) -> Answer {
    let (base, power) = (arguments.number(0)?, arguments.number(1)?);
    if let Some(exact) = base.power(&power) {
        return Ok(Value::number(exact?));
    }
    let result = arguments.float(0)?.powf(arguments.float(1)?);
    Ok(Value::number(Number::from_f64(result)?))
}

fn log(arguments: Arguments<'_>) -> Answer {
    let (number, base) = (arguments.float(0)?, arguments.float(1)?);
    Ok(Value::number(Number::from_f64(number.ln() / base.ln())?))
}

fn parseint(arguments: Arguments<'_>) -> Answer {
    let (text, base) = (arguments.text(0)?, arguments.whole(1)?);
    let Some(base) = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)) else {
        return Err(FunctionFault::at(1, "The base must be between 2 and 62."));
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, &*text),
    };
    if digits.is_empty() {
        return Err(FunctionFault::at(0, "The string has no digits."));
    }
    let values: Option<Vec<u8>> = digits.chars().map(|digit| digit_value(digit, base)).collect();
    let values =
        values.ok_or_else(|| FunctionFault::at(0, format!("The string is not a number of base {base}.")))?;
    if values.len() > limits::NUMBER_DIGITS_MAX as usize {
        return Err(NumberFault::TooLarge.into());
    }
    let number = BigInt::from_radix_be(if negative { Sign::Minus } else { Sign::Plus }, &values, base)
        .ok_or_else(|| FunctionFault::at(0, format!("The string is not a number of base {base}.")))?;
    Ok(Value::number(number.into()))
}

/// Up to base 36 letters of either case mean the same; above, small letters come first.
fn digit_value(digit: char, base: u32) -> Option<u8> {
    let value = match digit {
        '0'..='9' => digit as u32 - '0' as u32,
        'a'..='z' => digit as u32 - 'a' as u32 + 10,
        'A'..='Z' if base <= 36 => digit as u32 - 'A' as u32 + 10,
        'A'..='Z' => digit as u32 - 'A' as u32 + 36,
        _ => return None,
    };
    u8::try_from(value).ok().filter(|_| value < base)
}
