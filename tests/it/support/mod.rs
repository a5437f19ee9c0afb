//! The environment of a scenario, what a run of the program gave, and who else takes part.

pub(crate) mod contract;
mod environment;
pub(crate) mod plan_document;
mod run;
mod scripted_api;
mod simulator;
#[path = "../../../src/consumer/tests/server.rs"]
#[allow(dead_code, reason = "the drivers' own tests use more of it")]
mod store;

pub(crate) use environment::Environment;
pub(crate) use run::Run;
pub(crate) use scripted_api::{ScriptedApi, answer};
pub(crate) use simulator::Simulator;
pub(crate) use store::{Answer, Asked, Server};

/// Compares everything that a run told with the snapshot of this name.
macro_rules! told {
    ($name:literal, $run:expr) => {
        insta::assert_snapshot!($name, $run.told())
    };
}
