//! Checkpoints as files, one each.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::snapshot::{Checkpoint, FORMAT_VERSION};
use crate::store::error::StoreError;
use crate::store::{disk, state_file};

const FOLDER: &str = "checkpoints";

const FIX: &str = "Restore the file from a copy, or move it aside to give this checkpoint up";

/// A checkpoint as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    format_version: u32,
    keyless_version: String,
    /// The sequence number of the journal entry that tells of it.
    seq: u64,
    lineage: String,
    checkpoint: Checkpoint,
}

/// Writes a checkpoint. One that is there already under this name must record the same, since a crash
/// right after this call makes the next run take it again.
pub(super) fn write(
    dir: &Path,
    lineage: &str,
    seq: u64,
    version: &str,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let folder = dir.join(FOLDER);
    let path = folder.join(file_name(&checkpoint.name));
    if let Some(known) = read_file(&path, lineage)? {
        let retaken = Checkpoint { taken_at: known.checkpoint.taken_at, ..checkpoint.clone() };
        return if retaken == known.checkpoint {
            Ok(())
        } else {
            Err(StoreError::CheckpointExists { name: checkpoint.name.clone() })
        };
    }
    disk::create_folder(&folder)?;
    let written = Written {
        format_version: FORMAT_VERSION,
        keyless_version: version.to_owned(),
        seq,
        lineage: lineage.to_owned(),
        checkpoint: checkpoint.clone(),
    };
    let sealed = state_file::seal(written);
    StoreError::refuse_secrets(&path, &sealed)?;
    disk::replace(&path, &sealed)
}

/// Where checkpoints are kept.
pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join(FOLDER)
}

/// Where the checkpoint of this name is kept.
pub(super) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(FOLDER).join(file_name(name))
}

/// Reads one checkpoint, if there is one of this name.
pub(super) fn read(dir: &Path, lineage: &str, name: &str) -> Result<Option<Checkpoint>, StoreError> {
    Ok(read_file(&path(dir, name), lineage)?.map(|written| written.checkpoint))
}

/// Reads all checkpoints, oldest first.
pub(super) fn read_all(dir: &Path, lineage: &str) -> Result<Vec<Checkpoint>, StoreError> {
    let folder = dir.join(FOLDER);
    let mut all = Vec::new();
    for name in disk::file_names(&folder)?.iter().filter(|name| name.ends_with(".json")) {
        all.extend(read_file(&folder.join(name), lineage)?);
    }
    all.sort_by(|a, b| a.seq.cmp(&b.seq).then_with(|| a.checkpoint.name.cmp(&b.checkpoint.name)));
    Ok(all.into_iter().map(|written| written.checkpoint).collect())
}

fn read_file(path: &Path, lineage: &str) -> Result<Option<Written>, StoreError> {
    let Some(bytes) = disk::read(path)? else { return Ok(None) };
    let written: Written = state_file::unseal(path, &bytes, FIX)?;
    if written.lineage != lineage {
        let (path, expected, found) = (PathBuf::from(path), lineage.to_owned(), written.lineage);
        return Err(StoreError::LineageMismatch { path, expected, found });
    }
    Ok(Some(written))
}

/// The beginning of the name for people, then a digest of all of it, because a name may be longer than a
/// file name, or differ from another only in case.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    let readable: String = name.chars().take(80).map(safe).collect();
    let digest: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}.json", readable.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn any_name_becomes_a_file_name() {
        for name in
            ["3-before-revoke-api_key.ci", "../../etc/passwd", "", ".", "a/b", "ключ", &"x".repeat(500)]
        {
            let file = file_name(name);
            assert!(file.len() <= 102 && !file.contains('/') && !file.starts_with('.'), "{file}");
        }
        assert_ne!(file_name("a/b"), file_name("a_b"));
        assert_ne!(file_name(&"x".repeat(90)), file_name(&"x".repeat(91)));
    }
}
