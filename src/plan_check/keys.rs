//! The lanes of a plan for apply: what takes a key away, and what stands before it.

use keyless_state::{Address, ConsumerId, Grant};

use super::grants::implied;
use super::invariant::{Invariant, Violation};
use super::known::Known;
use super::steps::{Steps, broken};
use crate::config::{ApiKey, ConsumerDriver, IdentityTokenSource, PutBack};
use crate::lane::Stage;
use crate::matching;
use crate::plan::{LaneView, Operation, Standing, Step, Undo};
use crate::resource::KeyStatus;

pub(super) fn check(steps: &Steps<'_>, moment: Option<&Known<'_>>, found: &mut Vec<Violation>) {
    for step in steps.all() {
        match &step.operation {
            Operation::Configure { address, consumer }
                if moment.is_some_and(|it| it.is_held(address) && it.has_key(address, consumer)) =>
            {
                found.push(held(step));
            }
            Operation::Configure { address, consumer } => {
                if let Some(moment) = moment {
                    settings(steps, step, address, consumer, moment, found);
                }
            }
            Operation::TakeDeadKeyOut { address, consumer, id } => {
                if let Some(lane) = Lane::of(steps, step, address, moment, found)
                    && let Some((moment, _)) = lane.moment
                {
                    dead_key(step, address, consumer, id, moment, found);
                }
            }
            Operation::ForgetParked { address, .. } => {
                if let Some(moment) = moment {
                    let archives = |other: &&Step| {
                        matches!(other.operation, Operation::ArchiveKey { .. })
                            && step.after.contains(&other.id)
                    };
                    let is_archived = steps.about(address).any(|other| archives(&other));
                    found.extend(parked_key(step, address, moment).filter(|_| !is_archived));
                }
            }
            Operation::Verify { address } => {
                steps.demand_before(Invariant::I3, step, building(steps, address, moment).into_iter(), found);
            }
            Operation::Remove { address, .. } | Operation::Confirm { address } => {
                if let Some(lane) = Lane::of(steps, step, address, moment, found) {
                    lane.removal(step, found);
                }
            }
            Operation::Disable { address, id } => {
                if let Some(lane) = Lane::of(steps, step, address, moment, found) {
                    lane.right_key(Invariant::I1, step, id, found);
                    lane.removal(step, found);
                    lane.disable(step, found);
                }
            }
            Operation::ArchiveKey { address, id } => {
                if let Some(lane) = Lane::of(steps, step, address, moment, found) {
                    lane.right_key(Invariant::I2, step, id, found);
                    lane.archive(step, found);
                }
            }
            _ => {}
        }
    }
}

/// What is parked of a key that works, or may be set to work again unasked, is needed.
pub(super) fn parked_key(step: &Step, lane: &Address, moment: &Known<'_>) -> Option<Violation> {
    let key = moment.configuration.api_keys.get(lane);
    let status = key.and_then(|key| moment.observed.api_keys.get(&key.id)).map(|object| &object.status);
    let is_asked = moment.state.lanes.get(lane).is_some_and(|lane| lane.forgets_parked);
    let is_dead = match status {
        Some(KeyStatus::Archived) => true,
        Some(KeyStatus::Inactive | KeyStatus::Expired) => is_asked,
        _ => false,
    };
    let what = format!("the key {}", status.map_or("not listed", KeyStatus::word));
    (!is_dead).then(|| {
        broken(Invariant::I8, step, what, "an archived key, or an inactive one that a person gives up")
    })
}

/// Only a key that works nowhere is taken out again without evidence, and only where keyless took one
/// out before.
pub(super) fn dead_key(
    step: &Step,
    lane: &Address,
    consumer: &ConsumerId,
    id: &str,
    moment: &Known<'_>,
    found: &mut Vec<Violation>,
) {
    let status = moment.observed.api_keys.get(id).map(|object| &object.status);
    let is_dead = matches!(status, Some(KeyStatus::Inactive | KeyStatus::Archived | KeyStatus::Expired));
    if !is_dead {
        let what = format!("the key {id} {}", status.map_or("not listed", KeyStatus::word));
        found.push(broken(Invariant::I3, step, what, "a key that does not work any more"));
    }
    let place = (lane.clone(), consumer.clone());
    let seen = moment.sightings.returned.get(&place).and_then(|line| line.dead.as_deref());
    if seen != Some(id) {
        let what = format!("that the line in {consumer} is not that of {id}");
        found.push(broken(Invariant::I8, step, what, "a line of that key; another one is somebody's choice"));
    }
    if moment.removed_at(lane, consumer).is_none() {
        let what = format!("{consumer}, from which keyless took no key");
        found.push(broken(Invariant::I8, step, what, "a consumer from which keyless took the key"));
    }
}

