//! The usage report: how many tokens each key and each service account used, hour by hour.

use jiff::Timestamp;

use super::http::path;
use super::page::{self, Style};
use super::transport::{Request, Transport, With};
use super::wire::{self, BucketWire};
use super::{ApiError, ErrorKind, UsageRow};

/// Reads token use from the hour that holds `since` until now; hours without any are left out.
pub(crate) async fn usage(transport: &Transport, since: Timestamp) -> Result<Vec<UsageRow>, ApiError> {
    let mut request = Request::get("read the usage report", &path(&["usage_report", "messages"]));
    request.query = vec![
        ("starting_at", start_of_hour(since).to_string()),
        ("bucket_width", "1h".to_owned()),
        ("group_by[]", "api_key_id".to_owned()),
        ("group_by[]", "service_account_id".to_owned()),
    ];
    let read = |request: &Request| page::read_all(transport, "usage buckets", Style::Report, request.clone());
    let buckets = match read(&request).await {
        Err(error) if transport.has_admin_key() && is_refusal(&error) => {
            request.with = With::AdminKey;
            read(&request).await?
        }
        other => other?,
    };
    let mut rows = Vec::new();
    for bucket in buckets {
        let bucket =
            wire::read::<BucketWire>(bucket).map_err(|why| request.error(ErrorKind::Malformed, why))?;
        rows.extend(bucket);
    }
    Ok(rows)
}

fn is_refusal(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden)
}

/// The report snaps to whole hours, so the question does too.
fn start_of_hour(time: Timestamp) -> Timestamp {
    let seconds = time.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3_600)).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: &str, expected: &str) {
        assert_eq!(start_of_hour(time.parse().unwrap()).to_string(), expected);
    }

    #[test]
    fn questions_begin_with_the_hour() {
        check("2026-11-20T10:59:59.9Z", "2026-11-20T10:00:00Z");
        check("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z");
        check("1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z");
    }
}
