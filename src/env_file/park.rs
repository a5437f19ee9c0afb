//! Takes keys out of a file, and puts them back.
//!
//! A key is parked by turning its lines into comments that name the lane. A comment is chosen over
//! another variable name because no loader exports it.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::fault::EnvFileFault;
use super::format::Format;
use super::ours::{dead_mark, lines, park_mark, parked_lines, without_bom};
use super::reading::{Reading, Setting};

/// Turns every line that sets `variable` into a comment. `beside` are the variables of others whose
/// keys are in the same file.
///
/// # Errors
/// If a line cannot be judged, or something else in the file looks like a key.
pub(crate) fn park(
    text: &str,
    format: Format,
    variable: &str,
    beside: &BTreeSet<String>,
    tag: &str,
) -> Result<Zeroizing<String>, EnvFileFault> {
    let reading = Reading::of(text, format);
    if let Some(fault) = reading.doubt(variable, beside) {
        return Err(fault);
    }
    let out = mark_all(text, &reading.settings_of(variable), &park_mark(tag));
    let after = Reading::of(&out, format);
    assert!(after.settings_of(variable).is_empty(), "a parked file sets the variable");
    Ok(out)
}

/// Turns every line that sets a variable into a comment that nothing puts back, provided that all of
/// them hold this key.
///
/// # Errors
/// If a line cannot be judged, or one holds something else.
pub(crate) fn take_out(
    text: &str,
    format: Format,
    variable: &str,
    (key_id, is_it): (&str, impl Fn(&str) -> bool),
) -> Result<Zeroizing<String>, EnvFileFault> {
    let reading = Reading::of(text, format);
    let settings = reading.settings_of(variable);
    for setting in &settings {
        let (line, variable) = (setting.line(), variable.to_owned());
        if !setting.sets.is_agreed {
            return Err(EnvFileFault::SeveralLines { line, variable });
        }
        if !setting.literal().is_some_and(&is_it) {
            return Err(EnvFileFault::OtherValue { line, variable, key_id: key_id.to_owned() });
        }
    }
    Ok(mark_all(text, &settings, &dead_mark(key_id)))
}

/// Writes a mark before each line of each statement.
fn mark_all(text: &str, settings: &[Setting<'_>], mark: &str) -> Zeroizing<String> {
    // The room is made at once: a text that grows leaves copies behind.
    let marked: usize = settings.iter().map(|it| text[it.range.clone()].lines().count()).sum();
    let mut out = Zeroizing::new(String::with_capacity(text.len() + marked * mark.len()));
    let mut settings = settings.iter().peekable();
    out.push_str(&text[..text.len() - without_bom(text).len()]);
    for (at, line) in lines(text) {
        while settings.next_if(|setting| setting.range.end <= at).is_some() {}
        if settings.peek().is_some_and(|setting| setting.range.start <= at) {
            out.push_str(mark);
        }
        out.push_str(line);
    }
    out
}

/// Turns the parked lines of a lane back, unless the variable is set again: what somebody wrote since
/// is not overruled.
///
/// # Errors
/// If somebody set it to nothing since, which would win over what comes back.
pub(crate) fn unpark(
    text: &str,
    format: Format,
    variable: &str,
    tag: &str,
) -> Result<Zeroizing<String>, EnvFileFault> {
    let reading = Reading::of(text, format);
    let mark = park_mark(tag);
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let set = reading.settings_of(variable);
    let set: Vec<_> = set.iter().filter(|it| it.sets.has_value).collect();
    if !set.is_empty() {
        let nothing = set.iter().find(|it| it.literal().is_some_and(str::is_empty));
        if let Some(nothing) = nothing.filter(|_| !parked_lines(text, tag).is_empty()) {
            return Err(EnvFileFault::SetToNothing { line: nothing.line(), variable: variable.to_owned() });
        }
        out.push_str(text);
        return Ok(out);
    }
    out.push_str(&text[..text.len() - without_bom(text).len()]);
    for (_, line) in lines(text) {
        out.push_str(line.strip_prefix(mark.as_str()).unwrap_or(line));
    }
    Ok(out)
}

/// Takes the parked lines of a lane out for good.
pub(crate) fn forget(text: &str, tag: &str) -> Zeroizing<String> {
    let mark = park_mark(tag);
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    out.push_str(&text[..text.len() - without_bom(text).len()]);
    for (_, line) in lines(text).filter(|(_, line)| !line.starts_with(&mark)) {
        out.push_str(line);
    }
    out
}
