//! One state of the model: the truth outside, the record, and a run under way.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{InDoubt, State, Winner};

use crate::apply::schedule::{Schedule, Status};
use crate::lane::Sightings;
use crate::plan::Plan;
use crate::resource::Observed;
use crate::sample;

/// A value with a print of all that it shows, so that comparing it costs nothing.
pub(super) struct Sealed<T> {
    print: u64,
    value: Arc<T>,
}

struct Printer(DefaultHasher);

impl Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

pub(super) fn print(value: &impl fmt::Debug) -> u64 {
    let mut printer = Printer(DefaultHasher::new());
    write!(printer, "{value:?}").expect("hashing does not fail");
    printer.0.finish()
}

impl<T: fmt::Debug> Sealed<T> {
    pub(super) fn new(value: T) -> Sealed<T> {
        Sealed { print: print(&value), value: Arc::new(value) }
    }

    /// Seals a value under the print of the part of it that matters.
    pub(super) fn by(part: &impl fmt::Debug, value: T) -> Sealed<T> {
        Sealed { print: print(part), value: Arc::new(value) }
    }

    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        let mut value = (*self.value).clone();
        edit(&mut value);
        *self = Sealed::new(value);
    }
}

impl<T> Deref for Sealed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Sealed<T> {
        Sealed { print: self.print, value: Arc::clone(&self.value) }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Sealed<T>) -> bool {
        self.print == other.print
    }
}

impl<T> Hash for Sealed<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.print.hash(hasher);
    }
}

impl<T: fmt::Debug> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// What went wrong, by the property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Wrong {
    /// A step of keyless took the last working credential of a consumer.
    Harmed,
    /// A step began that breaks an invariant as the plan checker reads the world.
    Unfounded,
    /// A fresh plan breaks an invariant.
    Plan,
    /// Something that keyless did is not recorded once it has come to rest.
    Lost,
    /// A run ended without a step, and only another run could help.
    Stuck,
    /// A way back did not bring the keys back.
    NotBack,
    /// What a person did to a key was overridden.
    Overridden,
}

/// A consumer as it truly is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Whether the key is in it.
    pub(super) holds_key: bool,
    /// Digest of the federation settings in it; of those that keyless does not write, the rule that they name.
    pub(super) settings: Option<String>,
    /// Whether keyless took the key out.
    pub(super) taken: bool,
    /// The newest report of its workload: the hour, what wins, and the settings of that hour.
    pub(super) report: Option<(i64, Reported, Option<String>)>,
}

/// What wins in a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reported {
    Key,
    Federation,
    Nothing,
}

impl Reported {
    pub(super) fn winner(self) -> Winner {
        match self {
            Reported::Key => Winner::ApiKey,
            Reported::Federation => Winner::Federation,
            Reported::Nothing => Winner::Nothing,
        }
    }
}

/// A key as it truly is, apart from its status.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// End of the last hour in which it was used.
    pub(super) used: Option<i64>,
    /// Whether keyless set it inactive, and nobody changed that since.
    pub(super) ours: bool,
    /// When a person set it active again after keyless had set it inactive.
    pub(super) brought_back: Option<i64>,
    /// When the lane was rolled back, and whether nobody has said since that it goes on.
    pub(super) back: Option<(i64, bool)>,
    /// When a person approved its archive.
    pub(super) approved: Option<i64>,
    pub(super) places: Vec<Place>,
}

/// How often each thing may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Left {
    /// Hours that pass.
    pub(super) hours: u8,
    /// Days that pass.
    pub(super) days: u8,
    /// Crashes.
    pub(super) crashes: u8,
    /// Answers that are lost after the call took effect.
    pub(super) lost: u8,
    /// Calls that fail without effect.
    pub(super) failures: u8,
    /// Changes by hand of a key's status.
    pub(super) status_by_hand: u8,
    /// Keys that a person puts back into a consumer.
    pub(super) keys_put_back: u8,
    /// Rules that a person changes at the API.
    pub(super) rules_by_hand: u8,
    /// Federation settings that a person takes out of a consumer.
    pub(super) settings_by_hand: u8,
    /// Hours among them in which no workload does anything.
    pub(super) idle: u8,
    /// Uses of a key by somebody undeclared.
    pub(super) strangers: u8,
    /// Reports that are withdrawn.
    pub(super) withdrawn: u8,
    /// Ways back.
    pub(super) backs: u8,
    /// Reports of each workload.
    pub(super) reports: u8,
}

/// A run under way: all of it is gone after a crash.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) plan: Sealed<Plan>,
    pub(super) schedule: Schedule,
    pub(super) observed: Sealed<Observed>,
    pub(super) sightings: Sealed<Sightings>,
    pub(super) flying: Vec<String>,
    /// Steps whose answer was lost.
    pub(super) doubts: Vec<String>,
    /// Whether a fault was put into it.
    pub(super) faulted: bool,
    pub(super) done: u8,
}

impl Run {
    fn statuses(&self) -> Vec<Status> {
        self.plan.steps.iter().map(|step| self.schedule.status(&step.id)).collect()
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Run) -> bool {
        let parts = |run: &Run| (run.plan.clone(), run.observed.clone(), run.sightings.clone());
        parts(self) == parts(other)
            && self.statuses() == other.statuses()
            && (&self.flying, &self.doubts) == (&other.flying, &other.doubts)
            && (self.faulted, self.done) == (other.faulted, other.done)
    }
}

impl Hash for Run {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.plan.hash(hasher);
        for status in self.statuses() {
            (status as u8).hash(hasher);
        }
        self.observed.hash(hasher);
        self.sightings.hash(hasher);
        self.flying.hash(hasher);
        self.doubts.hash(hasher);
        self.faulted.hash(hasher);
        self.done.hash(hasher);
    }
}

/// One state of the model.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) struct World {
    pub(super) hour: i64,
    /// Rules whose exchanges the API refuses, in the order of the configuration.
    pub(super) broken: Vec<bool>,
    /// The last hour with traffic through each rule.
    pub(super) traffic: Vec<Option<i64>>,
    pub(super) observed: Sealed<Observed>,
    pub(super) keys: Vec<Key>,
    pub(super) state: Sealed<State>,
    pub(super) doubts: Sealed<Vec<InDoubt>>,
    pub(super) checkpoint: Option<Sealed<State>>,
    pub(super) run: Option<Run>,
    pub(super) left: Left,
    /// Whether the last run ended cleanly and nothing happened since.
    pub(super) rested: bool,
    pub(super) wrong: Option<(Wrong, String)>,
}

/// Runs happen at half past, and use is counted from whole hour to whole hour.
pub(super) fn at(hour: i64) -> Timestamp {
    sample::hour(hour).checked_add(SignedDuration::from_mins(30)).expect("within time")
}
