//! Evaluates expressions: a value, or the one reason there is none.
//!
//! Every step hands values on by shared pointers; nothing large is ever copied.

mod comprehension;
mod operator;
mod template;
mod traversal;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use super::convert;
use super::function;
use super::leak;
use super::name::Name;
use super::syntax::{Call, Expression, Key, Node};
use super::value::{Data, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::limits;

/// Why an expression has no value.
#[derive(Debug)]
pub(super) enum Fault {
    /// It depends on something whose problem has been reported.
    Reported,
    /// A problem of its own.
    Problem(Box<Diagnostic>),
}

impl Fault {
    /// A problem at one place.
    pub(super) fn new(summary: &str, detail: impl Into<String>, span: Span) -> Fault {
        Fault::Problem(Box::new(Diagnostic::error(summary).detail(detail).label(span, "")))
    }

    /// The same with a hint.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Fault {
        match self {
            Fault::Problem(diagnostic) => Fault::Problem(Box::new(diagnostic.hint(hint))),
            Fault::Reported => Fault::Reported,
        }
    }
}

/// A value, or the reason there is none.
pub(super) type Outcome = Result<Value, Fault>;

/// What expressions can see.
pub(super) struct Scope<'a> {
    /// Values of names; none where the problem has been reported.
    pub(super) values: HashMap<Name, Option<Value>>,
    /// Reads a file for `file`, relative to the configuration directory.
    pub(super) read_file: &'a dyn Fn(&str) -> Result<String, String>,
    /// How many expressions have been evaluated.
    pub(super) steps: Cell<u64>,
}

