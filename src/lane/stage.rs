//! The five stages of a lane.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a lane stands, or where a step belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Federation is set up beside the key; the key is not touched.
    Configure,
    /// Every replacing rule is shown to work.
    Verify,
    /// The key is taken out wherever it is used.
    Remove,
    /// Federation is shown to have taken over.
    Confirm,
    /// The key is switched off, and later archived.
    Revoke,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Stage; 5] =
        [Stage::Configure, Stage::Verify, Stage::Remove, Stage::Confirm, Stage::Revoke];

    /// The stage's word in plans and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Configure => "configure",
            Stage::Verify => "verify",
            Stage::Remove => "remove",
            Stage::Confirm => "confirm",
            Stage::Revoke => "revoke",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
