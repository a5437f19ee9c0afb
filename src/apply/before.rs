//! What is recorded before a run, so that it can set back what it changes.

use std::collections::BTreeMap;

use keyless_state::{Address, Checkpoint, Evidence, Fact, Mutation, Record, State, Winner};

use super::set_back::is_lived_off;
use crate::lane::rule_digest;
use crate::plan::{Action, Operation, Plan, follow};
use crate::resource::Observed;

/// What is recorded before a run.
pub(super) struct Before {
    /// The things that its plan changes in place.
    pub(super) records: BTreeMap<Address, Record>,
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

    /// The rules that a plan proves, off which workloads live, and of which nothing shows that they work as they are.
    /// A run that was stopped may have changed them.
    pub(super) fn unproved(plan: &Plan, state: &State, observed: &Observed) -> Vec<Address> {
        let proves = plan.steps.iter().filter_map(|step| match &step.operation {
            Operation::Verify { address } => Some(address),
            _ => None,
        });
        let is_due = |rule: &&Address| {
            let record = state.records.get(*rule);
            record.is_some_and(|it| is_lived_off(&it.id, state) && !is_shown(rule, it, state, observed))
        };
        proves.filter(is_due).cloned().collect()
    }

    /// Takes over what a rule was like when it was last proved, where it is another one by now. `history` and
    /// `checkpoints` are oldest first.
    pub(super) fn recall(
        &mut self,
        rule: &Address,
        state: &State,
        history: &[Evidence],
        checkpoints: &[Checkpoint],
    ) {
        let Some(record) = state.records.get(rule) else { return };
        let last =
            history.iter().rev().find_map(|evidence| Some((evidence, accepted(evidence, &record.id)?)));
        let Some((proof, proved)) = last else { return };
        if rule_digest(rule, state).as_ref() == Some(proved) {
            return;
        }
        let then = checkpoints.iter().rev().find_map(|checkpoint| {
            let then = follow(&checkpoint.state, state);
            (rule_digest(rule, &then).as_ref() == Some(proved)).then_some(then)
        });
        let Some(mut then) = then else { return };
        for address in [rule].into_iter().chain(&record.depends_on) {
            if let Some(before) = then.records.remove(address) {
                self.records.insert(address.clone(), before);
            }
        }
        self.proofs.retain(|known| known.id != proof.id);
        self.proofs.push(proof.clone());
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

/// What a rule was like whose trial exchange was accepted.
fn accepted<'a>(evidence: &'a Evidence, id: &str) -> Option<&'a String> {
    match &evidence.fact {
        Fact::Exchange { rule_id, rule_digest, accepted: true, .. } if rule_id == id => Some(rule_digest),
        _ => None,
    }
}

