//! Files of variables in which several consumers may have their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::configuration::Configuration;
use super::consumer_driver::ConsumerDriver;

/// The variables that the consumers of a configuration have in each file.
#[derive(Clone, Debug, Default)]
pub struct EnvFiles(BTreeMap<PathBuf, BTreeSet<String>>);

impl EnvFiles {
    /// Those of a configuration.
    pub fn of(configuration: &Configuration) -> EnvFiles {
        let mut files = EnvFiles::default();
        for consumer in configuration.api_keys.values().flat_map(|key| key.consumers.values()) {
            if let ConsumerDriver::Dotenv { path, variable, .. } = &consumer.driver {
                files.0.entry(plain_path(path)).or_default().insert(variable.clone());
            }
        }
        files
    }

    /// The variables of other consumers in the file of this one.
    pub fn beside(&self, driver: &ConsumerDriver) -> BTreeSet<String> {
        let ConsumerDriver::Dotenv { path, variable, .. } = driver else { return BTreeSet::new() };
        let mut all = self.0.get(&plain_path(path)).cloned().unwrap_or_default();
        all.remove(variable);
        all
    }
}

/// A path without detours through `.` and, as far as its text tells, `..`.
pub fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
