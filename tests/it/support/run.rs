//! What one run of the program gave.

use std::sync::LazyLock;

use regex::Regex;

use super::plan_document;

/// Streams and exit code of a run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    directory: String,
}

impl Run {
    /// Takes the output of a process over. No output whatsoever may show a credential, and a plan printed as JSON
    /// is as its schema says.
    #[track_caller]
    pub(crate) fn new(output: std::process::Output, directory: String) -> Run {
        static SECRET: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new("sk-ant-[a-z]+[0-9]+-[A-Za-z0-9_-]{8}|-----BEGIN|eyJ[A-Za-z0-9_-]{20}").unwrap()
        });
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        for stream in [&stdout, &stderr] {
            assert!(!SECRET.is_match(stream), "a credential is in the output:\n{stream}");
        }
        plan_document::judge(&stdout);
        Run { stdout, stderr, code: output.status.code(), directory }
    }

    /// Demands an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{}", self.told());
        self
    }

    /// Demands words in what was told, on either stream.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Run {
        assert!(
            self.stdout.contains(words) || self.stderr.contains(words),
            "no {words:?} in\n{}",
            self.told()
        );
        self
    }

    /// Demands that these words were not said.
    #[track_caller]
    pub(crate) fn lacks(self, words: &str) -> Run {
        assert!(!self.told().contains(words), "it says {words:?}:\n{}", self.told());
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.told()))
    }

    /// Both streams and the exit code, with everything masked that differs from run to run.
    pub(crate) fn told(&self) -> String {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let whole = format!("{}--- stderr\n{}--- exit {code}", self.stdout, self.stderr);
        let masks = [
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            (r"\b01[0-9A-HJKMNP-TV-Z]{24}\b", "ULID"),
            (r"tester@[^\s,;)]+", "tester@HOST"),
            (r"\bpid \d+|process \d+", "process PID"),
            (r"Process:   \d+", "Process:   PID"),
            (r"Created:   \S+", "Created:   TIME"),
            (r"tries again at \S+", "tries again at TIME"),
            // The lists are read side by side, and any of them may be the first to fail.
            (r"could not (list|read) [^:]+: no connection", "could not READ: no connection"),
            (r"\(GET /v1/organizations/\w+\)", "(GET PATH)"),
        ];
        masks.iter().fold(whole.replace(&self.directory, "DIRECTORY"), |text, (pattern, mask)| {
            Regex::new(pattern).unwrap().replace_all(&text, *mask).into_owned()
        })
    }
}
