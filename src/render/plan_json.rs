//! A plan as Terraform's JSON plan format 1.2, with one more top-level key, `keyless`.

use serde_json::{Map, Value, json};

use crate::plan::{Action, Change, Drift, Plan, Reason};

/// The whole plan.
pub fn plan(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
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
        })
        .collect();
    json!({
        "format_version": "1.2",
        "terraform_version": env!("CARGO_PKG_VERSION"),
        "planned_values": { "root_module": { "resources": planned(plan) } },
        "resource_drift": plan.drift.iter().map(drift).collect::<Vec<_>>(),
        "resource_changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
        "output_changes": {},
        "timestamp": plan.created_at,
        "applyable": !plan.is_empty(),
        "complete": plan.console.is_empty() && plan.held.is_empty() && plan.refused.is_empty(),
        "errored": !plan.refused.is_empty(),
        "keyless": {
            "mode": plan.mode,
            "base": plan.base,
            "lanes": plan.lanes,
            "steps": steps,
            "console_only": plan.console,
            "held_back": plan.held,
            "kept": plan.kept,
            "refused": plan.refused,
            "moves": plan.moves,
        },
    })
}

fn planned(plan: &Plan) -> Vec<Value> {
    let stays = plan.changes.iter().filter_map(|change| change.after.as_ref().map(|after| (change, after)));
    stays
        .map(|(change, after)| {
            let mut resource = identity(&change.address);
            resource.insert("values".to_owned(), json!(after));
            Value::Object(resource)
        })
        .collect()
}

fn identity(address: &keyless_state::Address) -> Map<String, Value> {
    let kind = address
        .label()
        .map_or(address.kind().word().to_owned(), |label| format!("{}_{label}", address.kind().word()));
    let pairs = [
        ("address", json!(address)),
        ("mode", json!("managed")),
        ("type", json!(kind)),
        ("name", json!(address.name())),
        ("provider_name", json!("keyless")),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn change(change: &Change) -> Value {
    let actions = match change.action {
        Action::NoOp | Action::Adopt => vec!["no-op"],
        Action::Create => vec!["create"],
        Action::Update => vec!["update"],
        Action::Archive => vec!["delete"],
        Action::Forget => vec!["forget"],
    };
    let unknown: Map<String, Value> = change.unknown.iter().map(|name| (name.clone(), json!(true))).collect();
    let mut resource = identity(&change.address);
    resource.insert(
        "change".to_owned(),
        json!({
            "actions": actions,
            "before": change.before.as_ref().filter(|_| change.action != Action::Create),
            "after": change.after,
            "after_unknown": unknown,
            "before_sensitive": false,
            "after_sensitive": {},
        }),
    );
    if change.reason == Reason::NotDeclared {
        resource.insert("action_reason".to_owned(), json!("delete_because_no_resource_config"));
    }
    Value::Object(resource)
}

fn drift(drift: &Drift) -> Value {
    let mut resource = identity(&drift.address);
    let actions = if drift.after.is_some() { ["update"] } else { ["delete"] };
    resource.insert(
        "change".to_owned(),
        json!({
            "actions": actions,
            "before": drift.before,
            "after": drift.after,
            "after_unknown": {},
            "before_sensitive": false,
            "after_sensitive": {},
        }),
    );
    resource.insert("keyless".to_owned(), json!({ "what": drift.what, "by": drift.by, "at": drift.at }));
    Value::Object(resource)
}
