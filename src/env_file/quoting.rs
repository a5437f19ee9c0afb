//! How a value is written so that it is read back.

use super::fault::EnvFileFault;
use super::format::Format;

/// Writes a value such that every reader of the format takes it for what it is.
///
/// # Errors
/// If no spelling does.
pub(crate) fn quoted(value: &str, format: Format) -> Result<String, EnvFileFault> {
    let unwritable = |why| Err(EnvFileFault::Unwritable { why, format: format.name() });
    if value.chars().any(|c| c.is_control() || "\u{2028}\u{2029}".contains(c)) {
        return unwritable("the value has a line break or another control character");
    }
    if value.is_empty() {
        return Ok(String::new());
    }
    if value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c)) {
        return Ok(value.to_owned());
    }
    if format.wants_export() {
        return Ok(format!("'{}'", value.replace('\'', r"'\''")));
    }
    // Some expand variables even within single quotes, and disagree about backslashes.
    if format == Format::Dotenv && value.contains('$') {
        return unwritable("the value has a `$`");
    }
    if format == Format::Dotenv && value.contains('\\') {
        return unwritable("the value has a backslash");
    }
    if !value.contains('\'') {
        return Ok(format!("'{value}'"));
    }
    if value.contains(['"', '\\', '`', '$']) {
        return unwritable("the value has a single quote beside `\"`, `\\`, `` ` `` or `$`");
    }
    Ok(format!("\"{value}\""))
}
