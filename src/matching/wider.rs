//! Whether a match lets in all that another one lets in, as far as their forms tell.

use super::DEFAULT_AUDIENCE;
use crate::resource::Match;

/// Tells whether every token that passes `old` is known to pass `new`. What cannot be decided is false.
pub fn is_wider(old: &Match, new: &Match) -> bool {
    let subject = match (&old.subject_prefix, &new.subject_prefix) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(old), Some(new)) => admits(new, old),
    };
    let claims = new.claims.iter().all(|(name, value)| old.claims.get(name) == Some(value));
    let condition = new.condition.is_none() || new.condition == old.condition;
    subject && claims && condition && keeps_audience(old, new)
}

/// A rule without an audience takes the default one, and it is not documented whether it takes others.
pub fn keeps_audience(old: &Match, new: &Match) -> bool {
    let is_default = |audience: &Option<String>| audience.as_deref() == Some(DEFAULT_AUDIENCE);
    old.audience == new.audience || (is_default(&old.audience) && new.audience.is_none())
}

/// Tells whether a pattern admits all subjects of another one.
fn admits(pattern: &str, other: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => other.strip_suffix('*').unwrap_or(other).starts_with(prefix),
        None => pattern == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(pattern: &str) -> Match {
        Match { subject_prefix: Some(pattern.to_owned()), ..Match::default() }
    }

    #[test]
    fn only_what_is_decided_counts_as_wider() {
        let audience = |text: &str| Match { audience: Some(text.to_owned()), ..subject("a") };
        let claim = Match { claims: [("ref".to_owned(), "main".to_owned())].into(), ..subject("a") };
        let condition = |text: &str| Match { condition: Some(text.to_owned()), ..subject("a") };
        for (old, new, expected) in [
            (subject("a"), subject("a"), true),
            (subject("a"), subject("*"), true),
            (subject("a:b*"), subject("a:*"), true),
            (subject("a"), Match::default(), true),
            (subject("a:*"), subject("a:b*"), false),
            (subject("a*"), subject("a"), false),
            (subject("a"), subject("b"), false),
            (Match::default(), subject("a"), false),
            (claim.clone(), subject("a"), true),
            (subject("a"), claim, false),
            (condition("claims.x == 'y'"), subject("a"), true),
            (subject("a"), condition("true"), false),
            (subject("a"), audience("other"), false),
            (audience(DEFAULT_AUDIENCE), subject("a"), true),
            (subject("a"), audience(DEFAULT_AUDIENCE), false),
        ] {
            assert_eq!(is_wider(&old, &new), expected, "{old:?} {new:?}");
        }
    }
}
