//! Nothing that was acknowledged is lost, and nothing damaged is believed.

mod support;

use std::fs;
use std::path::Path;

use keyless_state::{Event, Mutation, State, Store, StoreError, View};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{at, copy, done, folder, open, outputs, put, recorded, started, try_open};

/// A journal with its length and the state after each entry; the first pair is before any entry.
fn write_entries(store: &mut Store, dir: &Path) -> Vec<(u64, State)> {
    let length = || fs::metadata(dir.join("journal")).map_or(0, |file| file.len());
    let mut steps = Vec::new();
    for event in [
        Event::RunStarted { base_serial: 0, operation: "apply".to_owned() },
        started("s"),
        done("s", vec![put("a", json!({ "text": "ünï", "n": 0.1 })), outputs(1)]),
        recorded(outputs(2)),
        started("t"),
        Event::StepFailed { step: "t".to_owned(), error: "refused".to_owned() },
        recorded(put("b", json!(null))),
        Event::RunEnded,
    ] {
        let before = (length(), store.state().clone());
        store.append("r", at(1), event).expect("appended");
        if steps.is_empty() {
            // The first write also begins the file; a header alone is a valid one.
            let bytes = fs::read(dir.join("journal")).expect("a file");
            let header = u32::from_le_bytes(bytes[16..20].try_into().expect("four bytes"));
            steps.push((36 + u64::from(header), before.1));
        } else {
            steps.push(before);
        }
    }
    steps.push((length(), store.state().clone()));
    steps
}

/// Cuts the journal at every length and opens the store.
fn check_every_cut(prepare: fn(&mut Store)) {
    let (whole, cut) = (folder(), folder());
    let mut store = open(whole.path());
    prepare(&mut store);
    let steps = write_entries(&mut store, whole.path());
    drop(store);
    copy(whole.path(), cut.path());
    let bytes = fs::read(whole.path().join("journal")).expect("a file");
    assert_eq!(steps.last().map(|step| step.0), Some(bytes.len() as u64));
    for length in 0..=bytes.len() as u64 {
        fs::write(cut.path().join("journal"), &bytes[..length as usize]).expect("a file");
        let kept = steps.iter().rposition(|(end, _)| *end <= length);
        let Some(kept) = kept else {
            // No crash cuts the header, since the file gets its name only when the header is on the disk.
            let error = try_open(cut.path()).expect_err("refused");
            assert!(matches!(error, StoreError::JournalDamaged { .. }), "{length}: {error}");
            continue;
        };
        let mut store = open(cut.path());
        assert_eq!(store.state(), &steps[kept].1, "cut at {length}");
        assert_eq!(store.repairs().is_empty(), steps[kept].0 == length, "cut at {length}");
        if length % 16 == 0 {
            store.append("next", at(2), recorded(outputs(9))).expect("appended");
            let state = store.state().clone();
            drop(store);
            assert_eq!(open(cut.path()).state(), &state, "cut at {length}");
        }
    }
}

#[test]
fn a_journal_cut_anywhere_gives_the_entries_before_the_cut() {
    check_every_cut(|_| {});
}

#[test]
fn a_journal_cut_anywhere_after_a_save_gives_the_entries_before_the_cut() {
    check_every_cut(|store| {
        store.append("p", at(0), recorded(put("saved", json!(1)))).expect("appended");
        store.save(at(0), "0.1.0").expect("saved");
    });
}

#[test]
fn room_that_a_power_cut_left_unwritten_is_cut_off() {
    let dir = folder();
    let mut store = open(dir.path());
    let steps = write_entries(&mut store, dir.path());
    drop(store);
    let bytes = fs::read(dir.path().join("journal")).expect("a file");
    let last = steps[steps.len() - 2].0 as usize;
    for written in last..bytes.len() {
        let mut torn = bytes[..written].to_vec();
        torn.resize(bytes.len() + 8, 0);
        fs::write(dir.path().join("journal"), torn).expect("a file");
        let store = open(dir.path());
        assert_eq!(store.state(), &steps[steps.len() - 2].1, "written up to {written}");
        assert_eq!(store.repairs().len(), 1);
    }
}

