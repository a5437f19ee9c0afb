//! Where variables come from, weakest first: the environment, `*.auto.keylessvars` in name order,
//! then `-var-file` and `-var` in the order given.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::Variables;
use super::session::read_text;
use crate::config::{self, VariableInput};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};

/// Collects the values of all variables.
pub(super) fn collect(
    arguments: &Variables,
    base: &Path,
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, VariableInput> {
    let mut values = BTreeMap::new();
    // Terraform's prefix works too, and ours wins where both are set.
    for prefix in ["TF_VAR_", "KEYLESS_VAR_"] {
        for (name, value) in std::env::vars() {
            if let Some(variable) = name.strip_prefix(prefix) {
                values.insert(variable.to_owned(), VariableInput::environment(name.clone(), value));
            }
        }
    }
    let mut files: Vec<(std::path::PathBuf, String)> = Vec::new();
    for path in super::session::files_ending(base, ".auto.keylessvars") {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push((path, name));
    }
    for path in &arguments.var_file {
        files.push((base.join(path), path.display().to_string()));
    }
    for (path, name) in files {
        match read_text(&path) {
            Ok(text) => {
                let file = sources.add(name, text);
                let (found, problems) = config::variable_file(sources, file);
                values.extend(found);
                diagnostics.extend(problems);
            }
            Err(problem) => diagnostics.push(
                Diagnostic::error("Variables file cannot be read")
                    .detail(format!("{} {problem}.", path.display())),
            ),
        }
    }
    for pair in &arguments.var {
        match pair.split_once('=') {
            Some((name, value)) => {
                values.insert(name.trim().to_owned(), VariableInput::flag(value));
            }
            None => diagnostics.push(
                Diagnostic::error("Malformed -var")
                    .detail("A variable is given as a name, an equals sign and a value.")
                    .hint("write -var name=value"),
            ),
        }
    }
    values
}
