//! Rules about the source itself that no compiler checks.

use std::path::{Path, PathBuf};

const LINES_MAX: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(directory)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}")) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The code without comments and without the unit tests at the end of a file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let whole = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    whole.enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
}

#[track_caller]
fn never(modules: &[&str], words: &[&str]) {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("state/src")) {
        let name = path.to_str().unwrap();
        let inside = modules
            .iter()
            .any(|module| name == format!("{module}.rs") || name.starts_with(&format!("{module}/")));
        if !inside || name.contains("/tests") || name.ends_with("_tests.rs") {
            continue;
        }
        for (at, line) in code(&text) {
            wrong.extend(
                words.iter().filter(|word| line.contains(**word)).map(|word| format!("{name}:{at}: {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_does_no_work_of_the_shell() {
    let core = [
        "src/lane",
        "src/plan",
        "src/plan_check",
        "src/rollback",
        "src/evidence",
        "src/lint",
        "src/matching",
        "src/provider",
        "src/resource",
        "src/config",
        "src/condition",
        "src/credential_chain",
        "src/topology",
        "src/diagnostic",
        "src/token",
    ];
    never(&core, &["tokio", "reqwest", "std::fs", "std::net::Tcp", "std::env", "Timestamp::now", "println!"]);
}

#[test]
fn the_simulator_shares_nothing_with_the_client() {
    never(&["src/simulator"], &["crate::platform", "crate::resource", "crate::limits"]);
}

#[test]
fn the_state_knows_neither_language_nor_network() {
    never(&["state/src"], &["hcl", "reqwest", "tokio"]);
}

/// Text from outside is made inert on its way out.
#[test]
fn text_goes_out_in_one_place() {
    let ways = ["io::stdout", "io::stderr", "anstream::", "println!", " print!("];
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("state/src")) {
        let name = path.to_str().unwrap();
        let is_way_out = ["src/cli/ui.rs", "src/render/inert.rs"].contains(&name);
        if is_way_out || name.starts_with("src/model/") || name.contains("/tests") {
            continue;
        }
        for (at, line) in code(&text).filter(|(_, line)| ways.iter().any(|way| line.contains(way))) {
            wrong.push(format!("{name}:{at}: {}", line.trim()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A pipe or a device that is read can keep the program for good.
#[test]
fn files_of_others_are_read_in_one_way() {
    let ways = ["fs::read(", "fs::read_to_string", "fs::read;", "File::open"];
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let name = path.to_str().unwrap();
        let reads_its_own = ["src/simulator/persist.rs", "src/simulator/redo.rs"].contains(&name);
        if name == "src/regular_file.rs" || reads_its_own || name.contains("/tests") {
            continue;
        }
        for (at, line) in code(&text).filter(|(_, line)| ways.iter().any(|way| line.contains(way))) {
            wrong.push(format!("{name}:{at}: {}; keyless::regular_file does that", line.trim()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rendering_only_makes_text() {
    never(&["src/render"], &["std::io", "println!", "std::fs", "std::env"]);
}

#[test]
fn nothing_is_left_over_and_no_file_is_too_long() {
    // Put together, so that this file does not find itself.
    let words =
        [["to", "do!("], ["db", "g!("], ["FIX", "ME"], ["unimpl", "emented!("]].map(|word| word.concat());
    let mut wrong = Vec::new();
    for directory in ["src", "state/src", "state/tests", "tests"] {
        for (path, text) in sources(directory) {
            for (at, line) in text.lines().enumerate() {
                wrong.extend(
                    words
                        .iter()
                        .filter(|word| line.contains(*word))
                        .map(|word| format!("{path:?}:{}: {word}", at + 1)),
                );
            }
            let lines = text.lines().count();
            if lines > LINES_MAX {
                wrong.push(format!("{path:?} has {lines} lines; {LINES_MAX} are the most"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_example_is_used_in_a_test() {
    let tests: String = sources("tests/it").into_iter().map(|(_, text)| text).collect();
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("example(\"{name}\")")), "no test uses examples/{name}");
    }
}

#[test]
fn what_a_check_installs_does_not_move() {
    let parts = root().join("tests/parts");
    let files = |directory: &str| {
        let entries: Vec<_> =
            std::fs::read_dir(parts.join(directory)).unwrap().map(|it| it.unwrap().path()).collect();
        assert!(!entries.is_empty());
        entries
    };
    for file in files("python").into_iter().filter(|file| file.extension().is_some_and(|it| it == "txt")) {
        for (at, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let line = line.trim();
            let is_known = line.starts_with("--hash=sha256:") || line.contains("==") || line.starts_with('#');
            assert!(is_known || line.is_empty(), "{file:?}:{}: {line}", at + 1);
        }
    }
    for directory in files("node") {
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_str(&std::fs::read_to_string(directory.join(name)).unwrap()).unwrap()
        };
        let lock = read("package-lock.json");
        for (name, package) in
            lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty())
        {
            assert!(package["integrity"].as_str().is_some(), "{directory:?}: {name} has no digest");
            // The digest says what it is; where it comes from is the machine's affair.
            assert!(package.get("resolved").is_none(), "{directory:?}: {name} names a registry");
        }
        for (name, version) in read("package.json")["dependencies"].as_object().unwrap() {
            let version = version.as_str().unwrap();
            let is_exact = version.starts_with(|it: char| it.is_ascii_digit());
            assert!(is_exact, "{directory:?}: {name}: {version} is no exact version");
        }
    }
}
