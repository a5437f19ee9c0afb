//! The federation settings that a workload needs, in the names that every client reads.

use std::collections::BTreeMap;

use keyless_state::{Address, Binding, ConsumerId, Grant, State};
use sha2::{Digest, Sha256};

use crate::config::{Configuration, ConsumerDriver, WorkspaceChoice, WorkspaceRef};

/// The variables for one consumer, in a fixed order; none when they are not ours to write or the
/// rule does not exist yet.
///
/// The workspace and the service account are always named: a rule may cover several workspaces,
/// and the documentation lists the service account as required although clients do without.
pub fn federation_settings(
    key: &Address,
    consumer: &ConsumerId,
    configuration: &Configuration,
    state: &State,
    organization_id: &str,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> Option<Vec<(String, String)>> {
    let declared = configuration.api_keys.get(key)?;
    let bound = state.binding(&declared.id, consumer);
    let consumer = declared.consumers.get(consumer)?;
    let ConsumerDriver::Dotenv { identity_token_file: Some(token_file), .. } = &consumer.driver else {
        return None;
    };
    let rule = configuration.federation_rules.get(&consumer.rule)?;
    let rule_id = &state.records.get(&consumer.rule)?.id;
    let account_id = &state.records.get(&rule.service_account)?.id;
    let workspace = match &rule.workspaces {
        WorkspaceChoice::All => bound.and_then(workspace_of).unwrap_or("default").to_owned(),
        WorkspaceChoice::These(these) => {
            let ids: Vec<String> = these.iter().map(workspace_id).collect();
            // A workload stays where it is as long as the rule covers that.
            let stays = bound.and_then(workspace_of).filter(|own| ids.iter().any(|id| id == own));
            stays.map(str::to_owned).or_else(|| ids.into_iter().next()).unwrap_or_default()
        }
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Some(vec![
        pair("ANTHROPIC_FEDERATION_RULE_ID", rule_id),
        pair("ANTHROPIC_ORGANIZATION_ID", organization_id),
        pair("ANTHROPIC_SERVICE_ACCOUNT_ID", account_id),
        pair("ANTHROPIC_WORKSPACE_ID", &workspace),
        pair("ANTHROPIC_IDENTITY_TOKEN_FILE", token_file),
    ])
}

/// The workspace that a workload's settings name.
fn workspace_of(binding: &Binding) -> Option<&str> {
    match &binding.grant {
        Grant::Rule { workspace_id, .. } => workspace_id.as_deref(),
        Grant::Key | Grant::Unresolved => None,
    }
}

/// Digest of the settings that each consumer should have, as far as their rules exist.
pub fn wanted_settings(
    configuration: &Configuration,
    state: &State,
    organization_id: &str,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> BTreeMap<(Address, ConsumerId), String> {
    let mut wanted = BTreeMap::new();
    for (key, declared) in &configuration.api_keys {
        for consumer in declared.consumers.keys() {
            let settings =
                federation_settings(key, consumer, configuration, state, organization_id, &workspace_id);
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
