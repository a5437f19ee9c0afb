//! One step at the moment at which it is about to run.

use keyless_state::{Address, ConsumerId, Kind};

use super::Moment;
use super::grants;
use super::invariant::{Invariant, Violation};
use super::keys::{dead_key, held, parked_key};
use super::known::Known;
use super::objects::made_once;
use super::steps::broken;
use crate::config::ConsumerDriver;
use crate::plan::{self, Operation, Step};
use crate::resource::KeyStatus;

/// The invariants that a step breaks if it runs now: with this world, this record and this
/// evidence. Empty when it breaks none.
///
/// `moment.sightings` needs `presence` of every declared consumer, and `settings` with
/// `wanted_settings` where settings are written; `moment.observed` must be as the API is now.
pub fn breaks(step: &Step, moment: &Moment<'_>) -> Vec<Violation> {
    let moment = &Known::new(*moment);
    let mut found = Vec::new();
    made_once(step, moment, &mut found);
    grants::keep(step, moment, |_| false, &mut found);
    if step.lane.as_ref().is_some_and(|lane| moment.is_held(lane)) {
        found.push(held(step));
    }
    match &step.operation {
        Operation::Remove { address, consumer } => remove(step, address, consumer, moment, &mut found),
        Operation::TakeDeadKeyOut { address, consumer, id } => {
            dead_key(step, address, consumer, id, moment, &mut found);
        }
        Operation::ForgetParked { address, .. } => found.extend(parked_key(step, address, moment)),
        Operation::Confirm { address } => confirmed(step, address, moment, &mut found),
        Operation::Disable { address, id } => {
            confirmed(step, address, moment, &mut found);
            let status = moment.status(id);
            if status != Some(&KeyStatus::Active) {
                let what = format!("the key {}", status.map_or("not listed", KeyStatus::word));
                found.push(broken(
                    Invariant::I8,
                    step,
                    what,
                    "an active key; another status is somebody's choice",
                ));
            }
        }
        Operation::ArchiveKey { address, id } => {
            let key = moment.configuration.api_keys.get(address);
            let mut missing = key.map_or_else(
                || vec![format!("{address} not declared")],
                |key| moment.missing_for_archive(address, key, true),
            );
            if moment.status(id) != Some(&KeyStatus::Inactive) {
                missing.push(format!("{id} not inactive"));
            }
            if !missing.is_empty() {
                found.push(broken(
                    Invariant::I2,
                    step,
                    missing.join("; "),
                    "its time inactive, unused and approved",
                ));
            }
        }
        Operation::Enable { address, id } => {
            let lane = moment.state.lanes.get(address);
            if lane.is_none_or(|lane| lane.disabled_at.is_none() || lane.key_id != *id) {
                found.push(broken(
                    Invariant::I8,
                    step,
                    "a key that keyless did not set inactive",
                    "one that it did",
                ));
            }
        }
        Operation::Restore { address, .. } => {
            let key_id = moment.state.lanes.get(address).map(|lane| &lane.key_id);
            if key_id.and_then(|id| moment.status(id)) != Some(&KeyStatus::Active) {
                let what = "a key that does not work and would win over federation";
                found.push(broken(Invariant::I3, step, what, "an active key"));
            }
        }
        Operation::Unconfigure { address, consumer }
            if moment.removed_at(address, consumer).is_some() || moment.lacks_key(address, consumer) =>
        {
            let what = format!("that {consumer} lost its key and lives off federation");
            found.push(broken(Invariant::I3, step, what, "the key back before"));
        }
        Operation::Archive { address } => archive(step, address, moment, &mut found),
        _ => {}
    }
    found
}

fn remove(step: &Step, lane: &Address, id: &ConsumerId, moment: &Known<'_>, found: &mut Vec<Violation>) {
    let Some((key, consumer)) =
        moment.configuration.api_keys.get(lane).and_then(|key| Some((key, key.consumers.get(id)?)))
    else {
        found.push(broken(
            Invariant::I3,
            step,
            format!("{id}, which is not declared"),
            "a declared consumer",
        ));
        return;
    };
    let rules = key.replaced_by.iter();
    let mut missing: Vec<String> = rules.clone().filter_map(|rule| moment.unproved(rule)).collect();
    missing.extend(rules.filter_map(|rule| moment.not_as_recorded(rule)));
    let place = (lane.clone(), id.clone());
    let wanted = moment.sightings.wanted_settings.get(&place);
    let writes = matches!(&consumer.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. });
    if writes && (wanted.is_none() || wanted != moment.sightings.settings.get(&place)) {
        missing.push(format!("no federation settings in {id}"));
    }
    missing.extend(moment.unnamed(lane, id));
    missing.extend(moment.nowhere(lane, id));
    if !missing.is_empty() {
        found.push(broken(Invariant::I3, step, missing.join("; "), "federation in place and proved before"));
    }
}

fn confirmed(step: &Step, lane: &Address, moment: &Known<'_>, found: &mut Vec<Violation>) {
    let Some(key) = moment.configuration.api_keys.get(lane) else {
        found.push(broken(Invariant::I1, step, format!("{lane} not declared"), "a declared lane"));
        return;
    };
    let missing = moment.missing(lane, key, |_| false);
    if !missing.is_empty() {
        found.push(broken(Invariant::I1, step, missing.join("; "), "all evidence in and fresh"));
    }
}

fn archive(step: &Step, address: &Address, moment: &Known<'_>, found: &mut Vec<Violation>) {
    let standing = moment.standing_on(address);
    if !standing.is_empty() {
        let rules: Vec<String> = standing.iter().map(|rule| rule.to_string()).collect();
        let what = format!("that {} still stands on it", rules.join(", "));
        found.push(broken(Invariant::I7, step, what, "rules archived before their issuer and account"));
    }
}

impl<'a> Known<'a> {
    fn status(&self, id: &str) -> Option<&'a KeyStatus> {
        self.observed.api_keys.get(id).map(|object| &object.status)
    }

    /// Why a rule, its issuer or its account is not at the API as it is recorded.
    pub(super) fn not_as_recorded(&self, rule: &Address) -> Option<String> {
        let record = self.state.records.get(rule)?;
        let parts = record.depends_on.iter().filter_map(|part| Some((part, self.state.records.get(part)?)));
        for (address, record) in std::iter::once((rule, record)).chain(parts) {
            if !self.is_live(address.kind(), &record.id) {
                return Some(format!("{address} archived or gone"));
            }
            let observed = self.observed;
            let now = match address.kind() {
                Kind::Provider => observed.issuers.get(&record.id).map(|it| plan::issuer(&it.arguments)),
                Kind::ServiceAccount => observed
                    .service_accounts
                    .get(&record.id)
                    .map(|it| plan::service_account(&it.arguments, &it.memberships)),
                Kind::FederationRule => observed.rules.get(&record.id).map(|it| plan::rule(&it.arguments)),
                Kind::ApiKey | Kind::Data => None,
            };
            if now.as_ref() != Some(&record.attributes) {
                return Some(format!("{address} not as it is recorded"));
            }
        }
        None
    }
}
