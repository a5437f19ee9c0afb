//! WIF-S10: a rule that no token can satisfy. It does no harm by itself, but under pressure it is
//! "repaired" with a star.

use crate::condition::Fault;

use super::grammar::{self, Reading};
use super::predicate::{Predicate, condition, subject};
use super::{Field, Finding, Gravity, Subject};

pub(super) fn check(rule: &Subject<'_>, predicate: &Predicate, found: &mut Vec<Finding>) {
    if let Some(text) = subject(rule.matching) {
        found.extend(check_subject(rule, text, Field::SubjectPrefix));
    }
    for (name, value) in &rule.matching.claims {
        if name == "sub" && !value.contains('*') {
            found.extend(check_subject(rule, value, Field::Claim(name.clone())));
        } else {
            found.extend(check_claim(name, value));
        }
    }
    found.extend(check_audience(rule.matching.audience.as_deref()));
    if let Some(text) = condition(rule.matching) {
        found.extend(check_condition(text, predicate));
    }
}

fn check_subject(rule: &Subject<'_>, text: &str, field: Field) -> Option<Finding> {
    let literal = text.strip_suffix('*').unwrap_or(text);
    let (at, why) = literal_star(literal)
        .or_else(|| spaces(literal))
        .or_else(|| placeholder(literal))
        .or_else(|| pattern(literal))
        .or_else(|| match grammar::read(rule.profile, literal, literal.len() < text.len()) {
            Reading::Dead { at, why } if literal.contains(":assumed-role/") => {
                Some((at, format!("{why}; tokens name the role and never the session")))
            }
            Reading::Dead { at, why } => Some((at, why)),
            _ => None,
        })?;
    let fix = match grammar::read(rule.profile, literal.get(..at)?, true) {
        Reading::Open(cut) => format!("{:?}", cut.suggestion()),
        _ if !rule.profile.templates.is_empty() => {
            format!("the exact `sub` of a token, such as {:?}", rule.profile.stranger)
        }
        _ => "the exact `sub` of a token of the workload".to_owned(),
    };
    Some(finding(
        field,
        text,
        at,
        why,
        format!("refuses every token, also that with the intended `sub`; {text:?} is compared as it stands"),
        fix,
    ))
}

fn check_claim(name: &str, value: &str) -> Option<Finding> {
    let (at, why) = match value.find('*') {
        Some(at) => (at, "`claims` knows no wildcards, so the star is compared as it stands".to_owned()),
        None => placeholder(value)?,
    };
    let consequence = format!("refuses every token: none has {name} = {value:?}");
    let fix = format!("the exact value of {name:?} in a token of the workload");
    Some(finding(Field::Claim(name.to_owned()), value, at, why, consequence, fix))
}

fn check_audience(audience: Option<&str>) -> Option<Finding> {
    let value = audience?;
    let at = value.find('*')?;
    let why = "an audience knows no wildcards, so the star is compared as it stands".to_owned();
    let consequence = format!("refuses every token: none has the audience {value:?}");
    Some(finding(Field::Audience, value, at, why, consequence, "the exact audience".to_owned()))
}

fn check_condition(text: &str, predicate: &Predicate) -> Option<Finding> {
    let why = match &predicate.fault {
        Some(fault @ (Fault::Syntax(_) | Fault::TooLong { .. } | Fault::NestedLoop)) => fault.to_string(),
        None if predicate.branches.is_empty() => {
            "no alternative can hold together with the rest of the rule".to_owned()
        }
        _ => return None,
    };
    let consequence = "refuses every token, or is refused by the API".to_owned();
    let fix = "a condition such as claims.repository_id == \"550001001\" that agrees with the other fields"
        .to_owned();
    Some(finding(Field::Condition, text, 0, why, consequence, fix))
}

fn finding(
    field: Field,
    value: &str,
    caret: usize,
    remark: String,
    consequence: String,
    fix: String,
) -> Finding {
    let value = value.to_owned();
    Finding { id: "WIF-S10", gravity: Gravity::Error, field, value, caret, remark, consequence, fix }
}

fn literal_star(literal: &str) -> Option<(usize, String)> {
    let why = "only a star at the very end is a wildcard; this one is compared as it stands";
    literal.find('*').map(|at| (at, why.to_owned()))
}

fn spaces(literal: &str) -> Option<(usize, String)> {
    let why = || "no subject begins or ends with a space".to_owned();
    if literal.starts_with(char::is_whitespace) {
        return Some((0, why()));
    }
    literal.ends_with(char::is_whitespace).then(|| (literal.trim_end().len(), why()))
}

fn placeholder(literal: &str) -> Option<(usize, String)> {
    let angle = literal.find('<').filter(|at| literal[*at..].contains('>'));
    let marks = [
        "${",
        "{{",
        "YOUR_",
        "YOUR-",
        "your-org",
        "your_org",
        "your-repo",
        "your_repo",
        "OWNER/REPO",
        "ORG/REPO",
    ];
    let at = angle.into_iter().chain(marks.iter().filter_map(|mark| literal.find(mark))).min()?;
    Some((at, "a placeholder was left in".to_owned()))
}

/// Finds what can only be meant as a pattern. Brackets alone are not enough: branch and
/// environment names may have them.
fn pattern(literal: &str) -> Option<(usize, String)> {
    let after = |open: char, test: &dyn Fn(&str) -> bool, close: char| {
        literal.match_indices(open).map(|(at, _)| at).find(|at| {
            let inner = &literal[at + 1..];
            inner.find(close).is_some_and(|end| test(&inner[..end]))
        })
    };
    let found = [
        literal.starts_with('^').then_some(0),
        literal.ends_with('$').then(|| literal.len() - 1),
        literal.find(".+"),
        literal.find('?'),
        literal.find('\\'),
        after('(', &|inner| inner.contains('|'), ')'),
        after('{', &|inner| inner.contains(','), '}'),
        after('[', &|inner| inner.starts_with('^') || is_range(inner), ']'),
    ];
    let at = found.into_iter().flatten().min()?;
    Some((at, "a subject is no pattern, so this is compared as it stands".to_owned()))
}

/// Tells whether the text has something like `a-z`.
fn is_range(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(3).any(|window| match window {
        [from, '-', to] => {
            (from.is_ascii_digit() && to.is_ascii_digit()
                || from.is_ascii_alphabetic() && to.is_ascii_alphabetic())
                && from < to
        }
        _ => false,
    })
}
