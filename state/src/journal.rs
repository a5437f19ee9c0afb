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
pub fn replay(base: &State, base_seq: u64, entries: &[Entry]) -> Result<Replay, ReplayError> {
    let mut state = base.clone();
    let mut steps: BTreeMap<(String, String), StepStatus> = BTreeMap::new();
    let mut announced: Vec<InDoubt> = Vec::new();
    let mut ended = true;
    let mut last = base_seq;
    for entry in entries.iter().filter(|entry| entry.seq > base_seq) {
        if entry.seq != last + 1 {
            return Err(ReplayError::Gap { after: last, found: entry.seq });
        }
        last = entry.seq;
        ended = matches!(entry.event, Event::RunEnded);
        match &entry.event {
            Event::StepStarted { step, .. }
            | Event::StepDone { step, .. }
            | Event::StepFailed { step, .. } => {
                let id = (entry.run.clone(), step.clone());
                let next = StepStatus::next(steps.get(&id).copied(), &entry.event).ok_or_else(|| {
                    ReplayError::Illegal { seq: entry.seq, run: entry.run.clone(), step: step.clone() }
                })?;
                steps.insert(id, next);
                announced.retain(|known| !(known.run == entry.run && known.step == *step));
                if let Event::StepStarted { operation, .. } = &entry.event {
                    announced.push(InDoubt {
                        run: entry.run.clone(),
                        step: step.clone(),
                        operation: operation.clone(),
                    });
                }
                if let Event::StepDone { changes, .. } = &entry.event {
                    changes.iter().for_each(|change| state.apply(change));
                }
            }
            Event::Recorded { changes } => changes.iter().for_each(|change| state.apply(change)),
            Event::RunStarted { .. } | Event::CheckpointTaken { .. } | Event::RunEnded => {}
        }
    }
    Ok(Replay { state, in_doubt: announced, ended })
}
