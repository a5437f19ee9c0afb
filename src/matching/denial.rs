//! Why a token is refused.

use std::fmt;

use crate::condition::Fault;
use crate::limits::CLOCK_LEEWAY_SECONDS;

/// The first check that a token fails, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The header names an algorithm that is not taken.
    AlgorithmRejected {
        /// The algorithm; empty when there is none.
        algorithm: String,
    },
    /// The header has no key id.
    KidMissing,
    /// `iss` is not the issuer's URL.
    IssuerMismatch {
        /// The issuer's URL.
        expected: String,
        /// The token's `iss`.
        actual: Option<String>,
    },
    /// The issuer's key set has no key of this id.
    SignatureKeyUnknown {
        /// The token's key id.
        kid: String,
    },
    /// There is no `sub`.
    SubMissing,
    /// There is no `iat`.
    IatMissing,
    /// `iat` lies in the future. Times are seconds since 1970.
    IatFuture {
        /// The token's `iat`.
        issued_at: i64,
        /// The time of the check.
        now: i64,
    },
    /// There is no `exp`.
    ExpMissing,
    /// `exp` is past. Times are seconds since 1970.
    Expired {
        /// The token's `exp`.
        expires_at: i64,
        /// The time of the check.
        now: i64,
    },
    /// `nbf` lies in the future. Times are seconds since 1970.
    NbfFuture {
        /// The token's `nbf`.
        not_before: i64,
        /// The time of the check.
        now: i64,
    },
    /// The token lives longer than the issuer permits.
    LifetimeExceeded {
        /// `exp - iat`, in seconds.
        seconds: i64,
        /// The issuer's limit, in seconds.
        limit: i64,
    },
    /// No element of `aud` is the expected one.
    AudienceMismatch {
        /// The rule's audience, or the default.
        expected: String,
        /// What the token has.
        actual: Vec<String>,
    },
    /// `sub` does not fit.
    SubjectMismatch {
        /// The rule's subject, perhaps with a star.
        pattern: String,
        /// The token's `sub`.
        actual: String,
    },
    /// The token lacks a claim.
    ClaimMissing {
        /// The claim.
        name: String,
        /// The rule's value.
        expected: String,
    },
    /// A claim is no text, so that the rule's `claims` can never match it.
    ClaimNotString {
        /// The claim.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// A claim differs.
    ClaimMismatch {
        /// The claim.
        name: String,
        /// The rule's value.
        expected: String,
        /// The token's value.
        actual: String,
    },
    /// The condition is false.
    ConditionFalse {
        /// The condition.
        condition: String,
    },
    /// The condition gives no answer, which refuses the token.
    ConditionError {
        /// The condition.
        condition: String,
        /// Why.
        fault: Fault,
    },
}

impl Denial {
    /// A stable word for the check, with the claim's name behind a colon where there is one.
    pub fn code(&self) -> String {
        let word = match self {
            Denial::AlgorithmRejected { .. } => "alg_rejected",
            Denial::KidMissing => "kid_missing",
            Denial::IssuerMismatch { .. } => "issuer_mismatch",
            Denial::SignatureKeyUnknown { .. } => "signature_key_unknown",
            Denial::SubMissing => "sub_missing",
            Denial::IatMissing => "iat_missing",
            Denial::IatFuture { .. } => "iat_future",
            Denial::ExpMissing => "exp_missing",
            Denial::Expired { .. } => "expired",
            Denial::NbfFuture { .. } => "nbf_future",
            Denial::LifetimeExceeded { .. } => "lifetime_exceeded",
            Denial::AudienceMismatch { .. } => "audience_mismatch",
            Denial::SubjectMismatch { .. } => "subject_mismatch",
            Denial::ClaimMissing { name, .. } => return format!("claim_missing:{name}"),
            Denial::ClaimNotString { name, .. } => return format!("claim_not_string:{name}"),
            Denial::ClaimMismatch { name, .. } => return format!("claim_mismatch:{name}"),
            Denial::ConditionFalse { .. } => "condition_false",
            Denial::ConditionError { .. } => "condition_error",
        };
        word.to_owned()
    }
}

