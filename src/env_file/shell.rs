//! The reader for what a shell sources.
//!
//! Bash's grammar is read by tree-sitter's parser. Understood is an assignment that stands alone on
//! its lines, outside of every condition, loop and function; all else is a program.

use std::ops::Range;

use tree_sitter::{Node, Parser};
use zeroize::Zeroizing;

use super::statement::{Kind, Sets, Statement, line_end};

/// Cuts a text into statements.
pub(super) fn read(text: &str) -> Vec<Statement> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_bash::LANGUAGE.into())
        .expect("the grammar fits the parser that is linked");
    let tree = parser.parse(text, None).expect("neither cancelled nor without a language");
    let root = tree.root_node();
    if text.is_empty() {
        return Vec::new();
    }
    // Where the parser loses its way, it cannot be told where things end.
    if root.has_error() || text.contains('\0') {
        return vec![Statement { range: 0..text.len(), kind: Kind::Other { open: true } }];
    }
    let mut cursor = root.walk();
    let pieces: Vec<Node<'_>> =
        root.children(&mut cursor).filter(|node| !node.byte_range().is_empty()).collect();
    let mut statements = Vec::new();
    let mut at = 0;
    let mut pieces = &pieces[..];
    while let Some(first) = pieces.first() {
        let start = line_start(text, first.start_byte());
        let (count, end) = on_same_lines(text, pieces);
        push_nothing(text, at..start, &mut statements);
        // A shell takes the mark that some editors write first for a part of the first word.
        let is_marked = start == 0 && text.starts_with('\u{feff}');
        let kind = if is_marked { Kind::Other { open: false } } else { kind(text, &pieces[..count]) };
        statements.push(Statement { range: start..end, kind });
        (at, pieces) = (end, &pieces[count..]);
    }
    push_nothing(text, at..text.len(), &mut statements);
    joined(text, statements)
}

/// Joins what a backslash at the end of a line joins, and the parser takes for a blank: nothing of it is understood.
fn joined(text: &str, statements: Vec<Statement>) -> Vec<Statement> {
    let mut out: Vec<Statement> = Vec::with_capacity(statements.len());
    for statement in statements {
        match out.last_mut().filter(|last| last.kind != Kind::Nothing && goes_on(&text[last.range.clone()])) {
            Some(last) => {
                last.range.end = statement.range.end;
                last.kind = Kind::Other { open: false };
            }
            None => out.push(statement),
        }
    }
    if let Some(last) =
        out.last_mut().filter(|last| last.kind != Kind::Nothing && goes_on(&text[last.range.clone()]))
    {
        last.kind = Kind::Other { open: true };
    }
    out
}

fn goes_on(lines: &str) -> bool {
    let line = lines.strip_suffix('\n').unwrap_or(lines);
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Lines between pieces: blank, or what continues nothing.
fn push_nothing(text: &str, range: Range<usize>, statements: &mut Vec<Statement>) {
    if range.is_empty() {
        return;
    }
    let is_blank = text[range.clone()].trim().is_empty();
    let kind = if is_blank { Kind::Nothing } else { Kind::Other { open: false } };
    statements.push(Statement { range, kind });
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |found| found + 1)
}

/// How many pieces share the lines of the first, and where those lines end.
fn on_same_lines(text: &str, pieces: &[Node<'_>]) -> (usize, usize) {
    let mut end = 0;
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && piece.start_byte() >= end {
            return (at, end);
        }
        // Some pieces take their line break in.
        let last = piece.end_byte() - usize::from(text[piece.byte_range()].ends_with('\n'));
        end = end.max(line_end(text, last));
    }
    (pieces.len(), end)
}

fn kind(text: &str, pieces: &[Node<'_>]) -> Kind {
    let mut commands = pieces.iter().filter(|piece| piece.kind() != "comment");
    let Some(command) = commands.next() else { return Kind::Nothing };
    let is_alone = commands.all(|piece| piece.kind() == ";");
    let sets = is_alone.then(|| sets(text, *command)).flatten();
    sets.map_or(Kind::Other { open: false }, Kind::Sets)
}

/// `NAME=value`, `export NAME=value`, `declare -x NAME=value`, and `export NAME`.
fn sets(text: &str, command: Node<'_>) -> Option<Sets> {
    if command.kind() == "variable_assignment" {
        return assignment(text, command, false);
    }
    if command.kind() != "declaration_command" {
        return None;
    }
    let mut cursor = command.walk();
    let parts: Vec<Node<'_>> = command.children(&mut cursor).collect();
    let (word, parts) = parts.split_first()?;
    let (exports, parts) = match (&text[word.byte_range()], parts) {
        ("export", _) => (true, parts),
        ("readonly", _) => (false, parts),
        ("declare" | "typeset", [flag, rest @ ..]) if &text[flag.byte_range()] == "-x" => (true, rest),
        _ => return None,
    };
    match parts {
        [part] if part.kind() == "variable_assignment" => assignment(text, *part, exports),
        [part] if part.kind() == "variable_name" => {
            let end = part.end_byte();
            Some(Sets {
                name: text[part.byte_range()].to_owned(),
                value: end..end,
                literal: None,
                has_value: false,
                exports,
                is_agreed: true,
            })
        }
        _ => None,
    }
}

fn assignment(text: &str, node: Node<'_>, exports: bool) -> Option<Sets> {
    let name = node.child_by_field_name("name").filter(|name| name.kind() == "variable_name")?;
    let value = node.child_by_field_name("value");
    let range = value.map_or(node.end_byte()..node.end_byte(), |value| value.byte_range());
    let literal = match value {
        None => Some(String::new()),
        Some(value) => literal(text, value),
    };
    let is_plain = text[name.end_byte()..range.start].starts_with('=');
    Some(Sets {
        name: text[name.byte_range()].to_owned(),
        value: range,
        literal: literal.filter(|_| is_plain).map(Zeroizing::new),
        has_value: true,
        exports,
        is_agreed: true,
    })
}

/// What a word stands for, where that needs no shell to tell.
fn literal(text: &str, value: Node<'_>) -> Option<String> {
    let written = &text[value.byte_range()];
    let inner = match value.kind() {
        "raw_string" => return written.strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned),
        "string" => written.strip_prefix('"')?.strip_suffix('"')?,
        "word" | "number" => written,
        "concatenation" => return concatenated(text, value),
        _ => return None,
    };
    (!inner.contains(['\\', '$', '`', '~'])).then(|| inner.to_owned())
}

fn concatenated(text: &str, value: Node<'_>) -> Option<String> {
    let mut cursor = value.walk();
    value
        .children(&mut cursor)
        .map(|part| match &text[part.byte_range()] {
            // The one escape that keyless writes: a single quote between two quoted parts.
            "\\'" => Some("'".to_owned()),
            _ => literal(text, part),
        })
        .collect()
}
