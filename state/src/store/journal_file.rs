//! The journal as files: the one being written, and those put away after a save.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::journal::Entry;
use crate::snapshot::FORMAT_VERSION;
use crate::store::error::StoreError;
use crate::store::frame::{self, Frame};
use crate::store::{checkpoint_file, disk, state_file};

const NAME: &str = "journal";
/// Says that a journal was begun, and with which entry, so that one that is deleted is missed.
const BEGUN: &str = "journal.begun";
const FOLDER: &str = "history";
const MAGIC: &[u8] = b"keyless journal\n";

/// The first record of a journal file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Version of the format of the records.
    pub(super) format_version: u32,
    /// The store that the journal belongs to.
    pub(super) lineage: String,
    /// The serial of the saved state that it follows.
    pub(super) serial: u64,
    /// The sequence number of its first entry.
    pub(super) first_seq: u64,
}

/// What a journal file says.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    /// Where the last whole record ends.
    good: u64,
    /// Bytes after that, left by a crash in the middle of a write.
    pub(super) torn: u64,
}

impl Contents {
    /// The sequence number that the next entry gets.
    fn next_seq(&self) -> u64 {
        self.header.first_seq + self.entries.len() as u64
    }

    /// The sequence number of the last entry, or of the one before the first.
    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq().saturating_sub(1)
    }
}

/// The path of the journal that is being written.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Reads the journal that is being written.
///
/// # Errors
/// [`StoreError::JournalMissing`] for one that was begun, is gone and was not put away; the others for one
/// that is not as it was written.
pub(super) fn read(dir: &Path) -> Result<Option<Contents>, StoreError> {
    // Before the journal, which may be begun or put away between the two.
    let begun = disk::read(&dir.join(BEGUN))?;
    let journal = read_file(path(dir))?;
    let (None, Some(begun)) = (&journal, begun) else { return Ok(journal) };
    let first: Option<u64> = std::str::from_utf8(&begun).ok().and_then(|text| text.trim().parse().ok());
    let names = disk::file_names(&dir.join(FOLDER))?;
    let is_put_away = names.iter().filter_map(|name| range_of(name)).any(|(it, _)| Some(it) == first);
    if is_put_away {
        return Ok(None);
    }
    // Before the first save nothing else says whose the checkpoints are, and a new store has another lineage.
    let is_saved = state_file::path(dir).exists();
    let checkpoints = checkpoint_file::folder(dir);
    let aside = [Some(dir.join(BEGUN)), Some(checkpoints).filter(|it| !is_saved && it.exists())];
    Err(StoreError::JournalMissing { path: path(dir), aside: aside.into_iter().flatten().collect() })
}

/// The journals that were put away, oldest first.
pub(super) fn put_away_files(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = dir.join(FOLDER);
    let names = disk::file_names(&folder)?;
    Ok(names.iter().filter(|name| range_of(name).is_some()).map(|name| folder.join(name)).collect())
}

/// The entries of a journal that was put away.
pub(super) fn read_whole(path: PathBuf) -> Result<Vec<Entry>, StoreError> {
    let Some(contents) = read_file(path)? else { return Ok(Vec::new()) };
    if contents.torn > 0 {
        return Err(damaged(&contents.path, contents.good as usize, "the file is cut off"));
    }
    Ok(contents.entries)
}

/// Reads the journals that were put away and hold entries after `seq`, oldest first. The first of them may
/// begin earlier.
pub(super) fn read_history(dir: &Path, lineage: &str, seq: u64) -> Result<Vec<Entry>, StoreError> {
    let folder = dir.join(FOLDER);
    let mut entries = Vec::new();
    for name in disk::file_names(&folder)? {
        if range_of(&name).is_none_or(|(_, last)| last <= seq) {
            continue;
        }
        let Some(contents) = read_file(folder.join(&name))? else { continue };
        if contents.torn > 0 {
            return Err(damaged(&contents.path, contents.good as usize, "the file is cut off"));
        }
        same_lineage(&contents, lineage)?;
        entries.extend(contents.entries);
    }
    Ok(entries)
}

