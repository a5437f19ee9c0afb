//! Names and the steps behind them: attributes, indexes, splats.

use super::{Fault, Frame, Outcome, Scope};
use crate::config::convert;
use crate::config::name::{Resolved, resolve};
use crate::config::nearest;
use crate::config::syntax::{Step, StepKind};
use crate::config::value::{Data, Value};
use crate::diagnostic::Span;

impl Scope<'_> {
    pub(super) fn name(&self, root: &str, steps: &[Step], _span: Span, frame: Option<&Frame<'_>>) -> Outcome {
        if let Some(value) = frame.and_then(|frame| frame.find(root)) {
            return self.steps(value.clone(), steps, frame);
        }
        match resolve(root, steps) {
            // What is not there, or names nothing, has been reported before evaluation began.
            Resolved::Name(name, taken) => match self.values.get(&name) {
                Some(Some(value)) => self.steps(value.clone(), &steps[taken..], frame),
                _ => Err(Fault::Reported),
            },
            Resolved::Path => self.steps(Value::text("."), &steps[1..], frame),
            Resolved::Incomplete(_) | Resolved::Unknown => Err(Fault::Reported),
        }
    }

    pub(super) fn steps(&self, source: Value, steps: &[Step], frame: Option<&Frame<'_>>) -> Outcome {
        let mut value = source;
        for (at, step) in steps.iter().enumerate() {
            let rest = &steps[at + 1..];
            value = match &step.kind {
                StepKind::Attribute(name) => attribute(&value, name, step.span)?,
                StepKind::Index(index) => {
                    let index_value = self.expression(index, frame)?;
                    element(&value, &index_value, index.span)?
                }
                StepKind::FullSplat => return self.splat(&value, rest, frame),
                StepKind::AttributeSplat => {
                    let is_attribute = |step: &&Step| matches!(step.kind, StepKind::Attribute(_));
                    let taken = rest.iter().take_while(is_attribute).count();
                    let list = self.splat(&value, &rest[..taken], frame)?;
                    return self.steps(list, &rest[taken..], frame);
                }
            };
        }
        Ok(value)
    }

    /// The steps for each element. Null has no elements; anything else that is no list is the one
    /// element of a list.
    fn splat(&self, value: &Value, steps: &[Step], frame: Option<&Frame<'_>>) -> Outcome {
        let alone = std::slice::from_ref(value);
        let items = match value.data() {
            Data::Unknown => return Ok(value.clone()),
            Data::Null => &[],
            Data::List(items) | Data::Set(items) => &items[..],
            _ => alone,
        };
        let results: Result<Vec<Value>, Fault> =
            items.iter().map(|item| self.steps(item.clone(), steps, frame)).collect();
        Ok(Value::list(results?).marked(value.is_sensitive()))
    }
}

fn attribute(value: &Value, name: &str, span: Span) -> Outcome {
    match value.data() {
        Data::Unknown => Ok(value.clone()),
        Data::Null => Err(Fault::new(
            "Unexpected null",
            format!("There is no attribute `{name}`: the value before it is null."),
            span,
        )),
        _ => match value.as_entries() {
            Some(entries) => match entries.get(name) {
                Some(item) => Ok(item.clone().marked(value.is_sensitive())),
                None => Err(missing(value, name, span)),
            },
            None => {
                let mut fault = Fault::new(
                    "Unsupported attribute",
                    format!("There is no attribute `{name}`: the value before it is {}.", value.describe()),
                    span,
                );
                if value.as_items().is_some() {
                    fault = fault
                        .with_hint(format!("write [*].{name} for all elements, or [0].{name} for the first"));
                }
                Err(fault)
            }
        },
    }
}

fn element(value: &Value, index: &Value, span: Span) -> Outcome {
    if value.is_unknown() || index.is_unknown() {
        return Ok(Value::unknown().marked(value.is_sensitive() || index.is_sensitive()));
    }
    let invalid = |detail: String| Fault::new("Invalid index", detail, span);
    let sensitive = value.is_sensitive() || index.is_sensitive();
    if let Some(entries) = value.as_entries() {
        let key = convert::to_text(index).map_err(invalid)?;
        let Some(key) = key.as_text() else { return Err(invalid("The key is null.".to_owned())) };
        return match entries.get(key) {
            Some(item) => Ok(item.clone().marked(sensitive)),
            None if index.is_sensitive() => Err(invalid("There is no such key.".to_owned())),
            None => Err(missing(value, key, span)),
        };
    }
    let Data::List(items) = value.data() else {
        let mut fault =
            invalid(format!("{} has no elements to choose from by index.", capital(&value.describe())));
        if matches!(value.data(), Data::Set(_)) {
            fault =
                fault.with_hint("a set has no order; write tolist(…)[…], or one(…) if it has one element");
        }
        return Err(fault);
    };
    let number = convert::to_number(index).map_err(invalid)?;
    let Data::Number(number) = number.data() else { return Err(invalid("The index is null.".to_owned())) };
    let at = number.to_whole().and_then(|whole| usize::try_from(whole).ok());
    match at.and_then(|at| items.get(at)) {
        Some(item) => Ok(item.clone().marked(sensitive)),
        None => Err(invalid(match items.len() {
            0 => "The list is empty.".to_owned(),
            count if sensitive => format!("The list has {count} elements, and the index is none of them."),
            count => {
                format!("The list has {count} elements, numbered 0 to {}; there is no {number}.", count - 1)
            }
        })),
    }
}

fn missing(value: &Value, name: &str, span: Span) -> Fault {
    let keys = value.as_entries().into_iter().flat_map(|entries| entries.keys()).map(String::as_str);
    let detail = format!("{} has no `{name}`.", capital(&value.describe()));
    let fault = Fault::new("Unsupported attribute", detail, span);
    if value.has_secrets() {
        return fault;
    }
    fault.with_hint(nearest::suggest(name, "there is", keys.collect::<Vec<_>>()))
}

fn capital(text: &str) -> String {
    // An address keeps its spelling.
    match text.strip_prefix("a") {
        Some(rest) if rest.starts_with([' ', 'n']) && !text.contains('.') => format!("A{rest}"),
        _ => text.to_owned(),
    }
}
