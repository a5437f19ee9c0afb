//! Sets back what a run changed under workloads, where the proof of it fails.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Record, State};

use super::run::{Event, Run};
use crate::binding;
use crate::lane::Stage;
use crate::plan::{Operation, Step, Undo};
use crate::rollback::operations_to;

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

pub(super) fn is_lived_off(rule_id: &str, state: &State) -> bool {
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

    /// Sets back what is changed for a trial that cannot come any more, since another step before it failed.
    pub(super) fn set_back_untried(&mut self, done: &Step) {
        let failed = |id: &String| self.outcome.failed.iter().any(|failure| failure.step == *id);
        let proves = |step: &Step| match &step.operation {
            Operation::Verify { address }
                if step.after.contains(&done.id) && step.after.iter().any(failed) =>
            {
                Some(address.clone())
            }
            _ => None,
        };
        let untried: BTreeSet<Address> = match self.outcome.failed.is_empty() {
            true => BTreeSet::new(),
            false => self.steps.values().filter_map(proves).collect(),
        };
        untried.iter().for_each(|rule| self.set_back(rule));
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
pub(super) mod tests {
    use keyless_state::{Binding, Grant};

    use super::*;
    use crate::sample::{ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour};

    /// A state in which the objects at these addresses were changed, and what they were before.
    pub(crate) fn changed(
        addresses: &[&str],
        grant: impl Fn(&Record) -> Grant,
    ) -> (State, BTreeMap<Address, Record>) {
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
