//! What a file that takes another's place takes over: owner, group, mode, extended attributes. Access
//! control lists are among the latter.

use std::fs::File;
use std::io;
use std::path::Path;

/// Gives a new file all of them. An error means that it cannot stand for the other one.
#[cfg(unix)]
pub(super) fn take_over(from: &File, to: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let wanted = from.metadata()?;
    let found = to.metadata()?;
    if (wanted.uid(), wanted.gid()) != (found.uid(), found.gid()) {
        fchown(to, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    take_over_extended(from, to)?;
    // Last, as both of the above can change it.
    to.set_permissions(wanted.permissions())?;
    let facts = |found: std::fs::Metadata| (found.uid(), found.gid(), found.mode());
    // Some file systems take a change and do not make it.
    match facts(to.metadata()?) == facts(wanted) {
        true => Ok(()),
        false => Err(io::Error::other(format!("{} cannot be given its owner or mode", path.display()))),
    }
}

#[cfg(unix)]
fn take_over_extended(from: &File, to: &File) -> io::Result<()> {
    use xattr::FileExt;
    let names = |file: &File| match file.list_xattr() {
        Ok(names) => Ok(names.collect::<Vec<_>>()),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let wanted = names(from)?;
    // A folder may give new files a list of its own.
    for name in names(to)?.iter().filter(|name| !wanted.contains(name)) {
        to.remove_xattr(name)?;
    }
    for name in wanted {
        let value = from.get_xattr(&name)?;
        // A label that both have need not be set, which may not be allowed.
        if let Some(value) = value.filter(|value| to.get_xattr(&name).ok().flatten().as_ref() != Some(value))
        {
            to.set_xattr(&name, &value)?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn take_over(from: &File, to: &File, _: &Path) -> io::Result<()> {
    to.set_permissions(from.metadata()?.permissions())
}

/// Tells whether the file has other names, which would go on leading to the old text.
#[cfg(unix)]
pub(super) fn has_other_names(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1)
}

#[cfg(not(unix))]
pub(super) fn has_other_names(_: &File) -> io::Result<bool> {
    Ok(false)
}
