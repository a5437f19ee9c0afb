//! Problems as values: what happened, where, why it matters, how to fix it.
//!
//! Nothing here prints; `render::diagnostic` draws them. Positions are byte offsets into the
//! original text of a file, so that a byte order mark or a carriage return never shifts a caret.

use std::sync::Arc;

use keyless_state::Address;

/// A file of the configuration, by its place in the [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range from the start of `self` to the end of `other`, which is in the same file.
    pub fn to(self, other: Span) -> Span {
        assert_eq!(self.file, other.file, "a span cannot cross files");
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One file of the configuration, as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as the user would name it, relative to the configuration directory.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    line_starts: Vec<u32>,
}

/// The files of a configuration, in the order they were read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Takes a file in. The caller has bounded its size (see `limits`), so offsets fit 32 bits.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1))
            .collect();
        self.files.push(SourceFile { name: name.into(), text, line_starts });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file with this id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files with their ids.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(at as u32), file))
    }

    /// Where a span begins, for people: file, line and column, both from 1.
    pub fn location(&self, span: Span) -> Location {
        let file = self.file(span.file);
        let (line, column) = file.line_column(span.start);
        Location { file: file.name.clone(), line, column }
    }
}

impl SourceFile {
    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let start = self.line_starts[line] as usize;
        let upto = self.text.get(start..offset as usize).map_or(0, |text| text.chars().count());
        (line as u32 + 1, upto as u32 + 1)
    }

    /// The byte range of the lines from `first` to `last` (from 1), without the final line break.
    pub fn line_range(&self, first: u32, last: u32) -> std::ops::Range<usize> {
        let start = self.line_starts[first as usize - 1] as usize;
        let end = self.line_starts.get(last as usize).map_or(self.text.len(), |next| *next as usize - 1);
        start..end
    }
}

/// A place in a file, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The command cannot go on.
    Error,
    /// The command goes on.
    Warning,
}

/// A marked range with a few words beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable id such as `WIF-S04`, where the problem has one.
    pub code: Option<&'static str>,
    /// Short fixed words without user data, so that they can be searched for.
    pub summary: String,
    /// Whole sentences: what happened and why it matters.
    pub detail: String,
    /// The declared thing it is about.
    pub address: Option<Address>,
    /// Where: the first label is the place, others give context.
    pub labels: Vec<Label>,
    /// How to fix it, with the exact text where possible.
    pub hint: Option<String>,
    /// Whether the source lines must not be drawn, because a secret stands on one of them.
    pub redact: bool,
}

impl Diagnostic {
    /// An error with its short fixed words.
    pub fn error(summary: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: None,
            summary: summary.into(),
            detail: String::new(),
            address: None,
            labels: Vec::new(),
            hint: None,
            redact: false,
        }
    }

    /// A warning with its short fixed words.
    pub fn warning(summary: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(summary) }
    }

    /// Adds the stable id.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Diagnostic {
        self.code = Some(code);
        self
    }

    /// Adds what happened and why it matters.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Diagnostic {
        self.detail = detail.into();
        self
    }

    /// Adds the declared thing it is about.
    #[must_use]
    pub fn address(mut self, address: &Address) -> Diagnostic {
        self.address = Some(address.clone());
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Forbids drawing the source lines: a secret stands on one of them.
    #[must_use]
    pub fn redacted(mut self) -> Diagnostic {
        self.redact = true;
        self
    }

    /// Adds how to fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

/// Problems in the order they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Takes a problem in.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Takes the problems of another list in.
    pub fn extend(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
    }

    /// Tells whether any problem is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Tells whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Changes each problem, for rules that hold for all of them.
    pub fn for_each_mut(&mut self, change: impl FnMut(&mut Diagnostic)) {
        self.list.iter_mut().for_each(change);
    }

    /// The problems as found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The problems by file and position, each once; those without a place come first.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
        self.list.dedup();
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.keyless.hcl", "ä = 1\nb\n");
        let at = |start| sources.location(Span { file, start, end: start });
        let place = |line, column| Location { file: "a.keyless.hcl".to_owned(), line, column };
        assert_eq!(at(0), place(1, 1));
        assert_eq!(at(3), place(1, 3));
        assert_eq!(at(7), place(2, 1));
        assert_eq!(at(9), place(3, 1));
    }

    #[test]
    fn problems_are_sorted_and_told_once() {
        let mut sources = SourceMap::default();
        let file = sources.add("a", "abc");
        let mut found = Diagnostics::default();
        let late = Diagnostic::error("late").label(Span { file, start: 2, end: 3 }, "");
        let early = Diagnostic::warning("early").label(Span { file, start: 0, end: 1 }, "");
        found.push(late.clone());
        found.push(early.clone());
        found.push(late.clone());
        assert!(found.has_errors());
        assert_eq!(found.into_sorted(), vec![early, late]);
    }
}
