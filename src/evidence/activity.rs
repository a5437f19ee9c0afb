//! Entries of the Activity Feed as evidence about rules.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, Evidence, Fact, State, Weight};

use crate::config::Configuration;
use crate::lane::rule_digest;
use crate::limits;
use crate::platform::{Activity, ActivityEvent, ActivityKind, ActivityQuestion, ExchangeOutcome};
use crate::resource::{Observed, Provenance};

/// What has to be asked about exchanges: as far back as one counts. None while no declared rule
/// exists.
pub fn authentication_question(
    configuration: &Configuration,
    state: &State,
    now: Timestamp,
) -> Option<ActivityQuestion> {
    let exists = configuration.federation_rules.keys().any(|rule| state.records.contains_key(rule));
    exists.then(|| question(ActivityKind::Authentications, limits::EXCHANGE_FRESH_SECONDS, now))
}

/// What has to be asked about changes. None while nothing is recorded that could have been changed.
pub fn change_question(state: &State, now: Timestamp) -> Option<ActivityQuestion> {
    let recorded = !state.records.is_empty() || !state.lanes.is_empty();
    recorded.then(|| question(ActivityKind::Changes, limits::FEED_CHANGES_SECONDS, now))
}

fn question(about: ActivityKind, seconds: i64, now: Timestamp) -> ActivityQuestion {
    let since = now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    ActivityQuestion { about, since }
}

/// Turns the feed's entries about exchanges into evidence about each rule.
///
/// An accepted exchange counts only when it came after the last change of the rule, of its issuer
/// and of its service account, by their own times and by the feed's entries about changes; where one
/// of those times is not known, none counts.
pub fn authentications(
    exchanges: &[Activity],
    changes: &[Activity],
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    now: Timestamp,
) -> Vec<Evidence> {
    let about = |rule: &Address| {
        let record = state.records.get(rule)?;
        let account = &configuration.federation_rules[rule].service_account;
        let account_id = state.records.get(account).map(|record| record.id.as_str());
        let stands_since = stands_since(rule, changes, state, observed);
        let (mut last_accepted, mut last_refused, mut why) = (None, None, String::new());
        for entry in exchanges.iter().filter(|entry| entry.at <= now) {
            let ActivityEvent::Authentication { rule_id, service_account_id, outcome, reason, .. } =
                &entry.event
            else {
                continue;
            };
            if rule_id.as_deref() != Some(record.id.as_str()) {
                continue;
            }
            let for_us = service_account_id.as_deref().is_none_or(|id| Some(id) == account_id);
            match outcome {
                ExchangeOutcome::Accepted if for_us && stands_since.is_some_and(|since| entry.at > since) => {
                    last_accepted = last_accepted.max(Some(entry.at));
                }
                ExchangeOutcome::Refused if Some(entry.at) > last_refused => {
                    last_refused = Some(entry.at);
                    why.clone_from(reason);
                }
                _ => {}
            }
        }
        last_accepted.max(last_refused)?;
        Some(Evidence {
            id: format!("feed/{rule}"),
            observed_at: now,
            weight: Weight::Observed,
            source: "Activity Feed".to_owned(),
            digest: None,
            fact: Fact::FederatedAuthentication {
                rule: rule.clone(),
                rule_id: record.id.clone(),
                rule_digest: rule_digest(rule, state)?,
                last_accepted,
                last_refused,
                reason: why,
            },
        })
    };
    configuration.federation_rules.keys().filter_map(about).collect()
}

/// Since when a rule, its issuer and its account are as they are; none when that is not known.
fn stands_since(
    rule: &Address,
    changes: &[Activity],
    state: &State,
    observed: &Observed,
) -> Option<Timestamp> {
    let record = state.records.get(rule)?;
    let parts = record.depends_on.iter().filter_map(|part| state.records.get(part));
    let ids: BTreeSet<&str> = parts.map(|part| part.id.as_str()).chain([record.id.as_str()]).collect();
    let mut since = Timestamp::MIN;
    for id in &ids {
        let provenance = provenance_of(id, observed)?;
        since = since.max(provenance.updated_at.or(provenance.created_at)?);
    }
    let told = changes.iter().filter(|entry| names_any(entry, &ids)).map(|entry| entry.at).max();
    Some(told.map_or(since, |at| at.max(since)))
}

fn provenance_of<'a>(id: &str, observed: &'a Observed) -> Option<&'a Provenance> {
    let rule = observed.rules.get(id).map(|object| &object.provenance);
    let issuer = || observed.issuers.get(id).map(|object| &object.provenance);
    let account = || observed.service_accounts.get(id).map(|object| &object.provenance);
    rule.or_else(issuer).or_else(account)
}

fn names_any(entry: &Activity, ids: &BTreeSet<&str>) -> bool {
    match &entry.event {
        ActivityEvent::Change { objects, .. } => objects.iter().any(|id| ids.contains(id.as_str())),
        ActivityEvent::Authentication { .. } => false,
    }
}

#[cfg(test)]
mod tests;
