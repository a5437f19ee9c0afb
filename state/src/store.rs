//! The embedded store: a folder beside the user's files that remembers what was done.
//!
//! Order of truth: `state.json`, replaced as a whole with each save; then the `journal`, where each entry
//! is on the disk before the call returns; and last a database of the whole history, built from the
//! two and rebuilt whenever it is in doubt. The state is kept in memory, so that the database is
//! opened only for a save or a question about the past.
//!
//! Everything here blocks.

mod checkpoint_file;
mod disk;
mod error;
mod finding;
mod frame;
mod index;
mod journal_file;
mod load;
mod lock;
mod private;
mod repair;
mod state_file;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use error::StoreError;
pub use finding::{Finding, inspect};
pub use index::Version;
pub use load::{View, read};
pub use lock::{LockInfo, LockRequest, force_unlock};
pub use repair::Repair;

use crate::address::Address;
use crate::evidence::Evidence;
use crate::journal::{Entry, Event, InDoubt, Progress};
use crate::snapshot::{Checkpoint, FORMAT_VERSION, Snapshot};
use crate::state::{LaneRecord, Record, State};
use index::Index;
use journal_file::Writer;
use load::Loaded;
use lock::Lock;

/// The open store. It holds the lock until it is closed or dropped.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    version: String,
    snapshot: Snapshot,
    organization_id: Option<String>,
    /// The highest serial that was given to a save, even to one that failed.
    serial: u64,
    progress: Progress,
    in_doubt: Vec<InDoubt>,
    ended: bool,
    writer: Writer,
    index: Option<Index>,
    repairs: Vec<Repair>,
    // Last, so that everything else is closed when the lock goes.
    lock: Lock,
}

impl Store {
    /// Locks and opens the store in a folder, which is created for its owner alone on first use.
    ///
    /// `new_lineage` is used when there is no store yet. Half an entry that a crash left at the end of the
    /// journal is cut off (see [`Store::repairs`]).
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process has it open; the other variants say which file
    /// is not as it was written, and what to do.
    pub fn open(
        dir: &Path,
        request: LockRequest,
        new_lineage: &str,
        now: Timestamp,
    ) -> Result<Store, StoreError> {
        disk::create_folder(dir)?;
        let version = request.version.clone();
        let lock = Lock::take(dir, request)?;
        let loaded = load::load(dir)?.unwrap_or_else(|| Loaded::empty(new_lineage));
        let (writer, torn) = Writer::open(dir, loaded.journal.as_ref())?;
        let snapshot = loaded.snapshot.unwrap_or_else(|| load::unsaved(&loaded.lineage, &version, now));
        let mut store = Store {
            dir: dir.to_owned(),
            version,
            organization_id: snapshot.organization_id.clone(),
            snapshot,
            serial: loaded.serial,
            in_doubt: loaded.progress.replay().in_doubt.clone(),
            ended: loaded.progress.replay().ended,
            progress: loaded.progress,
            writer,
            index: None,
            repairs: Vec::new(),
            lock,
        };
        private::narrow(dir).into_iter().for_each(|repair| store.note(repair));
        if torn > 0 {
            store.note(Repair::TornEnd { path: journal_file::path(dir), bytes: torn });
        }
        Ok(store)
    }

    /// The last saved state; serial 0 and empty before the first save.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What is recorded now: the saved state and every journal entry since.
    pub fn state(&self) -> &State {
        &self.progress.replay().state
    }

    /// Steps of earlier runs that began and did not end, oldest first. Ending one with
    /// [`Event::StepDone`] or [`Event::StepFailed`] under its own run takes it off the list.
    pub fn in_doubt(&self) -> &[InDoubt] {
        &self.in_doubt
    }

    /// Whether the last run before this one ended properly.
    pub fn last_run_ended(&self) -> bool {
        self.ended
    }

    /// The organization that the next save records.
    pub fn organization_id(&self) -> Option<&str> {
        self.organization_id.as_deref()
    }

    /// Sets the organization that the next save records.
    pub fn set_organization(&mut self, id: &str) {
        self.organization_id = Some(id.to_owned());
    }

    /// What was repaired since the store was opened, for the user to read.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// Writes a journal entry, which is on the disk when this returns, and carries it out on the state.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] for a step that cannot make this move; nothing is written then. After a
    /// failed write every later call fails with [`StoreError::Stopped`].
    pub fn append(&mut self, run: &str, at: Timestamp, event: Event) -> Result<(), StoreError> {
        let entry = Entry { seq: self.progress.seq() + 1, run: run.to_owned(), at, event };
        self.progress.check(&entry).map_err(|source| StoreError::Illegal { source })?;
        self.writer.append(&entry, &self.snapshot.lineage, self.snapshot.serial)?;
        self.progress.take(&entry).map_err(|source| StoreError::Illegal { source })?;
        if let Event::StepDone { step, .. } | Event::StepFailed { step, .. } = &entry.event {
            self.in_doubt.retain(|known| !(known.run == entry.run && known.step == *step));
        }
        Ok(())
    }