/// Flips each bit of a file in turn; each must be refused, or be seen exactly as before.
fn check_every_flip(name: &str, most_accepted: usize) {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_organization("org_1");
    store.append("p", at(0), recorded(put("saved", json!([1, "two", 0.3])))).expect("appended");
    store.save(at(0), "0.1.0").expect("saved");
    write_entries(&mut store, dir.path());
    drop(store);
    let look = || keyless_state::read(dir.path()).map(|view| view.expect("a store"));
    let before: View = look().expect("sound");
    let path = dir.path().join(name);
    let mut bytes = fs::read(&path).expect("a file");
    let mut accepted = 0;
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).expect("a file");
        if let Ok(view) = look() {
            assert_eq!(view, before, "bit {bit} of {name}");
            accepted += 1;
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(accepted <= most_accepted, "{accepted} flips of {name} were accepted");
}

#[test]
fn every_flipped_bit_of_the_journal_is_found() {
    check_every_flip("journal", 0);
}

#[test]
fn every_flipped_bit_of_the_saved_state_is_found_or_harmless() {
    // Harmless: white space that becomes other white space.
    check_every_flip("state.json", 100);
}

/// A crash between any two steps of a save: what each step leaves, put together by hand.
#[test]
fn a_crash_inside_a_save_is_harmless() {
    let (before, after) = (folder(), folder());
    let mut store = open(before.path());
    store.append("r", at(1), recorded(outputs(1))).expect("appended");
    store.save(at(1), "0.1.0").expect("saved");
    write_entries(&mut store, before.path());
    let state = store.state().clone();
    drop(store);
    copy(before.path(), after.path());
    let mut store = open(after.path());
    store.save(at(2), "0.1.0").expect("saved");
    drop(store);

    let check = |serial: u64, change: &dyn Fn(&Path)| {
        let dir = folder();
        copy(before.path(), dir.path());
        change(dir.path());
        let mut store = open(dir.path());
        assert_eq!((store.state(), store.snapshot().serial), (&state, serial));
        assert!(store.in_doubt().is_empty() && store.repairs().is_empty());
        store.append("next", at(3), recorded(outputs(7))).expect("appended");
        store.save(at(3), "0.1.0").expect("saved");
        let state = store.state().clone();
        assert_eq!(store.journal_history().expect("all").len(), 10);
        drop(store);
        let store = open(dir.path());
        assert_eq!((store.state(), store.snapshot().serial), (&state, serial + 1));
    };
    let take = |name: &str, dir: &Path| {
        fs::copy(after.path().join(name), dir.join(name)).expect("copied");
    };
    check(1, &|_| {});
    check(1, &|dir| fs::write(dir.join("state.json.backup.tmp"), "half").expect("a file"));
    check(1, &|dir| take("state.json.backup", dir));
    check(1, &|dir| fs::write(dir.join("state.json.tmp"), "{\"form").expect("a file"));
    check(2, &|dir| take("state.json", dir));
    check(2, &|dir| {
        take("state.json", dir);
        take("history/00000000000000000002-00000000000000000009.journal", dir);
        fs::remove_file(dir.join("journal")).expect("removed");
    });
    check(2, &|dir| {
        fs::remove_dir_all(dir).expect("removed");
        copy(after.path(), dir);
    });
}

