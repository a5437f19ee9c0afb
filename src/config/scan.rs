//! Finds where an expression ends, without understanding it.
//!
//! The parser of expressions stops at its first error and says little about a quote or a bracket
//! that is never closed. This scanner knows quotes, interpolations, heredocs, comments and
//! brackets, so the text can be cut into pieces that are parsed one by one, and what is never
//! closed is reported where it was opened. It keeps its own stack and never recurses.

mod heredoc;
mod number;

use std::ops::Range;

use heredoc::Heredoc;

use crate::limits;

/// An expression's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// One past its last byte, comments and blanks behind it left out.
    pub(super) end: usize,
    /// Where scanning stopped: at a line break, a comment, a closing brace or the end.
    pub(super) next: usize,
    /// What the parser of expressions must be shown instead of the text of the file.
    pub(super) patches: Vec<Patch>,
}

/// Other text of the same length, so that all places stay what they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// Something that was opened and never closed, or too much of something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) summary: &'static str,
    pub(super) detail: String,
    pub(super) hint: &'static str,
    /// Where it was opened.
    pub(super) at: Range<usize>,
    /// Where reading may go on in the same block; none: only at the next block of the file.
    pub(super) resume: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Open {
    Parenthesis,
    Bracket,
    /// An object literal with the keys seen so far and the `?` that wait for their `:`.
    Brace {
        keys: usize,
        questions: usize,
    },
    /// A quoted text.
    Quote,
    /// `${` or `%{` inside a quoted text.
    Hole,
    Heredoc(Heredoc),
}

