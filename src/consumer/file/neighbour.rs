//! The file beside an edited one in which the edit is prepared.
//!
//! It begins with the name of the edited file, so that rules that keep `.env*` out of a repository or an
//! image fit it too, and is locked while its writer lives, so that a leftover is told from work under way.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::turn;

const MARK: &str = ".keyless-";
const RECORD: &str = ".edit";
const RANDOM_BYTES: usize = 8;

/// What a neighbour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its text takes the place of the file's.
    Text,
    /// It says what a file is edited from and to that has to stay in its place.
    Record,
}

/// A neighbour in the making; it is removed with this.
pub(super) struct Neighbour {
    pub(super) path: PathBuf,
    pub(super) file: File,
    is_kept: bool,
}

impl Neighbour {
    /// Makes a new one, for its owner alone, with this content on the disk.
    pub(super) fn create(path: &Path, purpose: Purpose, bytes: &[u8]) -> io::Result<Neighbour> {
        loop {
            let path = path.with_file_name(name(path, purpose)?);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path)?;
            let mut neighbour = Neighbour { path, file, is_kept: false };
            // Where there are no locks, nobody sweeps.
            let _ = neighbour.file.lock();
            // Before it was locked, it looked like a leftover and may have been swept.
            if turn::is_at(&neighbour.file, &neighbour.path) {
                neighbour.file.write_all(bytes)?;
                neighbour.file.sync_all()?;
                return Ok(neighbour);
            }
            neighbour.is_kept = true;
        }
    }

    /// Moves it over the file that it was made for.
    pub(super) fn put_in_place(mut self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)?;
        self.is_kept = true;
        Ok(())
    }

    /// Leaves it there for the next process that comes by.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
        // Closing it is not enough: a program that is just being started has it open, too, for a moment.
        let _ = self.file.unlock();
    }
}

/// A name that nobody can foresee and put something under.
fn name(path: &Path, purpose: Purpose) -> io::Result<OsString> {
    let mut random = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| io::Error::other("this machine gives no random numbers"))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(MARK);
    name.push(random.map(|byte| format!("{byte:02x}")).concat());
    if purpose == Purpose::Record {
        name.push(RECORD);
    }
    Ok(name)
}

/// The name of the file that this is the name of a neighbour of, and what that one is for.
pub(super) fn told_by(name: &str) -> Option<(&str, Purpose)> {
    let (rest, purpose) = match name.strip_suffix(RECORD) {
        Some(rest) => (rest, Purpose::Record),
        None => (name, Purpose::Text),
    };
    let (file, random) = rest.rsplit_once(MARK)?;
    let is_ours = random.len() == 2 * RANDOM_BYTES
        && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && !file.is_empty();
    is_ours.then_some((file, purpose))
}

/// What is said where none can be made.
pub(super) fn refusal(path: &Path, error: &io::Error) -> String {
    format!(
        "is left as it is: no file can be made beside it, without which an edit could not be finished after a crash: \
         {error}. Let keyless write to {}",
        super::folder(path).display()
    )
}
