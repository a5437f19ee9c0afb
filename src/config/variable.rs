//! `variable` blocks: type, default, and the value from outside.

use std::collections::BTreeMap;

use keyless_state::credential_text;

use super::declare::Declarations;
use super::eval::{Fault, Scope};
use super::input::{Inputs, Origin, VariableInput, VariableValue};
use super::leak;
use super::name::{self, Name};
use super::nearest;
use super::parse;
use super::section::known_or_report;
use super::syntax::{Attribute, Block};
use super::type_constraint::Type;
use super::value::{Data, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// In place of a reason, which may quote the value or a part of it.
const WITHHELD: &str = "It is marked sensitive, so that no more is said.";

const ARGUMENTS: [&str; 5] = ["type", "default", "description", "sensitive", "nullable"];

/// Gives every declared variable its value, and reports values that nobody declares.
pub(super) fn assign(
    declarations: &Declarations<'_>,
    inputs: &Inputs<'_>,
    scope: &mut Scope<'_>,
    found: &mut Diagnostics,
) {
    for (name, block) in &declarations.variables {
        let value = Variable { name, block }.value(inputs.variables.get(name), scope, found);
        scope.values.insert(Name::Variable(name.clone()), value);
    }
    for (name, input) in inputs.variables {
        if !declarations.variables.contains_key(name) && !declarations.broken {
            undeclared(name, &input.origin, declarations, found);
        }
    }
}

/// A variable of the environment may be meant for another configuration, so it is no problem.
fn undeclared(name: &str, origin: &Origin, declarations: &Declarations<'_>, found: &mut Diagnostics) {
    let diagnostic = match origin {
        Origin::Environment(_) => return,
        Origin::Flag => Diagnostic::error("Value for an undeclared variable"),
        Origin::File(span) => Diagnostic::warning("Value for an undeclared variable").label(*span, ""),
    };
    let known = declarations.variables.keys().map(String::as_str);
    found.push(
        diagnostic
            .detail(format!(
                "{origin} sets `{name}`, but no `variable` block declares it.",
                origin = capital(origin)
            ))
            .hint(format!(
                "{}; or declare it with `variable \"{name}\" {{}}`",
                nearest::suggest(name, "declared", known.collect::<Vec<_>>())
            )),
    );
}

fn capital(origin: &Origin) -> String {
    let text = origin.to_string();
    format!("T{}", &text[1..])
}

struct Variable<'d> {
    name: &'d str,
    block: &'d Block,
}

