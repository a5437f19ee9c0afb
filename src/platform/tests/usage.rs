//! Both reports of use, and which of them is taken.

use super::*;

/// Times go out without the fraction.
const NOW: &str = "2026-11-20T13:40:00.123456789Z";
const ADMIN_KEY: &str = "sk-ant-admin01-canary";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn question(since: &str) -> UsageQuestion {
    UsageQuestion { since: time(since), key_ids: ["apikey_01Ci".to_owned()].into() }
}

fn row(
    start: &str,
    key: Option<&str>,
    account: Option<&str>,
    tokens: u64,
    requests: Option<u64>,
) -> UsageRow {
    let starting_at = time(start);
    UsageRow {
        starting_at,
        ending_at: starting_at + jiff::SignedDuration::from_hours(1),
        api_key_id: key.map(Into::into),
        service_account_id: account.map(Into::into),
        tokens,
        requests,
    }
}

/// What a question was sent with: the endpoint, and the key or the token.
fn route(seen: &Seen) -> String {
    let endpoint = if seen.path.ends_with("/analytics/usage") { "analytics" } else { "report" };
    match (seen.header("x-api-key"), seen.header("authorization")) {
        (Some(ADMIN_KEY), None) => format!("{endpoint} key"),
        (None, Some("Bearer sk-ant-oat01-engine")) => format!("{endpoint} token"),
        other => panic!("{other:?}"),
    }
}

/// A server with a clock, and a client that has both credentials.
async fn serve(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Server, HttpPlatform) {
    let server = Server::start(move |seen| match seen.path.as_str() {
        "/_simulator/clock" => Reply::new(200, json!({ "now": NOW }).to_string()),
        _ => answer(seen),
    })
    .await;
    let settings =
        Settings { clock: ClockSource::Simulator, report_keys: admin(ADMIN_KEY), ..server.settings() };
    let (client, _) = client(settings);
    (server, client)
}

fn questions(server: &Server) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path != "/_simulator/clock").collect()
}

fn analytics(seen: &Seen) -> Reply {
    match seen.query.contains("page=rows-2") {
        false => Reply::file("2026-10-21/analytics_page_1.json"),
        true => Reply::file("2026-10-21/analytics_page_2.json"),
    }
}

fn report(seen: &Seen) -> Reply {
    match seen.query.contains("page=bucket-2") {
        false => Reply::file("usage_page_1.json"),
        true => Reply::file("usage_page_2.json"),
    }
}

