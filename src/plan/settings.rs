//! The federation settings that a workload needs, in the names that every client reads.

use std::collections::BTreeMap;

use keyless_state::{Address, ConsumerId, State};
use sha2::{Digest, Sha256};

use super::workspace::workspace_for;
use crate::config::{Configuration, ConsumerDriver, WorkspaceRef};
use crate::resource::Observed;

/// The variables that keyless writes, in their order.
pub const FEDERATION_VARIABLES: [&str; 5] = [
    "ANTHROPIC_FEDERATION_RULE_ID",
    "ANTHROPIC_ORGANIZATION_ID",
    "ANTHROPIC_SERVICE_ACCOUNT_ID",
    "ANTHROPIC_WORKSPACE_ID",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
];

/// The variables for one consumer, in a fixed order; none when they are not ours to write or the
/// rule does not exist yet.
///
/// The workspace and the service account are always named: a rule may cover several workspaces,
/// and the documentation lists the service account as required although clients do without.
pub fn federation_settings(
    key: &Address,
    id: &ConsumerId,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> Option<Vec<(String, String)>> {
    let declared = configuration.api_keys.get(key)?;
    let consumer = declared.consumers.get(id)?;
    let ConsumerDriver::Dotenv { identity_token_file: Some(token_file), .. } = &consumer.driver else {
        return None;
    };
    let rule = configuration.federation_rules.get(&consumer.rule)?;
    let rule_id = &state.records.get(&consumer.rule)?.id;
    let account_id = &state.records.get(&rule.service_account)?.id;
    let workspace = workspace_for(declared, id, configuration, state, observed, workspace_id)?;
    let values = [rule_id, &observed.organization.id, account_id, &workspace, token_file];
    let pairs = FEDERATION_VARIABLES.into_iter().zip(values);
    Some(pairs.map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

/// Digest of the settings that each consumer should have, as far as their rules exist.
pub fn wanted_settings(
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> BTreeMap<(Address, ConsumerId), String> {
    let mut wanted = BTreeMap::new();
    for (key, declared) in &configuration.api_keys {
        for consumer in declared.consumers.keys() {
            let settings = federation_settings(key, consumer, configuration, state, observed, &workspace_id);
            if let Some(settings) = settings {
                wanted.insert((key.clone(), consumer.clone()), settings_digest(&settings));
            }
        }
    }
    wanted
}

/// SHA-256 of settings, in hexadecimal.
pub fn settings_digest(settings: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (name, value) in settings {
        hash.update(format!("{name}={value}\n"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
