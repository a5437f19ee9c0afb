//! The pieces that a file is cut into.

use std::ops::Range;

use zeroize::Zeroizing;

/// A piece of a file: whole lines, their line breaks included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Where it stands, in bytes.
    pub(super) range: Range<usize>,
    /// What it does.
    pub(super) kind: Kind,
}

/// What a piece of a file does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: blank lines and comments.
    Nothing,
    /// It sets one variable, and nothing else.
    Sets(Sets),
    /// It is not understood. `open` where no reader knows where it ends, so that it reaches to the end.
    Other { open: bool },
}

/// How a variable is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sets {
    /// The variable.
    pub(super) name: String,
    /// The value as written, in bytes of the file, quotes included.
    pub(super) value: Range<usize>,
    /// What it is set to; none where that is computed, or readers see it differently.
    pub(super) literal: Option<Zeroizing<String>>,
    /// Whether it is set at all, and not only exported.
    pub(super) has_value: bool,
    /// Whether it is exported.
    pub(super) exports: bool,
    /// Whether all who read the file agree on where the value ends.
    pub(super) is_agreed: bool,
}

/// The end of the line that `at` is in, behind its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}

/// The number of the line that `at` is in, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// A line without its line break.
pub(super) fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Whether some readers see a line break in the middle of a line, or the end of the text.
pub(super) fn has_odd_break(line: &str) -> bool {
    bare(line).contains(['\r', '\0', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// Whether it is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
