//! Claude Code's settings: pure edits of their text.
//!
//! JSON has no comments, so a key is parked in the same file below a name that Claude Code gives no
//! meaning. The entry moves as it is written, and moves back to where it was.

use zeroize::Zeroizing;

use super::json_text::{self, Object};
use crate::config::SettingsEntry;

/// The top-level name below which entries are parked, by lane and consumer.
const PARKED: &str = "keylessParked";

/// The object that an entry is in, below the top level, and its name.
fn path(entry: &SettingsEntry) -> (Option<&'static str>, &str) {
    match entry {
        SettingsEntry::Variable(variable) => (Some("env"), variable),
        SettingsEntry::Helper => (None, "apiKeyHelper"),
    }
}

/// The name of an entry.
pub(super) fn name(entry: &SettingsEntry) -> &str {
    path(entry).1
}

/// Tells whether the entry is there, be it empty: for some clients an empty value still wins.
pub(super) fn holds(text: &str, entry: &SettingsEntry) -> Result<bool, String> {
    Ok(holder(text, entry)?.is_some_and(|object| object.position(name(entry)).is_some()))
}

/// Moves the entry below [`PARKED`].
pub(super) fn park(text: &str, entry: &SettingsEntry, tag: &str) -> Result<Zeroizing<String>, String> {
    let Some(object) = holder(text, entry)? else { return Ok(Zeroizing::new(text.to_owned())) };
    let Some(at) = object.position(name(entry)) else { return Ok(Zeroizing::new(text.to_owned())) };
    if object.members.iter().filter(|member| member.key == name(entry)).count() > 1 {
        return Err(format!("has `{}` twice in one object; remove one of the two", name(entry)));
    }
    let member = &text[object.members[at].whole.clone()];
    let tag = quoted(tag);
    let parked = Zeroizing::new(format!("{tag}: {{\"at\": {at}, \"entry\": {{{member}}}}}"));
    let text = without_parked(&json_text::cut(text, &object, at), &tag)?;
    let top = top(&text)?;
    match top.get(PARKED).map(|member| member.value.start) {
        Some(begin) => {
            let object = json_text::object(&text, begin).ok_or_else(not_ours)?;
            Ok(json_text::insert(&text, &object, object.members.len(), &parked))
        }
        None => {
            let member = Zeroizing::new(format!("\"{PARKED}\": {{{}}}", *parked));
            Ok(json_text::insert(&text, &top, top.members.len(), &member))
        }
    }
}

/// Moves the parked entry back. An entry that is there already stays, and the parked one goes.
pub(super) fn unpark(text: &str, entry: &SettingsEntry, tag: &str) -> Result<Zeroizing<String>, String> {
    let tag = quoted(tag);
    let Some((at, member)) = parked(text, &tag)? else { return Ok(Zeroizing::new(text.to_owned())) };
    let text = without_parked(text, &tag)?;
    if holds(&text, entry)? {
        return Ok(text);
    }
    match (holder(&text, entry)?, path(entry).0) {
        (Some(object), _) => Ok(json_text::insert(&text, &object, at, &member)),
        (None, Some(holder)) => {
            let top = top(&text)?;
            let member = Zeroizing::new(format!("\"{holder}\": {{{}}}", *member));
            Ok(json_text::insert(&text, &top, top.members.len(), &member))
        }
        (None, None) => unreachable!("the top level is always there"),
    }
}

/// The line in which an entry is parked under a tag, from 1.
pub(super) fn parked_line(text: &str, tag: &str) -> Option<usize> {
    let (object, at) = parked_place(text, &quoted(tag)).ok()??;
    Some(text[..object.members[at].whole.start].matches('\n').count() + 1)
}

/// Takes what is parked under a tag out for good.
pub(super) fn forget(text: &str, tag: &str) -> Result<Zeroizing<String>, String> {
    without_parked(text, &quoted(tag))
}

fn quoted(tag: &str) -> String {
    serde_json::Value::from(tag).to_string()
}

fn not_ours() -> String {
    format!("has a `{PARKED}` that is no object; remove it")
}

fn top(text: &str) -> Result<Object, String> {
    json_text::check(text)?;
    json_text::object(text, 0).ok_or_else(|| "is JSON and no object; settings are an object".to_owned())
}

/// The object that the entry would be in; none when that is not there.
fn holder(text: &str, entry: &SettingsEntry) -> Result<Option<Object>, String> {
    let top = top(text)?;
    let Some(holder) = path(entry).0 else { return Ok(Some(top)) };
    match top.get(holder) {
        None => Ok(None),
        Some(member) => match json_text::object(text, member.value.start) {
            Some(object) => Ok(Some(object)),
            None => Err(format!("has a `{holder}` that is no object")),
        },
    }
}

/// What is parked under a tag: its former place and the entry as it was written.
fn parked(text: &str, tag: &str) -> Result<Option<(usize, Zeroizing<String>)>, String> {
    let Some((object, at)) = parked_place(text, tag)? else { return Ok(None) };
    let begin = object.members[at].value.start;
    let inner = json_text::object(text, begin).ok_or_else(not_ours)?;
    let (Some(at), Some(entry)) = (inner.get("at"), inner.get("entry")) else { return Err(not_ours()) };
    let at = text[at.value.clone()].parse().map_err(|_| not_ours())?;
    let entry = json_text::object(text, entry.value.start).ok_or_else(not_ours)?;
    let member = entry.members.first().ok_or_else(not_ours)?;
    Ok(Some((at, Zeroizing::new(text[member.whole.clone()].to_owned()))))
}

