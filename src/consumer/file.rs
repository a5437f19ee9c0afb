//! Files that hold a key, read and replaced as a whole.

use std::path::Path;

use zeroize::Zeroizing;

use crate::limits::DOTENV_BYTES_MAX;
use crate::regular_file::{self, Unreadable};

/// Reads a file that may hold a key; the text is wiped when it is dropped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Unreadable> {
    regular_file::read_text(path, DOTENV_BYTES_MAX)
}

/// Replaces a file at once, keeping its permissions; a reader sees the old text or the new.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    // A link is followed, so that the file behind it changes and the link stays.
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.keyless-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = (|| {
        let mut file = options.open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
