//! What is recorded about remote objects and lanes, and the small changes that alter it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::{Address, ConsumerId};
use crate::binding::Binding;
use crate::evidence::Evidence;

/// Everything recorded, apart from its identity and order (see [`crate::Snapshot`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Remote objects, by address.
    pub records: BTreeMap<Address, Record>,
    /// Lanes, by the address of their key.
    pub lanes: BTreeMap<Address, LaneRecord>,
    /// What each workload lives off, by [`Binding::id`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bindings: BTreeMap<String, Binding>,
    /// Evidence that still counts, oldest first.
    pub evidence: Vec<Evidence>,
    /// Outputs as of the last apply; a sensitive value is recorded as null.
    pub outputs: BTreeMap<String, OutputRecord>,
}

/// What was recorded about one remote object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The id the API gave the object, such as `fdrl_01…`.
    pub id: String,
    /// How the object came under our care.
    pub origin: Origin,
    /// The object as it was last read back, in the vocabulary of the configuration language.
    pub attributes: Map<String, Value>,
    /// What it refers to; it must be archived before these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
}

/// How a remote object came under our care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We created it, so undoing means archiving it.
    Created,
    /// It was there already and equal to what was asked.
    Adopted,
}

/// What was recorded about one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRecord {
    /// The id of the key, so that a lane cannot silently come to mean another key.
    pub key_id: String,
    /// Consumers that were changed.
    pub consumers: BTreeMap<ConsumerId, ConsumerRecord>,
    /// When we set the key inactive, if we did and it still is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// When we archived the key, if we did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    /// Whether its block is gone while a workload lives off what replaced the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
    /// The last time someone else set the key active again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reactivated_at: Option<Timestamp>,
    /// The last step of a way back in it. Evidence from before that does not count again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_at: Option<Timestamp>,
    /// Whether it stays back until somebody says that it goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Whether what is parked of its key is to go for good, although the key is not archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgets_parked: bool,
    /// Until when its workloads may have used tokens of these service accounts, by id, before they were seen to use
    /// their keys again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, Timestamp>,
}

/// What was done to one consumer, with all that is needed to put it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerRecord {
    /// When federation settings were written beside the key, if we wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_at: Option<Timestamp>,
    /// SHA-256 of the settings written, in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_digest: Option<String>,
    /// When the key was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// What our lines in the place bear, in format 2; a binding has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What the driver needs to put the key back; never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
}

/// What our lines in a consumer bear when they are written for a lane.
pub fn tag(lane: &Address, consumer: &ConsumerId) -> String {
    format!("{lane}/{consumer}")
}

/// One output as of the last apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The value; null when sensitive.
    pub value: Value,
    /// Whether the value is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// One small change of the state; a journal is a list of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Mutation {
    /// Records or replaces a remote object.
    PutRecord {
        /// Whose record.
        address: Address,
        /// The record.
        record: Record,
    },
    /// Forgets a remote object.
    DropRecord {
        /// Whose record.
        address: Address,
    },
    /// Records or replaces a lane.
    PutLane {
        /// Whose lane.
        address: Address,
        /// The lane.
        lane: LaneRecord,
    },
    /// Forgets a lane.
    DropLane {
        /// Whose lane.
        address: Address,
    },
    /// Records or replaces what a workload lives off.
    PutBinding {
        /// [`Binding::id`].
        id: String,
        /// The binding.
        binding: Box<Binding>,
    },
    /// Forgets what a workload lived off.
    DropBinding {
        /// [`Binding::id`].
        id: String,
    },
    /// Remembers a fact; one with the same id is replaced.
    PutEvidence {
        /// The fact.
        evidence: Evidence,
    },
    /// Forgets a fact that newer evidence made pointless.
    DropEvidence {
        /// Its id.
        id: String,
    },
    /// Replaces all outputs.
    SetOutputs {
        /// The outputs.
        outputs: BTreeMap<String, OutputRecord>,
    },
}

impl State {
    /// Carries out one change.
    pub fn apply(&mut self, mutation: &Mutation) {
        match mutation.clone() {
            Mutation::PutRecord { address, record } => {
                self.records.insert(address, record);
            }
            Mutation::DropRecord { address } => {
                self.records.remove(&address);
            }
            Mutation::PutLane { address, lane } => {
                self.lanes.insert(address, lane);
            }
            Mutation::DropLane { address } => {
                self.lanes.remove(&address);
            }
            Mutation::PutBinding { id, binding } => {
                self.bindings.insert(id, *binding);
            }
            Mutation::DropBinding { id } => {
                self.bindings.remove(&id);
            }
            Mutation::PutEvidence { evidence } => {
                match self.evidence.iter_mut().find(|e| e.id == evidence.id) {
                    Some(known) => *known = evidence,
                    None => self.evidence.push(evidence),
                }
            }
            Mutation::DropEvidence { id } => self.evidence.retain(|e| e.id != id),
            Mutation::SetOutputs { outputs } => self.outputs = outputs,
        }
    }
}
