//! The steps of the lanes, as far as evidence lets each of them go.

mod key;
mod view;

use std::collections::{BTreeSet, HashMap, HashSet};

use keyless_state::{Address, ConsumerId, Grant};

use super::build::{PlanInput, put_back, step_id};
use super::change::Change;
use super::diff::Diff;
use super::operation::Operation;
use super::plan_data::{LaneView, Step};
use super::undo::Undo;
use crate::binding;
use crate::config::ApiKey;
use crate::lane::{self, Assessment, ConsumerFacts, Gate, LaneFacts, NamedRule, Presence, Stage, Supplier};
use crate::resource::KeyStatus;
use key::change;
pub(super) use key::key_drift;
use view::{by_hand, view};

/// Plans all lanes. `base` are the steps for objects at the API.
pub(super) fn plan(
    input: &PlanInput<'_>,
    diff: &Diff,
    base: &[Step],
) -> (Vec<LaneView>, Vec<Step>, Vec<Change>) {
    let mut views = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut changes = Vec::new();
    let mut so_far = SoFar::new(diff, base);
    for (address, key) in &input.configuration.api_keys {
        let facts =
            lane::gather(address, key, input.configuration, input.state, input.observed, &input.sightings);
        let assessment = lane::assess(&facts, input.now);
        let mut lane =
            LanePlanner { input, diff, so_far: &mut so_far, key, facts: &facts, steps: Vec::new() };
        lane.plan(&assessment);
        let own = lane.steps;
        let mut shown = view(&facts, &assessment, &own, input.now);
        shown.needs.iter_mut().for_each(|need| by_hand(need, diff));
        views.push(shown);
        changes.push(change(&facts, &own, input));
        steps.extend(own);
    }
    (views, steps, changes)
}

/// What is planned before a lane.
struct SoFar<'a> {
    /// Ids of the steps that build objects, by these.
    building: HashMap<&'a Address, Vec<&'a str>>,
    /// Ids of all steps.
    known: HashSet<String>,
    /// What only a person can do.
    by_hand: HashSet<&'a Address>,
}

impl<'a> SoFar<'a> {
    fn new(diff: &'a Diff, base: &'a [Step]) -> SoFar<'a> {
        let mut building: HashMap<&Address, Vec<&str>> = HashMap::new();
        for step in base.iter().filter(|step| step.stage == Stage::Configure) {
            building.entry(step.operation.address()).or_default().push(&step.id);
        }
        SoFar {
            building,
            known: base.iter().map(|step| step.id.clone()).collect(),
            by_hand: diff.console.iter().map(|task| &task.address).collect(),
        }
    }
}

struct LanePlanner<'a, 'b> {
    input: &'a PlanInput<'a>,
    diff: &'a Diff,
    so_far: &'a mut SoFar<'b>,
    key: &'a ApiKey,
    facts: &'a LaneFacts,
    steps: Vec<Step>,
}

impl LanePlanner<'_, '_> {
    /// Adds the steps of the lane, up to the first gate that nothing in this plan can open.
    fn plan(&mut self, assessment: &Assessment) {
        self.prove_changes();
        if self.is_held() {
            return;
        }
        let status = self.facts.key.status.as_ref();
        let is_asked = self.facts.forgets_parked && status.is_some_and(|status| *status != KeyStatus::Active);
        if is_asked || status == Some(&KeyStatus::Archived) {
            self.forget_parked(&[]);
        }
        match (&assessment.gate, assessment.stage) {
            (Gate::Finished(_) | Gate::Refused(_), _) => return,
            // What is held keeps what it lives off.
            (Gate::Held(_), _) => return self.heal(),
            (gate, Stage::Revoke) => {
                if self.opens(gate) {
                    match self.lacking(true).is_empty() && self.dead_lines().is_empty() {
                        true => self.archive_key(),
                        false => self.heal(),
                    }
                }
                return;
            }
            _ => {}
        }
        if self.waits_for_console() {
            return;
        }
        let people_only = matches!(&assessment.gate, Gate::Waiting(needs)
            if needs.iter().all(|need| need.supplier == Supplier::Person));
        if assessment.stage == Stage::Remove && people_only {
            return;
        }
        let configured = self.configure();
        let Some(verified) = self.verify(configured.clone()) else { return };
        let mut guards: Vec<String> = configured.into_iter().chain(verified).collect();
        guards.extend(self.reconfigure(&guards));
        let all_removed = assessment.stage == Stage::Confirm;
        if all_removed {
            if self.opens(&assessment.gate) {
                self.confirm_and_disable(guards, assessment.gate != Gate::Open);
            }
            return;
        }
        if !self.rules_are_known() {
            return;
        }
        if let Some(removed) = self.remove(guards) {
            self.confirm_and_disable(removed, true);
        }
    }