/// What a time in the future comes from.
const CLOCKS: &str = "more than 30 s are not tolerated, so set the clock that is wrong";
const _: () = assert!(CLOCK_LEEWAY_SECONDS == 30);

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::AlgorithmRejected { algorithm } => write!(
                f,
                "the token is signed with {algorithm:?}; only RS, PS and ES with SHA-256, SHA-384 or SHA-512 are taken"
            ),
            Denial::KidMissing => {
                f.write_str("the token's header has no `kid`, so that no key can be chosen")
            }
            Denial::IssuerMismatch { expected, actual } => issuer(f, expected, actual.as_deref()),
            Denial::SignatureKeyUnknown { kid } => write!(
                f,
                "the issuer's key set has no key {kid:?}; the key was rotated, or another issuer signed"
            ),
            Denial::SubMissing => f.write_str("the token has no `sub`"),
            Denial::IatMissing => f.write_str("the token has no `iat`"),
            Denial::IatFuture { issued_at, now } => {
                let ahead = issued_at.saturating_sub(*now);
                write!(f, "the token is issued {ahead} s in the future (`iat`); {CLOCKS}")
            }
            Denial::ExpMissing => f.write_str("the token has no `exp`"),
            Denial::Expired { expires_at, now } => {
                write!(f, "the token expired {} s ago", now.saturating_sub(*expires_at))
            }
            Denial::NbfFuture { not_before, now } => {
                let ahead = not_before.saturating_sub(*now);
                write!(f, "the token begins to be valid {ahead} s in the future (`nbf`); {CLOCKS}")
            }
            Denial::LifetimeExceeded { seconds, limit } => write!(
                f,
                "the token lives {seconds} s (`exp` - `iat`); the issuer's max_jwt_lifetime_seconds is {limit}"
            ),
            Denial::AudienceMismatch { expected, actual } if actual.is_empty() => {
                write!(f, "the token has no audience; the rule expects {expected:?}")
            }
            Denial::AudienceMismatch { expected, actual } => {
                write!(f, "the token is meant for {}; the rule expects {expected:?}", quoted(actual))
            }
            Denial::SubjectMismatch { pattern, actual } => subject(f, pattern, actual),
            Denial::ClaimMissing { name, expected } => {
                write!(f, "the token has no claim {name:?}; the rule expects {expected:?}")
            }
            Denial::ClaimNotString { name, found } => {
                write!(f, "the claim {name:?} is {found}; `claims` compares texts only, so use a condition")
            }
            Denial::ClaimMismatch { name, expected, actual } => {
                write!(f, "the claim {name:?} is {}; the rule expects {expected:?}", shown(name, actual))
            }
            Denial::ConditionFalse { condition } => write!(f, "the condition is false: {condition}"),
            Denial::ConditionError { condition, fault } => write!(f, "{fault}, in: {condition}"),
        }
    }
}

impl std::error::Error for Denial {}

fn issuer(f: &mut fmt::Formatter<'_>, expected: &str, actual: Option<&str>) -> fmt::Result {
    let Some(actual) = actual else {
        return write!(f, "the token has no `iss`; the issuer is {expected:?}");
    };
    write!(f, "the token's `iss` is {actual:?}; the issuer is {expected:?}")?;
    let bare = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
    if actual.trim_end_matches('/') == expected.trim_end_matches('/') {
        f.write_str(" (they differ in the final slash)")
    } else if bare(actual) == bare(expected) {
        f.write_str(" (they differ in case)")
    } else if expected.ends_with(actual) && expected.starts_with("https://") {
        f.write_str(" (the token's lacks the scheme)")
    } else {
        Ok(())
    }
}

fn subject(f: &mut fmt::Formatter<'_>, pattern: &str, actual: &str) -> fmt::Result {
    let literal = pattern.strip_suffix('*').unwrap_or(pattern);
    let common: usize =
        literal.chars().zip(actual.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    write!(f, "the token's `sub` is {actual:?}; the rule expects {pattern:?}")?;
    let rest = |text: &str| match &text[common..] {
        "" => "nothing more".to_owned(),
        rest => format!("{rest:?}"),
    };
    match common {
        0 => f.write_str(" (nothing in common)"),
        _ => write!(
            f,
            " (alike up to {:?}, then {} instead of {})",
            &literal[..common],
            rest(actual),
            rest(literal)
        ),
    }
}

/// Claims that speak of people, or that make a token usable again, are not repeated.
fn shown(name: &str, value: &str) -> String {
    let personal = [
        "jti",
        "uti",
        "actor",
        "user_login",
        "user_email",
        "name",
        "upn",
        "preferred_username",
        "unique_name",
    ];
    let email = name == "email" && !value.ends_with(".gserviceaccount.com");
    if email || personal.contains(&name) { "another one".to_owned() } else { format!("{value:?}") }
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}
