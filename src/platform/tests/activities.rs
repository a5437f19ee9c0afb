//! The Activity Feed: what is asked, what is understood, and that it may be absent.

use super::*;

fn question(about: ActivityKind) -> ActivityQuestion {
    ActivityQuestion { about, since: "2026-11-19T10:00:00.999999999Z".parse().unwrap() }
}

async fn serve(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Server, HttpPlatform) {
    let server = Server::start(answer).await;
    let report_keys = admin("sk-ant-admin01-canary");
    let (client, _) = client(Settings { report_keys, ..server.settings() });
    (server, client)
}

fn feed(seen: &Seen) -> Reply {
    match seen.query.contains("after_id=activity_02Refused") {
        false => Reply::file("activities_page_1.json"),
        true => Reply::file("activities_page_2.json"),
    }
}

#[tokio::test]
async fn exchanges_are_read_from_the_newest_on() {
    let (server, client) = serve(feed).await;
    let entries = client.activities(question(ActivityKind::Authentications)).await.unwrap().unwrap();
    let exchange = |rule: Option<&str>, outcome, reason: &str| ActivityEvent::Authentication {
        rule_id: rule.map(Into::into),
        service_account_id: Some("svac_01Release".into()),
        outcome,
        reason: reason.into(),
        request_id: Some("req_01Exchange".into()),
    };
    let events: Vec<&ActivityEvent> = entries.iter().map(|entry| &entry.event).collect();
    assert_eq!(
        events[..3],
        [
            &exchange(Some("fdrl_01Release"), ExchangeOutcome::Accepted, ""),
            &exchange(Some("fdrl_01Release"), ExchangeOutcome::Refused, "match_subject_prefix"),
            &exchange(None, ExchangeOutcome::Other("postponed".into()), ""),
        ]
    );
    assert_eq!(entries[0].at.to_string(), "2026-11-20T10:00:00.123Z");
    assert_eq!(entries[0].actor.as_deref(), Some("repo:acme/app:environment:production"));
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/v1/compliance/activities"));
    let first = "created_at.gte=2026-11-19T10%3A00%3A00Z&activity_types%5B%5D=platform_federated_authentication\
                 &limit=1000";
    assert_eq!(seen[0].query, first);
    assert_eq!(seen[1].query, format!("{first}&after_id=activity_02Refused"));
    assert_eq!(seen[0].header("x-api-key"), Some("sk-ant-admin01-canary"));
    assert_eq!(seen[0].header("authorization"), None);
    // What the caller wrote into its token must not come into a report.
    assert!(!format!("{entries:?}").contains("canary"));
}

#[tokio::test]
async fn changes_are_told_with_who_and_what() {
    let (server, client) = serve(feed).await;
    let entries = client.activities(question(ActivityKind::Changes)).await.unwrap().unwrap();
    let change = entries.last().unwrap();
    assert_eq!(change.actor.as_deref(), Some("user_01Ada (ada@example.com)"));
    assert_eq!(
        change.event,
        ActivityEvent::Change {
            kind: "platform_api_key_updated".into(),
            objects: vec!["apikey_01Ci".into()],
            updates: vec![("status".into(), "active".into())],
        }
    );
    let asked = &server.seen()[0].query;
    for kind in ["platform_federation_rule_archived", "platform_api_key_updated"] {
        assert!(asked.contains(&format!("activity_types%5B%5D={kind}")), "{asked}");
    }
}

#[tokio::test]
async fn a_feed_that_cannot_be_read_is_a_normal_outcome_and_not_asked_again() {
    for status in [401, 403, 404] {
        let (server, client) = serve(move |_| Reply::new(status, "{}")).await;
        assert_eq!(client.activities(question(ActivityKind::Changes)).await, Ok(None));
        let asked = server.seen().len();
        assert_eq!(client.activities(question(ActivityKind::Authentications)).await, Ok(None));
        assert_eq!(server.seen().len(), asked);
    }
    // Without a key it is not asked at all.
    let server = Server::start(feed).await;
    assert_eq!(server.client().0.activities(question(ActivityKind::Changes)).await, Ok(None));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_feed_that_fails_is_an_error() {
    let (_server, client) = serve(|_| Reply::new(500, "{}").header("x-should-retry", "false")).await;
    let error = client.activities(question(ActivityKind::Changes)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable { status: 500 });
    assert_eq!(error.operation, "read the Activity Feed");
}

#[tokio::test]
async fn a_long_feed_is_not_read_to_its_end() {
    let number = std::sync::atomic::AtomicUsize::new(0);
    let (server, client) = serve(move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let page =
            json!({"data": [], "has_more": true, "first_id": null, "last_id": format!("activity_{number}")});
        Reply::new(200, page.to_string())
    })
    .await;
    let entries = client.activities(question(ActivityKind::Authentications)).await.unwrap();
    assert_eq!((entries, server.seen().len()), (Some(Vec::new()), crate::limits::FEED_PAGES_MAX));
}
