//! Whatever happens to the embedded database, it is built anew and answers the same.

mod support;

use std::fs;
use std::path::Path;

use keyless_state::{Repair, Store};
use serde_json::json;
use support::{at, copy, folder, open, put, recorded};
use tempfile::TempDir;

fn filled() -> TempDir {
    let dir = folder();
    let mut store = open(dir.path());
    for round in 1..=30 {
        store
            .append("r", at(1), recorded(put(&format!("n{}", round % 4), json!("x".repeat(50)))))
            .expect("appended");
        if round % 10 == 0 {
            store.append("r", at(1), recorded(put("saved", json!(round)))).expect("appended");
            store.save(at(1), "0.1.0").expect("saved");
        }
    }
    drop(store);
    // Opened a second time, the database has a snapshot of its own.
    let mut store = open(dir.path());
    assert_eq!(store.journal_history().expect("all").len(), 33);
    store.append("r", at(1), recorded(put("unsaved", json!(1)))).expect("appended");
    dir
}

fn answers(store: &mut Store) -> (usize, Vec<u64>) {
    let address = "service_account.n1".parse().expect("an address");
    let versions = store.record_history(&address).expect("a history");
    (store.journal_history().expect("a history").len(), versions.iter().map(|version| version.seq).collect())
}

/// Changes the folder of a filled store, then compares what it answers with what it should.
fn check(dir: &Path, rebuilt: Option<bool>, change: impl Fn(&Path)) {
    let copied = folder();
    copy(dir, copied.path());
    change(copied.path());
    let mut store = open(copied.path());
    let state = store.state().clone();
    assert_eq!(state.records.len(), 6);
    assert_eq!(answers(&mut store), (34, vec![1, 5, 9, 14, 18, 23, 27, 31]));
    let told = store.repairs().iter().any(|repair| matches!(repair, Repair::HistoryRebuilt { .. }));
    if let Some(rebuilt) = rebuilt {
        assert_eq!(told, rebuilt, "{:?}", store.repairs());
    }
    store.append("r", at(2), recorded(put("more", json!(1)))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    drop(store);
    let mut store = open(copied.path());
    assert_eq!((answers(&mut store).0, store.repairs()), (35, &[][..]));
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file");
}

#[test]
fn it_is_built_anew_when_it_is_gone_damaged_or_of_another_store() {
    let dir = filled();
    let other = folder();
    let mut store = Store::open(other.path(), support::request("x"), "lineage-2", at(0)).expect("opened");
    store.append("r", at(1), recorded(put("a", json!(1)))).expect("appended");
    store.save(at(1), "0.1.0").expect("saved");
    drop(store);

    check(dir.path(), Some(false), |_| {});
    check(dir.path(), Some(false), |dir| fs::remove_dir_all(dir.join("db")).expect("removed"));
    check(dir.path(), Some(true), |dir| write(&dir.join("db/conf"), &[0xAA; 200]));
    check(dir.path(), Some(true), |dir| write(&dir.join("db/db"), b""));
    check(dir.path(), Some(true), |dir| {
        let length = fs::metadata(dir.join("db/db")).expect("a file").len();
        write(&dir.join("db/db"), &vec![0xAA; length as usize]);
    });
    check(dir.path(), Some(true), |dir| {
        fs::remove_dir_all(dir.join("db")).expect("removed");
        copy(&other.path().join("db"), &dir.join("db"));
    });
}

#[test]
fn half_a_snapshot_left_by_a_kill_is_removed() {
    let dir = filled();
    check(dir.path(), Some(false), |dir| {
        write(&dir.join("db/snap.FFFFFFFFFFFFFFFF.generating"), b"half");
    });
}

#[test]
fn one_that_knows_more_or_other_than_the_journals_is_not_believed() {
    let dir = filled();
    let mut ahead = open(dir.path());
    let before = folder();
    copy(dir.path(), before.path());
    ahead.append("r", at(1), recorded(put("lost", json!(1)))).expect("appended");
    assert_eq!(ahead.journal_history().expect("all").len(), 35);
    drop(ahead);
    let swap = |target: &Path| {
        fs::remove_dir_all(target.join("db")).expect("removed");
        copy(&dir.path().join("db"), &target.join("db"));
    };
    check(before.path(), Some(true), swap);
    // The same number of entries, the last of them another one.
    let mut store = open(before.path());
    store.append("r", at(1), recorded(put("other", json!(2)))).expect("appended");
    drop(store);
    swap(before.path());
    let mut store = open(before.path());
    let last = store.journal_history().expect("all").pop().expect("an entry");
    assert_eq!(last.event, recorded(put("other", json!(2))));
    assert_eq!(store.repairs().len(), 1);
}

#[test]
fn damage_at_many_places_never_changes_an_answer() {
    let dir = filled();
    let bytes = fs::read(dir.path().join("db/db")).expect("a file");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("data") + 1;
    for place in 0..48 {
        let at = place * used / 48;
        check(dir.path(), None, |dir| {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (place % 8);
            write(&dir.join("db/db"), &damaged);
        });
    }
    for cut in 1..12 {
        check(dir.path(), None, |dir| write(&dir.join("db/db"), &bytes[..cut * used / 12]));
    }
}
