//! How a saved plan departs from the one that would be made now.

use std::fmt;

use keyless_state::Address;
use serde::Serialize;
use serde_json::Value;

use crate::lane::Stage;

/// One way in which a saved plan departs from the one that would be made now.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// Where.
    pub place: Place,
    /// How.
    pub how: How,
}

/// The part of a saved plan that departs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A step, by its id.
    Step(String),
    /// A lane as it is shown.
    Lane(Address),
    /// The change that is shown of a declared thing.
    Change(Address),
    /// What others are said to have done to a declared thing.
    Drift(Address),
    /// The renamed blocks.
    Moves,
}

/// How a part of a saved plan departs.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// A plan made now does not have it.
    NotDue {
        /// Whether evidence is what brings it into a plan.
        on_evidence: bool,
        /// What its lane waits for now, and what speaks against it.
        lacking: Vec<String>,
    },
    /// A field has another value.
    Differs {
        /// The field, such as `operation.arguments.matching.subject_prefix`.
        field: String,
        /// What the file says.
        saved: Value,
        /// What a plan made now says.
        fresh: Value,
    },
    /// It does not wait for steps that go before.
    Unwaited(Vec<String>),
    /// Steps that go before are left out, and they are not done.
    LeftOut(Vec<String>),
    /// It comes after a step that it comes before now.
    After(String),
    /// The file does not show it.
    Hidden,
    /// The stages that are shown are not those of the steps.
    Stages {
        /// The stages that the file shows.
        shown: Vec<Stage>,
        /// The stages of the lane's own steps in the file.
        covered: Vec<Stage>,
    },
    /// The file shows all of it, and does it without these steps.
    Part(Vec<String>),
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Step(id) => write!(f, "step {id}: ")?,
            Place::Lane(address) => write!(f, "the lane {address} as it is shown: ")?,
            Place::Change(address) => write!(f, "the change of {address} as it is shown: ")?,
            Place::Drift(address) => write!(f, "what others did to {address}: ")?,
            Place::Moves => write!(f, "the renamed blocks: ")?,
        }
        match &self.how {
            How::NotDue { on_evidence: false, .. } => write!(f, "a plan made now does not have it"),
            How::NotDue { lacking, .. } => {
                write!(f, "a plan made now does not have it: its evidence has aged or was withdrawn")?;
                match &lacking[..] {
                    [] => Ok(()),
                    lacking => write!(f, " ({})", lacking.join("; ")),
                }
            }
            How::Differs { field, saved, fresh } => {
                write!(f, "{field} is {}, and {} in a plan made now", said(saved), said(fresh))
            }
            How::Unwaited(before) => write!(f, "it does not wait for {}", before.join(", ")),
            How::LeftOut(before) => {
                write!(
                    f,
                    "it waits for {}, which the file leaves out and which is not done",
                    before.join(", ")
                )
            }
            How::After(other) => write!(f, "it comes after {other}, and before it in a plan made now"),
            How::Hidden => write!(f, "the file leaves it out"),
            How::Stages { shown, covered } => {
                write!(f, "it moves through {}, and the file has steps of {}", listed(shown), listed(covered))
            }
            How::Part(missing) => {
                write!(f, "the file shows all of it and leaves out {}", missing.join(", "))
            }
        }
    }
}

fn listed(stages: &[Stage]) -> String {
    let words: Vec<String> = stages.iter().map(Stage::to_string).collect();
    if words.is_empty() { "no stage".to_owned() } else { words.join(", ") }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    }
}

/// A departure for each field in which two things of one type differ.
pub(super) fn differences<T: Serialize>(place: &Place, saved: &T, fresh: &T, found: &mut Vec<Departure>) {
    let plain = |it: &T| serde_json::to_value(it).expect("a plan is plain data");
    descend(place, String::new(), &plain(saved), &plain(fresh), found);
}

fn descend(place: &Place, path: String, saved: &Value, fresh: &Value, found: &mut Vec<Departure>) {
    if saved == fresh {
        return;
    }
    if let (Value::Object(saved), Value::Object(fresh)) = (saved, fresh) {
        let only_fresh = fresh.keys().filter(|name| !saved.contains_key(*name));
        for name in saved.keys().chain(only_fresh) {
            let of = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            descend(place, path, &of(saved), &of(fresh), found);
        }
        return;
    }
    let how = How::Differs { field: path, saved: saved.clone(), fresh: fresh.clone() };
    found.push(Departure { place: place.clone(), how });
}
