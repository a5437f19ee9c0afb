//! `output` blocks.

use std::collections::BTreeMap;

use super::configuration::Output;
use super::decode::{Context, Fields};
use super::section::Section;
use super::value::Value;
use crate::diagnostic::Diagnostic;

/// Reads all outputs.
pub(super) fn decode(context: &Context<'_>, outputs: &BTreeMap<String, Section>) -> BTreeMap<String, Output> {
    let one =
        |(name, section): (&String, &Section)| Some((name.clone(), decode_one(context, name, section)?));
    outputs.iter().filter_map(one).collect()
}

fn decode_one(context: &Context<'_>, name: &str, section: &Section) -> Option<Output> {
    let mut fields = Fields::new(context, section, None, format!("output.{name}"));
    let description = fields.prose("description").map(|given| given.value).unwrap_or_default();
    let sensitive = fields.bool("sensitive").is_some_and(|given| given.value);
    let value = fields.any("value");
    fields.require("value", value.is_some(), "`value = …`");
    fields.finish(&[]);
    let value = value?;
    if value.value.has_secrets() && !sensitive {
        context.report(
            Diagnostic::error("Sensitive value in an output")
                .detail(format!("The output `{name}` would show a value that is marked sensitive."))
                .label(value.span, "")
                .hint("add `sensitive = true`, or show it on purpose with nonsensitive(…)"),
        );
        return None;
    }
    if !sensitive && let Some(number) = value.value.inexact_in_json() {
        let detail = format!(
            "The output `{name}` holds the number {number}, of which those who read JSON would lose digits."
        );
        let hint = "make it a string with tostring(…) or format(…)";
        context.report(Diagnostic::error("Number too long").detail(detail).label(value.span, "").hint(hint));
        return None;
    }
    let shown = if sensitive { None } else { Value::to_json(&value.value) };
    Some(Output { value: shown, sensitive, description })
}
