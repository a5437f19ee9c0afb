//! Reads a subject by the shapes that a platform gives it.

use crate::provider::profile::{Level, Levels, Opening, Part, Segment, Template, TokenProfile};

/// What a subject turns out to be.
#[derive(Debug)]
pub(super) enum Reading {
    /// A whole subject.
    Complete,
    /// A beginning of subjects.
    Open(Cut),
    /// No token has it.
    Dead {
        /// The byte where it goes wrong.
        at: usize,
        /// What is wrong there.
        why: String,
    },
    /// A shape that is not known; some platforms let their users choose.
    Foreign,
}

/// Where a beginning stops.
#[derive(Debug)]
pub(super) struct Cut {
    literal: String,
    template: Template,
    index: usize,
    from: usize,
}

/// Something that a star leaves open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) level: Level,
    pub(super) opening: Opening,
    pub(super) segment: &'static Segment,
    /// Whether the star stands right here, and not before an earlier piece.
    pub(super) here: bool,
}

/// How far a text agrees with a template.
enum Walk {
    /// To the end of both.
    Done,
    /// The text ends in this part, which begins at byte `from`.
    EndsIn { index: usize, from: usize },
    /// The text is of another shape.
    Differs { at: usize },
    /// The text is of this shape, but wrong.
    Wrong { at: usize, why: String },
}

/// Reads a subject; `starred` when a star followed the literal.
pub(super) fn read(profile: &TokenProfile, literal: &str, starred: bool) -> Reading {
    if profile.templates.is_empty() {
        return if starred { Reading::Foreign } else { Reading::Complete };
    }
    let walks = profile.templates.iter().map(|template| (*template, walk(template, literal)));
    if starred { read_beginning(profile, literal, walks) } else { read_whole(profile, literal, walks) }
}

fn read_beginning(
    profile: &TokenProfile,
    literal: &str,
    walks: impl Iterator<Item = (Template, Walk)>,
) -> Reading {
    let mut furthest = (0, None);
    for (template, walk) in walks {
        let (at, why) = match walk {
            Walk::Done => {
                let cut =
                    Cut { literal: literal.to_owned(), template, index: template.len(), from: literal.len() };
                return Reading::Open(cut);
            }
            Walk::EndsIn { index, from } => {
                return Reading::Open(Cut { literal: literal.to_owned(), template, index, from });
            }
            Walk::Wrong { at, why } => (at, Some(why)),
            Walk::Differs { at } => (at, None),
        };
        if at > furthest.0 || furthest.1.is_none() && at == furthest.0 {
            furthest = (at, why);
        }
    }
    dead_or_foreign(profile, furthest)
}

fn read_whole(
    profile: &TokenProfile,
    literal: &str,
    walks: impl Iterator<Item = (Template, Walk)>,
) -> Reading {
    let mut wrong: Option<(usize, String)> = None;
    let mut differs = 0;
    for (template, walk) in walks {
        let found = match walk {
            Walk::Done => return Reading::Complete,
            Walk::EndsIn { index, from } => match missing(template, index, &literal[from..]) {
                None => return Reading::Complete,
                Some(why) => (literal.len(), why),
            },
            Walk::Wrong { at, why } => (at, why),
            Walk::Differs { at } => {
                differs = differs.max(at);
                continue;
            }
        };
        if wrong.as_ref().is_none_or(|(at, _)| found.0 > *at) {
            wrong = Some(found);
        }
    }
    match wrong {
        Some((at, why)) => Reading::Dead { at, why },
        None => dead_or_foreign(profile, (differs, None)),
    }
}

fn dead_or_foreign(profile: &TokenProfile, (at, why): (usize, Option<String>)) -> Reading {
    match why {
        Some(why) => Reading::Dead { at, why },
        None if profile.exhaustive => {
            let why = format!("a subject of {} has the form `{}`", profile.title, form(profile.templates[0]));
            Reading::Dead { at, why }
        }
        None => Reading::Foreign,
    }
}

/// What is missing when a whole subject ends in this part; none when nothing is.
fn missing(template: Template, index: usize, rest: &str) -> Option<String> {
    let last = index + 1 == template.len();
    match &template[index] {
        Part::Value(segment) if rest.is_empty() => Some(format!(
            "it ends where the {} begins, and without a star it is an exact match",
            segment.what
        )),
        Part::Value(_) if last && rest.ends_with(['/', ':']) => {
            Some("it ends in a delimiter, and without a star it is an exact match".to_owned())
        }
        Part::Value(_) if last => None,
        _ => Some(format!("it is not whole; the form is `{}`", form(template))),
    }
}

/// The form of a template, such as `repo:OWNER/REPOSITORY:pull_request`.
fn form(template: Template) -> String {
    fill(template, |segment| segment.fill)
}

fn fill(parts: &[Part], value: impl Fn(&Segment) -> &'static str) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => *text,
        Part::Value(segment) => value(segment),
    });
    texts.collect()
}

