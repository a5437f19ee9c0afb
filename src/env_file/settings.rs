//! The federation settings that keyless writes beside a key.

use zeroize::Zeroizing;

use super::fault::EnvFileFault;
use super::format::Format;
use super::ours::{BLOCK, begin_mark, end_mark, lines, park_mark, without_bom};
use super::quoting::quoted;
use super::reading::Reading;
use super::statement::line_of;

/// The settings in our block, if it is there and whole.
pub(crate) fn settings(text: &str, format: Format, tag: &str) -> Option<Vec<(String, String)>> {
    let (begin, end) = (begin_mark(tag), end_mark(tag));
    let marked = |mark: &str| lines(text).find(|(_, line)| line.trim_end() == mark).map(|(at, _)| at);
    let (begin, end) = (marked(&begin)?, marked(&end)?);
    let reading = Reading::of(text, format);
    let inside = reading.settings().filter(|it| it.range.start > begin && it.range.end <= end);
    let found: Vec<_> =
        inside.map(|it| Some((it.sets.name.clone(), it.literal()?.to_owned()))).collect::<Option<_>>()?;
    // What else stands there is not ours.
    let lines_inside = text[begin..end].lines().count().saturating_sub(1);
    (found.len() == lines_inside).then_some(found)
}

/// Writes our block at the end of the file, replacing an older one.
///
/// # Errors
/// If one of the settings is there already, a value cannot be written, or the file has no end.
pub(crate) fn configure(
    text: &str,
    format: Format,
    (variable, tag): (&str, &str),
    settings: &[(String, String)],
) -> Result<Zeroizing<String>, EnvFileFault> {
    let mut out = unconfigure(text, tag);
    let reading = Reading::of(&out, format);
    for (name, _) in settings {
        let Some(at) = reading.first_named(name) else { continue };
        let (line, variable) = (line_of(&out, at), name.clone());
        return Err(match block_around(&out, at) {
            Some(tag) => EnvFileFault::OfAnother { line, tag },
            None => EnvFileFault::AlreadySet { line, variable },
        });
    }
    if let Some(at) = reading.open_at() {
        return Err(EnvFileFault::NotClosed { line: line_of(&out, at) });
    }
    let export = if exports(&reading, variable, tag) { "export " } else { "" };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut block = begin_mark(tag) + newline;
    for (name, value) in settings {
        block += &format!("{export}{name}={}{newline}", quoted(value, format)?);
    }
    block += &end_mark(tag);
    // A file whose last line has no line break is to have none again once the block is taken out.
    let gap = if out.is_empty() || out.ends_with('\n') { "" } else { newline };
    if gap.is_empty() {
        block += newline;
    }
    out.reserve_exact(gap.len() + block.len());
    out.push_str(gap);
    out.push_str(&block);
    Ok(out)
}

/// Whether the file exports what it sets: told by the key's own line, be it parked, or by all others.
fn exports(reading: &Reading<'_>, variable: &str, tag: &str) -> bool {
    if reading.format.wants_export() {
        return true;
    }
    let own = reading.settings_of(variable);
    if let Some(first) = own.first() {
        return first.sets.exports;
    }
    let mark = park_mark(tag);
    if let Some(parked) = lines(reading.text).find_map(|(_, line)| line.strip_prefix(mark.as_str())) {
        return parked.trim_start().starts_with("export");
    }
    let mut others = reading.settings().peekable();
    others.peek().is_some() && others.all(|setting| setting.sets.exports)
}

/// The tag of the block of ours that a place is in.
fn block_around(text: &str, at: usize) -> Option<String> {
    let before = lines(text).take_while(|(start, _)| *start <= at);
    let mark = before.filter_map(|(_, line)| line.trim_end().strip_prefix(BLOCK)).last()?;
    mark.strip_suffix(": begin").map(str::to_owned)
}

/// Takes our block out.
pub(crate) fn unconfigure(text: &str, tag: &str) -> Zeroizing<String> {
    let (begin, end) = (begin_mark(tag), end_mark(tag));
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    // A block without its end is not ours to judge: nothing is taken out then.
    if !lines(text).any(|(_, line)| line.trim_end() == end) {
        out.push_str(text);
        return out;
    }
    out.push_str(&text[..text.len() - without_bom(text).len()]);
    let mut inside = false;
    let mut is_cut = false;
    for (_, line) in lines(text) {
        let bare = line.trim_end();
        inside |= bare == begin;
        if !inside {
            out.push_str(line);
        }
        is_cut = inside && !line.ends_with('\n');
        inside &= bare != end;
    }
    if is_cut {
        let kept = super::statement::bare(&out).len();
        out.truncate(kept);
    }
    out
}
