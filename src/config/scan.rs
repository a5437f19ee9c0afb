//! Finds where an expression ends, without understanding it.
//!
//! The parser of expressions stops at its first error and says little about a quote or a bracket
//! that is never closed. This scanner knows quotes, interpolations, heredocs, comments and
//! brackets, so the text can be cut into pieces that are parsed one by one, and what is never
//! closed is reported where it was opened. It keeps its own stack and never recurses.

use std::ops::Range;

use crate::limits;

/// An expression's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// One past its last byte, comments and blanks behind it left out.
    pub(super) end: usize,
    /// Where scanning stopped: at a line break, a comment, a closing brace or the end.
    pub(super) next: usize,
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
}

/// Scans the expression that starts at `start` and notes the comments on the way.
pub(super) fn expression(
    text: &str,
    start: usize,
    comments: &mut Vec<Range<usize>>,
) -> Result<Extent, Fault> {
    let mut scan = Scan { text, bytes: text.as_bytes(), at: start, end: start, stack: Vec::new(), comments };
    while scan.at < text.len() {
        let quoted = matches!(scan.stack.last(), Some((Open::Quote, _)));
        let goes_on = if quoted { scan.quoted()? } else { scan.code()? };
        if !goes_on {
            return Ok(Extent { end: scan.end, next: scan.at });
        }
    }
    match scan.stack.last() {
        None => Ok(Extent { end: scan.end, next: scan.at }),
        Some((open, at)) => Err(scan.unclosed(*open, *at, None)),
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    end: usize,
    stack: Vec<(Open, usize)>,
    comments: &'a mut Vec<Range<usize>>,
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
                let after = block_comment(self.text, self.at)?;
                self.comments.push(self.at..after);
                self.at = after;
            }
            b'<' if self.peek(1) == b'<' => self.heredoc()?,
            b'"' => self.open(Open::Quote)?,
            b'(' => self.open(Open::Parenthesis)?,
            b'[' => self.open(Open::Bracket)?,
            b'{' => self.open(Open::Brace { keys: 0, questions: 0 })?,
            b'}' if self.stack.is_empty() => return Ok(false),
            close @ (b')' | b']' | b'}') => self.close(close)?,
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
        let after = line_end(self.text, self.at);
        self.comments.push(self.at..after);
        self.at = after;
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
        if !matches!(open, Open::Hole) {
            self.take(1);
        }
        Ok(())
    }

    fn close(&mut self, close: u8) -> Result<(), Fault> {
        let fits = match self.stack.last() {
            Some((Open::Parenthesis, _)) => close == b')',
            Some((Open::Bracket, _)) => close == b']',
            Some((Open::Brace { .. } | Open::Hole, _)) => close == b'}',
            Some((Open::Quote, _)) => true,
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

    fn heredoc(&mut self) -> Result<(), Fault> {
        let opened = self.at;
        let word = opened + 2 + usize::from(self.peek(2) == b'-');
        let length = self.text[word..].find(|c: char| !is_name_part(c)).unwrap_or(self.text.len() - word);
        let delimiter = &self.text[word..word + length];
        let rest = self.text[word + length..].trim_start_matches('\r');
        if delimiter.is_empty() || !rest.starts_with('\n') {
            // Not a heredoc after all; the parser of expressions says what is wrong with it.
            self.take(2);
            return Ok(());
        }
        let mut line = line_end(self.text, word) + 1;
        while line < self.text.len() {
            let text = &self.text[line..];
            let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
            let behind = text[indent..].strip_prefix(delimiter);
            if behind.is_some_and(|behind| !behind.starts_with(is_name_part)) {
                self.at = line + indent;
                self.take(delimiter.len());
                return Ok(());
            }
            line = line_end(self.text, line) + 1;
        }
        Err(Fault {
            summary: "Unclosed heredoc",
            detail: format!(
                "This heredoc starts with <<{delimiter}, but no line consists of {delimiter} after it."
            ),
            hint: "end the text with a line that holds the same word alone",
            at: opened..word + length,
            resume: None,
        })
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
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let extent =
            expression(text, 0, &mut Vec::new()).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
        assert_eq!(&text[..extent.end], expected, "{text:?}");
    }

    #[test]
    fn an_expression_ends_with_its_line() {
        check("1 # one", "1");
        check("1 /* a\nb */ // two", "1");
        check("a + b\nc", "a + b");
        check("[\n 1, # }\n 2\n]  \nb", "[\n 1, # }\n 2\n]");
        check("f(\"a)\", {\n x = \"}\"\n}) }", "f(\"a)\", {\n x = \"}\"\n})");
        check("\"a${f(\"}\")}b\\\"c\" }", "\"a${f(\"}\")}b\\\"c\"");
        check("\"$${\"\nx", "\"$${\"");
        check("<<EOT\n a } \"\n EOTX\n EOT\nnext", "<<EOT\n a } \"\n EOTX\n EOT");
        check("<<-EOT\r\n a\r\n EOT\r\nnext", "<<-EOT\r\n a\r\n EOT");
        check("\"ü\" }", "\"ü\"");
        check("", "");
    }

    fn check_fault(text: &str, summary: &str, at: usize) {
        let fault = expression(text, 0, &mut Vec::new()).expect_err(text);
        assert_eq!((fault.summary, fault.at.start), (summary, at), "{text:?}");
    }

    #[test]
    fn what_is_left_open_is_reported_where_it_opened() {
        check_fault("\"abc\n\"", "Unclosed quote", 0);
        check_fault("f(\"abc\n)", "Unclosed quote", 2);
        check_fault("\"${abc\"\n", "Unclosed interpolation", 1);
        check_fault("\"${abc", "Unclosed interpolation", 1);
        check_fault("[1, (2, 3]", "Unclosed parenthesis", 4);
        check_fault("[1,\n2\n", "Unclosed bracket", 0);
        check_fault("{ a = 1", "Unclosed brace", 0);
        check_fault("1)", "Unexpected closing bracket", 1);
        check_fault("a /* b", "Unclosed comment", 2);
        check_fault("<<EOT\nabc\n", "Unclosed heredoc", 0);
        check_fault(&"[".repeat(100), "Nesting too deep", limits::NESTING_MAX);
    }

    #[test]
    fn keys_of_one_literal_are_bounded() {
        let literal = |keys: usize| format!("{{{}}}", "k = a ? b : c,\n".repeat(keys));
        let fits = literal(limits::OBJECT_KEYS_MAX);
        check(&fits, &fits);
        check_fault(&literal(limits::OBJECT_KEYS_MAX + 1), "Too many keys", 0);
        let comparisons = format!("{{ a = {} }}", vec!["x == y"; 6_000].join(" && "));
        check(&comparisons, &comparisons);
    }
}
