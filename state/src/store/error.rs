//! Why the store cannot do what it was asked: what happened, why it matters, how to fix it.

use std::io;
use std::path::{Path, PathBuf};

use crate::credential_text;
use crate::journal::ReplayError;
use crate::store::lock::LockInfo;

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the lock.
    #[error(
        "{} is locked by another run, so nothing was read or changed. Two runs at once would overwrite \
         each other's records. Wait until that run ends, or end it; the lock goes with its process.{}",
        dir.display(), holder_text(holder.as_deref())
    )]
    Locked {
        /// The folder of the store.
        dir: PathBuf,
        /// Who holds it, as far as it can be read.
        holder: Option<Box<LockInfo>>,
    },

    /// The lock was to be removed, but nothing holds it.
    #[error("{} is not locked, so there is no lock to remove.", dir.display())]
    NotLocked {
        /// The folder of the store.
        dir: PathBuf,
    },

    /// The lock was to be removed, but under another id.
    #[error(
        "The lock in {} does not have the id `{asked}`, so it was left alone: it may belong to a newer run \
         than the one you mean. Give the id that is shown here if that is the one to remove.\n{holder}",
        dir.display()
    )]
    LockIdMismatch {
        /// The folder of the store.
        dir: PathBuf,
        /// The id that was given.
        asked: String,
        /// Who left the lock.
        holder: Box<LockInfo>,
    },

    /// The operating system refused.
    #[error(
        "Cannot {action} {}: {source}. What was recorded before is untouched. Check that the folder exists, \
         that you may write to it and that the disk is not full, then run the command again.",
        path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot ... PATH".
        action: &'static str,
        /// The reason the system gave.
        source: io::Error,
    },

    /// A file is not what the program wrote.
    #[error(
        "{} is damaged: {reason}. Nothing is read from it, because a wrong record could lead to a wrong change of \
         your organization. {fix}",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        fix: String,
    },

    /// A record of a journal is not what the program wrote.
    #[error(
        "{} is damaged at byte {offset}: {reason}. The entries from there on cannot be trusted, and leaving them \
         out could repeat or forget a change of your organization. Restore the file from a copy of the folder. \
         If there is none, move it aside and run plan: finished steps since the last save are then found again \
         by looking at the API.",
        path.display()
    )]
    JournalDamaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged record starts, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },

    /// The entries of the journal are sound and yet cannot have happened like this.
    #[error(
        "{} cannot be replayed: {source}. The state would be wrong without the missing part. Restore the \
         whole folder from one copy; files of different times do not fit together.",
        path.display()
    )]
    JournalImpossible {
        /// The file.
        path: PathBuf,
        /// What is impossible.
        source: ReplayError,
    },

    /// The journal ends before the saved state does.
    #[error(
        "{} ends with entry {last}, but the saved state contains entries up to {saved}, so part of the journal is \
         lost. Finished steps are all in the saved state; steps that were under way may be forgotten. Restore \
         the file from a copy of the folder, or move it aside and run plan, which looks at the API.",
        path.display()
    )]
    JournalShort {
        /// The file.
        path: PathBuf,
        /// The last entry that is there.
        last: u64,
        /// The last entry that the saved state contains.
        saved: u64,
    },

    /// The journal is gone, yet it was begun and not put away.
    #[error(
        "{} is missing, although it was begun and never put away: what a run that did not end has done is recorded \
         there alone, so its changes could be repeated or taken for somebody else's. Restore the file from a copy \
         of the folder. If there is none, move {} aside and run `keyless plan`, which looks at the API; hold its \
         plan against the organization before you apply it.",
        path.display(), listed(aside)
    )]
    JournalMissing {
        /// The journal.
        path: PathBuf,
        /// What has to go for a start without it.
        aside: Vec<PathBuf>,
    },

    /// The saved state is gone, yet the journal was started after a save.
    #[error(
        "{} is missing, although the journals beside it follow a save. Without the saved state every object \
         would be taken for new. Rename `state.json.backup` to `state.json`, or restore the file from a copy; the \
         journals bring an older one up to date.",
        path.display()
    )]
    StateMissing {
        /// The file.
        path: PathBuf,
    },

    /// The file was written by a newer program.
    #[error(
        "{} has format version {found}, written by keyless {written_by}; this program reads versions up to {}. \
         Reading it halfway could lose records. Use that version or a later one.",
        path.display(), crate::FORMAT_VERSION
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u64,
        /// The version of the program that wrote it, or `of a newer version`.
        written_by: String,
    },

    /// Two files of one folder belong to different stores.
    #[error(
        "{} belongs to another store: its lineage is {found}, and that of the saved state is {expected}. \
         Mixing two stores would attach records to the wrong organization. Restore the whole folder from one \
         copy, or move this file aside if it was copied here by mistake.",
        path.display()
    )]
    LineageMismatch {
        /// The file that does not belong here.
        path: PathBuf,
        /// The lineage of the saved state.
        expected: String,
        /// The lineage of the file.
        found: String,
    },

    /// What was to be written holds what looks like a credential.
    #[error(
        "Nothing was written to {}: `{place}` holds what looks like a key, a token or a private key, and no secret is \
         recorded. It came from the API, a consumer or a command. Take the secret out of the place it came from, treat \
         it as leaked, and run the command again.",
        path.display()
    )]
    Secret {
        /// The file.
        path: PathBuf,
        /// Where in the document, without the text.
        place: String,
    },

    /// An entry was to be written that cannot follow what is there.
    #[error("The entry was not written: {source}. This is an error in keyless; please report it.")]
    Illegal {
        /// What is impossible.
        source: ReplayError,
    },

    /// An earlier write failed, so the end of the journal is not known.
    #[error(
        "Nothing more is recorded in {}, because an earlier write to it failed and it is not known how much of it \
         reached the disk. Run the command again once the cause is removed; it finds out what was done.",
        path.display()
    )]
    Stopped {
        /// The journal.
        path: PathBuf,
    },

    /// A checkpoint of this name exists and says something else.
    #[error(
        "There is already another checkpoint named `{name}`, and it was kept: a rollback must find what was \
         recorded then. Give the new one another name."
    )]
    CheckpointExists {
        /// The name.
        name: String,
    },

    /// The files changed each time they were read.
    #[error(
        "{} changed each time it was read, so no consistent view of it could be had. Run the command again in a \
         moment.",
        dir.display()
    )]
    Changing {
        /// The folder of the store.
        dir: PathBuf,
    },

    /// The embedded database cannot be used, even after it was built anew.
    #[error(
        "The database in {} cannot be used: {reason}. It holds the history only; the state itself is safe. \
         Move that folder aside, and it is built anew from the journals.",
        path.display()
    )]
    Index {
        /// The folder of the database.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

impl StoreError {
    /// For `map_err` on a call of the operating system.
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        move |source| StoreError::Io { path: path.to_owned(), action, source }
    }

    /// Refuses a document with a credential in it, before a byte of it is written.
    pub(super) fn refuse_secrets(path: &Path, json: &[u8]) -> Result<(), StoreError> {
        // Only ASCII makes a credential, and JSON writes ASCII as it is.
        if !std::str::from_utf8(json).is_ok_and(credential_text::is_in) {
            return Ok(());
        }
        let document = serde_json::from_slice(json).unwrap_or_default();
        let place = credential_text::place_in(&document).unwrap_or_else(|| "it".to_owned());
        Err(StoreError::Secret { path: path.to_owned(), place })
    }
}

fn holder_text(holder: Option<&LockInfo>) -> String {
    holder.map_or(String::new(), |holder| format!("\n{holder}"))
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(" and ")
}
