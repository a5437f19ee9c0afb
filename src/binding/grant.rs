//! What a workload lives off that federates through a recorded rule.

use keyless_state::{Grant, Record};
use serde_json::Value;

/// The grant of a recorded rule, for a workload whose settings name `workspace`; a rule for one
/// workspace alone leaves no choice.
pub fn grant(rule: &Record, workspace: Option<&str>) -> Grant {
    let text = |name: &str| rule.attributes.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let only = || match rule.attributes.get("workspace_ids").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only.as_str().map(str::to_owned),
        _ => None,
    };
    Grant::Rule {
        rule_id: rule.id.clone(),
        service_account_id: text("service_account_id"),
        issuer_id: text("issuer_id"),
        workspace_id: workspace.filter(|id| !id.is_empty()).map(str::to_owned).or_else(only),
    }
}