impl Variable<'_> {
    fn argument(&self, name: &str) -> Option<&Attribute> {
        self.block.body.attributes.iter().find(|attribute| attribute.name.text == name)
    }

    fn value(
        &self,
        input: Option<&VariableInput>,
        scope: &Scope<'_>,
        found: &mut Diagnostics,
    ) -> Option<Value> {
        self.check_shape(found);
        let kind = match self.argument("type").map(|attribute| Type::read(&attribute.value, scope)) {
            None => None,
            Some(Ok(kind)) => Some(kind),
            Some(Err(fault)) => {
                known_or_report(Err(fault), found);
                return None;
            }
        };
        let sensitive = self.flag("sensitive", false, scope, found);
        let nullable = self.flag("nullable", true, scope, found);
        self.constant("description", scope, found);
        let kind = kind.as_ref();
        let default = match self.argument("default") {
            None => None,
            Some(attribute) => {
                let value = self.constant("default", scope, found)?.marked(sensitive);
                Some(self.converted(&value, kind, found, |diagnostic| Diagnostic {
                    redact: sensitive,
                    ..diagnostic.label(attribute.value.span, "")
                })?)
            }
        };
        let given = match input {
            None => None,
            Some(input) => Some(self.given(input, kind, sensitive, found)?),
        };
        let given = given.filter(|value| nullable || !value.is_null());
        match given.or(default) {
            Some(value) => Some(value.marked(sensitive)),
            None => {
                if !self.block.body.broken {
                    found.push(self.missing());
                }
                None
            }
        }
    }

    /// The value of an argument that may mention nothing.
    fn constant(&self, name: &str, scope: &Scope<'_>, found: &mut Diagnostics) -> Option<Value> {
        let attribute = self.argument(name)?;
        if let Some(mention) = name::mentions(&attribute.value).first() {
            found.push(
                Diagnostic::error("Reference in a variable block")
                    .detail(format!("`{name}` of a variable cannot mention anything else."))
                    .label(mention.span, "")
                    .hint("write the value out, or compute it in a `locals` block"),
            );
            return None;
        }
        known_or_report(scope.evaluate(&attribute.value), found)
    }

    fn flag(&self, name: &str, default: bool, scope: &Scope<'_>, found: &mut Diagnostics) -> bool {
        let Some(value) = self.constant(name, scope, found) else { return default };
        match super::convert::to_bool(&value).map(|value| value.data().clone()) {
            Ok(Data::Bool(truth)) => truth,
            _ => {
                let span = self.argument(name).map_or(self.block.header, |attribute| attribute.value.span);
                let detail = super::convert::expected("true or false", &value);
                found.push(Diagnostic::error("Wrong type").detail(detail).label(span, ""));
                // On the safe side: what may be a secret is treated as one.
                name == "sensitive" || default
            }
        }
    }

    fn given(
        &self,
        input: &VariableInput,
        kind: Option<&Type>,
        sensitive: bool,
        found: &mut Diagnostics,
    ) -> Option<Value> {
        let place = |diagnostic: Diagnostic| match &input.origin {
            Origin::File(span) => diagnostic.label(*span, "").label(self.block.header, "declared here"),
            _ => diagnostic.label(self.block.header, "declared here"),
        };
        let value = match &input.value {
            VariableValue::Value(value) => value.clone(),
            VariableValue::Text(text) if credential_text::is_in(text) => {
                found.push(leak::in_variable(self.name, &input.origin, self.block.header));
                return None;
            }
            VariableValue::Text(text) if kind.is_none_or(Type::is_plain) => Value::text(text.as_str()),
            VariableValue::Text(text) => match self.parsed(text) {
                Ok(value) => value,
                Err(reason) => {
                    let reason = if sensitive { WITHHELD } else { &reason };
                    let detail = format!(
                        "The value of `{}` from {} is no expression: {reason}",
                        self.name, input.origin
                    );
                    found.push(place(Diagnostic::error("Invalid value for variable").detail(detail)));
                    return None;
                }
            },
        };
        self.converted(&value.marked(sensitive), kind, found, place)
    }

    /// Reads a text as an expression that mentions nothing.
    fn parsed(&self, text: &str) -> Result<Value, String> {
        let expression = parse::parse_expression(text)?;
        if let Some(mention) = name::mentions(&expression).first() {
            return Err(format!("`{}` cannot be used here; a text needs quotes.", mention.root));
        }
        let no_files = |_: &str| Err("a value from outside cannot read files".to_owned());
        match Scope::new(&no_files).evaluate(&expression) {
            Ok(value) => Ok(value),
            Err(Fault::Problem(diagnostic)) => Err(diagnostic.detail),
            Err(Fault::Reported) => Err("It cannot be evaluated.".to_owned()),
        }
    }

    fn converted(
        &self,
        value: &Value,
        kind: Option<&Type>,
        found: &mut Diagnostics,
        place: impl FnOnce(Diagnostic) -> Diagnostic,
    ) -> Option<Value> {
        let Some(kind) = kind else { return Some(value.clone()) };
        match kind.convert(value) {
            Ok(value) => Some(value),
            Err(detail) => {
                let detail = if value.has_secrets() { WITHHELD } else { &detail };
                let detail = format!("The value of `{}` does not fit its type `{kind}`. {detail}", self.name);
                found.push(place(Diagnostic::error("Invalid value for variable").detail(detail)));
                None
            }
        }
    }

    fn missing(&self) -> Diagnostic {
        let name = self.name;
        Diagnostic::error("Variable without a value")
            .detail(format!("The variable `{name}` has no default, and no value is given."))
            .label(self.block.header, "")
            .hint(format!(
                "pass --var {name}=…, set KEYLESS_VAR_{name}, write `{name} = …` into a *.auto.keylessvars file, \
                 or give it a `default`"
            ))
    }

    fn check_shape(&self, found: &mut Diagnostics) {
        for attribute in &self.block.body.attributes {
            if !ARGUMENTS.contains(&&*attribute.name.text) {
                found.push(
                    Diagnostic::error("Unknown argument")
                        .detail(format!("A `variable` block has no argument `{}`.", attribute.name.text))
                        .label(attribute.name.span, "")
                        .hint(nearest::suggest(&attribute.name.text, "there is", ARGUMENTS)),
                );
            }
        }
        for block in &self.block.body.blocks {
            if block.keyword.text != "validation" {
                found.push(
                    Diagnostic::error("Unknown block")
                        .detail(format!("A `variable` block has no block `{}`.", block.keyword.text))
                        .label(block.header, "")
                        .hint(nearest::suggest(&block.keyword.text, "there is", ["validation"])),
                );
            }
        }
    }
}

