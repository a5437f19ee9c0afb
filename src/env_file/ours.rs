//! The lines that keyless writes into such files: comments to every reader.

use super::statement::line_end;

const PARKED: &str = "# keyless parked for ";
const DEAD: &str = "# keyless took the dead key ";
pub(super) const BLOCK: &str = "# keyless federation settings for ";

pub(super) fn park_mark(tag: &str) -> String {
    format!("{PARKED}{tag}: ")
}

/// What a dead key's line bears that was taken out. It is not put back by anything, unlike a parked one.
pub(super) fn dead_mark(key_id: &str) -> String {
    format!("{DEAD}{key_id} out: ")
}

pub(super) fn begin_mark(tag: &str) -> String {
    format!("{BLOCK}{tag}: begin")
}

pub(super) fn end_mark(tag: &str) -> String {
    format!("{BLOCK}{tag}: end")
}

/// A text without the mark with which editors of some systems begin a file.
pub(super) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The lines of a text, with the byte at which each begins.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = text.len() - without_bom(text).len();
    std::iter::from_fn(move || {
        let start = at;
        (start < text.len()).then(|| {
            at = line_end(text, start);
            (start, &text[start..at])
        })
    })
}

/// Whether a line holds what keyless put out of use.
pub(super) fn is_put_out_of_use(line: &str) -> bool {
    let line = without_bom(line);
    line.starts_with(PARKED) || line.starts_with(DEAD)
}

/// The numbers of the lines that are parked under a tag, from 1.
pub(crate) fn parked_lines(text: &str, tag: &str) -> Vec<usize> {
    let mark = park_mark(tag);
    let numbered = without_bom(text).lines().enumerate();
    numbered.filter(|(_, line)| line.starts_with(&mark)).map(|(at, _)| at + 1).collect()
}

/// Tells whether there are lines of ours.
pub(crate) fn is_marked(text: &str, tag: &str) -> bool {
    let begin = begin_mark(tag);
    !parked_lines(text, tag).is_empty() || without_bom(text).lines().any(|line| line.trim_end() == begin)
}
