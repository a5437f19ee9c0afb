//! Consumers: the places where a key is used.
//!
//! A driver can tell whether the key is there, take it out and put it back. Taking out is parking
//! where the place allows it: the secret stays where it is and is only switched off, so that it
//! never becomes part of anything that is recorded. No driver of a store reads a value.
//!
//! In reading order: `settings_file` edits texts and is pure, over `file`, as is [`crate::env_file`]; `command`
//! runs programs, each a `child` that leads one of the `groups`; `store` is what all drivers of remote stores do, `http` the only way in which they
//! speak, `environment` and `call_error` what they share.

mod aws;
mod azure;
mod call_error;
mod child;
mod command;
mod environment;
mod file;
mod gcp;
mod github_secret;
mod gitlab_variable;
mod groups;
mod http;
mod json_text;
mod kubernetes;
mod notice;
mod oauth;
mod returned;
mod settings_file;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keyless_state::{Address, ConsumerId};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::call_error::CallError;
use self::environment::Environment;
use self::store::Store;
use crate::config::{Consumer, ConsumerDriver};
use crate::env_file::{self, EnvFileFault, Format, Reading};
use crate::lane::{Presence, Returned};
use crate::plan::FEDERATION_VARIABLES;
use crate::resource::ApiKeyObject;

pub(crate) use command::run_for_output;
pub(crate) use groups::end_all;
pub(crate) use notice::tell_waits;

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
    /// The variables of other consumers in the same file.
    pub beside: BTreeSet<String>,
    /// What our lines there bear.
    pub tag: String,
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

/// What is wanted of a store.
#[derive(Clone, Copy)]
enum Work<'a> {
    Check,
    TakeOut,
    PutBack(Option<&'a Value>),
}

/// What came of it.
enum Outcome {
    HoldsKey(bool),
    TakenOut(Option<Value>),
    PutBack,
}

impl Place {
    fn error(&self, message: impl Into<String>) -> ConsumerError {
        self.error_at(self.consumer.driver.place(), message)
    }

    fn error_at(&self, place: String, message: impl Into<String>) -> ConsumerError {
        ConsumerError { key: self.key.clone(), id: self.id.clone(), place, message: message.into() }
    }

    /// Tells whether the key is there.
    pub async fn check(&self) -> Presence {
        let seen = match &self.consumer.driver {
            ConsumerDriver::Dotenv { path, format, variable, .. } => self.look(path, |text| {
                Reading::of(text, *format).holds(variable, &self.beside).map_err(|fault| fault.to_string())
            }),
            ConsumerDriver::ClaudeCodeSettings(settings) => {
                self.look(&settings.path, |text| settings_file::holds(text, &settings.entry))
            }
            ConsumerDriver::Command { check, .. } => return command::check(check, &self.base).await,
            ConsumerDriver::Manual { .. } => Err("only a person can look there".to_owned()),
            _ => match self.on_store(Work::Check).await {
                Ok(outcome) => Ok(matches!(outcome, Outcome::HoldsKey(true))),
                Err(error) => Err(error.to_string()),
            },
        };
        match seen {
            Ok(true) => Presence::Present,
            Ok(false) => Presence::Absent,
            Err(why) => Presence::Unknown(why),
        }
    }

    fn look(&self, path: &Path, holds: impl FnOnce(&str) -> Result<bool, String>) -> Result<bool, String> {
        let full = self.base.join(path);
        let text = file::read(&full).map_err(|error| error.to_string());
        // Half of an edit is no place that is free of the key.
        let whole = text.and_then(|text| file::unfinished(&full).map_or(Ok(text), Err));
        let seen = whole.and_then(|text| holds(&text));
        seen.map_err(|message| format!("{}: {message}", path.display()))
    }

    /// Why the key cannot be taken out there, where a file of lines is not understood.
    pub fn blocked(&self) -> Option<String> {
        let ConsumerDriver::Dotenv { path, format, variable, identity_token_file } = &self.consumer.driver
        else {
            return None;
        };
        let text = file::read(&self.base.join(path)).ok()?;
        let reading = Reading::of(&text, *format);
        let unwritable = || {
            let file = identity_token_file.as_ref()?;
            let settings = FEDERATION_VARIABLES.map(|name| (name.to_owned(), file.clone()));
            env_file::configure(&text, *format, (variable, &self.tag), &settings).err()
        };
        let fault = reading.doubt(variable, &self.beside);
        let fault = fault.or_else(|| reading.shadow(variable, &self.beside)).or_else(unwritable)?;
        Some(format!("{}: {fault}", path.display()))
    }

