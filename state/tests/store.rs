//! The store as its callers see it.

mod support;

use std::fs;

use keyless_state::{Checkpoint, Event, Evidence, Fact, Mutation, State, Store, StoreError, Weight};
use serde_json::json;
use support::{
    at, check_refused, checkpoint, done, folder, open, outputs, put, recorded, request, started, try_open,
};
use tempfile::TempDir;

fn evidence(id: &str) -> Evidence {
    Evidence {
        id: id.to_owned(),
        observed_at: at(1),
        weight: Weight::Observed,
        source: "test".to_owned(),
        digest: None,
        fact: Fact::ArchiveApproval { key: "api_key.ci".parse().expect("an address"), by: "ann".to_owned() },
    }
}

#[test]
fn a_new_store_is_empty_and_private() {
    let dir = folder();
    let path = dir.path().join("deep/.keyless");
    let store = open(&path);
    assert_eq!((store.snapshot().serial, store.snapshot().lineage.as_str()), (0, "lineage-1"));
    assert_eq!(store.state(), &State::default());
    assert!(store.last_run_ended() && store.in_doubt().is_empty() && store.repairs().is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("a folder").permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_store_can_be_handed_to_another_thread() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Store>();
    is_send::<StoreError>();
}

#[test]
fn what_was_appended_is_there_after_a_crash() {
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r", at(1), recorded(put("a", json!(0.1)))).expect("appended");
    store.append("r", at(2), started("s")).expect("appended");
    let state = store.state().clone();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.state(), &state);
    assert_eq!(store.in_doubt().len(), 1);
    assert_eq!(store.in_doubt()[0].operation, json!({ "create": "s" }));
    assert!(!store.last_run_ended());
}

#[test]
fn a_save_counts_up_once_and_keeps_the_one_before() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_organization("org_1");
    for round in 1..=3 {
        store.append("r", at(1), recorded(outputs(round))).expect("appended");
        assert_eq!(store.save(at(2), "0.1.0").expect("saved").serial, round);
        let bytes = fs::read(dir.path().join("state.json")).expect("a file");
        assert_eq!(store.save(at(3), "0.2.0").expect("saved").serial, round);
        assert_eq!(fs::read(dir.path().join("state.json")).expect("a file"), bytes);
    }
    store.close().expect("closed");
    let store = Store::open(dir.path(), request("x"), "lineage-2", at(9)).expect("opened");
    assert_eq!(store.snapshot().lineage, "lineage-1");
    assert_eq!(store.snapshot().organization_id.as_deref(), Some("org_1"));
    assert_eq!((store.snapshot().serial, store.snapshot().journal_seq), (3, 3));
    assert_eq!(store.state(), &store.snapshot().state);
    let backup = fs::read_to_string(dir.path().join("state.json.backup")).expect("a file");
    assert!(backup.contains("\"serial\": 2"), "{backup}");
}

#[test]
fn the_organization_alone_is_worth_a_save() {
    let dir = folder();
    let mut store = open(dir.path());
    assert_eq!(store.save(at(1), "0.1.0").expect("saved").serial, 0);
    store.set_organization("org_1");
    assert_eq!(store.save(at(1), "0.1.0").expect("saved").serial, 1);
    assert_eq!(store.save(at(1), "0.1.0").expect("saved").serial, 1);
}

#[test]
fn impossible_moves_are_not_written() {
    let dir = folder();
    let mut store = open(dir.path());
    let refused = store.append("r", at(1), done("s", vec![outputs(1)])).expect_err("refused");
    assert!(matches!(refused, StoreError::Illegal { .. }), "{refused}");
    assert!(!dir.path().join("journal").exists());
    store.append("r", at(1), started("s")).expect("appended");
    store.append("r", at(1), done("s", vec![outputs(1)])).expect("appended");
    store.append("r", at(1), started("s")).expect_err("refused");
    assert_eq!(store.journal_history().expect("a history").len(), 2);
}

