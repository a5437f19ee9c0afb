//! Sets back what a run changed under workloads, where the proof of it fails.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Checkpoint, Evidence, Fact, Mutation, Record, State};

use super::run::{Event, Run};
use crate::binding;
use crate::lane::{Stage, rule_digest};
use crate::plan::{Action, Operation, Plan, Step, Undo, follow};
use crate::rollback::operations_to;

/// What is recorded before a run.
pub(super) struct Before {
    /// The things that its plan changes in place.
    records: BTreeMap<Address, Record>,
    /// The trial exchanges of rules.
    proofs: Vec<Evidence>,
}

impl Before {
    pub(super) fn new(plan: &Plan, state: &State) -> Before {
        let is_proof = |evidence: &&Evidence| matches!(evidence.fact, Fact::Exchange { .. });
        Before {
            records: changed(plan, state),
            proofs: state.evidence.iter().filter(is_proof).cloned().collect(),
        }
    }

    /// The rules that a plan proves and that are changed already: a run that was stopped changed them under their
    /// workloads, and neither proved the change nor set it back.
    pub(super) fn unproved(plan: &Plan, state: &State) -> Vec<Address> {
        let proves = plan.steps.iter().filter_map(|step| match &step.operation {
            Operation::Verify { address } => Some(address),
            _ => None,
        });
        let is_due = |rule: &&Address| {
            let record = state.records.get(*rule);
            record.is_some_and(|it| is_lived_off(&it.id, state)) && proof(rule, state).is_none()
        };
        proves.filter(is_due).cloned().collect()
    }

    /// Takes over what a rule was like when it was last proved, from checkpoints, oldest first.
    pub(super) fn recall(&mut self, rule: &Address, state: &State, checkpoints: &[Checkpoint]) {
        let Some(record) = state.records.get(rule) else { return };
        let proved = checkpoints.iter().rev().find_map(|checkpoint| {
            let then = follow(&checkpoint.state, state);
            let is_it = then.records.get(rule).is_some_and(|then| then.id == record.id);
            let proof = proof(rule, &then).cloned().filter(|_| is_it)?;
            Some((then, proof))
        });
        let Some((mut then, proof)) = proved else { return };
        for address in [rule].into_iter().chain(&record.depends_on) {
            if let Some(before) = then.records.remove(address) {
                self.records.insert(address.clone(), before);
            }
        }
        self.proofs.retain(|known| known.id != proof.id);
        self.proofs.push(proof);
    }

    /// The proofs of before that hold again, since their rules are what they were, and that others took the
    /// place of meanwhile.
    pub(super) fn proofs_again(&self, state: &State) -> Vec<Mutation> {
        let holds = |evidence: &&Evidence| {
            let is_newer = |it: &&Evidence| it.id == evidence.id;
            let (Some((rule, before)), Some((_, now))) =
                (digest(evidence), state.evidence.iter().find(is_newer).and_then(digest))
            else {
                return false;
            };
            before != now && rule_digest(rule, state).as_ref() == Some(before)
        };
        let again = self.proofs.iter().filter(holds);
        again.map(|evidence| Mutation::PutEvidence { evidence: evidence.clone() }).collect()
    }
}

/// The rule of a trial exchange, and what it was like.
fn digest(evidence: &Evidence) -> Option<(&Address, &String)> {
    match &evidence.fact {
        Fact::Exchange { rule, rule_digest, .. } => Some((rule, rule_digest)),
        _ => None,
    }
}

/// The accepted trial exchange of a rule as it is recorded.
fn proof<'a>(rule: &Address, state: &'a State) -> Option<&'a Evidence> {
    let now = rule_digest(rule, state)?;
    state.evidence.iter().find(|evidence| match &evidence.fact {
        Fact::Exchange { rule: of, rule_digest, accepted, .. } => {
            of == rule && *rule_digest == now && *accepted
        }
        _ => false,
    })
}

fn changed(plan: &Plan, state: &State) -> BTreeMap<Address, Record> {
    let changed = plan.changes.iter().filter(|change| change.action == Action::Update);
    changed
        .filter_map(|change| Some((change.address.clone(), state.records.get(&change.address)?.clone())))
        .collect()
}

/// The steps that make a rule, and what it stands on, what they were before this run, one after the other; none
/// where no workload lives off the rule.
pub(super) fn steps(rule: &Address, before: &BTreeMap<Address, Record>, state: &State) -> Vec<Step> {
    let Some(record) = state.records.get(rule).filter(|record| is_lived_off(&record.id, state)) else {
        return Vec::new();
    };
    let mut steps: Vec<Step> = Vec::new();
    for address in [rule].into_iter().chain(&record.depends_on) {
        let Some((now, then)) = state.records.get(address).zip(before.get(address)) else { continue };
        if now.id != then.id || now.attributes == then.attributes {
            continue;
        }
        for operation in operations_to(address, now, then) {
            steps.push(Step {
                id: format!("undo/{}", crate::plan::step_id(&operation)),
                stage: Stage::Configure,
                lane: None,
                operation,
                after: steps.last().map(|step| step.id.clone()).into_iter().collect(),
                undo: Undo::possible("apply again"),
            });
        }
    }
    steps
}

fn is_lived_off(rule_id: &str, state: &State) -> bool {
    binding::live(state).any(|binding| binding::lives_off(binding, rule_id))
}

