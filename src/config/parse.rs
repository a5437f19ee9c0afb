//! From the text of a file to its syntax tree, reporting every syntax error of the file.
//!
//! Bodies, blocks and arguments are read here; each expression is cut out by the scanner and
//! parsed by itself, so one broken expression hides nothing else.

use std::ops::Range;

use super::lower;
use super::scan::{self, Fault, Patch, is_name_part, is_name_start, line_end};
use super::schema;
use super::syntax::{Attribute, Block, Body, Expression, Node, Word};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::limits;

/// A file as it was read.
pub(super) struct Parsed {
    /// The tree.
    pub(super) body: Body,
}

/// Reads one file.
pub(super) fn parse_file(sources: &SourceMap, file: FileId, found: &mut Diagnostics) -> Parsed {
    let text = &*sources.file(file).text;
    // Editors on Windows put a byte order mark first; offsets stay those of the original text.
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser = Parser { text, file, at, found };
    let mut body = Body::default();
    while let Flow::Unwind = parser.body(&mut body, None) {
        body.broken = true;
        parser.next_block();
    }
    Parsed { body }
}

/// Parses one expression that is not part of a file, such as the value of a flag. Spans in the
/// result mean nothing.
pub(super) fn parse_expression(text: &str) -> Result<Expression, String> {
    let extent = scan::expression(text, 0).map_err(|fault| fault.detail)?;
    if extent.next < text.trim_end().len() {
        return Err("Only one expression is expected.".to_owned());
    }
    lower::expression(&text[..extent.end], &extent.patches, FileId(0), 0).map_err(|error| error.message)
}

enum Flow {
    Done,
    /// Something is open that swallows the rest; only a block at the start of a line is safe.
    Unwind,
}

struct Parser<'a> {
    text: &'a str,
    file: FileId,
    at: usize,
    found: &'a mut Diagnostics,
}

/// The block that is being read: its header and how many it is inside of.
type Outer<'o> = Option<(&'o Block, usize)>;

