//! Commands of the user's that look into a place and change it.

use std::path::Path;

use super::child::{Child, Ended, NoOutput};
use super::notice::told;
use crate::lane::Presence;
use crate::limits::{CHILD_END_WAIT, CHILD_OUTPUT_BYTES_MAX, CONSUMER_COMMAND_TIMEOUT};

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
    let mut child = Child::start(program, arguments, base, variables)
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    let seconds = CONSUMER_COMMAND_TIMEOUT.as_secs();
    let slow = || format!("`{program}` still runs; keyless waits {seconds} s at most for its end");
    let output = told(slow, child.output());
    let printed = match tokio::time::timeout(CONSUMER_COMMAND_TIMEOUT, output).await {
        Ok(Ok((status, printed))) if status.success() => printed,
        Ok(Ok((status, _))) => return Err(format!("`{program}` failed: {status}")),
        Ok(Err(NoOutput::Lost(error))) => {
            return Err(format!("what `{program}` printed was lost: {error}"));
        }
        Ok(Err(NoOutput::TooLong)) => {
            let why = format!("`{program}` printed more than {CHILD_OUTPUT_BYTES_MAX} bytes");
            return Err(end(child, &why).await);
        }
        Err(_) => {
            let why = format!("`{program}` did not end within {seconds} s");
            return Err(end(child, &why).await);
        }
    };
    String::from_utf8(printed).map_err(|_| format!("`{program}` printed something that is not text"))
}

/// Ends a program with all it started, and tells why and how.
async fn end(child: Child, why: &str) -> String {
    match child.end(CHILD_END_WAIT).await {
        Ended::Asked => format!("{why} and was ended"),
        Ended::Killed => {
            format!(
                "{why} and was killed, because it or what it started went on for {} s after SIGTERM",
                CHILD_END_WAIT.as_secs()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_prints_without_end_is_ended_and_told() {
        let yes = ["yes".to_owned()];
        let told = run_for_output(&yes, Path::new(".")).await.unwrap_err();
        assert_eq!(told, "`yes` printed more than 1048576 bytes and was ended");
    }

    #[tokio::test]
    async fn a_check_that_fails_says_how() {
        let command = ["sh", "-c", "exit 3"].map(str::to_owned);
        let seen = check(&command, Path::new(".")).await;
        assert_eq!(seen, Presence::Unknown("`sh` failed: exit status: 3".to_owned()));
    }
}
