//! Trust lints: does a rule let strangers in, or nobody at all?
//!
//! Each finding names a token that the rule accepts and should not, and the exact text to write
//! instead. Everything here is pure.

mod audience;
mod dead;
mod grammar;
mod predicate;
mod scope;
mod star;
mod stranger;

use crate::provider::profile::{self, TokenProfile};
use crate::resource::Match;

use predicate::Predicate;

/// What a lint looks at.
#[derive(Clone, Copy, Debug)]
pub struct LintedRule<'a> {
    /// The provider kind's name; `oidc` where nothing better is known.
    pub provider_kind: &'a str,
    /// The issuer's exact URL.
    pub issuer_url: &'a str,
    /// Which tokens pass.
    pub matching: &'a Match,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Somebody outside the intended workload obtains a token, or nobody ever does.
    Error,
    /// A large or attacker-reachable set of workloads passes.
    High,
    /// Weak or fragile.
    Warning,
    /// A limit that nobody can fix in the rule.
    Info,
}

/// Which part of the match a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The match as a whole.
    Match,
    /// `match.subject_prefix`.
    SubjectPrefix,
    /// `match.audience`.
    Audience,
    /// One entry of `match.claims`.
    Claim(String),
    /// `match.condition`.
    Condition,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable id, such as `WIF-S04`.
    pub id: &'static str,
    /// How grave it is.
    pub gravity: Gravity,
    /// Which part of the match.
    pub field: Field,
    /// The literal value; empty where there is none.
    pub value: String,
    /// The byte in `value` that the caret points at.
    pub caret: usize,
    /// A few words for the caret, such as `the star follows an unfinished repository name`.
    pub remark: String,
    /// A concrete subject or token that the rule accepts and should not, or for a dead rule the
    /// kind of token it refuses although it should not.
    pub consequence: String,
    /// The exact replacement text.
    pub fix: String,
}

/// A rule with what is known of its issuer.
struct Subject<'a> {
    profile: &'static TokenProfile,
    shared: bool,
    issuer_url: &'a str,
    matching: &'a Match,
}

/// Checks one rule against every lint. Findings come gravest first, each once.
pub fn check_rule(rule: LintedRule<'_>) -> Vec<Finding> {
    let profile = crate::provider::kind(rule.provider_kind)
        .and_then(|kind| kind.profile)
        .unwrap_or_else(|| profile::infer(rule.issuer_url, rule.matching.subject_prefix.as_deref()));
    let shared = profile::is_shared(rule.issuer_url);
    let subject = Subject { profile, shared, issuer_url: rule.issuer_url, matching: rule.matching };
    let predicate = Predicate::of(rule.matching);
    let mut found = Vec::new();
    scope::check(&subject, &predicate, &mut found);
    star::check(&subject, &predicate, &mut found);
    dead::check(&subject, &predicate, &mut found);
    audience::check(&subject, &mut found);
    found.sort_by(|a, b| (a.gravity, a.id).cmp(&(b.gravity, b.id)));
    let mut seen = Vec::new();
    found.retain(|finding| {
        let key = (finding.id, finding.field.clone(), finding.caret);
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    found
}

#[cfg(test)]
mod tests;