impl<'a> Scope<'a> {
    /// A scope without names.
    pub(super) fn new(read_file: &'a dyn Fn(&str) -> Result<String, String>) -> Scope<'a> {
        Scope { values: HashMap::new(), read_file, steps: Cell::new(0) }
    }

    /// Evaluates an expression.
    pub(super) fn evaluate(&self, expression: &Expression) -> Outcome {
        self.expression(expression, None)
    }

    fn expression(&self, expression: &Expression, frame: Option<&Frame<'_>>) -> Outcome {
        let span = expression.span;
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > limits::EVALUATION_STEPS_MAX {
            let detail =
                "Evaluating the configuration takes too many steps; nested `for` expressions multiply.";
            return Err(Fault::new("Evaluation too long", detail, span));
        }
        let value = match &expression.node {
            Node::Broken => return Err(Fault::Reported),
            Node::Literal(value) => value.clone(),
            Node::Template(parts) => self.template(parts, span, frame)?,
            Node::List(items) => {
                let items: Result<Vec<Value>, Fault> =
                    items.iter().map(|item| self.expression(item, frame)).collect();
                Value::list(items?)
            }
            Node::Object(entries) => self.object(entries, span, frame)?,
            Node::Name(root, steps) => self.name(root, steps, span, frame)?,
            Node::Steps(source, steps) => {
                let source = self.expression(source, frame)?;
                self.steps(source, steps, frame)?
            }
            Node::Call(call) => self.call(call, span, frame)?,
            Node::Conditional(parts) => self.conditional(parts, frame)?,
            Node::Unary(operator, operand) => self.unary(*operator, operand, frame)?,
            Node::Binary(operator, operands) => self.binary(*operator, operands, span, frame)?,
            Node::For(parts) => self.comprehension(parts, frame)?,
        };
        check_weight(value.weight(), span)?;
        leak::check_value(&value, span)?;
        Ok(value)
    }

    fn object(&self, entries: &[(Key, Expression)], span: Span, frame: Option<&Frame<'_>>) -> Outcome {
        let mut object = BTreeMap::new();
        let mut sensitive = false;
        let mut unknown = false;
        for (key, item) in entries {
            let value = self.expression(item, frame)?;
            let name = match key {
                Key::Word(word) => word.clone(),
                Key::Expression(key) => {
                    let name = self.expression(key, frame)?;
                    sensitive |= name.is_sensitive();
                    if name.is_unknown() {
                        unknown = true;
                        continue;
                    }
                    key_text(&name, key.span)?
                }
            };
            if object.insert(name, value).is_some() {
                let detail = "This object literal gives one key twice, and only one of them could count.";
                return Err(Fault::new("Duplicate key", detail, span));
            }
        }
        Ok(if unknown { Value::unknown() } else { Value::object(object) }.marked(sensitive))
    }

    fn conditional(&self, parts: &[Expression; 3], frame: Option<&Frame<'_>>) -> Outcome {
        let [condition, yes, no] = parts;
        let truth = self.truth(condition, frame)?;
        let chosen = match truth.data() {
            Data::Bool(true) => self.expression(yes, frame)?,
            Data::Bool(false) => self.expression(no, frame)?,
            _ => Value::unknown(),
        };
        Ok(chosen.marked(truth.is_sensitive()))
    }

    /// A bool, or unknown.
    fn truth(&self, expression: &Expression, frame: Option<&Frame<'_>>) -> Outcome {
        let value = self.expression(expression, frame)?;
        let truth = convert::to_bool(&value)
            .map_err(|detail| Fault::new("Invalid condition", detail, expression.span))?;
        refuse_null(&truth, expression.span)?;
        Ok(truth)
    }

    fn call(&self, call: &Call, span: Span, frame: Option<&Frame<'_>>) -> Outcome {
        match &*call.name.text {
            "try" => return self.try_each(call, span, frame),
            "can" => {
                let [only] = &call.arguments[..] else {
                    return Err(Fault::new("Wrong number of arguments", "`can` takes one argument.", span));
                };
                return Ok(Value::bool(self.expression(only, frame).is_ok()));
            }
            _ => {}
        }
        let Some(function) = function::find(&call.name.text) else {
            let detail = format!("There is no function `{}`.", call.name.text);
            return Err(Fault::new("Unknown function", detail, call.name.span)
                .with_hint(function::suggestion(&call.name.text)));
        };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.expression(argument, frame)?);
        }
        if call.expand {
            let last = arguments.pop().unwrap_or_else(Value::null);
            let at = call.arguments.last().map_or(span, |argument| argument.span);
            if last.is_unknown() {
                return Ok(last);
            }
            match last.as_items() {
                Some(items) => arguments.extend(items.iter().map(|i| i.clone().marked(last.is_sensitive()))),
                None => {
                    let detail = convert::expected("a list before `...`", &last);
                    return Err(Fault::new("Invalid function argument", detail, at));
                }
            }
        }
        function::call(function, &arguments, self.read_file).map_err(|fault| {
            let argument = fault.argument.map(|at| at.min(call.arguments.len().saturating_sub(1)));
            let place = argument.and_then(|at| call.arguments.get(at)).map_or(span, |found| found.span);
            let problem = Fault::new(fault.summary, format!("{}: {}", call.name.text, fault.detail), place);
            match fault.hint {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            }
        })
    }

    fn try_each(&self, call: &Call, span: Span, frame: Option<&Frame<'_>>) -> Outcome {
        let mut last = Fault::new("Wrong number of arguments", "`try` needs at least one argument.", span);
        for argument in &call.arguments {
            match self.expression(argument, frame) {
                Ok(value) => return Ok(value),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }
}

/// Names that a `for` gives, innermost first.
pub(super) struct Frame<'f> {
    outer: Option<&'f Frame<'f>>,
    key: Option<(&'f str, Value)>,
    value: (&'f str, Value),
}

impl Frame<'_> {
    fn find(&self, name: &str) -> Option<&Value> {
        if self.value.0 == name {
            return Some(&self.value.1);
        }
        match &self.key {
            Some((key, value)) if *key == name => Some(value),
            _ => self.outer.and_then(|outer| outer.find(name)),
        }
    }
}

fn check_weight(weight: u64, span: Span) -> Result<(), Fault> {
    if weight > limits::VALUE_WEIGHT_MAX {
        let detail = format!("This value takes more than {} bytes of memory.", limits::VALUE_WEIGHT_MAX);
        return Err(Fault::new("Value too large", detail, span));
    }
    Ok(())
}

/// The text of an object key.
fn key_text(value: &Value, span: Span) -> Result<String, Fault> {
    let text = convert::to_text(value).map_err(|detail| Fault::new("Invalid object key", detail, span))?;
    refuse_null(&text, span)?;
    Ok(text.as_text().unwrap_or_default().to_owned())
}

fn refuse_null(value: &Value, span: Span) -> Result<(), Fault> {
    if value.is_null() {
        return Err(Fault::new("Unexpected null", "This value is null, and null means nothing here.", span));
    }
    Ok(())
}
