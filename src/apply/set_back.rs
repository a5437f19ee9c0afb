//! Sets back what a run changed under workloads, where the proof of it fails.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Evidence, Fact, Mutation, Record, State};

use super::run::{Event, Run};
use crate::binding;
use crate::lane::{Stage, rule_digest};
use crate::plan::{Action, Operation, Plan, Step, Undo};
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
    /// Adds the steps that set a change back whose proof failed.
    pub(super) fn set_back(&mut self, rule: &Address) {
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