/// Tells whether journals were ever put away.
pub(super) fn has_history(dir: &Path) -> Result<bool, StoreError> {
    Ok(disk::file_names(&dir.join(FOLDER))?.iter().any(|name| range_of(name).is_some()))
}

/// Refuses a journal of another store.
pub(super) fn same_lineage(contents: &Contents, lineage: &str) -> Result<(), StoreError> {
    if contents.header.lineage == lineage {
        return Ok(());
    }
    Err(StoreError::LineageMismatch {
        path: contents.path.clone(),
        expected: lineage.to_owned(),
        found: contents.header.lineage.clone(),
    })
}

fn read_file(path: PathBuf) -> Result<Option<Contents>, StoreError> {
    let Some(bytes) = disk::read(&path)? else { return Ok(None) };
    if !bytes.starts_with(MAGIC) {
        return Err(damaged(&path, 0, "it does not begin like a journal"));
    }
    // The header was on the disk before the file got its name, so no crash cuts it off.
    let Frame::Whole { seq: 0, payload, next } = frame::decode(&bytes, MAGIC.len()) else {
        return Err(damaged(&path, MAGIC.len(), "its first record is not whole"));
    };
    let header = read_header(&path, payload)?;
    let mut contents = Contents { path, header, entries: Vec::new(), good: next as u64, torn: 0 };
    let mut at = next;
    loop {
        match frame::decode(&bytes, at) {
            Frame::End => return Ok(Some(contents)),
            Frame::Torn => {
                contents.torn = (bytes.len() - at) as u64;
                return Ok(Some(contents));
            }
            Frame::Damaged(reason) => return Err(damaged(&contents.path, at, reason)),
            Frame::Whole { seq, payload, next } => {
                contents.entries.push(read_entry(&contents, at, seq, payload)?);
                contents.good = next as u64;
                at = next;
            }
        }
    }
}

/// How a journal file begins.
fn head(header: &Header) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let payload = serde_json::to_vec(header).expect("a header has only texts and numbers");
    frame::encode(0, &payload, &mut bytes);
    bytes
}

fn read_header(path: &Path, payload: &[u8]) -> Result<Header, StoreError> {
    #[derive(Deserialize)]
    struct Probe {
        format_version: u64,
    }
    let not_understood = |_| damaged(path, MAGIC.len(), "its first record is not understood");
    let probe: Probe = serde_json::from_slice(payload).map_err(not_understood)?;
    match probe.format_version {
        1..=3 => serde_json::from_slice(payload).map_err(not_understood),
        found if found > u64::from(FORMAT_VERSION) => Err(StoreError::NewerFormat {
            path: path.to_owned(),
            found,
            written_by: "of a newer version".to_owned(),
        }),
        _ => Err(damaged(path, MAGIC.len(), "there is no such format version")),
    }
}

fn read_entry(contents: &Contents, at: usize, seq: u64, payload: &[u8]) -> Result<Entry, StoreError> {
    let entry: Entry = serde_json::from_slice(payload)
        .map_err(|error| damaged(&contents.path, at, &format!("a record is not understood ({error})")))?;
    if entry.seq != seq || seq != contents.next_seq() {
        let reason = format!("entry {} is followed by entry {seq}", contents.last_seq());
        return Err(damaged(&contents.path, at, &reason));
    }
    Ok(entry)
}

fn damaged(path: &Path, offset: usize, reason: &str) -> StoreError {
    StoreError::JournalDamaged { path: path.to_owned(), offset: offset as u64, reason: reason.to_owned() }
}

/// The range of entries in a journal that was put away, by its name.
fn range_of(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".journal")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// The journal that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    dir: PathBuf,
    path: PathBuf,
    file: Option<File>,
    first_seq: u64,
    buffer: Vec<u8>,
    stopped: bool,
}

