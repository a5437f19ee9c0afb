//! A key line that is back in a file from which keyless took one.
//!
//! Whether it is one that cannot work any more shows in the first and last characters that the API tells of
//! each key. Nothing else is learnt of the value, and it is part of nothing that is kept.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::dotenv::{DotenvError, assignment, is_open};
use crate::lane::Returned;
use crate::resource::{ApiKeyObject, KeyStatus};

/// The key of the organization that a value is; none where none fits, or several do.
fn key_of<'a>(value: &str, keys: &'a BTreeMap<String, ApiKeyObject>) -> Option<&'a ApiKeyObject> {
    let mut fitting = keys.values().filter(|key| {
        key.partial_key_hint.as_deref().is_some_and(|hint| crate::resource::fits_hint(hint, value))
    });
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

fn unquoted(value: &str) -> &str {
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}

/// The first line that sets a variable, and whether all of them hold one key that is dead.
pub(super) fn returned(
    text: &str,
    variable: &str,
    keys: &BTreeMap<String, ApiKeyObject>,
) -> Option<Returned> {
    let lines = text.lines().enumerate();
    let mut held = lines.filter_map(|(at, line)| {
        let (name, value) = assignment(line)?;
        (name == variable).then(|| (at + 1, key_of(unquoted(value), keys)))
    });
    let (line, first) = held.next()?;
    let is_dead = |key: &&ApiKeyObject| {
        matches!(key.status, KeyStatus::Inactive | KeyStatus::Archived | KeyStatus::Expired)
    };
    let dead =
        first.filter(is_dead).filter(|first| held.all(|(_, key)| key.is_some_and(|it| it.id == first.id)));
    Some(Returned { line, dead: dead.map(|key| key.id.clone()) })
}

/// What a dead key's line bears that was taken out. It is not put back by anything, unlike a parked one.
fn mark(key_id: &str) -> String {
    format!("# keyless took the dead key {key_id} out: ")
}

/// Turns every line that sets a variable into a comment, provided that all of them hold this key.
pub(super) fn take_out(
    text: &str,
    variable: &str,
    key: &ApiKeyObject,
) -> Result<Zeroizing<String>, DotenvError> {
    let alone = BTreeMap::from([(key.id.clone(), key.clone())]);
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 128));
    let mut continued = false;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let goes_on = line.trim_end().ends_with('\\');
        if let Some((_, value)) = assignment(line).filter(|(name, _)| *name == variable) {
            let (line, variable) = (at + 1, variable.to_owned());
            if continued || goes_on || is_open(value) {
                return Err(DotenvError::SeveralLines { line, variable });
            }
            if key_of(unquoted(value), &alone).is_none() {
                return Err(DotenvError::OtherValue { line, variable, key_id: key.id.clone() });
            }
            out.push_str(&mark(&key.id));
        }
        out.push_str(line);
        continued = goes_on;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::api_key;

    fn keys(status: KeyStatus) -> BTreeMap<String, ApiKeyObject> {
        let key = |id: &str, hint: &str, status: KeyStatus| {
            let partial_key_hint = Some(hint.to_owned());
            (id.to_owned(), ApiKeyObject { partial_key_hint, ..api_key(id, status) })
        };
        BTreeMap::from([
            key("apikey_1", "sk-ant-api03-abc...xyz", status),
            key("apikey_2", "sk-ant-api03-def...uvw", KeyStatus::Active),
            key("apikey_3", "sk-ant-api03-ghi...rst", KeyStatus::Active),
            key("apikey_4", "sk-ant-api03-ghi...rst", KeyStatus::Inactive),
        ])
    }

    const DEAD: &str = "sk-ant-api03-abcMIDDLExyz";
    const ALIVE: &str = "sk-ant-api03-defMIDDLEuvw";

    #[track_caller]
    fn check(text: &str, expected: Option<(usize, bool)>) {
        let keys = keys(KeyStatus::Inactive);
        let found = returned(text, "KEY", &keys);
        let told = found.map(|it| {
            let is_ours = it.dead.as_deref() == Some("apikey_1");
            assert_eq!(is_ours, it.dead.is_some(), "{text}");
            (it.line, is_ours)
        });
        assert_eq!(told, expected, "{text}");
        let taken = take_out(text, "KEY", &keys["apikey_1"]);
        assert_eq!(taken.is_ok_and(|out| *out != text), expected.is_some_and(|(_, dead)| dead), "{text}");
    }

    #[test]
    fn a_line_of_a_dead_key_is_told_from_any_other() {
        check("A=1\n", None);
        check(&format!("A=1\nKEY={DEAD}\n"), Some((2, true)));
        check(&format!("export KEY=\"{DEAD}\"\nKEY='{DEAD}'"), Some((1, true)));
        check(&format!("KEY={ALIVE}\n"), Some((1, false)));
        check(&format!("KEY={DEAD}\nKEY={ALIVE}\n"), Some((1, false)));
        check("KEY=\n", Some((1, false)));
        check("KEY=sk-ant-api03-other\n", Some((1, false)));
        // It fits a living key as well.
        check("KEY=sk-ant-api03-ghiMIDDLErst\n", Some((1, false)));
        // What follows may be part of it.
        check(&format!("KEY={DEAD} # note\n"), Some((1, false)));
    }

    #[test]
    fn a_key_is_dead_by_its_status_alone() {
        let text = format!("KEY={DEAD}\n");
        for (status, expected) in [
            (KeyStatus::Inactive, true),
            (KeyStatus::Archived, true),
            (KeyStatus::Expired, true),
            (KeyStatus::Active, false),
            (KeyStatus::Other("paused".to_owned()), false),
        ] {
            let found = returned(&text, "KEY", &keys(status.clone())).expect("a line");
            assert_eq!(found.dead.is_some(), expected, "{status:?}");
        }
    }

    #[test]
    fn it_becomes_a_comment_that_no_rollback_turns_back() {
        let keys = keys(KeyStatus::Inactive);
        let text = format!("A=1\nexport KEY={DEAD}\r\nB=2\n");
        let out = take_out(&text, "KEY", &keys["apikey_1"]).expect("taken out");
        let expected = format!("A=1\n# keyless took the dead key apikey_1 out: export KEY={DEAD}\r\nB=2\n");
        assert!(*out == expected);
        assert!(*super::super::dotenv::unpark(&out, "api_key.ci/dotenv.app").expect("as it is") == *out);
        assert!(take_out(&format!("KEY=\"{DEAD}\nx\"\n"), "KEY", &keys["apikey_1"]).is_err());
    }
}
