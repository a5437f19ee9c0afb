//! Takes out secrets that stand where none belongs, such as a key in `ANTHROPIC_PROFILE`.
//!
//! Identifiers, host names and paths are told as they are; but people paste into the wrong field.

use std::path::PathBuf;

use super::outcome::{Origin, Outcome};

const HIDDEN: &str = "(hidden)";

/// Beginnings of credentials, and how many characters more make one of them.
const BEGINNINGS: [(&str, usize); 2] = [("sk-ant-", 1), ("eyJ", 12)];

/// The text without credentials of a known form and without passwords in URLs.
fn hide(text: &str) -> String {
    text.split_inclusive(|c: char| c.is_whitespace() || c == '"')
        .map(|word| hide_credentials(&hide_password(word)))
        .collect()
}

/// A word without what may be a password in a URL, with or without its scheme: all up to the last
/// `@`, since passwords may hold any character, and all behind a `?`.
fn hide_password(word: &str) -> String {
    let scheme = word.find("://").map_or(0, |at| at + "://".len());
    let (begin, rest) = word.split_at(scheme);
    let user = rest.rfind('@').filter(|at| scheme > 0 || rest[..*at].contains(':'));
    let (hidden, rest) = user.map_or(("", rest), |at| (HIDDEN, &rest[at..]));
    let end = rest.trim_end_matches(|c: char| c.is_whitespace() || c == '"').len();
    match rest[..end].find('?').filter(|_| scheme > 0) {
        Some(query) => format!("{begin}{hidden}{}?{HIDDEN}{}", &rest[..query], &rest[end..]),
        None => format!("{begin}{hidden}{rest}"),
    }
}

fn hide_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = BEGINNINGS.iter().find_map(|(beginning, least)| {
            let after = rest.strip_prefix(beginning)?;
            let length = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
                .unwrap_or(after.len());
            (length >= *least).then_some(beginning.len() + length)
        });
        match run {
            Some(length) => {
                out.push_str(HIDDEN);
                rest = &rest[length..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

fn hide_in(text: &mut String) {
    *text = hide(text);
}

fn hide_in_origin(origin: &mut Origin) {
    hide_in(&mut origin.name);
    if let Some(path) = &mut origin.path {
        *path = PathBuf::from(hide(&path.to_string_lossy()));
    }
}

impl Outcome {
    /// Takes secrets out of everything that is told as text.
    pub(super) fn without_secrets(mut self) -> Outcome {
        hide_in(&mut self.base_url);
        self.workspace_header.iter_mut().for_each(hide_in);
        self.failure.iter_mut().for_each(|failure| hide_in(&mut failure.summary));
        self.headers.iter_mut().for_each(|carried| hide_in_origin(&mut carried.origin));
        self.found.iter_mut().for_each(|found| hide_in_origin(&mut found.origin));
        if let Some(exchange) = &mut self.exchange {
            let texts =
                [&mut exchange.base_url, &mut exchange.federation_rule_id, &mut exchange.organization_id];
            texts.into_iter().for_each(hide_in);
            [&mut exchange.service_account_id, &mut exchange.workspace_id]
                .into_iter()
                .flatten()
                .for_each(hide_in);
            hide_in_origin(&mut exchange.token);
        }
        for remedy in &mut self.remedies {
            [&mut remedy.name, &mut remedy.place, &mut remedy.fix].into_iter().for_each(hide_in);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_passwords_are_taken_out() {
        let check = |text: &str, expected: &str| assert_eq!(hide(text), expected);
        check("the profile \"sk-ant-api03-abc_-\" is gone", "the profile \"(hidden)\" is gone");
        check("no /c/sk-ant-oat01-x.json", "no /c/(hidden)");
        check("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "(hidden)");
        check("eyJ", "eyJ");
        check("https://me:pw@host/x", "https://(hidden)@host/x");
        // Whether an `@` ends a password or stands in a path cannot be told.
        check("https://me:p/w@host and", "https://(hidden)@host and");
        check("https://me:p#w@host", "https://(hidden)@host");
        check("https://me:p@w@host/x@y", "https://(hidden)@y");
        check("is \"me:pw@host\", no", "is \"(hidden)@host\", no");
        check("https://gw/?key=canary next", "https://gw/?(hidden) next");
        check("https://host/x", "https://host/x");
        check("really? yes, python@2.14.0", "really? yes, python@2.14.0");
        check("fdrl_1, wrkspc_2, ü", "fdrl_1, wrkspc_2, ü");
    }
}
