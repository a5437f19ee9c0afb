//! The one way to read a file that somebody else wrote: a regular one, and no larger than a bound.
//!
//! A pipe hands its content to one reader alone and has none before somebody writes; a device has no
//! end. Opening either could wait for good, or take from a workload what was meant for it, so both are
//! refused before they are opened.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Why a file was not read; put behind the file's name, it makes a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system did not let us.
    #[error("cannot be read: {0}")]
    Failed(#[from] io::Error),
    /// It is this, and no regular file.
    #[error(
        "is {0}; only regular files are read, because reading anything else may never end. Name a regular file"
    )]
    NotRegular(&'static str),
    /// It is larger than anything that is meant to be there.
    #[error("has more than {0} bytes, the most that are read of such a file")]
    TooLarge(u64),
    /// From this byte on it is no text.
    #[error("is not UTF-8 text (byte {0})")]
    NotText(usize),
}

impl Unreadable {
    /// Tells whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Unreadable::Failed(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a text of at most `most` bytes. As it may hold a credential, it is wiped when it is dropped.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, Unreadable> {
    text(read(path, most)?)
}

/// Reads at most `most` bytes; links are followed.
pub(crate) fn read(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    read_opened(&open(path)?, most)
}

/// Tells whether a path leads to a regular file.
pub(crate) fn check(path: &Path) -> Result<(), Unreadable> {
    refuse_other_kinds(std::fs::metadata(path)?.file_type())
}

/// Opens a regular file for reading; links are followed.
pub(crate) fn open(path: &Path) -> Result<File, Unreadable> {
    check(path)?;
    open_kind(path, true)
}

/// Opens a regular file that is no link.
pub(crate) fn open_no_link(path: &Path) -> Result<File, Unreadable> {
    refuse_other_kinds(std::fs::symlink_metadata(path)?.file_type())?;
    open_kind(path, false)
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only there can following be refused"))]
fn open_kind(path: &Path, is_followed: bool) -> Result<File, Unreadable> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // Should a pipe come in between, opening it does not wait either.
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        flags.set(OFlags::NOFOLLOW, !is_followed);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    refuse_other_kinds(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads what is left of an opened file; all, where nobody read of it before.
pub(crate) fn read_opened(mut file: &File, most: u64) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let found = file.metadata()?;
    if found.len() > most {
        return Err(Unreadable::TooLarge(most));
    }
    // Room for all from the start: growing would leave copies of it in memory.
    let room = usize::try_from(found.len()).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    // Its size may be untrue, as below /proc, or not true any more.
    (&mut file).take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(Unreadable::TooLarge(most)),
        false => Ok(bytes),
    }
}

/// Makes the names in a folder outlast a crash of the machine.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Other systems open no folder, and keep names without being asked.
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(path) {
        Ok(folder) => folder.sync_all(),
        // A folder can be open to writing alone.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Bytes as text.
pub(crate) fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, Unreadable> {
    String::from_utf8(std::mem::take(&mut bytes)).map(Zeroizing::new).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        drop(Zeroizing::new(error.into_bytes()));
        Unreadable::NotText(at)
    })
}

fn refuse_other_kinds(kind: FileType) -> Result<(), Unreadable> {
    match kind.is_file() {
        true => Ok(()),
        false => Err(Unreadable::NotRegular(name(kind))),
    }
}

#[cfg(unix)]
fn name(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "no regular file",
    }
}

#[cfg(not(unix))]
fn name(kind: FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "no regular file" }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        read_text(path, 4).expect_err("a refusal").to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        let socket = directory.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (&*pipe, "is a named pipe;"),
            (&*link, "is a named pipe;"),
            (&*socket, "is a socket;"),
            (Path::new("/dev/zero"), "is a device;"),
            (directory.path(), "is a directory;"),
        ] {
            assert!(refusal(path).starts_with(kind), "{}", refusal(path));
        }
    }

    #[test]
    fn no_more_than_the_bound_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(*read_text(&path, 4).unwrap(), "four");
        std::fs::write(&path, "fiver").unwrap();
        assert!(refusal(&path).starts_with("has more than 4 bytes"), "{}", refusal(&path));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_size_is_not_believed() {
        assert_eq!(std::fs::metadata("/proc/self/status").unwrap().len(), 0);
        assert!(matches!(read_text(Path::new("/proc/self/status"), 4), Err(Unreadable::TooLarge(4))));
    }

    #[test]
    fn a_missing_file_is_told_from_one_that_is_no_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert!(read_text(&path, 4).unwrap_err().is_missing());
        std::fs::write(&path, b"ab\xff").unwrap();
        let error = read_text(&path, 4).unwrap_err();
        assert!(!error.is_missing());
        assert_eq!(error.to_string(), "is not UTF-8 text (byte 2)");
    }
}
