//! Consumers: the places where a key is used.
//!
//! A driver can tell whether the key is there, take it out and put it back. Taking out is parking
//! where the place allows it: the secret stays where it is and is only switched off, so that it
//! never becomes part of anything that is recorded.

mod command;
mod dotenv;

use std::path::{Path, PathBuf};

use keyless_state::{Address, ConsumerId};
use serde_json::Value;

use crate::config::{Consumer, ConsumerDriver};
use crate::lane::Presence;

pub(crate) use command::run_for_output;
pub use dotenv::DotenvError;

/// A consumer with everything a driver needs to find it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The configuration directory, to which paths are relative.
    pub base: PathBuf,
    /// The lane.
    pub key: Address,
    /// The consumer.
    pub id: ConsumerId,
    /// As declared.
    pub consumer: Consumer,
}

/// What a driver could not do.
#[derive(Debug, thiserror::Error)]
#[error("{id} of {key} ({place}): {message}")]
pub struct ConsumerError {
    key: Address,
    id: ConsumerId,
    place: String,
    message: String,
}

impl Place {
    fn error(&self, place: impl Into<String>, message: impl Into<String>) -> ConsumerError {
        ConsumerError {
            key: self.key.clone(),
            id: self.id.clone(),
            place: place.into(),
            message: message.into(),
        }
    }

    fn tag(&self) -> String {
        format!("{}/{}", self.key, self.id)
    }

    /// Tells whether the key is there.
    pub async fn check(&self) -> Presence {
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { path, variable, .. } => match read(&self.base.join(path)) {
                Ok(text) if dotenv::holds(&text, variable) => Presence::Present,
                Ok(_) => Presence::Absent,
                Err(message) => Presence::Unknown(format!("{}: {message}", path.display())),
            },
            ConsumerDriver::Command { check, .. } => command::check(check, &self.base).await,
            ConsumerDriver::Manual { .. } => Presence::Unknown("only a person can look there".to_owned()),
        }
    }

    /// The federation settings found there that were written by us.
    pub fn settings(&self) -> Option<Vec<(String, String)>> {
        let ConsumerDriver::Dotenv { path, identity_token_file: Some(_), .. } = &self.consumer.driver else {
            return None;
        };
        dotenv::settings(&read(&self.base.join(path)).ok()?, &self.tag())
    }

    /// Writes the federation settings, replacing older ones of ours.
    pub fn configure(&self, settings: &[(String, String)]) -> Result<(), ConsumerError> {
        self.edit(|text| dotenv::configure(text, &self.tag(), settings))
    }

    /// Takes our federation settings out.
    pub fn unconfigure(&self) -> Result<(), ConsumerError> {
        self.edit(|text| Ok(dotenv::unconfigure(text, &self.tag())))
    }

    /// Takes the key out and returns what is needed to put it back. Safe to repeat.
    pub async fn remove(&self) -> Result<Option<Value>, ConsumerError> {
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { variable, .. } => {
                self.edit(|text| dotenv::park(text, variable, &self.tag()))?;
                Ok(Some(serde_json::json!({ "parked": variable })))
            }
            ConsumerDriver::Command { remove, .. } => {
                command::run(remove, &self.base)
                    .await
                    .map_err(|message| self.error(remove.join(" "), message))?;
                Ok(None)
            }
            ConsumerDriver::Manual { instructions } => {
                Err(self.error(instructions.clone(), "a person has to take the key out there"))
            }
        }
    }

    /// Puts the key back. Safe to repeat.
    pub async fn restore(&self) -> Result<(), ConsumerError> {
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { .. } => self.edit(|text| dotenv::unpark(text, &self.tag())),
            ConsumerDriver::Command { restore: Some(restore), .. } => command::run(restore, &self.base)
                .await
                .map_err(|message| self.error(restore.join(" "), message)),
            ConsumerDriver::Command { restore: None, check, .. } => Err(self.error(
                check.join(" "),
                "the consumer block has no `restore` command; put the key back by hand",
            )),
            ConsumerDriver::Manual { instructions } => {
                Err(self.error(instructions.clone(), "a person has to put the key back there"))
            }
        }
    }

    fn edit(
        &self,
        change: impl FnOnce(&str) -> Result<zeroize::Zeroizing<String>, DotenvError>,
    ) -> Result<(), ConsumerError> {
        let ConsumerDriver::Dotenv { path, .. } = &self.consumer.driver else {
            unreachable!("only a dotenv consumer is edited");
        };
        let full = self.base.join(path);
        let fail = |message: String| self.error(path.display().to_string(), message);
        let text = read(&full).map_err(fail)?;
        let changed = change(&text).map_err(|error| fail(error.to_string()))?;
        if *changed == *text {
            return Ok(());
        }
        replace(&full, &changed).map_err(|error| fail(format!("cannot be written: {error}")))
    }
}

/// Reads a file that may hold a key; the text is wiped when it is dropped.
fn read(path: &Path) -> Result<zeroize::Zeroizing<String>, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > crate::limits::DOTENV_BYTES_MAX {
        return Err(format!(
            "is {size} bytes; a file of variables is smaller than {}",
            crate::limits::DOTENV_BYTES_MAX
        ));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(zeroize::Zeroizing::new(text)),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Replaces a file at once, keeping its permissions; a reader sees the old text or the new.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
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
