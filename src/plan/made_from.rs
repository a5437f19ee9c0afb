//! What a plan was made from, for those who read it; apply never branches on it.

use std::collections::BTreeMap;

use keyless_state::{Address, OutputRecord, Record, State};
use serde::{Deserialize, Serialize};

use crate::config::Written;

/// What a plan was made from. A saved plan that has it can be shown without the files and the state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// What the files said.
    pub written: Written,
    /// The recorded objects.
    pub records: BTreeMap<Address, Record>,
    /// The ids of the keys with a recorded lane.
    pub keys: BTreeMap<Address, String>,
    /// The recorded outputs.
    pub outputs: BTreeMap<String, OutputRecord>,
}

impl MadeFrom {
    pub(super) fn new(written: &Written, recorded: &State) -> MadeFrom {
        MadeFrom {
            written: written.clone(),
            records: recorded.records.clone(),
            keys: recorded.lanes.iter().map(|(it, lane)| (it.clone(), lane.key_id.clone())).collect(),
            outputs: recorded.outputs.clone(),
        }
    }
}
