//! The readers held against the programs that read such files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::*;
use crate::env_file::configure;
use crate::env_file::statement::Kind;

type Variables = BTreeMap<String, String>;

/// One file in the states in which it is loaded.
struct Case {
    text: String,
    has_key: bool,
    /// Whether the loader built into Node 20 gets to the end: it loses what follows a line of blanks, a comment
    /// that is indented, a line that it does not know, or the mark that some editors write first.
    is_plain: bool,
    parked: String,
    configured: Option<String>,
}

const TOKEN_FILES: [&str; 6] =
    ["/run/token", "/run/my token", "/run/a#b", "/run/it's", "/run/a b ", "~/\"a\""];

fn cases(format: Format, count: usize) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let strategy = generate::text();
    let mut cases = Vec::new();
    while cases.len() < count {
        let text = strategy.new_tree(&mut runner).expect("nothing is filtered").current();
        let Ok(parked) = parked(&text, format) else { continue };
        let reading = Reading::of(&text, format);
        let is_odd = |line: &str| {
            let rest = line.trim_start_matches([' ', '\t']);
            rest.len() < line.len() && (rest.is_empty() || rest.starts_with('#'))
        };
        let is_plain = reading.statements.iter().all(|it| !matches!(it.kind, Kind::Other { .. }))
            && !text.starts_with('\u{feff}')
            && !text.lines().any(is_odd);
        let has_key = reading.holds("KEY", &BTreeSet::new()).expect("no doubt");
        let file = TOKEN_FILES[cases.len() % TOKEN_FILES.len()].to_owned();
        let settings = [("TOKEN_FILE".to_owned(), file)];
        let configured = configure(&parked, format, ("KEY", TAG), &settings).ok();
        cases.push(Case {
            text,
            has_key,
            is_plain,
            parked,
            configured: configured.map(|text| text.to_string()),
        });
    }
    cases
}

fn texts(cases: &[Case]) -> Vec<&str> {
    cases
        .iter()
        .flat_map(|case| [&*case.text, &*case.parked, case.configured.as_deref().unwrap_or("")])
        .collect()
}

/// Writes the texts as files 0, 1, 2, …
fn write(texts: &[&str]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (at, text) in texts.iter().enumerate() {
        std::fs::write(folder.path().join(at.to_string()), text).expect("a file");
    }
    folder
}

/// The folder of a part, where it is installed, or is asked for.
fn part(kind: &str) -> Option<PathBuf> {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts/install");
    let mut command = Command::new(install);
    let is_asked_for = std::env::var_os("KEYLESS_LOADERS").is_some_and(|value| !value.is_empty());
    if !is_asked_for {
        command.arg("-look");
    }
    let output = command.args([kind, "loaders"]).output().expect("bash is here");
    if !output.status.success() {
        assert!(!is_asked_for, "{}", String::from_utf8_lossy(&output.stderr));
        println!("skipped: set KEYLESS_LOADERS=1 to install {kind}'s loader of such files");
        return None;
    }
    Some(PathBuf::from(String::from_utf8(output.stdout).expect("text").trim()))
}

fn run(command: &mut Command) -> Vec<Variables> {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<BTreeMap<String, Option<String>>> = serde_json::from_slice(&output.stdout).expect("JSON");
    let plain = |one: BTreeMap<String, Option<String>>| {
        one.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
    };
    found.into_iter().map(plain).collect()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loaders").join(name)
}

