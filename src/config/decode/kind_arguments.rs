//! Arguments that only one provider kind has, read as the kind's table describes them.

use serde_json::{Map, Value as Json};

use super::fields::Fields;
use crate::config::convert;
use crate::config::value::Value;
use crate::diagnostic::Diagnostic;
use crate::provider::{Argument, ArgumentProblem, Holds};

/// Reads the arguments. Whether required ones must be there is the caller's to say.
pub(super) fn read(
    fields: &mut Fields<'_>,
    arguments: &'static [Argument],
    all_required: bool,
) -> Map<String, Json> {
    let mut map = Map::new();
    for argument in arguments {
        let given = fields.given(argument.name);
        let is_there = given.is_some();
        if let Some(given) = given {
            match convert(argument.holds, &given.value) {
                Ok(json) if says_nothing(&json) => fields.refuse_empty(argument.name, given.span),
                Ok(json) => {
                    map.insert(argument.name.to_owned(), json);
                }
                Err(detail) => fields.report(
                    Diagnostic::error("Wrong type")
                        .detail(format!("`{}`: {detail}", argument.name))
                        .label(given.span, "")
                        .hint(format!("it is: {}", argument.description)),
                ),
            }
        }
        if argument.required && all_required {
            fields.require(
                argument.name,
                is_there,
                &format!("`{} = …`: {}", argument.name, argument.description),
            );
        }
    }
    map
}

/// Whether it is a blank text, or has one in it.
fn says_nothing(json: &Json) -> bool {
    match json {
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.iter().any(says_nothing),
        _ => false,
    }
}

fn convert(holds: Holds, value: &Value) -> Result<Json, String> {
    let json = |value: &Value| value.to_json().unwrap_or(Json::Null);
    match holds {
        Holds::Text => convert::to_text(value).map(|value| json(&value)),
        Holds::Number => {
            let number = convert::to_number(value)?;
            number.to_json().ok_or_else(|| convert::expected("a shorter number", value))
        }
        Holds::Bool => convert::to_bool(value).map(|value| json(&value)),
        Holds::TextList => {
            let Some(items) = value.as_items() else {
                return Err(convert::expected("a list of strings", value));
            };
            let texts = items.iter().map(|item| match convert::to_text(item)? {
                text if text.as_text().is_some() => Ok(json(&text)),
                other => Err(convert::expected("a list of strings", &other)),
            });
            Ok(Json::Array(texts.collect::<Result<_, String>>()?))
        }
    }
}

/// Reports what a kind found wrong, each at the argument it is about.
pub(super) fn report(fields: &mut Fields<'_>, problems: Vec<ArgumentProblem>) {
    for problem in problems {
        let span = fields.span(&problem.argument);
        let mut diagnostic =
            Diagnostic::error("Invalid provider argument").detail(problem.detail).label(span, "");
        if !problem.hint.is_empty() {
            diagnostic = diagnostic.hint(problem.hint);
        }
        fields.report(diagnostic);
    }
}
