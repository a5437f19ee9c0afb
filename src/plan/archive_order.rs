//! What an archive waits for: what is built for those that it may concern.
//!
//! What replaces something exists and works before that goes. So an archive comes after the steps of each lane
//! that rests on its object or did, of what stands on the object and of its block's present object. The steps of
//! other lanes do not matter to it, so that one lane that fails holds up no archive of another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keyless_state::{Address, Binding, Fact, Grant, Kind, State};

use super::build::order;
use super::guard::Scene;
use super::operation::Operation;
use super::plan_data::Step;
use crate::binding;
use crate::config::Configuration;
use crate::lane::Stage;

/// Lets each archive wait for what is built for those that it may concern, and puts what ends something last.
pub(super) fn hold_archives_back(steps: &mut Vec<Step>, scene: &Scene<'_>) {
    let is_archive = |step: &Step| matches!(step.operation, Operation::Archive { .. });
    if steps.iter().any(is_archive) {
        let concerns = Concerns::new(steps, scene);
        let archives = steps.iter().enumerate().filter(|(_, step)| is_archive(step));
        let awaited: Vec<(usize, BTreeSet<String>)> =
            archives.map(|(at, step)| (at, concerns.awaited(step.operation.address()))).collect();
        for (at, mut awaited) in awaited {
            awaited.extend(std::mem::take(&mut steps[at].after));
            steps[at].after = awaited.into_iter().collect();
        }
    }
    let (ends, mut rest): (Vec<Step>, Vec<Step>) = steps
        .drain(..)
        .partition(|step| matches!(step.operation, Operation::Archive { .. } | Operation::Forget { .. }));
    // What is built waits for nothing that ends something.
    order(&mut rest);
    steps.extend(rest);
    steps.extend(ends);
    order(steps);
}

/// Who uses what, by blocks: an object that a block had before counts as that of the block.
struct Concerns<'a> {
    /// Ids of the steps that build, by what they are about.
    built: HashMap<Address, Vec<&'a str>>,
    /// Blocks of rules, with what each stands on and stood on.
    parts: HashMap<Address, BTreeSet<Address>>,
    /// Issuers and accounts, with the rules on them.
    standing: HashMap<Address, BTreeSet<Address>>,
    /// Lanes, with all that each may rest on.
    rests: HashMap<Address, BTreeSet<Address>>,
    /// What may be rested on, with those lanes.
    lanes: HashMap<Address, BTreeSet<Address>>,
    /// What is used by nobody knows whom.
    unexplained: BTreeSet<Address>,
    /// Whether there is a workload that may rest on anything.
    is_unknown: bool,
}