/// Settings are those of the rule as it will be, and a workload without its key gets those of another rule
/// only once that is proved.
fn settings<'a>(
    steps: &Steps<'a>,
    step: &'a Step,
    lane: &Address,
    consumer: &ConsumerId,
    moment: &Known<'_>,
    found: &mut Vec<Violation>,
) {
    let Some(key) = moment.configuration.api_keys.get(lane) else { return };
    let Some(rule) = key.consumers.get(consumer).map(|it| &it.rule) else { return };
    let id = moment.state.records.get(rule).map(|record| record.id.as_str());
    let is_its_own = match moment.state.binding(&key.id, consumer).map(|binding| &binding.grant) {
        Some(Grant::Key) => true,
        Some(Grant::Rule { rule_id, .. }) => Some(rule_id.as_str()) == id,
        Some(Grant::Unresolved) => false,
        None => moment.removed_at(lane, consumer).is_none(),
    };
    let is_proof = |other: &&Step| !is_its_own && matches!(other.operation, Operation::Verify { .. });
    let verify = steps.about(rule).find(is_proof);
    if verify.is_none()
        && !is_its_own
        && let Some(why) = moment.unproved(rule)
    {
        found.push(broken(Invariant::I3, step, why, format!("a proof that {rule} works")));
    }
    if !is_its_own && let Some(what) = shut_out(rule, &key.id, consumer, moment) {
        found.push(broken(Invariant::I3, step, what, "a rule that lets the workload in"));
    }
    let needed = building(steps, rule, Some(moment)).into_iter().chain(verify);
    steps.demand_before(Invariant::I3, step, needed, found);
}

/// Whether it is not known that a declared rule takes what a workload shows of itself.
fn shut_out(rule: &Address, key_id: &str, consumer: &ConsumerId, moment: &Known<'_>) -> Option<String> {
    let binding = moment.state.binding(key_id, consumer)?;
    let declared = moment.configuration.federation_rules.get(rule)?;
    let url = moment.configuration.providers.get(&declared.provider).map(|it| it.issuer_url.as_str());
    let is_taken = |claims: &serde_json::Map<String, serde_json::Value>| {
        let is_foreign = claims.get("iss").is_some_and(|issuer| issuer.as_str() != url);
        !is_foreign && matching::matches_claims(&declared.matching, claims, false).is_ok()
    };
    if !binding.identities.is_empty() {
        let all_taken = binding.identities.iter().all(|identity| is_taken(&identity.claims));
        return (!all_taken)
            .then(|| format!("that {consumer} showed itself as somebody whom {rule} does not let in"));
    }
    let takes_as_before = match &binding.grant {
        Grant::Rule { rule_id, issuer_id, .. } => {
            let before = moment.observed.rules.get(rule_id);
            let issuer = moment.observed.issuers.get(issuer_id);
            issuer.map(|it| it.arguments.issuer_url.as_str()) == url
                && before.is_some_and(|it| implied(&it.arguments.matching, &declared.matching))
        }
        Grant::Key | Grant::Unresolved => false,
    };
    let key = moment.configuration.api_keys.values().find(|key| key.id == key_id);
    let reads = key.and_then(|key| match &key.consumers.get(consumer)?.driver {
        ConsumerDriver::Dotenv { identity_token_file, .. } => identity_token_file.as_deref(),
        _ => None,
    });
    let tried = match &declared.identity_token {
        Some(IdentityTokenSource::File(path)) => path.to_str(),
        _ => None,
    };
    (!takes_as_before && (tried.is_none() || tried != reads))
        .then(|| format!("that it is not known as whom {consumer} shows itself to {rule}"))
}

/// A step in a lane that somebody rolled back.
pub(super) fn held(step: &Step) -> Violation {
    broken(Invariant::I8, step, "a lane that was rolled back", "that it stays back until it is resumed")
}

/// The steps that make or change a rule or what it stands on.
fn building<'a>(steps: &Steps<'a>, rule: &Address, moment: Option<&Known<'_>>) -> Vec<&'a Step> {
    let mut parts: Vec<&Address> = vec![rule];
    if let Some(declared) = moment.and_then(|moment| moment.configuration.federation_rules.get(rule)) {
        parts.extend([&declared.provider, &declared.service_account]);
    }
    for step in steps.about(rule) {
        match &step.operation {
            Operation::CreateRule { provider, service_account, .. } => {
                parts.extend([provider, service_account]);
            }
            Operation::UpdateRule { provider, service_account, .. } => {
                parts.push(provider);
                parts.extend(service_account);
            }
            Operation::Adopt { depends_on, .. } => parts.extend(depends_on),
            _ => {}
        }
    }
    parts.sort();
    parts.dedup();
    let build = |step: &&Step| step.stage == Stage::Configure;
    parts.into_iter().flat_map(|part| steps.about(part)).filter(build).collect()
}

