//! The embedded database: the whole history, so that it can be asked by address.
//!
//! It is filled from the journals and decides nothing: whatever is odd about it, it is built anew.
//! That is needed because sled can panic over a damaged file, can refuse to open after a kill, and can
//! come back shorter than it was. So each value has a checksum, each tree is counted, and the last entry
//! taken in is compared with the journal.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::evidence::Evidence;
use crate::journal::{Entry, changes_of};
use crate::snapshot::FORMAT_VERSION;
use crate::state::{LaneRecord, Mutation, Record};
use crate::store::disk;
use crate::store::error::StoreError;

const FOLDER: &str = "db";
const ASIDE: &str = "db.damaged";
const META: &str = "meta";

/// Memory for pages, in bytes. A whole history is a few megabytes at most, and is read rarely.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// Tries to open the database, a millisecond apart. Threads of a database that was just closed in this
/// process may keep its file locked for a moment.
const TRIES: u32 = 2_000;

/// One recorded version of a record or a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version<T> {
    /// The journal entry that recorded it.
    pub seq: u64,
    /// The run that recorded it.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// What was recorded; none when it was forgotten.
    pub value: Option<T>,
}

/// How far the database has come, written after everything it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    format_version: u32,
    lineage: String,
    /// The last entry taken in, and the CRC-32 of its JSON.
    seq: u64,
    crc: u32,
    /// How many values each tree holds.
    journal: usize,
    evidence: usize,
    records: usize,
    lanes: usize,
}

/// The open database.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    db: sled::Db,
    meta: Meta,
}

/// The new values of one tree.
#[derive(Default)]
struct Batch {
    sled: sled::Batch,
    count: usize,
}

impl Batch {
    fn put(&mut self, key: Vec<u8>, value: &impl Serialize) {
        let value = sealed(&key, value);
        self.sled.insert(key, value);
        self.count += 1;
    }
}

impl Index {
    /// Opens the database, or begins one.
    pub(super) fn open(dir: &Path, lineage: &str) -> Result<Index, StoreError> {
        let path = dir.join(FOLDER);
        // A kill during an earlier open leaves half a snapshot, which sled would take for a whole one.
        for name in disk::file_names(&path)? {
            if name.starts_with("snap.") && name.ends_with(".generating") {
                disk::remove(&path.join(name))?;
            }
        }
        guard(&path, || {
            let db = open_sled(&path)?;
            let meta = match db.open_tree(META)?.get(META)? {
                Some(value) => unsealed::<Meta>(META.as_bytes(), &value)?,
                None => {
                    Meta { format_version: FORMAT_VERSION, lineage: lineage.to_owned(), ..Meta::default() }
                }
            };
            if meta.format_version != FORMAT_VERSION || meta.lineage != lineage {
                return Err(Fault("it belongs to another store or format".to_owned()));
            }
            Ok(Index { path: path.clone(), db, meta })
        })
    }

