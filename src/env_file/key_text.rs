//! What looks like a key.

/// How every key and token of the service begins.
const BEGINNING: &str = "sk-ant-";

/// A bare beginning may be talked about, as in `sk-ant-…`; a key is longer than that.
const CHARS_MIN: usize = 12;

/// Where something stands that looks like a key, in bytes.
pub(super) fn find(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(BEGINNING).filter_map(|(at, _)| {
        let behind = &text[at + BEGINNING.len()..];
        let length = behind.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).count();
        (length >= CHARS_MIN).then_some(at)
    })
}
