//! What the store put right by itself.

use std::fmt;
use std::path::PathBuf;

/// Something the store put right by itself, for the user to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A crash left half an entry at the end of the journal; it was cut off.
    TornEnd {
        /// The journal.
        path: PathBuf,
        /// How much was cut off, in bytes.
        bytes: u64,
    },
    /// The database of the history could not be used and was built anew.
    HistoryRebuilt {
        /// The database.
        path: PathBuf,
        /// What was wrong with it.
        reason: String,
        /// Where the old one is now.
        aside: PathBuf,
    },
    /// Others could reach the folder, and no longer can.
    Narrowed {
        /// The folder of the store.
        path: PathBuf,
        /// How many files and folders were narrowed.
        count: usize,
    },
    /// Others can reach a file, which could not be changed.
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// The reason the system gave.
        reason: String,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::TornEnd { path, bytes } => write!(
                f,
                "An earlier run was cut off while it wrote to {}; the {bytes} bytes of the unfinished entry \
                 were removed. Nothing it had relied on is lost.",
                path.display()
            ),
            Repair::HistoryRebuilt { path, reason, aside } => write!(
                f,
                "The database of the history in {} could not be used ({reason}); it was built anew from the \
                 journals. The old one is in {}.",
                path.display(),
                aside.display()
            ),
            Repair::Narrowed { path, count } => write!(
                f,
                "Others could reach {}, which says whose keys open what; {count} files and folders in it are \
                 their owner's alone now.",
                path.display()
            ),
            Repair::Exposed { path, reason } => write!(
                f,
                "Others can reach {}, which says whose keys open what, and that could not be changed ({reason}). \
                 Make it its owner's alone, or keep the folder elsewhere.",
                path.display()
            ),
        }
    }
}