/// One thing that a run may do.
#[derive(Clone, Debug)]
enum Act {
    Start(u8),
    Done(u8, Vec<Mutation>),
    Fail(u8),
    Record(Vec<Mutation>),
    EndRun,
    Save,
    Crash,
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<f64>().prop_map(Value::from), 0..3).prop_map(Value::from),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Mutation>> {
    let change = prop_oneof![
        ("[a-c]", value()).prop_map(|(name, value)| put(&name, value)),
        "[a-c]".prop_map(|name| Mutation::DropRecord {
            address: format!("service_account.{name}").parse().expect("an address")
        }),
        any::<u64>().prop_map(outputs),
    ];
    prop::collection::vec(change, 0..3)
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Act::Start),
        3 => (0..3_u8, changes()).prop_map(|(step, changes)| Act::Done(step, changes)),
        1 => (0..3_u8).prop_map(Act::Fail),
        3 => changes().prop_map(Act::Record),
        1 => Just(Act::EndRun),
        2 => Just(Act::Save),
        2 => Just(Act::Crash),
    ]
}

/// What the store must be, told without any file: the state and the steps under way after each entry.
struct Model {
    states: Vec<(State, Vec<u8>)>,
    serial: u64,
    saved: usize,
}

impl Model {
    fn now(&self) -> &(State, Vec<u8>) {
        self.states.last().expect("never empty")
    }

    /// Whether the move is legal; if so, it is made.
    fn act(&mut self, act: &Act) -> bool {
        let (mut state, mut under_way) = self.now().clone();
        match act {
            Act::Start(step) if under_way.contains(step) => return false,
            Act::Start(step) => under_way.push(*step),
            Act::Done(step, _) | Act::Fail(step) if !under_way.contains(step) => return false,
            Act::Done(step, changes) => {
                under_way.retain(|known| known != step);
                changes.iter().for_each(|change| state.apply(change));
            }
            Act::Fail(step) => under_way.retain(|known| known != step),
            Act::Record(changes) => changes.iter().for_each(|change| state.apply(change)),
            Act::EndRun | Act::Save | Act::Crash => {}
        }
        self.states.push((state, under_way));
        true
    }
}

/// A step that is done cannot be started again, so each start gets a fresh name.
fn event_of(act: &Act, names: &mut [u32; 3]) -> Option<Event> {
    let name = |step: u8, names: &[u32; 3]| format!("s{step}-{}", names[step as usize]);
    Some(match act {
        Act::Start(step) => started(&name(*step, names)),
        Act::Done(step, changes) => done(&name(*step, names), changes.clone()),
        Act::Fail(step) => Event::StepFailed { step: name(*step, names), error: "no".to_owned() },
        Act::Record(changes) => Event::Recorded { changes: changes.clone() },
        Act::EndRun => Event::RunEnded,
        Act::Save | Act::Crash => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever is done and wherever it crashes, the store is what the entries say.
    #[test]
    fn the_store_is_what_its_entries_say(acts in prop::collection::vec(act(), 1..30)) {
        let dir = folder();
        let mut store = open(dir.path());
        let mut model = Model { states: vec![Default::default()], serial: 0, saved: 0 };
        let mut names = [0; 3];
        for act in &acts {
            match act {
                Act::Save => {
                    if model.now().0 != model.states[model.saved].0 {
                        model.serial += 1;
                        model.saved = model.states.len() - 1;
                    }
                    prop_assert_eq!(store.save(at(1), "0.1.0").expect("saved").serial, model.serial);
                }
                Act::Crash => {
                    drop(store);
                    store = open(dir.path());
                    prop_assert_eq!(store.in_doubt().len(), model.now().1.len());
                }
                other => {
                    let event = event_of(other, &mut names).expect("an event");
                    let written = store.append("r", at(1), event);
                    prop_assert_eq!(written.is_ok(), model.act(other), "{:?}", other);
                    if let (true, Act::Done(step, _)) = (written.is_ok(), other) {
                        names[*step as usize] += 1;
                    }
                }
            }
            prop_assert_eq!(store.state(), &model.now().0);
            prop_assert_eq!(store.snapshot().serial, model.serial);
        }
        let entries = store.journal_history().expect("all");
        prop_assert_eq!(entries.len() + 1, model.states.len());
        let view = keyless_state::read(dir.path()).expect("read");
        prop_assert_eq!(view.map_or_else(State::default, |view| view.state), model.now().0.clone());
    }
}
