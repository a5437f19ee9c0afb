//! Processes that edit one file at the same time, or are killed in the middle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::*;

/// What the tests below start: adds lines, or a text and its opposite for ever.
#[test]
fn edit_again_and_again() {
    let Some(path) = std::env::var_os("KEYLESS_TEST_FILE_TO_EDIT") else { return };
    let path = Path::new(&path);
    match std::env::var("KEYLESS_TEST_NAME") {
        Ok(name) => {
            for number in 0..12 {
                let line = format!("\n{name}_{number}=1");
                edit(path, |text| Ok(Zeroizing::new(format!("{text}{line}")))).unwrap();
            }
        }
        Err(_) => loop {
            edit(path, |text| Ok(Zeroizing::new(opposite(text)))).unwrap();
            println!("edited");
        },
    }
}

fn opposite(text: &str) -> String {
    let (from, to) = if text.starts_with('a') { ("a", "bb") } else { ("bb", "a") };
    text.replace(from, to)
}

fn start(path: &Path, name: Option<&str>) -> Child {
    let test = "consumer::file::tests::processes::edit_again_and_again";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("KEYLESS_TEST_FILE_TO_EDIT", path);
    if let Some(name) = name {
        command.env("KEYLESS_TEST_NAME", name);
    }
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn edits_of_several_processes_all_land() {
    for is_linked in [false, true] {
        let folder = Folder::new();
        if is_linked {
            std::fs::hard_link(&folder.file, folder.path("other")).unwrap();
        }
        let children = ["ONE", "TWO", "THREE"].map(|name| (name, start(&folder.file, Some(name))));
        for (name, mut child) in children {
            assert!(child.wait().unwrap().success(), "{name}");
        }
        let text = read(&folder.file).unwrap();
        for name in ["ONE", "TWO", "THREE"] {
            let is_there = |number| text.lines().any(|line| line == format!("{name}_{number}=1"));
            assert!((0..12).all(is_there), "{}", *text);
        }
    }
}

#[test]
fn a_killed_process_leaves_nothing_that_the_next_does_not_mend() {
    let old = "a".repeat(300_000);
    for (edits, is_linked) in (1..=8).flat_map(|edits| [(edits, false), (edits, true)]) {
        let folder = Folder::new();
        std::fs::write(&folder.file, &old).unwrap();
        if is_linked {
            std::fs::hard_link(&folder.file, folder.path("other")).unwrap();
        }
        let mut child = start(&folder.file, None);
        let told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(told.filter(|line| line.contains("edited")).take(edits).count(), edits);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(folder.sweep().is_empty());
        let text = std::fs::read_to_string(&folder.file).unwrap();
        assert!(text == old || text == opposite(&old), "{} bytes", text.len());
        folder.holds(if is_linked { &[".env", "other"] } else { &[".env"] });
    }
}
