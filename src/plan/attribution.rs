//! Who changed what: entries of the Activity Feed held against drift. Pure.

use keyless_state::{Kind, State};
use serde_json::Value;

use super::change::Drift;
use crate::platform::{Activity, ActivityEvent};

/// Adds to each item of drift who did it and when, where the feed tells.
///
/// What the object itself says goes first; the feed adds a name to an id, and tells both where the
/// object says nothing, as keys do.
pub fn attribute(drift: &mut [Drift], recorded: &State, changes: &[Activity]) {
    for item in drift {
        let id = match item.address.kind() {
            Kind::ApiKey => recorded.lanes.get(&item.address).map(|lane| &lane.key_id),
            _ => recorded.records.get(&item.address).map(|record| &record.id),
        };
        let Some(id) = id else { continue };
        let fits = |entry: &&Activity| tells_of(entry, id, item);
        let Some(entry) = changes.iter().filter(fits).max_by_key(|entry| entry.at) else { continue };
        let actor = entry.actor.clone();
        match &item.by {
            None => (item.by, item.at) = (actor, Some(item.at.unwrap_or(entry.at))),
            Some(by) if actor.as_ref().is_some_and(|actor| actor.starts_with(by.as_str())) => item.by = actor,
            Some(_) => {}
        }
    }
}

/// Whether an entry tells of this drift, and not of another change of the same object.
fn tells_of(entry: &Activity, id: &String, item: &Drift) -> bool {
    let ActivityEvent::Change { kind, objects, updates } = &entry.event else { return false };
    if !objects.contains(id) {
        return false;
    }
    match (&item.after, item.address.kind()) {
        (None, _) => kind.ends_with("_archived"),
        (Some(after), Kind::ApiKey) => {
            let status = after.get("status").and_then(Value::as_str);
            updates.iter().any(|(field, now)| field == "status" && Some(now.as_str()) == status)
        }
        (Some(_), _) => !kind.ends_with("_archived"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::super::Attributes;
    use super::*;
    use crate::sample::{KEY, RULE, address, built, hour, id_of, lane};

    fn entry(at: i64, kind: &str, object: &str, updates: &[(&str, &str)]) -> Activity {
        let event = ActivityEvent::Change {
            kind: kind.to_owned(),
            objects: vec![object.to_owned()],
            updates: updates.iter().map(|(field, now)| ((*field).to_owned(), (*now).to_owned())).collect(),
        };
        let actor = Some(format!("user_{at} (ada@example.com)"));
        Activity { id: "activity_1".to_owned(), at: hour(at), actor, event }
    }

    fn drift(of: &str, after: Option<&str>, by: Option<&str>, at: Option<Timestamp>) -> Drift {
        let status = |word: &str| Attributes::from_iter([("status".to_owned(), json!(word))]);
        Drift {
            address: address(of),
            what: "changed".to_owned(),
            before: status("inactive"),
            after: after.map(status),
            by: by.map(str::to_owned),
            at,
        }
    }

    #[track_caller]
    fn check(mut drift: Drift, changes: &[Activity], by: Option<&str>, at: Option<Timestamp>) {
        let (_, mut state, _) = built();
        state.lanes.insert(address(KEY), lane("apikey_1", &[]));
        attribute(std::slice::from_mut(&mut drift), &state, changes);
        assert_eq!((drift.by.as_deref(), drift.at), (by, at));
    }

    #[test]
    fn the_newest_entry_about_this_very_change_tells_who_and_when() {
        let updated = "platform_api_key_updated";
        let changes = [
            entry(1, updated, "apikey_1", &[("status", "active")]),
            entry(3, updated, "apikey_1", &[("name", "n"), ("status", "active")]),
            entry(4, updated, "apikey_1", &[("status", "inactive")]),
            entry(5, updated, "apikey_1", &[("name", "active")]),
            entry(6, updated, "apikey_2", &[("status", "active")]),
        ];
        let key = || drift(KEY, Some("active"), None, None);
        check(key(), &changes, Some("user_3 (ada@example.com)"), Some(hour(3)));
        check(key(), &changes[2..], None, None);
        check(key(), &[], None, None);
    }

    #[test]
    fn what_the_object_says_itself_goes_first() {
        let id = id_of(&address(RULE));
        let changes = [entry(2, "platform_federation_rule_updated", &id, &[("name", "x")])];
        let rule = |by: Option<&str>, at| drift(RULE, Some("x"), by, at);
        check(rule(Some("user_2"), Some(hour(1))), &changes, Some("user_2 (ada@example.com)"), Some(hour(1)));
        check(rule(Some("user_9"), Some(hour(1))), &changes, Some("user_9"), Some(hour(1)));
        check(rule(None, None), &changes, Some("user_2 (ada@example.com)"), Some(hour(2)));
        let gone = || drift(RULE, None, None, None);
        check(gone(), &changes, None, None);
        let archived = [entry(7, "platform_federation_rule_archived", &id, &[])];
        check(gone(), &archived, Some("user_7 (ada@example.com)"), Some(hour(7)));
        check(rule(None, None), &archived, None, None);
    }
}
