//! What was written since the organization was last saved whole: a line for each request that changed
//! something.
//!
//! Saving everything at every write would make many writes quadratic. Handlers are functions of the
//! organization, the request and the time, so that the same requests at the same times lead to the
//! same organization again. What also depends on files, as everything does that workloads do, is
//! saved whole instead.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assumptions::Assumptions;
use super::error::SimulatorError;
use super::organization::World;
use super::request::Request;
use super::router;

/// The log may grow to this size, in bytes, or to that of the organization, before that is saved whole:
/// so whole saves cost no more than what was written in between.
const BYTES_MIN: u64 = 1_048_576;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    /// How the start that wrote the log was told to behave.
    told: Assumptions,
}

/// A change.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Which change it is, counted from the beginning of the organization.
    change: u64,
    now: Timestamp,
    real: Timestamp,
    /// The request; none where only faults were used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    /// Whether it was accepted.
    accepted: bool,
    /// How often each fault could have met a call, and met one, afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    faults: Vec<(u64, u64)>,
}

/// What a line is made of.
pub(super) struct Change<'a> {
    pub(super) now: Timestamp,
    pub(super) real: Timestamp,
    pub(super) request: Option<&'a Request>,
    pub(super) accepted: bool,
}

/// The log that is being written.
pub(super) struct Redo {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl Redo {
    /// Begins an empty log, for an organization that was just saved whole in so many bytes.
    pub(super) fn begin(path: &Path, world: &World, saved_bytes: usize) -> Result<Redo, SimulatorError> {
        let header = serde_json::to_vec(&Header { told: world.told.clone() }).expect("switches are text");
        let create = || {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(0o600);
            }
            let mut file = options.open(path)?;
            file.write_all(&[&header[..], b"\n"].concat())?;
            Ok(file)
        };
        let file = create().map_err(SimulatorError::file("write", path))?;
        let bytes_max = BYTES_MIN.max(saved_bytes as u64);
        Ok(Redo { path: path.to_owned(), file, bytes: 0, bytes_max })
    }

    /// Whether it is time to save everything.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    /// Adds a change that led to `world`.
    pub(super) fn add(&mut self, world: &World, change: &Change<'_>) -> Result<(), SimulatorError> {
        let line = Line {
            change: world.changes,
            now: change.now,
            real: change.real,
            request: change.request.cloned(),
            accepted: change.accepted,
            faults: world.faults.iter().map(|waiting| waiting.counts()).collect(),
        };
        let mut text = serde_json::to_vec(&line).expect("a request has text keys only");
        text.push(b'\n');
        self.bytes += text.len() as u64;
        // One write, so that a kill leaves the whole line or, at worst, its beginning.
        self.file.write_all(&text).map_err(SimulatorError::file("write", &self.path))
    }
}

/// Makes the changes of a log again that the saved organization does not have yet.
pub(super) fn replay(path: &Path, world: &mut World, base: &Path) -> Result<(), SimulatorError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SimulatorError::file("read", path)(error)),
    };
    let damaged = |at: usize, why: &str| SimulatorError::Saved {
        path: path.to_owned(),
        problem: format!("line {} {why}", at + 1),
    };
    // What stands behind the last line end was cut off by a kill and never answered.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (at, line) in whole.split('\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        if at == 0 {
            let header: Header = serde_json::from_str(line).map_err(|_| damaged(at, "is damaged"))?;
            world.told = header.told;
            world.assume();
            continue;
        }
        let line: Line = serde_json::from_str(line).map_err(|_| damaged(at, "is damaged"))?;
        if line.change <= world.changes {
            continue;
        }
        if line.change != world.changes + 1 {
            return Err(damaged(at, "does not follow the one before it"));
        }
        if let Some(request) = &line.request {
            let answered = router::answer(world, base, request, line.now, line.real);
            if answered.is_ok() != line.accepted {
                return Err(damaged(at, "does not lead to what it led to"));
            }
        }
        for (waiting, counts) in world.faults.iter_mut().zip(line.faults) {
            waiting.count(counts);
        }
        world.changes = line.change;
    }
    Ok(())
}
