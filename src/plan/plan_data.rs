//! The plan itself: ordered intent as plain, serializable data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId};
use serde::{Deserialize, Serialize};

use super::change::{Action, Change, Drift};
use super::console::ConsoleTask;
use super::guard::Kept;
use super::held::HeldBack;
use super::made_from::MadeFrom;
use super::operation::Operation;
use super::outputs::OutputChange;
use super::refused::Refused;
use super::undo::Undo;
use crate::lane::Stage;

/// An ordered plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What kind of run it is for.
    pub mode: Mode,
    /// When it was made, by the platform's clock.
    pub created_at: Timestamp,
    /// What it was made from; apply refuses it when any of this has moved.
    pub base: Base,
    /// Renamed blocks that took the record of their object over: old and new address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Moved>,
    /// Consumers whose blocks are called otherwise by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers_moved: Vec<MovedConsumer>,
    /// What others changed since the last apply.
    pub drift: Vec<Drift>,
    /// What is to be done with each declared thing.
    pub changes: Vec<Change>,
    /// The lanes as they stand, and what each waits for.
    pub lanes: Vec<LaneView>,
    /// What is to be done, in an order that holds for any number of calls in flight.
    pub steps: Vec<Step>,
    /// Whether outputs change.
    pub outputs_changed: bool,
    /// What becomes of each output.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, OutputChange>,
    /// What is to be done and only a person can do, with all that waits for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<ConsoleTask>,
    /// What nothing is done with because something at the API cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldBack>,
    /// What is not declared any more and stays, since a workload lives off it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// What the files ask for and is refused; nothing is done with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// What it was made from, for those who read it; none in plans that were saved before there was such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<MadeFrom>,
}

/// What kind of run a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Make the world like the configuration.
    Apply,
    /// Take everything back and archive what was created.
    Destroy,
    /// Return to a checkpoint.
    Rollback,
    /// Record what others changed; alter nothing.
    RefreshOnly,
}

impl Mode {
    /// The word of the mode.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Apply => "apply",
            Mode::Destroy => "destroy",
            Mode::Rollback => "rollback",
            Mode::RefreshOnly => "refresh",
        }
    }
}

/// A block that is called otherwise by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The address under which its object was recorded.
    pub from: Address,
    /// The address that it has now.
    pub to: Address,
}

/// A consumer that is called otherwise by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedConsumer {
    /// Its lane as it is called now.
    pub lane: Address,
    /// What it was called.
    pub from: ConsumerId,
    /// What it is called now.
    pub to: ConsumerId,
}

/// What a plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The state's identity; none before there is one.
    pub lineage: Option<String>,
    /// The state's order.
    pub serial: u64,
    /// The organization.
    pub organization_id: String,
    /// SHA-256 of the effective configuration.
    pub configuration_digest: String,
    /// SHA-256 of the observed objects that the plan is about.
    pub observed_digest: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique within the plan, such as `remove/api_key.ci/dotenv.app`.
    pub id: String,
    /// The stage it belongs to.
    pub stage: Stage,
    /// The lane whose gate it has to pass; none for steps that no gate guards.
    pub lane: Option<Address>,
    /// What it does.
    pub operation: Operation,
    /// Ids of the steps that must be done before.
    pub after: Vec<String>,
    /// How it is taken back.
    pub undo: Undo,
}

/// A lane as a plan shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneView {
    /// The key.
    pub address: Address,
    /// `apikey_…`.
    pub key_id: String,
    /// The rules that replace it.
    pub replaced_by: Vec<Address>,
    /// The key's status; `unknown` when the API does not list it.
    pub key_status: String,
    /// The stage it is in.
    pub stage: Stage,
    /// How it stands.
    pub standing: Standing,
    /// What is missing.
    pub needs: Vec<NeedView>,
    /// What speaks against going on.
    pub refusals: Vec<RefusalView>,
    /// The stages that this plan's steps cover.
    pub moves: Vec<Stage>,
    /// What was seen that supports the evidence, one sentence each without a full stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
    /// Whether a place has lost its key again, after a way back, and has nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,
    /// Its consumers that are files of variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// Where its key is parked in plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<ParkedView>,
}

/// A place in which a key is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedView {
    /// The consumer.
    pub consumer: ConsumerId,
    /// The file, relative to the configuration directory.
    pub path: String,
    /// The lines, from 1.
    pub lines: Vec<usize>,
}

/// A file of variables as a plan shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// The consumer.
    pub consumer: ConsumerId,
    /// The file, relative to the configuration directory.
    pub path: String,
    /// By whose grammar it is read: `dotenv`, `shell`, `direnv` or `systemd`.
    pub format: String,
}

impl LaneView {
    /// Whether its key is out of use.
    pub fn is_revoked(&self) -> bool {
        matches!(self.key_status.as_str(), "inactive" | "archived" | "expired")
    }

    /// Whether a place of a lane that is done, or was taken back, is not as keyless left it.
    pub fn is_disturbed(&self) -> bool {
        let lacks = self.needs.iter().any(|need| need.consumer.is_some());
        self.bare || self.is_revoked() && (self.standing == Standing::Refused || lacks)
    }
}

/// How a lane stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum Standing {
    /// Its next step can run.
    Ready,
    /// Evidence is not in yet.
    Waiting,
    /// Evidence speaks against it.
    Refused,
    /// It was rolled back, and stays so until somebody says that it goes on.
    Held,
    /// It has reached its end, for the reason given.
    Finished(String),
}

impl Standing {
    /// The word of the standing.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::Waiting => "waiting",
            Standing::Refused => "refused",
            Standing::Held => "held",
            Standing::Finished(_) => "finished",
        }
    }
}

/// A missing piece of evidence, as a plan shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeedView {
    /// What is missing.
    pub what: String,
    /// Who can supply it: `engine`, `workload`, `person` or `time`.
    pub supplier: String,
    /// The earliest time it can be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Timestamp>,
    /// The consumer it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<ConsumerId>,
    /// A command or text that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Something that speaks against going on, as a plan shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalView {
    /// What was seen and why it matters.
    pub why: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How to mend it.
    pub fix: String,
}

impl Plan {
    /// The lanes whose places are not as keyless left them.
    pub fn disturbed(&self) -> impl Iterator<Item = &LaneView> {
        self.lanes.iter().filter(|lane| lane.is_disturbed())
    }

    /// Tells whether applying it would do nothing.
    pub fn is_empty(&self) -> bool {
        let notes_drift = self.mode == Mode::RefreshOnly && !self.drift.is_empty();
        self.steps.is_empty() && !self.outputs_changed && !notes_drift
    }

    /// How many things are added, changed and destroyed, as Terraform counts.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count =
            |wanted: &[Action]| self.changes.iter().filter(|change| wanted.contains(&change.action)).count();
        (count(&[Action::Create]), count(&[Action::Update]), count(&[Action::Archive]))
    }
}
