//! WIF-S01, S02, S03, S05 and C04: rules that hold nobody, or only a tenant, to account.

use crate::condition::{self, Atom, Fault};
use crate::provider::profile::{Level, Levels, Opening, Part};

use super::grammar::{self, Reading};
use super::predicate::{self, Branch, Predicate, Test, is_subject, is_vacuous, settled};
use super::stranger::strangers;
use super::{Field, Finding, Gravity, Subject};

pub(super) fn check(rule: &Subject<'_>, predicate: &Predicate, found: &mut Vec<Finding>) {
    if has_no_matcher(rule) {
        found.push(no_matcher(rule));
        return;
    }
    found.extend(match_everything(rule, predicate));
    found.extend(no_tenant_pin(rule, predicate));
    if predicate.fault.is_none() {
        found.extend(predicate.branches.iter().find_map(|branch| tenant_only(rule, branch)));
        found.extend(only_negative(rule, predicate));
    }
}

fn has_no_matcher(rule: &Subject<'_>) -> bool {
    let subject = rule.matching.subject_prefix.as_deref().unwrap_or_default();
    subject.is_empty() && rule.matching.claims.is_empty() && predicate::condition(rule.matching).is_none()
}

fn no_matcher(rule: &Subject<'_>) -> Finding {
    Finding {
        id: "WIF-S01",
        gravity: Gravity::Error,
        field: Field::Match,
        value: String::new(),
        caret: 0,
        remark: "nothing says who the workload is; an audience does not".to_owned(),
        consequence: format!("accepts any token of the issuer, such as sub {}", rule.profile.stranger),
        fix: rule.profile.workload_pin.to_owned(),
    }
}

fn match_everything(rule: &Subject<'_>, predicate: &Predicate) -> Option<Finding> {
    let condition = predicate::condition(rule.matching);
    if predicate.fault.is_some() && condition.is_some() {
        return None;
    }
    let empty = predicate.branches.iter().any(|branch| branch.iter().all(is_vacuous));
    if !empty && !holds_for_strangers(rule, predicate) {
        return None;
    }
    let (field, value) = match (condition, rule.matching.subject_prefix.as_deref()) {
        (Some(condition), _) => (Field::Condition, condition),
        (None, Some("*")) => (Field::SubjectPrefix, "*"),
        (None, _) => (Field::Match, ""),
    };
    Some(Finding {
        id: "WIF-S02",
        gravity: Gravity::Error,
        field,
        value: value.to_owned(),
        caret: 0,
        remark: "this is true of every token of the issuer".to_owned(),
        consequence: format!("accepts any token of the issuer, such as sub {}", rule.profile.stranger),
        fix: rule.profile.workload_pin.to_owned(),
    })
}

/// Tries what cannot be judged by its form on made-up tokens.
fn holds_for_strangers(rule: &Subject<'_>, predicate: &Predicate) -> bool {
    let Some(text) = predicate::condition(rule.matching) else { return false };
    let undecided = |test: &Test| is_vacuous(test) || matches!(test.atom, Atom::Partial { .. } | Atom::Other);
    let outside = |test: &Test| test.field == Field::Condition || is_vacuous(test);
    predicate.branches.iter().any(|branch| branch.iter().all(undecided))
        && predicate.branches.iter().flatten().all(outside)
        && condition::holds_for_all(text, &strangers(rule.profile, rule.issuer_url)) == Ok(true)
}

fn no_tenant_pin(rule: &Subject<'_>, predicate: &Predicate) -> Option<Finding> {
    if !rule.shared {
        return None;
    }
    let open =
        predicate.branches.iter().find(|branch| !settled(branch, rule.profile, None).has(Level::Tenant))?;
    let (gravity, remark) = match &predicate.fault {
        None => (Gravity::Error, "every tenant of this shared issuer passes here".to_owned()),
        Some(fault @ Fault::TooManyBranches) => {
            (Gravity::Warning, format!("too complex to prove that a tenant is pinned: {fault}"))
        }
        // A condition that is no condition is a finding of its own.
        Some(_) => return None,
    };
    let (field, value) = place(rule, open, predicate);
    Some(Finding {
        id: "WIF-S03",
        gravity,
        field,
        value,
        caret: 0,
        remark,
        consequence: format!("accepts another tenant's token: {}", foreign_token(rule, open)),
        fix: rule.profile.tenant_pin.to_owned(),
    })
}

