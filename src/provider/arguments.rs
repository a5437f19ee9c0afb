//! Reads the arguments of a block and gathers what is wrong with them.

use serde_json::Value;

use crate::resource::Jwks;

use super::{Argument, ArgumentProblem, Arguments, Checked, Holds, IssuerPreset};

/// An argument that must be given.
pub(super) const fn required(name: &'static str, holds: Holds, description: &'static str) -> Argument {
    Argument { name, holds, required: true, description }
}

/// An argument that may be left out.
pub(super) const fn optional(name: &'static str, holds: Holds, description: &'static str) -> Argument {
    Argument { name, holds, required: false, description }
}

/// An issuer whose keys are found below its own URL.
pub(super) fn discovered(issuer_url: String, check_jti: bool, max_jwt_lifetime_seconds: i64) -> IssuerPreset {
    let jwks = Jwks::Discovery { discovery_base: None, ca_cert_pem: None };
    IssuerPreset { issuer_url, jwks, check_jti, max_jwt_lifetime_seconds }
}

/// A block's arguments, and the problems found so far.
pub(super) struct Reader<'a> {
    given: &'a Arguments,
    problems: Vec<ArgumentProblem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(given: &'a Arguments) -> Reader<'a> {
        Reader { given, problems: Vec::new() }
    }

    /// A text that says something; an empty one is a problem.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        let text = self.given.get(name)?.as_str()?;
        if text.trim().is_empty() {
            self.problem(
                name,
                "The text is empty, so that nothing would be held to it.",
                "Give a value, or leave the argument out.",
            );
            return None;
        }
        Some(text)
    }

    /// A text that is compared as it stands: no star, no space around it.
    pub(super) fn exact(&mut self, name: &str) -> Option<&'a str> {
        let text = self.text(name)?;
        if text.contains('*') {
            let detail = format!(
                "{text:?} has a star, but this argument is compared as it stands and the star would match nothing."
            );
            self.problem(
                name,
                detail,
                "Give the whole value. A beginning can be asked for with `subject_prefix` alone.",
            );
            return None;
        }
        if text.trim() != text {
            let detail = format!("{text:?} has space around it, which no token has.");
            self.problem(name, detail, format!("Write {:?}.", text.trim()));
            return None;
        }
        Some(text)
    }

    /// An exact text that passes a test.
    pub(super) fn checked(
        &mut self,
        name: &str,
        test: impl Fn(&str) -> bool,
        detail: &str,
        hint: &str,
    ) -> Option<&'a str> {
        let text = self.exact(name)?;
        if test(text) {
            return Some(text);
        }
        self.problem(name, format!("{text:?} {detail}"), hint);
        None
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.given.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.given.get(name).and_then(Value::as_f64)
    }

    /// The texts of a list; empty when it is not given.
    pub(super) fn texts(&self, name: &str) -> Vec<&'a str> {
        let list = self.given.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn problem(&mut self, argument: &str, detail: impl Into<String>, hint: impl Into<String>) {
        let argument = argument.to_owned();
        self.problems.push(ArgumentProblem { argument, detail: detail.into(), hint: hint.into() });
    }

    /// The problems, or the value when there is none. A value that is missing although no problem
    /// was found means that a required argument was not given.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Checked<T> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                if self.problems.is_empty() {
                    self.problem("", "A required argument is missing.", "Give every required argument.");
                }
                Err(self.problems)
            }
        }
    }
}

/// Tells whether the text is a GUID in small letters, as tokens have it.
pub(crate) fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
}

/// Tells whether the text has digits only.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether the text is a bare host name such as `acme.okta.com`.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// A text as a CEL literal.
pub(super) fn cel_text(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            c if c.is_control() => literal.push_str(&format!("\\u{:04x}", c as u32)),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// All of these conditions; none when there is none.
pub(super) fn all_of(conditions: &[String]) -> Option<String> {
    (!conditions.is_empty()).then(|| conditions.join(" && "))
}