    /// Why its file is not read, where there is one that cannot be.
    pub fn unreadable(&self) -> Option<ConsumerError> {
        let path = match &self.consumer.driver {
            ConsumerDriver::Dotenv { path, .. } => path,
            ConsumerDriver::ClaudeCodeSettings(settings) => &settings.path,
            _ => return None,
        };
        let full = self.base.join(path);
        let why = match file::read(&full) {
            Ok(_) => file::unfinished(&full)?,
            Err(error) if error.is_missing() => return None,
            Err(error) => error.to_string(),
        };
        Some(self.error_at(path.display().to_string(), why))
    }

    /// Why it is not known whether the key is there, where a command or a store could not tell. Of a
    /// file [`Place::unreadable`] and its lane tell more, and a person is not asked by each look.
    pub fn unseen(&self, presence: &Presence) -> Option<ConsumerError> {
        let told_elsewhere = matches!(
            self.consumer.driver,
            ConsumerDriver::Dotenv { .. }
                | ConsumerDriver::ClaudeCodeSettings(_)
                | ConsumerDriver::Manual { .. }
        );
        match presence {
            Presence::Unknown(why) if !told_elsewhere => Some(self.error(why)),
            _ => None,
        }
    }

    /// The federation settings found there that were written by us.
    pub fn settings(&self) -> Option<Vec<(String, String)>> {
        let ConsumerDriver::Dotenv { path, format, variable, identity_token_file: Some(_) } =
            &self.consumer.driver
        else {
            return None;
        };
        env_file::settings(&file::read(&self.base.join(path)).ok()?, *format, (variable, &self.tag))
    }

    /// Tells whether there are lines of ours.
    pub fn is_marked(&self) -> bool {
        let in_dotenv = || match &self.consumer.driver {
            ConsumerDriver::Dotenv { path, .. } => {
                Some(env_file::is_marked(&file::read(&self.base.join(path)).ok()?, &self.tag))
            }
            _ => None,
        };
        in_dotenv().unwrap_or_else(|| self.parked().is_some_and(|lines| !lines.is_empty()))
    }