    /// Tells whether a person has to see to a rule, its issuer or its account first.
    fn waits_for_console(&self) -> bool {
        let held = |address: &Address| self.so_far.by_hand.contains(address);
        self.key
            .replaced_by
            .iter()
            .any(|rule| held(rule) || self.diff.depends_on.get(rule).into_iter().flatten().any(held))
    }

    /// Tells whether the key, or a rule with what it stands on, cannot be read.
    fn is_held(&self) -> bool {
        let held = |address: &Address| self.diff.is_held(address);
        let rules = &self.input.configuration.federation_rules;
        let parts = self.key.replaced_by.iter().flat_map(|rule| {
            let declared = &rules[rule];
            [rule, &declared.provider, &declared.service_account]
        });
        held(&self.facts.address) || parts.into_iter().any(held)
    }

    /// Tells whether a gate is open, or can be opened by what this run itself does.
    fn opens(&self, gate: &Gate) -> bool {
        match gate {
            Gate::Open => true,
            Gate::Waiting(needs) => needs.iter().all(|need| match need.supplier {
                Supplier::Engine => true,
                Supplier::Workload | Supplier::Time => self.input.skip_waits,
                Supplier::Person => false,
            }),
            Gate::Refused(_) | Gate::Held(_) | Gate::Finished(_) => false,
        }
    }

    fn add(
        &mut self,
        stage: Stage,
        guarded: bool,
        operation: Operation,
        after: Vec<String>,
        undo: Undo,
    ) -> String {
        let id = step_id(&operation);
        if self.so_far.known.insert(id.clone()) {
            let lane = guarded.then(|| self.facts.address.clone());
            let after: BTreeSet<String> = after.into_iter().collect();
            self.steps.push(Step {
                id: id.clone(),
                stage,
                lane,
                operation,
                after: after.into_iter().collect(),
                undo,
            });
        }
        id
    }

    /// The steps of this plan for an object and all that it depends on.
    fn steps_of(&self, address: &Address) -> Vec<String> {
        let parts = self.diff.depends_on.get(address).into_iter().flatten();
        let building = std::iter::once(address).chain(parts).filter_map(|it| self.so_far.building.get(it));
        building.flatten().map(|id| (*id).to_owned()).collect()
    }

    fn configure(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        for rule in &self.key.replaced_by {
            ids.extend(self.steps_of(rule));
        }
        for consumer in self.lacking(false) {
            let after = self.steps_of(&self.key.consumers[&consumer].rule);
            let operation = Operation::Configure { address: self.facts.address.clone(), consumer };
            let undo = Undo::possible("take the settings out again");
            ids.push(self.add(Stage::Configure, false, operation, after, undo));
        }
        ids
    }

    /// Consumers without the settings that they should have: those that live off such settings, or those
    /// that have their key yet.
    fn lacking(&self, bound: bool) -> Vec<ConsumerId> {
        let is_bound = |id: &ConsumerId| {
            self.input.state.binding(&self.key.id, id).is_some_and(|binding| binding.grant != Grant::Key)
        };
        let is_lacking = |it: &&lane::ConsumerFacts| it.unconfigured.is_some() && it.doubt.is_none();
        let lacking = self.facts.consumers.iter().filter(is_lacking);
        lacking.map(|consumer| consumer.id.clone()).filter(|id| is_bound(id) == bound).collect()
    }

