//! What is recorded, as Terraform represents values.

use serde_json::{Map, Value, json};

use super::{TERRAFORM, outputs, resources};
use crate::plan::MadeFrom;

/// What was recorded when the plan was made; none where that is nothing.
pub(super) fn prior(made_from: &MadeFrom) -> Option<Value> {
    // Objects that a block had before are in no representation of values.
    let objects = made_from.records.iter().filter(|(address, _)| !address.is_deposed());
    let objects = objects.map(|(address, record)| {
        let mut values = record.attributes.clone();
        values.insert("id".to_owned(), json!(record.id));
        let mut resource = resources::with_values(address, Value::Object(values));
        if !record.depends_on.is_empty() {
            resource.insert("depends_on".to_owned(), json!(record.depends_on));
        }
        Value::Object(resource)
    });
    let keys = made_from
        .keys
        .iter()
        .map(|(address, id)| Value::Object(resources::with_values(address, json!({ "id": id }))));
    let found: Vec<Value> = keys.chain(objects).collect();
    if found.is_empty() && made_from.outputs.is_empty() {
        return None;
    }
    let mut values = json!({ "root_module": { "resources": found } });
    if !made_from.outputs.is_empty() {
        let shown = |(name, it): (&String, &keyless_state::OutputRecord)| {
            (name.clone(), outputs::value(Some(&it.value), it.sensitive))
        };
        values["outputs"] = Value::Object(made_from.outputs.iter().map(shown).collect::<Map<_, _>>());
    }
    Some(json!({ "format_version": "1.0", "terraform_version": TERRAFORM, "values": values }))
}
