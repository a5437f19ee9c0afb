//! The variables and files of this machine that say where a store is and who asks it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::call_error::CallError;
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::regular_file;
use crate::secret::Secret;

/// The variables of this process, or those of a test.
#[derive(Clone, Debug, Default)]
pub(super) enum Environment {
    /// Those of this process.
    #[default]
    Process,
    /// These and no others.
    #[cfg(test)]
    These(std::collections::BTreeMap<String, String>),
}

impl Environment {
    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment::These(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    /// A variable without the white space around it; an empty one counts as not set.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = match self {
            Environment::Process => std::env::var(name).ok(),
            #[cfg(test)]
            Environment::These(these) => these.get(name).cloned(),
        };
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The same for a credential.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// The first of these variables that is set.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    /// A file below the home directory.
    pub(super) fn in_home(&self, relative: &str) -> Option<PathBuf> {
        self.first(&["HOME", "USERPROFILE"]).map(|home| Path::new(&home).join(relative))
    }

    /// The credential in the first of these variables; an error that names them otherwise.
    pub(super) fn required_secret(&self, operation: &str, names: &[&str]) -> Result<Secret, CallError> {
        names.iter().find_map(|name| self.secret(name)).ok_or_else(|| {
            let advice =
                format!("Set {}, see docs/consumers.md for the rights it needs.", names.join(" or "));
            CallError::here(operation, "no credential is set", advice)
        })
    }
}

/// Reads a file of credentials; none when it is not there. The text is wiped when it is dropped.
pub(super) fn read_credential_file(
    operation: &str,
    path: &Path,
) -> Result<Option<Zeroizing<String>>, CallError> {
    let fail = |why: String| {
        let advice = "Make it readable, or give the credential in another way that docs/consumers.md lists.";
        CallError::here(operation, format!("{} {why}", path.display()), advice)
    };
    match regular_file::read_text(path, CREDENTIAL_FILE_BYTES_MAX) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(fail(error.to_string())),
    }
}
