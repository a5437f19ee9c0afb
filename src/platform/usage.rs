//! Use of keys and service accounts, hour by hour.
//!
//! Two endpoints tell it, and which of them a credential may read is not the same everywhere. The
//! newer one counts requests too, so that calls that fail show, and says until when it is complete.
//! The older one counts tokens and lags by a few minutes. The first that answers is taken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::http::path;
use super::page::{self, End, Next, Style};
use super::transport::{Request, Transport};
use super::wire::{self, BucketWire, UsageRowWire};
use super::{ApiError, ErrorKind};
use crate::limits;

/// What is asked about use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuestion {
    /// From when; rounded down to the hour.
    pub since: Timestamp,
    /// The keys of interest, `apikey_…`. Rows of others may come too; rows without a key always do.
    pub key_ids: BTreeSet<String>,
}

/// What is known about use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// One row for each hour, key and service account with any use.
    pub rows: Vec<UsageRow>,
    /// Until when the rows are complete, where the answer tells; later use may be missing.
    pub complete_until: Option<Timestamp>,
    /// Which endpoint told it.
    pub source: UsageSource,
}

/// Which endpoint tells about use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSource {
    /// `analytics/usage`.
    Analytics,
    /// `usage_report/messages`.
    Report,
}

impl UsageSource {
    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            UsageSource::Analytics => "usage analytics",
            UsageSource::Report => "usage report",
        }
    }
}

/// Use in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Start of the bucket.
    pub starting_at: Timestamp,
    /// End of the bucket.
    pub ending_at: Timestamp,
    /// The key that authenticated; none for federated traffic.
    pub api_key_id: Option<String>,
    /// The service account the traffic belongs to.
    pub service_account_id: Option<String>,
    /// All tokens together; 0 only when there were requests.
    pub tokens: u64,
    /// How many requests, failed ones included, where the endpoint counts them.
    pub requests: Option<u64>,
}

/// The endpoint that answered last, and whether it was told that another had to do.
#[derive(Debug, Default)]
pub(crate) struct LastSource {
    answered: Mutex<Option<UsageSource>>,
    told: AtomicBool,
}

impl LastSource {
    /// Both endpoints, the one that answered last first.
    fn sources(&self) -> [UsageSource; 2] {
        match *self.answered.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(UsageSource::Report) => [UsageSource::Report, UsageSource::Analytics],
            _ => [UsageSource::Analytics, UsageSource::Report],
        }
    }

    fn note(&self, source: UsageSource) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }

    /// Tells once that the newer endpoint called the question wrong, and what that means.
    fn tell(&self, transport: &Transport, error: &ApiError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            transport.notice(&format!(
                "{error}. The older usage report is read in its place: it counts tokens, so that calls that fail do \
                 not show as use of a key. Organizations with HIPAA readiness are always answered so."
            ));
        }
    }
}

