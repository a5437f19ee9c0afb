//! What a killed process left beside the files that it edited: removed, or finished first.
//!
//! A folder is swept when the first of its files is opened, and once only, so that thousands of consumers in
//! one folder cost one look at it. That sweeping fails never keeps anybody from reading.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use super::in_place::{self, Standing};
use super::neighbour::{self, Purpose};
use super::turn;
use crate::limits::DOTENV_BYTES_MAX;
use crate::regular_file;

/// Names of files, each with the record of an edit of it that could not be settled.
pub(super) type Unsettled = BTreeMap<String, PathBuf>;

static SWEPT: LazyLock<Mutex<HashMap<PathBuf, Arc<OnceLock<Unsettled>>>>> = LazyLock::new(Mutex::default);

/// Sweeps the folder of this real path unless that was done.
pub(super) fn once(path: &Path) -> Arc<OnceLock<Unsettled>> {
    let folder = super::folder(path);
    let swept = {
        let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(swept.entry(folder.to_owned()).or_default())
    };
    // Others who open a file there wait, so that they do not read half of an edit.
    swept.get_or_init(|| sweep(folder));
    swept
}

/// Why the file at this real path may hold half of an edit.
pub(super) fn unfinished(path: &Path) -> Option<String> {
    let swept = once(path);
    let record = swept.get()?.get(path.file_name()?.to_str()?)?;
    // Somebody may have seen to it since.
    record.symlink_metadata().ok()?;
    Some(format!(
        "was being edited when keyless was killed, and the edit cannot be finished, as somebody else has changed the \
         file since or it cannot be read or written. {} holds the text from before the edit and the one from after it: look at \
         them, put the file right, delete that one and run the command again",
        record.display()
    ))
}

/// Removes the leftovers in a folder, and returns those that have to stay.
pub(super) fn sweep(folder: &Path) -> Unsettled {
    let mut unsettled = Unsettled::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((file, purpose)) = name.to_str().and_then(neighbour::told_by) else { continue };
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && settle(&entry.path(), &folder.join(file), purpose) == Settled::No {
            unsettled.insert(file.to_owned(), entry.path());
        }
    }
    unsettled
}

#[derive(PartialEq, Eq)]
enum Settled {
    /// Nothing is left that has to be known.
    Yes,
    /// An edit may be half done.
    No,
}

fn settle(path: &Path, edited: &Path, purpose: Purpose) -> Settled {
    let unknown = if purpose == Purpose::Record { Settled::No } else { Settled::Yes };
    let Ok(left) = regular_file::open_no_link(path) else { return unknown };
    match left.try_lock() {
        Ok(()) => {}
        // Its writer lives.
        Err(std::fs::TryLockError::WouldBlock) => return Settled::Yes,
        Err(std::fs::TryLockError::Error(_)) => return unknown,
    }
    // Its writer may have put it in its place or removed it just now.
    if !turn::is_at(&left, path) {
        return Settled::Yes;
    }
    if purpose == Purpose::Record && !is_finished(&left, edited) {
        return Settled::No;
    }
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "a leftover stays");
    }
    Settled::Yes
}

/// Finishes a recorded edit; tells whether nothing is open then.
fn is_finished(record: &File, edited: &Path) -> bool {
    // Somebody else's record could have us write what they like.
    if !is_ours_alone(record) {
        return false;
    }
    // Two texts and a line.
    let Ok(bytes) = regular_file::read_opened(record, 2 * DOTENV_BYTES_MAX + 1024) else { return false };
    let Some(record) = in_place::decode(&bytes) else { return true };
    let Ok(turn) = turn::take(edited) else { return false };
    let Ok(now) = regular_file::read_opened(&turn.file, DOTENV_BYTES_MAX) else { return false };
    // No link: a record lies beside the file itself.
    if !turn::is_at(&turn.file, edited) {
        return false;
    }
    match in_place::standing(&now, &record) {
        Standing::Old | Standing::New => true,
        Standing::Foreign => false,
        Standing::Torn => {
            let file = OpenOptions::new().write(true).open(edited);
            file.is_ok_and(|file| {
                turn::is_at(&file, edited) && in_place::write_over(&file, &record.new).is_ok()
            })
        }
    }
}

#[cfg(unix)]
fn is_ours_alone(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    file.metadata().is_ok_and(|found| found.uid() == us && found.mode() & 0o077 == 0 && found.nlink() == 1)
}

#[cfg(not(unix))]
fn is_ours_alone(_: &File) -> bool {
    true
}
