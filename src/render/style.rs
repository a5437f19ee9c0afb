//! The few colors and signs that all output shares.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use anstyle::{AnsiColor, Color, Style};

/// Makes text bold.
pub const BOLD: Style = Style::new().bold();
/// For what is added or done.
pub const GREEN: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green)));
/// For what changes or waits.
pub const YELLOW: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow)));
/// For what goes or is refused.
pub const RED: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red)));
/// For what is less important.
pub const DIM: Style = Style::new().dimmed();

/// Text in a style. It becomes one that a terminal obeys only on its way out, see [`super::inert`];
/// colors are taken out where the stream has none.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    let escape = |sequence: String| marked(&sequence);
    format!("{}{text}{}", escape(format!("{style}")), escape(format!("{style:#}")))
}

/// A text whose escape sequences are all our own.
pub fn marked(text: &str) -> String {
    text.replace('\u{1b}', mark())
}

/// What stands for the escape character of our own styles until the text goes out. It differs from run to
/// run, so that no text from outside can hold it.
pub(super) fn mark() -> &'static str {
    static MARK: LazyLock<String> =
        LazyLock::new(|| format!("\u{fdd0}{:016x}", RandomState::new().hash_one("mark")));
    &MARK
}
