//! What a step that takes a credential away rests on: the objects without which the workload has
//! nothing afterwards.

use std::collections::BTreeSet;

use keyless_state::{Address, Kind};

use super::prepare::Context;
use crate::plan::Operation;
use crate::resource::RuleWorkspaces;

/// An object that a step rests on. [`Kind::Data`] stands for a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stake {
    /// Of which kind it is.
    pub kind: Kind,
    /// Its id at the API.
    pub id: String,
    /// The block that declares it; none for a workspace.
    pub address: Option<Address>,
}

impl Stake {
    fn of(address: &Address, id: &str) -> Stake {
        Stake { kind: address.kind(), id: id.to_owned(), address: Some(address.clone()) }
    }

    /// How it is called when something is told of it.
    pub fn name(&self) -> String {
        match &self.address {
            Some(address) => format!("{address} ({})", self.id),
            None => format!("workspace {}", self.id),
        }
    }
}

/// The lane from which an operation takes a credential, if it does.
pub fn taken_from(operation: &Operation) -> Option<&Address> {
    match operation {
        Operation::Remove { address, .. }
        | Operation::Disable { address, .. }
        | Operation::ArchiveKey { address, .. } => Some(address),
        _ => None,
    }
}

/// What an operation rests on; empty for one that takes no credential.
///
/// The key counts for a removal only: its status is read anyway right before it is changed.
///
/// # Errors
/// When a part of it is not declared or not recorded, so that nobody could look at it.
pub fn stakes(operation: &Operation, context: &Context<'_>) -> Result<BTreeSet<Stake>, String> {
    let mut stakes = BTreeSet::new();
    let Some(lane) = taken_from(operation) else { return Ok(stakes) };
    let configuration = context.configuration;
    let key = configuration.api_keys.get(lane).ok_or_else(|| format!("{lane} is not declared"))?;
    let of_consumers = key.consumers.values().map(|consumer| &consumer.rule);
    for rule in key.replaced_by.iter().chain(of_consumers).collect::<BTreeSet<_>>() {
        let declared =
            configuration.federation_rules.get(rule).ok_or_else(|| format!("{rule} is not declared"))?;
        for part in [rule, &declared.provider, &declared.service_account] {
            stakes.insert(Stake::of(part, &context.id(part)?));
        }
        let known = context.observed.rules.get(&context.id(rule)?);
        if let Some(RuleWorkspaces::These(ids)) = known.map(|rule| &rule.arguments.workspaces) {
            stakes.extend(ids.iter().map(|id| Stake { kind: Kind::Data, id: id.clone(), address: None }));
        }
    }
    if matches!(operation, Operation::Remove { .. }) {
        stakes.insert(Stake::of(lane, &key.id));
    }
    Ok(stakes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sample::{ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, id_of};

    #[track_caller]
    fn check(operation: &Operation, expected: &[&str]) {
        let (configuration, state, observed) = built();
        let workspaces = BTreeMap::new();
        let context = Context {
            configuration: &configuration,
            state: &state,
            observed: &observed,
            workspaces: &workspaces,
        };
        let found = stakes(operation, &context).unwrap();
        let ids: BTreeSet<&str> = found.iter().map(|stake| stake.id.as_str()).collect();
        assert_eq!(ids, expected.iter().copied().collect());
    }

    #[test]
    fn what_takes_a_credential_rests_on_all_that_stands_in_for_it() {
        let (key, id) = (address(KEY), "apikey_1".to_owned());
        let parts = [RULE, ISSUER, ACCOUNT].map(|part| id_of(&address(part)));
        let [rule, issuer, account] = parts.each_ref().map(String::as_str);
        let remove = Operation::Remove { address: key.clone(), consumer: consumer_id(CONSUMER) };
        check(&remove, &[rule, issuer, account, "wrkspc_a", "apikey_1"]);
        // The step itself reads the key.
        let disable = Operation::Disable { address: key.clone(), id: id.clone() };
        check(&disable, &[rule, issuer, account, "wrkspc_a"]);
        check(&Operation::ArchiveKey { address: key.clone(), id }, &[rule, issuer, account, "wrkspc_a"]);
        check(&Operation::Confirm { address: key }, &[]);
        check(&Operation::Verify { address: address(RULE) }, &[]);
    }

    #[test]
    fn what_is_not_recorded_cannot_be_looked_at() {
        let (configuration, mut state, observed) = built();
        state.records.remove(&address(ISSUER));
        let workspaces = BTreeMap::new();
        let context = Context {
            configuration: &configuration,
            state: &state,
            observed: &observed,
            workspaces: &workspaces,
        };
        let disable = Operation::Disable { address: address(KEY), id: "apikey_1".to_owned() };
        assert_eq!(stakes(&disable, &context), Err(format!("{ISSUER} is not recorded")));
    }
}
