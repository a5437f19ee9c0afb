//! The reader for systemd's `EnvironmentFile`, by the grammar of systemd.exec(5).
//!
//! `#` and `;` begin comments. A value may consist of quoted and unquoted parts; within quotes it goes
//! over lines, and a backslash at the end of a line joins it with the next.

use zeroize::Zeroizing;

use super::statement::{Kind, Sets, Statement, bare, has_odd_break, is_name, line_end};

/// Cuts a text into statements.
pub(super) fn read(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let (end, kind) = statement(text, start);
        statements.push(Statement { range: start..end, kind });
        start = end;
    }
    statements
}

fn statement(text: &str, start: usize) -> (usize, Kind) {
    let end = line_end(text, start);
    let line = &text[start..end];
    let begin = line.trim_start_matches([' ', '\t']);
    if has_odd_break(line) {
        return (end, Kind::Other { open: false });
    }
    if begin.starts_with(['#', ';']) {
        return comment(text, start);
    }
    if bare(begin).is_empty() {
        return (end, Kind::Nothing);
    }
    let Some((name, _)) = begin.split_once('=') else { return (end, Kind::Other { open: false }) };
    let from = start + (line.len() - begin.len()) + name.len() + 1;
    let name = name.trim_end_matches([' ', '\t']);
    match value(text, from) {
        // systemd ignores names that are none, such as `export NAME`.
        Some(value)
            if is_name(name) && !has_odd_break(text[start..value.end].trim_end_matches(['\r', '\n'])) =>
        {
            let end = value.end;
            let sets = Sets {
                name: name.to_owned(),
                value: from..value.written_to,
                literal: Some(value.literal),
                has_value: true,
                exports: false,
                is_agreed: true,
            };
            (end, Kind::Sets(sets))
        }
        Some(value) => (value.end, Kind::Other { open: false }),
        None => (text.len(), Kind::Other { open: true }),
    }
}

/// A comment whose line ends with a backslash goes on for releases before 254 alone.
fn comment(text: &str, start: usize) -> (usize, Kind) {
    let mut end = line_end(text, start);
    if !bare(&text[start..end]).ends_with('\\') {
        return (end, Kind::Nothing);
    }
    while end < text.len() {
        let next = line_end(text, end);
        let goes_on = bare(&text[end..next]).ends_with('\\');
        let is_quoted = text[end..next].contains(['"', '\'']);
        end = next;
        if is_quoted {
            return (text.len(), Kind::Other { open: true });
        }
        if !goes_on {
            return (end, Kind::Other { open: false });
        }
    }
    (end, Kind::Other { open: true })
}

struct Value {
    literal: Zeroizing<String>,
    /// Behind the last character that belongs to it.
    written_to: usize,
    /// Behind its line break.
    end: usize,
}

/// Where in a value the reader is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// At the begin, or behind a closed quote: a quote may open here, and blanks are skipped.
    Between,
    /// Within a part that is not quoted, where a quote is a character as others.
    Bare,
    /// Within these quotes.
    Quoted(char),
}

/// Reads a value up to the end of its last line; none where a quote is never closed.
fn value(text: &str, from: usize) -> Option<Value> {
    let mut literal = Zeroizing::new(String::new());
    let mut part = Part::Between;
    // Blanks at the end of a bare part are no part of the value.
    let mut kept = 0;
    let mut written_to = from;
    let mut chars = text[from..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let behind = from + at + c.len_utf8();
        match (part, c) {
            (Part::Between | Part::Bare, '\n') => {
                literal.truncate(kept);
                return Some(Value { literal, written_to, end: behind });
            }
            (Part::Between | Part::Bare, '\r') if chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            (Part::Between, ' ' | '\t') => {}
            (Part::Bare, ' ' | '\t') => literal.push(c),
            (Part::Between, '"' | '\'') => part = Part::Quoted(c),
            (Part::Quoted(open), _) if c == open => {
                (part, kept, written_to) = (Part::Between, literal.len(), behind);
            }
            (Part::Quoted('\''), '\\') => literal.push(c),
            (_, '\\') => {
                let (at, next) = chars.next()?;
                let is_quoted = part != Part::Between && part != Part::Bare;
                if !is_quoted {
                    part = Part::Bare;
                }
                if next != '\n' {
                    // Within double quotes only these are escaped; before others the backslash stays.
                    if is_quoted && !matches!(next, '"' | '\\' | '`' | '$') {
                        literal.push(c);
                    }
                    literal.push(next);
                    (kept, written_to) = (literal.len(), from + at + next.len_utf8());
                }
            }
            _ => {
                if part == Part::Between {
                    part = Part::Bare;
                }
                literal.push(c);
                (kept, written_to) = (literal.len(), behind);
            }
        }
    }
    literal.truncate(kept);
    let is_closed = !matches!(part, Part::Quoted(_));
    is_closed.then_some(Value { literal, written_to, end: text.len() })
}
