//! `format` and `formatlist`: the verbs of Go, as far as Terraform has them.

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, json, seen};
use crate::config::convert;
use crate::config::letters::letters;
use crate::config::number::Number;
use crate::config::value::{Data, Value};
use crate::limits;

pub(super) const TABLE: &[Function] =
    &[seen("format", 1, ANY, format_one), seen("formatlist", 1, ANY, format_each)];

fn format_one(arguments: Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    Ok(Value::text(render(&text, &arguments.values[1..])?))
}

/// Lists are gone through side by side; anything else is repeated.
fn format_each(arguments: Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    let values = &arguments.values[1..];
    let mut count: Option<usize> = None;
    for (at, value) in values.iter().enumerate() {
        let Some(items) = value.as_items() else { continue };
        if *count.get_or_insert(items.len()) != items.len() {
            return Err(FunctionFault::at(at + 1, "The lists differ in length."));
        }
    }
    let line = |row: usize| {
        let pick = |value: &Value| value.as_items().map_or_else(|| value.clone(), |items| items[row].clone());
        render(&text, &values.iter().map(pick).collect::<Vec<_>>()).map(Value::text)
    };
    Ok(Value::list((0..count.unwrap_or(1)).map(line).collect::<Result<_, _>>()?))
}

/// One verb with its flags, such as `%-08.3f`.
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn render(text: &str, values: &[Value]) -> Result<String, FunctionFault> {
    let mut result = String::new();
    let mut letters = text.chars().peekable();
    let mut next = 0;
    let mut used = 0;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            result.push(letter);
            continue;
        }
        if letters.next_if_eq(&'%').is_some() {
            result.push('%');
            continue;
        }
        let verb = flags(&mut letters)?;
        if letters.next_if_eq(&'[').is_some() {
            let index = digits(&mut letters)?.unwrap_or(0);
            if letters.next() != Some(']') || index == 0 {
                return Err(FunctionFault::at(0, "An index such as `%[1]s` needs a number from 1."));
            }
            next = index - 1;
        }
        let Some(kind) = letters.next() else {
            return Err(FunctionFault::at(
                0,
                "The format ends inside of a verb; a percent sign is written %%.",
            ));
        };
        let Some(value) = values.get(next) else {
            let detail =
                format!("The verb `%{kind}` needs value {}, but {} were given.", next + 1, values.len());
            return Err(FunctionFault::at(0, detail));
        };
        result += &verb.render(kind, value, next + 1)?;
        next += 1;
        used = used.max(next);
    }
    if used < values.len() {
        let detail = format!("{} values were given, but the format uses {used}.", values.len());
        return Err(FunctionFault::at(used + 1, detail));
    }
    Ok(result)
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn flags(letters: &mut Letters<'_>) -> Result<Verb, FunctionFault> {
    let mut verb = Verb::default();
    while let Some(flag) = letters.next_if(|letter| "-+ 0#".contains(*letter)) {
        match flag {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            ' ' => verb.space = true,
            '0' => verb.zero = true,
            _ => verb.sharp = true,
        }
    }
    verb.width = digits(letters)?;
    if letters.next_if_eq(&'.').is_some() {
        verb.precision = Some(digits(letters)?.unwrap_or(0));
    }
    Ok(verb)
}

fn digits(letters: &mut Letters<'_>) -> Result<Option<usize>, FunctionFault> {
    let mut number: Option<usize> = None;
    while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
        letters.next();
        let value = number.unwrap_or(0) * 10 + digit as usize;
        if value > limits::FORMAT_WIDTH_MAX {
            let detail = format!("Width and precision may be at most {}.", limits::FORMAT_WIDTH_MAX);
            return Err(FunctionFault::at(0, detail));
        }
        number = Some(value);
    }
    Ok(number)
}