fn walk(template: Template, literal: &str) -> Walk {
    let mut at = 0;
    for (index, part) in template.iter().enumerate() {
        let rest = &literal[at..];
        let last = index + 1 == template.len();
        match part {
            Part::Text(text) if rest.starts_with(text) => at += text.len(),
            Part::Text(text) if text.starts_with(rest) => return Walk::EndsIn { index, from: at },
            Part::Text(text) => return Walk::Differs { at: at + common(text, rest) },
            Part::Value(segment) => {
                if let Some(beginning) = segment.not.iter().find(|beginning| rest.starts_with(**beginning)) {
                    let why = format!("`{beginning}` is followed by something that no token has");
                    return Walk::Wrong { at: at + beginning.len(), why };
                }
                let end = segment.ends_at.and_then(|end| rest.find(end));
                let value = &rest[..end.unwrap_or(rest.len())];
                if let Some(within) = stray_slash(segment, value) {
                    let why =
                        format!("a slash in the {} leaves a piece empty, or is one too many", segment.what);
                    return Walk::Wrong { at: at + within, why };
                }
                match end {
                    None => return Walk::EndsIn { index, from: at },
                    Some(0) => {
                        return Walk::Wrong { at, why: format!("the {} is empty", segment.what) };
                    }
                    Some(end) if last => return Walk::Differs { at: at + end },
                    Some(end) => at += end,
                }
            }
        }
    }
    if at == literal.len() { Walk::Done } else { Walk::Differs { at } }
}

/// Where a value has a slash that no token's value has.
fn stray_slash(segment: &Segment, value: &str) -> Option<usize> {
    match segment.nested {
        _ if value.starts_with('/') => Some(0),
        Some(_) => value.find("//").map(|at| at + 1),
        // Only names of owners and repositories are known to have none at all.
        None if segment.id_follows => value.find('/'),
        None => None,
    }
}

fn common(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

impl Cut {
    /// What is settled before the star.
    pub(super) fn settled(&self) -> Levels {
        let passed = self.template[..self.index].iter().filter_map(|part| match part {
            Part::Value(segment) => Some(Levels::up_to(segment.level)),
            Part::Text(_) => None,
        });
        passed.fold(Levels::default(), Levels::and)
    }

    /// What the star leaves open, in the order of the subject.
    pub(super) fn openings(&self) -> Vec<Open> {
        let mut found = Vec::new();
        for (offset, part) in self.template.iter().skip(self.index).enumerate() {
            if let Part::Value(segment) = part {
                let opening = if offset == 0 { self.opening_in(segment) } else { segment.before };
                found.push(Open { level: segment.level, opening, segment, here: found.is_empty() });
            }
        }
        found
    }

    fn opening_in(&self, segment: &Segment) -> Opening {
        let value = self.value();
        match segment.nested {
            _ if value.is_empty() => segment.before,
            _ if segment.id_follows && value.contains('@') => Opening::Ids,
            Some(nested) if value.ends_with('/') => nested,
            _ => segment.inside,
        }
    }

    /// The unfinished piece before the star.
    pub(super) fn value(&self) -> &str {
        &self.literal[self.from..]
    }

    /// Tells whether the star is within a value, and not at its beginning or in fixed text.
    pub(super) fn is_within_value(&self) -> bool {
        matches!(self.template.get(self.index), Some(Part::Value(_))) && !self.value().is_empty()
    }

    /// A whole subject to write instead.
    pub(super) fn suggestion(&self) -> String {
        self.complete(
            |segment| segment.fill,
            |segment, value, opening| match opening {
                Opening::Opaque => segment.fill.to_owned(),
                Opening::Ids => {
                    let name = value.split('@').next().unwrap_or_default();
                    format!("{name}@{}_ID", segment.fill)
                }
                _ if value.is_empty() || value.ends_with('/') => format!("{value}{}", segment.fill),
                _ => value.to_owned(),
            },
        )
    }

    /// A subject of somebody else's that the star lets in.
    pub(super) fn stranger(&self) -> String {
        self.complete(
            |segment| segment.other,
            |segment, value, opening| match opening {
                Opening::Opaque | Opening::Ids => format!("{value}0000"),
                Opening::TrustDomain => format!("{value}.evil.example"),
                _ if value.is_empty() || value.ends_with('/') => format!("{value}{}", segment.other),
                _ => format!("{value}-evil"),
            },
        )
    }

    fn complete(
        &self,
        rest: impl Fn(&Segment) -> &'static str,
        here: impl Fn(&Segment, &str, Opening) -> String,
    ) -> String {
        let before = &self.literal[..self.from];
        let tail = fill(self.template.get(self.index + 1..).unwrap_or_default(), rest);
        match self.template.get(self.index) {
            None => before.to_owned(),
            Some(Part::Text(text)) => format!("{before}{text}{tail}"),
            Some(Part::Value(segment)) => {
                format!("{before}{}{tail}", here(segment, self.value(), self.opening_in(segment)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
