//! The checker's own reading of the evidence: what is proved, and what is missing.
//!
//! The gates answer the same questions with other code, on purpose: here nothing is asked of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, ConsumerId, Fact, Grant, Kind, Record, Weight, Winner};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::known::Known;
use crate::binding;
use crate::config::{ApiKey, ConsumerDriver};
use crate::lane::Presence;
use crate::limits;

const HOUR: i64 = 3_600;

/// The first whole hour that is not before a time: use is reported by the hour.
pub(super) fn whole_hour(at: Timestamp) -> Timestamp {
    let mut second = at.as_second();
    if at.subsec_nanosecond() > 0 {
        second += 1;
    }
    let rest = second.rem_euclid(HOUR);
    Timestamp::from_second(if rest == 0 { second } else { second - rest + HOUR }).unwrap_or(at)
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

impl Known<'_> {
    /// The print of a rule as recorded, with its issuer and account; written down with each proof. What
    /// things are called is no part of it.
    fn print(&self, record: &Record) -> String {
        let mut hash = Sha256::new();
        hash.update(&record.id);
        let parts = record.depends_on.iter().filter_map(|part| self.state.records.get(part));
        for record in std::iter::once(record).chain(parts) {
            let is_told = |name: &str| !matches!(name, "name" | "description");
            let told: BTreeMap<&String, &Value> =
                record.attributes.iter().filter(|(name, _)| is_told(name)).collect();
            hash.update(serde_json::to_string(&told).expect("attributes are plain JSON"));
        }
        crate::evidence::hex(&hash.finalize())
    }

    /// Why a rule is not proved to work now; nothing when it is.
    pub(super) fn unproved(&self, rule: &Address) -> Option<String> {
        let Some(record) = self.state.records.get(rule) else {
            return Some(format!("{rule} unrecorded"));
        };
        let declared = self.configuration.federation_rules.get(rule)?;
        let print = self.print(record);
        // What is yet to come proves nothing.
        let is_fresh = |at: Timestamp| {
            at <= self.now && self.now.duration_since(at) <= seconds(limits::EXCHANGE_FRESH_SECONDS)
        };
        let own = self.latest(rule, |fact| match fact {
            Fact::Exchange { rule: of, rule_digest, accepted, .. } if of == rule && *rule_digest == print => {
                Some(*accepted)
            }
            _ => None,
        });
        let spares = self.spares(rule);
        if declared.identity_token.is_none() || spares {
            let signed = if spares { self.signed_through(rule, record) } else { None };
            let others = self.latest(rule, |fact| match fact {
                Fact::FederatedAuthentication { rule: of, rule_digest, last_accepted, .. }
                    if of == rule && *rule_digest == print =>
                {
                    Some(*last_accepted)
                }
                _ => None,
            });
            let refused_at = own.filter(|(_, accepted)| !accepted).map(|(evidence, _)| evidence.observed_at);
            if let Some(at) = others.and_then(|(_, at)| at).max(signed)
                && is_fresh(at)
                && refused_at.is_none_or(|refused| refused < at)
            {
                return None;
            }
        }
        let has_keys = self
            .latest(&declared.provider, |fact| match fact {
                Fact::IssuerKeys { provider, .. } if *provider == declared.provider => Some(()),
                _ => None,
            })
            .is_some();
        match own {
            None => Some(format!("no exchange through {rule} as it is now")),
            Some((_, false)) => Some(format!("a refused exchange through {rule}")),
            Some((evidence, true)) if !is_fresh(evidence.observed_at) => {
                Some(format!("an exchange through {rule} that is too old ({})", evidence.observed_at))
            }
            Some(_) if !has_keys => Some(format!("no published keys of the issuer of {rule}")),
            Some(_) => None,
        }
    }

    /// Whether somebody looked into a place and did not see the key there.
    pub(super) fn lacks_key(&self, lane: &Address, consumer: &ConsumerId) -> bool {
        let seen = self.sightings.presence.get(&(lane.clone(), consumer.clone()));
        seen.is_some_and(|presence| *presence != Presence::Present)
    }

    /// Whether a trial of a rule would use up the token of somebody who lives off his.
    fn spares(&self, rule: &Address) -> bool {
        let readers = self.sightings.single_use.get(rule).into_iter().flatten();
        let bindings = readers
            .filter_map(|(lane, id)| self.state.binding(&self.configuration.api_keys.get(lane)?.id, id));
        let works = |grant: &Grant| match grant {
            Grant::Key => false,
            Grant::Unresolved => true,
            Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
                self.is_live(Kind::FederationRule, rule_id)
                    && self.is_live(Kind::ServiceAccount, service_account_id)
                    && self.is_live(Kind::Provider, issuer_id)
            }
        };
        bindings.filter(|it| it.ended.is_none()).any(|it| it.grants().any(works))
    }

    /// When one who reads the token of a rule last signed that he federates through it as it is now.
    fn signed_through(&self, rule: &Address, record: &Record) -> Option<Timestamp> {
        let readers = self.sightings.single_use.get(rule).into_iter().flatten();
        let reports = readers.flat_map(|(lane, id)| {
            let signed = self.evidence(lane).filter(|evidence| evidence.weight == Weight::Signed);
            signed.filter_map(move |evidence| match &evidence.fact {
                Fact::CredentialReport {
                    key,
                    consumer,
                    rule_id: Some(through),
                    winner: Winner::Federation,
                    ..
                } if key == lane && consumer == id && *through == record.id => Some(evidence.observed_at),
                _ => None,
            })
        });
        let changed = |id: &String| {
            let rule = self.observed.rules.get(id).map(|it| it.provenance.updated_at);
            let issuer = self.observed.issuers.get(id).map(|it| it.provenance.updated_at);
            rule.or(issuer)
                .or_else(|| self.observed.service_accounts.get(id).map(|it| it.provenance.updated_at))
        };
        let parts = record.depends_on.iter().filter_map(|part| self.state.records.get(part)).map(|it| &it.id);
        let mut since = Some(Timestamp::MIN);
        for part in parts.chain([&record.id]) {
            // One that is not seen may have become another one.
            since = since.max(changed(part)?);
        }
        reports.max().filter(|at| Some(*at) >= since)
    }

    /// When the key was taken out of a consumer, by the record or a person's word.
    pub(super) fn removed_at(&self, lane: &Address, consumer: &ConsumerId) -> Option<Timestamp> {
        let recorded = self
            .state
            .lanes
            .get(lane)
            .and_then(|lane| lane.consumers.get(consumer))
            .and_then(|it| it.removed_at);
        let key = self.configuration.api_keys.get(lane)?;
        let (key_id, driver) = (&key.id, &key.consumers.get(consumer)?.driver);
        if recorded.is_some() || !driver.is_manual() {
            return recorded;
        }
        let stated = self.latest(lane, |fact| match fact {
            Fact::Statement { .. } if fact.is_about(lane, key_id, consumer) => Some(()),
            _ => None,
        });
        let back = self.state.lanes.get(lane).and_then(|lane| lane.rolled_back_at);
        stated.map(|(evidence, ())| evidence.observed_at).filter(|at| Some(*at) > back)
    }

    /// Everything that is missing before the key of a lane may leave `active`; `proves` says which
    /// rules are proved by other means.
    pub(super) fn missing(
        &self,
        lane: &Address,
        key: &ApiKey,
        proves: impl Fn(&Address) -> bool,
    ) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        missing.extend(
            key.replaced_by.iter().filter(|rule| !proves(rule)).filter_map(|rule| self.unproved(rule)),
        );
        missing.extend(key.replaced_by.iter().filter_map(|rule| self.not_as_recorded(rule)));
        let record = self.state.lanes.get(lane);
        let back = record.and_then(|lane| lane.reactivated_at.max(lane.rolled_back_at));
        let mut cut = back;
        for (id, consumer) in &key.consumers {
            let manual = consumer.driver.is_manual();
            match self.sightings.presence.get(&(lane.clone(), id.clone())) {
                Some(Presence::Absent) => {}
                Some(Presence::Unknown(_)) | None if manual => {}
                _ => missing.push(format!("{id} not free of the key")),
            }
            let Some(removed) = self.removed_at(lane, id) else {
                missing.push(format!("no removal from {id}"));
                continue;
            };
            cut = cut.max(Some(removed));
            missing.extend(self.unreported(lane, id, key, Some(removed).max(back), manual));
        }
        let Some(cut) = cut else { return missing };
        missing.extend(self.not_silent(lane, key, whole_hour(cut)));
        for rule in &key.replaced_by {
            let account = self.configuration.federation_rules.get(rule).map(|rule| &rule.service_account);
            let seen = account.and_then(|account| {
                self.latest(account, |fact| match fact {
                    Fact::AccountTraffic { last_seen, .. } => Some(*last_seen),
                    _ => None,
                })
            });
            if seen.is_none_or(|(_, seen)| seen < whole_hour(cut)) {
                missing.push(format!("no traffic through {rule} since the removal"));
            }
        }
        missing
    }

    /// Why a key cannot be said to be out of a file: it never was seen there.
    pub(super) fn nowhere(&self, lane: &Address, id: &ConsumerId) -> Option<String> {
        let key = self.configuration.api_keys.get(lane)?;
        let here = binding::place(id, &key.consumers.get(id)?.driver);
        let is_unseen = self.sightings.unparked.contains(&(lane.clone(), id.clone()))
            && self.removed_at(lane, id).is_none();
        let is_said = |fact: &Fact| matches!(fact, Fact::AbsenceStatement { place, .. } if *place == here);
        let is_said = is_unseen && self.words_about(&key.id).any(|evidence| is_said(&evidence.fact));
        (is_unseen && !is_said)
            .then(|| format!("the key not found in {id}, and nobody's word that it never was there"))
    }

    /// Why a workload whose settings keyless does not write is not known to name its rule.
    pub(super) fn unnamed(&self, lane: &Address, id: &ConsumerId) -> Option<String> {
        let key = self.configuration.api_keys.get(lane)?;
        let consumer = key.consumers.get(id)?;
        if matches!(consumer.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. }) {
            return None;
        }
        let own = self.state.records.get(&consumer.rule).map(|record| &record.id);
        let reported = self.latest(lane, |fact| match fact {
            Fact::CredentialReport { rule_id, .. } if fact.is_about(lane, &key.id, id) => {
                Some(rule_id.as_ref())
            }
            _ => None,
        });
        let here = binding::place(id, &consumer.driver);
        let stated = self.stated_settings(&key.id, &here, own);
        let back = self.state.lanes.get(lane).and_then(|lane| lane.rolled_back_at);
        let at = match (reported, stated) {
            (Some((report, _)), Some(word)) if word.observed_at >= report.observed_at => word.observed_at,
            (None, Some(word)) => word.observed_at,
            (Some((_, Some(named))), _) if Some(named) != own => {
                return Some(format!("settings of {id} that name {named}"));
            }
            (Some((report, Some(_))), _) if Some(report.observed_at) > back => report.observed_at,
            (Some((_, Some(_))), _) => {
                return Some(format!("no sign since the rollback that {id} knows its rule"));
            }
            (Some((_, None)) | None, _) => return Some(format!("no sign that {id} knows its rule")),
        };
        if Some(at) < back {
            return Some(format!("no sign since the rollback that {id} knows its rule"));
        }
        (self.now.duration_since(at) > limits::RULE_KNOWN_COUNTS)
            .then(|| format!("a sign that {id} knows its rule which is too old ({at})"))
    }

    fn unreported(
        &self,
        lane: &Address,
        id: &ConsumerId,
        key: &ApiKey,
        since: Option<Timestamp>,
        manual: bool,
    ) -> Option<String> {
        let report = self.latest(lane, |fact| match fact {
            Fact::CredentialReport { winner, rule_id, .. } if fact.is_about(lane, &key.id, id) => {
                let ours = |rule: &Address| {
                    self.state.records.get(rule).map(|record| &record.id) == rule_id.as_ref()
                };
                Some(*winner == Winner::Federation && rule_id.is_some() && key.replaced_by.iter().any(ours))
            }
            Fact::Statement { .. } if fact.is_about(lane, &key.id, id) => Some(true),
            _ => None,
        });
        match report {
            None => Some(format!("no report of {id}")),
            Some((_, false)) => Some(format!("a report of {id} that something else than federation wins")),
            Some((evidence, true)) => {
                let at = Some(evidence.observed_at);
                let is_newer = if manual { at >= since } else { at > since };
                (!is_newer).then(|| format!("a report of {id} from before the removal"))
            }
        }
    }

    fn not_silent(&self, lane: &Address, key: &ApiKey, start: Timestamp) -> Option<String> {
        let usage = self.latest(lane, |fact| match fact {
            Fact::KeyUsage { key: of, since, complete_until, last_used_before } if of == lane => {
                Some((*since, *complete_until, *last_used_before))
            }
            _ => None,
        });
        let Some((_, (since, complete_until, used))) = usage else {
            return Some("no report about the use of the key".to_owned());
        };
        if since > start {
            return Some(format!("a report about the use of the key that begins at {since} only"));
        }
        let quiet_from = used.map_or(start, |used| used.max(start));
        (complete_until.duration_since(quiet_from) < key.quiet_period)
            .then(|| format!("the key silent from {quiet_from} to {complete_until} only"))
    }

    /// What is missing before the key of a lane may be archived. `whole` asks for the usage report
    /// over the whole time as well, which a run reads right before.
    pub(super) fn missing_for_archive(&self, lane: &Address, key: &ApiKey, whole: bool) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        let Some(disabled) = self.state.lanes.get(lane).and_then(|lane| lane.disabled_at) else {
            return vec!["a key that keyless did not set inactive".to_owned()];
        };
        let Some(wait) = key.archive_after else { return vec!["no `archive_after`".to_owned()] };
        let due = disabled.checked_add(wait).unwrap_or(Timestamp::MAX);
        if self.now < due && (whole || !self.skips_waits()) {
            missing.push(format!("the key inactive since {disabled} only"));
        }
        let approved = self.latest(lane, |fact| match fact {
            Fact::ArchiveApproval { key, .. } if key == lane => Some(()),
            _ => None,
        });
        if approved.is_none_or(|(evidence, ())| evidence.observed_at < disabled) {
            missing.push(format!("no approval (-approve-archive={lane}) since it was set inactive"));
        }
        let usage = self.latest(lane, |fact| match fact {
            Fact::KeyUsage { key: of, since, complete_until, last_used_before } if of == lane => {
                Some((*since, *complete_until, *last_used_before))
            }
            _ => None,
        });
        let start = whole_hour(disabled);
        if let Some((_, (_, _, Some(used)))) = usage
            && used > start
        {
            missing.push(format!("the key used after it was set inactive, last before {used}"));
        }
        let covers = usage.is_some_and(|(_, (since, until, _))| {
            let until = until.checked_add(seconds(limits::USAGE_DELAY_SECONDS)).unwrap_or(Timestamp::MAX);
            since <= start && until >= due
        });
        if whole && !covers {
            missing.push("no report about the use of the key over all that time".to_owned());
        }
        missing
    }
}