impl Run<'_> {
    /// Sets back what is not proved since a step failed: its own trial, or one that comes after it.
    pub(super) fn set_back_unproved(&mut self, failed: &Step) {
        let proves = |step: &Step| match &step.operation {
            Operation::Verify { address } if step.id == failed.id || step.after.contains(&failed.id) => {
                Some(address.clone())
            }
            _ => None,
        };
        let unproved: BTreeSet<Address> = self.steps.values().filter_map(proves).collect();
        unproved.iter().for_each(|rule| self.set_back(rule));
    }

    /// Adds the steps that set a change back whose proof failed.
    fn set_back(&mut self, rule: &Address) {
        let mut stay: BTreeSet<Address> = BTreeSet::new();
        for mut step in steps(rule, &self.before.records, self.store.state()) {
            let address = step.operation.target().address;
            if self.is_proved_on(address, rule) {
                stay.insert(address.clone());
                continue;
            }
            // Another rule on the same issuer or account was first.
            if self.steps.contains_key(&step.id) {
                continue;
            }
            step.after.retain(|before| self.steps.contains_key(before));
            self.schedule.add(&step);
            self.undoing.insert(step.id.clone());
            self.steps.insert(step.id.clone(), step);
        }
        stay.iter().for_each(|address| (self.tell)(Event::Stays(address)));
    }

    /// Whether this run proved another rule on a thing, whose workloads may live off the change by now.
    fn is_proved_on(&self, address: &Address, but: &Address) -> bool {
        let proved = self.outcome.done.iter().filter_map(|id| match &self.steps[id].operation {
            Operation::Verify { address } if address != but => self.store.state().records.get(address),
            _ => None,
        });
        proved.into_iter().any(|rule| rule.depends_on.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use keyless_state::{Binding, Grant};

    use super::*;
    use crate::sample::{ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour};

    /// A state in which the objects at these addresses were changed, and what they were before.
    fn changed(addresses: &[&str], grant: impl Fn(&Record) -> Grant) -> (State, BTreeMap<Address, Record>) {
        let (_, mut state, _) = built();
        let before = state.records.clone();
        for text in addresses {
            let record = state.records.get_mut(&address(text)).unwrap();
            record.attributes.insert("description".to_owned(), "new".into());
            record.attributes.insert("max_jwt_lifetime_seconds".to_owned(), 7_200.into());
        }
        let grant = grant(&before[&address(RULE)]);
        state.apply(&Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0)).put());
        (state, before)
    }

    #[track_caller]
    fn check(addresses: &[&str], expected: &[&str]) {
        let of = |grant: &dyn Fn(&Record) -> Grant| {
            let (state, before) = changed(addresses, grant);
            steps(&address(RULE), &before, &state)
        };
        let back = of(&|rule| binding::grant(rule, None));
        assert_eq!(back.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), expected);
        let chained = back.windows(2).all(|pair| pair[1].after == [pair[0].id.clone()]);
        assert!(chained, "{back:#?}");
        assert!(of(&|_| Grant::Key).is_empty(), "nobody lives off the rule");
    }

    fn exchange(rule_digest: String) -> Evidence {
        let fact = Fact::Exchange {
            rule: address(RULE),
            rule_id: "fdrl_1".to_owned(),
            rule_digest,
            accepted: true,
            subject: String::new(),
            expires_in_seconds: 60,
            refusal: String::new(),
        };
        crate::sample::evidence("exchange", hour(1), fact)
    }

    #[test]
    fn what_a_rule_was_like_is_recalled_from_when_it_was_last_proved() {
        let lifetime = |state: &State, seconds: i64| {
            let mut state = state.clone();
            let record = state.records.get_mut(&address(RULE)).unwrap();
            record.attributes.insert("token_lifetime_seconds".to_owned(), seconds.into());
            state
        };
        let proved = |state: &State| {
            let mut state = state.clone();
            let digest = rule_digest(&address(RULE), &state).unwrap();
            state.evidence.push(exchange(digest));
            state
        };
        let (state, _) = changed(&[], |rule| binding::grant(rule, None));
        let (first, second, third) =
            (proved(&lifetime(&state, 600)), proved(&lifetime(&state, 900)), lifetime(&state, 1_200));
        let checkpoint = |state: &State| Checkpoint {
            name: "1".to_owned(),
            taken_at: hour(1),
            reason: String::new(),
            lane: None,
            serial: 1,
            state: state.clone(),
        };
        let recalled = |states: &[&State]| {
            let mut before = Before { records: BTreeMap::new(), proofs: Vec::new() };
            let checkpoints: Vec<Checkpoint> = states.iter().map(|state| checkpoint(state)).collect();
            before.recall(&address(RULE), &third, &checkpoints);
            let record = before.records.get(&address(RULE));
            (record.map(|record| record.attributes["token_lifetime_seconds"].clone()), before.proofs.len())
        };
        assert_eq!(recalled(&[&first, &second, &third]), (Some(900.into()), 1));
        assert_eq!(recalled(&[&second, &first]), (Some(600.into()), 1));
        assert_eq!(recalled(&[&third]), (None, 0));
        let mut another = first.clone();
        another.records.get_mut(&address(RULE)).unwrap().id = "fdrl_9".to_owned();
        assert_eq!(recalled(&[&another]), (None, 0));
    }

    #[test]
    fn what_was_changed_is_set_back_one_after_the_other() {
        check(&[], &[]);
        check(&[RULE], &["undo/update/federation_rule.bot"]);
        check(&[ISSUER], &["undo/update/provider.oidc.ci"]);
        check(
            &[RULE, ISSUER, ACCOUNT],
            &[
                "undo/update/federation_rule.bot",
                "undo/update/provider.oidc.ci",
                "undo/update/service_account.bot",
            ],
        );
    }
}
