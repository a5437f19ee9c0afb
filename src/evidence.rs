//! From what was read to evidence: usage, credential reports and the Activity Feed become recorded
//! facts.
//!
//! Pure. A credential report counts only when the workload's identity provider signed it: the
//! provider issues a token whose audience is the digest of the report, for a subject that the
//! lane's own rule admits. Nobody but the workload can obtain such a token, and no byte of the
//! report can be changed after it.

mod activity;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, ConsumerId, Evidence, Fact, Mutation, Shadow, State, Weight, Winner};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::config::{ApiKey, Configuration, Provider};
use crate::limits;
use crate::matching::{self, Denial};
use crate::platform::{Usage, UsageQuestion};
use crate::resource::{KeyStatus, Match, Observed, Unreadable};
use crate::token::{self, Expected, IssuerKeys};

pub use activity::{authentication_question, authentications, change_question};

/// The format of the reports that this program reads.
const REPORT_FORMAT: &str = "keyless.credential-report/1";

#[derive(Deserialize)]
struct SignedReport {
    report: String,
    proof: String,
}

#[derive(Deserialize)]
struct Report {
    format: String,
    key: String,
    consumer: String,
    observed_at: Timestamp,
    winner: Winner,
    winner_source: String,
    rule_id: Option<String>,
    #[serde(default)]
    shadows: Vec<Shadow>,
}

/// Where a report belongs.
pub struct ReportPlace<'a> {
    /// The lane.
    pub key: &'a Address,
    /// The consumer.
    pub consumer: &'a ConsumerId,
    /// The lane and the consumer as they were called when its settings were written, which is how the
    /// workload may know them.
    pub tag: &'a str,
    /// Whom the rules let in through which it may federate, by their ids: those at the API that it is known
    /// to use, else the one that its block asks for.
    pub matches: Vec<(Option<&'a str>, &'a Match)>,
    /// The rule's issuer.
    pub provider: &'a Provider,
    /// The issuer's published keys.
    pub keys: &'a IssuerKeys,
}

/// Checks a credential report and turns it into evidence.
///
/// # Errors
/// The first reason not to believe it, as a sentence.
pub fn report(text: &str, place: &ReportPlace<'_>, now: Timestamp) -> Result<Evidence, String> {
    let signed: SignedReport =
        serde_json::from_str(text).map_err(|error| format!("it is not a credential report: {error}"))?;
    let report: Report = serde_json::from_str(&signed.report)
        .map_err(|error| format!("it is not a credential report: {error}"))?;
    if report.format != REPORT_FORMAT {
        return Err(format!("it has the format `{}`; this version reads `{REPORT_FORMAT}`", report.format));
    }
    let about = format!("{}/{}", report.key, report.consumer);
    if about != keyless_state::tag(place.key, place.consumer) && about != place.tag {
        return Err(format!("it is about {} of {}", report.consumer, report.key));
    }
    let digest = hex(&Sha256::digest(signed.report.as_bytes()));
    let expected = Expected {
        issuer_url: &place.provider.issuer_url,
        audience: &format!("keyless-report:sha256:{digest}"),
        // The signature has to have been good when the report was made, not for ever.
        now: report.observed_at,
        leeway_seconds: limits::CLOCK_LEEWAY_SECONDS,
        max_lifetime_seconds: place.provider.max_jwt_lifetime_seconds,
    };
    let verified = token::verify(&signed.proof, place.keys, &expected)
        .map_err(|refusal| format!("its signature does not hold: {refusal}"))?;
    admitted(place, report.rule_id.as_deref(), &verified.claims)
        .map_err(|denial| format!("it is signed for another workload: {denial}"))?;
    let leeway = SignedDuration::from_secs(limits::CLOCK_LEEWAY_SECONDS.cast_signed());
    if report.observed_at.duration_since(now) > leeway {
        return Err(format!("it comes from the future ({})", report.observed_at));
    }
    Ok(Evidence {
        id: format!("report/{}/{}", place.key, place.consumer),
        observed_at: report.observed_at,
        weight: Weight::Signed,
        source: "credential report, signed by the identity provider".to_owned(),
        digest: Some(digest),
        fact: Fact::CredentialReport {
            key: place.key.clone(),
            consumer: place.consumer.clone(),
            winner: report.winner,
            winner_source: report.winner_source,
            rule_id: report.rule_id,
            shadows: report.shadows,
            identity: lasting(&verified.claims),
        },
    })
}

/// Whether a rule lets the signer of a report in: the one that the report names, where its consumer is
/// known to use that, else the first.
fn admitted(place: &ReportPlace<'_>, named: Option<&str>, claims: &Map<String, Value>) -> Result<(), Denial> {
    let known = place.matches.iter().find(|(id, _)| named.is_some() && *id == named);
    match known.or(place.matches.first()) {
        Some((_, rule)) => matching::matches_claims(rule, claims, false),
        None => unreachable!("a block names a rule"),
    }
}

/// The claims of a token that are the same in the next one. The audience of a report's token is the
/// report's own.
fn lasting(claims: &Map<String, Value>) -> Map<String, Value> {
    let mut lasting = claims.clone();
    lasting.retain(|name, _| !["aud", "exp", "iat", "jti", "nbf"].contains(&name.as_str()));
    lasting
}

/// What has to be asked about use: from the earliest removal or disabling of any lane that is under
/// way, about the declared keys. None while no lane is that far.
pub fn usage_question(configuration: &Configuration, state: &State) -> Option<UsageQuestion> {
    let lanes = configuration.api_keys.keys().filter_map(|key| state.lanes.get(key));
    let times = lanes.flat_map(|lane| {
        let removed = lane.consumers.values().filter_map(|consumer| consumer.removed_at);
        removed.chain(lane.disabled_at).collect::<Vec<_>>()
    });
    let stated = state.evidence.iter().filter_map(|evidence| match evidence.fact {
        Fact::Statement { .. } => Some(evidence.observed_at),
        _ => None,
    });
    let since = times.chain(stated).min()?;
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
    keys.chain(configuration.service_accounts.keys().filter_map(account_evidence)).collect()
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

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