    /// Consumers from which the key was taken and in which there is a line of a dead key, with that key.
    fn dead_lines(&self) -> Vec<(ConsumerId, String)> {
        let back = self.facts.consumers.iter().filter(|it| {
            it.removed_at.is_some() && it.displaced.is_none() && it.presence == Presence::Present
        });
        back.filter_map(|it| Some((it.id.clone(), it.returned.as_ref()?.dead.clone()?))).collect()
    }

    /// Takes dead keys out of a lane that is finished, and writes settings anew, each after the proof of
    /// the rule that it names.
    fn heal(&mut self) {
        for (consumer, id) in self.dead_lines() {
            let operation = Operation::TakeDeadKeyOut { address: self.facts.address.clone(), consumer, id };
            let undo = Undo::possible("take the mark off that line by hand");
            self.add(Stage::Remove, false, operation, Vec::new(), undo);
        }
        if self.waits_for_console() {
            return;
        }
        // One whose key is back has taken its way back.
        let has_key = |id: &ConsumerId| {
            self.input.state.binding(&self.key.id, id).is_some_and(|binding| binding.has_key())
        };
        for consumer in self.lacking(true).into_iter().filter(|id| !has_key(id)).collect::<Vec<_>>() {
            let rule = self.key.consumers[&consumer].rule.clone();
            let mut after = self.steps_of(&rule);
            let facts = self.facts.rules.iter().find(|it| it.address == rule);
            let is_proved = facts.is_some_and(|facts| lane::rule_is_verified(facts, self.input.now));
            if !after.is_empty() || !is_proved {
                if facts.is_none_or(|facts| !facts.can_exchange) {
                    continue;
                }
                let operation = Operation::Verify { address: rule };
                after = vec![self.add(Stage::Verify, false, operation, after, Undo::Nothing)];
            }
            let operation = Operation::Configure { address: self.facts.address.clone(), consumer };
            let undo = Undo::possible("write the blocks as they were, and apply");
            self.add(Stage::Configure, false, operation, after, undo);
        }
    }

    /// Proves rules that workloads live off and that this plan changes, or that were changed without a proof,
    /// however far the lane itself goes.
    fn prove_changes(&mut self) {
        for rule in &self.facts.rules {
            let is_lived_off = self.facts.consumers.iter().filter(|it| it.rule == rule.address).any(|it| {
                let binding = self.input.state.binding(&self.key.id, &it.id);
                let rule_id = it.rule_id.as_deref();
                binding
                    .zip(rule_id)
                    .is_some_and(|(binding, id)| binding.ended.is_none() && binding::lives_off(binding, id))
            });
            let parts = self.parts(&rule.address);
            let is_altered = parts.iter().any(|part| self.diff.altered.contains(*part));
            // What waits for a person, or cannot be read, is not what its block says.
            let waits =
                |part: &&Address| self.so_far.by_hand.contains(*part) || self.diff.held.contains_key(*part);
            let is_due = is_altered || (!lane::was_proven(rule) && !self.diff.is_held(&rule.address));
            if is_lived_off && rule.can_exchange && is_due && !parts.iter().any(waits) {
                let building = parts.iter().filter_map(|part| self.so_far.building.get(*part));
                let after = building.flatten().map(|id| (*id).to_owned()).collect();
                let operation = Operation::Verify { address: rule.address.clone() };
                self.add(Stage::Verify, false, operation, after, Undo::Nothing);
            }
        }
    }

    /// A rule and what its block lets it stand on.
    fn parts(&self, rule: &Address) -> Vec<&Address> {
        let declared = self.input.configuration.federation_rules.get_key_value(rule);
        let parts = declared.map(|(rule, it)| [rule, &it.provider, &it.service_account]);
        parts.into_iter().flatten().collect()
    }

