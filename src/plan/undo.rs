//! How a step is taken back, or why it cannot be.

use serde::{Deserialize, Serialize};

/// How a step is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to take back.
    Nothing,
    /// It can be taken back.
    Possible {
        /// How, as a sentence part.
        how: String,
        /// What stays behind all the same; empty when nothing does.
        leaves: String,
    },
    /// It cannot be taken back.
    Impossible {
        /// Why.
        why: String,
    },
}

impl Undo {
    pub(crate) fn possible(how: impl Into<String>) -> Undo {
        Undo::Possible { how: how.into(), leaves: String::new() }
    }

    /// The undo in a few words.
    pub fn describe(&self) -> String {
        match self {
            Undo::Nothing => "nothing to undo".to_owned(),
            Undo::Possible { how, leaves } if leaves.is_empty() => how.clone(),
            Undo::Possible { how, leaves } => format!("{how} (leaves {leaves})"),
            Undo::Impossible { why } => format!("cannot be undone: {why}"),
        }
    }
}
