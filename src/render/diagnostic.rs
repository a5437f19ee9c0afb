//! Diagnostics with the lines they are about, as the Rust compiler shows them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, SourceMap};

/// One diagnostic as text; colors are taken out where the stream has none.
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let summary = match diagnostic.code {
        Some(code) => format!("{} [{code}]", diagnostic.summary),
        None => diagnostic.summary.clone(),
    };
    let mut group = Group::with_title(level.primary_title(&summary));
    // Only the lines around each place are handed over: the renderer scans what it is given.
    // A line that holds a secret is named and never drawn.
    let drawn = if diagnostic.redact { &[][..] } else { &diagnostic.labels[..] };
    let excerpts: Vec<Excerpt<'_>> = drawn.iter().map(|label| excerpt(label, sources)).collect();
    for (at, excerpt) in excerpts.iter().enumerate() {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(excerpt.range.clone()).label(excerpt.label);
        group = group.element(
            Snippet::source(excerpt.text)
                .path(excerpt.file)
                .line_start(excerpt.first_line)
                .annotation(annotation),
        );
    }
    let mut out = Renderer::styled().render(&[group]).to_string();
    out.push('\n');
    if diagnostic.redact
        && let Some(label) = diagnostic.labels.first()
    {
        out.push_str(&format!(" --> {} (the line is not shown)\n", sources.location(label.span)));
    }
    if !diagnostic.detail.is_empty() {
        out.push_str(&diagnostic.detail);
        out.push('\n');
    }
    if let Some(hint) = &diagnostic.hint {
        out.push_str(&format!("{} {hint}\n", super::style::paint(super::style::BOLD, "hint:")));
    }
    out
}

struct Excerpt<'a> {
    file: &'a str,
    text: &'a str,
    first_line: usize,
    range: std::ops::Range<usize>,
    label: &'a str,
}

fn excerpt<'a>(label: &'a crate::diagnostic::Label, sources: &'a SourceMap) -> Excerpt<'a> {
    let file = sources.file(label.span.file);
    let (first, _) = file.line_column(label.span.start);
    // A span that runs over many lines is shown by its first one.
    let lines = file.line_range(first, first);
    let text = &file.text[lines.clone()];
    let start = (label.span.start as usize).clamp(lines.start, lines.end) - lines.start;
    let end = (label.span.end as usize).clamp(lines.start, lines.end) - lines.start;
    Excerpt {
        file: &file.name,
        text,
        first_line: first as usize,
        range: start..end.max(start),
        label: &label.text,
    }
}