#[test]
fn a_step_under_way_outlives_a_save() {
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r1", at(1), started("slow")).expect("appended");
    store.append("r1", at(1), recorded(outputs(1))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    assert!(store.in_doubt().is_empty(), "its own steps are not in doubt");
    drop(store);

    let mut store = open(dir.path());
    assert_eq!(store.in_doubt().len(), 1);
    assert_eq!(store.in_doubt()[0].run, "r1");
    store.append("r1", at(3), done("slow", vec![outputs(2)])).expect("settled");
    assert!(store.in_doubt().is_empty());
    store.save(at(4), "0.1.0").expect("saved");
    let state = store.state().clone();
    drop(store);
    let store = open(dir.path());
    assert!(store.in_doubt().is_empty());
    assert_eq!(store.state(), &state);
}

#[test]
fn the_second_to_open_is_told_who_was_first() {
    let dir = folder();
    let store = open(dir.path());
    let error = Store::open(dir.path(), request("lock-2"), "l", at(0)).expect_err("refused");
    let StoreError::Locked { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.id.as_str(), holder.pid), ("lock-1", std::process::id()));
    let text = error.to_string();
    for part in ["  ID:        lock-1", "  Operation: apply", "  Who:       ann@laptop", "  Version:   0.1.0"]
    {
        assert!(text.contains(part), "{text}");
    }
    store.close().expect("closed");
    assert!(!dir.path().join("lock.json").exists());
    open(dir.path());
}

#[test]
fn only_a_lock_that_nobody_holds_can_be_removed() {
    let dir = folder();
    let unlock = |id| keyless_state::force_unlock(dir.path(), id);
    assert!(matches!(unlock("lock-1"), Err(StoreError::NotLocked { .. })));
    let store = open(dir.path());
    assert!(matches!(unlock("lock-1"), Err(StoreError::Locked { .. })));
    let note = fs::read(dir.path().join("lock.json")).expect("a file");
    drop(store);
    assert!(matches!(unlock("lock-1"), Err(StoreError::NotLocked { .. })));
    // What a killed process leaves.
    fs::write(dir.path().join("lock.json"), note).expect("a file");
    assert!(matches!(unlock("lock-2"), Err(StoreError::LockIdMismatch { .. })));
    assert_eq!(keyless_state::read(dir.path()).expect("read"), None);
    assert_eq!(unlock("lock-1").expect("removed").who, "ann@laptop");
    assert!(!dir.path().join("lock.json").exists());
}

#[test]
fn others_can_look_while_it_is_open() {
    let dir = folder();
    assert_eq!(keyless_state::read(&dir.path().join("none")).expect("read"), None);
    let mut store = open(dir.path());
    for round in 1..=5 {
        store.append("r", at(1), started(&format!("s{round}"))).expect("appended");
        store.append("r", at(1), recorded(outputs(round))).expect("appended");
        if round % 2 == 0 {
            store.save(at(2), "0.1.0").expect("saved");
        }
        let view = keyless_state::read(dir.path()).expect("read").expect("a store");
        assert_eq!(&view.state, store.state());
        assert_eq!(&view.snapshot.serial, &store.snapshot().serial);
        assert_eq!(view.in_doubt.len(), round as usize);
        assert_eq!(view.lock.expect("held").id, "lock-1");
    }
    drop(store);
    let view = keyless_state::read(dir.path()).expect("read").expect("a store");
    assert_eq!((view.lock, view.ended), (None, false));
}

#[test]
fn readers_never_turn_a_run_away_and_always_see_what_was_acknowledged() {
    let dir = folder();
    drop(open(dir.path()));
    let acknowledged = std::sync::atomic::AtomicU64::new(0);
    let over = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(order) {
                let least = acknowledged.load(order);
                let view = keyless_state::read(dir.path()).expect("read");
                let count = view.and_then(|view| view.state.outputs.get("count").cloned());
                let seen = count.and_then(|count| count.value.as_u64()).unwrap_or(0);
                assert!(seen >= least, "saw {seen} after {least}");
            }
        });
        for round in 1..=60 {
            let mut store = open(dir.path());
            store.append("r", at(1), recorded(outputs(round))).expect("appended");
            acknowledged.store(round, order);
            if round % 3 == 0 {
                store.save(at(1), "0.1.0").expect("saved");
            }
        }
        over.store(true, order);
    });
}

#[test]
fn checkpoints_are_kept_in_order_and_never_replaced() {
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    let first = checkpoint("z-first", 5, store.state());
    store.checkpoint("r", first.clone()).expect("taken");
    store.append("r", at(1), recorded(outputs(2))).expect("appended");
    let second = checkpoint("a/second", 4, store.state());
    store.checkpoint("r", second.clone()).expect("taken");
    // A crash right after taking one makes the next run take the same again, at another time.
    store.checkpoint("r", Checkpoint { taken_at: at(7), ..second.clone() }).expect("taken again");
    let error = store.checkpoint("r", checkpoint("a/second", 4, &State::default())).expect_err("refused");
    assert!(matches!(error, StoreError::CheckpointExists { .. }), "{error}");
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.checkpoints().expect("all"), vec![first.clone(), second]);
    assert_eq!(store.find_checkpoint("z-first").expect("read"), Some(first));
    assert_eq!(store.find_checkpoint("none").expect("read"), None);
}