    /// Writes settings anew where a workload lives off them, once what they name is proved.
    fn reconfigure(&mut self, proved: &[String]) -> Vec<String> {
        let mut ids = Vec::new();
        for consumer in self.lacking(true) {
            let operation = Operation::Configure { address: self.facts.address.clone(), consumer };
            let undo = Undo::possible("write the blocks as they were, and apply");
            ids.push(self.add(Stage::Configure, false, operation, proved.to_vec(), undo));
        }
        ids
    }

    /// Adds a trial exchange for each rule that lacks a fresh one; none when that cannot be made.
    fn verify(&mut self, configured: Vec<String>) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        for rule in &self.facts.rules {
            let moves = !self.steps_of(&rule.address).is_empty();
            let shows_itself = self.input.skip_waits && lane::awaits_workload(rule);
            if !moves && (shows_itself || lane::rule_is_verified(rule, self.input.now)) {
                continue;
            }
            if !rule.can_exchange {
                return None;
            }
            let mut after = self.steps_of(&rule.address);
            // A trial needs the rule alone; the consumers of other lanes are no business of it.
            after.retain(|id| configured.contains(id));
            let operation = Operation::Verify { address: rule.address.clone() };
            ids.push(self.add(Stage::Verify, false, operation, after, Undo::Nothing));
        }
        Some(ids)
    }

    /// Tells whether each workload that still has its key knows its rule, or can show that in this run.
    fn rules_are_known(&self) -> bool {
        let left = self.facts.consumers.iter().filter(|it| !is_out(it) && !it.manual);
        left.into_iter().all(|consumer| match consumer.names {
            NamedRule::Written => true,
            NamedRule::Own { at, .. } => self.input.skip_waits || lane::is_known_since(at, self.input.now),
            NamedRule::Other(_) => false,
            NamedRule::Unknown => self.input.skip_waits && consumer.reports,
        })
    }

    /// Adds the removals; none when a person has to do one of them.
    fn remove(&mut self, guards: Vec<String>) -> Option<Vec<String>> {
        let mut ids = guards.clone();
        let mut by_hand = false;
        for consumer in &self.facts.consumers {
            if is_out(consumer) {
                continue;
            }
            if consumer.manual || consumer.not_found {
                by_hand = true;
                continue;
            }
            let operation =
                Operation::Remove { address: self.facts.address.clone(), consumer: consumer.id.clone() };
            let undo = put_back(&self.key.consumers[&consumer.id].driver);
            ids.push(self.add(Stage::Remove, true, operation, guards.clone(), undo));
        }
        (!by_hand).then_some(ids)
    }

    fn confirm_and_disable(&mut self, mut after: Vec<String>, confirm: bool) {
        let address = self.facts.address.clone();
        if confirm {
            let operation = Operation::Confirm { address: address.clone() };
            after = vec![self.add(Stage::Confirm, true, operation, after, Undo::Nothing)];
        }
        let operation = Operation::Disable { address, id: self.facts.key.id.clone() };
        self.add(Stage::Revoke, true, operation, after, Undo::possible("set the key active again"));
    }

    fn archive_key(&mut self) {
        let operation =
            Operation::ArchiveKey { address: self.facts.address.clone(), id: self.facts.key.id.clone() };
        let why = "an archived key cannot be brought back".to_owned();
        let archived = self.add(Stage::Revoke, true, operation, Vec::new(), Undo::Impossible { why });
        self.forget_parked(&[archived]);
    }

    /// Nothing needs the text of a key that never works again, and it stands there for everybody to read.
    fn forget_parked(&mut self, after: &[String]) {
        for consumer in self.facts.consumers.iter().filter(|consumer| !consumer.parked.is_empty()) {
            let operation = Operation::ForgetParked {
                address: self.facts.address.clone(),
                consumer: consumer.id.clone(),
            };
            let why = "the text of the key stands nowhere else".to_owned();
            self.add(Stage::Revoke, false, operation, after.to_vec(), Undo::Impossible { why });
        }
    }
}

/// Whether a key is out of a consumer, as far as is known.
fn is_out(consumer: &ConsumerFacts) -> bool {
    consumer.removed_at.is_some() && (consumer.manual || consumer.presence == Presence::Absent)
}

#[cfg(test)]
mod tests;