impl Verb {
    fn render(&self, kind: char, value: &Value, at: usize) -> Result<String, FunctionFault> {
        let shown = match kind {
            'v' if self.sharp => json::encode(value).unwrap_or_default(),
            'v' => match convert::to_text(value) {
                Ok(text) if !text.is_null() => text.as_text().unwrap_or_default().to_owned(),
                Ok(_) => "null".to_owned(),
                Err(_) => json::encode(value).unwrap_or_default(),
            },
            's' => self.cut(&text(value, at)?),
            'q' => json::quote(&text(value, at)?),
            't' => match convert::to_bool(value).map(|value| value.data().clone()) {
                Ok(Data::Bool(truth)) => truth.to_string(),
                _ => return Err(FunctionFault::at(at, convert::expected("true or false", value))),
            },
            'd' | 'b' | 'o' | 'x' | 'X' => return self.whole(kind, value, at),
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => return self.float(kind, value, at),
            other => return Err(FunctionFault::at(0, format!("There is no verb `%{other}`."))),
        };
        Ok(self.pad(&shown, false))
    }

    fn whole(&self, kind: char, value: &Value, at: usize) -> Result<String, FunctionFault> {
        if kind.eq_ignore_ascii_case(&'x')
            && let Some(text) = value.as_text()
            && Number::parse(text).is_err()
        {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            return Ok(self.pad(&if kind == 'X' { hex.to_uppercase() } else { hex }, false));
        }
        let number = number(value, at)?;
        let Some(whole) = number.to_integer() else {
            return Err(FunctionFault::at(at, format!("`%{kind}` needs a whole number, not {number}.")));
        };
        let size = whole.magnitude();
        let digits = match kind {
            'b' => format!("{size:b}"),
            'o' => format!("{size:o}"),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            _ => size.to_string(),
        };
        Ok(self.pad(&format!("{}{digits}", self.sign(number.signum() < 0)), true))
    }

    fn float(&self, kind: char, value: &Value, at: usize) -> Result<String, FunctionFault> {
        let number = number(value, at)?;
        let precision = self.precision.unwrap_or(6);
        let digits = match kind {
            'f' | 'F' => number.fixed(precision),
            'e' | 'E' => exponent(&number, precision + 1, true),
            _ => shortest(&number, self.precision.map(|precision| precision.max(1))),
        };
        let digits = if kind.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
        Ok(self.pad(&format!("{}{digits}", self.sign(number.signum() < 0)), true))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    fn cut(&self, text: &str) -> String {
        letters(text).take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn pad(&self, text: &str, number: bool) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(letters(text).count());
        if self.minus {
            return format!("{text}{}", " ".repeat(missing));
        }
        if self.zero {
            let digits = text.find(|c: char| !"+- ".contains(c)).filter(|_| number).unwrap_or(0);
            return format!("{}{}{}", &text[..digits], "0".repeat(missing), &text[digits..]);
        }
        format!("{}{text}", " ".repeat(missing))
    }
}

/// Go writes at least two digits of an exponent, and its sign.
fn exponent(number: &Number, most: usize, all: bool) -> String {
    let (mut digits, power) = number.significant(most);
    if all || digits.is_empty() {
        digits = format!("{digits:0<width$}", width = if all { most } else { 1 });
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:0>2}", power.unsigned_abs())
}

fn shortest(number: &Number, precision: Option<usize>) -> String {
    let (digits, power) = number.significant(precision.unwrap_or(usize::MAX));
    if power < -4 || power >= precision.map_or(21, |precision| precision as i64) {
        return exponent(number, precision.unwrap_or(usize::MAX), false);
    }
    number.fixed((digits.len() as i64 - 1 - power).max(0) as usize)
}

fn text(value: &Value, at: usize) -> Result<String, FunctionFault> {
    let text = convert::to_text(value).map_err(|detail| FunctionFault::at(at, detail))?;
    text.as_text().map(str::to_owned).ok_or_else(|| FunctionFault::at(at, "The value is null."))
}

fn number(value: &Value, at: usize) -> Result<Number, FunctionFault> {
    let number = convert::to_number(value).map_err(|detail| FunctionFault::at(at, detail))?;
    match number.data() {
        Data::Number(number) => Ok(number.clone()),
        _ => Err(FunctionFault::at(at, "The value is null.")),
    }
}
