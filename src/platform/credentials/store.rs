//! Files of profiles: read with care, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::{limits, regular_file};

/// Reads a file that says which credential to use; none when there is none. A file that others
/// may write is refused, because it could send tokens elsewhere.
pub(super) fn read_configuration(path: &Path) -> Result<Option<String>, String> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    if others_may(&found, 0o022) {
        return Err("can be written by others, so it is not believed; run `chmod go-w` on it".to_owned());
    }
    let text = regular_file::read_text(path, limits::PROFILE_FILE_BYTES_MAX);
    text.map(|mut text| Some(std::mem::take(&mut *text))).map_err(|error| error.to_string())
}

/// Reads a file of tokens; none when there is none. One that others may open is refused.
pub(super) fn read_tokens(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    if found.is_symlink() {
        return Err("is a symbolic link, which the vendor's clients refuse too".to_owned());
    }
    if others_may(&found, 0o077) {
        return Err("can be opened by others; run `chmod 600` on it".to_owned());
    }
    regular_file::read_text(path, limits::PROFILE_FILE_BYTES_MAX).map(Some).map_err(|error| error.to_string())
}

/// Reads an identity token.
pub(crate) fn read_identity_token(path: &Path) -> Result<Zeroizing<String>, String> {
    // Room for white space around the token.
    regular_file::read_text(path, 2 * limits::IDENTITY_TOKEN_BYTES_MAX as u64)
        .map_err(|error| format!("the identity token file {} {error}", path.display()))
}

#[cfg(unix)]
fn others_may(found: &fs::Metadata, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & bits != 0
}

#[cfg(not(unix))]
fn others_may(_: &fs::Metadata, _: u32) -> bool {
    false
}

/// Replaces a file of tokens in one step, readable by its owner alone.
pub(super) fn write_tokens(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("the path has no directory"))?;
    create_directory(directory)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = directory.join(format!(".{name}.{}.new", std::process::id()));
    let _ = fs::remove_file(&new);
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    // The new name has to survive a crash as well: the old refresh token may not work any more.
    regular_file::sync_folder(directory)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(directory)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn tokens_are_written_for_their_owner_alone_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials/default.json");
        write_tokens(&path, "one").unwrap();
        write_tokens(&path, "two").unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(read_tokens(&path).unwrap().unwrap().as_str(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn files_that_others_may_touch_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let set = |mode| {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o640);
        assert!(read_tokens(&path).unwrap_err().contains("chmod 600"));
        assert_eq!(read_configuration(&path).unwrap().unwrap(), "x");
        set(0o664);
        assert!(read_configuration(&path).unwrap_err().contains("chmod go-w"));
        set(0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read_tokens(&link).unwrap_err().contains("symbolic link"));
        assert!(read_tokens(&directory.path().join("none")).unwrap().is_none());
    }
}