impl Writer {
    /// Goes on after what was read, and returns how many torn bytes were cut off.
    pub(super) fn open(dir: &Path, found: Option<&Contents>) -> Result<(Writer, u64), StoreError> {
        let path = path(dir);
        let mut writer = Writer {
            dir: dir.to_owned(),
            path,
            file: None,
            first_seq: 0,
            buffer: Vec::new(),
            stopped: false,
        };
        let Some(found) = found else { return Ok((writer, 0)) };
        if found.header.format_version < FORMAT_VERSION {
            writer.renew(found)?;
        }
        let file = writer.open_file()?;
        if found.torn > 0 {
            file.set_len(found.good).map_err(StoreError::io(&writer.path, "cut the torn end off"))?;
            file.sync_all().map_err(StoreError::io(&writer.path, "write to the disk"))?;
        }
        writer.first_seq = found.header.first_seq;
        writer.file = Some(file);
        Ok((writer, found.torn))
    }

    /// Appends an entry; it is on the disk when this returns. The first one begins the file, which says
    /// that it follows the save with this serial.
    pub(super) fn append(&mut self, entry: &Entry, lineage: &str, serial: u64) -> Result<(), StoreError> {
        self.check()?;
        self.buffer.clear();
        let payload = serde_json::to_vec(entry).expect("an entry has only text keys");
        StoreError::refuse_secrets(&self.path, &payload)?;
        frame::encode(entry.seq, &payload, &mut self.buffer);
        // Until the write succeeded it is not known what the file holds.
        self.stopped = true;
        if self.file.is_none() {
            self.begin(entry.seq, lineage, serial)?;
        }
        let file = self.file.as_mut().expect("it was just begun");
        file.write_all(&self.buffer).map_err(StoreError::io(&self.path, "append to"))?;
        file.sync_data().map_err(StoreError::io(&self.path, "write to the disk"))?;
        self.stopped = false;
        Ok(())
    }

    /// Refuses to go on after a failed write.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.stopped { Err(StoreError::Stopped { path: self.path.clone() }) } else { Ok(()) }
    }

    /// Puts the file away, since a durable snapshot contains its entries; the next entry begins a new one.
    pub(super) fn put_away(&mut self, last_seq: u64) -> Result<(), StoreError> {
        if last_seq < self.first_seq || self.file.take().is_none() {
            return Ok(());
        }
        // Should this fail, a new journal must not replace the one that is still there.
        self.stopped = true;
        let folder = self.dir.join(FOLDER);
        disk::create_folder(&folder)?;
        disk::rename(&self.path, &folder.join(format!("{:020}-{last_seq:020}.journal", self.first_seq)))?;
        disk::remove(&self.dir.join(BEGUN))?;
        self.stopped = false;
        Ok(())
    }

    /// Says in the header that entries of this version may follow, so that an older program knows at
    /// once that the file is not for it. The entries stay byte for byte.
    fn renew(&self, found: &Contents) -> Result<(), StoreError> {
        let Some(bytes) = disk::read(&self.path)? else { return Ok(()) };
        let Frame::Whole { next, .. } = frame::decode(&bytes, MAGIC.len()) else {
            return Err(damaged(&self.path, MAGIC.len(), "its first record is not whole"));
        };
        let mut renewed = head(&Header { format_version: FORMAT_VERSION, ..found.header.clone() });
        renewed.extend_from_slice(&bytes[next..]);
        disk::replace(&self.path, &renewed)
    }

    fn begin(&mut self, first_seq: u64, lineage: &str, serial: u64) -> Result<(), StoreError> {
        let header =
            Header { format_version: FORMAT_VERSION, lineage: lineage.to_owned(), serial, first_seq };
        disk::replace(&self.path, &head(&header))?;
        disk::replace(&self.dir.join(BEGUN), format!("{first_seq}\n").as_bytes())?;
        self.first_seq = first_seq;
        self.file = Some(self.open_file()?);
        Ok(())
    }

    fn open_file(&self) -> Result<File, StoreError> {
        OpenOptions::new().append(true).open(&self.path).map_err(StoreError::io(&self.path, "open"))
    }
}
