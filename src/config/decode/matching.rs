//! The `match` block of a rule: typed arguments of the provider's kind, and raw ones.

use serde_json::Value as Json;

use super::fields::{Fields, Given};
use super::{ProviderParts, api_name, kind_arguments};
use crate::config::convert;
use crate::config::schema;
use crate::config::section::{Argument, Section};
use crate::config::value::{Data, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::limits;
use crate::lint::Field;
use crate::resource::Match;

/// Where the parts of a match stand, so that a finding points at the argument it comes from.
pub(in crate::config) struct MatchPlaces {
    /// The header of the block.
    pub(in crate::config) header: Span,
    subject: Option<Span>,
    audience: Option<Span>,
    claims: Option<Span>,
    condition: Option<Span>,
    /// Typed arguments: name, the texts they hold, place.
    typed: Vec<(String, Vec<String>, Span)>,
}

impl MatchPlaces {
    /// The argument that a finding about `field` comes from.
    pub(in crate::config) fn span(&self, field: &Field, value: &str, caret: usize) -> Span {
        let raw = match field {
            Field::Match => Some(self.header),
            Field::SubjectPrefix => self.subject,
            Field::Audience => self.audience,
            Field::Claim(name) => self.typed_named(name).or(self.claims),
            Field::Condition => self.condition,
        };
        raw.or_else(|| self.typed_at(value, caret)).unwrap_or(self.header)
    }

    fn typed_named(&self, name: &str) -> Option<Span> {
        self.typed.iter().find(|(typed, _, _)| typed == name).map(|(_, _, span)| *span)
    }

    /// The typed argument whose text stands at, or just before, the caret.
    fn typed_at(&self, value: &str, caret: usize) -> Option<Span> {
        let covers = |text: &String| {
            !text.is_empty()
                && value.match_indices(text.as_str()).any(|(at, _)| (at..=at + text.len()).contains(&caret))
        };
        self.typed.iter().find(|(_, texts, _)| texts.iter().any(covers)).map(|(_, _, span)| *span)
    }
}

/// Reads the block and compiles its typed arguments. Without the provider nothing can be said.
pub(super) fn decode(
    rule: &mut Fields<'_>,
    section: &Section,
    provider: Option<&ProviderParts>,
) -> Option<(Match, MatchPlaces)> {
    let parts = provider?;
    let mut fields = rule.inner(section);
    let typed_names = parts.kind.match_arguments;
    let is_raw = |name: &str| typed_names.iter().all(|argument| argument.name != name);
    let says = |name: &str| is_raw(name) && section.argument(name).is_some_and(says_something);
    let by_hand = ["subject", "subject_prefix", "claims", "condition"].into_iter().any(says);
    let typed = kind_arguments::read(&mut fields, typed_names, !by_hand);
    let raw = Raw::read(&mut fields, is_raw);
    fields.finish(&[]);
    if !fields.is_sound() {
        return None;
    }
    // A kind that asks for nothing still has an audience to suggest.
    let asks = typed_names.iter().any(|argument| argument.required);
    let compiled = if typed.is_empty() && by_hand && asks {
        Match::default()
    } else {
        match (parts.kind.compile_match)(&parts.arguments, &typed) {
            Ok(compiled) => compiled,
            Err(problems) => {
                kind_arguments::report(&mut fields, problems);
                return None;
            }
        }
    };
    let places = MatchPlaces {
        header: section.header,
        subject: raw.subject.as_ref().map(|given| given.span),
        audience: raw.audience.as_ref().map(|given| given.span),
        claims: raw.claims.as_ref().map(|given| given.span),
        condition: raw.condition.as_ref().map(|given| given.span),
        typed: typed.iter().map(|(name, value)| (name.clone(), texts(value), fields.span(name))).collect(),
    };
    let matching = raw.merge(&mut fields, compiled);
    fields.is_sound().then_some((matching, places))
}

/// Null counts as left out, and claims without an entry ask for nothing.
fn says_something(argument: &Argument) -> bool {
    let is_nothing = |value: &Value| {
        value.is_null() || matches!(value.data(), Data::Object(entries) if entries.is_empty())
    };
    !argument.value.as_ref().is_some_and(is_nothing)
}

fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The arguments that every kind has.
struct Raw {
    subject: Option<Given<String>>,
    audience: Option<Given<String>>,
    claims: Option<Given<Vec<(String, String)>>>,
    condition: Option<Given<String>>,
}

impl Raw {
    fn read(fields: &mut Fields<'_>, is_raw: impl Fn(&str) -> bool) -> Raw {
        // Names that the kind has taken over are known already; the others are declared here.
        fields.allow(schema::MATCH_ARGUMENTS.iter().copied());
        let exact = if is_raw("subject") { fields.text("subject") } else { None };
        let prefix = if is_raw("subject_prefix") { fields.text("subject_prefix") } else { None };
        if let Some(exact) = &exact
            && exact.value.ends_with('*')
        {
            let detail =
                "`subject` is the exact subject, but the API takes a star at the end for any continuation.";
            fields.refuse(
                "Star in an exact subject",
                detail,
                exact.span,
                "write `subject_prefix = …` if any continuation is meant",
            );
        }
        if let (Some(exact), Some(prefix)) = (&exact, &prefix) {
            let diagnostic = Diagnostic::error("Two subjects")
                .detail("`subject` and `subject_prefix` set the same part of the rule, and only one of them could count.")
                .label(prefix.span, "")
                .label(exact.span, "")
                .hint("remove one of the two");
            fields.report(diagnostic);
        }
        let claims = if is_raw("claims") { claims(fields) } else { None };
        let raw = Raw {
            subject: exact.or(prefix),
            audience: if is_raw("audience") { fields.text("audience") } else { None },
            claims,
            condition: if is_raw("condition") { fields.text("condition") } else { None },
        };
        raw.check_lengths(fields);
        raw
    }

    fn check_lengths(&self, fields: &mut Fields<'_>) {
        if let Some(subject) = &self.subject {
            let name =
                if fields.section.argument("subject").is_some() { "subject" } else { "subject_prefix" };
            // A prefix may well end within a name that has a blank.
            let value = if name == "subject" { subject.value.trim_end() } else { &subject.value };
            refuse_blanks_around(fields, name, subject, value.trim_start());
            api_name::too_long(fields, name, &subject.value, limits::MATCHER_CHARS_MAX);
        }
        if let Some(audience) = &self.audience {
            refuse_blanks_around(fields, "audience", audience, audience.value.trim());
            api_name::too_long(fields, "audience", &audience.value, limits::MATCHER_CHARS_MAX);
        }
        if let Some(condition) = &self.condition {
            api_name::too_long(fields, "condition", &condition.value, limits::CONDITION_CHARS_MAX);
        }
    }

    /// Puts raw arguments on top of compiled ones. A raw audience replaces the preset, conditions
    /// are joined; two subjects, or two values for one claim, are a contradiction.
    fn merge(self, fields: &mut Fields<'_>, compiled: Match) -> Match {
        let mut matching = compiled;
        if let Some(subject) = self.subject {
            if let Some(typed) = &matching.subject_prefix {
                fields.refuse(
                    "Two subjects",
                    format!("The typed arguments of this block already compile to the subject {typed:?}."),
                    subject.span,
                    "remove the subject, or the typed arguments that say which workload is meant",
                );
            }
            matching.subject_prefix = Some(subject.value);
        }
        if let Some(audience) = self.audience {
            matching.audience = Some(audience.value);
        }
        if let Some(claims) = self.claims {
            for (name, value) in claims.value {
                let before = matching.claims.insert(name.clone(), value.clone());
                if let Some(before) = before.filter(|before| *before != value) {
                    fields.refuse(
                        "Two values for one claim",
                        format!("The typed arguments of this block already ask for `{name}` = {before:?}, and no token has both."),
                        claims.span,
                        format!("remove `{name}` from `claims`, or the typed argument"),
                    );
                }
            }
        }
        if let Some(condition) = self.condition {
            matching.condition = Some(match matching.condition {
                Some(typed) => format!("({typed}) && ({})", condition.value),
                None => condition.value,
            });
        }
        matching
    }
}

/// Tokens are compared letter by letter, and none has blanks there.
fn refuse_blanks_around(fields: &mut Fields<'_>, name: &str, given: &Given<String>, trimmed: &str) {
    if given.value != trimmed {
        let detail = format!("`{name}` has blanks around it, and no token that an issuer signs has them.");
        fields.refuse("Blanks around a text", detail, given.span, format!("write {trimmed:?}"));
    }
}

fn claims(fields: &mut Fields<'_>) -> Option<Given<Vec<(String, String)>>> {
    fields.value("claims", |value| {
        let entries = value.as_entries().ok_or_else(|| convert::expected("an object of strings", value))?;
        let one = |(name, item): (&String, &Value)| match item.as_text() {
            _ if name.trim().is_empty() => Err("A claim has an empty name.".to_owned()),
            Some(text) if text.trim().is_empty() => {
                Err(format!("The claim `{name}` is an empty string; leave out what need not match."))
            }
            Some(text) => Ok((name.clone(), text.to_owned())),
            // The API compares strings only, so `true` would never match a token's true.
            None => Err(format!(
                "The claim `{name}` is {}. Claims are compared as strings; use `condition` for other types.",
                item.describe()
            )),
        };
        entries.iter().map(one).collect()
    })
}
