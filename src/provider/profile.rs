//! What the tokens of a platform look like: the shape of `sub`, which claims say who the workload
//! is, and whether strangers share the issuer. Lints judge rules by it.

mod ci;
mod cloud;
mod deploy;
mod infer;
mod part;

pub use infer::{infer, is_shared};
pub use part::{Opening, Part, Segment, Template};

pub(super) use ci::{BUILDKITE, CIRCLECI, GITHUB, GITLAB, TERRAFORM};
pub(super) use cloud::{AWS, ENTRA, GOOGLE, KUBERNETES, OKTA, SPIFFE, UNKNOWN};
pub(super) use deploy::{BITBUCKET, FLY, VERCEL};

/// What the tokens of one platform look like.
#[derive(Debug)]
pub struct TokenProfile {
    /// The platform's name for people.
    pub title: &'static str,
    /// The shapes of `sub`; none when they are not known.
    pub templates: &'static [Template],
    /// Whether no token has a `sub` of another shape.
    pub exhaustive: bool,
    /// Whether one `sub` stays the same from run to run, so that a rule can name it in full.
    pub stable_subject: bool,
    /// Claims that say who the workload is.
    pub identity_claims: &'static [IdentityClaim],
    /// Other top-level text claims, with values that made-up tokens have.
    pub other_claims: &'static [(&'static str, &'static [&'static str])],
    /// The `sub` of a workload that is none of ours.
    pub stranger: &'static str,
    /// What to add to a rule so that it is held to one tenant.
    pub tenant_pin: &'static str,
    /// What to add to a rule so that it is held to one workload.
    pub workload_pin: &'static str,
}

/// A claim that says who the workload is.
#[derive(Clone, Copy, Debug)]
pub struct IdentityClaim {
    /// Where it is found.
    pub path: &'static [&'static str],
    /// What is settled once it equals a literal.
    pub settles: &'static [Level],
    /// Whether it has no inner structure, so that its beginning says nothing.
    pub opaque: bool,
}

/// How closely something tells workloads apart, from coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The organization, account or trust domain.
    Tenant,
    /// A part of it that has many workloads, such as a namespace.
    Group,
    /// One repository, role or service account.
    Workload,
    /// Which runs of it: the branch, environment or phase.
    Context,
}

/// A set of levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    /// Every level.
    pub const ALL: Levels = Levels(0b1111);

    /// The level and all coarser ones.
    pub fn up_to(level: Level) -> Levels {
        Levels((1 << (level as u8 + 1)) - 1)
    }

    /// These levels.
    pub fn of(levels: &[Level]) -> Levels {
        Levels(levels.iter().fold(0, |bits, level| bits | 1 << *level as u8))
    }

    /// The levels of both.
    #[must_use]
    pub fn and(self, other: Levels) -> Levels {
        Levels(self.0 | other.0)
    }

    /// Tells whether a level is in the set.
    pub fn has(self, level: Level) -> bool {
        self.0 & 1 << level as u8 != 0
    }

    /// Tells whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A name: its beginning may say something.
const fn name(path: &'static [&'static str], settles: &'static [Level]) -> IdentityClaim {
    IdentityClaim { path, settles, opaque: false }
}

/// An id: only the whole says something.
const fn id(path: &'static [&'static str], settles: &'static [Level]) -> IdentityClaim {
    IdentityClaim { path, settles, opaque: true }
}