    /// Moves a database that cannot be used out of the way. The one moved before it is deleted.
    pub(super) fn move_aside(dir: &Path) -> Result<PathBuf, StoreError> {
        let (path, aside) = (dir.join(FOLDER), dir.join(ASIDE));
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(StoreError::io(&aside, "remove"))?;
        }
        if path.exists() {
            disk::rename(&path, &aside)?;
        }
        Ok(aside)
    }

    /// The last entry taken in; 0 for none.
    pub(super) fn seq(&self) -> u64 {
        self.meta.seq
    }

    /// Takes in what is new among these entries, which begin at or before the last one taken in, unless
    /// older journals are gone.
    pub(super) fn catch_up(&mut self, entries: &[Entry], last: u64) -> Result<(), StoreError> {
        let path = self.path.clone();
        guard(&path, || {
            let known = entries.iter().find(|entry| entry.seq == self.meta.seq);
            if self.meta.seq > last || known.is_some_and(|entry| crc_of(entry) != self.meta.crc) {
                return Err(Fault("it holds entries that the journal does not".to_owned()));
            }
            let new: Vec<&Entry> = entries.iter().filter(|entry| entry.seq > self.meta.seq).collect();
            let Some(first) = new.first() else { return Ok(()) };
            if self.meta.seq > 0 && first.seq != self.meta.seq + 1 {
                return Err(Fault("it lacks entries".to_owned()));
            }
            self.take(&new)
        })
    }

    fn take(&mut self, entries: &[&Entry]) -> Result<(), Fault> {
        let [mut journal, mut evidence, mut records, mut lanes] = std::array::from_fn(|_| Batch::default());
        for entry in entries {
            journal.put(place(entry.seq, 0), entry);
            for (at, change) in (0..).zip(changes_of(&entry.event)) {
                match change {
                    Mutation::PutEvidence { evidence: fact } => evidence.put(place(entry.seq, at), fact),
                    Mutation::PutRecord { address, record } => {
                        records.put(key_of(address, entry.seq, at), &version(entry, Some(record)));
                    }
                    Mutation::DropRecord { address } => {
                        records.put(key_of(address, entry.seq, at), &version::<Record>(entry, None));
                    }
                    Mutation::PutLane { address, lane } => {
                        lanes.put(key_of(address, entry.seq, at), &version(entry, Some(lane)));
                    }
                    Mutation::DropLane { address } => {
                        lanes.put(key_of(address, entry.seq, at), &version::<LaneRecord>(entry, None));
                    }
                    Mutation::PutBinding { .. }
                    | Mutation::DropBinding { .. }
                    | Mutation::DropEvidence { .. }
                    | Mutation::SetOutputs { .. } => {}
                }
            }
        }
        let mut meta = self.meta.clone();
        for (name, batch, count) in [
            ("journal", journal, &mut meta.journal),
            ("evidence", evidence, &mut meta.evidence),
            ("records", records, &mut meta.records),
            ("lanes", lanes, &mut meta.lanes),
        ] {
            self.db.open_tree(name)?.apply_batch(batch.sled)?;
            *count += batch.count;
        }
        if let Some(last) = entries.last() {
            (meta.seq, meta.crc) = (last.seq, crc_of(last));
        }
        self.db.open_tree(META)?.insert(META, sealed(META.as_bytes(), &meta))?;
        self.db.flush()?;
        // On Linux a flush writes without asking for the disk.
        File::open(self.path.join("db"))?.sync_data()?;
        self.meta = meta;
        Ok(())
    }

    /// All evidence ever recorded, oldest first.
    pub(super) fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        self.scan("evidence", self.meta.evidence, &[])
    }

    /// All journal entries, oldest first.
    pub(super) fn journal(&self) -> Result<Vec<Entry>, StoreError> {
        self.scan("journal", self.meta.journal, &[])
    }

    /// All versions of one record, oldest first.
    pub(super) fn record(&self, address: &Address) -> Result<Vec<Version<Record>>, StoreError> {
        self.scan("records", self.meta.records, &prefix_of(address))
    }

    /// All versions of one lane, oldest first.
    pub(super) fn lane(&self, address: &Address) -> Result<Vec<Version<LaneRecord>>, StoreError> {
        self.scan("lanes", self.meta.lanes, &prefix_of(address))
    }

    fn scan<T: DeserializeOwned>(
        &self,
        name: &str,
        count: usize,
        prefix: &[u8],
    ) -> Result<Vec<T>, StoreError> {
        guard(&self.path, || {
            let tree = self.db.open_tree(name)?;
            let (mut found, mut values) = (0, Vec::new());
            // The whole tree is read, because only then is it known that nothing is missing.
            for item in tree.iter() {
                let (key, value) = item?;
                found += 1;
                if key.starts_with(prefix) {
                    values.push(unsealed(&key, &value)?);
                }
            }
            if found == count {
                Ok(values)
            } else {
                Err(Fault(format!("{name} holds {found} of {count} values")))
            }
        })
    }

    /// Closes the database; closing a damaged one may panic, which is of no interest.
    pub(super) fn close(self) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self)));
    }
}

