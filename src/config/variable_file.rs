//! Files of variables: lines of `name = value`, where the value mentions nothing.

use std::collections::BTreeMap;

use super::eval::{Fault, Scope};
use super::input::{Origin, VariableInput, VariableValue};
use super::leak;
use super::name;
use super::parse;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap};

/// Reads one `*.keylessvars` file. The file must be part of the source map that is later given to
/// [`load`](super::load), which draws on it for messages.
pub fn variable_file(sources: &SourceMap, file: FileId) -> (BTreeMap<String, VariableInput>, Diagnostics) {
    let mut found = Diagnostics::default();
    let parsed = parse::parse_file(sources, file, &mut found);
    leak::check_file(sources, file, &mut found);
    let no_files = |_: &str| Err("a variables file cannot read files".to_owned());
    let scope = Scope::new(&no_files);
    let mut variables = BTreeMap::new();
    for block in &parsed.body.blocks {
        found.push(
            Diagnostic::error("Unexpected block")
                .detail("A variables file holds lines of `name = value` only.")
                .label(block.header, "")
                .hint("move the block to a *.keyless.hcl file"),
        );
    }
    for attribute in &parsed.body.attributes {
        if let Some(mention) = name::mentions(&attribute.value).first() {
            // The word may be a secret whose quotes were forgotten.
            found.push(
                Diagnostic::error("Reference in a variables file")
                    .detail("No name can be used here: a variables file holds plain values.")
                    .label(mention.span, "")
                    .hint("write the value out; a text needs quotes"),
            );
            continue;
        }
        let value = match scope.evaluate(&attribute.value) {
            Ok(value) => value,
            Err(Fault::Reported) => continue,
            Err(Fault::Problem(problem)) => {
                found.push(without_values(*problem));
                continue;
            }
        };
        let input =
            VariableInput { value: VariableValue::Value(value), origin: Origin::File(attribute.name.span) };
        if variables.insert(attribute.name.text.clone(), input).is_some() {
            found.push(
                Diagnostic::error("Argument given twice")
                    .detail(format!(
                        "`{}` is given twice, and only one of the two could count.",
                        attribute.name.text
                    ))
                    .label(attribute.name.span, "given again here")
                    .hint("remove one of the two"),
            );
        }
    }
    leak::redact(sources, &mut found);
    (variables, found)
}

/// The same without its sentences, which may quote the value: whether the variable is sensitive is not known
/// here.
fn without_values(problem: Diagnostic) -> Diagnostic {
    let detail = "The value cannot be worked out. No more is said, because it may be a secret.";
    Diagnostic { detail: detail.to_owned(), hint: None, ..problem }
}
