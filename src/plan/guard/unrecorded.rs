//! What would cut off somebody of whom nothing is recorded, and whose use alone is seen.

use keyless_state::{Address, Binding, ConsumerId, Grant};

use super::Scene;
use super::harm::harm;
use super::loss::Loss;
use crate::binding::{self, UnrecordedUse};
use crate::plan::{Operation, Refused};

/// Somebody as whom nobody has shown himself, who lives off a rule.
pub(super) struct Somebody {
    pub(super) used: UnrecordedUse,
    binding: Binding,
    grant: Grant,
}

/// All of them.
pub(super) fn somebodies(scene: &Scene<'_>) -> Vec<Somebody> {
    let of = |used: UnrecordedUse| {
        let rule = scene.state.records.get(&used.rule)?;
        let grant = binding::grant(rule, None);
        let nobody = ConsumerId { kind: "manual".to_owned(), name: "unrecorded".to_owned() };
        let binding = Binding::new("", &used.rule, &nobody, grant.clone(), used.last_seen);
        Some(Somebody { used, binding, grant })
    };
    binding::unrecorded_use(scene.state, scene.now).into_iter().filter_map(of).collect()
}

impl Somebody {
    /// What he would lose by an operation.
    pub(super) fn loss(&self, operation: &Operation, scene: &Scene<'_>) -> Option<Loss> {
        let record = scene.state.records.get(operation.target().address)?;
        harm(operation, record, &self.binding, &self.grant, scene)
    }

    /// What is told of him.
    pub(super) fn told(&self) -> String {
        let UnrecordedUse { rule, account, last_seen } = &self.used;
        format!(
            "{account} used tokens without a key, last in the hour from {last_seen}, and no workload is recorded that lives off {rule}"
        )
    }

    /// Why a deposed object waits for him.
    pub(super) fn waits(&self, scene: &Scene<'_>) -> String {
        format!("{}. It stays until that is explained; {}.", self.told(), hint(&self.used.rule, scene))
    }

    /// Refuses what he would lose by.
    pub(super) fn refusal(&self, loss: &Loss, scene: &Scene<'_>) -> Refused {
        let rule = &self.used.rule;
        let why = format!("{}: {loss}.", self.told());
        Refused::new(rule, "Somebody would be cut off", why, hint(rule, scene))
    }
}

/// Who it may be, and what to say.
fn hint(rule: &Address, scene: &Scene<'_>) -> String {
    let gone = format!(
        "if nobody needs {rule} any more: keyless evidence add -manual -retire={rule} -by=\"YOUR NAME\" -statement=\"…\""
    );
    let keys = scene.configuration.api_keys.iter();
    let by_hand = keys.flat_map(|(lane, key)| key.consumers.iter().map(move |(id, it)| (lane, id, it)));
    let mut by_hand = by_hand.filter(|(_, _, it)| it.rule == rule.present() && it.driver.is_manual());
    match by_hand.next() {
        Some((lane, id, _)) => format!(
            "if that is {id} of {lane}, whoever moved it says so: keyless evidence add -manual -key={lane} -consumer={id} -by=\"YOUR NAME\" -statement=\"…\"; {gone}"
        ),
        None => format!("find out who uses the account, and move that first; {gone}"),
    }
}
