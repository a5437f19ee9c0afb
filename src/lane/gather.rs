//! From configuration, state and what was seen to the facts of each lane.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyless_state::{
    Address, Binding, ConsumerId, Evidence, Fact, Grant, LaneRecord, Record, State, Weight, Winner,
};
use sha2::{Digest, Sha256};

use super::facts::{
    ConsumerFacts, ExchangeFacts, FeedFacts, KeyFacts, LaneFacts, NamedRule, OtherRule, Presence,
    ReportFacts, Returned, RuleFacts, SparedFacts, UsageFacts,
};
use super::gate::Refusal;
use crate::binding;
use crate::config::{ApiKey, Configuration, Consumer, ConsumerDriver};
use crate::resource::{KeyStatus, Observed};

/// What was seen outside the API at the moment of judging.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sightings {
    /// Whether the key is in each consumer.
    pub presence: BTreeMap<(Address, ConsumerId), Presence>,
    /// The key line that is in a consumer, where its place is a file of lines.
    pub returned: BTreeMap<(Address, ConsumerId), Returned>,
    /// Digest of the federation settings found in a consumer, where they are ours to write and
    /// there.
    pub settings: BTreeMap<(Address, ConsumerId), String>,
    /// The settings themselves.
    pub found: binding::Found,
    /// The consumers in whose places there are lines of ours.
    pub marked: binding::Marked,
    /// Consumers whose files hold neither their keys nor what keyless parked.
    pub unparked: BTreeSet<(Address, ConsumerId)>,
    /// The lines in which keys are parked, from 1, by place.
    pub parked: BTreeMap<(Address, ConsumerId), Vec<usize>>,
    /// Why the key cannot be taken out of a file, by place.
    pub blocked: BTreeMap<(Address, ConsumerId), String>,
    /// Who reads the token with which a rule is tried, where that token can be used once alone.
    pub single_use: BTreeMap<Address, Vec<binding::Reader>>,
    /// Why an object is not yet as configured, by address: from the diff.
    pub unconfigured: BTreeMap<Address, String>,
    /// Objects that somebody else archived, and what stands on them: from the diff.
    pub lost: BTreeSet<Address>,
    /// Why nothing is done with a lane or an object, by address: from the plan.
    pub refused: BTreeMap<Address, Vec<Refusal>>,
    /// Digest of the federation settings that each consumer should have, where the rule exists.
    pub wanted_settings: BTreeMap<(Address, ConsumerId), String>,
}

/// Puts the facts of one lane together.
pub fn gather(
    address: &Address,
    key: &ApiKey,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    sightings: &Sightings,
) -> LaneFacts {
    let record = state.lanes.get(address).cloned().unwrap_or_default();
    let rule_ids: Vec<&str> =
        key.replaced_by.iter().filter_map(|rule| state.records.get(rule)).map(|r| r.id.as_str()).collect();
    let lane = Lane {
        address,
        key,
        record: &record,
        configuration,
        state,
        observed,
        sightings,
        rule_ids: &rule_ids,
    };
    let facts = LaneFacts {
        address: address.clone(),
        key: key_facts(address, key, &record, state, observed),
        rules: key
            .replaced_by
            .iter()
            .map(|rule| rule_facts(rule, configuration, state, observed, sightings))
            .collect(),
        consumers: key.consumers.iter().map(|(id, consumer)| consumer_facts(&lane, id, consumer)).collect(),
        usage: newest(state, |fact| match fact {
            Fact::KeyUsage { key, since, complete_until, last_used_before } if key == address => {
                Some(UsageFacts {
                    since: *since,
                    complete_until: *complete_until,
                    last_used_before: *last_used_before,
                })
            }
            _ => None,
        })
        .map(|(_, usage)| usage),
        quiet_period: key.quiet_period,
        archive_after: key.archive_after,
        rolled_back_at: record.rolled_back_at,
        held: record.held,
        forgets_parked: record.forgets_parked,
        refused: refusals(address, key, (configuration, &record), sightings),
    };
    #[cfg(test)]
    let facts = super::blindfold::cover(facts);
    facts.since_rollback()
}

/// What is refused of a lane, of its rules, or of what these stand on; each once.
fn refusals(
    address: &Address,
    key: &ApiKey,
    (configuration, record): (&Configuration, &LaneRecord),
    sightings: &Sightings,
) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = Vec::new();
    let parts = key.replaced_by.iter().flat_map(|rule| {
        let declared = &configuration.federation_rules[rule];
        [rule, &declared.provider, &declared.service_account]
    });
    for refusal in [address].into_iter().chain(parts).filter_map(|it| sightings.refused.get(it)).flatten() {
        if !found.contains(refusal) {
            found.push(refusal.clone());
        }
    }
    found.extend(key.consumers.iter().filter_map(|(id, consumer)| {
        let why = sightings.blocked.get(&(address.clone(), id.clone()))?;
        let is_out = record.consumers.get(id).is_some_and(|known| known.removed_at.is_some());
        (!is_out).then(|| blocked(id, consumer, why))
    }));
    found
}

