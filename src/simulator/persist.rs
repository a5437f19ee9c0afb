//! What the simulator keeps in its directory: the organization, a lock, and where it listens.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Options;
use super::concealed::Concealed;
use super::error::SimulatorError;
use super::files;
use super::organization::{FORMAT, World};
use super::redo::{self, Redo};
use super::seed::{self, Built};

/// Largest seed or template, in bytes.
const SEED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where a running simulator listens.
#[derive(Serialize, Deserialize)]
pub(super) struct Listening {
    pub(super) url: String,
    pub(super) operator_token: Concealed,
    pub(super) admin_key: Concealed,
}

/// The simulator's own directory, locked for this process.
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Creates and locks the directory; `Busy` when another process holds it.
    pub(super) fn lock(path: &Path) -> Result<Directory, SimulatorError> {
        files::create_private_folder(path).map_err(SimulatorError::file("create", path))?;
        let name = path.join("lock");
        let lock = files::private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(SimulatorError::file("open", &name))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SimulatorError::Busy { directory: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(SimulatorError::file("lock", &name)(error)),
        }
        let directory = Directory { path: path.to_owned(), _lock: lock };
        directory.forget_listening();
        Ok(directory)
    }

    /// Loads the organization, or builds it from the seed on first use.
    pub(super) fn open(&self, options: &Options, real: Timestamp) -> Result<World, SimulatorError> {
        let path = self.world_file();
        match fs::read(&path) {
            Ok(bytes) => {
                let mut world = parse(&path, &bytes)?;
                redo::replay(&self.redo_file(), &mut world, &options.base)?;
                Ok(world)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let built = first(options, real)?;
                lay_out(&options.base, &built)?;
                Ok(built.world)
            }
            Err(error) => Err(SimulatorError::file("read", &path)(error)),
        }
    }

    /// Replaces the saved organization, and begins the log of what is written after it.
    pub(super) fn save(&self, world: &World) -> Result<Redo, SimulatorError> {
        let path = self.world_file();
        let bytes = serde_json::to_vec(world).expect("the organization has text keys only");
        files::write(&path, &bytes, true).map_err(SimulatorError::file("write", &path))?;
        Redo::begin(&self.redo_file(), world, bytes.len())
    }

    /// Tells other processes where this one listens.
    pub(super) fn tell_listening(&self, listening: &Listening) -> Result<(), SimulatorError> {
        let path = listening_file(&self.path);
        let text = serde_json::to_vec(listening).expect("two texts are always JSON");
        files::write(&path, &text, true).map_err(SimulatorError::file("write", &path))
    }

    /// Takes back what was told; a file that is not there is as good.
    pub(super) fn forget_listening(&self) {
        let _ = fs::remove_file(listening_file(&self.path));
    }

    fn redo_file(&self) -> PathBuf {
        self.path.join("redo.jsonl")
    }

    fn world_file(&self) -> PathBuf {
        self.path.join("world.json")
    }
}

/// Where another process listens, once it has told.
pub(super) fn find_listening(directory: &Path) -> Option<Listening> {
    serde_json::from_slice(&fs::read(listening_file(directory)).ok()?).ok()
}

fn listening_file(directory: &Path) -> PathBuf {
    directory.join("server.json")
}

/// Reads a saved organization; a newer or torn one is refused with the way to start over.
fn parse(path: &Path, bytes: &[u8]) -> Result<World, SimulatorError> {
    let saved = |problem: String| SimulatorError::Saved { path: path.to_owned(), problem };
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| saved(format!("it is damaged ({error})")))?;
    match value["format"].as_u64() {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(saved(format!("it has format {format} and this program knows format {FORMAT}")));
        }
        None => return Err(saved(String::from("it does not say its format"))),
    }
    serde_json::from_value(value).map_err(|error| saved(format!("it is damaged ({error})")))
}

fn first(options: &Options, real: Timestamp) -> Result<Built, SimulatorError> {
    let Some(file) = &options.organization else { return seed::built_in(real) };
    let path = options.base.join(file);
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let text = files::read_text(&path, SEED_BYTES_MAX)
        .and_then(|text| text.ok_or_else(missing))
        .map_err(SimulatorError::file("read", &path))?;
    build(&options.base, &file.display().to_string(), &text, real)
}

/// Builds the organization of a seed; `file` is what problems call it.
pub(super) fn build(base: &Path, file: &str, text: &str, real: Timestamp) -> Result<Built, SimulatorError> {
    let template = |name: &str| {
        let path = files::below(base, name).ok_or("it is outside the directory")?;
        let text = files::read_text(&path, SEED_BYTES_MAX).map_err(|error| error.to_string())?;
        text.ok_or_else(|| String::from("there is no such file"))
    };
    seed::build(file, text, template, real)
}

/// Writes the files that belong to an organization.
pub(super) fn lay_out(base: &Path, built: &Built) -> Result<(), SimulatorError> {
    for file in &built.files {
        let Some(path) = files::below(base, &file.path) else { continue };
        files::write(&path, file.text.as_bytes(), file.private)
            .map_err(SimulatorError::file("write", &path))?;
    }
    Ok(())
}