fn open_sled(path: &Path) -> Result<sled::Db, Fault> {
    let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    let mut attempt = 1;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if attempt < TRIES && error.to_string().contains("could not acquire lock") =>
            {
                attempt += 1;
                thread::sleep(Duration::from_millis(1));
            }
            opened => return Ok(opened?),
        }
    }
}

const DAMAGED: &str = "it is damaged";

/// What is wrong with the database.
struct Fault(String);

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Fault {
        match error {
            // What sled prints of the place is of use to its authors only.
            sled::Error::Corruption { .. } => Fault(DAMAGED.to_owned()),
            error => Fault(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        Fault(error.to_string())
    }
}

/// Turns every way in which sled may fail into an error.
fn guard<T>(path: &Path, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, StoreError> {
    let fault = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(Fault(reason))) => reason,
        Err(_) => DAMAGED.to_owned(),
    };
    Err(StoreError::Index { path: path.to_owned(), reason: fault })
}

/// A value as JSON after the CRC-32 of key and JSON.
fn sealed(key: &[u8], value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("only text keys are recorded");
    let mut bytes = checksum(key, &json).to_le_bytes().to_vec();
    bytes.extend(json);
    bytes
}

fn unsealed<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, Fault> {
    let fault = || Fault("a value fails its checksum".to_owned());
    let (crc, json) = bytes.split_first_chunk::<4>().ok_or_else(fault)?;
    if u32::from_le_bytes(*crc) != checksum(key, json) {
        return Err(fault());
    }
    serde_json::from_slice(json).map_err(|error| Fault(format!("a value is not understood ({error})")))
}

fn checksum(key: &[u8], json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(json);
    hasher.finalize()
}

fn crc_of(entry: &Entry) -> u32 {
    crc32fast::hash(&serde_json::to_vec(entry).expect("an entry has only text keys"))
}

fn version<T>(entry: &Entry, value: Option<T>) -> Version<T> {
    Version { seq: entry.seq, run: entry.run.clone(), at: entry.at, value }
}

/// Keys sort like the entries and, within one, like its changes.
fn place(seq: u64, at: u32) -> Vec<u8> {
    [&seq.to_be_bytes()[..], &at.to_be_bytes()[..]].concat()
}

fn key_of(address: &Address, seq: u64, at: u32) -> Vec<u8> {
    [prefix_of(address), place(seq, at)].concat()
}

/// No address holds a zero, so no address is the beginning of another.
fn prefix_of(address: &Address) -> Vec<u8> {
    let mut prefix = address.to_string().into_bytes();
    prefix.push(0);
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;

    fn filled(dir: &Path) -> Index {
        let mut index = Index::open(dir, "lineage-1").expect("opened");
        let entry =
            |seq| Entry { seq, run: "r".to_owned(), at: Timestamp::UNIX_EPOCH, event: Event::RunEnded };
        let entries: Vec<Entry> = (1..=3).map(entry).collect();
        index.catch_up(&entries, 3).expect("taken in");
        index
    }

    #[track_caller]
    fn check_fault<T>(answer: Result<T, StoreError>, words: &str) {
        match answer {
            Err(StoreError::Index { reason, .. }) => assert_eq!(reason, words),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was believed"),
        }
    }

    #[test]
    fn a_value_that_went_missing_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let index = filled(dir.path());
        assert_eq!(index.journal().expect("all").len(), 3);
        index.db.open_tree("journal").expect("a tree").remove(place(2, 0)).expect("removed");
        check_fault(index.journal(), "journal holds 2 of 3 values");
    }

    #[test]
    fn a_value_in_the_wrong_place_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let index = filled(dir.path());
        let tree = index.db.open_tree("journal").expect("a tree");
        let value = tree.remove(place(2, 0)).expect("removed").expect("a value");
        tree.insert(place(9, 0), value).expect("inserted");
        check_fault(index.journal(), "a value fails its checksum");
    }

    #[test]
    fn a_database_of_another_store_is_not_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path()).close();
        check_fault(Index::open(dir.path(), "lineage-2"), "it belongs to another store or format");
        assert_eq!(Index::open(dir.path(), "lineage-1").expect("opened").seq(), 3);
    }
}
