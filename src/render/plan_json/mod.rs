//! A plan as Terraform's JSON plan format 1.2, with one more top-level key, `keyless`.
//!
//! `docs/schema/plan.schema.json` describes the document.

mod configuration;
mod outputs;
mod relevant;
mod resources;
mod state;

use serde_json::{Map, Value, json};

use crate::plan::Plan;

/// The Terraform whose documents these are like; readers refuse versions that they do not know, and ours says
/// nothing to them.
const TERRAFORM: &str = "1.11.0";

/// What stands where Terraform names a provider: there is one.
const PROVIDER: &str = "keyless";

/// A plan that was saved without what the document needs.
#[derive(Debug, thiserror::Error)]
#[error(
    "it was saved by a version that did not yet keep in it what it was made from, so there is no configuration to show. Make a new plan"
)]
pub struct NotKept;

/// What others changed, as it is in the whole plan.
pub fn drift(plan: &Plan) -> Vec<Value> {
    plan.drift.iter().map(resources::drift).collect()
}

/// The whole plan.
pub fn plan(plan: &Plan) -> Result<Value, NotKept> {
    let made_from = plan.made_from.as_ref().ok_or(NotKept)?;
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("format_version", json!("1.2"));
    put("terraform_version", json!(TERRAFORM));
    put("variables", configuration::values(&made_from.written));
    put("planned_values", planned_values(plan));
    put("resource_drift", json!(drift(plan)));
    put("resource_changes", resources::changes(plan));
    put("output_changes", outputs::changes(&plan.outputs));
    // Terraform leaves it out where nothing is recorded, too.
    if let Some(prior) = state::prior(made_from) {
        put("prior_state", prior);
    }
    put("configuration", configuration::configuration(&made_from.written));
    put("relevant_attributes", json!(relevant::attributes(plan, &made_from.written)));
    put("timestamp", json!(plan.created_at));
    put("applyable", json!(!plan.is_empty()));
    let complete = plan.console.is_empty() && plan.held.is_empty() && plan.refused.is_empty();
    put("complete", json!(complete));
    put("errored", json!(!plan.refused.is_empty()));
    put("keyless", ours(plan));
    Ok(Value::Object(document))
}

fn planned_values(plan: &Plan) -> Value {
    let mut values = json!({ "root_module": { "resources": resources::planned(plan) } });
    let outputs = outputs::planned(&plan.outputs);
    if !outputs.is_empty() {
        values["outputs"] = Value::Object(outputs);
    }
    values
}

/// What Terraform has no word for.
fn ours(plan: &Plan) -> Value {
    let steps = plan.steps.iter().map(|step| {
        json!({
            "id": step.id,
            "address": step.operation.target().address,
            "stage": step.stage,
            "lane": step.lane,
            "what": step.operation.describe(),
            "operation": step.operation,
            "after": step.after,
            "undo": step.undo,
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "mode": plan.mode,
        "base": plan.base,
        "lanes": plan.lanes,
        "steps": steps.collect::<Vec<_>>(),
        "console_only": plan.console,
        "held_back": plan.held,
        "kept": plan.kept,
        "refused": plan.refused,
        "moves": plan.moves,
    })
}
