//! The plain files put together: the saved state, then every journal entry after it.

use std::path::Path;

use jiff::Timestamp;

use crate::journal::{Entry, InDoubt, Progress, ReplayError};
use crate::snapshot::{FORMAT_VERSION, Snapshot};
use crate::state::State;
use crate::store::disk;
use crate::store::error::StoreError;
use crate::store::journal_file::{self, Contents};
use crate::store::lock::{self, LockInfo};
use crate::store::state_file;

/// Tries to read files that another process is replacing. Each try fails only when a whole save falls
/// into the few microseconds between two reads.
const TRIES: u32 = 50;

/// What the plain files of a store say.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) lineage: String,
    /// The last saved state; none before the first save.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) journal: Option<Contents>,
    pub(super) progress: Progress,
    /// The highest serial that was ever saved. Higher than the snapshot's when an older one was restored.
    pub(super) serial: u64,
}

impl Loaded {
    /// A store that was never written to.
    pub(super) fn empty(lineage: &str) -> Loaded {
        let progress = Progress::new(State::default(), 0);
        Loaded { lineage: lineage.to_owned(), snapshot: None, journal: None, progress, serial: 0 }
    }
}

/// What is recorded, seen from outside while another process may be changing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The last saved state; serial 0 before the first save.
    pub snapshot: Snapshot,
    /// The saved state with the journal on top: what is known at this moment.
    pub state: State,
    /// Steps that began and did not end. While the lock is held they may simply be under way.
    pub in_doubt: Vec<InDoubt>,
    /// Whether the last run ended properly.
    pub ended: bool,
    /// Who holds the lock at this moment.
    pub lock: Option<LockInfo>,
}

/// Looks into a store without its lock, also while another process writes to it. `None` when there is none.
pub fn read(dir: &Path) -> Result<Option<View>, StoreError> {
    for _ in 0..TRIES {
        let before = disk::read(&state_file::path(dir))?;
        let loaded = load(dir);
        // A save in between would pair an older state with a newer journal.
        if disk::read(&state_file::path(dir))? != before {
            continue;
        }
        let Some(loaded) = loaded? else { return Ok(None) };
        let lock = lock::holder(dir)?;
        let replay = loaded.progress.replay().clone();
        let snapshot = loaded.snapshot.unwrap_or_else(|| unsaved(&loaded.lineage, "", Timestamp::UNIX_EPOCH));
        let (state, in_doubt, ended) = (replay.state, replay.in_doubt, replay.ended);
        return Ok(Some(View { snapshot, state, in_doubt, ended, lock }));
    }
    Err(StoreError::Changing { dir: dir.to_owned() })
}

/// The snapshot of a store that was never saved.
pub(super) fn unsaved(lineage: &str, version: &str, at: Timestamp) -> Snapshot {
    Snapshot {
        format_version: FORMAT_VERSION,
        keyless_version: version.to_owned(),
        lineage: lineage.to_owned(),
        serial: 0,
        organization_id: None,
        saved_at: at,
        journal_seq: 0,
        state: State::default(),
    }
}

/// Reads the plain files; `None` when there are none.
pub(super) fn load(dir: &Path) -> Result<Option<Loaded>, StoreError> {
    let snapshot = state_file::read(dir)?;
    let journal = journal_file::read(dir)?;
    let Some(lineage) = lineage_of(dir, snapshot.as_ref(), journal.as_ref())? else { return Ok(None) };
    let seq = snapshot.as_ref().map_or(0, |snapshot| snapshot.journal_seq);
    let base = snapshot.as_ref().map_or_else(State::default, |snapshot| snapshot.state.clone());
    let mut progress = Progress::new(base, seq);
    // Journals that were put away are of use only when an older state was restored.
    for entry in &journal_file::read_history(dir, &lineage, seq)? {
        take(dir, &mut progress, entry)?;
    }
    if let Some(journal) = &journal {
        journal_file::same_lineage(journal, &lineage)?;
        if journal.last_seq() < seq {
            let (path, last) = (journal.path.clone(), journal.last_seq());
            return Err(StoreError::JournalShort { path, last, saved: seq });
        }
        for entry in &journal.entries {
            take(dir, &mut progress, entry)?;
        }
    }
    let serial = snapshot.as_ref().map_or(0, |snapshot| snapshot.serial);
    let serial = serial.max(journal.as_ref().map_or(0, |journal| journal.header.serial));
    Ok(Some(Loaded { lineage, snapshot, journal, progress, serial }))
}

fn take(dir: &Path, progress: &mut Progress, entry: &Entry) -> Result<(), StoreError> {
    progress.take(entry).map_err(|source: ReplayError| StoreError::JournalImpossible {
        path: journal_file::path(dir),
        source,
    })
}

fn lineage_of(
    dir: &Path,
    snapshot: Option<&Snapshot>,
    journal: Option<&Contents>,
) -> Result<Option<String>, StoreError> {
    if let Some(snapshot) = snapshot {
        return Ok(Some(snapshot.lineage.clone()));
    }
    let saved = journal.is_some_and(|journal| journal.header.serial > 0);
    if saved || journal_file::has_history(dir)? {
        return Err(StoreError::StateMissing { path: state_file::path(dir) });
    }
    Ok(journal.map(|journal| journal.header.lineage.clone()))
}
