//! The command line program: arguments in, exit code out; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyless::cli::run(std::env::args_os())
}
