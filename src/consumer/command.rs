//! Commands of the user's that look into a place and change it.

use std::path::Path;
use std::process::Stdio;

use crate::lane::Presence;
use crate::limits::CONSUMER_COMMAND_TIMEOUT;

/// Runs the check; it prints `present` or `absent`.
pub(super) async fn check(command: &[String], base: &Path) -> Presence {
    match run_for_output(command, base).await {
        Err(message) => Presence::Unknown(message),
        Ok(output) => match output.trim() {
            "present" => Presence::Present,
            "absent" => Presence::Absent,
            _ => Presence::Unknown("the check printed neither `present` nor `absent`".to_owned()),
        },
    }
}

/// Runs a command that changes something.
pub(super) async fn run(command: &[String], base: &Path) -> Result<(), String> {
    run_for_output(command, base).await.map(|_| ())
}

/// Runs a command and returns its standard output. The output is not repeated in any error: it
/// could hold the key.
pub(crate) async fn run_for_output(command: &[String], base: &Path) -> Result<String, String> {
    run_with(command, base, &[]).await
}

/// The same, with variables beside those of this process.
pub(super) async fn run_with(
    command: &[String],
    base: &Path,
    variables: &[(String, String)],
) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("the command is empty")?;
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(base)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(CONSUMER_COMMAND_TIMEOUT, child).await {
        Err(_) => Err(format!("`{program}` did not end within {} s", CONSUMER_COMMAND_TIMEOUT.as_secs())),
        Ok(Err(error)) => Err(format!("`{program}` could not be started: {error}")),
        Ok(Ok(output)) if !output.status.success() => Err(format!("`{program}` failed: {}", output.status)),
        Ok(Ok(output)) => String::from_utf8(output.stdout)
            .map_err(|_| format!("`{program}` printed something that is not text")),
    }
}