/// Whether a trial, or a workload, has shown that a rule works as it is.
fn is_shown(rule: &Address, record: &Record, state: &State, observed: &Observed) -> bool {
    let Some(now) = rule_digest(rule, state) else { return false };
    let parts = record.depends_on.iter().filter_map(|part| state.records.get(part)).map(|it| &it.id);
    let changed = |id: &String| {
        let rule = observed.rules.get(id).map(|it| it.provenance.updated_at);
        let issuer = observed.issuers.get(id).map(|it| it.provenance.updated_at);
        rule.or(issuer).or_else(|| observed.service_accounts.get(id).map(|it| it.provenance.updated_at))
    };
    let changed = parts.chain([&record.id]).filter_map(changed).max().flatten();
    state.evidence.iter().any(|evidence| match &evidence.fact {
        Fact::Exchange { .. } => accepted(evidence, &record.id) == Some(&now),
        Fact::FederatedAuthentication { rule: of, rule_digest, last_accepted, .. } => {
            of == rule && *rule_digest == now && last_accepted.is_some()
        }
        Fact::CredentialReport { rule_id: Some(through), winner: Winner::Federation, .. } => {
            *through == record.id && changed.is_some_and(|changed| evidence.observed_at > changed)
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

#[cfg(test)]
mod tests {
    use super::super::set_back::tests::changed;
    use super::*;
    use crate::binding;
    use crate::lane::Stage;
    use crate::plan::{Step, Undo};
    use crate::sample::{RULE, address, built, hour};

    fn exchange(rule_digest: String) -> Evidence {
        let fact = Fact::Exchange {
            rule: address(RULE),
            rule_id: crate::sample::id_of(&address(RULE)),
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
        let lifetime = |seconds: i64| {
            let (mut state, _) = changed(&[], |rule| binding::grant(rule, None));
            let record = state.records.get_mut(&address(RULE)).unwrap();
            record.attributes.insert("token_lifetime_seconds".to_owned(), seconds.into());
            state
        };
        let proof = |state: &State| exchange(rule_digest(&address(RULE), state).unwrap());
        let (first, second, third) = (lifetime(600), lifetime(900), lifetime(1_200));
        let checkpoint = |state: &State| Checkpoint {
            name: "1".to_owned(),
            taken_at: hour(1),
            reason: String::new(),
            lane: None,
            serial: 1,
            state: state.clone(),
        };
        let recalled = |history: &[Evidence], states: &[&State]| {
            let mut before = Before { records: BTreeMap::new(), proofs: Vec::new() };
            let checkpoints: Vec<Checkpoint> = states.iter().map(|state| checkpoint(state)).collect();
            before.recall(&address(RULE), &third, history, &checkpoints);
            let record = before.records.get(&address(RULE));
            (record.map(|record| record.attributes["token_lifetime_seconds"].clone()), before.proofs.len())
        };
        let all = [&first, &second, &third];
        let (one, two, three) = (proof(&first), proof(&second), proof(&third));
        assert_eq!(recalled(&[one.clone(), two.clone()], &all), (Some(900.into()), 1));
        assert_eq!(recalled(&[two.clone(), one.clone()], &all), (Some(600.into()), 1));
        // What it was like then is not known any more.
        assert_eq!(recalled(&[one.clone(), two], &[&first, &third]), (None, 0));
        // It was proved as it is; later trials failed for another reason.
        assert_eq!(recalled(&[one.clone(), three], &all), (None, 0));
        assert_eq!(recalled(&[], &all), (None, 0));
        let mut another = one;
        if let Fact::Exchange { rule_id, .. } = &mut another.fact {
            *rule_id = "fdrl_9".to_owned();
        }
        assert_eq!(recalled(&[another], &all), (None, 0));
    }

    #[test]
    fn what_workloads_show_to_work_is_not_set_back() {
        let (configuration, _, mut observed) = built();
        let (state, _) = changed(&[], |rule| binding::grant(rule, None));
        let step = Step {
            id: "verify".to_owned(),
            stage: Stage::Verify,
            lane: None,
            operation: Operation::Verify { address: address(RULE) },
            after: Vec::new(),
            undo: Undo::Nothing,
        };
        let mut plan = crate::plan::build(crate::sample::plan_input(
            &configuration,
            &state,
            &observed,
            crate::lane::Sightings::default(),
        ))
        .unwrap();
        plan.steps = vec![step];
        let id = &state.records[&address(RULE)].id;
        let changed = hour(5);
        observed.rules.get_mut(id).unwrap().provenance.updated_at = Some(changed);
        let check = |evidence: Option<Evidence>, expected: usize| {
            let mut state = state.clone();
            state.evidence.extend(evidence);
            assert_eq!(Before::unproved(&plan, &state, &observed).len(), expected);
        };
        check(None, 1);
        check(Some(exchange("another".to_owned())), 1);
        let now = rule_digest(&address(RULE), &state).unwrap();
        check(Some(exchange(now.clone())), 0);
        let mut refused = exchange(now);
        if let Fact::Exchange { accepted, .. } = &mut refused.fact {
            *accepted = false;
        }
        check(Some(refused), 1);
        let report = |at: jiff::Timestamp| crate::sample::report(at, Winner::Federation, Some(id));
        check(Some(report(changed)), 1);
        check(Some(report(changed + jiff::SignedDuration::from_secs(1))), 0);
    }
}