#[tokio::test]
async fn the_newer_report_counts_requests_and_says_how_complete_it_is() {
    let (server, client) = serve(analytics).await;
    let usage = client.usage(&question("2026-11-20T10:59:00Z")).await.unwrap();
    assert_eq!(usage.source, UsageSource::Analytics);
    // Nothing shows whether the open hour, from 13:00, is part of the answer.
    assert_eq!(usage.complete_until, Some(time("2026-11-20T13:00:00Z")));
    assert_eq!(
        usage.rows,
        [
            row("2026-11-20T10:00:00Z", Some("apikey_01Ci"), None, 31, Some(3)),
            row("2026-11-20T11:00:00Z", Some("apikey_01Ci"), None, 0, Some(2)),
            row("2026-11-20T12:00:00Z", None, Some("svac_01Release"), 150, Some(7)),
        ]
    );
    let seen = questions(&server);
    let first = "starting_at=2026-11-20T10%3A00%3A00Z&ending_at=2026-11-20T13%3A40%3A00Z&time_bucket_width=1h\
                 &group_by%5B%5D=actor&group_by%5B%5D=api_key_id&order_by=time\
                 &api_key_ids%5B%5D=apikey_01Ci&api_key_ids%5B%5D=&limit=1000";
    assert_eq!(seen[0].query, first);
    assert_eq!(seen[1].query, format!("{first}&page=rows-2"));
    assert_eq!(seen[0].header("anthropic-beta"), Some("analytics-usage-cost-2026-08-24"));
    assert_eq!(seen[0].header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(route(&seen[0]), "analytics key");
}

#[tokio::test]
async fn the_older_report_is_read_to_the_end_and_silence_is_left_out() {
    let (server, client) = serve(|seen| match seen.path.ends_with("analytics/usage") {
        true => Reply::new(404, "{}"),
        false => report(seen),
    })
    .await;
    let usage = client.usage(&question("2026-11-20T10:59:00Z")).await.unwrap();
    let rows = vec![
        row("2026-11-20T10:00:00Z", Some("apikey_01Ci"), None, 31, None),
        row("2026-11-20T12:00:00Z", None, Some("svac_01Release"), 150, None),
    ];
    assert_eq!(usage, Usage { rows, complete_until: None, source: UsageSource::Report });
    let first = "starting_at=2026-11-20T10%3A00%3A00Z&bucket_width=1h&group_by%5B%5D=api_key_id\
                 &group_by%5B%5D=service_account_id&limit=168";
    let seen = questions(&server);
    let queries: Vec<&str> = seen[1..].iter().map(|seen| seen.query.as_str()).collect();
    assert_eq!(queries, [first, &format!("{first}&page=bucket-2")]);
}

#[tokio::test]
async fn whatever_may_be_read_is_read_and_asked_first_the_next_time() {
    let all = ["analytics key", "analytics token", "report key", "report token"];
    for (open, status) in [(0, 401), (1, 403), (2, 401), (3, 403)] {
        let (server, client) = serve(move |seen| {
            let place = all.iter().position(|known| *known == route(seen)).unwrap();
            match (place == open, place < 2) {
                (true, true) => analytics(seen),
                (true, false) => report(seen),
                (false, _) => Reply::new(status, "{}"),
            }
        })
        .await;
        let first = client.usage(&question("2026-11-20T10:59:00Z")).await.unwrap();
        let routes: Vec<String> = questions(&server).iter().map(route).collect();
        assert_eq!(routes[..=open], all[..=open]);
        let before = routes.len();
        assert_eq!(client.usage(&question("2026-11-20T10:59:00Z")).await.unwrap(), first);
        // The endpoint is remembered, with the key first.
        assert_eq!(route(&questions(&server)[before]), all[open & 2]);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_or_not_understood_is_passed_over() {
    for status in [404, 400] {
        let (server, client) = serve(move |seen| match seen.path.ends_with("analytics/usage") {
            true => Reply::new(status, "{}"),
            false => report(seen),
        })
        .await;
        let usage = client.usage(&question("2026-11-20T10:59:00Z")).await.unwrap();
        assert_eq!(usage.source, UsageSource::Report);
        let routes: Vec<String> = questions(&server).iter().map(route).collect();
        assert_eq!(routes, ["analytics key", "report key", "report key"]);
    }
}

#[tokio::test]
async fn that_the_older_report_has_to_do_is_told_once() {
    let server = Server::start(|seen| match seen.path.ends_with("analytics/usage") {
        true => Reply::new(400, r#"{"error":{"message":"not for organizations with HIPAA readiness"}}"#),
        false => report(seen),
    })
    .await;
    let (settings, notices) = noticing(server.settings());
    let (client, _) = client(settings);
    for _ in 0..2 {
        let usage = client.usage(&question("2026-10-20T10:59:00Z")).await.unwrap();
        assert_eq!(usage.source, UsageSource::Report);
    }
    let notices = notices.lock().unwrap();
    assert_eq!(notices.len(), 1);
    for words in ["not for organizations with HIPAA readiness", "req_01Test", "calls that fail do not show"] {
        assert!(notices[0].contains(words), "{}", notices[0]);
    }
}

#[tokio::test]
async fn with_the_token_alone_both_betas_are_named() {
    let server = Server::start(|_| Reply::new(404, "{}")).await;
    server.client().0.usage(&question("2026-10-20T10:59:00Z")).await.unwrap_err();
    let asked = &server.seen()[0];
    assert_eq!(route(asked), "analytics token");
    assert_eq!(asked.header("anthropic-beta"), Some("oauth-2025-04-20,analytics-usage-cost-2026-08-24"));
}

#[tokio::test]
async fn what_nobody_may_read_is_a_refusal_and_a_failure_is_a_failure() {
    let (_server, client) = serve(|_| Reply::new(403, "{}")).await;
    let error = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap_err();
    assert!(error.is_closed(), "{error}");
    let (server, client) = serve(|_| Reply::new(500, "{}").header("x-should-retry", "false")).await;
    let error = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.is_closed()), (ErrorKind::Unavailable { status: 500 }, false));
    assert_eq!(questions(&server).len(), 1, "a service that is not well is not asked another way");
}

#[tokio::test]
async fn a_long_time_is_asked_for_in_parts_and_a_very_long_one_of_the_older_report() {
    let (server, client) = serve(|seen| match seen.path.ends_with("analytics/usage") {
        true => {
            let refreshed = if seen.query.contains("starting_at=2026-10-01") { "12:10" } else { "13:20" };
            let refreshed = format!("2026-11-20T{refreshed}:00Z");
            Reply::new(
                200,
                json!({"data": [], "next_page": null, "data_refreshed_at": refreshed}).to_string(),
            )
        }
        false => report(seen),
    })
    .await;
    let usage = client.usage(&question("2026-10-01T00:00:00Z")).await.unwrap();
    assert_eq!(usage.complete_until, Some(time("2026-11-20T12:10:00Z")), "the least of all parts");
    assert_eq!(questions(&server).len(), 2);
    let usage = client.usage(&question("2025-12-31T23:59:00Z")).await.unwrap();
    assert_eq!(usage.source, UsageSource::Report);
}

#[tokio::test]
async fn pages_of_different_refreshes_are_read_again_and_then_given_up() {
    let check = async |changes: usize, expected: UsageSource| {
        let left = Mutex::new(changes);
        let (_server, client) = serve(move |seen| {
            if !seen.path.ends_with("analytics/usage") {
                return report(seen);
            }
            let page = analytics(seen);
            let mut left = left.lock().unwrap();
            if seen.query.contains("page=rows-2") && *left > 0 {
                *left -= 1;
                return Reply::new(200, page.body.replace("13:20:00Z", "13:30:00Z"));
            }
            page
        })
        .await;
        let usage = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap();
        assert_eq!((usage.source, usage.rows.len()), (expected, if changes > 3 { 2 } else { 3 }));
    };
    check(1, UsageSource::Analytics).await;
    check(3, UsageSource::Analytics).await;
    check(99, UsageSource::Report).await;
}

#[tokio::test]
async fn a_report_that_leaves_something_out_is_no_evidence() {
    let analytics: [(&str, &str); 4] = [
        ("\"total_tokens\"", "\"tokens\""),
        ("\"api_key_id\": null,\n        \"workspace_id\"", "\"workspace_id\""),
        ("\"data_refreshed_at\": \"2026", "\"data_refreshed_at\": \"later"),
        ("\"next_page\"", "\"more\""),
    ];
    for (from, to) in analytics {
        let body = fixture("2026-10-21/analytics_page_2.json");
        assert!(body.contains(from), "{from}");
        let body = body.replace(from, to);
        let (_server, client) = serve(move |_| Reply::new(200, body.clone())).await;
        let error = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{from}: {error}");
    }
    let report = [
        ("\"output_tokens\"", "\"other\""),
        ("\"has_more\": false", "\"has_more\": true"),
        ("\"results\"", "\"rows\""),
    ];
    for (from, to) in report {
        let (_server, client) = serve(move |seen| match seen.path.ends_with("analytics/usage") {
            true => Reply::new(404, "{}"),
            false => Reply::new(200, fixture("usage_page_2.json").replace(from, to)),
        })
        .await;
        let error = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{error}");
    }
}

#[tokio::test]
async fn the_key_goes_nowhere_else_and_is_never_shown() {
    let (server, client) =
        serve(|_| Reply::new(401, r#"{"error":{"message":"bad sk-ant-admin01-canary"}}"#)).await;
    client.api_key("apikey_1").await.unwrap_err();
    assert_eq!(server.seen()[0].header("x-api-key"), None);
    let error = client.usage(&question("2026-11-20T10:00:00Z")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
    for key in ["", " ", "sk-ant-admin01-x\ny", "sk-ant-schl\u{fc}ssel"] {
        let settings = Settings { report_keys: admin(key), ..server.settings() };
        let error = HttpPlatform::new(settings).err().expect("a refusal");
        assert_eq!(error.kind, ErrorKind::Credential, "{key:?}");
    }
}
