//! Finds, cuts and inserts members of objects in a JSON text, and leaves the rest as it is written.

use std::ops::Range;

use zeroize::Zeroizing;

/// An object in a text.
pub(super) struct Object {
    /// Just behind the opening brace.
    start: usize,
    /// The closing brace.
    end: usize,
    pub(super) members: Vec<Member>,
}

/// A member of an object.
pub(super) struct Member {
    pub(super) key: String,
    /// From its name to the end of its value.
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Tells whether the text is JSON; everything else here relies on it.
pub(super) fn check(text: &str) -> Result<(), String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(|_| ()).map_err(|error| {
        format!("is not JSON (line {}, column {}); correct it first", error.line(), error.column())
    })
}

/// The object that begins at or after `at`; none when another value begins there.
pub(super) fn object(text: &str, at: usize) -> Option<Object> {
    let mut at = skip_space(text, at);
    if text[at..].chars().next()? != '{' {
        return None;
    }
    at += 1;
    let start = at;
    let mut members = Vec::new();
    loop {
        at = skip_space(text, at);
        match text[at..].chars().next()? {
            '}' => return Some(Object { start, end: at, members }),
            ',' => at += 1,
            _ => {
                let begin = at;
                at = skip_value(text, at);
                let key = serde_json::from_str(&text[begin..at]).ok()?;
                let colon = skip_space(text, at);
                let value = skip_space(text, colon + 1);
                at = skip_value(text, value);
                members.push(Member { key, whole: begin..at, value: value..at });
            }
        }
    }
}

impl Object {
    /// The place of a member among the others. Where a name is there twice, the last one counts
    /// for every reader.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.members.iter().rposition(|member| member.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Member> {
        self.position(key).map(|at| &self.members[at])
    }
}

/// The text without a member, its comma and the space that set it off.
pub(super) fn cut(text: &str, object: &Object, at: usize) -> Zeroizing<String> {
    let members = &object.members;
    let whole = &members[at].whole;
    let gone = match (at, members.get(at + 1)) {
        (0, None) => whole.clone(),
        (0, Some(next)) => whole.start..next.whole.start,
        _ => members[at - 1].whole.end..whole.end,
    };
    spliced(text, gone, "")
}

/// The text with a member more, set off as its neighbour is. At most as many members stay before
/// it as there are.
pub(super) fn insert(text: &str, object: &Object, at: usize, member: &str) -> Zeroizing<String> {
    let members = &object.members;
    let lead = |neighbour: &Member| {
        let before = &text[..neighbour.whole.start];
        &before[before.trim_end().len()..]
    };
    match at.min(members.len()) {
        0 if members.is_empty() => {
            let content = &text[object.start..object.end];
            let place = object.start + content.rfind('\n').unwrap_or(content.len());
            spliced(text, place..place, member)
        }
        0 => {
            let first = &members[0];
            let added = Zeroizing::new(format!("{member},{}", lead(first)));
            spliced(text, first.whole.start..first.whole.start, &added)
        }
        at => {
            let before = &members[at - 1];
            let added = Zeroizing::new(format!(",{}{member}", lead(before)));
            spliced(text, before.whole.end..before.whole.end, &added)
        }
    }
}

fn spliced(text: &str, gone: Range<usize>, added: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + added.len()));
    out.push_str(&text[..gone.start]);
    out.push_str(added);
    out.push_str(&text[gone.end..]);
    out
}

fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// The end of the value that begins at `at`.
fn skip_value(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut in_string) = (at, 0usize, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_string => at += 1,
            b'"' => {
                in_string = !in_string;
                if !in_string && depth == 0 {
                    return at + 1;
                }
            }
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            // A number or a word ends where what surrounds it goes on.
            b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}
