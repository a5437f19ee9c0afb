//! What would cut off somebody of whom nothing is recorded, and whose use alone is seen.

use std::collections::BTreeMap;

use keyless_state::{Address, Binding, ConsumerId, Grant};

use super::Scene;
use super::harm::harm;
use crate::binding::{self, UnrecordedUse};
use crate::config::ConsumerDriver;
use crate::diagnostic::Diagnostic;
use crate::plan::Operation;

/// Refuses operations on which the credential of somebody unknown stands, one problem for each rule.
pub(super) fn refusals<'a>(
    operations: impl Iterator<Item = &'a Operation> + Clone,
    scene: &Scene<'_>,
) -> Vec<Diagnostic> {
    let mut refused: BTreeMap<Address, Diagnostic> = BTreeMap::new();
    for used in binding::unrecorded_use(scene.state, scene.now) {
        let Some((binding, grant)) = somebody(&used, scene) else { continue };
        let harmful = operations.clone().find_map(|operation| {
            let record = scene.state.records.get(operation.target().address)?;
            harm(operation, record, &binding, &grant, scene)
        });
        if let Some(why) = harmful {
            refused.insert(used.rule.clone(), refusal(&used, &why, scene));
        }
    }
    refused.into_values().collect()
}

/// Somebody as whom nobody has shown himself, who lives off a rule.
fn somebody(used: &UnrecordedUse, scene: &Scene<'_>) -> Option<(Binding, Grant)> {
    let rule = scene.state.records.get(&used.rule)?;
    let grant = binding::grant(rule, None);
    let nobody = ConsumerId { kind: "manual".to_owned(), name: "unrecorded".to_owned() };
    Some((Binding::new("", &used.rule, &nobody, grant.clone(), used.last_seen), grant))
}

fn refusal(used: &UnrecordedUse, why: &str, scene: &Scene<'_>) -> Diagnostic {
    let UnrecordedUse { rule, account, last_seen } = used;
    Diagnostic::error("Somebody would be cut off")
        .address(rule)
        .detail(format!(
            "{account} used tokens without a key, last in the hour from {last_seen}, and no workload is recorded that lives off {rule}: {why}. Nothing of this plan is done."
        ))
        .hint(hint(rule, scene))
}

/// Who it may be, and what to say.
fn hint(rule: &Address, scene: &Scene<'_>) -> String {
    let gone = format!(
        "if nobody needs {rule} any more: keyless evidence add -manual -retire={rule} -by=\"YOUR NAME\" -statement=\"…\""
    );
    let keys = scene.configuration.api_keys.iter();
    let by_hand = keys.flat_map(|(lane, key)| key.consumers.iter().map(move |(id, it)| (lane, id, it)));
    let mut by_hand =
        by_hand.filter(|(_, _, it)| it.rule == *rule && matches!(it.driver, ConsumerDriver::Manual { .. }));
    match by_hand.next() {
        Some((lane, id, _)) => format!(
            "if that is {id} of {lane}, whoever moved it says so: keyless evidence add -manual -key={lane} -consumer={id} -by=\"YOUR NAME\" -statement=\"…\"; {gone}"
        ),
        None => format!("find out who uses the account, and move that first; {gone}"),
    }
}
