//! The name and the description of an object at the API.

use keyless_state::Address;

use super::fields::Fields;
use crate::config::section;
use crate::limits;

/// The name at the API: the argument `name`, or the name of the block with `-` for `_`.
pub(super) fn name(fields: &mut Fields<'_>, address: &Address) -> Option<String> {
    let given = fields.text("name");
    if given.is_none() && !fields.is_sound() && fields.section.argument("name").is_some() {
        return None;
    }
    let span = match &given {
        Some(given) => given.span,
        None if fields.section.argument("name").is_some_and(|argument| argument.value.is_none()) => {
            return None;
        }
        None => fields.section.header,
    };
    let derived = given.is_none();
    let name = given.map_or_else(|| section::api_name(address), |given| given.value);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let length = name.chars().count();
    if name.chars().all(fits) && (1..=limits::NAME_CHARS_MAX).contains(&length) {
        return Some(name);
    }
    let why = if derived { ", which follows from the name of the block," } else { "" };
    fields.refuse(
        "Invalid API name",
        format!(
            "The API takes names of small letters, digits and hyphens, 1 to {} of them. The name {name:?}{why} is none.",
            limits::NAME_CHARS_MAX
        ),
        span,
        format!("write `name = \"{}\"`", suggestion(&name)),
    );
    None
}

fn suggestion(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let text: String = letters.take(limits::NAME_CHARS_MAX).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "a-name".to_owned() } else { text.to_owned() }
}

/// The description; empty when it is left out.
pub(super) fn description(fields: &mut Fields<'_>) -> String {
    let Some(given) = fields.prose("description") else { return String::new() };
    if given.value.trim().is_empty() {
        return String::new();
    }
    too_long(fields, "description", &given.value, limits::DESCRIPTION_CHARS_MAX);
    given.value
}

/// Reports a text that is longer than the API takes.
pub(super) fn too_long(fields: &mut Fields<'_>, name: &'static str, text: &str, most: usize) {
    let length = text.chars().count();
    if length > most {
        let span = fields.span(name);
        let detail = format!("`{name}` has {length} characters, and the API takes {most} at most.");
        fields.refuse("Text too long", detail, span, "shorten it");
    }
}
