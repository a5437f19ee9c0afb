//! Findings of the trust lints point at the argument they come from.

use super::*;
use crate::lint::{Field, Gravity};

fn finding(field: Field, value: &str, caret: usize) -> Finding {
    Finding {
        id: "WIF-S04",
        gravity: Gravity::Error,
        field,
        value: value.to_owned(),
        caret,
        remark: "a remark".to_owned(),
        consequence: "a stranger".to_owned(),
        fix: "something else".to_owned(),
    }
}

fn all(rule: LintedRule<'_>) -> Vec<Finding> {
    assert_eq!(
        (rule.provider_kind, rule.issuer_url),
        ("github_actions", "https://token.actions.githubusercontent.com")
    );
    let subject = rule.matching.subject_prefix.clone().unwrap_or_default();
    let end = subject.len();
    vec![
        finding(Field::Match, "", 0),
        finding(Field::SubjectPrefix, &subject, 6),
        finding(Field::SubjectPrefix, &subject, end),
        finding(Field::Claim("repository".to_owned()), "acme/app", 0),
        finding(Field::Claim("ref".to_owned()), "x", 0),
        finding(Field::Audience, "https://api.anthropic.com", 0),
        Finding { gravity: Gravity::Info, ..finding(Field::Match, "", 0) },
    ]
}

#[track_caller]
fn check_lines(text: &str, expected: &[u32]) {
    let trial = Trial { lint: Some(all), ..Trial::of(text) };
    let (configuration, found) = trial.load();
    assert!(configuration.is_some() && found.has_errors());
    let lines: Vec<u32> = found.iter().map(|d| trial.sources.location(d.labels[0].span).line).collect();
    assert_eq!(lines, expected);
}

#[test]
fn findings_point_at_typed_arguments() {
    check_lines(SOUND, &[14, 15, 16, 15, 14, 17]);
}

#[test]
fn findings_point_at_raw_arguments() {
    let typed = "    repository  = \"acme/app\"\n    environment = \"production\"\n";
    let raw = "    subject_prefix = \"repo:acme/app*\"\n    claims = { ref = \"x\" }\n";
    check_lines(&SOUND.replace(typed, raw), &[14, 15, 15, 16, 16, 17]);
}
