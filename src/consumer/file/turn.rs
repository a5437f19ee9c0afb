//! Edits of one file come one after another, in this process and among processes.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::consumer::notice::tell;
use crate::limits::{FILE_LOCK_WAIT, RETRY_TOLD};
use crate::regular_file;

/// One for all files: an edit takes milliseconds, and two spellings of a path need no thought.
static EDITS: Mutex<()> = Mutex::new(());

/// The right to edit a file, as long as it lives.
pub(super) struct Turn {
    /// The file, opened for reading and locked.
    pub(super) file: File,
    _among_threads: MutexGuard<'static, ()>,
}

/// Waits for the end of an edit under way in this process, and holds others up.
pub(super) fn between_edits() -> MutexGuard<'static, ()> {
    EDITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the turn to edit the file at a real path.
pub(super) fn take(path: &Path) -> Result<Turn, String> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        // Not kept while another program has the lock, so that other files can be read and edited.
        let among_threads = between_edits();
        let file = regular_file::open(path).map_err(|error| error.to_string())?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < FILE_LOCK_WAIT => {
                drop(among_threads);
                if !is_told && began.elapsed() >= RETRY_TOLD {
                    is_told = true;
                    let (path, seconds) = (path.display(), FILE_LOCK_WAIT.as_secs());
                    tell(&format!("{path} is locked by another program; keyless waits {seconds} s for it"));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "has been locked by another program for {} seconds; end that and run the command again",
                    FILE_LOCK_WAIT.as_secs()
                ));
            }
            // Whoever had the lock may have put another file in its place.
            Ok(()) if !is_at(&file, path) => {}
            // A file system without locks has none among processes; that the file is read again before
            // it is replaced has to do.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(Turn { file, _among_threads: among_threads }),
        }
    }
}

/// Tells whether this path, a link not followed, leads to the opened file.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(opened), Ok(there)) => identity(opened) == identity(there),
        _ => false,
    }
}

#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