/// A key that could not be taken out is not begun with: settings beside it would wait for nothing.
fn blocked(id: &ConsumerId, consumer: &Consumer, why: &str) -> Refusal {
    Refusal {
        why: format!("{id} cannot be moved to federation safely: {why}"),
        place: Some(consumer.driver.place()),
        fix: "Mend that line and plan again; nothing was changed there.".to_owned(),
    }
}

/// The newest piece of evidence that `pick` takes.
fn newest<'a, T>(state: &'a State, pick: impl Fn(&'a Fact) -> Option<T>) -> Option<(&'a Evidence, T)> {
    state
        .evidence
        .iter()
        .filter_map(|evidence| pick(&evidence.fact).map(|picked| (evidence, picked)))
        .max_by_key(|(evidence, _)| evidence.observed_at)
}

fn key_facts(
    address: &Address,
    key: &ApiKey,
    record: &LaneRecord,
    state: &State,
    observed: &Observed,
) -> KeyFacts {
    let status = observed.api_keys.get(&key.id).map(|object| object.status.clone());
    let still_inactive = status == Some(KeyStatus::Inactive);
    let approval = newest(state, |fact| match fact {
        Fact::ArchiveApproval { key, by } if key == address => Some(by.clone()),
        _ => None,
    });
    KeyFacts {
        id: key.id.clone(),
        status,
        disabled_at: record.disabled_at.filter(|_| still_inactive),
        reactivated_at: record.reactivated_at,
        unreadable: observed.unreadable.get(&key.id).map(|object| object.why.clone()),
        approval: approval.map(|(evidence, by)| (by, evidence.observed_at)),
    }
}

fn rule_facts(
    rule: &Address,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    sightings: &Sightings,
) -> RuleFacts {
    let declared = &configuration.federation_rules[rule];
    let parts = [rule, &declared.provider, &declared.service_account];
    let digest = rule_digest(rule, state);
    let exchange = newest(state, |fact| match fact {
        Fact::Exchange { rule: of, rule_digest, accepted, refusal, .. }
            if of == rule && Some(rule_digest) == digest.as_ref() =>
        {
            Some((*accepted, refusal.clone()))
        }
        _ => None,
    });
    let keys = newest(state, |fact| match fact {
        Fact::IssuerKeys { provider, .. } if *provider == declared.provider => Some(()),
        _ => None,
    });
    let feed = newest(state, |fact| match fact {
        Fact::FederatedAuthentication {
            rule: of, rule_digest, last_accepted, last_refused, reason, ..
        } if of == rule && Some(rule_digest) == digest.as_ref() => {
            Some(FeedFacts { accepted_at: *last_accepted, refused_at: *last_refused, reason: reason.clone() })
        }
        _ => None,
    });
    let traffic = newest(state, |fact| match fact {
        Fact::AccountTraffic { service_account, last_seen }
            if *service_account == declared.service_account =>
        {
            Some(*last_seen)
        }
        _ => None,
    });
    let record = state.records.get(rule);
    let readers = sightings.single_use.get(rule).map(Vec::as_slice).unwrap_or_default();
    let spared = binding::living_reader(readers, configuration, state, observed);
    RuleFacts {
        address: rule.clone(),
        service_account: declared.service_account.clone(),
        unconfigured: parts.iter().find_map(|part| sightings.unconfigured.get(*part).cloned()),
        lost: parts.into_iter().filter(|part| sightings.lost.contains(*part)).cloned().collect(),
        issuer_keys_seen: keys.is_some(),
        exchange: exchange.map(|(evidence, (accepted, refusal))| ExchangeFacts {
            at: evidence.observed_at,
            accepted,
            refusal,
        }),
        feed: feed.map(|(_, feed)| feed),
        can_exchange: declared.identity_token.is_some() && spared.is_none(),
        spared: spared.map(|reader| SparedFacts {
            workload: format!("{} of {}", reader.consumer, reader.lane),
            lives_off_it: record.is_some_and(|record| binding::lives_off(reader, &record.id)),
        }),
        reported_at: record.and_then(|record| reported_at(record, readers, state, observed)),
        traffic_at: traffic.map(|(_, at)| at),
    }
}