/// Reads use from the hour that holds the question's start until `now`.
///
/// # Errors
/// When no endpoint may be read with the credentials at hand, the refusal of the last one asked.
pub(crate) async fn usage(
    transport: &Transport,
    last: &LastSource,
    question: &UsageQuestion,
    now: Timestamp,
) -> Result<Usage, ApiError> {
    let now = whole_seconds(now);
    let mut refusal = None;
    for source in last.sources() {
        let read = match source {
            UsageSource::Analytics => analytics(transport, question, now).await,
            UsageSource::Report => report(transport, question.since).await.map(Some),
        };
        match read {
            Ok(Some(usage)) => {
                last.note(source);
                return Ok(usage);
            }
            Ok(None) => {}
            Err(error) if error.is_closed() => refusal = Some(error),
            // An organization with HIPAA readiness is told this, and so is who asks through a gateway
            // that does not know the beta.
            Err(error) if source == UsageSource::Analytics && error.kind == ErrorKind::Invalid => {
                last.tell(transport, &error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(refusal.expect("the older report always answers or refuses"))
}

/// The older report, which says nothing of how complete it is.
async fn report(transport: &Transport, since: Timestamp) -> Result<Usage, ApiError> {
    let mut request = Request::get("read the usage report", &path(&["usage_report", "messages"]));
    request.query = vec![
        ("starting_at", start_of_hour(since).to_string()),
        ("bucket_width", "1h".to_owned()),
        ("group_by[]", "api_key_id".to_owned()),
        ("group_by[]", "service_account_id".to_owned()),
    ];
    let buckets = page::read_all(transport, "usage buckets", Style::Report, request.clone()).await?;
    let mut rows = Vec::new();
    for bucket in buckets {
        let bucket =
            wire::read::<BucketWire>(bucket).map_err(|why| request.error(ErrorKind::Malformed, why))?;
        rows.extend(bucket);
    }
    Ok(Usage { rows, complete_until: None, source: UsageSource::Report })
}

/// The newer endpoint; none when it does not reach back far enough, or kept changing.
async fn analytics(
    transport: &Transport,
    question: &UsageQuestion,
    now: Timestamp,
) -> Result<Option<Usage>, ApiError> {
    let since = start_of_hour(question.since);
    if since < earliest(now) {
        return Ok(None);
    }
    let mut rows = Vec::new();
    let mut refreshed_at: Option<Timestamp> = None;
    for (from, to) in windows(since, now) {
        let request = analytics_request(question, from, to);
        let mut first: Option<Option<Timestamp>> = None;
        // Pages of different refreshes may leave a row out between them.
        let look = |page: &serde_json::Map<String, serde_json::Value>| {
            let at = wire::refreshed_at(page)?;
            match first {
                Some(earlier) if earlier != at => {
                    first = None;
                    Ok(Next::Restart)
                }
                _ => {
                    first = Some(at);
                    Ok(Next::Page)
                }
            }
        };
        let (values, end) = page::read_pages(transport, "usage rows", Style::Rows, &request, look).await?;
        if end == End::Unsettled {
            return Ok(None);
        }
        for value in values {
            let row =
                wire::read::<UsageRowWire>(value).map_err(|why| request.error(ErrorKind::Malformed, why))?;
            rows.extend(row);
        }
        let stated =
            first.flatten().unwrap_or_else(|| now - SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS));
        refreshed_at = Some(refreshed_at.map_or(stated, |earlier| earlier.min(stated)));
    }
    let complete_until = complete_until(&rows, refreshed_at.unwrap_or(since), now);
    Ok(Some(Usage { rows, complete_until: Some(complete_until), source: UsageSource::Analytics }))
}

/// Most keys that a question names; with more the address would get too long, and all are read.
const KEYS_NAMED_MAX: usize = 50;

fn analytics_request(question: &UsageQuestion, from: Timestamp, to: Timestamp) -> Request {
    let mut request = Request::get("read the usage analytics", &path(&["analytics", "usage"]));
    request.beta = Some("analytics-usage-cost-2026-08-24");
    request.query = vec![
        ("starting_at", from.to_string()),
        ("ending_at", to.to_string()),
        ("time_bucket_width", "1h".to_owned()),
        ("group_by[]", "actor".to_owned()),
        ("group_by[]", "api_key_id".to_owned()),
        // By size, which is the default, a row could move from one page to another while they are read.
        ("order_by", "time".to_owned()),
    ];
    if (1..=KEYS_NAMED_MAX).contains(&question.key_ids.len()) {
        let named = question.key_ids.iter().cloned().map(|id| ("api_key_ids[]", id));
        request.query.extend(named);
        // An empty entry asks for what no key authenticated.
        request.query.push(("api_key_ids[]", String::new()));
    }
    request
}

/// The earliest time that may be asked about (documented: 365 days back, and not before 2026).
fn earliest(now: Timestamp) -> Timestamp {
    // The first second of 2026 in UTC.
    let first = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::MIN);
    now.checked_sub(SignedDuration::from_hours(365 * 24)).unwrap_or(Timestamp::MIN).max(first)
}

/// The spans to ask about one by one (documented: at most 31 days each).
fn windows(since: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut windows = Vec::new();
    let mut from = since;
    while from < until {
        let to = from.checked_add(SignedDuration::from_hours(31 * 24)).unwrap_or(Timestamp::MAX).min(until);
        windows.push((from, to));
        from = to;
    }
    windows
}

/// Until when the rows can be relied on. The hour that is not over may be left out altogether, so
/// it counts only when a row of it shows that it is not.
fn complete_until(rows: &[UsageRow], refreshed_at: Timestamp, now: Timestamp) -> Timestamp {
    let open_hour = start_of_hour(now);
    let shown = rows.iter().any(|row| row.starting_at >= open_hour);
    refreshed_at.min(if shown { now } else { open_hour })
}

/// Times go out without a fraction, as the API documents them.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(Timestamp::MIN)
}

/// The endpoints snap to whole hours, so the questions do too.
fn start_of_hour(time: Timestamp) -> Timestamp {
    let seconds = time.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3_600)).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(start_of_hour(time(text)).to_string(), expected);
    }

    #[test]
    fn questions_begin_with_the_hour() {
        check("2026-11-20T10:59:59.9Z", "2026-11-20T10:00:00Z");
        check("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z");
        check("1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z");
    }

    #[track_caller]
    fn check_windows(since: &str, until: &str, expected: &[&str]) {
        let found: Vec<String> =
            windows(time(since), time(until)).iter().map(|(from, to)| format!("{from}/{to}")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn long_spans_are_asked_for_in_parts_without_a_gap() {
        check_windows("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", &[]);
        let april = "2026-04-01T00:00:00Z";
        check_windows("2026-03-01T00:00:00Z", april, &["2026-03-01T00:00:00Z/2026-04-01T00:00:00Z"]);
        check_windows(
            "2026-02-28T23:00:00Z",
            april,
            &["2026-02-28T23:00:00Z/2026-03-31T23:00:00Z", "2026-03-31T23:00:00Z/2026-04-01T00:00:00Z"],
        );
    }

    #[test]
    fn the_past_ends_somewhere() {
        assert_eq!(earliest(time("2026-11-24T00:00:00Z")), time("2026-01-01T00:00:00Z"));
        assert_eq!(earliest(time("2027-11-24T00:00:00Z")), time("2026-11-24T00:00:00Z"));
    }

    #[test]
    fn an_hour_that_is_not_over_counts_only_when_it_shows() {
        let now = time("2026-11-24T10:40:00Z");
        let row = |start: &str| UsageRow {
            starting_at: time(start),
            ending_at: time(start),
            api_key_id: None,
            service_account_id: None,
            tokens: 1,
            requests: None,
        };
        let until =
            |rows: &[UsageRow], refreshed: &str| complete_until(rows, time(refreshed), now).to_string();
        assert_eq!(until(&[], "2026-11-24T10:30:00Z"), "2026-11-24T10:00:00Z");
        assert_eq!(until(&[row("2026-11-24T09:00:00Z")], "2026-11-24T10:30:00Z"), "2026-11-24T10:00:00Z");
        assert_eq!(until(&[row("2026-11-24T10:00:00Z")], "2026-11-24T10:30:00Z"), "2026-11-24T10:30:00Z");
        assert_eq!(until(&[], "2026-11-24T08:30:00Z"), "2026-11-24T08:30:00Z");
        assert_eq!(until(&[row("2026-11-24T10:00:00Z")], "2026-11-24T11:30:00Z"), "2026-11-24T10:40:00Z");
    }
}
