//! One program that was started, with everything it starts itself.
//!
//! It leads a process group of its own: Ctrl-C at the terminal reaches keyless alone, which decides
//! what ends and when, and what such a program leaves behind can be ended with it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;

use super::groups::Group;
use crate::limits::{CHILD_OUTPUT_BYTES_MAX, CHILD_OUTPUT_WAIT};
use crate::platform::CREDENTIAL_VARIABLES;

/// How often is looked whether a group has ended that was asked to.
const LOOK: Duration = Duration::from_millis(20);

/// A program that runs; dropped, it is killed with its whole group.
pub(super) struct Child {
    process: tokio::process::Child,
    group: Group,
}

/// Why there is no output.
#[derive(Debug)]
pub(super) enum NoOutput {
    /// The pipe or the wait failed.
    Lost(std::io::Error),
    /// It printed more than is read.
    TooLong,
}

/// How a program went that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself when it was asked to.
    Asked,
    /// It had to be killed, or something of its group.
    Killed,
}

impl Child {
    /// Starts a program without an input, and without the credentials of keyless itself.
    pub(super) fn start(
        program: &str,
        arguments: &[String],
        base: &Path,
        variables: &[(String, String)],
    ) -> std::io::Result<Child> {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).current_dir(base);
        for name in CREDENTIAL_VARIABLES {
            command.env_remove(name);
        }
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let process = command.spawn()?;
        let group = Group::led_by(process.id());
        Ok(Child { process, group })
    }

    /// Waits for the end, reading no more than is allowed. Something that it left running in the
    /// background may hold the pipe open; it is not waited for.
    pub(super) async fn output(&mut self) -> Result<(ExitStatus, Vec<u8>), NoOutput> {
        let mut printed = Vec::new();
        let stdout = self.process.stdout.take();
        let read = async {
            match stdout {
                // One byte more than is allowed tells whether there is more.
                Some(stdout) => stdout.take(CHILD_OUTPUT_BYTES_MAX + 1).read_to_end(&mut printed).await,
                None => Ok(0),
            }
        };
        let status = {
            tokio::pin!(read);
            let mut is_read = false;
            loop {
                tokio::select! {
                    done = &mut read, if !is_read => {
                        if done.map_err(NoOutput::Lost)? as u64 > CHILD_OUTPUT_BYTES_MAX {
                            return Err(NoOutput::TooLong);
                        }
                        is_read = true;
                    }
                    status = self.process.wait() => {
                        // Its id may be another program's from here on.
                        self.group.let_go();
                        // What it printed is in the pipe by now.
                        if !is_read && let Ok(done) = tokio::time::timeout(CHILD_OUTPUT_WAIT, read).await {
                            done.map_err(NoOutput::Lost)?;
                        }
                        break status.map_err(NoOutput::Lost)?;
                    }
                }
            }
        };
        if printed.len() as u64 > CHILD_OUTPUT_BYTES_MAX {
            return Err(NoOutput::TooLong);
        }
        self.group.let_go();
        Ok((status, printed))
    }

    /// Asks the whole group to end, and kills what is left of it after that time.
    pub(super) async fn end(mut self, wait: Duration) -> Ended {
        self.group.ask_to_end();
        let begun = Instant::now();
        loop {
            // A program that ended counts as running until its end was taken note of.
            let _ = self.process.try_wait();
            if !self.group.is_alive() {
                self.group.let_go();
                return Ended::Asked;
            }
            if begun.elapsed() >= wait {
                self.group.kill();
                let _ = self.process.wait().await;
                return Ended::Killed;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn start(base: &Path, script: &str) -> Child {
        Child::start("sh", &["-c".to_owned(), script.to_owned()], base, &[]).unwrap()
    }

    /// A pipe with a name, and how it is read to its end: when the last process that holds it is gone.
    fn pipe(base: &Path) -> tokio::task::JoinHandle<String> {
        let path = base.join("held");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            std::fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        })
    }

    #[tokio::test]
    async fn no_more_is_read_than_is_allowed_and_the_whole_group_ends() {
        let base = tempfile::tempdir().unwrap();
        let held = pipe(base.path());
        let mut child = start(base.path(), "exec 3> held; sleep 1000 & echo begun >&3; yes; wait");
        assert!(matches!(child.output().await, Err(NoOutput::TooLong)));
        child.end(Duration::from_secs(60)).await;
        assert_eq!(held.await.unwrap(), "begun\n");
    }

    #[tokio::test]
    async fn what_does_not_end_when_asked_is_killed_with_all_it_started() {
        let base = tempfile::tempdir().unwrap();
        let held = pipe(base.path());
        let mut child = start(base.path(), "trap '' TERM; exec 3> held; sleep 1000 & yes; wait; wait");
        assert!(matches!(child.output().await, Err(NoOutput::TooLong)));
        assert_eq!(child.end(Duration::ZERO).await, Ended::Killed);
        held.await.unwrap();
    }

    #[tokio::test]
    async fn one_that_is_dropped_takes_its_group_with_it() {
        let base = tempfile::tempdir().unwrap();
        let held = pipe(base.path());
        let mut child = start(base.path(), "exec 3> held; sleep 1000 & yes; wait");
        assert!(matches!(child.output().await, Err(NoOutput::TooLong)));
        drop(child);
        held.await.unwrap();
    }

    #[tokio::test]
    async fn a_program_in_the_background_that_keeps_the_pipe_open_is_not_waited_for() {
        let base = tempfile::tempdir().unwrap();
        let held = pipe(base.path());
        assert!(std::process::Command::new("mkfifo").arg(base.path().join("go")).status().unwrap().success());
        let mut child = start(base.path(), "exec 3> held; sh -c 'read -r _ < go' & echo present");
        let (status, printed) = child.output().await.unwrap();
        assert!(status.success());
        assert_eq!(printed, b"present\n");
        drop(child);
        // It was started to stay, so it does, until it gets its line.
        std::fs::write(base.path().join("go"), "go\n").unwrap();
        held.await.unwrap();
    }

    #[tokio::test]
    async fn no_credential_of_keyless_is_handed_down_but_what_is_given_is() {
        let base = tempfile::tempdir().unwrap();
        let given = [("ANTHROPIC_API_KEY".to_owned(), "given".to_owned())];
        let script = ["-c".to_owned(), "echo $ANTHROPIC_API_KEY; env".to_owned()];
        let mut child = Child::start("sh", &script, base.path(), &given).unwrap();
        let (_, printed) = child.output().await.unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.starts_with("given\n"), "{printed}");
        assert!(printed.contains("PATH="), "{printed}");
    }
}
