//! Entries of the Activity Feed on the wire.
//!
//! The feed has hundreds of types, and new ones come at any time. An entry that is not understood
//! is passed over: nothing is concluded from what the feed does not say.

use jiff::Timestamp;
use serde_json::Value;

use crate::platform::scrub::scrub;
use crate::platform::{Activity, ActivityEvent, ExchangeOutcome};

/// Longest reason that is taken for one, in characters; reasons are short codes.
const REASON_CHARS_MAX: usize = 80;

/// Reads one entry; none for one that says nothing of use.
pub(crate) fn read_activity(entry: &Value) -> Option<Activity> {
    let kind = entry["type"].as_str()?;
    let at: Timestamp = entry["created_at"].as_str()?.parse().ok()?;
    let event = match kind {
        "platform_federated_authentication" => authentication(entry),
        _ => change(kind, entry),
    };
    Some(Activity { id: text(&entry["id"])?, at, actor: actor(&entry["actor"]), event })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(scrub)
}

fn authentication(entry: &Value) -> ActivityEvent {
    let (data, status) = (&entry["event_data"], &entry["status"]);
    let outcome = match status["outcome"].as_str().unwrap_or_default() {
        "success" | "succeeded" => ExchangeOutcome::Accepted,
        "failure" | "failed" | "denied" | "refused" => ExchangeOutcome::Refused,
        other => ExchangeOutcome::Other(scrub(other)),
    };
    let reason = text(&status["reason"]).unwrap_or_default();
    ActivityEvent::Authentication {
        rule_id: text(&data["federation_rule_id"]),
        service_account_id: text(&data["requested_service_account_id"]),
        outcome,
        reason: reason.chars().take(REASON_CHARS_MAX).collect(),
        request_id: text(&entry["request_id"]),
    }
}

fn change(kind: &str, entry: &Value) -> ActivityEvent {
    const IDS: [&str; 4] = ["federation_issuer_id", "federation_rule_id", "service_account_id", "api_key_id"];
    let updates = entry["updates"].as_array().map(Vec::as_slice).unwrap_or_default();
    ActivityEvent::Change {
        kind: scrub(kind),
        objects: IDS.iter().filter_map(|name| text(&entry[*name])).collect(),
        updates: updates
            .iter()
            .filter_map(|update| {
                Some((text(&update["type"])?, text(&update["current_value"]).unwrap_or_default()))
            })
            .collect(),
    }
}

/// Who it was, in words for people.
fn actor(actor: &Value) -> Option<String> {
    let field = |name: &str| text(&actor[name]);
    let with_mail = |id: Option<String>| match (id, field("email_address")) {
        (Some(id), Some(mail)) => Some(format!("{id} ({mail})")),
        (id, mail) => id.or(mail),
    };
    let kind = field("type")?;
    let known = match kind.as_str() {
        "user_actor" => with_mail(field("user_id")),
        "service_account_actor" => field("service_account_id"),
        "admin_api_key_actor" => field("admin_api_key_id"),
        "api_actor" => field("api_key_id"),
        "federated_identity_actor" => field("subject"),
        "federated_actor" => field("subject"),
        "anthropic_actor" => Some("Anthropic".to_owned()),
        "system_actor" => Some("the platform itself".to_owned()),
        _ => None,
    };
    Some(known.unwrap_or(kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_actor(value: Value, expected: Option<&str>) {
        assert_eq!(actor(&value).as_deref(), expected, "{value}");
    }

    #[test]
    fn actors_are_told_as_people_know_them() {
        let ada = json!({"type": "user_actor", "user_id": "user_01Ada", "email_address": "ada@example.com"});
        check_actor(ada, Some("user_01Ada (ada@example.com)"));
        check_actor(json!({"type": "user_actor", "user_id": "user_01Ada"}), Some("user_01Ada"));
        check_actor(json!({"type": "service_account_actor", "service_account_id": "svac_1"}), Some("svac_1"));
        check_actor(json!({"type": "admin_api_key_actor", "admin_api_key_id": "k"}), Some("k"));
        check_actor(json!({"type": "api_actor", "api_key_id": "apikey_1"}), Some("apikey_1"));
        check_actor(json!({"type": "federated_identity_actor", "subject": "repo:a/b"}), Some("repo:a/b"));
        check_actor(json!({"type": "federated_actor", "subject": null}), Some("federated_actor"));
        check_actor(json!({"type": "anthropic_actor"}), Some("Anthropic"));
        check_actor(json!({"type": "system_actor"}), Some("the platform itself"));
        check_actor(json!({"type": "ghost_actor", "id": "x"}), Some("ghost_actor"));
        check_actor(json!(null), None);
        // What a caller wrote must not become a second line or a secret in a report.
        let forged = json!({"type": "federated_identity_actor", "subject": "a\nb sk-ant-api03-x"});
        check_actor(forged, Some("a b (secret)"));
    }

    #[track_caller]
    fn check_outcome(status: Value, expected: ExchangeOutcome, because: &str) {
        let entry = json!({
            "id": "activity_1", "created_at": "2026-11-20T10:00:00Z",
            "type": "platform_federated_authentication", "status": status,
        });
        let Some(Activity { event: ActivityEvent::Authentication { outcome, reason, .. }, .. }) =
            read_activity(&entry)
        else {
            panic!("{entry}")
        };
        assert_eq!((outcome, reason.as_str()), (expected, because));
    }

    #[test]
    fn only_a_known_word_is_an_acceptance() {
        use ExchangeOutcome::{Accepted, Other, Refused};
        check_outcome(json!({"outcome": "success", "reason": null}), Accepted, "");
        let denied = json!({"outcome": "denied", "reason": "jti_reused", "detail": "sk-ant-api03-x"});
        check_outcome(denied, Refused, "jti_reused");
        check_outcome(json!({"outcome": "failure"}), Refused, "");
        check_outcome(json!({"outcome": "partial"}), Other("partial".to_owned()), "");
        check_outcome(json!(null), Other(String::new()), "");
        check_outcome(json!({"outcome": "denied", "reason": "é ".repeat(90)}), Refused, &"é ".repeat(40));
    }

    #[test]
    fn an_entry_without_id_type_or_time_is_passed_over() {
        let whole = json!({"id": "activity_1", "type": "novelty", "created_at": "2026-11-20T10:00:00Z"});
        assert!(read_activity(&whole).is_some());
        for name in ["id", "type", "created_at"] {
            let mut entry = whole.clone();
            entry[name] = json!(null);
            assert_eq!(read_activity(&entry), None, "{name}");
        }
    }
}
