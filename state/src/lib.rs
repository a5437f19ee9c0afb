//! Everything that keyless records, and nothing else.
//!
//! This crate knows no HCL, no HTTP and no plan. In reading order:
//!
//! * [`address`]: the names of declared things;
//! * [`evidence`]: recorded facts;
//! * [`binding`]: what each workload lives off;
//! * [`state`]: records, lanes, and the small changes that alter them;
//! * [`journal`]: what an apply began and how it ended, and how to replay it;
//! * [`credential_text`]: what looks like a credential, which is never recorded;
//! * [`snapshot`]: one saved version, and checkpoints;
//! * [`store`]: the folder on the disk that holds all of it, and its lock.

pub mod address;
pub mod binding;
pub mod credential_text;
pub mod evidence;
pub mod journal;
pub mod rename;
mod snapshot;
pub mod state;
pub mod store;

pub use address::{Address, AddressError, ConsumerId, Kind};
pub use binding::{Binding, Ended, Grant, Identity, Written};
pub use evidence::{Evidence, Fact, Shadow, Weight, Winner};
pub use journal::{Entry, Event, InDoubt, Progress, Replay, ReplayError, StepStatus, replay};
pub use rename::{ConsumerRenames, Renames, then};
pub use snapshot::{Checkpoint, FORMAT_VERSION, Snapshot};
pub use state::{ConsumerRecord, LaneRecord, Mutation, Origin, OutputRecord, Record, State, tag};
pub use store::{
    Finding, LockInfo, LockRequest, Repair, Store, StoreError, Version, View, force_unlock, inspect, read,
};
