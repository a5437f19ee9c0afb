//! The saved state as a file, and the one before it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::snapshot::{FORMAT_VERSION, Snapshot};
use crate::store::disk;
use crate::store::error::StoreError;

pub(super) const NAME: &str = "state.json";
const BACKUP: &str = "state.json.backup";

const FIX: &str = "Rename `state.json.backup` to `state.json`; the journals then bring it up to date. Without it, \
                   restore the file from a copy";

/// A document with the digest of its own content beside it.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    #[serde(flatten)]
    content: T,
    /// SHA-256, in hexadecimal, of the content as compact JSON. A file that was only laid out anew still
    /// passes; one in which anything else changed does not.
    sha256: String,
}

/// What every format keeps where it is, so that an older program can say who wrote the file.
#[derive(Deserialize)]
struct Probe {
    format_version: u64,
    #[serde(default)]
    keyless_version: Option<String>,
}

/// The path of the saved state.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Reads the saved state, if there is one.
pub(super) fn read(dir: &Path) -> Result<Option<Snapshot>, StoreError> {
    let path = path(dir);
    disk::read(&path)?.map(|bytes| unseal(&path, &bytes, FIX)).transpose()
}

/// Replaces the saved state and keeps the one before it.
pub(super) fn write(dir: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    let path = path(dir);
    let sealed = seal(snapshot);
    StoreError::refuse_secrets(&path, &sealed)?;
    if let Some(bytes) = disk::read(&path)? {
        disk::replace(&dir.join(BACKUP), &bytes)?;
    }
    disk::replace(&path, &sealed)
}

/// The text of a document with its digest.
pub(super) fn seal<T: Serialize>(content: T) -> Vec<u8> {
    let sha256 = digest(&content);
    let mut text =
        serde_json::to_vec_pretty(&Sealed { content, sha256 }).expect("only text keys are recorded");
    text.push(b'\n');
    text
}

/// The document in a text, if its digest matches and its format is known.
pub(super) fn unseal<T>(path: &Path, bytes: &[u8], fix: &str) -> Result<T, StoreError>
where
    T: Serialize + serde::de::DeserializeOwned,
{
    let damaged =
        |reason: String| StoreError::Damaged { path: path.to_owned(), reason, fix: format!("{fix}.") };
    let probe: Probe = serde_json::from_slice(bytes).map_err(|error| damaged(not_understood(&error)))?;
    match probe.format_version {
        // Later versions only added kinds of facts and bindings, so one reader understands all; what an
        // older one did not bind, `State::missing_bindings` binds.
        1..=3 => {
            let sealed: Sealed<T> =
                serde_json::from_slice(bytes).map_err(|error| damaged(not_understood(&error)))?;
            if digest(&sealed.content) != sealed.sha256 {
                return Err(damaged("its content does not match its SHA-256".to_owned()));
            }
            Ok(sealed.content)
        }
        found if found > u64::from(FORMAT_VERSION) => Err(StoreError::NewerFormat {
            path: path.to_owned(),
            found,
            written_by: probe.keyless_version.unwrap_or_else(|| "of a newer version".to_owned()),
        }),
        found => Err(damaged(format!("there is no format version {found}"))),
    }
}

fn not_understood(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => format!("it is cut off ({error})"),
        serde_json::error::Category::Data => format!("it does not have the expected fields ({error})"),
        _ => format!("it is not JSON ({error})"),
    }
}

fn digest(content: &impl Serialize) -> String {
    let compact = serde_json::to_vec(content).expect("only text keys are recorded");
    Sha256::digest(compact).iter().map(|byte| format!("{byte:02x}")).collect()
}
