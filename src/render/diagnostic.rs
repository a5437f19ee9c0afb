//! Diagnostics with the lines they are about, as the Rust compiler shows them.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::inert;
use super::style::{BOLD, marked, paint};
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
    let summary = inert::line(&summary);
    let mut group = Group::with_title(level.primary_title(&*summary));
    // Only the lines around each place are handed over: the renderer scans what it is given.
    // A line that holds a secret is named and never drawn.
    let drawn = if diagnostic.redact { &[][..] } else { &diagnostic.labels[..] };
    let excerpts: Vec<Excerpt<'_>> = drawn.iter().map(|label| excerpt(label, sources)).collect();
    for (at, excerpt) in excerpts.iter().enumerate() {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(excerpt.range.clone()).label(&*excerpt.label);
        group = group.element(
            Snippet::source(&*excerpt.text)
                .path(&*excerpt.file)
                .line_start(excerpt.first_line)
                .annotation(annotation),
        );
    }
    // What is drawn is inert, so that the styles in it are all our own.
    let mut out = marked(&Renderer::styled().render(&[group]));
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
        out.push_str(&format!("{} {hint}\n", paint(BOLD, "hint:")));
    }
    out
}

struct Excerpt<'a> {
    file: Cow<'a, str>,
    text: Cow<'a, str>,
    first_line: usize,
    range: std::ops::Range<usize>,
    label: Cow<'a, str>,
}

fn excerpt<'a>(label: &'a crate::diagnostic::Label, sources: &'a SourceMap) -> Excerpt<'a> {
    let file = sources.file(label.span.file);
    let (first, _) = file.line_column(label.span.start);
    // A span that runs over many lines is shown by its first one.
    let mut lines = file.line_range(first, first);
    // How Windows marks files and lines is no part of what was written.
    let text = &file.text[lines.clone()];
    let mark = text.strip_prefix('\u{feff}').filter(|_| first == 1);
    lines.start += mark.map_or(0, |rest| text.len() - rest.len());
    lines.end = lines.end.max(lines.start) - usize::from(text.ends_with('\r'));
    let text = &file.text[lines.clone()];
    let start = (label.span.start as usize).clamp(lines.start, lines.end) - lines.start;
    let end = (label.span.end as usize).clamp(lines.start, lines.end) - lines.start;
    // The escapes before a place move it.
    let shown = |upto: usize| inert::text(&text[..upto]).len();
    Excerpt {
        file: inert::line(&file.name),
        text: inert::text(text),
        first_line: first as usize,
        range: shown(start)..shown(end.max(start)),
        label: inert::line(&label.text),
    }
}
