//! One saved version of the state: identity, order and format.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::State;

/// The format version that this program writes.
pub const FORMAT_VERSION: u32 = 3;

/// One saved version of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the on-disk format.
    pub format_version: u32,
    /// Version of the program that wrote it, for messages only.
    pub keyless_version: String,
    /// Identity: made once, never changed. Two states of different lineage never mix.
    pub lineage: String,
    /// Order: grows by one with each save within a lineage. 0 before the first save.
    pub serial: u64,
    /// The organization whose objects are recorded, once the API has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// The sequence number of the last journal entry that is contained.
    pub journal_seq: u64,
    /// What is recorded.
    pub state: State,
}

/// A point to which rollback may return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Unique within a lineage, such as `3-before-revoke-api_key.ci`.
    pub name: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Why, in words for people.
    pub reason: String,
    /// The lane it belongs to; none for one that covers a whole apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<crate::Address>,
    /// The serial of the snapshot that the apply started from.
    pub serial: u64,
    /// What was recorded then.
    pub state: State,
}