/// What one loader made of a case: as it was, parked, and with settings.
fn check(loader: &str, case: &Case, found: &[Variables]) {
    let [before, parked, configured] = found else { unreachable!("three states") };
    let told = || format!("{loader} reads {:?}\nparked {:?}", case.text, case.parked);
    // Node's own loader makes one name of a line that it does not know and of the next that it does.
    let plain = |found: &Variables| -> Variables {
        let is_name = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        found.clone().into_iter().filter(|(name, _)| is_name(name)).collect()
    };
    let (mut others, parked) = (plain(before), plain(parked));
    let key = others.remove("KEY");
    assert!(case.has_key || key.is_none(), "a key was overlooked: {}", told());
    assert_eq!(parked, others, "parking is not all that changed: {}", told());
    if let Some(text) = &case.configured
        && (loader != "node" || case.is_plain)
    {
        let mut left = plain(configured);
        let file = left.remove("TOKEN_FILE").unwrap_or_default();
        assert!(TOKEN_FILES.contains(&&*file), "{file:?} is not what was written: {loader} reads {text:?}");
        assert!(text.contains("TOKEN_FILE"), "{text:?}");
        assert_eq!(left, parked, "settings changed something else: {loader} reads {text:?}");
    }
}

/// How many files are tried: as many as are asked for, and fewer where nobody asked.
fn files() -> usize {
    let asked = std::env::var("KEYLESS_LOADER_FILES").ok().map(|text| text.parse().expect("a number"));
    let is_asked_for = std::env::var_os("KEYLESS_LOADERS").is_some();
    asked.unwrap_or(if is_asked_for { 1_500 } else { 300 })
}

#[test]
fn libraries_read_dotenv_files_as_keyless_does() {
    let cases = cases(Format::Dotenv, files());
    let folder = write(&texts(&cases));
    let python = part("python")
        .map(|room| run(Command::new(room.join("bin/python")).arg(script("read.py")).arg(folder.path())));
    let node = part("node").map(|room| {
        ["library", "builtin"].map(|which| {
            let mut command = Command::new("node");
            run(command.arg(script("read.mjs")).arg(which).arg(&room).arg(folder.path()))
        })
    });
    let [library, builtin] = match node {
        Some([library, builtin]) => [Some(library), Some(builtin)],
        None => [None, None],
    };
    for (loader, found) in [("python-dotenv", python), ("dotenv", library), ("node", builtin)] {
        let Some(found) = found else { continue };
        for (case, found) in cases.iter().zip(found.chunks(3)) {
            check(loader, case, found);
        }
        println!("{loader} reads {} files as keyless does", cases.len());
    }
}

/// What bash gives to children; none where it complained of the file as it was.
fn sourced(texts: &[&str]) -> Vec<Option<Variables>> {
    let (folder, out) = (write(texts), TempDir::new().expect("a folder"));
    let mut command = Command::new("bash");
    command.arg(script("read.bash")).arg(folder.path()).arg(out.path());
    command.arg("export");
    assert!(command.status().expect("bash is here").success());
    let read = |at: usize| {
        let file = |ending: &str| out.path().join(format!("{at}.{ending}"));
        let complaints = std::fs::read(file("err")).unwrap_or_default();
        let found = std::fs::read(file("env")).expect("what it exports");
        let found = String::from_utf8_lossy(&found).into_owned();
        let pairs = found.split('\0').filter_map(|pair| pair.split_once('='));
        let of_shell = ["_", "PWD", "OLDPWD", "SHLVL", "LC_ALL", "PATH"];
        let own = pairs.filter(|(name, _)| !of_shell.contains(name));
        let variables = own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        complaints.is_empty().then_some(variables)
    };
    (0..texts.len()).map(read).collect()
}

#[track_caller]
fn check_sourced(format: Format) {
    let cases = cases(format, files() / 3);
    let found = sourced(&texts(&cases));
    let mut held = 0;
    for (case, found) in cases.iter().zip(found.chunks(3)) {
        let Some(found) = found.iter().cloned().collect::<Option<Vec<_>>>() else { continue };
        check("bash", case, &found);
        held += usize::from(case.has_key);
    }
    assert!(held > 10, "only {held} files say something");
}

#[test]
fn bash_sources_scripts_as_keyless_reads_them() {
    check_sourced(Format::Shell);
}

#[test]
fn bash_sources_dotenv_files_as_keyless_reads_them() {
    check_sourced(Format::Dotenv);
}
