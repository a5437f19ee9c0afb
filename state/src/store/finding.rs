//! What is wrong in the folder and stops nothing, found by looking alone.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::journal::{Entry, Event};
use crate::store::error::StoreError;
use crate::store::{checkpoint_file, journal_file};

/// Something in the folder that is not as the program left it. The state is whole without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The journal ends in half an entry.
    TornEnd {
        /// The journal.
        path: PathBuf,
        /// How long the half is, in bytes.
        bytes: u64,
    },
    /// A checkpoint that a journal tells of is gone.
    CheckpointMissing {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// A journal that was put away is not as it was written.
    HistoryDamaged {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::TornEnd { path, bytes } => write!(
                f,
                "{} ends in {bytes} bytes that are no whole entry. If a run was killed while it wrote, nothing \
                 it relied on is lost, and the next command that records something cuts them off. If the file \
                 was cut by anything else, restore it from a copy before that: what was recorded behind the cut \
                 since the last save is known nowhere else",
                path.display()
            ),
            Finding::CheckpointMissing { name, path } => write!(
                f,
                "the checkpoint {name} was taken, and its file {} is gone, so nothing can return to it. Restore \
                 the file from a copy of the folder; `keyless checkpoint list` shows what is left",
                path.display()
            ),
            Finding::HistoryDamaged { path, reason } => write!(
                f,
                "{} is damaged {reason}. What is recorded now is whole without it; what is lost is the past, and \
                 an older state could no longer be brought up to date. Restore the file from a copy of the \
                 folder, or move it aside",
                path.display()
            ),
        }
    }
}

/// Looks for everything that stops nothing, without the lock. What stops is an error of [`crate::read`].
///
/// # Errors
/// Where a file or folder cannot be read, or is of another store or program.
pub fn inspect(dir: &Path) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    for path in journal_file::put_away_files(dir)? {
        match journal_file::read_whole(path) {
            Ok(found) => entries.extend(found),
            Err(StoreError::JournalDamaged { path, offset, reason }) => {
                let reason = format!("at byte {offset}: {reason}");
                findings.push(Finding::HistoryDamaged { path, reason });
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(journal) = journal_file::read(dir)? {
        if journal.torn > 0 {
            findings.push(Finding::TornEnd { path: journal.path, bytes: journal.torn });
        }
        entries.extend(journal.entries);
    }
    for entry in entries {
        let Event::CheckpointTaken { name } = entry.event else { continue };
        let path = checkpoint_file::path(dir, &name);
        if !path.exists() {
            findings.push(Finding::CheckpointMissing { name, path });
        }
    }
    Ok(findings)
}
