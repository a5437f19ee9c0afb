//! The configuration directory: its files read, its configuration checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyless_state::{Address, State};
use serde_json::Value;

use super::args::Variables;
use super::ui::Ui;
use super::variables;
use crate::config::{self, BackendSettings, Configuration, Inputs, VariableInput};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::limits;
use crate::regular_file;
use crate::resource::Observed;

/// Attributes that are known of declared things.
pub(super) type Known = BTreeMap<Address, BTreeMap<String, Value>>;

/// The smallest configuration that means something, shown where there is none.
const SMALLEST: &str = r#"provider "github_actions" "github" {
  organization = "acme"
}

service_account "ci" {}

federation_rule "ci" {
  provider                  = provider.github_actions.github
  service_account           = service_account.ci
  applies_to_all_workspaces = true
  match {
    repository = "acme/app"
    branch     = "main"
  }
}
"#;

/// A configuration directory with its checked configuration.
pub(super) struct Session {
    /// The directory; paths in the configuration are relative to it.
    pub(super) base: PathBuf,
    /// The files.
    pub(super) sources: SourceMap,
    /// What they ask for.
    pub(super) configuration: Arc<Configuration>,
    variables: BTreeMap<String, VariableInput>,
}

impl Session {
    /// Reads and checks the configuration; what is wrong has been told when this fails.
    pub(super) fn load(base: &Path, arguments: &Variables, ui: &Ui) -> Option<Session> {
        let (session, diagnostics, sources) = Session::check(base, arguments);
        let sources = session.as_ref().map_or(&sources, |session| &session.sources);
        ui.diagnostics(&diagnostics, sources);
        session
    }

    /// The same with its findings, told or not.
    pub(super) fn check(base: &Path, arguments: &Variables) -> (Option<Session>, Vec<Diagnostic>, SourceMap) {
        let mut sources = SourceMap::default();
        let mut diagnostics = Diagnostics::default();
        read_files(base, &mut sources, &mut diagnostics);
        let variables = variables::collect(arguments, base, &mut sources, &mut diagnostics);
        if diagnostics.has_errors() {
            return (None, diagnostics.into_sorted(), sources);
        }
        let known = match recorded(base) {
            Ok(known) => known,
            Err(problem) => {
                diagnostics.push(Diagnostic::error("State cannot be read").detail(problem));
                return (None, diagnostics.into_sorted(), sources);
            }
        };
        let (configuration, found) = evaluate(&sources, &variables, &known, base);
        diagnostics.extend(found);
        match configuration {
            Some(configuration) if !diagnostics.has_errors() => {
                let session = Session {
                    base: base.to_owned(),
                    sources,
                    configuration: Arc::new(configuration),
                    variables,
                };
                (Some(session), diagnostics.into_sorted(), SourceMap::default())
            }
            _ => (None, diagnostics.into_sorted(), sources),
        }
    }

    /// Evaluates again with what is known now, for outputs.
    pub(super) fn outputs(&self, state: &State, observed: &Observed) -> BTreeMap<String, config::Output> {
        let mut known = known_records(state);
        for (address, lookup) in &self.configuration.workspaces {
            let found = observed.workspaces.values().find(|workspace| match &lookup.by {
                config::WorkspaceKey::Id(id) => workspace.id == *id,
                config::WorkspaceKey::Name(name) => {
                    workspace.name == *name && workspace.archived_at.is_none()
                }
            });
            if let Some(workspace) = found {
                let attributes = [("id", workspace.id.clone()), ("name", workspace.name.clone())];
                known.insert(
                    address.clone(),
                    attributes
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), Value::from(value)))
                        .collect(),
                );
            }
        }
        let (configuration, _) = evaluate(&self.sources, &self.variables, &known, &self.base);
        configuration.map(|configuration| configuration.outputs).unwrap_or_default()
    }

    /// Where the state is kept.
    pub(super) fn data_directory(&self) -> PathBuf {
        match &self.configuration.settings.backend {
            BackendSettings::Local => self.base.join(".keyless"),
            BackendSettings::LocalPath(path) => self.base.join(path),
        }
    }
}

fn evaluate(
    sources: &SourceMap,
    variables: &BTreeMap<String, VariableInput>,
    known: &Known,
    base: &Path,
) -> (Option<Configuration>, Diagnostics) {
    let read_file = |path: &str| read_text(&base.join(path));
    config::load(sources, &Inputs { variables, known, read_file: &read_file })
}

/// What the state in the usual place knows. Another place is known only once the configuration has
/// been read, and there outputs become known at apply.
fn recorded(base: &Path) -> Result<Known, String> {
    let view = keyless_state::read(&base.join(".keyless")).map_err(|error| error.to_string())?;
    Ok(view.map(|view| known_records(&view.state)).unwrap_or_default())
}

fn known_records(state: &State) -> Known {
    let attributes = |record: &keyless_state::Record| {
        let mut known: BTreeMap<String, Value> =
            record.attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        known.insert("id".to_owned(), Value::from(record.id.clone()));
        known
    };
    state.records.iter().map(|(address, record)| (address.clone(), attributes(record))).collect()
}

fn read_files(base: &Path, sources: &mut SourceMap, diagnostics: &mut Diagnostics) {
    if let Err(error) = std::fs::read_dir(base) {
        diagnostics.push(
            Diagnostic::error("Directory cannot be read")
                .detail(format!("{}: {error}.", base.display()))
                .hint("name a directory with -chdir=DIR"),
        );
        return;
    }
    let files = files_ending(base, ".keyless.hcl");
    if files.is_empty() {
        diagnostics.push(
            Diagnostic::error("No configuration")
                .detail(format!(
                    "{} holds no file that ends in .keyless.hcl. This is the smallest one that means something:\n\n{SMALLEST}",
                    base.display()
                ))
                .hint("write it to main.keyless.hcl, or name another directory with -chdir=DIR"),
        );
    }
    if files.len() > limits::CONFIG_FILES_MAX {
        let detail = format!(
            "{} holds {} configuration files; at most {} are read.",
            base.display(),
            files.len(),
            limits::CONFIG_FILES_MAX
        );
        diagnostics.push(Diagnostic::error("Too many files").detail(detail));
        return;
    }
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match read_text(&path) {
            Ok(text) => {
                sources.add(name, text);
            }
            Err(problem) => {
                let detail = format!("{} {problem}.", path.display());
                diagnostics.push(Diagnostic::error("Configuration file cannot be read").detail(detail));
            }
        }
    }
}

/// The files of a directory whose names end so, by name.
pub(super) fn files_ending(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        // What is no file by mistake, such as a pipe, is told when it is read.
        .filter(|path| !path.is_dir())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)))
        .filter(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')))
        .collect();
    files.sort();
    files
}

/// A path of the command line, which is relative to the configuration directory as with Terraform.
pub(super) fn in_directory(base: &Path, path: &Path) -> PathBuf {
    if base == Path::new(".") { path.to_owned() } else { base.join(path) }
}

/// Reads a text file of bounded size.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let text = regular_file::read_text(path, limits::CONFIG_FILE_BYTES_MAX);
    text.map(|mut text| std::mem::take(&mut *text)).map_err(|error| error.to_string())
}
