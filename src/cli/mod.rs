//! The shell: arguments, files, clock, streams, exit codes.

mod args;
mod command;
mod exit;
mod help;
mod session;
mod signals;
mod store;
mod ui;
mod variables;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::consumer;

use args::{Arguments, Command};
pub use exit::Exit;
use ui::Ui;

/// Runs the program with these arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = args::long_flags(arguments);
    let no_color = arguments.iter().any(|argument| argument == "--no-color");
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = !error.use_stderr();
            let ui = Ui::new(no_color);
            help::print(error, &ui);
            let asked = asked && matches!(ui.exit(Exit::Done), Exit::Done);
            // clap's own code 2 means changes here, so a usage error is an error like any other.
            return if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let ui = Ui::new(arguments.no_color);
    if let Command::Version(version) = &arguments.command {
        return ui.exit(command::version::run(version, &ui)).into();
    }
    start_logs();
    signals::listen();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&format!("the program could not start its workers: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(command::run(arguments, &ui));
    consumer::end_all();
    // A look into a consumer that hangs must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    ui.exit(exit).into()
}

/// Logs go to standard error, and only when asked for with `KEYLESS_LOG`. They are kept in files and sent to
/// programs, so they have no color.
fn start_logs() {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("KEYLESS_LOG") else { return };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(|| ui::LogWriter)
        .try_init();
}