/// When one of these last showed by a signed report that it federates through a rule as that is now.
fn reported_at(
    rule: &Record,
    readers: &[binding::Reader],
    state: &State,
    observed: &Observed,
) -> Option<Timestamp> {
    if readers.is_empty() {
        return None;
    }
    let mut parts = vec![observed.rules.get(&rule.id).map(|it| &it.provenance)?];
    for part in rule.depends_on.iter().filter_map(|part| state.records.get(part)) {
        let issuer = observed.issuers.get(&part.id).map(|it| &it.provenance);
        parts.push(issuer.or_else(|| observed.service_accounts.get(&part.id).map(|it| &it.provenance))?);
    }
    let changed = parts.into_iter().filter_map(|it| it.updated_at.max(it.created_at)).max();
    let reports = state.evidence.iter().filter(|evidence| evidence.weight == Weight::Signed);
    let through = reports.filter(|evidence| match &evidence.fact {
        Fact::CredentialReport { key, consumer, winner: Winner::Federation, rule_id, .. } => {
            let is_reader = readers.iter().any(|(lane, id)| lane == key && id == consumer);
            is_reader && rule_id.as_ref() == Some(&rule.id)
        }
        _ => false,
    });
    through
        .map(|evidence| evidence.observed_at)
        .max()
        .filter(|at| changed.is_none_or(|changed| *at >= changed))
}

/// SHA-256 over what a rule, its issuer and its account read back as, names and descriptions apart;
/// none before the rule exists.
///
/// Evidence about a rule counts only as long as this stays the same. Whom it lets in, as whom and
/// where, does not hang on what it is called.
pub fn rule_digest(rule: &Address, state: &State) -> Option<String> {
    let record = state.records.get(rule)?;
    let mut hash = Sha256::new();
    hash.update(record.id.as_bytes());
    let parts = record.depends_on.iter().filter_map(|part| state.records.get(part));
    for record in std::iter::once(record).chain(parts) {
        let mut attributes = record.attributes.clone();
        attributes.retain(|name, _| !["name", "description"].contains(&name.as_str()));
        hash.update(serde_json::to_vec(&attributes).expect("attributes are plain JSON"));
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The lane whose consumers are looked at.
struct Lane<'a> {
    address: &'a Address,
    key: &'a ApiKey,
    record: &'a LaneRecord,
    configuration: &'a Configuration,
    state: &'a State,
    observed: &'a Observed,
    sightings: &'a Sightings,
    /// Ids of the rules that replace the key.
    rule_ids: &'a [&'a str],
}

fn consumer_facts(lane: &Lane<'_>, id: &ConsumerId, consumer: &Consumer) -> ConsumerFacts {
    let Lane { address: key, state, sightings, .. } = lane;
    let place = ((*key).clone(), id.clone());
    let known = lane.record.consumers.get(id);
    let binding = state.binding(&lane.key.id, id);
    let manual = consumer.driver.is_manual();
    let wanted = sightings.wanted_settings.get(&place);
    let unconfigured = match &consumer.driver {
        ConsumerDriver::Dotenv { identity_token_file: Some(_), .. }
            if wanted.is_none() || wanted != sightings.settings.get(&place) =>
        {
            Some(format!("the federation settings in {id}"))
        }
        _ => None,
    };
    let rule_id = state.records.get(&consumer.rule).map(|record| &record.id);
    let found = sightings.found.get(&place);
    let names_rule = rule_id
        .is_some_and(|id| found.and_then(|found| found.get("ANTHROPIC_FEDERATION_RULE_ID")) == Some(id));
    let differs_otherwise = unconfigured.is_some() && names_rule;
    let presence = sightings.presence.get(&place).cloned();
    let presence = presence.unwrap_or_else(|| Presence::Unknown("it was not looked into".to_owned()));
    let has_settings = found.is_some_and(|found| found.contains_key("ANTHROPIC_FEDERATION_RULE_ID"));
    // What keyless does not write may be anywhere.
    let bare = known.is_some()
        && binding.is_none_or(|it| it.ended.is_none())
        && presence == Presence::Absent
        && unconfigured.is_some()
        && !has_settings;
    let not_found = presence == Presence::Absent
        && known.is_none_or(|known| known.removed_at.is_none())
        && sightings.unparked.contains(&place)
        && !is_said_absent(lane, id, consumer);
    let report = consumer_report(lane, id);
    // A report comes again and again; were each one a removal, the silence after it would never end.
    let stated_at = newest(state, |fact| match fact {
        Fact::Statement { .. } if fact.is_about(key, &lane.key.id, id) => Some(()),
        _ => None,
    })
    .filter(|_| manual)
    .map(|(evidence, ())| evidence.observed_at);
    ConsumerFacts {
        id: id.clone(),
        place: consumer.driver.place(),
        format: match &consumer.driver {
            ConsumerDriver::Dotenv { format, .. } => Some(*format),
            _ => None,
        },
        presence,
        returned: sightings.returned.get(&place).cloned(),
        unconfigured,
        doubt: binding
            .and_then(|binding| binding::doubt(binding, consumer, lane.configuration, lane.observed)),
        left_behind: binding.filter(|_| manual).and_then(|binding| left_behind(binding, rule_id)),
        blocked: sightings.blocked.get(&place).cloned(),
        not_found,
        parked: sightings.parked.get(&place).cloned().unwrap_or_default(),
        removed_at: known.and_then(|known| known.removed_at).or(stated_at),
        displaced: binding::displaced(id, consumer, binding).map(str::to_owned),
        names: names(lane, id, consumer),
        rule_id: rule_id.cloned(),
        rule: consumer.rule.clone(),
        differs_otherwise,
        configured_at: known.and_then(|known| known.configured_at),
        bare,
        manual,
        reports: consumer.report.is_some(),
        report,
    }
}

