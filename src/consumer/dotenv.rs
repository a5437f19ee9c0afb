//! Files of `NAME=value` lines: pure edits of their text.
//!
//! A key is parked by turning its line into a comment that names the lane. A comment is chosen
//! over another variable name because no loader exports it. Dotenv libraries, Compose's `env_file`,
//! `docker run --env-file` and systemd's `EnvironmentFile` all skip a line that begins with `#`; what
//! only some of them read as an assignment counts as one, and what they read differently is refused.

use zeroize::Zeroizing;

/// Why a file cannot be edited safely. No text of the file is part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DotenvError {
    /// A value runs over several lines.
    #[error("line {line} sets {variable} over several lines, which is not edited; write it on one line")]
    SeveralLines {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// The settings are there that keyless wrote for another consumer.
    #[error(
        "line {line} belongs to settings that keyless wrote for {tag}, off which a workload may live; if it does, declare that lane and consumer with this file; if the file was copied, remove the lines between the two marks"
    )]
    OfAnother {
        /// The line, from 1.
        line: usize,
        /// For which lane and consumer.
        tag: String,
    },
    /// A value that is not the key which is to be taken out.
    #[error("line {line} sets {variable} to something else than {key_id} by now; nothing was changed")]
    OtherValue {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
        /// The key that was there.
        key_id: String,
    },
    /// A federation variable is set by somebody else.
    #[error(
        "line {line} already sets {variable}; remove that line, or leave out `identity_token_file` and keep your own settings"
    )]
    AlreadySet {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
}

fn park_mark(tag: &str) -> String {
    format!("# keyless parked for {tag}: ")
}

const MARK: &str = "# keyless federation settings for ";

fn begin_mark(tag: &str) -> String {
    format!("{MARK}{tag}: begin")
}

fn end_mark(tag: &str) -> String {
    format!("{MARK}{tag}: end")
}

/// The variable that a line sets, with its value as written. Some loaders take `NAME: value` too,
/// and editors of some systems begin a file with a mark.
pub(super) fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches('\u{feff}').trim();
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (name, value) = line.split_once(['=', ':'])?;
    let name = name.trim_end();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain.then_some((name, value.trim()))
}

/// Tells whether a variable is set, be it to nothing: for some clients an empty value still wins.
pub(super) fn holds(text: &str, variable: &str) -> bool {
    text.lines().any(|line| assignment(line).is_some_and(|(name, _)| name == variable))
}

/// Turns every line that sets `variable` into a comment.
pub(super) fn park(text: &str, variable: &str, tag: &str) -> Result<Zeroizing<String>, DotenvError> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 128));
    let mut continued = false;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let goes_on = line.trim_end().ends_with('\\');
        match assignment(line) {
            Some((name, value)) if name == variable => {
                // systemd takes a line that ends with a backslash together with the next one.
                if continued || goes_on || is_open(value) {
                    return Err(DotenvError::SeveralLines { line: at + 1, variable: variable.to_owned() });
                }
                out.push_str(&park_mark(tag));
                out.push_str(line);
            }
            _ => out.push_str(line),
        }
        continued = goes_on;
    }
    Ok(out)
}

/// Tells whether a quote is opened and not closed on the line.
pub(super) fn is_open(value: &str) -> bool {
    let mut chars = value.chars();
    let Some(quote @ ('"' | '\'')) = chars.next() else { return false };
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote == '"' => drop(chars.next()),
            _ if c == quote => return false,
            _ => {}
        }
    }
    true
}

/// Turns the parked lines of a lane back.
pub(super) fn unpark(text: &str, tag: &str) -> Result<Zeroizing<String>, DotenvError> {
    let mark = park_mark(tag);
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.split_inclusive('\n') {
        out.push_str(line.strip_prefix(mark.as_str()).unwrap_or(line));
    }
    Ok(out)
}

/// Tells whether there are lines of ours.
pub(super) fn is_marked(text: &str, tag: &str) -> bool {
    let begin = begin_mark(tag);
    is_parked(text, tag) || text.lines().any(|line| line.trim_end() == begin)
}

/// Tells whether a key is parked under a tag.
pub(super) fn is_parked(text: &str, tag: &str) -> bool {
    let parked = park_mark(tag);
    text.lines().any(|line| line.starts_with(&parked))
}

/// The settings in our block, if it is there.
pub(super) fn settings(text: &str, tag: &str) -> Option<Vec<(String, String)>> {
    let (begin, end) = (begin_mark(tag), end_mark(tag));
    let mut lines = text.lines().skip_while(|line| line.trim_end() != begin).skip(1);
    let mut found = Vec::new();
    loop {
        let line = lines.next()?;
        if line.trim_end() == end {
            return Some(found);
        }
        let (name, value) = assignment(line)?;
        found.push((name.to_owned(), value.to_owned()));
    }
}

