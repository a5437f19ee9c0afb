//! The folder is its owner's alone: it says whose keys open what, and when they were last used.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::repair::Repair;

/// What the program keeps in the folder. A folder that holds anything else, such as the one of the
/// configuration, is not only ours, and its other files are left alone.
const OURS: [&str; 11] = [
    "state.json",
    "state.json.backup",
    "journal",
    "journal.begun",
    "lock",
    "lock.json",
    "history",
    "checkpoints",
    "db",
    "db.damaged",
    "simulator",
];

/// The folder that is ours by its name, whatever else is in it.
const OWN_FOLDER: &str = ".keyless";

/// Takes the access of others away, from everything down to the last file. What others could reach until
/// now, or can still, is to be told.
#[cfg(unix)]
pub(super) fn narrow(dir: &Path) -> Vec<Repair> {
    let mut walk = Walk::default();
    let was_open = is_open(dir);
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let (ours, others): (Vec<PathBuf>, Vec<PathBuf>) =
        names.map(|entry| entry.path()).partition(|path| is_ours(path));
    if others.is_empty() || dir.file_name().is_some_and(|name| name == OWN_FOLDER) {
        walk.close(dir);
        ours.iter().for_each(|path| walk.take(path));
    } else {
        // A folder called `db` may be anybody's in a folder that is not ours alone.
        ours.iter().filter(|path| !path.is_dir()).for_each(|path| walk.take(path));
    }
    let mut told: Vec<Repair> = walk
        .failed
        .into_iter()
        .filter(|_| was_open)
        .map(|(path, error)| Repair::Exposed { path, reason: error.to_string() })
        .collect();
    if was_open && walk.narrowed > 0 {
        told.push(Repair::Narrowed { path: dir.to_owned(), count: walk.narrowed });
    }
    told
}

/// Other systems have no such modes.
#[cfg(not(unix))]
pub(super) fn narrow(_: &Path) -> Vec<Repair> {
    Vec::new()
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    OURS.contains(&name.strip_suffix(".tmp").unwrap_or(name))
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.symlink_metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[derive(Default)]
struct Walk {
    narrowed: usize,
    failed: Vec<(PathBuf, io::Error)>,
}

#[cfg(unix)]
impl Walk {
    fn take(&mut self, path: &Path) {
        // What a link leads to is somebody else's.
        let Ok(found) = path.symlink_metadata() else { return };
        if found.is_symlink() {
            return;
        }
        self.close(path);
        if found.is_dir() {
            let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
            inside.for_each(|entry| self.take(&entry.path()));
        }
    }

    fn close(&mut self, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        if !is_open(path) {
            return;
        }
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) {
            Ok(()) => self.narrowed += 1,
            Err(error) => self.failed.push((path.to_owned(), error)),
        }
    }
}