/// Scans the expression that starts at `start`.
pub(super) fn expression(text: &str, start: usize) -> Result<Extent, Fault> {
    let (bytes, stack, patches) = (text.as_bytes(), Vec::new(), Vec::new());
    let mut scan = Scan { text, bytes, at: start, end: start, stack, patches };
    while scan.at < text.len() {
        let goes_on = match scan.stack.last() {
            Some((Open::Quote, _)) => scan.quoted()?,
            Some((Open::Heredoc(heredoc), _)) => {
                let heredoc = *heredoc;
                scan.heredoc(heredoc)?
            }
            _ => scan.code()?,
        };
        if !goes_on {
            break;
        }
    }
    // Code goes on to a line break outside of everything, or to the end of the text.
    match scan.stack.last() {
        None => Ok(Extent { end: scan.end, next: scan.at, patches: scan.patches }),
        Some((open, at)) => Err(scan.unclosed(*open, *at, None)),
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    end: usize,
    stack: Vec<(Open, usize)>,
    patches: Vec<Patch>,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
        self.end = self.at;
    }

    /// One step inside a quoted text.
    fn quoted(&mut self) -> Result<bool, Fault> {
        match self.peek(0) {
            b'"' => {
                self.stack.pop();
                self.take(1);
            }
            b'\n' => return Err(self.line_break_in_quote()),
            b'\\' if self.peek(1) != b'\n' => self.take(2),
            _ => return self.template(),
        }
        Ok(true)
    }

    /// One step in the text of a template.
    fn template(&mut self) -> Result<bool, Fault> {
        match self.peek(0) {
            sign @ (b'$' | b'%') if self.peek(1) == sign && self.peek(2) == b'{' => self.take(3),
            b'$' | b'%' if self.peek(1) == b'{' => {
                self.open(Open::Hole)?;
                self.take(2);
            }
            _ => self.take(1),
        }
        Ok(true)
    }

    /// One step outside of quotes; false where the expression has ended.
    fn code(&mut self) -> Result<bool, Fault> {
        match self.peek(0) {
            b'\n' if self.stack.is_empty() => return Ok(false),
            b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
            b'#' => return Ok(self.line_comment()),
            b'/' if self.peek(1) == b'/' => return Ok(self.line_comment()),
            b'/' if self.peek(1) == b'*' => {
                self.at = block_comment(self.text, self.at)?;
            }
            b'<' if self.peek(1) == b'<' => self.open_heredoc()?,
            b'"' => self.open(Open::Quote)?,
            b'(' => self.open(Open::Parenthesis)?,
            b'[' => self.open(Open::Bracket)?,
            b'{' => self.open(Open::Brace { keys: 0, questions: 0 })?,
            b'}' if self.stack.is_empty() => return Ok(false),
            close @ (b')' | b']' | b'}') => self.close(close)?,
            b'0'..=b'9' => self.number()?,
            letter if letter.is_ascii_alphabetic() || letter == b'_' => self.name(),
            sign => {
                self.count_keys(sign)?;
                self.take(1);
            }
        }
        Ok(true)
    }

    fn line_comment(&mut self) -> bool {
        if self.stack.is_empty() {
            return false;
        }
        self.at = line_end(self.text, self.at);
        true
    }

    fn open(&mut self, open: Open) -> Result<(), Fault> {
        if self.stack.len() >= limits::NESTING_MAX {
            return Err(Fault {
                summary: "Nesting too deep",
                detail: format!(
                    "Expressions may be nested {} levels deep, this one is deeper.",
                    limits::NESTING_MAX
                ),
                hint: "give the inner parts names with a `locals` block",
                at: self.at..self.at + 1,
                resume: None,
            });
        }
        self.stack.push((open, self.at));
        if !matches!(open, Open::Hole | Open::Heredoc(_)) {
            self.take(1);
        }
        Ok(())
    }

    fn close(&mut self, close: u8) -> Result<(), Fault> {
        let fits = match self.stack.last() {
            Some((Open::Parenthesis, _)) => close == b')',
            Some((Open::Bracket, _)) => close == b']',
            Some((Open::Brace { .. } | Open::Hole, _)) => close == b'}',
            Some((Open::Quote | Open::Heredoc(_), _)) => true,
            None => false,
        };
        if !fits {
            let at = self.at;
            return Err(match self.stack.last() {
                Some((open, opened)) => self.unclosed(*open, *opened, Some(close as char)),
                None => Fault {
                    summary: "Unexpected closing bracket",
                    detail: format!("This `{}` closes nothing.", close as char),
                    hint: "remove it, or add the opening bracket",
                    at: at..at + 1,
                    resume: Some(line_end(self.text, at)),
                },
            });
        }
        self.stack.pop();
        self.take(1);
        Ok(())
    }

    /// Counts what may be keys of an object literal; a `:` that belongs to a `?` is none.
    fn count_keys(&mut self, sign: u8) -> Result<(), Fault> {
        let before = self.at.checked_sub(1).map_or(0, |at| self.bytes[at]);
        let compares = b"=!<>".contains(&before) || b"=>".contains(&self.peek(1));
        let Some((Open::Brace { keys, questions }, opened)) = self.stack.last_mut() else { return Ok(()) };
        match sign {
            b'?' => *questions += 1,
            b':' if *questions > 0 => *questions -= 1,
            b':' => *keys += 1,
            b'=' if !compares => *keys += 1,
            _ => {}
        }
        if *keys > limits::OBJECT_KEYS_MAX {
            return Err(Fault {
                summary: "Too many keys",
                detail: format!(
                    "An object literal may have {} keys, this one has more.",
                    limits::OBJECT_KEYS_MAX
                ),
                hint: "split it, or read it with jsondecode(file(\"…\"))",
                at: *opened..*opened + 1,
                resume: None,
            });
        }
        Ok(())
    }

    /// A digit in a name begins no number.
    fn name(&mut self) {
        let rest = &self.text[self.at..];
        self.take(rest.find(|c: char| !is_name_part(c)).unwrap_or(rest.len()));
    }

    fn line_break_in_quote(&self) -> Fault {
        let (_, opened) = self.stack[self.stack.len() - 1];
        let line_of_quote = self.text[opened..self.at].find('\n').is_none();
        let below = self.stack.len().checked_sub(2).map(|at| self.stack[at]);
        // `"${name"` opens a second quote by accident; the interpolation is what was left open.
        if let Some((Open::Hole, hole)) = below
            && line_of_quote
            && !self.text[hole..opened].contains('\n')
        {
            return self.unclosed(Open::Hole, hole, None);
        }
        self.unclosed(Open::Quote, opened, None)
    }

    fn unclosed(&self, open: Open, at: usize, found: Option<char>) -> Fault {
        let (summary, what, hint) = match open {
            Open::Parenthesis => ("Unclosed parenthesis", "parenthesis", "add the missing `)`"),
            Open::Bracket => ("Unclosed bracket", "bracket", "add the missing `]`"),
            Open::Brace { .. } => ("Unclosed brace", "brace", "add the missing `}`"),
            Open::Quote => (
                "Unclosed quote",
                "quote",
                "add the missing `\"`; a line break is written \\n, and a text of many lines is a heredoc",
            ),
            Open::Heredoc(heredoc) => return self.unclosed_heredoc(heredoc, at),
            Open::Hole => (
                "Unclosed interpolation",
                "interpolation",
                "add the missing `}`, or write $${ for the characters themselves",
            ),
        };
        let detail = match (open, found) {
            (Open::Quote, _) => "This quote is not closed on its line.".to_owned(),
            (_, Some(found)) => format!("This {what} is still open where a `{found}` closes something else."),
            (_, None) => format!("This {what} is never closed."),
        };
        let length = if matches!(open, Open::Hole) { 2 } else { 1 };
        let alone = matches!(open, Open::Quote | Open::Hole) && self.stack.len() <= 3 && self.flat();
        let resume = alone.then(|| line_end(self.text, at));
        Fault { summary, detail, hint, at: at..at + length, resume }
    }

    /// Whether nothing but quotes and interpolations is open, so that the next line starts afresh.
    fn flat(&self) -> bool {
        self.stack.iter().all(|(open, _)| matches!(open, Open::Quote | Open::Hole))
    }
}

/// One past the `*/` of the comment that starts at `at`.
pub(super) fn block_comment(text: &str, at: usize) -> Result<usize, Fault> {
    match text[at + 2..].find("*/") {
        Some(found) => Ok(at + 2 + found + 2),
        None => Err(Fault {
            summary: "Unclosed comment",
            detail: "This comment is never closed.".to_owned(),
            hint: "add the missing `*/`",
            at: at..at + 2,
            resume: None,
        }),
    }
}

/// The line break, or the end of the text, at or after `at`.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |found| at + found)
}

/// Whether an identifier may start with this letter.
pub(super) fn is_name_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

/// Whether an identifier may go on with this letter.
pub(super) fn is_name_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

/// Whether the text is an identifier.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(is_name_start) && text.chars().all(is_name_part)
}

#[cfg(test)]
mod tests;
