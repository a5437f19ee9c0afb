//! Blocks whose expressions have been evaluated, and the thing that references see.

use std::collections::BTreeMap;

use keyless_state::Address;

use super::eval::{Fault, Scope};
use super::schema;
use super::syntax::{Block, Word};
use super::value::{Reference, Value};
use crate::diagnostic::{Diagnostics, Span};
use crate::provider::ProviderKind;

/// A block with values in place of expressions.
pub(super) struct Section {
    /// Its keyword.
    pub(super) keyword: Word,
    /// Its labels.
    pub(super) labels: Vec<Word>,
    /// From the keyword to the last label.
    pub(super) header: Span,
    /// Its arguments.
    pub(super) arguments: Vec<Argument>,
    /// The blocks in it.
    pub(super) sections: Vec<Section>,
    /// Whether part of it could not be read, so that what is missing need not be missing.
    pub(super) broken: bool,
}

/// An argument with its value.
pub(super) struct Argument {
    /// Its name.
    pub(super) name: Word,
    /// Where the value stands.
    pub(super) span: Span,
    /// The value; none where its problem has been reported.
    pub(super) value: Option<Value>,
}

impl Section {
    /// Evaluates all expressions of a block.
    pub(super) fn evaluate(block: &Block, scope: &Scope<'_>, found: &mut Diagnostics) -> Section {
        let arguments = block.body.attributes.iter().map(|attribute| Argument {
            name: attribute.name.clone(),
            span: attribute.value.span,
            value: known_or_report(scope.evaluate(&attribute.value), found),
        });
        Section {
            keyword: block.keyword.clone(),
            labels: block.labels.clone(),
            header: block.header,
            arguments: arguments.collect(),
            sections: block.body.blocks.iter().map(|inner| Section::evaluate(inner, scope, found)).collect(),
            broken: block.body.broken,
        }
    }

    /// The first argument with this name.
    pub(super) fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.name.text == name)
    }

    /// What references to this block see: what it says, what is known of it, what is known later.
    pub(super) fn reference(
        &self,
        address: &Address,
        known: Option<&BTreeMap<String, serde_json::Value>>,
        kind: Option<&ProviderKind>,
    ) -> Value {
        let mut attributes = BTreeMap::new();
        for argument in &self.arguments {
            let value = argument.value.clone().unwrap_or_else(Value::unknown);
            attributes.insert(argument.name.text.clone(), value);
        }
        for (name, value) in known.into_iter().flatten() {
            attributes.entry(name.clone()).or_insert_with(|| Value::from_json(value));
        }
        if schema::is_named(address.kind()) {
            attributes.entry("name".to_owned()).or_insert_with(|| Value::text(api_name(address)));
        }
        for name in schema::computed(address.kind()) {
            attributes.entry((*name).to_owned()).or_insert_with(Value::unknown);
        }
        let of_kind = kind.map_or(&[][..], |kind| kind.arguments).iter().map(|argument| argument.name);
        for name in schema::arguments(address.kind()).iter().copied().chain(of_kind) {
            attributes.entry(name.to_owned()).or_insert_with(Value::null);
        }
        Value::reference(Reference { address: address.clone(), attributes })
    }
}

/// The name at the API of a block that gives none.
pub(super) fn api_name(address: &Address) -> String {
    address.name().replace('_', "-")
}

/// The value, or none after its problem has been reported.
pub(super) fn known_or_report(outcome: Result<Value, Fault>, found: &mut Diagnostics) -> Option<Value> {
    match outcome {
        Ok(value) => Some(value),
        Err(Fault::Reported) => None,
        Err(Fault::Problem(diagnostic)) => {
            found.push(*diagnostic);
            None
        }
    }
}
