//! From the syntax tree to [`Written`].

use std::collections::HashMap;

use serde_json::Value as Json;

use super::declare::Declarations;
use super::eval::Scope;
use super::name::{self, Mention, Name, Resolved};
use super::syntax::{Block, Body, Expression, Node, StepKind};
use super::value::Value;
use super::written::{Mentioned, Written, WrittenBlock, WrittenExpression, WrittenOutput, WrittenVariable};

/// Writes down what the files declare, with the values that variables have.
pub(super) fn write_down(declarations: &Declarations<'_>, values: &HashMap<Name, Option<Value>>) -> Written {
    let value = |name: &str| values.get(&Name::Variable(name.to_owned())).and_then(Option::as_ref);
    Written {
        settings: declarations.settings.map(|block| body(&block.body)),
        objects: declarations.objects.iter().map(|(it, block)| (it.clone(), body(&block.body))).collect(),
        locals: declarations
            .locals
            .iter()
            .map(|(it, entry)| (it.clone(), expression(&entry.value)))
            .collect(),
        variables: declarations
            .variables
            .iter()
            .map(|(name, block)| (name.clone(), variable(block, value(name))))
            .collect(),
        outputs: declarations.outputs.iter().map(|(name, block)| (name.clone(), output(block))).collect(),
    }
}

fn body(body: &Body) -> WrittenBlock {
    let mut written = WrittenBlock::default();
    for attribute in &body.attributes {
        written.arguments.insert(attribute.name.text.clone(), expression(&attribute.value));
    }
    for block in &body.blocks {
        let labels = block.labels.iter().map(|label| label.text.clone()).collect();
        let inner = WrittenBlock { labels, ..self::body(&block.body) };
        written.blocks.entry(block.keyword.text.clone()).or_default().push(inner);
    }
    written
}

fn expression(expression: &Expression) -> WrittenExpression {
    let mentions = name::mentions(expression);
    if mentions.is_empty() {
        return constant(expression)
            .map_or(WrittenExpression::Mentions(Vec::new()), WrittenExpression::Constant);
    }
    WrittenExpression::Mentions(mentions.into_iter().filter_map(mentioned).collect())
}

fn mentioned(mention: Mention<'_>) -> Option<Mentioned> {
    let name = match mention.resolved {
        Resolved::Name(name, _) => name.to_string(),
        Resolved::Path => "path.module".to_owned(),
        Resolved::Incomplete(_) | Resolved::Unknown => return None,
    };
    let steps = mention.behind.iter().map_while(|step| match &step.kind {
        StepKind::Attribute(name) => Some(Json::from(name.as_str())),
        StepKind::Index(Expression { node: Node::Literal(value), .. }) => value.to_json(),
        _ => None,
    });
    Some(Mentioned { name, steps: steps.collect() })
}

/// The value of an expression that mentions nothing and calls nothing.
fn constant(expression: &Expression) -> Option<Json> {
    if name::calls(expression) {
        return None;
    }
    let no_files = |_: &str| Err("a constant reads no file".to_owned());
    Scope::new(&no_files).evaluate(expression).ok()?.to_json()
}

fn argument<'b>(block: &'b Block, name: &str) -> Option<&'b Expression> {
    block.body.attributes.iter().find(|it| it.name.text == name).map(|it| &it.value)
}

fn description(block: &Block) -> String {
    match argument(block, "description").and_then(constant) {
        Some(Json::String(text)) => text,
        _ => String::new(),
    }
}

/// On the safe side: only what is written as false, or not at all, is none.
fn is_sensitive(block: &Block) -> bool {
    argument(block, "sensitive").is_some_and(|given| constant(given) != Some(Json::Bool(false)))
}

fn variable(block: &Block, value: Option<&Value>) -> WrittenVariable {
    let sensitive = is_sensitive(block) || value.is_some_and(Value::has_secrets);
    WrittenVariable {
        default: argument(block, "default").filter(|_| !sensitive).and_then(constant),
        description: description(block),
        sensitive,
        value: value.filter(|_| !sensitive).and_then(Value::to_json),
    }
}

fn output(block: &Block) -> WrittenOutput {
    let sensitive = is_sensitive(block);
    let written = argument(block, "value").map(expression);
    let hidden = |written: &WrittenExpression| sensitive && matches!(written, WrittenExpression::Constant(_));
    WrittenOutput {
        expression: written.filter(|it| !hidden(it)).unwrap_or(WrittenExpression::Mentions(Vec::new())),
        description: description(block),
        sensitive,
    }
}
