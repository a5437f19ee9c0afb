//! From what was read to evidence: usage, credential reports and the Activity Feed become recorded
//! facts.
//!
//! Pure. A credential report counts only when the workload's identity provider signed it: the
//! provider issues a token whose audience is the digest of the report, for a subject that the
//! lane's own rule admits. Nobody but the workload can obtain such a token, and no byte of the
//! report can be changed after it.

mod activity;
mod report;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, Binding, Evidence, Fact, Kind, Mutation, State, Weight};

use crate::binding;
use crate::config::{ApiKey, Configuration, Consumer};
use crate::limits;
use crate::platform::{Usage, UsageQuestion};
use crate::resource::{KeyStatus, Observed, Unreadable};

pub use activity::{authentication_question, authentications, change_question};
pub use report::{ReportPlace, Signer, UncheckedReport, signer};

/// What a command may archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// What is not declared any more.
    Undeclared,
    /// Everything that is recorded.
    Recorded,
}

/// What has to be asked about use: from the earliest removal or disabling of any lane that is under
/// way, about the declared keys; and where something may be archived, from as far back as use by somebody
/// unknown holds it. None while no lane is that far, and nothing may go.
pub fn usage_question(
    configuration: &Configuration,
    state: &State,
    goes: Goes,
    now: Timestamp,
) -> Option<UsageQuestion> {
    let lanes = configuration.api_keys.keys().filter_map(|key| state.lanes.get(key));
    let times = lanes.flat_map(|lane| {
        let removed = lane.consumers.values().filter_map(|consumer| consumer.removed_at);
        removed.chain(lane.disabled_at).collect::<Vec<_>>()
    });
    let stated = state.evidence.iter().filter_map(|evidence| match evidence.fact {
        Fact::Statement { .. } => Some(evidence.observed_at),
        _ => None,
    });
    let back = binding::restored(state).filter_map(Binding::key_back_at);
    let is_declared = |address: &Address| {
        configuration.federation_rules.contains_key(address)
            || configuration.service_accounts.contains_key(address)
            || configuration.providers.contains_key(address)
    };
    let may_go = match goes {
        Goes::Recorded => !state.records.is_empty(),
        // What a person moved shows in its use alone until that is told.
        Goes::Undeclared => {
            let mut consumers = configuration.api_keys.values().flat_map(|key| key.consumers.values());
            let by_hand = |it: &Consumer| it.driver.is_manual() && state.records.contains_key(&it.rule);
            state.records.keys().any(|address| !is_declared(address)) || consumers.any(by_hand)
        }
    };
    let held_from = now.checked_sub(limits::UNRECORDED_USE_COUNTS).unwrap_or(Timestamp::MIN);
    let since = times.chain(stated).chain(back).chain(may_go.then_some(held_from)).min()?;
    let key_ids = configuration.api_keys.values().map(|key| key.id.clone()).collect();
    Some(UsageQuestion { since, key_ids })
}

/// Turns what is known about use since `since` into evidence about each key and each service
/// account.
///
/// A request that failed is use of a key all the same, since somebody still sends it. It is no sign
/// that a service account works, so there only tokens count.
pub fn usage(
    usage: &Usage,
    since: Timestamp,
    configuration: &Configuration,
    state: &State,
    now: Timestamp,
) -> Vec<Evidence> {
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    let complete_until =
        usage.complete_until.unwrap_or_else(|| now.checked_sub(delay).unwrap_or(now)).min(now).max(since);
    let mut by_key: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut by_account: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for row in &usage.rows {
        match (&row.api_key_id, &row.service_account_id) {
            (Some(key), _) => {
                let last = by_key.entry(key).or_insert(row.ending_at);
                *last = row.ending_at.max(*last);
            }
            (None, Some(account)) if row.tokens > 0 => {
                let last = by_account.entry(account).or_insert(row.starting_at);
                *last = row.starting_at.max(*last);
            }
            (None, _) => {}
        }
    }
    let about = |id: String, fact: Fact| Evidence {
        id,
        observed_at: now,
        weight: Weight::Observed,
        source: usage.source.words().to_owned(),
        digest: None,
        fact,
    };
    let key_evidence = |(address, key): (&Address, &ApiKey)| {
        let last_used_before = by_key.get(key.id.as_str()).copied();
        let fact = Fact::KeyUsage { key: address.clone(), since, complete_until, last_used_before };
        about(format!("usage/{address}"), fact)
    };
    let account_evidence = |address: &Address| {
        let id = &state.records.get(address)?.id;
        let last_seen = *by_account.get(id.as_str())?;
        let fact = Fact::AccountTraffic { service_account: address.clone(), last_seen };
        Some(about(format!("traffic/{address}"), fact))
    };
    let keys = configuration.api_keys.iter().map(key_evidence);
    let accounts = state.records.keys().filter(|address| address.kind() == Kind::ServiceAccount);
    keys.chain(accounts.filter_map(account_evidence)).collect()
}

/// Sets keys aside that are still shown as active right after we set them inactive: a list may lag, or
/// somebody needed the key at once. Which it is shows in a moment; until then nothing is done with it.
pub fn set_late_statuses_aside(observed: &mut Observed, state: &State, now: Timestamp) {
    for lane in state.lanes.values() {
        let Some(at) = lane.disabled_at.filter(|at| now.duration_since(*at) < limits::STATUS_LATE_MAX) else {
            continue;
        };
        let shown = observed.api_keys.get(&lane.key_id).filter(|key| key.status == KeyStatus::Active);
        if let Some(key) = shown {
            let why = format!(
                "keyless set it inactive at {at} and the API shows it as active; it may not show yet, or somebody set it active again"
            );
            let unreadable = Unreadable { noun: "API key", name: Some(key.name.clone()), why };
            observed.api_keys.remove(&lane.key_id);
            observed.unreadable.insert(lane.key_id.clone(), unreadable);
        }
    }
}

/// Keys that were disabled by us and are active again: somebody needed them, and from then on
/// silence and reports count anew.
pub fn reactivations(state: &State, observed: &Observed, now: Timestamp) -> Vec<Mutation> {
    let mut learnt = Vec::new();
    for (address, lane) in &state.lanes {
        let active = observed.api_keys.get(&lane.key_id).is_some_and(|key| key.status == KeyStatus::Active);
        if active && lane.disabled_at.is_some() {
            let mut lane = lane.clone();
            lane.disabled_at = None;
            lane.reactivated_at = Some(now);
            learnt.push(Mutation::PutLane { address: address.clone(), lane });
        }
    }
    learnt
}

/// Forgets approvals of archives that did not come about: each was for the plan that it was given with.
pub fn unused_approvals(state: &State) -> Vec<Mutation> {
    let is_archived = |key: &Address| state.lanes.get(key).is_some_and(|lane| lane.archived_at.is_some());
    let unused = state
        .evidence
        .iter()
        .filter(|evidence| matches!(&evidence.fact, Fact::ArchiveApproval { key, .. } if !is_archived(key)));
    unused.map(|evidence| Mutation::DropEvidence { id: evidence.id.clone() }).collect()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
