//! Where a heredoc begins and ends, as HCL says: its marker stands alone on its line.
//!
//! The parser of expressions also takes a line that only begins with the marker for the end. A
//! heredoc with such a line is shown to it under another marker of the same length.

use super::{Fault, Open, Patch, Scan, is_name, is_name_part, line_end};

/// What is known of a heredoc that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heredoc {
    /// Where its marker stands first, and how long it is.
    word: usize,
    length: usize,
    /// The first line that begins with the marker and holds more.
    begins_like_end: Option<usize>,
}

impl Scan<'_> {
    /// At `<<`, which is nothing else in the language.
    pub(super) fn open_heredoc(&mut self) -> Result<(), Fault> {
        let opened = self.at;
        let word = opened + 2 + usize::from(self.peek(2) == b'-');
        let length = self.text[word..].find(|c: char| !is_name_part(c)).unwrap_or(self.text.len() - word);
        let rest = &self.text[word + length..];
        let next = rest.strip_prefix('\r').unwrap_or(rest);
        if !is_name(&self.text[word..word + length]) || !next.starts_with('\n') {
            return Err(Fault {
                summary: "Invalid heredoc",
                detail: "A heredoc begins with << or <<- and a word, and nothing else follows on that line, not even a blank.".to_owned(),
                hint: "write <<EOT, the text on the next lines, and a last line that holds EOT alone",
                at: opened..(word + length).min(self.text.len()),
                resume: self.stack.is_empty().then(|| line_end(self.text, opened)),
            });
        }
        self.open(Open::Heredoc(Heredoc { word, length, begins_like_end: None }))?;
        self.at = line_end(self.text, word) + 1;
        Ok(())
    }

    /// One step inside a heredoc.
    pub(super) fn heredoc(&mut self, mut heredoc: Heredoc) -> Result<bool, Fault> {
        if self.bytes[self.at - 1] != b'\n' {
            return self.template();
        }
        let marker = &self.text[heredoc.word..heredoc.word + heredoc.length];
        let line = &self.text[self.at..line_end(self.text, self.at)];
        let text = line.trim_start_matches([' ', '\t']);
        if !text.starts_with(marker) {
            return self.template();
        }
        let start = self.at + line.len() - text.len();
        let behind = &text[marker.len()..];
        if behind.trim_end_matches([' ', '\t', '\r']).is_empty() {
            self.stack.pop();
            self.hide_marker(heredoc, start);
            self.at = start;
            self.take(heredoc.length);
            return Ok(true);
        }
        if !behind.starts_with(is_name_part) && heredoc.begins_like_end.is_none() {
            heredoc.begins_like_end = Some(start);
            if let Some((open, _)) = self.stack.last_mut() {
                *open = Open::Heredoc(heredoc);
            }
        }
        self.template()
    }

    /// Puts another marker in place of one that the parser would see too early.
    fn hide_marker(&mut self, heredoc: Heredoc, end: usize) {
        if heredoc.begins_like_end.is_none() {
            return;
        }
        let body = &self.text[heredoc.word + heredoc.length..end];
        let Some(marker) = unused_marker(body, heredoc.length) else { return };
        for start in [heredoc.word, end] {
            self.patches.push(Patch { range: start..start + heredoc.length, text: marker.clone() });
        }
    }

    /// The fault that the heredoc opened at `opened` never ends.
    pub(super) fn unclosed_heredoc(&self, heredoc: Heredoc, opened: usize) -> Fault {
        let marker = &self.text[heredoc.word..heredoc.word + heredoc.length];
        let mut detail =
            format!("This heredoc starts with <<{marker}, but no line consists of {marker} after it.");
        if let Some(at) = heredoc.begins_like_end {
            let line = self.text[..at].matches('\n').count() + 1;
            detail += &format!(" Line {line} begins with {marker} but holds more.");
        }
        Fault {
            summary: "Unclosed heredoc",
            detail,
            hint: "end the text with a line that holds the same word alone; what goes on after it, such as a comma or a bracket, stands on the next line",
            at: opened..heredoc.word + heredoc.length,
            resume: None,
        }
    }
}

/// A marker of so many letters with which no line of the text begins.
fn unused_marker(body: &str, length: usize) -> Option<String> {
    let lines: Vec<&str> = body.lines().map(|line| line.trim_start_matches([' ', '\t'])).collect();
    let letters = ('A'..='Z').chain('a'..='z');
    let mut candidates = letters.clone().flat_map(|first| {
        letters.clone().map(move |other| format!("{first}{}", other.to_string().repeat(length - 1)))
    });
    candidates.find(|marker| lines.iter().all(|line| !line.starts_with(marker.as_str())))
}
