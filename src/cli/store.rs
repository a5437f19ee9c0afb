//! Opening the store under its lock.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keyless_state::{LockRequest, Store, StoreError};

use super::ui;
use crate::limits::HOST_NAME_FILE_BYTES_MAX;
use crate::regular_file;

/// Opens the store for a command that writes.
pub(super) fn open(directory: &Path, operation: &str, wait: Duration) -> Result<Store, StoreError> {
    let started = Instant::now();
    loop {
        let request = LockRequest {
            id: ulid::Ulid::generate().to_string(),
            operation: operation.to_owned(),
            who: who(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Timestamp::now(),
        };
        let lineage = ulid::Ulid::generate().to_string();
        match Store::open(directory, request, &lineage, Timestamp::now()) {
            Err(StoreError::Locked { .. }) if started.elapsed() < wait => {
                std::thread::sleep(Duration::from_millis(200))
            }
            result => return result,
        }
    }
}

/// Tells what is wrong in the store and stops nothing. Every command does, since what is not missed today
/// is missed when it is needed.
pub(super) fn tell_findings(directory: &Path) {
    let warn = |text: String| ui::tell(&format!("warning: {text}"));
    match keyless_state::inspect(directory) {
        Ok(findings) => findings.iter().for_each(|finding| warn(finding.to_string())),
        Err(error) => warn(error.to_string()),
    }
}

/// Who runs this, for the lock's message: user and machine, as far as they are known.
pub(super) fn who() -> String {
    let user = user().unwrap_or_else(|| "unknown".to_owned());
    let host = regular_file::read_text(Path::new("/etc/hostname"), HOST_NAME_FILE_BYTES_MAX);
    let host = host.unwrap_or_default();
    match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    }
}

/// The name of who is logged in here, as far as the environment tells.
pub(super) fn user() -> Option<String> {
    let named = |name| std::env::var(name).ok().filter(|user| !user.trim().is_empty());
    named("USER").or_else(|| named("LOGNAME"))
}