impl<'a> Concerns<'a> {
    fn new(steps: &'a [Step], scene: &Scene<'_>) -> Concerns<'a> {
        let mut concerns = Concerns {
            built: HashMap::new(),
            parts: HashMap::new(),
            standing: HashMap::new(),
            rests: HashMap::new(),
            lanes: HashMap::new(),
            unexplained: BTreeSet::new(),
            is_unknown: is_unknown(scene.configuration, scene.state),
        };
        for step in steps.iter().filter(|step| step.stage <= Stage::Verify) {
            let about = step.operation.address().present();
            concerns.built.entry(about).or_default().push(&step.id);
        }
        for (rule, declared) in &scene.configuration.federation_rules {
            concerns.stands_on(rule, [&declared.provider, &declared.service_account]);
        }
        for (rule, record) in &scene.state.records {
            if rule.kind() == Kind::FederationRule {
                concerns.stands_on(rule, &record.depends_on);
            }
        }
        concerns.note_lanes(scene);
        for used in binding::unrecorded_use(scene.state, scene.now) {
            let rule = used.rule.present();
            concerns.unexplained.extend(concerns.parts.get(&rule).into_iter().flatten().cloned());
            concerns.unexplained.insert(rule);
        }
        concerns
    }

    fn stands_on<'b>(&mut self, rule: &Address, parts: impl IntoIterator<Item = &'b Address>) {
        let rule = rule.present();
        for part in parts {
            self.standing.entry(part.present()).or_default().insert(rule.clone());
            self.parts.entry(rule.clone()).or_default().insert(part.present());
        }
    }

    /// What lanes name, and what is recorded of their workloads.
    fn note_lanes(&mut self, scene: &Scene<'_>) {
        let Scene { configuration, state, .. } = scene;
        let of_key: BTreeMap<&str, &Address> =
            configuration.api_keys.iter().map(|(lane, key)| (key.id.as_str(), lane)).collect();
        let mut of_id: HashMap<&str, &Address> = HashMap::new();
        for (address, record) in &state.records {
            of_id.entry(&record.id).or_insert(address);
        }
        for (lane, key) in &configuration.api_keys {
            for rule in key.replaced_by.iter().chain(key.consumers.values().map(|it| &it.rule)) {
                self.rests_on(lane, rule);
            }
        }
        for binding in state.bindings.values() {
            let lane = of_key.get(binding.key_id.as_str()).copied().unwrap_or(&binding.lane);
            for object in ids(binding).filter_map(|id| of_id.get(id)) {
                self.rests_on(lane, object);
            }
        }
        for evidence in &state.evidence {
            let named = match &evidence.fact {
                Fact::CredentialReport { key, rule_id: Some(id), .. }
                | Fact::Statement { key, rule_id: Some(id), .. } => Some((key, id)),
                Fact::SettingsStatement { key_id, rule_id, .. } => {
                    of_key.get(key_id.as_str()).map(|lane| (*lane, rule_id))
                }
                _ => None,
            };
            if let Some((lane, id)) = named
                && let Some(object) = of_id.get(id.as_str())
            {
                self.rests_on(lane, object);
            }
        }
    }

    fn rests_on(&mut self, lane: &Address, object: &Address) {
        let object = object.present();
        let parts: Vec<Address> = self.parts.get(&object).into_iter().flatten().cloned().collect();
        for object in parts.into_iter().chain([object]) {
            self.lanes.entry(object.clone()).or_default().insert(lane.clone());
            self.rests.entry(lane.clone()).or_default().insert(object);
        }
    }

    /// Ids of the steps for which an archive waits. Where it cannot be told whom it concerns, these are all
    /// that build.
    fn awaited(&self, archived: &Address) -> BTreeSet<String> {
        let block = &archived.present();
        let built = |about: &Address| self.built.get(about).into_iter().flatten();
        if self.is_unknown || self.unexplained.contains(block) {
            return self.built.values().flatten().map(|id| (*id).to_owned()).collect();
        }
        let mut concerned: BTreeSet<&Address> = BTreeSet::new();
        for rule in self.standing.get(block).into_iter().flatten().chain([block]) {
            concerned.insert(rule);
            concerned.extend(self.parts.get(rule).into_iter().flatten());
        }
        for lane in self.lanes.get(block).into_iter().flatten() {
            concerned.insert(lane);
            concerned.extend(&self.rests[lane]);
        }
        concerned.into_iter().flat_map(built).map(|id| (*id).to_owned()).collect()
    }
}

/// Ids of all that a workload may live off.
fn ids(binding: &Binding) -> impl Iterator<Item = &str> {
    binding.grants().flat_map(|grant| match grant {
        Grant::Key | Grant::Unresolved => Vec::new(),
        Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
            vec![rule_id.as_str(), service_account_id.as_str(), issuer_id.as_str()]
        }
    })
}

/// Whether there is a workload without its key of which it is not known what it lives off.
fn is_unknown(configuration: &Configuration, state: &State) -> bool {
    let is_unresolved = |binding: &Binding| {
        binding.ended.is_none() && binding.grants().any(|grant| *grant == Grant::Unresolved)
    };
    let lost = state.lanes.iter().flat_map(|(lane, record)| {
        let out = record.consumers.iter().filter(|(_, consumer)| consumer.removed_at.is_some());
        out.map(move |(id, _)| (lane, record, id))
    });
    state.bindings.values().any(is_unresolved)
        || lost.into_iter().any(|(lane, record, id)| {
            let declared = configuration.api_keys.get(lane).and_then(|key| key.consumers.get(id));
            declared.is_none() && state.binding(&record.key_id, id).is_none()
        })
}

#[cfg(test)]
mod tests;
