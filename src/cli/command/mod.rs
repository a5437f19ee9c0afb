//! One file per command; what several share is in `connect` and `look`.

mod apply;
mod checkpoint;
mod choices;
mod connect;
mod destroy;
mod doctor;
mod drift;
mod evidence;
mod execute;
mod look;
mod output;
mod plan;
mod rollback;
mod show;
mod simulate;
mod status;
mod validate;
pub(super) mod version;

use std::path::PathBuf;

pub(super) use choices::Choices;
pub(super) use doctor::Doctor;

use super::args::{Arguments, Command};
use super::exit::Exit;
use super::ui::Ui;

/// Runs one command.
pub(super) async fn run(arguments: Arguments, ui: &Ui) -> Exit {
    crate::token::install_crypto();
    let base = arguments.chdir.clone().unwrap_or_else(|| PathBuf::from("."));
    match &arguments.command {
        Command::Validate(arguments) => validate::run(arguments, &base, ui),
        Command::Plan(arguments) => plan::run(arguments, &base, ui).await,
        Command::Apply(arguments) => apply::run(arguments, &base, ui).await,
        Command::Destroy(arguments) => destroy::run(arguments, &base, ui).await,
        Command::Show(arguments) => show::run(arguments, &base, ui),
        Command::Status(arguments) => status::run(arguments, &base, ui).await,
        Command::Output(arguments) => output::run(arguments, &base, ui),
        Command::Drift(arguments) => drift::run(arguments, &base, ui).await,
        Command::Doctor(arguments) => doctor::run(arguments, &base, ui),
        Command::Rollback(arguments) => rollback::run(arguments, &base, ui).await,
        Command::Checkpoint(arguments) => checkpoint::run(arguments, &base, ui),
        Command::Evidence(arguments) => evidence::run(arguments, &base, ui).await,
        Command::Simulate(arguments) => simulate::run(arguments, &base, ui).await,
        Command::Version(arguments) => version::run(arguments, ui),
    }
}