/// Checks the `validation` blocks, once everything they may mention has a value.
pub(super) fn validate(
    declarations: &Declarations<'_>,
    inputs: &Inputs<'_>,
    scope: &Scope<'_>,
    found: &mut Diagnostics,
) {
    for (name, block) in &declarations.variables {
        let known = matches!(scope.values.get(&Name::Variable(name.clone())), Some(Some(_)));
        for validation in block.body.blocks.iter().filter(|inner| inner.keyword.text == "validation") {
            check_validation_shape(validation, found);
            let argument = |name: &str| validation.body.attributes.iter().find(|a| a.name.text == name);
            let (Some(condition), Some(message)) = (argument("condition"), argument("error_message")) else {
                continue;
            };
            if !known {
                continue;
            }
            let Some(truth) = known_or_report(scope.evaluate(&condition.value), found) else { continue };
            match super::convert::to_bool(&truth).map(|truth| truth.data().clone()) {
                Ok(Data::Bool(true) | Data::Unknown) => {}
                Ok(Data::Bool(false)) => {
                    let message = known_or_report(scope.evaluate(&message.value), found);
                    let text = message.filter(|text| !text.has_secrets());
                    let text =
                        text.as_ref().and_then(Value::as_text).unwrap_or("The condition does not hold.");
                    let mut diagnostic = Diagnostic::error("Invalid value for variable")
                        .detail(format!("The value of `{name}` is refused by its validation: {text}"));
                    if let Some(VariableInput { origin: Origin::File(span), .. }) = inputs.variables.get(name)
                    {
                        diagnostic = diagnostic.label(*span, "");
                    }
                    found.push(diagnostic.label(condition.value.span, "this condition does not hold"));
                }
                _ => found.push(
                    Diagnostic::error("Wrong type")
                        .detail(super::convert::expected("true or false", &truth))
                        .label(condition.value.span, ""),
                ),
            }
        }
    }
}

fn check_validation_shape(validation: &Block, found: &mut Diagnostics) {
    let given: BTreeMap<&str, &Attribute> =
        validation.body.attributes.iter().map(|attribute| (&*attribute.name.text, attribute)).collect();
    for name in ["condition", "error_message"] {
        if !given.contains_key(name) && !validation.body.broken {
            found.push(
                Diagnostic::error("Missing argument")
                    .detail(format!("A `validation` block needs the argument `{name}`."))
                    .label(validation.header, "")
                    .hint(format!("add `{name} = …`")),
            );
        }
    }
    for (name, attribute) in given {
        if !["condition", "error_message"].contains(&name) {
            found.push(
                Diagnostic::error("Unknown argument")
                    .detail(format!("A `validation` block has no argument `{name}`."))
                    .label(attribute.name.span, "")
                    .hint(nearest::suggest(name, "there is", ["condition", "error_message"])),
            );
        }
    }
}
