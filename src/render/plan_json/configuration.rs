//! What the files say, as Terraform represents a configuration.

use std::collections::BTreeSet;

use keyless_state::{Address, Kind};
use serde_json::{Map, Value, json};

use super::{PROVIDER, resources};
use crate::config::{Mentioned, Written, WrittenBlock, WrittenExpression, WrittenOutput, WrittenVariable};

/// The whole configuration.
pub(super) fn configuration(written: &Written) -> Value {
    let objects = written.objects.iter().map(|(address, block)| {
        let mut resource = resources::identity(address);
        resource.insert("provider_config_key".to_owned(), json!(PROVIDER));
        resource.insert("expressions".to_owned(), Value::Object(of_resource(address, block)));
        resource.insert("schema_version".to_owned(), json!(0));
        Value::Object(resource)
    });
    let mut module = Map::new();
    let mut put = |name: &str, value: Map<String, Value>| {
        if !value.is_empty() {
            module.insert(name.to_owned(), Value::Object(value));
        }
    };
    put("outputs", written.outputs.iter().map(|(name, it)| (name.clone(), output(it))).collect());
    put("variables", written.variables.iter().map(|(name, it)| (name.clone(), variable(it))).collect());
    module.insert("resources".to_owned(), objects.collect());
    json!({
        "provider_config": { PROVIDER: provider(written.settings.as_ref()) },
        "root_module": module,
    })
}

/// What Terraform says of a provider, the `keyless` block says.
fn provider(settings: Option<&WrittenBlock>) -> Value {
    let mut provider = json!({ "name": PROVIDER, "full_name": PROVIDER });
    if let Some(settings) = settings {
        provider["expressions"] = Value::Object(expressions(settings));
    }
    provider
}

/// Expressions stand under the names of the attributes that they give, so that readers find both. Some readers
/// take an argument that is called like the type of what it names for that, too, and fail.
fn of_resource(address: &Address, block: &WrittenBlock) -> Map<String, Value> {
    let mut all = expressions(block);
    if address.kind() == Kind::FederationRule {
        for (argument, attribute) in ATTRIBUTES {
            if let Some(expression) = all.remove(argument) {
                all.insert(attribute.to_owned(), expression);
            }
        }
    }
    all
}

/// The arguments of a rule whose attributes have other names.
const ATTRIBUTES: [(&str, &str); 3] =
    [("provider", "issuer_id"), ("service_account", "service_account_id"), ("workspaces", "workspace_ids")];

/// Arguments by name, blocks by keyword as lists; labels of a block stand beside its arguments as `labels`.
fn expressions(block: &WrittenBlock) -> Map<String, Value> {
    let arguments = block.arguments.iter().map(|(name, it)| (name.clone(), expression(it)));
    let mut all: Map<String, Value> = arguments.collect();
    for (keyword, inner) in &block.blocks {
        all.insert(keyword.clone(), inner.iter().map(|it| Value::Object(expressions(it))).collect());
    }
    if !block.labels.is_empty() {
        all.insert("labels".to_owned(), json!({ "constant_value": block.labels }));
    }
    all
}

/// An expression. One that calls functions alone, or that may not be shown, says nothing.
fn expression(written: &WrittenExpression) -> Value {
    match written {
        WrittenExpression::Constant(value) => json!({ "constant_value": value }),
        WrittenExpression::Mentions(mentions) if mentions.is_empty() => json!({}),
        WrittenExpression::Mentions(mentions) => json!({ "references": references(mentions) }),
    }
}

/// Each mention, and behind it what it is a part of, down to the name alone; nothing twice.
fn references(mentions: &[Mentioned]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for mention in mentions {
        let mut whole = mention.name.clone();
        let mut parts = vec![whole.clone()];
        for step in &mention.steps {
            match step {
                Value::String(name) => whole.extend([".", name]),
                other => whole.push_str(&format!("[{other}]")),
            }
            parts.push(whole.clone());
        }
        all.extend(parts.into_iter().rev().filter(|part| seen.insert(part.clone())));
    }
    all
}

fn variable(written: &WrittenVariable) -> Value {
    let mut shown = Map::new();
    if let Some(default) = &written.default {
        shown.insert("default".to_owned(), default.clone());
    }
    describe(&mut shown, &written.description, written.sensitive);
    Value::Object(shown)
}

fn output(written: &WrittenOutput) -> Value {
    let mut shown = Map::from_iter([("expression".to_owned(), expression(&written.expression))]);
    describe(&mut shown, &written.description, written.sensitive);
    Value::Object(shown)
}

fn describe(shown: &mut Map<String, Value>, description: &str, sensitive: bool) {
    if !description.is_empty() {
        shown.insert("description".to_owned(), json!(description));
    }
    if sensitive {
        shown.insert("sensitive".to_owned(), json!(true));
    }
}

/// The values of the variables; a sensitive one has none here.
pub(super) fn values(written: &Written) -> Value {
    let shown = |it: &WrittenVariable| match &it.value {
        Some(value) => json!({ "value": value }),
        None => json!({}),
    };
    written.variables.iter().map(|(name, it)| (name.clone(), shown(it))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentioned(name: &str, steps: &[Value]) -> Mentioned {
        Mentioned { name: name.to_owned(), steps: steps.to_vec() }
    }

    #[test]
    fn references_are_followed_by_what_they_are_parts_of() {
        let mentions = [
            mentioned("provider.oidc.main", &[json!("jwks"), json!(0), json!("kid")]),
            mentioned("var.names", &[]),
            mentioned("provider.oidc.main", &[json!("id")]),
        ];
        let expected = [
            "provider.oidc.main.jwks[0].kid",
            "provider.oidc.main.jwks[0]",
            "provider.oidc.main.jwks",
            "provider.oidc.main",
            "var.names",
            "provider.oidc.main.id",
        ];
        assert_eq!(references(&mentions), expected);
    }
}
