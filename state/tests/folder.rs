//! The folder as others find it: whom it admits, and what is missed when it is gone.

mod support;

use std::fs;
use std::path::Path;

use keyless_state::StoreError;
use support::{at, check_refused, checkpoint, folder, open, outputs, recorded};

#[cfg(unix)]
fn modes(path: &Path) -> Vec<(std::path::PathBuf, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mut all = vec![(path.to_owned(), fs::metadata(path).expect("a file").permissions().mode() & 0o777)];
    if path.is_dir() {
        fs::read_dir(path)
            .expect("a folder")
            .for_each(|entry| all.extend(modes(&entry.expect("a file").path())));
    }
    all
}

#[cfg(unix)]
#[test]
fn everything_in_the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let path = dir.path().join(".keyless");
    let mut store = open(&path);
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    let state = store.state().clone();
    store.checkpoint("r", checkpoint("first", 1, &state)).expect("taken");
    store.save(at(2), "0.1.0").expect("saved");
    store.append("r", at(3), recorded(outputs(2))).expect("appended");
    store.save(at(4), "0.1.0").expect("saved");
    store.close().expect("closed");
    let check = || {
        let found = modes(&path);
        assert!(found.len() > 8);
        for (path, mode) in found {
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        }
    };
    check();
    for (path, _) in modes(&path) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("widened");
    }
    let store = open(&path);
    assert!(matches!(store.repairs(), [keyless_state::Repair::Narrowed { .. }]), "{:?}", store.repairs());
    store.close().expect("closed");
    check();
    // The one of that name is ours, whatever else is in it.
    fs::write(path.join("token"), "").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("widened");
    open(&path).close().expect("closed");
    assert_eq!(fs::metadata(&path).expect("a folder").permissions().mode() & 0o777, 0o700);
    // Any other that holds files of others stays as it is, and so do they, whatever their folders are called.
    let shared = dir.path().join("shared");
    fs::rename(&path, &shared).expect("moved");
    let path = shared;
    fs::write(path.join("main.keyless.hcl"), "").expect("written");
    for name in ["", "main.keyless.hcl", "state.json", "history"] {
        let path = path.join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("widened");
    }
    open(&path).close().expect("closed");
    let mode = |name: &str| fs::metadata(path.join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("main.keyless.hcl"), mode("state.json")), (0o755, 0o755, 0o600));
    assert_eq!(mode("history"), 0o755);
}

#[test]
fn what_stops_nothing_is_found_by_looking() {
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    let state = store.state().clone();
    store.checkpoint("r", checkpoint("first", 1, &state)).expect("taken");
    store.save(at(2), "0.1.0").expect("saved");
    store.append("r", at(3), recorded(outputs(2))).expect("appended");
    drop(store);
    let told = || {
        let found = keyless_state::inspect(dir.path()).expect("looked");
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(), [""; 0]);
    let checkpoints: Vec<_> = fs::read_dir(dir.path().join("checkpoints")).expect("a folder").collect();
    fs::remove_file(checkpoints[0].as_ref().expect("a file").path()).expect("removed");
    assert!(told()[0].starts_with("the checkpoint first was taken"), "{:?}", told());
    let journal = dir.path().join("journal");
    let length = fs::metadata(&journal).expect("a file").len();
    fs::File::options().write(true).open(&journal).expect("opened").set_len(length - 9).expect("cut");
    assert!(told()[1].contains("no whole entry") || told()[0].contains("no whole entry"), "{:?}", told());
    let past = dir.path().join("history/00000000000000000001-00000000000000000002.journal");
    let mut bytes = fs::read(&past).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&past, bytes).expect("written");
    assert!(told()[0].contains("is damaged at byte"), "{:?}", told());
    assert!(keyless_state::read(dir.path()).is_ok());
}

#[test]
fn a_journal_that_was_deleted_is_missed() {
    let missing = |error: &StoreError| matches!(error, StoreError::JournalMissing { .. });
    let dir = folder();
    for save in [false, true] {
        let mut store = open(dir.path());
        store.append("r", at(1), recorded(outputs(1))).expect("appended");
        if save {
            store.save(at(2), "0.1.0").expect("saved");
            store.append("r", at(3), recorded(outputs(2))).expect("appended");
        }
        drop(store);
        fs::remove_file(dir.path().join("journal")).expect("removed");
        check_refused(dir.path(), missing, &["begun and never put away", "journal.begun"]);
        fs::remove_file(dir.path().join("journal.begun")).expect("removed");
        open(dir.path()).close().expect("closed");
    }
}
