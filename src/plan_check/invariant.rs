//! The invariants by name, and how one was broken.

use std::fmt;

/// What every plan and every step keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// A key leaves `active` only with fresh evidence for every consumer and every rule.
    I1,
    /// A key becomes `archived` only after its time inactive, unused and approved.
    I2,
    /// Every consumer has a working credential at every instant.
    I3,
    /// Before the point of no return, every prefix of an apply can return to its checkpoint.
    I4,
    /// No create is sent twice without a read-back between.
    I5,
    /// A crash anywhere, then apply again, ends where an uninterrupted apply ends.
    I6,
    /// A rule is archived before its issuer and account; a replacement works before the old goes.
    I7,
    /// What a person archived or disabled by hand stays so.
    I8,
    /// A holder of an expired lock cannot write.
    I9,
    /// No secret is recorded or shown.
    I10,
    /// The identities that a rule admits never widen unseen.
    I11,
    /// "Revoked" is claimed only after the longest life of a token minted before.
    I12,
    /// No choice of targets skips a gate.
    I13,
    /// One remote object has one address, and what a block claims is not archived.
    I14,
    /// What a live binding rests on is neither archived nor changed so that its workload loses account,
    /// workspace or scope.
    I15,
}

impl Invariant {
    /// The short name, such as `I1`.
    pub fn id(self) -> &'static str {
        use Invariant::*;
        match self {
            I1 => "I1",
            I2 => "I2",
            I3 => "I3",
            I4 => "I4",
            I5 => "I5",
            I6 => "I6",
            I7 => "I7",
            I8 => "I8",
            I9 => "I9",
            I10 => "I10",
            I11 => "I11",
            I12 => "I12",
            I13 => "I13",
            I14 => "I14",
            I15 => "I15",
        }
    }

    /// The invariant as a sentence part.
    pub fn sentence(self) -> &'static str {
        use Invariant::*;
        match self {
            I1 => {
                "a key leaves `active` only with fresh evidence for every declared consumer and every replacing rule"
            }
            I2 => {
                "a key is archived only after it was inactive for `archive_after`, unused, with an approval for that step"
            }
            I3 => "every consumer has a working credential at every instant",
            I4 => "before the point of no return, every prefix of an apply can return to its checkpoint",
            I5 => "no create is sent twice without a read-back between",
            I6 => "a crash anywhere, then apply again, ends where an uninterrupted apply ends",
            I7 => {
                "a rule is archived before its issuer and its account, and what replaces something works before that goes"
            }
            I8 => {
                "what a person archived or disabled by hand is not recreated or re-enabled without a choice"
            }
            I9 => "a holder of an expired lock cannot write",
            I10 => "no secret byte is recorded or shown",
            I11 => "what a rule admits never widens without the plan showing it",
            I12 => "`revoked` is claimed only after the longest life of a token minted before",
            I13 => "no step passes a gate unasked",
            I14 => "one object has one address, and what a block claims is not archived",
            I15 => {
                "no step takes from a workload what it federates through before it lives off something else"
            }
        }
    }
}

/// How an invariant is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The step that breaks it; none when the plan as a whole does.
    pub step: Option<String>,
    /// What was found, as a sentence part.
    pub found: String,
    /// What was expected, as a sentence part.
    pub expected: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.invariant.id(), self.invariant.sentence())?;
        match &self.step {
            Some(step) => write!(f, ", step {step}: ")?,
            None => write!(f, ": ")?,
        }
        write!(f, "found {}; expected {}", self.found, self.expected)
    }
}
