//! Secrets in files and in values: finds them, reports them, and keeps them out of every other message.

use keyless_state::credential_text;

use super::eval::Fault;
use super::load::FILE_ENDING;
use super::value::Value;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span};

/// Reports the credentials in the text of a file.
pub(super) fn check_file(sources: &SourceMap, file: FileId, found: &mut Diagnostics) {
    for range in credential_text::find(&sources.file(file).text) {
        found.push(
            Diagnostic::error("Secret in a file")
                .detail(
                    "A credential stands here in plain text. Everybody who can read the file, or the history \
                     of its repository, can use it.",
                )
                .label(place(Span { file, start: range.start as u32, end: range.end as u32 }), "")
                .hint(
                    "remove it and treat it as leaked. A key is named by its id `apikey_…`, which is no secret; \
                     commands that need a credential read it from the environment",
                )
                .redacted(),
        );
    }
}

/// Refuses a value with a credential in it, wherever it came from: a file that was read, a template, a
/// function. The expression that took it in is the innermost one to have such a value.
pub(super) fn check_value(value: &Value, span: Span) -> Result<(), Fault> {
    if !value.holds_credential() {
        return Ok(());
    }
    let detail = "This expression takes in what looks like a key, a token or a private key. Values of the \
                  configuration are shown in plans, recorded in the state and sent to the API, so none of them may \
                  hold a secret, not even one that is marked sensitive.";
    Err(Fault::Problem(Box::new(in_a_value(detail).label(place(span), ""))))
}

/// Refuses a credential as the value of a variable.
pub(super) fn in_variable(name: &str, origin: &dyn std::fmt::Display, declared: Span) -> Diagnostic {
    let detail = format!(
        "The value of `{name}` from {origin} holds what looks like a key, a token or a private key. Values of the \
         configuration are shown in plans, recorded in the state and sent to the API, so none of them may hold a \
         secret, not even one that is marked sensitive."
    );
    in_a_value(&detail).label(place(declared), "")
}

fn in_a_value(detail: &str) -> Diagnostic {
    Diagnostic::error("Secret in a value")
        .detail(detail)
        .hint(
            "leave the secret where it is, and name it instead: a key by its id `apikey_…`, a file by its path, a \
             variable by its name",
        )
        .redacted()
}

/// The place without its bytes, so that nobody can draw them.
fn place(span: Span) -> Span {
    Span { end: span.start, ..span }
}

/// Forbids drawing lines with secrets, and takes secrets out of the words of every message. Whether a
/// variable is sensitive is said elsewhere than in a file of their values, so no line of such a file is drawn.
pub(super) fn redact(sources: &SourceMap, found: &mut Diagnostics) {
    let mut lines: Vec<(FileId, u32)> = Vec::new();
    for (id, file) in sources.files() {
        for range in credential_text::find(&file.text) {
            let (first, _) = file.line_column(range.start as u32);
            let (last, _) = file.line_column(range.end as u32);
            lines.extend((first..=last).map(|line| (id, line)));
        }
    }
    lines.sort_unstable();
    found.for_each_mut(|diagnostic| {
        for label in &mut diagnostic.labels {
            let file = sources.file(label.span.file);
            let (first, _) = file.line_column(label.span.start);
            let (last, _) = file.line_column(label.span.end);
            let at = lines.partition_point(|line| *line < (label.span.file, first));
            let holds_values = !file.name.ends_with(FILE_ENDING);
            diagnostic.redact |=
                holds_values || lines.get(at).is_some_and(|line| *line <= (label.span.file, last));
            credential_text::mask(&mut label.text);
        }
        credential_text::mask(&mut diagnostic.summary);
        credential_text::mask(&mut diagnostic.detail);
        if let Some(hint) = &mut diagnostic.hint {
            credential_text::mask(hint);
        }
        // A label of a block may be anything.
        if diagnostic.address.as_ref().is_some_and(|it| credential_text::is_in(&it.to_string())) {
            diagnostic.address = None;
        }
    });
}
