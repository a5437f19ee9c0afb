//! Text from outside is inert: what a terminal or a viewer would obey, hide or reorder is shown as an
//! escape. Names, error messages and paths come from people and servers, and one that moves the cursor
//! could paint a plan that is not there.
//!
//! Everything that is shown passes [`styled`], [`json`] or [`text`] on its way out, and keeps its real
//! characters everywhere else: they are compared and sent as they are.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::style;

/// A text of many lines: line ends and tabs stay.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && c != '\n' && c != '\t', as_in_rust)
}

/// A text that has to stay on its line.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, acts, as_in_rust)
}

/// A text in double quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text, |c| acts(c) || c == '"' || c == '\\', as_in_rust))
}

/// The text of a JSON document, in JSON's own escapes. Outside of its strings nothing needs one.
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(document, |c| acts(c) && c != '\n' && c != '\t', as_in_json)
}

/// A text of many lines with our own styles, which alone become sequences that a terminal obeys.
pub fn styled(styled: &str) -> String {
    let pieces: Vec<Cow<'_, str>> = styled.split(style::mark()).map(text).collect();
    pieces.join("\u{1b}")
}

/// The same without the styles.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(&styled(text)).to_string()
}

/// Whether a character does something where it is shown, instead of being seen. Whole kinds, since lists
/// of the harmful ones have always been too short.
fn acts(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(
        get_general_category(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate
    )
}

fn escaped(text: &str, escapes: impl Fn(char) -> bool, escape: fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(&escapes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match escapes(c) {
            true => escape(&mut out, c),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn as_in_rust(out: &mut String, c: char) {
    out.extend(c.escape_default());
}

fn as_in_json(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::render::style::{BOLD, GREEN, paint};

    #[test]
    fn what_acts_is_shown_as_rust_writes_it() {
        let check = |given: &str, expected: &str| assert_eq!(text(given), expected);
        check("Zoë's 鍵 🔑\n\tok", "Zoë's 鍵 🔑\n\tok");
        check("\u{1b}[2Ka\rb\u{7}\u{7f}", "\\u{1b}[2Ka\\rb\\u{7}\\u{7f}");
        check("\u{9b}31m \u{85}", "\\u{9b}31m \\u{85}");
        check("\u{202e}x\u{2066}\u{200f}\u{61c}", "\\u{202e}x\\u{2066}\\u{200f}\\u{61c}");
        check("\u{2028}\u{2029}", "\\u{2028}\\u{2029}");
        check("a\u{200b}\u{200c}\u{ad}\u{feff}\u{e0041}", "a\\u{200b}\\u{200c}\\u{ad}\\u{feff}\\u{e0041}");
        assert_eq!(line("a\nb\tc"), "a\\nb\\tc");
        assert_eq!(quoted("a\"\\\n\u{1b}"), "\"a\\\"\\\\\\n\\u{1b}\"");
    }

    #[test]
    fn only_our_styles_reach_the_terminal() {
        let shown = styled(&paint(BOLD, "\u{1b}[31mred \u{fdd0}[1m"));
        assert_eq!(shown, "\u{1b}[1m\\u{1b}[31mred \u{fdd0}[1m\u{1b}[0m");
    }

    fn harmful() -> impl Strategy<Value = String> {
        let some = "[\u{1b}\r\u{7}\u{80}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200b}-\u{200f}\u{61c}\u{2028}\u{2029}a\\[\"\\\\\\n]{0,12}";
        prop_oneof![any::<String>(), some]
    }

    fn without_our_styles(shown: &str) -> String {
        ["\u{1b}[1m", "\u{1b}[32m", "\u{1b}[0m"]
            .iter()
            .fold(shown.to_owned(), |shown, ours| shown.replace(ours, ""))
    }

    proptest! {
        #[test]
        fn nothing_acts_but_our_styles(a in harmful(), b in harmful(), c in harmful()) {
            let shown = styled(&format!("{a}{}{b}{}", paint(BOLD, &b), paint(GREEN, &c)));
            let rest = without_our_styles(&shown);
            prop_assert!(!rest.chars().any(|c| acts(c) && c != '\n' && c != '\t'), "{rest:?}");
            prop_assert!(!line(&a).chars().any(acts));
        }

        #[test]
        fn a_json_document_says_the_same(a in harmful(), b in harmful()) {
            let document = serde_json::json!({ a: [b] });
            let shown = format!("{document:#}");
            let shown = json(&shown);
            prop_assert!(!shown.chars().any(|c| acts(c) && c != '\n'), "{shown:?}");
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), document);
        }
    }
}
