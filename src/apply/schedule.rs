//! Which step may run next, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::Step;

/// How far a step has come in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not begun.
    Pending,
    /// Begun and not ended.
    Running,
    /// Ended well.
    Done,
    /// Ended without effect; what depends on it is left alone.
    Failed,
    /// Its gate is closed; what depends on it is left alone until the gate is looked at again.
    Waiting,
}

/// The steps of a plan and how far each has come.
#[derive(Clone, Debug)]
pub struct Schedule {
    status: BTreeMap<String, Status>,
    order: Vec<String>,
    missing: BTreeMap<String, BTreeSet<String>>,
    dependents: BTreeMap<String, Vec<String>>,
}

impl Schedule {
    /// Takes the steps of a plan, in its order.
    pub fn new(steps: &[Step]) -> Schedule {
        let mut dependents: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for step in steps {
            for before in &step.after {
                dependents.entry(before.clone()).or_default().push(step.id.clone());
            }
        }
        Schedule {
            status: steps.iter().map(|step| (step.id.clone(), Status::Pending)).collect(),
            order: steps.iter().map(|step| step.id.clone()).collect(),
            missing: steps
                .iter()
                .map(|step| (step.id.clone(), step.after.iter().cloned().collect()))
                .collect(),
            dependents,
        }
    }

    /// Ids of the steps that may begin now, in the plan's order.
    pub fn ready(&self) -> Vec<String> {
        let is_ready = |id: &&String| self.status[*id] == Status::Pending && self.missing[*id].is_empty();
        self.order.iter().filter(is_ready).cloned().collect()
    }

    /// How far a step has come.
    pub fn status(&self, id: &str) -> Status {
        self.status[id]
    }

    /// Ids of the steps with this status, in the plan's order.
    pub fn with(&self, status: Status) -> Vec<String> {
        self.order.iter().filter(|id| self.status[*id] == status).cloned().collect()
    }

    /// Takes one more step, which comes after steps that are known or have ended.
    pub fn add(&mut self, step: &Step) {
        let id = &step.id;
        assert!(!self.status.contains_key(id), "step {id} is there already");
        let missing = step.after.iter().filter(|before| self.status[*before] != Status::Done);
        let missing: BTreeSet<String> = missing.cloned().collect();
        for before in &missing {
            self.dependents.entry(before.clone()).or_default().push(id.clone());
        }
        self.missing.insert(id.clone(), missing);
        self.status.insert(id.clone(), Status::Pending);
        self.order.push(id.clone());
    }

    /// Notes that a ready step begins.
    pub fn begin(&mut self, id: &str) {
        assert!(self.status[id] == Status::Pending && self.missing[id].is_empty(), "step {id} is not ready");
        self.status.insert(id.to_owned(), Status::Running);
    }

    /// Notes how a running step ended, or that a ready one waits.
    pub fn end(&mut self, id: &str, status: Status) {
        let legal = match status {
            Status::Done | Status::Failed => self.status[id] == Status::Running,
            Status::Waiting => self.status[id] == Status::Pending,
            Status::Pending | Status::Running => false,
        };
        assert!(legal, "step {id} cannot become {status:?} from {:?}", self.status[id]);
        self.status.insert(id.to_owned(), status);
        if status == Status::Done {
            for dependent in self.dependents.get(id).into_iter().flatten() {
                if let Some(missing) = self.missing.get_mut(dependent) {
                    missing.remove(id);
                }
            }
        }
    }

    /// Lets a waiting step be looked at again.
    pub fn reopen(&mut self, id: &str) {
        assert!(self.status[id] == Status::Waiting, "step {id} does not wait");
        self.status.insert(id.to_owned(), Status::Pending);
    }
}

#[cfg(test)]
mod tests {
    use keyless_state::{Address, Kind};

    use super::*;
    use crate::lane::Stage;
    use crate::plan::{Operation, Undo};

    fn step(id: &str, after: &[&str]) -> Step {
        Step {
            id: id.to_owned(),
            stage: Stage::Configure,
            lane: None,
            operation: Operation::Verify { address: Address::new(Kind::FederationRule, "r") },
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            undo: Undo::Nothing,
        }
    }

    #[test]
    fn a_step_is_ready_when_all_before_it_are_done() {
        let mut schedule = Schedule::new(&[step("a", &[]), step("b", &[]), step("c", &["a", "b"])]);
        assert_eq!(schedule.ready(), ["a", "b"]);
        schedule.begin("a");
        schedule.end("a", Status::Done);
        assert_eq!(schedule.ready(), ["b"]);
        schedule.begin("b");
        assert!(schedule.ready().is_empty());
        schedule.end("b", Status::Done);
        assert_eq!(schedule.ready(), ["c"]);
    }

    #[test]
    fn a_step_may_be_added_while_others_run() {
        let mut schedule = Schedule::new(&[step("a", &[])]);
        schedule.begin("a");
        schedule.add(&step("b", &["a"]));
        schedule.add(&step("c", &["b"]));
        assert!(schedule.ready().is_empty());
        schedule.end("a", Status::Done);
        assert_eq!(schedule.ready(), ["b"]);
        schedule.add(&step("d", &["a"]));
        assert_eq!(schedule.ready(), ["b", "d"]);
    }

    #[test]
    fn a_failure_holds_only_what_depends_on_it() {
        let mut schedule = Schedule::new(&[step("a", &[]), step("b", &["a"]), step("c", &[])]);
        schedule.begin("a");
        schedule.end("a", Status::Failed);
        assert_eq!(schedule.ready(), ["c"]);
    }

    #[test]
    fn a_waiting_step_comes_back_when_gates_are_looked_at_again() {
        let mut schedule = Schedule::new(&[step("a", &[])]);
        schedule.end("a", Status::Waiting);
        assert!(schedule.ready().is_empty());
        schedule.reopen("a");
        assert_eq!(schedule.ready(), ["a"]);
    }
}
