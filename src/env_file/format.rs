//! By whose grammar a file is read.

use std::path::Path;

/// By whose grammar a file of `NAME=value` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The libraries called dotenv, and Compose's `env_file`. What they read differently is refused.
    Dotenv,
    /// A shell of the Bourne family sources it.
    Shell,
    /// direnv's `.envrc`: a shell script whose exported variables count.
    Direnv,
    /// systemd's `EnvironmentFile`.
    Systemd,
}

/// Names of files that shells source by themselves.
const SHELL_NAMES: [&str; 12] = [
    ".bash_login",
    ".bash_profile",
    ".bashrc",
    ".kshrc",
    ".profile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "bash.bashrc",
    "profile",
    "zshenv",
];

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Dotenv, Format::Shell, Format::Direnv, Format::Systemd];

    /// The name that the language has for it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Dotenv => "dotenv",
            Format::Shell => "shell",
            Format::Direnv => "direnv",
            Format::Systemd => "systemd",
        }
    }

    /// The format that a name stands for.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What a file's path says about who reads it; `dotenv` where it says nothing.
    pub fn guess(path: &Path) -> Format {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_below = |folder: &str| path.parent().is_some_and(|parent| parent.ends_with(folder));
        let ends = |extension: &str| path.extension().is_some_and(|it| it == extension);
        if name == ".envrc" || name.starts_with(".envrc.") || ends("envrc") {
            Format::Direnv
        } else if ["sh", "bash", "zsh", "ksh"].into_iter().any(ends) || SHELL_NAMES.contains(&&*name) {
            Format::Shell
        } else if ["etc/default", "etc/sysconfig", "environment.d"].into_iter().any(is_below) {
            Format::Systemd
        } else {
            Format::Dotenv
        }
    }

    /// Whether a variable has to be exported to reach the program.
    pub(super) fn wants_export(self) -> bool {
        matches!(self, Format::Shell | Format::Direnv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_who_reads_the_file() {
        for (path, expected) in [
            (".env", Format::Dotenv),
            ("app/.env.production", Format::Dotenv),
            ("app/settings", Format::Dotenv),
            ("app/.envrc", Format::Direnv),
            (".envrc.local", Format::Direnv),
            ("deploy/env.sh", Format::Shell),
            ("/home/ci/.bashrc", Format::Shell),
            ("/etc/profile", Format::Shell),
            ("/etc/default/worker", Format::Systemd),
            ("/etc/sysconfig/worker", Format::Systemd),
            ("/home/a/.config/environment.d/50-claude.conf", Format::Systemd),
            ("default/worker", Format::Dotenv),
        ] {
            assert_eq!(Format::guess(Path::new(path)), expected, "{path}");
        }
        for format in Format::ALL {
            assert_eq!(Format::named(format.name()), Some(format));
        }
    }
}
