//! Functions of numbers.

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, seen};
use crate::config::number::Number;
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[
    seen("abs", 1, 1, abs),
    seen("ceil", 1, 1, |a| rounded(a, f64::ceil)),
    seen("floor", 1, 1, |a| rounded(a, f64::floor)),
    seen("max", 1, ANY, |a| Ok(Value::number(a.numbers()?.into_iter().max().unwrap_or(Number::Whole(0))))),
    seen("min", 1, ANY, |a| Ok(Value::number(a.numbers()?.into_iter().min().unwrap_or(Number::Whole(0))))),
    seen("signum", 1, 1, signum),
    seen("pow", 2, 2, pow),
    seen("log", 2, 2, log),
    seen("parseint", 2, 2, parseint),
];

fn abs(arguments: Arguments<'_>) -> Answer {
    let number = arguments.number(0)?;
    Ok(Value::number(if number < Number::Whole(0) { number.negate()? } else { number }))
}

fn rounded(arguments: Arguments<'_>, round: fn(f64) -> f64) -> Answer {
    Ok(Value::number(match arguments.number(0)? {
        Number::Whole(whole) => Number::Whole(whole),
        Number::Float(float) => Number::from_f64(round(float))?,
    }))
}

fn signum(arguments: Arguments<'_>) -> Answer {
    let sign = match arguments.number(0)? {
        Number::Whole(whole) => whole.signum(),
        Number::Float(float) => float.signum() as i128,
    };
    Ok(Value::number(Number::Whole(sign)))
}

fn pow(arguments: Arguments<'_>) -> Answer {
    let (base, power) = (arguments.number(0)?, arguments.number(1)?);
    if let (Number::Whole(base), Number::Whole(power)) = (base, power)
        && let Some(exact) = u32::try_from(power).ok().and_then(|power| base.checked_pow(power))
    {
        return Ok(Value::number(Number::Whole(exact)));
    }
    Ok(Value::number(Number::from_f64(base.to_f64().powf(power.to_f64()))?))
}

fn log(arguments: Arguments<'_>) -> Answer {
    let (number, base) = (arguments.number(0)?.to_f64(), arguments.number(1)?.to_f64());
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
    let mut number: i128 = 0;
    for digit in digits.chars() {
        number = digit_value(digit, base)
            .and_then(|digit| number.checked_mul(i128::from(base))?.checked_add(i128::from(digit)))
            .ok_or_else(|| FunctionFault::at(0, format!("The string is not a number of base {base}.")))?;
    }
    if digits.is_empty() {
        return Err(FunctionFault::at(0, "The string has no digits."));
    }
    Ok(Value::number(Number::Whole(if negative { -number } else { number })))
}

/// Up to base 36 letters of either case mean the same; above, small letters come first.
fn digit_value(digit: char, base: u32) -> Option<u32> {
    let value = match digit {
        '0'..='9' => digit as u32 - '0' as u32,
        'a'..='z' => digit as u32 - 'a' as u32 + 10,
        'A'..='Z' if base <= 36 => digit as u32 - 'A' as u32 + 10,
        'A'..='Z' => digit as u32 - 'A' as u32 + 36,
        _ => return None,
    };
    (value < base).then_some(value)
}
