//! Replacing a file at once: a reader sees the old text or the new.

use std::io::ErrorKind;
use std::path::Path;

use super::neighbour::{Neighbour, Purpose};
use super::turn::Turn;
use super::{attributes, cannot_be_written, folder, neighbour, refuse_changed};
use crate::regular_file;

/// Why a file was not replaced. Nothing was changed.
pub(super) enum NotReplaced {
    /// Another file in its place would not be the same to everybody who uses it.
    HasToStay,
    /// It cannot be written now, and not in its place either.
    Failed(String),
}

/// Puts a new file in the place of one whose turn was taken.
pub(super) fn replace(path: &Path, turn: &Turn, old: &[u8], new: &[u8]) -> Result<(), NotReplaced> {
    let failed = |error| NotReplaced::Failed(cannot_be_written(error));
    if attributes::has_other_names(&turn.file).map_err(failed)? {
        return Err(NotReplaced::HasToStay);
    }
    let neighbour = Neighbour::create(path, Purpose::Text, new)
        .map_err(|error| NotReplaced::Failed(neighbour::refusal(path, &error)))?;
    if let Err(error) = attributes::take_over(&turn.file, &neighbour.file, &neighbour.path) {
        tracing::debug!(%error, "a file is edited in its place");
        return Err(NotReplaced::HasToStay);
    }
    neighbour.file.sync_all().map_err(failed)?;
    refuse_changed(path, turn, old).map_err(NotReplaced::Failed)?;
    match neighbour.put_in_place(path) {
        // Something is mounted there.
        Err(error) if matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices) => {
            Err(NotReplaced::HasToStay)
        }
        Err(error) => Err(failed(error)),
        Ok(()) => regular_file::sync_folder(folder(path)).map_err(failed),
    }
}
