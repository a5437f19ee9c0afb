//! The reader for files that dotenv libraries read.
//!
//! There are dozens of them, and none follows a specification. What Node's and Python's, Ruby's,
//! Compose's and a sourcing shell read alike is understood; where they part ways, the piece counts as
//! not understood up to where they meet again.

use zeroize::Zeroizing;

use super::statement::{Kind, Sets, Statement, bare, has_odd_break, is_name, line_end};

/// Cuts a text into statements.
pub(super) fn read(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut start = 0;
    while start < text.len() {
        let (end, kind) = statement(text, at);
        statements.push(Statement { range: start..end, kind });
        (at, start) = (end, end);
    }
    statements
}

const TO_THE_END: Kind = Kind::Other { open: true };
const LINE: Kind = Kind::Other { open: false };

/// The end of the statement that begins here, and what it does.
fn statement(text: &str, at: usize) -> (usize, Kind) {
    let end = line_end(text, at);
    let line = &text[at..end];
    let begin = line.trim_start_matches([' ', '\t']);
    if has_odd_break(line) {
        // What is one line to one reader is several to another.
        let is_open = line.contains(['"', '\'', '`']);
        return if is_open { (text.len(), TO_THE_END) } else { unassigned(text, at) };
    }
    if bare(begin).is_empty() || begin.starts_with('#') {
        return (end, Kind::Nothing);
    }
    let Some(head) = Head::of(begin) else { return unassigned(text, at) };
    let from = at + (line.len() - begin.len()) + head.length;
    let value = Value { text, from, line_end: end };
    match begin[head.length..].chars().next() {
        Some(quote @ ('"' | '\'')) => value.quoted(quote, head),
        Some('`') => value.in_backticks(head),
        _ => value.unquoted(head),
    }
}

/// A line that sets nothing that is understood. A quote in it may go on for some reader.
fn unassigned(text: &str, at: usize) -> (usize, Kind) {
    let end = line_end(text, at);
    let line = bare(&text[at..end]);
    if line.split_once('=').is_some_and(|(_, value)| is_only_blanks(value)) {
        return with_next(text, end);
    }
    let quotes = |quote: char| line.matches(quote).count() % 2 == 1;
    if ['"', '\'', '`'].into_iter().any(quotes) || line.contains("<<") || opens_command(line) {
        return (text.len(), TO_THE_END);
    }
    continued(text, at)
}

/// Whether blanks stand for a value. Node's own loader takes the next line for it then.
fn is_only_blanks(value: &str) -> bool {
    !value.is_empty() && value.trim().is_empty()
}

/// Up to the end of the next line that is not blank.
fn with_next(text: &str, end: usize) -> (usize, Kind) {
    let blank = text[end..].len() - text[end..].trim_start().len();
    let next = line_end(text, end + blank);
    let line = &text[end + blank..next];
    let is_open = line.is_empty() || line.contains(['"', '\'', '`', '\\']);
    if is_open { (text.len(), TO_THE_END) } else { (next, LINE) }
}

/// The lines that a backslash at the end of each joins for some readers.
fn continued(text: &str, at: usize) -> (usize, Kind) {
    let mut end = line_end(text, at);
    let mut line = at..end;
    loop {
        if !ends_with_backslash(&text[line.clone()]) {
            return (end, LINE);
        }
        if end == text.len() {
            return (end, TO_THE_END);
        }
        line = end..line_end(text, end);
        end = line.end;
        // For one reader a quote begins here, for another it is the middle of a value.
        if text[line.clone()].contains(['"', '\'', '`']) {
            return (text.len(), TO_THE_END);
        }
    }
}

fn ends_with_backslash(line: &str) -> bool {
    bare(line).trim_end_matches([' ', '\t']).ends_with('\\')
}

/// Whether a substitution begins on the line and does not end there.
fn opens_command(line: &str) -> bool {
    line.contains("$(") && line.matches('(').count() != line.matches(')').count()
}

/// What stands before a value.
struct Head {
    name: String,
    exports: bool,
    /// Whether blanks stand before the value.
    has_blanks: bool,
    /// Up to the value.
    length: usize,
}

impl Head {
    /// `NAME=` or `export NAME=`. `NAME: ` is taken by some only.
    fn of(line: &str) -> Option<Head> {
        let blank = [' ', '\t'];
        let (exports, rest) = match line.strip_prefix("export") {
            Some(rest) if rest.starts_with(blank) => (true, rest.trim_start_matches(blank)),
            _ => (false, line),
        };
        let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
        let (name, rest) = rest.split_at(name_end);
        let rest = rest.trim_start_matches(blank).strip_prefix('=')?;
        if !is_name(&name.replace(['.', '-'], "_")) {
            return None;
        }
        let has_blanks = rest.starts_with(blank);
        let rest = rest.trim_start_matches(blank);
        Some(Head { name: name.to_owned(), exports, has_blanks, length: line.len() - rest.len() })
    }

