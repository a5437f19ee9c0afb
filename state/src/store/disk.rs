//! Files that are either the old one or the new one, whenever the power goes.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::store::error::StoreError;

/// Replaces a file so that, after a crash at any moment, either the old or the new one is whole.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = temporary_for(path);
    let mut file = create(&temporary).map_err(StoreError::io(&temporary, "create"))?;
    file.write_all(bytes).map_err(StoreError::io(&temporary, "write"))?;
    file.sync_all().map_err(StoreError::io(&temporary, "write to the disk"))?;
    drop(file);
    rename(&temporary, path)
}

/// Replaces a file so that readers see either the old or the new one; a crash may lose both.
pub(super) fn replace_without_sync(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = temporary_for(path);
    let mut file = create(&temporary).map_err(StoreError::io(&temporary, "create"))?;
    file.write_all(bytes).map_err(StoreError::io(&temporary, "write"))?;
    fs::rename(&temporary, path).map_err(StoreError::io(path, "replace"))
}

/// Creates a file that only its owner may read, or empties the one that is there.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = for_owner();
    options.write(true).create(true).truncate(true).open(path)
}

/// How files are created: for their owner alone.
pub(super) fn for_owner() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Renames a file and makes the new name durable.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io(to, "replace"))?;
    for folder in [to.parent(), from.parent().filter(|folder| Some(*folder) != to.parent())] {
        folder.map_or(Ok(()), sync_folder)?;
    }
    Ok(())
}

/// Reads a whole file, or nothing when it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, "read")(error)),
    }
}

/// Removes a file; that it does not exist is fine.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io(path, "remove")(error)),
        _ => Ok(()),
    }
}

/// Creates a folder that only its owner may enter; that it exists is fine.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(StoreError::io(path, "create the folder"))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// The names of the files in a folder, sorted; none when the folder does not exist.
pub(super) fn file_names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(folder, "list")(error)),
    };
    let mut names = Vec::new();
    for item in listed {
        let item = item.map_err(StoreError::io(folder, "list"))?;
        names.extend(item.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Makes the names in a folder durable. Systems without this call do it by themselves.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let opened = File::open(folder).map_err(StoreError::io(folder, "open"))?;
        opened.sync_all().map_err(StoreError::io(folder, "write to the disk"))?;
    }
    Ok(())
}

fn temporary_for(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}
