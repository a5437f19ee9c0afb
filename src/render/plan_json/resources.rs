//! Resources, as they are planned and as they change.

use std::collections::HashMap;

use keyless_state::{Address, Kind};
use serde_json::{Map, Value, json};

use super::PROVIDER;
use crate::plan::{Action, Attributes, Change, Drift, Plan, Reason};

/// What says which resource it is. Nothing of it says which of its objects it is.
pub(super) fn identity(address: &Address) -> Map<String, Value> {
    let word = address.kind().word();
    let (mode, kind) = match (address.kind(), address.label()) {
        (Kind::Data, Some(label)) => ("data", label.to_owned()),
        (_, Some(label)) => ("managed", format!("{word}_{label}")),
        (_, None) => ("managed", word.to_owned()),
    };
    let pairs = [
        ("address", json!(address)),
        ("mode", json!(mode)),
        ("type", json!(kind)),
        ("name", json!(address.name())),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A resource with its values. None of them is sensitive: what is, never gets as far as an attribute.
pub(super) fn with_values(address: &Address, values: Value) -> Map<String, Value> {
    let mut resource = identity(address);
    let more = [
        ("provider_name", json!(PROVIDER)),
        ("schema_version", json!(0)),
        ("values", values),
        ("sensitive_values", json!({})),
    ];
    resource.extend(more.map(|(name, value)| (name.to_owned(), value)));
    resource
}

/// All that is there after apply, as far as it is known.
pub(super) fn planned(plan: &Plan) -> Vec<Value> {
    // An object that its block had before is nothing that the block describes.
    let stays = plan.changes.iter().filter(|change| !change.address.is_deposed());
    let values = stays.filter_map(|it| Some((&it.address, known(it)?)));
    values.map(|(address, known)| Value::Object(with_values(address, Value::Object(known)))).collect()
}

/// The attributes after apply that are known now; the others have no value, not even an empty one.
fn known(change: &Change) -> Option<Attributes> {
    let mut after = change.after.clone()?;
    for name in &change.unknown {
        after.remove(name);
    }
    Some(after)
}

/// What becomes of each resource.
pub(super) fn changes(plan: &Plan) -> Value {
    let moved: HashMap<&Address, &Address> = plan.moves.iter().map(|it| (&it.to, &it.from)).collect();
    plan.changes.iter().map(|it| change(it, moved.get(&it.address).copied())).collect()
}

fn changing(address: &Address, change: Value) -> Map<String, Value> {
    let mut resource = identity(address);
    resource.insert("provider_name".to_owned(), json!(PROVIDER));
    if address.is_deposed() {
        let whole = address.to_string();
        let key = whole.rsplit('.').next().unwrap_or_default();
        resource.insert("deposed".to_owned(), json!(key));
    }
    resource.insert("change".to_owned(), change);
    resource
}

fn change(change: &Change, previous: Option<&Address>) -> Value {
    let actions = match change.action {
        Action::NoOp | Action::Adopt => ["no-op"],
        Action::Create => ["create"],
        Action::Update => ["update"],
        Action::Archive => ["delete"],
        Action::Forget => ["forget"],
    };
    let unknown: Map<String, Value> = change.unknown.iter().map(|name| (name.clone(), json!(true))).collect();
    let before = change.before.as_ref().filter(|_| change.action != Action::Create);
    let mut resource = changing(
        &change.address,
        json!({
            "actions": actions,
            "before": before,
            "after": known(change),
            "after_unknown": unknown,
            "before_sensitive": marks(before.is_some()),
            "after_sensitive": marks(change.after.is_some()),
        }),
    );
    if let Some(previous) = previous {
        resource.insert("previous_address".to_owned(), json!(previous));
    }
    if change.reason == Reason::NotDeclared {
        resource.insert("action_reason".to_owned(), json!("delete_because_no_resource_config"));
    }
    Value::Object(resource)
}

/// Which values are sensitive: none, written as Terraform does for what is there and for what is not.
fn marks(is_there: bool) -> Value {
    if is_there { json!({}) } else { json!(false) }
}

/// What others changed.
pub(super) fn drift(drift: &Drift) -> Value {
    let actions = if drift.after.is_some() { ["update"] } else { ["delete"] };
    let mut resource = changing(
        &drift.address,
        json!({
            "actions": actions,
            "before": drift.before,
            "after": drift.after,
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": marks(drift.after.is_some()),
        }),
    );
    resource.insert("keyless".to_owned(), json!({ "what": drift.what, "by": drift.by, "at": drift.at }));
    Value::Object(resource)
}