#[test]
fn the_history_outlives_saves_and_forgetting() {
    let dir = folder();
    let mut store = open(dir.path());
    let remember = |id: &str| recorded(Mutation::PutEvidence { evidence: evidence(id) });
    store.append("r1", at(1), remember("e1")).expect("appended");
    store.append("r1", at(1), recorded(put("a", json!(1)))).expect("appended");
    store.append("r1", at(1), recorded(put("ab", json!(1)))).expect("appended");
    store.save(at(1), "0.1.0").expect("saved");
    store.append("r2", at(2), recorded(Mutation::DropEvidence { id: "e1".to_owned() })).expect("appended");
    store.append("r2", at(2), remember("e2")).expect("appended");
    let a = "service_account.a".parse().expect("an address");
    store.append("r2", at(2), recorded(Mutation::DropRecord { address: a })).expect("appended");
    assert_eq!(store.state().evidence, vec![evidence("e2")]);
    for _ in 0..2 {
        assert_eq!(store.evidence_history().expect("all"), vec![evidence("e1"), evidence("e2")]);
        let a = "service_account.a".parse().expect("an address");
        let versions = store.record_history(&a).expect("all");
        let told: Vec<_> = versions.iter().map(|v| (v.seq, v.run.as_str(), v.value.is_some())).collect();
        assert_eq!(told, vec![(2, "r1", true), (6, "r2", false)]);
        assert_eq!(store.journal_history().expect("all").len(), 6);
        drop(store);
        store = open(dir.path());
    }
}

#[test]
fn an_older_saved_state_is_brought_up_to_date_by_the_journals() {
    let dir = folder();
    let mut store = open(dir.path());
    for round in 1..=4 {
        store.append("r", at(1), started(&format!("s{round}"))).expect("appended");
        store.append("r", at(1), done(&format!("s{round}"), vec![outputs(round)])).expect("appended");
        if round < 4 {
            store.save(at(2), "0.1.0").expect("saved");
        }
    }
    let state = store.state().clone();
    store.close().expect("closed");
    let path = |name: &str| dir.path().join(name);
    fs::remove_file(path("state.json")).expect("removed");
    let error = try_open(dir.path()).expect_err("refused");
    assert!(matches!(error, StoreError::StateMissing { .. }), "{error}");
    fs::rename(path("state.json.backup"), path("state.json")).expect("renamed");
    let mut store = open(dir.path());
    assert_eq!((store.state(), store.snapshot().serial), (&state, 2));
    // Serial 3 was given away; a plan may have been made for it.
    assert_eq!(store.save(at(3), "0.1.0").expect("saved").serial, 4);
}

fn saved() -> TempDir {
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    store.append("r", at(1), recorded(outputs(2))).expect("appended");
    dir
}

#[test]
fn damage_to_the_saved_state_is_named() {
    let edit = |change: fn(String) -> String| {
        let dir = saved();
        let path = dir.path().join("state.json");
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, change(text)).expect("a file");
        dir
    };
    let damaged = |error: &StoreError| matches!(error, StoreError::Damaged { .. });
    let newer = |error: &StoreError| matches!(error, StoreError::NewerFormat { .. });
    let lineage = |error: &StoreError| matches!(error, StoreError::LineageMismatch { .. });
    let cut = edit(|text| text[..text.len() / 2].to_owned());
    check_refused(cut.path(), damaged, &["state.json is damaged", "cut off", "state.json.backup"]);
    check_refused(edit(|_| String::new()).path(), damaged, &["cut off"]);
    check_refused(edit(|_| "hello".to_owned()).path(), damaged, &["not JSON"]);
    check_refused(edit(|_| "{}".to_owned()).path(), damaged, &["expected fields"]);
    let changed = edit(|text| text.replace("\"value\": 1", "\"value\": 7"));
    check_refused(changed.path(), damaged, &["SHA-256"]);
    let future =
        edit(|text| text.replace("\"format_version\": 3", "\"format_version\": 9").replace("0.1.0", "8.8.8"));
    check_refused(future.path(), newer, &["format version 9", "keyless 8.8.8", "versions up to 3"]);
    // A journal beside the state of another store.
    let (one, other) = (saved(), folder());
    let mut store = Store::open(other.path(), request("x"), "lineage-2", at(0)).expect("opened");
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    fs::copy(other.path().join("state.json"), one.path().join("state.json")).expect("copied");
    check_refused(one.path(), lineage, &["journal", "lineage-1", "lineage-2"]);
}