/// Writes our block at the end of the file, replacing an older one.
pub(super) fn configure(
    text: &str,
    tag: &str,
    settings: &[(String, String)],
) -> Result<Zeroizing<String>, DotenvError> {
    let mut out = unconfigure(text, tag);
    let mut block: Option<&str> = None;
    for (at, line) in out.lines().enumerate() {
        if let Some(other) = line.trim_end().strip_prefix(MARK) {
            block = other.strip_suffix(": begin");
        }
        if let Some((name, _)) = assignment(line)
            && settings.iter().any(|(ours, _)| ours == name)
        {
            let (line, variable) = (at + 1, name.to_owned());
            return Err(match block {
                Some(other) => DotenvError::OfAnother { line, tag: other.to_owned() },
                None => DotenvError::AlreadySet { line, variable },
            });
        }
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(newline);
    }
    out.push_str(&begin_mark(tag));
    out.push_str(newline);
    for (name, value) in settings {
        out.push_str(&format!("{name}={value}{newline}"));
    }
    out.push_str(&end_mark(tag));
    out.push_str(newline);
    Ok(out)
}

/// Takes our block out.
pub(super) fn unconfigure(text: &str, tag: &str) -> Zeroizing<String> {
    let (begin, end) = (begin_mark(tag), end_mark(tag));
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    // A block without its end is not ours to judge: nothing is taken out then.
    if !text.lines().any(|line| line.trim_end() == end) {
        out.push_str(text);
        return out;
    }
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == begin {
            inside = true;
        }
        if !inside {
            out.push_str(line);
        }
        if bare == end {
            inside = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "api_key.ci/dotenv.app";

    #[test]
    fn a_variable_is_found_however_it_is_set() {
        for (text, expected) in [
            ("KEY=x\n", true),
            ("export KEY=x", true),
            ("  KEY = x\n", true),
            ("KEY=\n", true),
            ("export\tKEY=x", true),
            ("KEY: x\n", true),
            ("\u{feff}KEY=x\n", true),
            ("; KEY=x\n", false),
            ("exportKEY=x\n", false),
            ("URL=https://KEY=x\n", false),
            ("# KEY=x\n", false),
            ("OTHER=x\nKEYS=y\n", false),
            ("", false),
        ] {
            assert_eq!(holds(text, "KEY"), expected, "{text:?}");
        }
    }

    #[test]
    fn parking_is_undone_byte_for_byte() {
        for text in [
            "A=1\nKEY=secret\nB=2\n",
            "export KEY=\"secret\"",
            "KEY=a\r\nKEY=b\r\n",
            "no key here\n",
            "",
            "\u{feff}KEY='it''s' # note\n",
            "A=x \\\ny\nKEY: \"a\\\"b\"\n",
        ] {
            let parked = park(text, "KEY", TAG).expect("one line each");
            assert!(!holds(&parked, "KEY"), "{text:?}");
            assert_eq!(*park(&parked, "KEY", TAG).expect("twice"), *parked);
            assert_eq!(*unpark(&parked, TAG).expect("back"), text);
        }
    }

    #[test]
    fn another_lanes_parked_line_stays_parked() {
        let parked = park("KEY=x\n", "KEY", TAG).expect("parked");
        assert_eq!(*unpark(&parked, "api_key.other/dotenv.app").expect("other"), *parked);
    }

    #[test]
    fn a_value_over_several_lines_is_refused() {
        for text in [
            "A=1\nKEY=\"begin\nend\"\n",
            "A=1\nKEY='\n",
            "A=1\nKEY=\"x\\\"\nend\"\n",
            "A=1\nKEY=x\\\ny\n",
            "A=1 \\\nKEY=x\n",
        ] {
            let error = park(text, "KEY", TAG).expect_err("two lines");
            assert_eq!(error, DotenvError::SeveralLines { line: 2, variable: "KEY".to_owned() }, "{text}");
        }
    }

    #[test]
    fn settings_are_written_read_and_taken_out() {
        let wanted =
            vec![("RULE".to_owned(), "fdrl_1".to_owned()), ("FILE".to_owned(), "/run/token".to_owned())];
        for text in ["A=1\n", "A=1", "", "A=1\r\n"] {
            let written = configure(text, TAG, &wanted).expect("written");
            assert_eq!(settings(&written, TAG), Some(wanted.clone()), "{text:?}");
            assert_eq!(*configure(&written, TAG, &wanted).expect("twice"), *written);
            assert_eq!(unconfigure(&written, TAG).trim_end(), text.trim_end());
        }
    }

    #[test]
    fn our_lines_are_told_by_what_they_bear() {
        let wanted = vec![("RULE".to_owned(), "fdrl_1".to_owned())];
        let parked = park("KEY=x\n", "KEY", TAG).expect("parked");
        let written = configure("A=1\n", TAG, &wanted).expect("written");
        for text in [&parked, &written] {
            assert!(is_marked(text, TAG) && !is_marked(text, "api_key.ci/dotenv.ap"), "{text:?}");
        }
        let error = configure(&written, "api_key.ci/dotenv.other", &wanted).expect_err("another's");
        assert_eq!(error, DotenvError::OfAnother { line: 3, tag: TAG.to_owned() });
        let after = format!("{}RULE=x\n", *unconfigure(&written, TAG));
        let after = configure(&after, "b/dotenv.b", &wanted).expect_err("set already");
        assert_eq!(after, DotenvError::AlreadySet { line: 2, variable: "RULE".to_owned() });
    }

    #[test]
    fn settings_of_somebody_else_are_not_overruled() {
        let wanted = vec![("RULE".to_owned(), "fdrl_1".to_owned())];
        let error = configure("RULE=fdrl_other\n", TAG, &wanted).expect_err("set already");
        assert_eq!(error, DotenvError::AlreadySet { line: 1, variable: "RULE".to_owned() });
    }
}
