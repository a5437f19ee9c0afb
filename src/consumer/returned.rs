//! A key line that is back in a file from which keyless took one.
//!
//! Whether it is one that cannot work any more shows in the first and last characters that the API tells of
//! each key. Nothing else is learnt of the value, and it is part of nothing that is kept.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::env_file::{self, EnvFileFault, Format, Reading};
use crate::lane::Returned;
use crate::resource::{ApiKeyObject, KeyStatus};

fn fits(key: &ApiKeyObject, value: &str) -> bool {
    key.partial_key_hint.as_deref().is_some_and(|hint| crate::resource::fits_hint(hint, value))
}

/// The key of the organization that a value is; none where none fits, or several do.
fn key_of<'a>(value: &str, keys: &'a BTreeMap<String, ApiKeyObject>) -> Option<&'a ApiKeyObject> {
    let mut fitting = keys.values().filter(|key| fits(key, value));
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

/// The first line that sets a variable, and whether all of them hold one key that is dead.
pub(super) fn returned(
    text: &str,
    format: Format,
    variable: &str,
    keys: &BTreeMap<String, ApiKeyObject>,
) -> Option<Returned> {
    let reading = Reading::of(text, format);
    let held = reading.settings_of(variable);
    let line = held.first()?.line();
    let mut values = held.iter().map(|setting| setting.literal().and_then(|value| key_of(value, keys)));
    let first = values.next().flatten();
    let is_dead = |key: &&ApiKeyObject| {
        matches!(key.status, KeyStatus::Inactive | KeyStatus::Archived | KeyStatus::Expired)
    };
    let dead =
        first.filter(is_dead).filter(|first| values.all(|key| key.is_some_and(|it| it.id == first.id)));
    Some(Returned { line, dead: dead.map(|key| key.id.clone()) })
}

/// Turns every line that sets a variable into a comment, provided that all of them hold this key.
pub(super) fn take_out(
    text: &str,
    format: Format,
    variable: &str,
    key: &ApiKeyObject,
) -> Result<Zeroizing<String>, EnvFileFault> {
    env_file::take_out(text, format, variable, (&key.id, |value: &str| fits(key, value)))
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
        let found = returned(text, Format::Dotenv, "KEY", &keys);
        let told = found.map(|it| {
            let is_ours = it.dead.as_deref() == Some("apikey_1");
            assert_eq!(is_ours, it.dead.is_some(), "{text}");
            (it.line, is_ours)
        });
        assert_eq!(told, expected, "{text}");
        let taken = take_out(text, Format::Dotenv, "KEY", &keys["apikey_1"]);
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
            let found = returned(&text, Format::Dotenv, "KEY", &keys(status.clone())).expect("a line");
            assert_eq!(found.dead.is_some(), expected, "{status:?}");
        }
    }

    #[test]
    fn it_becomes_a_comment_that_no_rollback_turns_back() {
        let keys = keys(KeyStatus::Inactive);
        let text = format!("A=1\nexport KEY={DEAD}\r\nB=2\n");
        let out = take_out(&text, Format::Dotenv, "KEY", &keys["apikey_1"]).expect("taken out");
        let expected = format!("A=1\n# keyless took the dead key apikey_1 out: export KEY={DEAD}\r\nB=2\n");
        assert!(*out == expected);
        assert!(
            *env_file::unpark(&out, Format::Dotenv, "KEY", "api_key.ci/dotenv.app").expect("as it is")
                == *out
        );
        assert!(take_out(&format!("KEY=\"{DEAD}\nx\"\n"), Format::Dotenv, "KEY", &keys["apikey_1"]).is_err());
    }
}
