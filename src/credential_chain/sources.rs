//! Where a credential can come from, as data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::secret::Secret;

use super::traits::Traits;

/// Everything that a client looks at before its first request.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What the program passes to the client's constructor, or types as flags.
    pub arguments: Arguments,
    /// The environment.
    pub variables: BTreeMap<String, Secret>,
    /// Files by path. A file that is not here does not exist.
    pub files: BTreeMap<PathBuf, File>,
    /// The working directory, where Claude Code looks for a project's settings.
    pub directory: PathBuf,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// Credentials in code, or on the command line for `ant`.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// `api_key=`, `apiKey`, `WithAPIKey`, `--api-key`.
    pub api_key: Option<Secret>,
    /// `auth_token=`, `authToken`, `WithAuthToken`, `--auth-token`.
    pub auth_token: Option<Secret>,
    /// `profile=`, `profile`, `WithProfile`, `--profile`.
    pub profile: Option<String>,
}

/// A file as it was found.
#[derive(Clone, Debug)]
pub struct File {
    /// The content; None when the file is there but cannot be read as text.
    pub text: Option<Secret>,
    /// Permission bits; of the link's target for a link.
    pub mode: u32,
    /// Whether it is a symbolic link.
    pub symlink: bool,
}

impl File {
    /// A plain file that only its owner can read and write.
    pub fn private(text: impl Into<String>) -> File {
        File { text: Some(Secret::new(text)), mode: 0o600, symlink: false }
    }
}

impl Sources {
    /// A variable as it is set, empty or not.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(Secret::expose)
    }

    /// A variable that is set to something, as this client reads it.
    pub(super) fn value(&self, traits: &Traits, name: &str) -> Option<&str> {
        let text = self.raw(name)?;
        let text = if traits.trims { text.trim() } else { text };
        (!text.is_empty()).then_some(text)
    }

    /// A file that exists.
    pub(super) fn file(&self, path: &Path) -> Option<&File> {
        self.files.get(path)
    }

    /// The text of a file that exists and can be read.
    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        self.file(path)?.text.as_ref().map(Secret::expose)
    }
}

/// The line, from 1, in which a field first stands in a JSON text.
pub(super) fn line_of(text: &str, field: &str) -> Option<usize> {
    let quoted = format!("\"{field}\"");
    text.lines().position(|line| line.contains(&quoted)).map(|at| at + 1)
}
