//! From configuration, state and what was observed to an ordered plan.
//!
//! A plan is plain data: it can be shown, saved, approved and applied exactly as shown. Building
//! it is pure. What a plan may never do is judged by `lane`, and again when a step is about to run.

mod archive;
mod archive_order;
mod attributes;
mod attribution;
mod build;
mod change;
mod console;
mod declared;
mod diff;
mod file;
mod guard;
mod held;
mod lanes;
mod made_from;
mod moves;
mod operation;
mod outputs;
mod plan_data;
mod refused;
mod settings;
mod stale;
mod undo;
mod workspace;

pub use attributes::{Attributes, api_key, issuer, rule, service_account};
pub use attribution::attribute;
pub(crate) use build::step_id;
pub use build::{PlanInput, build, build_back};
pub use change::{Action, Change, Drift, Reason};
pub use console::{ConsoleTask, MANAGED_SCOPES, cautions};
pub use declared::issuer_arguments;
pub use diff::{Diff, diff};
pub use file::{PlanFileError, SecretInPlan, decode, encode, refuse_secrets};
pub use guard::{Kept, Scene, cut_off, not_used_yet, successions, until_used};
pub use held::{Cause, HeldBack};
pub use made_from::MadeFrom;
pub use moves::{follow, lane_today, moves};
pub use operation::{Operation, OperationTarget};
pub use outputs::{OutputChange, recordable};
pub use plan_data::{
    Base, LaneView, Mode, Moved, MovedConsumer, NeedView, Plan, RefusalView, Standing, Step,
};
pub use refused::{Refused, refusals};
pub use settings::{FEDERATION_VARIABLES, federation_settings, settings_digest, wanted_settings};
pub use stale::refuse_stale;
pub use undo::Undo;
pub use workspace::workspace_for;