    fn sets(self, value: std::ops::Range<usize>, literal: Option<&str>, is_agreed: bool) -> Kind {
        let literal = literal.map(|text| Zeroizing::new(text.to_owned()));
        let (name, exports) = (self.name, self.exports);
        Kind::Sets(Sets { name, value, literal, has_value: true, exports, is_agreed })
    }
}

/// A value that begins at `from`.
struct Value<'a> {
    text: &'a str,
    from: usize,
    line_end: usize,
}

impl Value<'_> {
    fn quoted(&self, quote: char, head: Head) -> (usize, Kind) {
        let rest = &self.text[self.from..];
        let triple: String = [quote; 3].iter().collect();
        if rest.starts_with(&triple) {
            return (self.text.len(), TO_THE_END);
        }
        let Some((length, is_escaped)) = closing(&rest[1..], quote) else {
            return (self.text.len(), TO_THE_END);
        };
        let (inner, close) = (&rest[1..1 + length], self.from + 1 + length);
        let is_one_line = close < self.line_end;
        let end = line_end(self.text, close);
        let behind = &self.text[close + 1..end];
        if has_odd_break(behind) || !is_blank_or_comment(behind) {
            // Whether a second quote begins there is seen differently.
            let is_open = !is_one_line || behind.contains(['"', '\'', '`']);
            return if is_open { (self.text.len(), TO_THE_END) } else { (end, LINE) };
        }
        // Not all see an escaped quote as part of the value, and then they end it elsewhere.
        if !is_one_line && is_escaped {
            return (self.text.len(), TO_THE_END);
        }
        let is_plain = is_one_line && !inner.contains(['\\', '$']);
        let value = self.from..close + 1;
        (end, head.sets(value, is_plain.then_some(inner), is_one_line))
    }

    fn in_backticks(&self, head: Head) -> (usize, Kind) {
        let line = &self.text[self.from..self.line_end];
        match line[1..].find('`') {
            Some(length) if is_blank_or_comment(&line[length + 2..]) => {
                (self.line_end, head.sets(self.from..self.from + length + 2, None, false))
            }
            _ => (self.text.len(), TO_THE_END),
        }
    }

    /// Whether a shell that sources the file sees a quote open in a bare value that is closed on a later line.
    /// One that is never closed cannot be sourced, so nobody does.
    fn may_go_on(&self, value: &str) -> bool {
        let behind = &self.text[self.line_end..];
        let is_open = |quote: &char| value.matches(*quote).count() % 2 == 1;
        ['"', '\'', '`'].iter().any(|quote| is_open(quote) && behind.contains(*quote))
    }

    fn unquoted(&self, head: Head) -> (usize, Kind) {
        let line = &self.text[self.from..self.line_end];
        let value = without_comment(bare(line));
        let behind = self.text[self.line_end..].trim_start();
        if head.has_blanks && bare(line).is_empty() {
            return with_next(self.text, self.line_end);
        }
        if value.is_empty() && behind.starts_with(['"', '\'', '`']) {
            // One library takes the quoted text on a later line for the value.
            return (self.text.len(), TO_THE_END);
        }
        if ends_with_backslash(line) {
            return continued(self.text, self.from);
        }
        if opens_command(line) || line.contains("<<") || self.may_go_on(value) {
            return (self.text.len(), TO_THE_END);
        }
        let range = self.from..self.from + value.len();
        let is_agreed = !value.contains(['"', '\'', '`', '\\']) && !value.contains("$(");
        // Not all know comments behind a value.
        let is_whole = bare(line).trim_end_matches([' ', '\t']).len() == value.len();
        let literal = (is_agreed && is_whole && !value.contains('$')).then_some(value);
        (self.line_end, head.sets(range, literal, is_agreed))
    }
}

/// Where a quote is closed, and whether one was escaped before that.
fn closing(text: &str, quote: char) -> Option<(usize, bool)> {
    let mut is_escaped = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((at, is_escaped));
        }
        if c == '\\' {
            is_escaped |= chars.next().is_some_and(|(_, next)| next == quote);
        }
    }
    None
}

fn is_blank_or_comment(text: &str) -> bool {
    let rest = bare(text).trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with('#')
}

/// The value before a comment, which a blank has to come before.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, c)| {
        let before = &line[..*at];
        *c == '#' && (before.is_empty() || before.ends_with([' ', '\t']))
    });
    comment.map_or(line, |(at, _)| &line[..at]).trim_end_matches([' ', '\t'])
}
