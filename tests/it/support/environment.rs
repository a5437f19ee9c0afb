//! A directory with a configuration, in which the program runs sealed off.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Run;
use super::contract::{Record, Sender};

const ONE_LANE: [(&str, &str); 2] = [
    ("main.keyless.hcl", include_str!("../fixtures/one-lane/main.keyless.hcl")),
    ("acme.json", include_str!("../fixtures/one-lane/acme.json")),
];

const HASTE: &str = "\n    retry_wait   = \"1ms\"";
const EARLY: &str = "\n    call_timeout = \"1s\"";

/// A temporary directory; the program sees no variable of this machine but `PATH`.
pub(crate) struct Environment {
    /// What was said to a simulator; judged first, while its directory is there.
    record: Record,
    is_recorded: bool,
    _beside: TempDir,
    directory: TempDir,
}

impl Environment {
    fn empty() -> Environment {
        let beside = TempDir::new().unwrap();
        let record = Record { path: beside.path().join("traffic.jsonl"), sender: Sender::Client };
        Environment { record, is_recorded: true, _beside: beside, directory: TempDir::new().unwrap() }
    }

    /// An environment of these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Environment {
        let environment = Environment::empty();
        for (name, text) in files {
            environment.write(name, text);
        }
        environment
    }

    /// One key with one consumer, a file of variables.
    pub(crate) fn one_lane() -> Environment {
        Environment::with(&ONE_LANE)
    }

    /// Two keys: that of [`Environment::one_lane`], and one that commands take out.
    pub(crate) fn two_lanes() -> Environment {
        let environment = Environment::one_lane();
        environment.write("batch.keyless.hcl", include_str!("../fixtures/one-lane/batch.keyless.hcl.txt"));
        environment.write("remove.sh", include_str!("../fixtures/one-lane/remove.sh"));
        environment
    }

    /// A copy of an example.
    pub(crate) fn example(name: &str) -> Environment {
        let environment = Environment::empty();
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name),
            environment.directory.path(),
        );
        environment
    }

    /// Another one that looks the same now, the recorded state included.
    pub(crate) fn copied(&self) -> Environment {
        let environment = Environment::empty();
        copy_all(self.directory.path(), environment.directory.path(), &[]);
        environment
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Replaces a text that must be in the file.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "no {from:?} in {name}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// The same without a record of the traffic, which takes as long to write and judge as a run.
    pub(crate) fn unrecorded(self) -> Environment {
        Environment { is_recorded: false, ..self }
    }

    /// Lets the program wait no longer than a test has to.
    #[track_caller]
    pub(crate) fn hasten(&self) {
        self.edit("main.keyless.hcl", "skip_waits   = true", &format!("skip_waits   = true{HASTE}"));
    }

    /// Lets the program, once it has been hastened, give up a call that nobody answers.
    #[track_caller]
    pub(crate) fn give_up_early(&self) {
        self.edit("main.keyless.hcl", HASTE, &format!("{HASTE}{EARLY}"));
    }

    /// Takes back [`Environment::give_up_early`].
    #[track_caller]
    pub(crate) fn be_patient_again(&self) {
        self.edit("main.keyless.hcl", EARLY, "");
    }

    /// Makes a pipe with a name, on which a test and a script wait for each other.
    pub(crate) fn pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    /// The program with these arguments, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyless"));
        command.args(arguments).current_dir(self.directory.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.directory.path()).env("USER", "tester");
        if self.is_recorded {
            command.env("KEYLESS_SIMULATOR_TRAFFIC", &self.record.path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end. The words of `line` are the arguments.
    #[track_caller]
    pub(crate) fn keyless(&self, line: &str) -> Run {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.ended(self.command(arguments))
    }

    #[track_caller]
    pub(crate) fn ended(&self, mut command: Command) -> Run {
        self.finished(command.spawn().unwrap())
    }

    #[track_caller]
    pub(crate) fn finished(&self, child: std::process::Child) -> Run {
        Run::new(child.wait_with_output().unwrap(), self.directory.path().display().to_string())
    }

    /// Applies in a fixed order, and demands that nothing is left to do then.
    #[track_caller]
    pub(crate) fn apply(&self) -> Run {
        let run = self.keyless("apply -auto-approve -parallelism=1").exits(0);
        self.keyless("plan -detailed-exitcode").exits(0);
        run
    }

    /// What was said to simulators so far, a line for each call.
    #[track_caller]
    pub(crate) fn traffic(&self) -> String {
        std::fs::read_to_string(&self.record.path).unwrap()
    }

    /// The simulated organization as it was saved.
    #[track_caller]
    pub(crate) fn world(&self) -> Value {
        serde_json::from_str(&self.read(".keyless/simulator/world.json")).unwrap()
    }

    /// The recorded state without what tells runs apart.
    #[track_caller]
    pub(crate) fn state(&self) -> Value {
        serde_json::from_str::<Value>(&self.read(".keyless/state.json")).unwrap()["state"].take()
    }

    /// A lane of `status -json`.
    #[track_caller]
    pub(crate) fn lane(&self, address: &str) -> Value {
        let status = self.keyless("status -json").exits(0).json();
        let lanes = status["lanes"].as_array().unwrap();
        lanes.iter().find(|lane| lane["address"] == address).unwrap_or_else(|| panic!("{status:#}")).clone()
    }
}

fn copy(from: &Path, to: &Path) {
    // A demonstration run in the source tree leaves its state there, which is no part of it.
    copy_all(from, to, &[".keyless"]);
}

fn copy_all(from: &Path, to: &Path, but: &[&str]) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if but.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target, but);
            std::fs::set_permissions(&target, entry.metadata().unwrap().permissions()).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