/// The part of the rule to point at.
fn place(rule: &Subject<'_>, branch: &Branch, predicate: &Predicate) -> (Field, String) {
    if predicate.branches.len() > 1
        || (predicate.fault.is_some() && predicate::condition(rule.matching).is_some())
    {
        return (Field::Condition, rule.matching.condition.clone().unwrap_or_default());
    }
    match branch.first() {
        Some(test) => (test.field.clone(), test.value.clone()),
        None => (Field::Match, String::new()),
    }
}

/// A token of somebody else's that passes, as far as the tests can be written down.
fn foreign_token(rule: &Subject<'_>, branch: &Branch) -> String {
    let mut subject = format!("sub {}", rule.profile.stranger);
    let mut claims = Vec::new();
    for test in branch {
        match &test.atom {
            Atom::Equals { path, values } if is_subject(path) => subject = format!("sub {}", values[0]),
            Atom::Equals { path, values } => claims.push(format!("{} = {:?}", path.join("."), values[0])),
            Atom::Prefix { path, literal } if is_subject(path) => {
                subject = match grammar::read(rule.profile, literal, true) {
                    Reading::Open(cut) => format!("sub {}", cut.stranger()),
                    _ => format!("sub {literal}-evil"),
                };
            }
            Atom::Prefix { path, literal } => claims.push(format!("{} = \"{literal}-evil\"", path.join("."))),
            _ => {}
        }
    }
    match claims.is_empty() {
        true => subject,
        false => format!("{subject} with {}", claims.join(", ")),
    }
}

/// A branch without subject whose claims name a tenant, or a namespace, and no workload.
fn tenant_only(rule: &Subject<'_>, branch: &Branch) -> Option<Finding> {
    let levels = settled(branch, rule.profile, None);
    let coarse = levels.has(Level::Tenant) || levels.has(Level::Group);
    let unclear = |test: &Test| match &test.atom {
        Atom::Equals { path, .. } | Atom::Prefix { path, .. } => is_subject(path),
        Atom::Partial { .. } | Atom::Other => true,
        _ => false,
    };
    if levels.has(Level::Workload) || !coarse || branch.iter().any(unclear) {
        return None;
    }
    let (id, whose) = match workload_opening(rule) {
        Some(Opening::Namespace) if levels.has(Level::Group) => ("WIF-S15", "namespace"),
        _ => ("WIF-S05", "tenant"),
    };
    let test = branch.iter().find(|test| !settled_alone(test, rule).is_empty())?;
    Some(Finding {
        id,
        gravity: Gravity::High,
        field: test.field.clone(),
        value: test.value.clone(),
        caret: 0,
        remark: format!("every workload of the {whose} passes"),
        consequence: format!("also accepts any other workload of the same {whose}, in any of its runs"),
        fix: rule.profile.workload_pin.to_owned(),
    })
}

/// A branch that says who may not pass, and never who may.
fn only_negative(rule: &Subject<'_>, predicate: &Predicate) -> Option<Finding> {
    let negative = |test: &Test| test.atom == Atom::Negative;
    predicate.branches.iter().find(|branch| {
        branch.iter().any(negative) && branch.iter().all(|test| negative(test) || is_vacuous(test))
    })?;
    Some(Finding {
        id: "WIF-C04",
        gravity: if rule.shared { Gravity::Error } else { Gravity::High },
        field: Field::Condition,
        value: rule.matching.condition.clone().unwrap_or_default(),
        caret: 0,
        remark: "this says who may not pass, and never who may".to_owned(),
        consequence:
            "accepts every token that nobody thought of, those of future triggers and workloads included"
                .to_owned(),
        fix: rule.profile.workload_pin.to_owned(),
    })
}

fn settled_alone(test: &Test, rule: &Subject<'_>) -> Levels {
    settled(&vec![test.clone()], rule.profile, None)
}

fn workload_opening(rule: &Subject<'_>) -> Option<Opening> {
    let parts = rule.profile.templates.first()?;
    parts.iter().find_map(|part| match part {
        Part::Value(segment) if segment.level == Level::Workload => Some(segment.before),
        _ => None,
    })
}