/// The object below [`PARKED`] and the tag's place in it.
fn parked_place(text: &str, tag: &str) -> Result<Option<(Object, usize)>, String> {
    let top = top(text)?;
    let Some(member) = top.get(PARKED) else { return Ok(None) };
    let object = json_text::object(text, member.value.start).ok_or_else(not_ours)?;
    let found = object.members.iter().position(|member| quoted(&member.key) == tag);
    Ok(found.map(|at| (object, at)))
}

/// The text without what is parked under a tag, and without [`PARKED`] when nothing is left there.
fn without_parked(text: &str, tag: &str) -> Result<Zeroizing<String>, String> {
    let Some((object, at)) = parked_place(text, tag)? else { return Ok(Zeroizing::new(text.to_owned())) };
    if object.members.len() > 1 {
        return Ok(json_text::cut(text, &object, at));
    }
    let top = top(text)?;
    let at = top.position(PARKED).expect("it was just found");
    Ok(json_text::cut(text, &top, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "api_key.ci/claude_code_settings.dev";

    fn key() -> SettingsEntry {
        SettingsEntry::Variable("KEY".to_owned())
    }

    #[track_caller]
    fn check_round_trip(text: &str, entry: &SettingsEntry) {
        assert!(holds(text, entry).unwrap(), "{text}");
        let parked = park(text, entry, TAG).unwrap();
        assert!(!holds(&parked, entry).unwrap(), "{}", *parked);
        json_text::check(&parked).unwrap();
        assert_eq!(*park(&parked, entry, TAG).unwrap(), *parked, "parking twice");
        let back = unpark(&parked, entry, TAG).unwrap();
        assert_eq!(*back, text);
        assert_eq!(*unpark(&back, entry, TAG).unwrap(), text, "restoring twice");
    }

    #[test]
    fn an_entry_comes_back_byte_for_byte() {
        for text in [
            "{\n  \"env\": {\n    \"KEY\": \"sk\"\n  }\n}\n",
            "{\n  \"env\": {\n    \"KEY\": \"sk\",\n    \"B\": \"1\"\n  },\n  \"model\": \"x\"\n}\n",
            "{\n  \"env\": {\n    \"A\": \"1\",\n    \"KEY\" : \"s\\\"k\",\n    \"B\": \"1\"\n  }\n}",
            "{\r\n\t\"env\": {\r\n\t\t\"A\": \"1\",\r\n\t\t\"KEY\": \"sk\"\r\n\t}\r\n}\r\n",
            "{\"env\":{\"KEY\":\"\"}}",
            "{\"env\":{\"A\":\"{\",\"KEY\":\"sk\"},\"hooks\":{\"a\":[1,{\"b\":\"]\"}]}}",
            "{\"keylessParked\": {\"another\": {\"at\": 0, \"entry\": {\"KEY\": \"x\"}}},\"env\":{\"KEY\":\"sk\"}}",
        ] {
            check_round_trip(text, &key());
        }
        for text in [
            "{\n  \"model\": \"x\",\n  \"apiKeyHelper\": \"/bin/key\",\n  \"env\": {}\n}\n",
            "{\"apiKeyHelper\": \"/bin/key\"}",
        ] {
            check_round_trip(text, &SettingsEntry::Helper);
        }
    }

    #[test]
    fn only_the_entry_itself_is_seen() {
        for (text, expected) in [
            ("{}", Ok(false)),
            ("{\"KEY\": 1}", Ok(false)),
            ("{\"env\": {\"KEYS\": \"\"}}", Ok(false)),
            (
                "{\"keylessParked\": {\"t\": {\"at\": 0, \"entry\": {\"KEY\": \"x\"}}}, \"env\": {}}",
                Ok(false),
            ),
            ("{\"env\": {\"K\\u0045Y\": null}}", Ok(true)),
            ("{\"env\": []}", Err("`env` that is no object")),
            ("[]", Err("no object")),
            ("{\"env\": {}, // no\n}", Err("line 1, column 13")),
        ] {
            match (holds(text, &key()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(message), Err(words)) => assert!(message.contains(words), "{text}: {message}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_somebody_wrote_meanwhile_is_kept() {
        let parked = park("{\"env\":{\"KEY\":\"old\"}}", &key(), TAG).unwrap();
        let again = parked.replace("\"env\":{}", "\"env\":{\"KEY\":\"new\"}");
        assert_eq!(*unpark(&again, &key(), TAG).unwrap(), "{\"env\":{\"KEY\":\"new\"}}");
        let parked_again = park(&again, &key(), TAG).unwrap();
        assert_eq!(*unpark(&parked_again, &key(), TAG).unwrap(), "{\"env\":{\"KEY\":\"new\"}}");
        let without_env = parked.replace("\"env\":{},", "");
        assert!(holds(&unpark(&without_env, &key(), TAG).unwrap(), &key()).unwrap());
        let error = park("{\"env\":{\"KEY\":\"a\",\"KEY\":\"b\"}}", &key(), TAG).unwrap_err();
        assert!(error.contains("twice"), "{error}");
    }
}
