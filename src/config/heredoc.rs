//! The text of heredocs: lines, strip marks and indentation, with Terraform's results.
//!
//! A strip mark takes blanks away up to the end of its line, never beyond. `<<-` takes away the
//! indentation that all lines have in common; a line that begins inside of a directive counts too,
//! one whose line break before it was stripped away does not.

use super::syntax::Part;

/// The parts of a literal as written: one for each line.
pub(super) fn literals(written: &str, strip_start: bool, strip_end: bool) -> Vec<Part> {
    // A heredoc gives the same value however the lines of its file end.
    let text = written.replace("\r\n", "\n").replace("$${", "${").replace("%%{", "%{");
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if strip_start && let Some(first) = lines.first_mut() {
        *first = first.trim_start();
    }
    // A last line that has its line break is not the one before the mark.
    if strip_end && let Some(last) = lines.last_mut() {
        *last = last.trim_end();
    }
    lines.into_iter().map(|line| Part::Literal(line.to_owned())).collect()
}

/// Takes the common indentation away.
pub(super) fn dedent(parts: &mut [Part]) {
    let mut least = Indent { line_start: true, least: usize::MAX };
    walk(parts, &mut |literal| {
        least.look(literal.as_deref().map(String::as_str));
    });
    let mut cut = Indent { line_start: true, least: usize::MAX };
    walk(parts, &mut |literal| {
        let indented = cut.look(literal.as_deref().map(String::as_str));
        if let Some(literal) = literal
            && indented
        {
            let bytes: usize = literal.chars().take(least.least).map(char::len_utf8).sum();
            literal.drain(..bytes);
        }
    });
}

struct Indent {
    line_start: bool,
    least: usize,
}

impl Indent {
    /// Takes the next piece in, a literal or none for anything else, and tells whether it is the
    /// beginning of a line whose indentation counts.
    fn look(&mut self, literal: Option<&str>) -> bool {
        let at_start =
            std::mem::replace(&mut self.line_start, literal.is_some_and(|text| text.ends_with('\n')));
        if !at_start {
            return false;
        }
        let Some(text) = literal else {
            self.least = 0;
            return false;
        };
        let blanks = text.chars().take_while(|letter| letter.is_whitespace()).count();
        let is_blank_line = text.ends_with('\n') && text.trim_start().is_empty();
        if !is_blank_line {
            self.least = self.least.min(blanks);
        }
        !is_blank_line
    }
}

/// Goes through all literals in the order of the text; holes and the marks of directives are none.
fn walk(parts: &mut [Part], visit: &mut dyn FnMut(Option<&mut String>)) {
    for part in parts {
        match part {
            Part::Literal(text) => visit(Some(text)),
            Part::Hole(_) => visit(None),
            Part::If { yes, no, .. } => {
                visit(None);
                walk(yes, visit);
                if !no.is_empty() {
                    visit(None);
                    walk(no, visit);
                }
                visit(None);
            }
            Part::For { body, .. } => {
                visit(None);
                walk(body, visit);
                visit(None);
            }
        }
    }
}