    /// Saves the state as a new snapshot with the next serial, and keeps the one before it as
    /// `state.json.backup`. A state that did not change is not written, and keeps its serial.
    ///
    /// It may be called while steps are under way; they stay in the journal.
    pub fn save(&mut self, at: Timestamp, keyless_version: &str) -> Result<&Snapshot, StoreError> {
        self.writer.check()?;
        let replay = self.progress.replay();
        if replay.state == self.snapshot.state && self.organization_id == self.snapshot.organization_id {
            return Ok(&self.snapshot);
        }
        self.serial += 1;
        let snapshot = Snapshot {
            format_version: FORMAT_VERSION,
            keyless_version: keyless_version.to_owned(),
            lineage: self.snapshot.lineage.clone(),
            serial: self.serial,
            organization_id: self.organization_id.clone(),
            saved_at: at,
            journal_seq: self.progress.seq(),
            state: replay.state.clone(),
        };
        state_file::write(&self.dir, &snapshot)?;
        self.snapshot = snapshot;
        // The journal alone knows what is under way, so it stays until nothing is.
        if self.progress.replay().in_doubt.is_empty() {
            self.writer.put_away(self.snapshot.journal_seq)?;
        }
        if let Err(error) = self.ask(|_| Ok(())) {
            // The state is saved all the same; the history catches up with the next save.
            tracing::warn!("{error}");
        }
        Ok(&self.snapshot)
    }

    /// Keeps a point to return to. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::CheckpointExists`] when another one has this name. Taking the same one again is
    /// fine, because a crash right after this call makes the next run do so.
    pub fn checkpoint(&mut self, run: &str, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.writer.check()?;
        let (lineage, seq) = (&self.snapshot.lineage, self.progress.seq() + 1);
        checkpoint_file::write(&self.dir, lineage, seq, &self.version, &checkpoint)?;
        self.append(run, checkpoint.taken_at, Event::CheckpointTaken { name: checkpoint.name })
    }

    /// All checkpoints, oldest first.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        checkpoint_file::read_all(&self.dir, &self.snapshot.lineage)
    }

    /// The checkpoint of this name, if there is one.
    pub fn find_checkpoint(&self, name: &str) -> Result<Option<Checkpoint>, StoreError> {
        checkpoint_file::read(&self.dir, &self.snapshot.lineage, name)
    }

    /// All evidence ever recorded, oldest first, also what no longer counts.
    pub fn evidence_history(&mut self) -> Result<Vec<Evidence>, StoreError> {
        self.ask(Index::evidence)
    }

    /// All journal entries ever written, oldest first.
    pub fn journal_history(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.ask(Index::journal)
    }

    /// All versions of one record, oldest first.
    pub fn record_history(&mut self, address: &Address) -> Result<Vec<Version<Record>>, StoreError> {
        self.ask(|index| index.record(address))
    }

    /// All versions of one lane, oldest first.
    pub fn lane_history(&mut self, address: &Address) -> Result<Vec<Version<LaneRecord>>, StoreError> {
        self.ask(|index| index.lane(address))
    }

    /// Closes the store and frees the lock. Dropping it does the same without telling of errors.
    pub fn close(mut self) -> Result<(), StoreError> {
        if let Some(index) = self.index.take() {
            index.close();
        }
        // The database creates its files for everybody.
        private::narrow(&self.dir);
        self.lock.release()
    }

    /// Asks the database, which is brought up to date first, and built anew when it fails.
    fn ask<T>(&mut self, question: impl Fn(&Index) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.current_index().and_then(&question) {
            Err(StoreError::Index { path, reason }) => {
                if let Some(index) = self.index.take() {
                    index.close();
                }
                let aside = Index::move_aside(&self.dir)?;
                self.note(Repair::HistoryRebuilt { path, reason, aside });
                self.current_index().and_then(&question)
            }
            answer => answer,
        }
    }

    fn current_index(&mut self) -> Result<&Index, StoreError> {
        let lineage = &self.snapshot.lineage;
        let mut index = match self.index.take() {
            Some(index) => index,
            None => Index::open(&self.dir, lineage)?,
        };
        // From the last entry taken in, so that it can be compared.
        let mut entries = journal_file::read_history(&self.dir, lineage, index.seq().saturating_sub(1))?;
        entries.extend(journal_file::read(&self.dir)?.map_or_else(Vec::new, |journal| journal.entries));
        let caught_up = index.catch_up(&entries, self.progress.seq());
        let index = self.index.insert(index);
        caught_up.map(|()| &*index)
    }

    fn note(&mut self, repair: Repair) {
        tracing::warn!("{repair}");
        self.repairs.push(repair);
    }
}
