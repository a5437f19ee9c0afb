//! The few colors and signs that all output shares.

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

/// Text in a style. Colors are taken out where the stream has none.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
