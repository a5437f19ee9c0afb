//! Texts as Terraform has them: letters composed, and counted as people count them.
//!
//! `é` may be one code point or an `e` and an accent. Both are the same text, so that every string
//! is brought into the composed form (NFC) where it becomes a value; then equal is equal, for keys
//! as well. What people take for one letter, a grapheme cluster, may still be many code points, as
//! a flag or a family is, and no function counts or cuts anything smaller.

use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_segmentation::UnicodeSegmentation as _;

/// The text in its composed form.
pub(super) fn composed(text: Arc<str>) -> Arc<str> {
    if text.is_ascii() || is_nfc(&text) { text } else { text.nfc().collect::<String>().into() }
}

/// A key in its composed form.
pub(super) fn composed_key(key: &str) -> String {
    if key.is_ascii() { key.to_owned() } else { key.nfc().collect() }
}

/// The letters as people count them.
pub(super) fn letters(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.graphemes(true)
}

/// In capitals, one code point for one: Go, and so Terraform, leaves `ß` as it is.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_letter).collect()
}

/// In small letters, one code point for one.
pub(super) fn lower(text: &str) -> String {
    let one = |letter: char| if letter == '\u{130}' { 'i' } else { only(letter.to_lowercase(), letter) };
    text.chars().map(one).collect()
}

/// With a capital at the beginning of each word. As in Go, words are of letters, digits and `_`:
/// the `t` in `don't` is a word.
pub(super) fn title(text: &str) -> String {
    let mut in_word = false;
    let one = |letter: char| {
        let result = if in_word { letter } else { upper_letter(letter) };
        in_word = match letter {
            '_' => true,
            _ if letter.is_ascii() => letter.is_ascii_alphanumeric(),
            _ => !letter.is_whitespace(),
        };
        result
    };
    text.chars().map(one).collect()
}

fn upper_letter(letter: char) -> char {
    only(letter.to_uppercase(), letter)
}

/// The one letter that there is; where there are more, the letter stays what it was.
fn only(mut letters: impl ExactSizeIterator<Item = char>, letter: char) -> char {
    if letters.len() == 1 { letters.next().unwrap_or(letter) } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_what_people_take_for_one() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        for (text, count) in [
            ("", 0),
            ("abc", 3),
            ("e\u{301}", 1),
            (family, 1),
            ("\u{1f1e9}\u{1f1ea}", 1),
            ("a\r\nb", 3),
            ("q\u{307}\u{323}x", 2),
        ] {
            assert_eq!(letters(text).count(), count, "{text:?}");
        }
    }

    #[test]
    fn texts_are_composed() {
        for (text, expected) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{e9}", "\u{e9}"),
            ("A\u{30a}\u{212b}", "\u{c5}\u{c5}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            ("plain", "plain"),
        ] {
            assert_eq!(&*composed(text.into()), expected, "{text:?}");
            assert_eq!(composed_key(text), expected, "{text:?}");
        }
    }

    #[test]
    fn case_is_changed_as_go_does() {
        for (text, capitals, small, titled) in [
            ("straße", "STRAßE", "straße", "Straße"),
            ("été à la_mer", "ÉTÉ À LA_MER", "été à la_mer", "Été À La_mer"),
            ("don't 2nd a-b", "DON'T 2ND A-B", "don't 2nd a-b", "Don'T 2nd A-B"),
            ("ΟΔΣ", "ΟΔΣ", "οδσ", "ΟΔΣ"),
            ("İ", "İ", "i", "İ"),
            ("x\u{301}y", "X\u{301}Y", "x\u{301}y", "X\u{301}y"),
        ] {
            let found = (upper(text), lower(text), title(text));
            assert_eq!(found, (capitals.to_owned(), small.to_owned(), titled.to_owned()), "{text}");
        }
    }
}
