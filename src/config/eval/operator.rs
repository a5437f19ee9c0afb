//! Operators, with Terraform's conversions: `"1" + 1` is 2, `1 == "1"` is false.

use super::{Fault, Frame, Outcome, Scope, refuse_null};
use crate::config::convert;
use crate::config::number::{Number, NumberFault};
use crate::config::syntax::{Binary, Expression, Unary};
use crate::config::value::{Data, Value};
use crate::diagnostic::Span;

impl Scope<'_> {
    pub(super) fn unary(&self, operator: Unary, operand: &Expression, frame: Option<&Frame<'_>>) -> Outcome {
        match operator {
            Unary::Not => {
                let truth = self.truth(operand, frame)?;
                Ok(match truth.data() {
                    Data::Bool(value) => Value::bool(!value).marked(truth.is_sensitive()),
                    _ => truth,
                })
            }
            Unary::Negate => {
                let value = self.number(operand, frame)?;
                Ok(match value.data() {
                    Data::Number(number) => Value::number(number.negate()).marked(value.is_sensitive()),
                    _ => value,
                })
            }
        }
    }

    pub(super) fn binary(
        &self,
        operator: Binary,
        operands: &[Expression; 2],
        span: Span,
        frame: Option<&Frame<'_>>,
    ) -> Outcome {
        let [left, right] = operands;
        match operator {
            Binary::And => self.both(left, right, false, frame),
            Binary::Or => self.both(left, right, true, frame),
            Binary::Equal | Binary::NotEqual => {
                let (a, b) = (self.expression(left, frame)?, self.expression(right, frame)?);
                let sensitive = a.has_secrets() || b.has_secrets();
                if a.has_unknowns() || b.has_unknowns() {
                    return Ok(Value::unknown().marked(sensitive));
                }
                let equal = a.compare(&b).is_eq();
                Ok(Value::bool(equal == (operator == Binary::Equal)).marked(sensitive))
            }
            _ => {
                let (a, b) = (self.number(left, frame)?, self.number(right, frame)?);
                let sensitive = a.is_sensitive() || b.is_sensitive();
                let value = match (a.data(), b.data()) {
                    (Data::Number(a), Data::Number(b)) => {
                        compute(operator, a, b).map_err(|fault| refused(fault, span))?
                    }
                    _ => Value::unknown(),
                };
                Ok(value.marked(sensitive))
            }
        }
    }

    /// `&&` is decided by a false side, `||` by a true one; the right side is not looked at once
    /// the left one has decided.
    fn both(
        &self,
        left: &Expression,
        right: &Expression,
        decides: bool,
        frame: Option<&Frame<'_>>,
    ) -> Outcome {
        let first = self.truth(left, frame)?;
        if matches!(first.data(), Data::Bool(value) if *value == decides) {
            return Ok(first);
        }
        let second = self.truth(right, frame)?;
        let sensitive = first.is_sensitive() || second.is_sensitive();
        let decided = matches!(second.data(), Data::Bool(value) if *value == decides);
        let value = if first.is_unknown() && !decided { Value::unknown() } else { second };
        Ok(value.marked(sensitive))
    }

    /// A number, or unknown.
    fn number(&self, expression: &Expression, frame: Option<&Frame<'_>>) -> Outcome {
        let value = self.expression(expression, frame)?;
        let number = convert::to_number(&value)
            .map_err(|detail| Fault::new("Invalid operand", detail, expression.span))?;
        refuse_null(&number, expression.span)?;
        Ok(number)
    }
}

fn compute(operator: Binary, a: &Number, b: &Number) -> Result<Value, NumberFault> {
    let number = match operator {
        Binary::Less => return Ok(Value::bool(a < b)),
        Binary::LessOrEqual => return Ok(Value::bool(a <= b)),
        Binary::Greater => return Ok(Value::bool(a > b)),
        Binary::GreaterOrEqual => return Ok(Value::bool(a >= b)),
        Binary::Subtract => a.minus(b),
        Binary::Multiply => a.times(b),
        Binary::Divide => a.divide(b),
        Binary::Remainder => a.remainder(b),
        // The logical operators and the comparisons of any values never come here.
        Binary::Add | Binary::And | Binary::Or | Binary::Equal | Binary::NotEqual => a.plus(b),
    };
    number.map(Value::number)
}

fn refused(fault: NumberFault, span: Span) -> Fault {
    let summary = match fault {
        NumberFault::DivisionByZero => "Division by zero",
        NumberFault::TooLarge | NumberFault::NotANumber => "Number too large",
    };
    Fault::new(summary, fault.to_string(), span)
}
