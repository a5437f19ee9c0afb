//! The shape of a subject, piece by piece.

use super::Level;

/// One shape of a subject.
pub type Template = &'static [Part];

/// One piece of a subject.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Fixed text.
    Text(&'static str),
    /// A value.
    Value(Segment),
}

/// A value within a subject.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// What it is, for people.
    pub what: &'static str,
    /// What it settles when it is given in full.
    pub level: Level,
    /// The character that ends it; none: it goes to the end.
    pub ends_at: Option<char>,
    /// What a star right before it opens.
    pub before: Opening,
    /// What a star within it opens.
    pub inside: Opening,
    /// What a star after a slash within it opens; none: a slash is no boundary.
    pub nested: Option<Opening>,
    /// Whether an immutable id may follow the name behind an `@`.
    pub id_follows: bool,
    /// Beginnings that mark another shape.
    pub not: &'static [&'static str],
    /// Stands for it in a suggested subject.
    pub fill: &'static str,
    /// Somebody else's value.
    pub other: &'static str,
}

/// What a star in some place opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Every token of the issuer.
    Everything,
    /// Values that merely begin alike.
    Unfinished,
    /// Every workload of the tenant.
    Tenant,
    /// Ids that merely begin alike.
    Opaque,
    /// Every run of the workload.
    Runs,
    /// Any immutable id behind a name.
    Ids,
    /// Every workload of the namespace.
    Namespace,
    /// Every role below the path.
    Path,
    /// Trust domains that merely begin alike.
    TrustDomain,
    /// Every phase of a run.
    Phases,
    /// Every person and source that can start a run.
    Triggers,
    /// Every step and commit.
    Steps,
    /// Every deployment environment.
    Environments,
    /// Nothing that matters.
    Accepted,
}

impl Part {
    /// A name that ends at a character.
    pub(super) const fn name(
        what: &'static str,
        level: Level,
        ends_at: Option<char>,
        before: Opening,
        fill: &'static str,
        other: &'static str,
    ) -> Part {
        let segment = Segment {
            what,
            level,
            ends_at,
            before,
            inside: Opening::Unfinished,
            nested: None,
            id_follows: false,
            not: &[],
            fill,
            other,
        };
        Part::Value(segment)
    }

    /// The same with another opening within.
    pub(super) const fn inside(self, inside: Opening) -> Part {
        match self {
            Part::Text(_) => self,
            Part::Value(segment) => Part::Value(Segment { inside, ..segment }),
        }
    }

    /// The same with slashes as boundaries.
    pub(super) const fn nested(self, opening: Opening) -> Part {
        match self {
            Part::Text(_) => self,
            Part::Value(segment) => Part::Value(Segment { nested: Some(opening), ..segment }),
        }
    }

    /// The same with an immutable id behind an `@`.
    pub(super) const fn id_follows(self) -> Part {
        match self {
            Part::Text(_) => self,
            Part::Value(segment) => Part::Value(Segment { id_follows: true, ..segment }),
        }
    }

    /// The same, but never beginning like this.
    pub(super) const fn not(self, not: &'static [&'static str]) -> Part {
        match self {
            Part::Text(_) => self,
            Part::Value(segment) => Part::Value(Segment { not, ..segment }),
        }
    }
}
