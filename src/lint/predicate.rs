//! What a rule demands of a token, as alternatives of single tests.

use crate::condition::{self, Atom, Fault};
use crate::provider::profile::{Level, Levels, TokenProfile};
use crate::resource::Match;

use super::Field;
use super::grammar::{self, Reading};

/// One test, and where in the rule it stands.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) atom: Atom,
    pub(super) field: Field,
    /// The value of the field.
    pub(super) value: String,
}

/// Tests that must all hold.
pub(super) type Branch = Vec<Test>;

/// A whole rule without its audience.
#[derive(Debug)]
pub(super) struct Predicate {
    /// The alternatives; with a fault only what stands outside of the condition.
    pub(super) branches: Vec<Branch>,
    /// Why the condition could not be taken apart.
    pub(super) fault: Option<Fault>,
}

/// The subject, unless it is empty or says nothing.
pub(super) fn subject(matching: &Match) -> Option<&str> {
    matching.subject_prefix.as_deref().filter(|subject| !subject.is_empty() && *subject != "*")
}

/// The condition, unless it is empty.
pub(super) fn condition(matching: &Match) -> Option<&str> {
    matching.condition.as_deref().filter(|condition| !condition.trim().is_empty())
}

impl Predicate {
    pub(super) fn of(matching: &Match) -> Predicate {
        let base = base_tests(matching);
        let Some(text) = condition(matching) else {
            return Predicate { branches: vec![base], fault: None };
        };
        match condition::branches(text) {
            Err(fault) => Predicate { branches: vec![base], fault: Some(fault) },
            Ok(alternatives) => {
                let within = |atom| Test { atom, field: Field::Condition, value: text.to_owned() };
                let branches = alternatives
                    .into_iter()
                    .map(|atoms| base.iter().cloned().chain(atoms.into_iter().map(within)).collect())
                    .filter(|branch: &Branch| !contradicts_itself(branch))
                    .collect();
                Predicate { branches, fault: None }
            }
        }
    }
}

fn base_tests(matching: &Match) -> Branch {
    let mut tests = Vec::new();
    if let Some(subject) = subject(matching) {
        let path = vec!["sub".to_owned()];
        let atom = match subject.strip_suffix('*') {
            Some(literal) => Atom::Prefix { path, literal: literal.to_owned() },
            None => Atom::Equals { path, values: vec![subject.to_owned()] },
        };
        tests.push(Test { atom, field: Field::SubjectPrefix, value: subject.to_owned() });
    }
    for (name, value) in &matching.claims {
        let atom = Atom::Equals { path: vec![name.clone()], values: vec![value.clone()] };
        tests.push(Test { atom, field: Field::Claim(name.clone()), value: value.clone() });
    }
    tests
}

/// Tells whether two tests ask the same claim for different values.
fn contradicts_itself(branch: &Branch) -> bool {
    let equalities = || {
        branch.iter().filter_map(|test| match &test.atom {
            Atom::Equals { path, values } => Some((path, values)),
            _ => None,
        })
    };
    equalities().any(|(path, values)| {
        equalities()
            .any(|(other, others)| path == other && !values.iter().any(|value| others.contains(value)))
    })
}

/// Tells whether the test says next to nothing about the workload.
pub(super) fn is_vacuous(test: &Test) -> bool {
    match &test.atom {
        Atom::Exists { .. } => true,
        Atom::Equals { path, .. } => matches!(path.as_slice(), [name] if name == "iss" || name == "aud"),
        Atom::Prefix { literal, .. } => literal.is_empty(),
        _ => false,
    }
}

/// Tells whether the test is about `sub`.
pub(super) fn is_subject(path: &[String]) -> bool {
    matches!(path, [name] if name == "sub")
}

/// What the tests of a branch settle, the test at `but` aside.
pub(super) fn settled(branch: &Branch, profile: &TokenProfile, but: Option<usize>) -> Levels {
    let tests = branch.iter().enumerate().filter(|(at, _)| Some(*at) != but);
    tests.map(|(_, test)| settled_by(&test.atom, profile)).fold(Levels::default(), Levels::and)
}

fn settled_by(atom: &Atom, profile: &TokenProfile) -> Levels {
    let claim = |path: &[String]| profile.identity_claims.iter().find(|claim| claim.path == path);
    match atom {
        Atom::Equals { path, values } => {
            let whole = |value: &String| {
                !matches!(grammar::read(profile, value, false), Reading::Foreign | Reading::Open(_))
            };
            let by_subject = is_subject(path) && values.iter().all(whole);
            let by_claim = claim(path).map_or_else(Levels::default, |claim| Levels::of(claim.settles));
            if by_subject { Levels::ALL } else { by_claim }
        }
        Atom::Prefix { path, literal } if is_subject(path) => match grammar::read(profile, literal, true) {
            Reading::Open(cut) => cut.settled(),
            Reading::Dead { .. } => Levels::ALL,
            Reading::Complete | Reading::Foreign => Levels::default(),
        },
        // `acme/` before a repository's or project's name settles whose it is.
        Atom::Prefix { path, literal } => match claim(path) {
            Some(claim)
                if !claim.opaque && claim.settles.contains(&Level::Tenant) && literal.contains('/') =>
            {
                Levels::of(&[Level::Tenant])
            }
            _ => Levels::default(),
        },
        _ => Levels::default(),
    }
}
