//! A store of which something was deleted or damaged: every command tells, and what it advises works.

use std::fs;
use std::path::PathBuf;

use super::support::{Environment, Run};

const READING: [&str; 6] = ["status", "show", "plan", "output", "evidence list", "checkpoint list"];

#[track_caller]
fn told_by_all(environment: &Environment, code: i32, words: &str) {
    for line in READING {
        let run = environment.keyless(line).exits(code);
        assert!(run.stderr.contains(words), "{line}:\n{}", run.told());
    }
}

#[track_caller]
fn told_by_none(environment: &Environment) {
    for line in READING {
        let run: Run = environment.keyless(line).exits(0);
        assert!(!run.stderr.contains(".keyless/"), "{line}:\n{}", run.told());
    }
}

#[track_caller]
fn first_in(environment: &Environment, folder: &str) -> PathBuf {
    let entries = fs::read_dir(environment.path(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.remove(0)
}

/// A first run that is killed, so that only its journal knows what it did.
fn killed() -> Environment {
    let environment = Environment::two_lanes();
    environment.write("kill-before", "");
    let run = environment.keyless("apply -auto-approve -parallelism=1");
    assert_eq!(run.code, None, "{}", run.told());
    assert!(!environment.path(".keyless/state.json").exists());
    environment
}

#[test]
fn a_journal_that_was_deleted_before_the_first_save() {
    let environment = killed();
    let journal = environment.path(".keyless/journal");
    let aside = environment.path("aside");
    fs::rename(&journal, &aside).unwrap();
    told_by_all(&environment, 1, "journal is missing");
    environment.keyless("apply -auto-approve").exits(1).says("begun and never put away");
    // Restored from a copy, as advised.
    fs::rename(&aside, &journal).unwrap();
    environment.keyless("status").exits(0);
    // Without a copy, as advised.
    fs::remove_file(&journal).unwrap();
    let advised = environment.keyless("show").exits(1).says("run `keyless plan`");
    for name in ["journal.begun", "checkpoints"] {
        assert!(advised.stderr.contains(&format!(".keyless/{name}")), "{}", advised.told());
        fs::rename(environment.path(&format!(".keyless/{name}")), environment.path(name)).unwrap();
    }
    // Nothing is made a second time.
    environment.keyless("plan").exits(0).says("5 to import, 0 to add");
    environment.keyless("apply -auto-approve").exits(0);
    told_by_none(&environment);
}

#[test]
fn a_journal_that_is_cut() {
    let environment = killed();
    let journal = environment.path(".keyless/journal");
    let whole = fs::read(&journal).unwrap();
    fs::write(&journal, &whole[..whole.len() - 9]).unwrap();
    for line in ["status", "show", "plan", "output", "evidence list"] {
        environment.keyless(line).exits(0).says("no whole entry");
    }
    // The middle is gone, and what follows is there.
    let third = whole.len() / 3;
    fs::write(&journal, [&whole[..third], &whole[2 * third..]].concat()).unwrap();
    told_by_all(&environment, 1, "journal is damaged at byte");
    fs::write(&journal, &whole).unwrap();
    told_by_none(&environment);
}

#[test]
fn a_checkpoint_that_was_deleted() {
    let environment = Environment::one_lane();
    environment.apply();
    told_by_none(&environment);
    let checkpoint = first_in(&environment, ".keyless/checkpoints");
    let copy = fs::read(&checkpoint).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    told_by_all(&environment, 0, "nothing can return to it");
    environment.keyless("checkpoint list").exits(0);
    fs::write(&checkpoint, copy).unwrap();
    told_by_none(&environment);
}

#[test]
fn history_that_is_damaged() {
    let environment = Environment::one_lane();
    environment.apply();
    let past = first_in(&environment, ".keyless/history");
    let whole = fs::read(&past).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&past, &bytes).unwrap();
    told_by_all(&environment, 0, "is damaged at byte");
    // Moved aside, as advised.
    fs::remove_file(&past).unwrap();
    told_by_none(&environment);
    fs::write(&past, &whole).unwrap();
    told_by_none(&environment);
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &std::path::Path) {
        let found = fs::metadata(path).unwrap();
        let wanted = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(found.permissions().mode() & 0o777, wanted, "{path:?}");
        if found.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| check(&entry.unwrap().path()));
        }
    }
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    check(&environment.path(".keyless"));
    environment.apply();
    check(&environment.path(".keyless"));
    let widen = |name: &str, mode| {
        fs::set_permissions(environment.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    widen(".keyless", 0o755);
    widen(".keyless/state.json", 0o644);
    widen(".keyless/simulator", 0o755);
    environment.keyless("apply -auto-approve").exits(0).says("Others could reach");
    check(&environment.path(".keyless"));
}