impl Parser<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, start: range.start as u32, end: range.end as u32 }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads items up to the closing brace of the block, or to the end of the file.
    fn body(&mut self, body: &mut Body, outer: Outer<'_>) -> Flow {
        loop {
            if !self.skip(true) {
                return Flow::Unwind;
            }
            match (self.next(), outer) {
                (None, None) => return Flow::Done,
                (None, Some((block, _))) => {
                    self.unclosed_block(block);
                    return Flow::Unwind;
                }
                (Some('}'), Some(_)) => {
                    self.at += 1;
                    return Flow::Done;
                }
                (Some('}'), None) => {
                    let hint = "remove it, or add the block it is meant to close";
                    self.report(
                        "Unexpected closing brace",
                        "This brace closes nothing.",
                        hint,
                        self.at..self.at + 1,
                    );
                    body.broken = true;
                    self.at += 1;
                }
                (Some(letter), _) if is_name_start(letter) => {
                    if let Some((block, _)) = outer
                        && self.starts_top_level_block()
                    {
                        self.unclosed_block(block);
                        return Flow::Unwind;
                    }
                    if let Flow::Unwind = self.item(body, outer) {
                        return Flow::Unwind;
                    }
                }
                (Some(letter), _) => {
                    let end = self.at + letter.len_utf8();
                    self.report(
                        "Unexpected text",
                        "An argument `name = value` or a block `keyword \"name\" { … }` is expected here.",
                        "start the line with the name of an argument or a block",
                        self.at..end,
                    );
                    body.broken = true;
                    self.at = line_end(self.text, self.at);
                }
            }
        }
    }

    /// Reads one argument or block; the text is at its first letter.
    fn item(&mut self, body: &mut Body, outer: Outer<'_>) -> Flow {
        let name = self.word();
        if !self.skip(false) {
            return Flow::Unwind;
        }
        let rest = self.rest();
        if rest.starts_with('=') && !rest.starts_with("==") {
            self.at += 1;
            return self.attribute(name, body);
        }
        if rest.starts_with(['{', '"']) || rest.starts_with(is_name_start) {
            return self.block(name, body, outer);
        }
        let word = name.text.clone();
        self.found.push(
            Diagnostic::error("Neither argument nor block")
                .detail(format!("After `{word}`, either `=` and a value or the labels and the `{{` of a block are expected."))
                .label(name.span, "")
                .hint(format!("write `{word} = …` or `{word} {{ … }}`")),
        );
        body.broken = true;
        self.at = line_end(self.text, self.at);
        Flow::Done
    }

    fn attribute(&mut self, name: Word, body: &mut Body) -> Flow {
        if !self.skip(false) {
            return Flow::Unwind;
        }
        let start = self.at;
        let extent = match scan::expression(self.text, start) {
            Ok(extent) => extent,
            Err(fault) => {
                let span = self.span(fault.at.clone());
                body.attributes.push(Attribute { name, value: Expression { span, node: Node::Broken } });
                return self.fault(fault);
            }
        };
        self.at = extent.next;
        let value = self.expression(&name, start..extent.end, &extent.patches);
        body.attributes.push(Attribute { name, value });
        Flow::Done
    }

    fn expression(&mut self, name: &Word, range: Range<usize>, patches: &[Patch]) -> Expression {
        let broken = |span| Expression { span, node: Node::Broken };
        if range.is_empty() {
            self.found.push(
                Diagnostic::error("Missing value")
                    .detail(format!(
                        "The argument `{}` has no value; the value begins on the line of the `=`.",
                        name.text
                    ))
                    .label(name.span, "")
                    .hint(format!("write `{} = …`, or remove it", name.text)),
            );
            return broken(name.span);
        }
        let span = self.span(range.clone());
        match lower::expression(&self.text[range.clone()], patches, self.file, range.start) {
            Ok(expression) => expression,
            Err(error) => {
                let start = (range.start + error.offset).min(self.text.len());
                let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
                let comma = self.text[start..].starts_with(',');
                let hint = if comma { "write each argument on a line of its own" } else { error.hint };
                self.report(error.summary, &error.message, hint, start..start + length);
                broken(span)
            }
        }
    }

    fn block(&mut self, keyword: Word, body: &mut Body, outer: Outer<'_>) -> Flow {
        let mut block = Block { header: keyword.span, keyword, labels: Vec::new(), body: Body::default() };
        let depth = outer.map_or(1, |(_, depth)| depth + 1);
        loop {
            match self.next() {
                Some('{') => break,
                Some('"') => match self.label() {
                    Ok(label) => block.labels.push(label),
                    Err(flow) => {
                        body.broken = true;
                        return flow;
                    }
                },
                Some(letter) if is_name_start(letter) => {
                    let label = self.word();
                    block.labels.push(label);
                }
                _ => {
                    let name = &block.keyword.text;
                    self.found.push(
                        Diagnostic::error("Missing brace")
                            .detail(format!("The block `{name}` needs its `{{` on the line of its labels."))
                            .label(block.header, "")
                            .hint(format!("write `{name} … {{`, or `{name} = …` for an argument")),
                    );
                    body.broken = true;
                    self.at = line_end(self.text, self.at);
                    return Flow::Done;
                }
            }
            block.header = block.header.to(block.labels[block.labels.len() - 1].span);
            if !self.skip(false) {
                return Flow::Unwind;
            }
        }
        if depth > limits::NESTING_MAX {
            let detail =
                format!("Blocks may be nested {} levels deep, this one is deeper.", limits::NESTING_MAX);
            self.found.push(Diagnostic::error("Nesting too deep").detail(detail).label(block.header, ""));
            return Flow::Unwind;
        }
        self.at += 1;
        let mut inner = Body::default();
        let flow = self.body(&mut inner, Some((&block, depth)));
        inner.broken |= matches!(flow, Flow::Unwind);
        block.body = inner;
        body.broken |= block.body.broken;
        body.blocks.push(block);
        flow
    }

    fn word(&mut self) -> Word {
        let length = self.rest().find(|c| !is_name_part(c)).unwrap_or(self.rest().len());
        let range = self.at..self.at + length;
        self.at = range.end;
        Word { text: self.text[range.clone()].to_owned(), span: self.span(range) }
    }

    /// Reads a quoted label; the text is at its quote.
    fn label(&mut self) -> Result<Word, Flow> {
        let line = &self.text[self.at + 1..line_end(self.text, self.at)];
        let Some(length) = line.find('"') else {
            let start = self.at;
            self.report(
                "Unclosed quote",
                "This quote is not closed on its line.",
                "add the missing `\"`",
                start..start + 1,
            );
            self.at = line_end(self.text, start);
            return Err(Flow::Unwind);
        };
        let text = line[..length].to_owned();
        let range = self.at..self.at + length + 2;
        self.at = range.end;
        if text.contains(['\\', '$', '%']) {
            let detail = "A label is plain text: letters, digits, `_` and `-`. It cannot hold escapes or interpolations.";
            self.report("Invalid label", detail, "write the name out", range.clone());
        }
        Ok(Word { text, span: self.span(range) })
    }

    /// Skips blanks and comments, line breaks only where `lines` says so. False after a comment
    /// that never ends, which is reported.
    fn skip(&mut self, lines: bool) -> bool {
        loop {
            let rest = self.rest();
            let blanks = rest.len()
                - rest
                    .trim_start_matches(|c| c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
                    .len();
            self.at += blanks;
            let rest = self.rest();
            if lines && (rest.starts_with('#') || rest.starts_with("//")) {
                self.at = line_end(self.text, self.at);
            } else if rest.starts_with("/*") {
                match scan::block_comment(self.text, self.at) {
                    Ok(end) => self.at = end,
                    Err(fault) => {
                        self.fault(fault);
                        return false;
                    }
                }
            } else {
                return true;
            }
        }
    }

    fn fault(&mut self, fault: Fault) -> Flow {
        self.report(fault.summary, &fault.detail, fault.hint, fault.at.clone());
        match fault.resume {
            Some(at) => {
                self.at = at;
                Flow::Done
            }
            None => {
                self.at = line_end(self.text, fault.at.start);
                Flow::Unwind
            }
        }
    }

    fn report(&mut self, summary: &str, detail: &str, hint: &str, at: Range<usize>) {
        let mut diagnostic = Diagnostic::error(summary).detail(detail).label(self.span(at), "");
        if !hint.is_empty() {
            diagnostic = diagnostic.hint(hint);
        }
        self.found.push(diagnostic);
    }

    fn unclosed_block(&mut self, block: &Block) {
        self.found.push(
            Diagnostic::error("Unclosed block")
                .detail(format!("The block `{}` is never closed.", block.keyword.text))
                .label(block.header, "opened here")
                .hint("add the missing `}`"),
        );
    }

    /// Whether a line starts here that can only be the next block of the file: then the one
    /// before it was left open.
    fn starts_top_level_block(&self) -> bool {
        let at_line_start = self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n';
        let line = &self.text[self.at..line_end(self.text, self.at)];
        let word = &line[..line.find(|c| !is_name_part(c)).unwrap_or(line.len())];
        let behind = line[word.len()..].trim_start();
        at_line_start && schema::is_top_level(word) && behind.starts_with(['"', '{'])
    }

    /// Moves on to the next line that starts with a letter: people indent what is inside a block.
    fn next_block(&mut self) {
        while self.at < self.text.len() {
            let at_line_start = self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n';
            if at_line_start && self.next().is_some_and(is_name_start) {
                return;
            }
            self.at = (line_end(self.text, self.at) + 1).min(self.text.len());
        }
    }
}