fn left_behind(binding: &Binding, declared: Option<&String>) -> Option<String> {
    let Grant::Rule { rule_id, .. } = &binding.grant else { return None };
    (binding.ended.is_none() && declared.is_some_and(|declared| declared != rule_id)).then(|| rule_id.clone())
}

/// Which rule a consumer's settings name, by its newest report or the word of a person about its own.
fn names(lane: &Lane<'_>, id: &ConsumerId, consumer: &Consumer) -> NamedRule {
    if matches!(consumer.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. }) {
        return NamedRule::Written;
    }
    let own = lane.state.records.get(&consumer.rule).map(|record| record.id.as_str());
    let here = binding::place(id, &consumer.driver);
    let told = lane.state.evidence.iter().filter_map(|evidence| match &evidence.fact {
        fact if fact.is_about(lane.address, &lane.key.id, id) => match fact {
            Fact::CredentialReport { rule_id, .. } => Some((evidence.observed_at, false, rule_id.as_deref())),
            // A person has seen to it.
            _ => Some((evidence.observed_at, true, None)),
        },
        Fact::SettingsStatement { key_id, place, rule_id, .. }
            if *key_id == lane.key.id && *place == here && Some(rule_id.as_str()) == own =>
        {
            Some((evidence.observed_at, true, own))
        }
        _ => None,
    });
    match told.max_by_key(|(at, is_stated, _)| (*at, *is_stated)) {
        Some((at, is_stated, Some(named))) if Some(named) == own => NamedRule::Own { at, is_stated },
        Some((_, _, Some(named))) => {
            let rule = lane.observed.rules.get(named);
            let is_live = rule.is_some_and(|rule| rule.provenance.archived_at.is_none());
            NamedRule::Other(OtherRule { id: named.to_owned(), is_live })
        }
        Some((_, _, None)) | None => NamedRule::Unknown,
    }
}

/// Whether a named person said that the key never was there.
fn is_said_absent(lane: &Lane<'_>, id: &ConsumerId, consumer: &Consumer) -> bool {
    let here = binding::place(id, &consumer.driver);
    lane.state.evidence.iter().any(|evidence| {
        matches!(&evidence.fact, Fact::AbsenceStatement { key_id, place, .. }
            if *key_id == lane.key.id && *place == here)
    })
}

fn consumer_report(lane: &Lane<'_>, id: &ConsumerId) -> Option<ReportFacts> {
    let (evidence, mut report) = newest(lane.state, |fact| match fact {
        fact if !fact.is_about(lane.address, &lane.key.id, id) => None,
        Fact::CredentialReport { winner, winner_source, rule_id, shadows, .. } => Some(ReportFacts {
            at: jiff::Timestamp::UNIX_EPOCH,
            weight: Weight::Reported,
            winner: *winner,
            winner_source: winner_source.clone(),
            through_our_rule: rule_id.as_deref().is_some_and(|id| lane.rule_ids.contains(&id)),
            shadows: shadows.clone(),
        }),
        Fact::Statement { by, .. } => Some(ReportFacts {
            at: jiff::Timestamp::UNIX_EPOCH,
            weight: Weight::Stated,
            winner: Winner::Federation,
            winner_source: format!("stated by {by}"),
            through_our_rule: true,
            shadows: Vec::new(),
        }),
        _ => None,
    })?;
    report.at = evidence.observed_at;
    report.weight = evidence.weight;
    Some(report)
}

#[cfg(test)]
mod tests;
