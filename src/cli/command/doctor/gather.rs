//! Reads what the clients would read, from the environment that this process stands in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::credential_chain::{Arguments, File, Outcome, Place, Sources};
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::regular_file;
use crate::secret::Secret;

/// Files in the home directory that shells read.
const SHELL_FILES: [&str; 8] = [
    ".profile",
    ".bash_profile",
    ".bashrc",
    ".zshenv",
    ".zprofile",
    ".zshrc",
    ".config/fish/config.fish",
    ".config/environment.d/anthropic.conf",
];

/// Files in the working directory that loaders read.
const PROJECT_FILES: [&str; 4] = [".env", ".env.local", ".env.production", ".envrc"];

/// Gathers everything that some client looks at.
pub(super) fn sources(base: &Path, now: i64) -> Result<Sources, String> {
    let relevant = |name: &str| {
        name.starts_with("ANTHROPIC_")
            || name.starts_with("CLAUDE_")
            || ["HOME", "XDG_CONFIG_HOME"].contains(&name)
    };
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| relevant(name))
        .map(|(name, value)| (name, Secret::new(value.to_string_lossy())))
        .collect();
    let directory =
        std::path::absolute(base).map_err(|error| format!("the working directory is gone: {error}"))?;
    let mut sources =
        Sources { arguments: Arguments::default(), variables, files: BTreeMap::new(), directory, now };
    let mut open: Vec<PathBuf> =
        profile_directories(&sources).iter().flat_map(|directory| listed(base, directory)).collect();
    open.extend(variants(&sources, "ANTHROPIC_IDENTITY_TOKEN_FILE"));
    open.extend(sources.claude_settings_paths());
    open.extend([sources.claude_state_path(), sources.claude_login_path()]);
    while let Some(path) = open.pop() {
        if sources.files.contains_key(&path) {
            continue;
        }
        if let Some(file) = read(&base.join(&path)) {
            open.extend(named_in(&sources, &file));
            sources.files.insert(path, file);
        }
    }
    Ok(sources)
}

/// Lines of well-known files that set the variables which stand in the way.
pub(super) fn set_in(base: &Path, sources: &Sources, outcomes: &[Outcome]) -> BTreeMap<String, Vec<String>> {
    let found = outcomes.iter().flat_map(|outcome| &outcome.found);
    let variables = found.filter(|found| found.kind.is_some() && found.origin.place == Place::Variable);
    let names: BTreeSet<&str> = variables.map(|found| found.origin.name.as_str()).collect();
    let home = sources.variables.get("HOME").map(|home| PathBuf::from(home.expose()));
    let mut paths: Vec<PathBuf> = PROJECT_FILES.iter().map(|name| sources.directory.join(name)).collect();
    paths.extend(home.iter().flat_map(|home| SHELL_FILES.iter().map(move |name| home.join(name))));
    paths.push(PathBuf::from("/etc/environment"));
    let texts: Vec<(PathBuf, Secret)> =
        paths.into_iter().filter_map(|path| Some((path.clone(), read(&base.join(&path))?.text?))).collect();
    let lines_for = |name: &str| {
        let places = texts.iter().flat_map(|(path, text)| {
            let lines = text.expose().lines().enumerate().filter(|(_, line)| assigns(line, name));
            lines.map(move |(at, _)| format!("{}:{}", path.display(), at + 1))
        });
        places.collect::<Vec<_>>()
    };
    let places = names.into_iter().map(|name| (name.to_owned(), lines_for(name)));
    places.filter(|(_, places)| !places.is_empty()).collect()
}

/// Whether a line of a shell or dotenv file sets the variable.
fn assigns(line: &str, name: &str) -> bool {
    let mut words = line.split_whitespace();
    let fish = line.trim_start().starts_with("set ") && line.split_whitespace().any(|word| word == name);
    fish || words.any(|word| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        && !line.trim_start().starts_with('#')
}

/// A variable as it is and without white space around it: clients differ.
fn variants(sources: &Sources, name: &str) -> Vec<PathBuf> {
    let Some(value) = sources.variables.get(name).map(Secret::expose) else { return Vec::new() };
    [value, value.trim()].into_iter().filter(|text| !text.is_empty()).map(PathBuf::from).collect()
}

/// The directories in which some client looks for profiles.
fn profile_directories(sources: &Sources) -> Vec<PathBuf> {
    let mut found = variants(sources, "ANTHROPIC_CONFIG_DIR");
    found.extend(variants(sources, "XDG_CONFIG_HOME").into_iter().map(|xdg| xdg.join("anthropic")));
    found.extend(variants(sources, "HOME").into_iter().map(|home| home.join(".config/anthropic")));
    found
}

fn listed(base: &Path, directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.join("active_config")];
    for part in ["configs", "credentials"] {
        let entries = std::fs::read_dir(base.join(directory).join(part)).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| directory.join(part).join(entry.file_name())));
    }
    found
}

/// Files that a profile names.
fn named_in(sources: &Sources, file: &File) -> Vec<PathBuf> {
    let text = file.text.as_ref().map(Secret::expose).unwrap_or_default();
    let Ok(config) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let named =
        [&config["authentication"]["credentials_path"], &config["authentication"]["identity_token"]["path"]];
    let named = named.into_iter().filter_map(|path| path.as_str());
    let home = sources.variables.get("HOME").map(Secret::expose).unwrap_or_default();
    named
        .flat_map(|path| {
            let expanded = path.strip_prefix("~/").map(|rest| Path::new(home).join(rest));
            [Some(PathBuf::from(path)), expanded].into_iter().flatten()
        })
        .collect()
}

/// A file that exists, with its text where it is text of a reasonable size.
fn read(path: &Path) -> Option<File> {
    let link = std::fs::symlink_metadata(path).ok()?;
    let target = std::fs::metadata(path).ok()?;
    let text = regular_file::read_text(path, CREDENTIAL_FILE_BYTES_MAX).ok();
    let text = text.map(|mut text| Secret::new(std::mem::take(&mut *text)));
    Some(File { text, mode: mode(&target), symlink: link.file_type().is_symlink() })
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0o600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_sets_a_variable_is_known() {
        let check =
            |line: &str, expected: bool| assert_eq!(assigns(line, "ANTHROPIC_API_KEY"), expected, "{line}");
        check("ANTHROPIC_API_KEY=x", true);
        check("  export ANTHROPIC_API_KEY=\"x\"", true);
        check("set -gx ANTHROPIC_API_KEY x", true);
        check("# export ANTHROPIC_API_KEY=x", false);
        check("OTHER_ANTHROPIC_API_KEY=x", false);
        check("unset ANTHROPIC_API_KEY", false);
    }
}
