//! `validate`: the configuration alone, without the API.

use std::path::Path;

use crate::cli::args::Validate;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::diagnostic::{Diagnostic, Severity, SourceMap};

pub(super) fn run(arguments: &Validate, base: &Path, ui: &Ui) -> Exit {
    let (session, diagnostics, sources) = Session::check(base, &arguments.variables);
    let sources = session.as_ref().map_or(&sources, |session| &session.sources);
    let valid = session.is_some();
    if arguments.json {
        ui.json(format_args!("{:#}", json(valid, &diagnostics, sources)));
    } else {
        ui.diagnostics(&diagnostics, sources);
        if valid {
            ui.data("Success! The configuration is valid.\n");
        }
    }
    if valid { Exit::Done } else { Exit::Error }
}

fn json(valid: bool, diagnostics: &[Diagnostic], sources: &SourceMap) -> serde_json::Value {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let shown = diagnostics.iter().map(|diagnostic| {
        let range = diagnostic.labels.first().map(|label| {
            let at = sources.location(label.span);
            serde_json::json!({ "filename": at.file, "start": { "line": at.line, "column": at.column, "byte": label.span.start } })
        });
        serde_json::json!({
            "severity": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
            "code": diagnostic.code,
            "summary": diagnostic.summary,
            "detail": diagnostic.detail,
            "hint": diagnostic.hint,
            "address": diagnostic.address,
            "range": range,
        })
    });
    serde_json::json!({
        "format_version": "1.0",
        "valid": valid,
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": shown.collect::<Vec<_>>(),
    })
}
