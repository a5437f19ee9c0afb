//! Files that hold a key, read and edited as a whole.
//!
//! An edit reads, changes and replaces in one critical section, here and across processes: two lanes whose
//! keys stand in one file would undo each other's work otherwise. In reading order: `neighbour` is the file
//! beside it in which an edit is prepared, `attributes` what the new file has to take over from the old,
//! `replace` puts a neighbour in its place, `in_place` is for files that cannot be replaced, `turn` lets one
//! edit come after another, and `sweep` repairs what a killed process left.

mod attributes;
mod in_place;
mod neighbour;
mod replace;
mod sweep;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod turn;

use std::path::Path;

use zeroize::Zeroizing;

use self::replace::NotReplaced;
use crate::limits::DOTENV_BYTES_MAX;
use crate::regular_file::{self, Unreadable};

/// Reads a file that may hold a key; the text is wiped when it is dropped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Unreadable> {
    if let Ok(path) = real_file(path) {
        sweep::once(&path);
    }
    // One that is edited in its place could be read in halves.
    let _whole = turn::between_edits();
    regular_file::read_text(path, DOTENV_BYTES_MAX)
}

/// Why a file must not be edited, and may hold half of an edit: one that was killed is not repaired.
pub(super) fn unfinished(path: &Path) -> Option<String> {
    sweep::unfinished(&real_file(path).ok()?)
}

/// Changes the text of a file. A link is followed, so that the file behind it changes and the link stays.
pub(super) fn edit(
    path: &Path,
    change: impl FnOnce(&str) -> Result<Zeroizing<String>, String>,
) -> Result<(), String> {
    let told = |error: Unreadable| error.to_string();
    let path = real_file(path).map_err(told)?;
    if let Some(why) = sweep::unfinished(&path) {
        return Err(why);
    }
    let turn = turn::take(&path)?;
    let old = regular_file::read_opened(&turn.file, DOTENV_BYTES_MAX).map_err(told)?;
    let text = regular_file::text(Zeroizing::new(old.to_vec())).map_err(told)?;
    let new = change(&text)?;
    if *new == *text {
        return Ok(());
    }
    match replace::replace(&path, &turn, &old, new.as_bytes()) {
        Err(NotReplaced::HasToStay) => in_place::write(&path, &turn, &old, new.as_bytes()),
        Err(NotReplaced::Failed(why)) => Err(why),
        Ok(()) => Ok(()),
    }
}

/// The path of a regular file without links in it.
fn real_file(path: &Path) -> Result<std::path::PathBuf, Unreadable> {
    // Refuses other kinds of files before anything is done in their folders.
    regular_file::check(path)?;
    Ok(path.canonicalize()?)
}

/// The folder of a real path.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Refuses an edit of a file that is not any more what was read.
fn refuse_changed(path: &Path, turn: &turn::Turn, old: &[u8]) -> Result<(), String> {
    let now = regular_file::read(path, DOTENV_BYTES_MAX);
    match turn::is_at(&turn.file, path) && now.is_ok_and(|now| *now == old) {
        true => Ok(()),
        false => {
            Err("was changed by somebody else meanwhile, so it is left as it is; run the command again"
                .into())
        }
    }
}

/// What is said of a write that failed.
fn cannot_be_written(error: std::io::Error) -> String {
    format!("cannot be written: {error}")
}
