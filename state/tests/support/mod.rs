//! What the tests of the store share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use keyless_state::{
    Checkpoint, Event, LockRequest, Mutation, Origin, OutputRecord, Record, State, Store, StoreError,
};
use serde_json::{Map, Value, json};

/// A folder that is ours alone, as the program makes it.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder.path(), mode).expect("a mode");
    }
    folder
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time in this century")
}

pub(crate) fn request(id: &str) -> LockRequest {
    LockRequest {
        operation: "apply".to_owned(),
        who: "ann@laptop".to_owned(),
        version: "0.1.0".to_owned(),
        created: at(0),
        id: id.to_owned(),
    }
}

pub(crate) fn try_open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(dir, request("lock-1"), "lineage-1", at(0))
}

#[track_caller]
pub(crate) fn open(dir: &Path) -> Store {
    try_open(dir).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn started(step: &str) -> Event {
    Event::StepStarted { step: step.to_owned(), operation: json!({ "create": step }) }
}

pub(crate) fn done(step: &str, changes: Vec<Mutation>) -> Event {
    Event::StepDone { step: step.to_owned(), changes }
}

pub(crate) fn recorded(change: Mutation) -> Event {
    Event::Recorded { changes: vec![change] }
}

/// A record of the service account with this name, whose attributes hold the value.
pub(crate) fn put(name: &str, value: Value) -> Mutation {
    let mut attributes = Map::new();
    attributes.insert("value".to_owned(), value);
    Mutation::PutRecord {
        address: format!("service_account.{name}").parse().expect("an address"),
        record: Record {
            id: format!("svac_{name}"),
            origin: Origin::Created,
            attributes,
            depends_on: vec![],
        },
    }
}

pub(crate) fn outputs(value: u64) -> Mutation {
    let output = OutputRecord { value: Value::from(value), sensitive: false };
    Mutation::SetOutputs { outputs: BTreeMap::from([("count".to_owned(), output)]) }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if !to.exists() {
        std::fs::create_dir_all(to).expect("a folder");
        let mode = std::fs::metadata(from).expect("a folder").permissions();
        std::fs::set_permissions(to, mode).expect("a mode");
    }
    for item in std::fs::read_dir(from).expect("a folder") {
        let item = item.expect("an item");
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), &target).expect("a copy");
        }
    }
}

pub(crate) fn checkpoint(name: &str, second: i64, state: &State) -> Checkpoint {
    let reason = "before the change".to_owned();
    Checkpoint {
        name: name.to_owned(),
        taken_at: at(second),
        reason,
        lane: None,
        serial: 0,
        state: state.clone(),
    }
}

#[track_caller]
pub(crate) fn check_refused(dir: &Path, expected: fn(&StoreError) -> bool, words: &[&str]) {
    let error = try_open(dir).expect_err("refused");
    assert!(expected(&error), "{error:?}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
    let seen = keyless_state::read(dir).expect_err("refused");
    assert!(expected(&seen), "{seen:?}");
}
