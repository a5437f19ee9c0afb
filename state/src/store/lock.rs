//! One run at a time: an operating system lock, and beside it a note of who holds it.
//!
//! The lock of the operating system decides; it goes with its process, however that ends. The
//! note is for people.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::disk;
use crate::store::error::StoreError;

const LOCK_FILE: &str = "lock";
const NOTE_FILE: &str = "lock.json";

/// Tries to get the lock, a millisecond apart. A reader that looks whether the lock is held holds it
/// itself for some microseconds, and must not turn a run away.
const TRIES: u32 = 20;

/// Who wants to open the store, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRequest {
    /// What is going to be done, such as `apply`.
    pub operation: String,
    /// The person and the machine, such as `ann@laptop`.
    pub who: String,
    /// The version of the program.
    pub version: String,
    /// When the lock was asked for.
    pub created: Timestamp,
    /// Unique; `force-unlock` asks for it.
    pub id: String,
}

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// Unique; `force-unlock` asks for it.
    pub id: String,
    /// What is being done, such as `apply`.
    pub operation: String,
    /// The person and the machine.
    pub who: String,
    /// The version of the program.
    pub version: String,
    /// When the lock was taken.
    pub created: Timestamp,
    /// What is locked.
    pub path: String,
    /// The process that holds the lock.
    pub pid: u32,
}

impl fmt::Display for LockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Lock Info:")?;
        writeln!(f, "  ID:        {}", self.id)?;
        writeln!(f, "  Path:      {}", self.path)?;
        writeln!(f, "  Operation: {}", self.operation)?;
        writeln!(f, "  Who:       {}", self.who)?;
        writeln!(f, "  Version:   {}", self.version)?;
        writeln!(f, "  Created:   {}", self.created)?;
        write!(f, "  Process:   {}", self.pid)
    }
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    note: PathBuf,
}

impl Lock {
    /// Takes the lock and leaves the note.
    pub(super) fn take(dir: &Path, request: LockRequest) -> Result<Lock, StoreError> {
        let path = dir.join(LOCK_FILE);
        let mut options = disk::for_owner();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(StoreError::io(&path, "open"))?;
        if !take_exclusively(&file, &path)? {
            return Err(StoreError::Locked { dir: dir.to_owned(), holder: read_note(dir).map(Box::new) });
        }
        let info = LockInfo {
            id: request.id,
            operation: request.operation,
            who: request.who,
            version: request.version,
            created: request.created,
            path: dir.join(super::state_file::NAME).display().to_string(),
            pid: std::process::id(),
        };
        let note = dir.join(NOTE_FILE);
        disk::replace_without_sync(
            &note,
            &serde_json::to_vec_pretty(&info).expect("texts and numbers only"),
        )?;
        Ok(Lock { _file: file, note })
    }

    /// Removes the note and frees the lock.
    pub(super) fn release(self) -> Result<(), StoreError> {
        disk::remove(&self.note)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing depends on the note, so that it cannot be removed is no reason to fail.
        let _ = disk::remove(&self.note);
    }
}

/// Who holds the lock at this moment. A note left by a dead process does not count.
pub(super) fn holder(dir: &Path) -> Result<Option<LockInfo>, StoreError> {
    let Some(info) = read_note(dir) else { return Ok(None) };
    let path = dir.join(LOCK_FILE);
    let Some(file) = open_existing(&path)? else { return Ok(None) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Some(info)),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&path, "look at the lock on")(error)),
        Ok(()) => Ok(None),
    }
}

/// Removes the note that a dead process left behind, if it has this id, and returns it.
///
/// A lock that a living process holds cannot be removed: [`StoreError::Locked`] names the process.
pub fn force_unlock(dir: &Path, id: &str) -> Result<LockInfo, StoreError> {
    let path = dir.join(LOCK_FILE);
    let not_locked = || StoreError::NotLocked { dir: dir.to_owned() };
    let file = open_existing(&path)?.ok_or_else(not_locked)?;
    if !take_exclusively(&file, &path)? {
        return Err(StoreError::Locked { dir: dir.to_owned(), holder: read_note(dir).map(Box::new) });
    }
    let info = read_note(dir).ok_or_else(not_locked)?;
    if info.id != id {
        let (dir, asked) = (dir.to_owned(), id.to_owned());
        return Err(StoreError::LockIdMismatch { dir, asked, holder: Box::new(info) });
    }
    disk::remove(&dir.join(NOTE_FILE))?;
    Ok(info)
}

fn open_existing(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, "open")(error)),
    }
}

fn take_exclusively(file: &File, path: &Path) -> Result<bool, StoreError> {
    for attempt in 1..=TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if attempt < TRIES => thread::sleep(Duration::from_millis(1)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(StoreError::io(path, "lock")(error)),
        }
    }
    Ok(false)
}

/// The note; an unreadable one is as good as none, since it is for people only.
fn read_note(dir: &Path) -> Option<LockInfo> {
    let bytes = disk::read(&dir.join(NOTE_FILE)).ok()??;
    serde_json::from_slice(&bytes).ok()
}