    /// The lines in which a key of ours is parked there, from 1; none where that is not told by a file.
    pub fn parked(&self) -> Option<Vec<usize>> {
        let read = |path: &Path| file::read(&self.base.join(path)).ok();
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { path, .. } => Some(env_file::parked_lines(&read(path)?, &self.tag)),
            ConsumerDriver::ClaudeCodeSettings(settings) => {
                let line = settings_file::parked_line(&read(&settings.path)?, &self.tag);
                Some(line.into_iter().collect())
            }
            _ => None,
        }
    }

    /// Takes what is parked there out for good. Safe to repeat.
    pub fn forget_parked(&self) -> Result<(), ConsumerError> {
        match &self.consumer.driver {
            ConsumerDriver::ClaudeCodeSettings(settings) => {
                self.edit(&settings.path, |text| settings_file::forget(text, &self.tag))
            }
            _ => self.edit_lines(|text, _, _| Ok(env_file::forget(text, &self.tag))),
        }
    }

    /// The key line that is there, where the place is a file of lines.
    pub fn returned(&self, keys: &BTreeMap<String, ApiKeyObject>) -> Option<Returned> {
        let ConsumerDriver::Dotenv { path, format, variable, .. } = &self.consumer.driver else {
            return None;
        };
        returned::returned(&file::read(&self.base.join(path)).ok()?, *format, variable, keys)
    }

    /// Takes the line of a dead key out. Safe to repeat.
    pub fn take_dead_key_out(&self, key: &ApiKeyObject) -> Result<(), ConsumerError> {
        if !matches!(self.consumer.driver, ConsumerDriver::Dotenv { .. }) {
            return Err(self.error("only in a file of lines can a dead key be told from another value"));
        }
        self.edit_lines(|text, format, variable| returned::take_out(text, format, variable, key))
    }

    /// Writes the federation settings, replacing older ones of ours.
    pub fn configure(&self, settings: &[(String, String)]) -> Result<(), ConsumerError> {
        self.edit_lines(|text, format, variable| {
            env_file::configure(text, format, (variable, &self.tag), settings)
        })
    }

    /// Takes our federation settings out.
    pub fn unconfigure(&self) -> Result<(), ConsumerError> {
        self.edit_lines(|text, _, _| Ok(env_file::unconfigure(text, &self.tag)))
    }

    /// Takes the key out and returns what is needed to put it back. Safe to repeat.
    pub async fn remove(&self) -> Result<Option<Value>, ConsumerError> {
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { variable, .. } => {
                self.edit_lines(|text, format, variable| {
                    env_file::park(text, format, variable, &self.beside, &self.tag)
                })?;
                Ok(Some(json!({ "parked": variable })))
            }
            ConsumerDriver::ClaudeCodeSettings(settings) => {
                self.edit(&settings.path, |text| settings_file::park(text, &settings.entry, &self.tag))?;
                Ok(Some(json!({ "parked": settings_file::name(&settings.entry) })))
            }
            ConsumerDriver::Command { remove, .. } => {
                let done = command::run(remove, &self.base).await;
                done.map(|()| None).map_err(|message| self.error_at(remove.join(" "), message))
            }
            ConsumerDriver::Manual { .. } => Err(self.error("a person has to take the key out there")),
            _ => match self.on_store(Work::TakeOut).await {
                Ok(Outcome::TakenOut(receipt)) => Ok(receipt),
                Ok(_) => unreachable!("a store answers what it was asked"),
                Err(error) => Err(self.error(error.to_string())),
            },
        }
    }

    /// Puts the key back. Safe to repeat. The receipt is what its removal returned, unless that
    /// was lost.
    pub async fn restore(&self, receipt: Option<&Value>) -> Result<(), ConsumerError> {
        match &self.consumer.driver {
            ConsumerDriver::Dotenv { .. } => {
                self.edit_lines(|text, format, variable| env_file::unpark(text, format, variable, &self.tag))
            }
            ConsumerDriver::ClaudeCodeSettings(settings) => {
                self.edit(&settings.path, |text| settings_file::unpark(text, &settings.entry, &self.tag))
            }
            ConsumerDriver::Command { restore: Some(restore), .. } => {
                let done = command::run(restore, &self.base).await;
                done.map_err(|message| self.error_at(restore.join(" "), message))
            }
            ConsumerDriver::Command { restore: None, .. } => {
                Err(self.error("the consumer block has no `restore` command; put the key back by hand"))
            }
            ConsumerDriver::Manual { .. } => Err(self.error("a person has to put the key back there")),
            _ => match self.on_store(Work::PutBack(receipt)).await {
                Ok(_) => Ok(()),
                Err(error) => Err(self.error(error.to_string())),
            },
        }
    }

    async fn on_store(&self, work: Work<'_>) -> Result<Outcome, CallError> {
        on_store(&self.consumer.driver, work, &Environment::Process).await
    }

    fn edit_lines(
        &self,
        change: impl FnOnce(&str, Format, &str) -> Result<Zeroizing<String>, EnvFileFault>,
    ) -> Result<(), ConsumerError> {
        let ConsumerDriver::Dotenv { path, format, variable, .. } = &self.consumer.driver else {
            unreachable!("only a file of lines has lines to edit");
        };
        self.edit(path, |text| change(text, *format, variable).map_err(|fault| fault.to_string()))
    }

    fn edit(
        &self,
        path: &Path,
        change: impl FnOnce(&str) -> Result<Zeroizing<String>, String>,
    ) -> Result<(), ConsumerError> {
        file::edit(&self.base.join(path), change).map_err(|message| self.error(message))
    }
}

/// Lets the driver of a store work.
async fn on_store(
    driver: &ConsumerDriver,
    work: Work<'_>,
    environment: &Environment,
) -> Result<Outcome, CallError> {
    match driver {
        ConsumerDriver::GithubSecret(secret) => {
            perform(&github_secret::Github::new(secret, environment)?, work).await
        }
        ConsumerDriver::GitlabVariable(variable) => {
            perform(&gitlab_variable::Gitlab::new(variable, environment)?, work).await
        }
        ConsumerDriver::KubernetesSecret(secret) => {
            perform(&kubernetes::Kubernetes::new(secret, environment).await?, work).await
        }
        ConsumerDriver::AwsSecret(secret) => perform(&aws::Aws::new(secret, environment).await?, work).await,
        ConsumerDriver::GcpSecret(secret) => perform(&gcp::Gcp::new(secret, environment).await?, work).await,
        ConsumerDriver::AzureSecret(secret) => {
            perform(&azure::Azure::new(secret, environment).await?, work).await
        }
        ConsumerDriver::Dotenv { .. }
        | ConsumerDriver::ClaudeCodeSettings(_)
        | ConsumerDriver::Command { .. }
        | ConsumerDriver::Manual { .. } => unreachable!("this consumer is no store"),
    }
}

async fn perform(store: &impl Store, work: Work<'_>) -> Result<Outcome, CallError> {
    match work {
        Work::Check => store.holds_key().await.map(Outcome::HoldsKey),
        Work::TakeOut => store.take_out().await.map(Outcome::TakenOut),
        Work::PutBack(receipt) => store.put_back(receipt).await.map(|()| Outcome::PutBack),
    }
}