#[test]
fn a_saved_state_that_was_only_laid_out_anew_is_fine() {
    let dir = saved();
    let path = dir.path().join("state.json");
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    fs::write(&path, value.to_string()).expect("a file");
    assert_eq!(open(dir.path()).snapshot().serial, 1);
}

#[test]
fn journals_that_do_not_fit_are_named() {
    let impossible = |error: &StoreError| matches!(error, StoreError::JournalImpossible { .. });
    let short = |error: &StoreError| matches!(error, StoreError::JournalShort { .. });
    let newer = |error: &StoreError| matches!(error, StoreError::NewerFormat { .. });
    // Entries between the saved state and the journal are gone.
    let dir = saved();
    let mut store = open(dir.path());
    store.save(at(3), "0.1.0").expect("saved");
    store.append("r", at(1), recorded(outputs(3))).expect("appended");
    drop(store);
    fs::rename(dir.path().join("state.json.backup"), dir.path().join("state.json")).expect("renamed");
    fs::remove_dir_all(dir.path().join("history")).expect("removed");
    check_refused(dir.path(), impossible, &["journal entry 3 follows entry 1"]);
    // The journal was cut between two entries, below what was saved.
    let dir = folder();
    let mut store = open(dir.path());
    store.append("r", at(1), started("slow")).expect("appended");
    let length = fs::metadata(dir.path().join("journal")).expect("a file").len();
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    drop(store);
    let journal = fs::File::options().write(true).open(dir.path().join("journal")).expect("a file");
    journal.set_len(length).expect("cut");
    check_refused(dir.path(), short, &["ends with entry 1", "entries up to 2"]);
    // A journal of the future: the header is record 0.
    let dir = folder();
    let mut bytes = b"keyless journal\n".to_vec();
    let header = br#"{"format_version":7}"#;
    let mut head = (header.len() as u32).to_le_bytes().to_vec();
    head.extend(0_u64.to_le_bytes());
    head.extend(crc32fast::hash(header).to_le_bytes());
    head.extend(crc32fast::hash(&head).to_le_bytes());
    bytes.extend(head.iter().chain(header));
    fs::write(dir.path().join("journal"), bytes).expect("a file");
    check_refused(dir.path(), newer, &["journal has format version 7"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let dir = folder();
    fs::write(dir.path().join("file"), "").expect("a file");
    let error = try_open(&dir.path().join("file/.keyless")).expect_err("refused");
    let StoreError::Io { action, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*action, "create the folder");
    // Something stands where the saved state is written: the entries are safe and the next save works.
    let mut store = open(dir.path());
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    fs::create_dir(dir.path().join("state.json.tmp")).expect("a folder");
    let error = store.save(at(2), "0.1.0").expect_err("refused");
    assert!(error.to_string().contains("state.json.tmp"), "{error}");
    assert_eq!(store.snapshot().serial, 0);
    fs::remove_dir(dir.path().join("state.json.tmp")).expect("removed");
    store.save(at(2), "0.1.0").expect("saved");
    assert_eq!(store.snapshot().state, *store.state());
}

#[test]
fn after_a_failed_write_nothing_more_is_recorded() {
    let dir = folder();
    let mut store = open(dir.path());
    fs::create_dir(dir.path().join("journal.tmp")).expect("a folder");
    let refused = store.append("r", at(1), recorded(outputs(1))).expect_err("refused");
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    assert_eq!(store.state(), &State::default());
    fs::remove_dir(dir.path().join("journal.tmp")).expect("removed");
    for refused in [
        store.append("r", at(1), Event::RunEnded).expect_err("refused"),
        store.save(at(1), "0.1.0").expect_err("refused"),
    ] {
        assert!(matches!(refused, StoreError::Stopped { .. }), "{refused}");
    }
    drop(store);
    open(dir.path()).append("r", at(1), recorded(outputs(1))).expect("appended");
}