struct Lane<'a, 'm> {
    steps: &'a Steps<'a>,
    view: &'a LaneView,
    moment: Option<(&'a Known<'m>, &'a ApiKey)>,
}

impl<'a, 'm> Lane<'a, 'm> {
    /// The lane of a step; a step of no shown or no declared lane is told.
    fn of(
        steps: &'a Steps<'a>,
        step: &Step,
        address: &Address,
        moment: Option<&'a Known<'m>>,
        found: &mut Vec<Violation>,
    ) -> Option<Lane<'a, 'm>> {
        let Some(view) = steps.lane(address) else {
            found.push(broken(
                Invariant::I13,
                step,
                "no such lane in the plan",
                "the lane whose gate it passes",
            ));
            return None;
        };
        let moment = match moment {
            None => None,
            Some(moment) => {
                let Some(key) = moment.configuration.api_keys.get(address) else {
                    found.push(broken(
                        Invariant::I13,
                        step,
                        "a lane that is not declared",
                        "a declared lane",
                    ));
                    return None;
                };
                if moment.is_held(address) {
                    found.push(held(step));
                }
                Some((moment, key))
            }
        };
        Some(Lane { steps, view, moment })
    }

    fn rules(&self) -> Vec<&'a Address> {
        match self.moment {
            Some((_, key)) => key.replaced_by.iter().collect(),
            None => self.view.replaced_by.iter().collect(),
        }
    }

