//! The journal: what an apply began and how it ended, one durable entry at a time.
//!
//! An entry announces a call before it is made, and another records its end together with the
//! changes it made to the state. After a crash the entries are the truth: a step that began and
//! did not end is *in doubt* and is settled by asking the API.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::{Mutation, State};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Grows by one with each entry, across applies.
    pub seq: u64,
    /// The apply it belongs to.
    pub run: String,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What a journal entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An apply began.
    RunStarted {
        /// The serial it started from.
        base_serial: u64,
        /// What kind of run: `apply`, `destroy`, `rollback`, `refresh`.
        operation: String,
    },
    /// A step is about to be carried out.
    StepStarted {
        /// The step's id within the plan.
        step: String,
        /// The operation with everything that is needed to settle it after a crash.
        operation: Value,
    },
    /// A step ended well.
    StepDone {
        /// The step's id within the plan.
        step: String,
        /// What it changed in the state.
        changes: Vec<Mutation>,
    },
    /// A step ended without effect.
    StepFailed {
        /// The step's id within the plan.
        step: String,
        /// Why.
        error: String,
    },
    /// Facts that belong to no step, such as evidence that was read while waiting.
    Recorded {
        /// What changed in the state.
        changes: Vec<Mutation>,
    },
    /// A checkpoint was taken; it is stored under this name.
    CheckpointTaken {
        /// Its name.
        name: String,
    },
    /// The apply ended, for better or worse, and all of it is in the snapshot.
    RunEnded,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// Announced, outcome unknown.
    Started,
    /// Ended well.
    Done,
    /// Ended without effect.
    Failed,
}

impl StepStatus {
    /// The status after an event, or nothing when the event is illegal now.
    ///
    /// This alone judges legality, when an entry is written and when it is replayed.
    pub fn next(current: Option<StepStatus>, event: &Event) -> Option<StepStatus> {
        match (current, event) {
            // A failed step may be tried again; a started one only after it was settled.
            (None | Some(StepStatus::Failed), Event::StepStarted { .. }) => Some(StepStatus::Started),
            (Some(StepStatus::Started), Event::StepDone { .. }) => Some(StepStatus::Done),
            (Some(StepStatus::Started), Event::StepFailed { .. }) => Some(StepStatus::Failed),
            _ => None,
        }
    }
}

/// What replaying a journal gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The state with every finished step in it.
    pub state: State,
    /// Steps that began and did not end, in order: run, step id, operation.
    pub in_doubt: Vec<InDoubt>,
    /// Whether the last run ended properly.
    pub ended: bool,
}

/// A step that began and did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// The apply it belongs to.
    pub run: String,
    /// The step's id within the plan.
    pub step: String,
    /// The operation that was announced.
    pub operation: Value,
    /// When it was announced, by the platform's clock.
    pub since: Timestamp,
}

/// Why a journal cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The sequence has a hole or goes back.
    #[error("journal entry {found} follows entry {after}; entries are missing")]
    Gap {
        /// The last good sequence number.
        after: u64,
        /// The one found.
        found: u64,
    },
    /// A step moved in a way that no step can.
    #[error("journal entry {seq} is not possible: step {step} of run {run} cannot make this move")]
    Illegal {
        /// The entry.
        seq: u64,
        /// The apply.
        run: String,
        /// The step.
        step: String,
    },
}

/// Carries the entries after `base_seq` out on `base`. Pure.
///
/// Entries up to `base_seq` change nothing, because `base` contains them, yet they still tell which
/// steps are under way: a snapshot may be taken while a step is.
pub fn replay(base: &State, base_seq: u64, entries: &[Entry]) -> Result<Replay, ReplayError> {
    let mut progress = Progress::new(base.clone(), base_seq);
    entries.iter().try_for_each(|entry| progress.take(entry))?;
    Ok(progress.replay)
}

/// A replay under way, which takes one entry at a time.
#[derive(Clone, Debug)]
pub struct Progress {
    replay: Replay,
    base_seq: u64,
    last: Option<u64>,
    steps: BTreeMap<(String, String), StepStatus>,
}

impl Progress {
    /// Starts from a state that contains the entries up to `base_seq`.
    pub fn new(base: State, base_seq: u64) -> Progress {
        let replay = Replay { state: base, in_doubt: Vec::new(), ended: true };
        Progress { replay, base_seq, last: None, steps: BTreeMap::new() }
    }

    /// What the entries so far give.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// The sequence number of the last entry that the state contains.
    pub fn seq(&self) -> u64 {
        self.last.unwrap_or(0).max(self.base_seq)
    }

