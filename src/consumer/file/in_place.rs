//! Editing a file that has to stay: it has several names, something is mounted there, or a new file could
//! not be given its owner.
//!
//! A reader can see half of such an edit, and a crash can leave it. So a record beside the file says first,
//! durably, what it is edited from and to; whoever finds the record later can finish.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::neighbour::{self, Neighbour, Purpose};
use super::turn::{self, Turn};
use super::{cannot_be_written, folder, refuse_changed};
use crate::regular_file;

const FORMAT: &str = "keyless-edit-1";

/// The unit in which a system brings parts of a file to the disk.
const PAGE: usize = 4096;

/// What a file is edited from and to.
pub(super) struct Record {
    pub(super) old: Zeroizing<Vec<u8>>,
    pub(super) new: Zeroizing<Vec<u8>>,
}

/// What a file is that a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The edit had not begun.
    Old,
    /// It was finished.
    New,
    /// It stopped in the middle.
    Torn,
    /// Somebody else wrote it.
    Foreign,
}

/// Writes over a file whose turn was taken.
pub(super) fn write(path: &Path, turn: &Turn, old: &[u8], new: &[u8]) -> Result<(), String> {
    let record = Neighbour::create(path, Purpose::Record, &encode(old, new))
        .map_err(|error| neighbour::refusal(path, &error))?;
    regular_file::sync_folder(folder(path)).map_err(cannot_be_written)?;
    let file = OpenOptions::new().write(true).open(path).map_err(cannot_be_written)?;
    refuse_changed(path, turn, old)?;
    if !turn::is_at(&file, path) {
        return Err("was replaced by somebody else meanwhile; run the command again".to_owned());
    }
    if let Err(error) = write_over(&file, new) {
        // What was there before fits, even where the disk is full.
        if let Err(undone) = write_over(&file, old) {
            let shown = record.path.display().to_string();
            record.keep();
            return Err(format!(
                "was written in part ({error}), and its old text could not be written again ({undone}). Both texts \
                 are in {shown}; the next command finishes the edit"
            ));
        }
        return Err(cannot_be_written(error));
    }
    drop(record);
    regular_file::sync_folder(folder(path)).map_err(cannot_be_written)
}

/// Writes this over all that a file has.
pub(super) fn write_over(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// A record as it is written.
pub(super) fn encode(old: &[u8], new: &[u8]) -> Zeroizing<Vec<u8>> {
    let head = format!("{FORMAT} {} {} {} {}\n", old.len(), digest(old), new.len(), digest(new));
    let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + old.len() + new.len()));
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(old);
    bytes.extend_from_slice(new);
    bytes
}

/// A record that was read; none where it was not written to its end, before which no edit begins.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Vec<&str> = std::str::from_utf8(&bytes[..end]).ok()?.split(' ').collect();
    let [FORMAT, old_length, old_digest, new_length, new_digest] = head[..] else { return None };
    let (old_length, new_length): (usize, usize) = (old_length.parse().ok()?, new_length.parse().ok()?);
    let texts = &bytes[end + 1..];
    if old_length.checked_add(new_length)? != texts.len() {
        return None;
    }
    let (old, new) = texts.split_at(old_length);
    (digest(old) == old_digest && digest(new) == new_digest)
        .then(|| Record { old: old.to_vec().into(), new: new.to_vec().into() })
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the file is now.
pub(super) fn standing(now: &[u8], record: &Record) -> Standing {
    match now {
        _ if now == &**record.old => Standing::Old,
        _ if now == &**record.new => Standing::New,
        _ if is_torn(now, &record.old, &record.new) => Standing::Torn,
        _ => Standing::Foreign,
    }
}

/// Tells whether writing the new over the old can have stopped here: each page is the new one up to some
/// byte and the old one from there on. The file grows as it is written, and is cut at the end only.
fn is_torn(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    let may_be_long = now.len() == old.len() || (old.len()..=new.len()).contains(&now.len());
    may_be_long
        && now.chunks(PAGE).enumerate().all(|(at, page)| {
            let is_new = page.iter().zip(page_of(new, at)).take_while(|(now, new)| now == new).count();
            let old = page_of(old, at);
            page.len() == is_new || (page.len() <= old.len() && page[is_new..] == old[is_new..page.len()])
        })
}

fn page_of(text: &[u8], at: usize) -> &[u8] {
    let from = (at * PAGE).min(text.len());
    &text[from..(from + PAGE).min(text.len())]
}
