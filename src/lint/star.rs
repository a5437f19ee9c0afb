//! Beginnings: what a star, or `startsWith` in a condition, leaves open (WIF-S02, S04, S05, S06 and
//! the ids of the platforms' own openings).

use crate::condition::Atom;
use crate::provider::profile::{IdentityClaim, Level, Levels, Opening};

use super::grammar::{self, Cut, Open, Reading};
use super::predicate::{Branch, Predicate, Test, is_subject, settled};
use super::{Field, Finding, Gravity, Subject};

pub(super) fn check(rule: &Subject<'_>, predicate: &Predicate, found: &mut Vec<Finding>) {
    for branch in &predicate.branches {
        for (at, test) in branch.iter().enumerate() {
            if let Atom::Prefix { path, literal } = &test.atom
                && !literal.is_empty()
            {
                let others = settled(branch, rule.profile, Some(at));
                let finding = if is_subject(path) {
                    check_subject(rule, branch, test, literal, others)
                } else {
                    check_claim(rule, test, path, literal, others)
                };
                found.extend(finding);
            }
        }
    }
}

fn check_subject(
    rule: &Subject<'_>,
    branch: &Branch,
    test: &Test,
    literal: &str,
    others: Levels,
) -> Option<Finding> {
    match grammar::read(rule.profile, literal, true) {
        Reading::Open(cut) => {
            let open = cut.openings().into_iter().find(|open| !others.has(open.level))?;
            let (id, gravity) = lint_of(open.opening)?;
            Some(Finding {
                id,
                gravity,
                field: test.field.clone(),
                value: test.value.clone(),
                caret: caret(test, literal),
                remark: remark(&cut, open),
                consequence: consequence(&cut, open, rule),
                fix: fix(rule, &cut, open, test),
            })
        }
        // An exact `sub` beside it makes the beginning harmless.
        Reading::Foreign if !others.has(Level::Workload) && !has_exact_subject(branch) => {
            Some(unknown_grammar(test, literal))
        }
        _ => None,
    }
}

fn has_exact_subject(branch: &Branch) -> bool {
    branch.iter().any(|test| matches!(&test.atom, Atom::Equals { path, .. } if is_subject(path)))
}

/// The lint that a star's opening belongs to; none where it is harmless.
fn lint_of(opening: Opening) -> Option<(&'static str, Gravity)> {
    let lint = match opening {
        Opening::Everything => ("WIF-S02", Gravity::Error),
        Opening::Unfinished => ("WIF-S04", Gravity::Error),
        Opening::Tenant => ("WIF-S05", Gravity::High),
        Opening::Opaque => ("WIF-S06", Gravity::Error),
        Opening::Runs => ("WIF-S07", Gravity::High),
        Opening::Ids => ("WIF-S12", Gravity::Error),
        Opening::Namespace => ("WIF-S15", Gravity::High),
        Opening::Path => ("WIF-S16", Gravity::High),
        Opening::TrustDomain => ("WIF-S20", Gravity::High),
        // Whether a plan phase may pass depends on the scope, which the match does not tell.
        Opening::Phases => ("WIF-S21", Gravity::Warning),
        Opening::Triggers => ("WIF-S23", Gravity::High),
        Opening::Steps => ("WIF-S24", Gravity::High),
        Opening::Environments => ("WIF-S25", Gravity::High),
        Opening::Accepted => return None,
    };
    Some(lint)
}

fn remark(cut: &Cut, open: Open) -> String {
    let what = open.segment.what;
    match open.opening {
        _ if !open.here => format!("the star leaves the {what} open"),
        Opening::Everything => "the star follows nothing but the platform's own words".to_owned(),
        Opening::Unfinished | Opening::TrustDomain => format!("the star follows an unfinished {what}"),
        Opening::Opaque => format!("the star cuts the {what}, whose beginning says nothing"),
        Opening::Ids => format!("the star takes any immutable id behind the {what}"),
        _ if cut.is_within_value() => format!("the star leaves the rest of the {what} open"),
        _ => format!("the star stands in place of the {what}"),
    }
}

fn consequence(cut: &Cut, open: Open, rule: &Subject<'_>) -> String {
    if open.here {
        format!("also accepts {}", cut.stranger())
    } else {
        format!(
            "also accepts any {} of {}, such as {:?}",
            open.segment.what, rule.profile.title, open.segment.other
        )
    }
}

fn fix(rule: &Subject<'_>, cut: &Cut, open: Open, test: &Test) -> String {
    if !rule.profile.stable_subject {
        return pin_by_claim(rule, open.level);
    }
    let suggestion = cut.suggestion();
    match test.field {
        Field::Condition => format!("claims.sub == {suggestion:?}"),
        _ => format!("{suggestion:?}"),
    }
}

/// What to add where `sub` changes from run to run.
fn pin_by_claim(rule: &Subject<'_>, level: Level) -> String {
    let run = rule.profile.identity_claims.iter().find(|claim| claim.settles == [Level::Context]);
    match run {
        Some(claim) if level == Level::Context => {
            format!("claims = {{ {:?} = \"…\" }}", claim.path.join("."))
        }
        _ => rule.profile.workload_pin.to_owned(),
    }
}

fn unknown_grammar(test: &Test, literal: &str) -> Finding {
    Finding {
        id: "WIF-S05",
        gravity: Gravity::High,
        field: test.field.clone(),
        value: test.value.clone(),
        caret: caret(test, literal),
        remark: "the grammar of this subject is unknown, so nobody can tell what the star lets in".to_owned(),
        consequence: format!("also accepts {literal}-evil"),
        fix: "the whole `sub` of one workload, without a star".to_owned(),
    }
}

/// `startsWith` on a claim that says who the workload is.
fn check_claim(
    rule: &Subject<'_>,
    test: &Test,
    path: &[String],
    literal: &str,
    others: Levels,
) -> Option<Finding> {
    let claim: &IdentityClaim = rule.profile.identity_claims.iter().find(|claim| claim.path == path)?;
    let settled_anyway = claim.settles.iter().all(|level| others.has(*level));
    let ends_whole = literal.ends_with(['/', ':', '@']);
    if settled_anyway || (ends_whole && !claim.opaque) {
        return None;
    }
    let name = path.join(".");
    let (id, remark) = if claim.opaque {
        ("WIF-S06", format!("the beginning of {name} says nothing"))
    } else {
        ("WIF-S04", format!("the text ends within a name of {name}"))
    };
    Some(Finding {
        id,
        gravity: Gravity::Error,
        field: test.field.clone(),
        value: test.value.clone(),
        caret: caret(test, literal),
        remark,
        consequence: format!("also accepts {name} = \"{literal}-evil\""),
        fix: format!("{} == {literal:?}", access(path)),
    })
}

fn access(path: &[String]) -> String {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    path.iter().fold("claims".to_owned(), |text, name| match plain(name) {
        true => format!("{text}.{name}"),
        false => format!("{text}[{name:?}]"),
    })
}

/// Where the literal ends in the field's value; for a star that is the star itself.
fn caret(test: &Test, literal: &str) -> usize {
    test.value.find(literal).map_or(0, |at| at + literal.len())
}
