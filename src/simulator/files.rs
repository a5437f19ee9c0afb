//! Files of the simulated organization: all below one directory, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::regular_file;

/// The path below `base`, or none when it would leave it.
pub(super) fn below(base: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path);
    let stays = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (stays && relative.file_name().is_some()).then(|| base.join(relative))
}

/// Writes a file by way of a neighbour, so that a reader sees the old text or the new one.
/// A private file can be read by its owner only.
pub(super) fn write(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".keyless-new");
    let neighbour = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if private { 0o600 } else { 0o644 });
    }
    options.open(&neighbour)?.write_all(bytes)?;
    fs::rename(&neighbour, path)
}

/// Creates a folder, and what is missing above it, for its owner alone.
pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// How a file is created for its owner alone.
pub(super) fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a text of at most `most` bytes; none when there is no such file.
pub(super) fn read_text(path: &Path, most: u64) -> io::Result<Option<String>> {
    match regular_file::read_text(path, most) {
        Ok(mut text) => Ok(Some(std::mem::take(&mut *text))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_base() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(below(Path::new("/base"), path), expected.map(PathBuf::from), "{path}");
        };
        check("a/b.env", Some("/base/a/b.env"));
        check("./a", Some("/base/./a"));
        check("../a", None);
        check("a/../../b", None);
        check("/etc/passwd", None);
        check("", None);
        check(".", None);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/x");
        write(&path, b"one", true).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(read_text(&path, 3).unwrap().as_deref(), Some("two"));
        assert!(read_text(&path, 2).is_err());
        assert_eq!(read_text(&directory.path().join("none"), 1).unwrap(), None);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
