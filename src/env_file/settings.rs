//! The federation settings that keyless writes beside a key.

use std::ops::Range;

use zeroize::Zeroizing;

use super::fault::EnvFileFault;
use super::format::Format;
use super::ours::{BLOCK, begin_mark, end_mark, lines, park_mark};
use super::quoting::quoted;
use super::reading::Reading;
use super::statement::line_of;

/// The settings in our block, if it is there and whole, and reaches the program as the key does.
pub(crate) fn settings(
    text: &str,
    format: Format,
    (variable, tag): (&str, &str),
) -> Option<Vec<(String, String)>> {
    let block = blocks(text, tag).next()?;
    let reading = Reading::of(text, format);
    let outside = unconfigure(text, tag);
    let is_exported = exports(&Reading::of(&outside, format), variable, tag) == Some(true);
    let inside = reading.settings().filter(|it| it.range.start > block.start && it.range.end <= block.end);
    let found: Vec<_> = inside
        .map(|it| {
            let literal = it.literal().filter(|_| it.sets.exports || !is_exported)?;
            Some((it.sets.name.clone(), literal.to_owned()))
        })
        .collect::<Option<_>>()?;
    // What else stands there is not ours.
    let lines_inside = text[block].lines().count().saturating_sub(2);
    (found.len() == lines_inside).then_some(found)
}

/// Writes our block: where an older one stood, behind the key where a shell reads the file, which may return
/// before its end, or else at the end.
///
/// # Errors
/// If one of the settings is there already, a value cannot be written, or there is no place for them.
pub(crate) fn configure(
    text: &str,
    format: Format,
    (variable, tag): (&str, &str),
    settings: &[(String, String)],
) -> Result<Zeroizing<String>, EnvFileFault> {
    let bare = unconfigure(text, tag);
    let reading = Reading::of(&bare, format);
    for (name, _) in settings {
        let Some(at) = reading.first_named(name) else { continue };
        let (line, variable) = (line_of(&bare, at), name.clone());
        return Err(match block_around(&bare, at) {
            Some(tag) => EnvFileFault::OfAnother { line, tag },
            None => EnvFileFault::AlreadySet { line, variable },
        });
    }
    let old = blocks(text, tag).next().map(|block| block.start);
    let at = place(&reading, (variable, tag), old)?;
    let is_exported = exports(&reading, variable, tag).unwrap_or_else(|| all_export(&reading));
    let export = if is_exported { "export " } else { "" };
    // Of all readers, a shell alone minds how a line ends, and takes a carriage return for a part of the value.
    let newline = "\n";
    let (before, behind) = bare.split_at(at);
    // A file whose last line has no line break is to have none again once the block is taken out.
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { newline };
    let mut block = gap.to_owned() + &begin_mark(tag) + newline;
    for (name, value) in settings {
        block += &format!("{export}{name}={}{newline}", quoted(value, format)?);
    }
    block += &end_mark(tag);
    if gap.is_empty() {
        block += newline;
    }
    let mut out = Zeroizing::new(String::with_capacity(bare.len() + block.len()));
    [before, &block, behind].into_iter().for_each(|part| out.push_str(part));
    // What stands before or behind may take a part of it for its own.
    if self::settings(&out, format, (variable, tag)).as_deref() != Some(settings) {
        return Err(EnvFileFault::NotClosed { line: line_of(before, before.trim_end_matches('\n').len()) });
    }
    Ok(out)
}

/// Where the block goes: where an older one stood, or behind the key in a script.
fn place(
    reading: &Reading<'_>,
    (variable, tag): (&str, &str),
    old: Option<usize>,
) -> Result<usize, EnvFileFault> {
    let is_script = reading.format.wants_export();
    let behind_key = is_script.then(|| behind_key(reading, variable, tag)).flatten();
    // Without its line break, the text may end before that place.
    if let Some(at) = behind_key.or(old.map(|at| at.min(reading.text.len()))) {
        return Ok(at);
    }
    if let Some(at) = is_script.then(|| reading.first_leaving()).flatten() {
        return Err(EnvFileFault::MayLeave { line: line_of(reading.text, at) });
    }
    let open = reading.open_at();
    open.map_or(Ok(reading.text.len()), |at| Err(EnvFileFault::NotClosed { line: line_of(reading.text, at) }))
}

/// Behind the first statement that sets the key, or the first that is parked.
fn behind_key(reading: &Reading<'_>, variable: &str, tag: &str) -> Option<usize> {
    if let Some(own) = reading.settings_of(variable).first() {
        return Some(own.range.end);
    }
    let mark = park_mark(tag);
    let mut parked = lines(reading.text).skip_while(|(_, line)| !line.starts_with(&mark)).peekable();
    parked.peek()?;
    let run = parked.take_while(|(_, line)| line.starts_with(&mark));
    run.last().map(|(at, line)| at + line.len())
}

/// Whether the file exports what it sets: told by the key's own line, be it parked.
fn exports(reading: &Reading<'_>, variable: &str, tag: &str) -> Option<bool> {
    if reading.format.wants_export() {
        return Some(true);
    }
    if let Some(first) = reading.settings_of(variable).first() {
        return Some(first.sets.exports);
    }
    let mark = park_mark(tag);
    let parked = lines(reading.text).find_map(|(_, line)| line.strip_prefix(mark.as_str()));
    parked.map(|line| line.trim_start().starts_with("export"))
}

/// Whether all that the file sets is exported.
fn all_export(reading: &Reading<'_>) -> bool {
    let mut others = reading.settings().peekable();
    others.peek().is_some() && others.all(|setting| setting.sets.exports)
}

/// The tag of the block of ours that a place is in.
fn block_around(text: &str, at: usize) -> Option<String> {
    let before = lines(text).take_while(|(start, _)| *start <= at);
    let mark = before.filter_map(|(_, line)| line.trim_end().strip_prefix(BLOCK)).last()?;
    mark.strip_suffix(": begin").map(str::to_owned)
}

/// Where our blocks stand: whole lines. One without its end is not ours to judge.
fn blocks(text: &str, tag: &str) -> impl Iterator<Item = Range<usize>> {
    let (begin, end) = (begin_mark(tag), end_mark(tag));
    let mut lines = lines(text);
    std::iter::from_fn(move || {
        let mut start = None;
        for (at, line) in lines.by_ref() {
            let bare = line.trim_end();
            if bare == begin {
                start = Some(at);
            } else if bare == end
                && let Some(start) = start.take()
            {
                return Some(start..at + line.len());
            }
        }
        None
    })
}

/// Takes our block out.
pub(crate) fn unconfigure(text: &str, tag: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut at = 0;
    for block in blocks(text, tag) {
        out.push_str(&text[at..block.start]);
        at = block.end;
        if at == text.len() && !text.ends_with('\n') {
            let kept = out.strip_suffix('\n').map_or(out.len(), str::len);
            out.truncate(kept);
        }
    }
    out.push_str(&text[at..]);
    out
}