    /// Judges an entry without taking it: its place in the sequence, and its move.
    pub fn check(&self, entry: &Entry) -> Result<(), ReplayError> {
        // The oldest entries may have been put away, so the first one may lie before the base.
        let in_order = match self.last {
            Some(last) => entry.seq == last + 1,
            None => entry.seq <= self.base_seq + 1,
        };
        if !in_order {
            return Err(ReplayError::Gap { after: self.last.unwrap_or(self.base_seq), found: entry.seq });
        }
        match step_of(&entry.event) {
            Some(step) => self.next_status(entry, step).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Carries one entry out; an entry that is refused changes nothing.
    pub fn take(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        self.check(entry)?;
        if let Some(step) = step_of(&entry.event) {
            let status = self.next_status(entry, step)?;
            self.steps.insert((entry.run.clone(), step.to_owned()), status);
            self.replay.in_doubt.retain(|known| !(known.run == entry.run && known.step == step));
        }
        if let Event::StepStarted { step, operation } = &entry.event {
            let (run, step, operation) = (entry.run.clone(), step.clone(), operation.clone());
            self.replay.in_doubt.push(InDoubt { run, step, operation, since: entry.at });
        }
        if entry.seq > self.base_seq {
            changes_of(&entry.event).iter().for_each(|change| self.replay.state.apply(change));
        }
        self.replay.ended = matches!(entry.event, Event::RunEnded);
        self.last = Some(entry.seq);
        Ok(())
    }

    fn next_status(&self, entry: &Entry, step: &str) -> Result<StepStatus, ReplayError> {
        let current = self.steps.get(&(entry.run.clone(), step.to_owned())).copied();
        StepStatus::next(current, &entry.event).ok_or_else(|| ReplayError::Illegal {
            seq: entry.seq,
            run: entry.run.clone(),
            step: step.to_owned(),
        })
    }
}

/// The step that an event is about.
fn step_of(event: &Event) -> Option<&str> {
    match event {
        Event::StepStarted { step, .. } | Event::StepDone { step, .. } | Event::StepFailed { step, .. } => {
            Some(step)
        }
        Event::RunStarted { .. }
        | Event::Recorded { .. }
        | Event::CheckpointTaken { .. }
        | Event::RunEnded => None,
    }
}

/// The changes of the state that an event carries.
pub(crate) fn changes_of(event: &Event) -> &[Mutation] {
    match event {
        Event::StepDone { changes, .. } | Event::Recorded { changes } => changes,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, event: Event) -> Entry {
        Entry { seq, run: "r".to_owned(), at: Timestamp::UNIX_EPOCH, event }
    }

    fn started(step: &str) -> Event {
        Event::StepStarted { step: step.to_owned(), operation: Value::Null }
    }

    fn done(step: &str) -> Event {
        let changes = vec![Mutation::SetOutputs { outputs: BTreeMap::from([(step.to_owned(), output())]) }];
        Event::StepDone { step: step.to_owned(), changes }
    }

    fn output() -> crate::OutputRecord {
        crate::OutputRecord { value: Value::from(1), sensitive: false }
    }

    fn failed(step: &str) -> Event {
        Event::StepFailed { step: step.to_owned(), error: "refused".to_owned() }
    }

    /// The events are numbered from 1.
    #[track_caller]
    fn check(base_seq: u64, events: Vec<Event>, expected: Result<(Vec<&str>, Vec<&str>, bool), ReplayError>) {
        let entries: Vec<Entry> = (1..).zip(events).map(|(seq, event)| entry(seq, event)).collect();
        let found = replay(&State::default(), base_seq, &entries);
        let found = found.map(|replay| {
            let outputs: Vec<String> = replay.state.outputs.into_keys().collect();
            let steps: Vec<String> = replay.in_doubt.into_iter().map(|step| step.step).collect();
            (outputs, steps, replay.ended)
        });
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found, expected.map(|(outputs, steps, ended)| (owned(outputs), owned(steps), ended)));
    }

    fn illegal(seq: u64) -> ReplayError {
        ReplayError::Illegal { seq, run: "r".to_owned(), step: "a".to_owned() }
    }

    #[test]
    fn a_step_starts_and_then_ends_once() {
        check(0, vec![], Ok((vec![], vec![], true)));
        check(0, vec![started("a")], Ok((vec![], vec!["a"], false)));
        check(0, vec![started("a"), done("a")], Ok((vec!["a"], vec![], false)));
        check(0, vec![started("a"), done("a"), Event::RunEnded], Ok((vec!["a"], vec![], true)));
        check(0, vec![started("a"), failed("a"), started("a")], Ok((vec![], vec!["a"], false)));
        check(0, vec![started("b"), started("a"), done("b")], Ok((vec!["b"], vec!["a"], false)));
        check(0, vec![done("a")], Err(illegal(1)));
        check(0, vec![started("a"), started("a")], Err(illegal(2)));
        check(0, vec![started("a"), done("a"), failed("a")], Err(illegal(3)));
    }

    #[test]
    fn entries_that_the_base_contains_still_tell_what_is_under_way() {
        check(1, vec![started("a")], Ok((vec![], vec!["a"], false)));
        check(1, vec![started("a"), done("a")], Ok((vec!["a"], vec![], false)));
        check(2, vec![started("a"), done("a")], Ok((vec![], vec![], false)));
    }

    #[test]
    fn holes_are_refused() {
        let at = |seqs: &[u64]| {
            let entries: Vec<Entry> = seqs.iter().map(|seq| entry(*seq, Event::RunEnded)).collect();
            replay(&State::default(), 5, &entries).map(|_| ())
        };
        assert_eq!(at(&[6, 7]), Ok(()));
        assert_eq!(at(&[3, 4]), Ok(()));
        assert_eq!(at(&[3, 4, 5, 6]), Ok(()));
        assert_eq!(at(&[7]), Err(ReplayError::Gap { after: 5, found: 7 }));
        assert_eq!(at(&[6, 8]), Err(ReplayError::Gap { after: 6, found: 8 }));
        assert_eq!(at(&[6, 6]), Err(ReplayError::Gap { after: 6, found: 6 }));
        assert_eq!(at(&[3, 5]), Err(ReplayError::Gap { after: 3, found: 5 }));
    }
}
