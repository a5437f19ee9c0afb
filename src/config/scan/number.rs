//! Numbers that the parser of expressions, which reads floats, would refuse or mistake.

use super::{Fault, Patch, Scan};
use crate::config::number::{Number, NumberFault};

/// A shorter number without an exponent is one to every reader.
const SURELY_READABLE: usize = 15;

impl Scan<'_> {
    /// At the first digit of a number, or of an index such as `list.0`.
    pub(super) fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.digits();
        if start > 0 && self.bytes[start - 1] == b'.' {
            return Ok(());
        }
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.take(1);
            self.digits();
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        let has_exponent = matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit();
        if has_exponent {
            self.take(1 + sign);
            self.digits();
        }
        let range = start..self.at;
        if !has_exponent && range.len() <= SURELY_READABLE {
            return Ok(());
        }
        match Number::parse(&self.text[range.clone()]) {
            Ok(number) if number.to_f64().is_none() => {
                // Its value is taken from the text of the file, so that any number does here.
                let text = "0".repeat(range.len());
                self.patches.push(Patch { range, text });
                Ok(())
            }
            Err(NumberFault::TooLarge) => Err(Fault {
                summary: "Number too long",
                detail: NumberFault::TooLarge.to_string(),
                hint: "write an id in quotes",
                at: range,
                resume: None,
            }),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.take(1);
        }
    }
}