    fn verifies(&self, rule: &Address) -> Option<&'a Step> {
        self.steps.about(rule).find(|step| matches!(step.operation, Operation::Verify { .. }))
    }

    fn right_key(&self, invariant: Invariant, step: &Step, id: &str, found: &mut Vec<Violation>) {
        let declared = self.moment.map_or(&self.view.key_id, |(_, key)| &key.id);
        if id != declared || id != self.view.key_id {
            found.push(broken(
                invariant,
                step,
                format!("the key {id}"),
                format!("{declared}, the key of the lane"),
            ));
        }
    }

    /// What every step needs that takes a key away: federation built, written down and proved.
    fn removal(&self, step: &'a Step, found: &mut Vec<Violation>) {
        let address = &self.view.address;
        let takes = matches!(step.operation, Operation::Remove { .. });
        let invariant = if takes { Invariant::I3 } else { Invariant::I1 };
        let moment = self.moment.map(|(moment, _)| moment);
        for rule in self.rules() {
            let building = building(self.steps, rule, moment);
            let verify = self.verifies(rule);
            if verify.is_none() && !building.is_empty() {
                let what = format!("that {rule} changes and is not proved after that");
                found.push(broken(invariant, step, what, format!("a trial exchange through {rule} before")));
            }
            // A disable is told of missing proofs with all else that it needs.
            if verify.is_none()
                && takes
                && let Some(why) = moment.and_then(|moment| moment.unproved(rule))
            {
                found.push(broken(invariant, step, why, format!("a proof that {rule} works")));
            }
            self.steps.demand_before(invariant, step, building.into_iter().chain(verify), found);
        }
        let is_setting = |other: &&Step| matches!(other.operation, Operation::Configure { .. });
        self.steps.demand_before(invariant, step, self.steps.about(address).filter(is_setting), found);
        if let Operation::Remove { consumer, .. } = &step.operation {
            self.removable(step, consumer, found);
        } else {
            let is_removal = |other: &&Step| matches!(other.operation, Operation::Remove { .. });
            self.steps.demand_before(invariant, step, self.steps.about(address).filter(is_removal), found);
        }
    }

    fn removable(&self, step: &Step, id: &keyless_state::ConsumerId, found: &mut Vec<Violation>) {
        let Some((moment, key)) = self.moment else { return };
        if let Some(what) = moment.unnamed(&self.view.address, id).filter(|_| !moment.skips_waits()) {
            found.push(broken(Invariant::I3, step, what, "that it knows what replaces its key"));
        }
        if let Some(what) = moment.nowhere(&self.view.address, id) {
            found.push(broken(Invariant::I3, step, what, "a key that was seen there"));
        }
        let Some(consumer) = key.consumers.get(id) else {
            found.push(broken(
                Invariant::I3,
                step,
                format!("{id}, which is not declared"),
                "a declared consumer",
            ));
            return;
        };
        if matches!(&consumer.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. }) {
            self.configured(step, id, moment, found);
        }
        let is_final = match consumer.driver.put_back() {
            PutBack::ByPerson(_) => {
                let what = format!("{id}, where only a person can reach");
                found.push(broken(Invariant::I3, step, what, "a consumer that a program can change"));
                return;
            }
            PutBack::Impossible(_) => true,
            PutBack::ByDriver(_) => false,
        };
        if matches!(step.undo, Undo::Impossible { .. }) != is_final {
            let expected = if is_final { "that it cannot be undone" } else { "a way to undo it" };
            let what = format!("the undo \"{}\"", step.undo.describe());
            found.push(broken(Invariant::I4, step, what, expected));
        }
    }

    /// Demands settings that are in their place, or a step that writes them.
    fn configured(&self, step: &Step, id: &ConsumerId, moment: &Known<'_>, found: &mut Vec<Violation>) {
        let writes = |other: &Step| matches!(&other.operation, Operation::Configure { consumer, .. } if consumer == id);
        let place = (self.view.address.clone(), id.clone());
        let seen = moment.sightings.settings.get(&place);
        let wanted = moment.sightings.wanted_settings.get(&place);
        let is_there = seen.is_some() && wanted.is_none_or(|wanted| seen == Some(wanted));
        if !is_there && !self.steps.about(&self.view.address).any(writes) {
            let what = format!("no federation settings in {id}");
            found.push(broken(Invariant::I3, step, what, "a step that writes them before"));
        }
    }

    fn disable(&self, step: &'a Step, found: &mut Vec<Violation>) {
        let address = &self.view.address;
        let confirm =
            self.steps.about(address).find(|other| matches!(other.operation, Operation::Confirm { .. }));
        self.steps.demand_before(Invariant::I1, step, confirm.into_iter(), found);
        let Some((moment, key)) = self.moment else {
            let ready = self.view.stage == Stage::Confirm && self.view.standing == Standing::Ready;
            if confirm.is_none() && !(ready && self.view.needs.is_empty()) {
                let what = format!("no confirmation before, in a lane in its stage {}", self.view.stage);
                found.push(broken(Invariant::I1, step, what, "a confirmation before"));
            }
            return;
        };
        let status = moment.observed.api_keys.get(&key.id).map(|object| &object.status);
        if status != Some(&KeyStatus::Active) {
            let what = format!("the key {}", status.map_or("not listed", KeyStatus::word));
            found.push(broken(
                Invariant::I8,
                step,
                what,
                "an active key; another status is somebody's choice",
            ));
        }
        match confirm {
            Some(_) => {
                let goes = |id| {
                    self.steps.about(address).any(|other| {
                        matches!(&other.operation, Operation::Remove { consumer, .. } if consumer == id)
                    })
                };
                let left =
                    key.consumers.keys().filter(|id| moment.removed_at(address, id).is_none() && !goes(*id));
                for id in left {
                    let what = format!("that the key stays in {id}");
                    found.push(broken(Invariant::I1, step, what, "every declared consumer free of the key"));
                }
            }
            None => {
                let missing = moment.missing(address, key, |rule| self.verifies(rule).is_some());
                if !missing.is_empty() {
                    found.push(broken(
                        Invariant::I1,
                        step,
                        missing.join("; "),
                        "a confirmation or all evidence before",
                    ));
                }
            }
        }
    }

    fn archive(&self, step: &Step, found: &mut Vec<Violation>) {
        let disables =
            |other: &Step| matches!(other.operation, Operation::Disable { .. } | Operation::Remove { .. });
        if self.steps.about(&self.view.address).any(disables) {
            let what = "that the plan takes the key away and archives it at once";
            found.push(broken(Invariant::I2, step, what, "a key that was inactive before"));
        }
        let status = match self.moment {
            None => self.view.key_status.as_str(),
            Some((moment, key)) => {
                moment.observed.api_keys.get(&key.id).map_or("not listed", |object| object.status.word())
            }
        };
        if status != "inactive" {
            found.push(broken(Invariant::I2, step, format!("the key {status}"), "a key that is inactive"));
        }
        if let Some((moment, key)) = self.moment {
            let missing = moment.missing_for_archive(&self.view.address, key, false);
            if !missing.is_empty() {
                found.push(broken(
                    Invariant::I2,
                    step,
                    missing.join("; "),
                    "its time inactive, unused and approved",
                ));
            }
        }
    }
}
