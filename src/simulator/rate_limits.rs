//! Limits of calls in a time: buckets that fill up again as real time passes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Refusal;

const PER_MINUTE_MAX: u32 = 1_000_000;
const LIMITS_MAX: usize = 20;

/// A limit of the calls of some paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    /// A path, or with a star at the end every path that begins so.
    path: String,
    requests_per_minute: u32,
    /// How many calls may come at once; as many as in a minute when left out.
    burst: Option<u32>,
}

/// What is left of a limit.
#[derive(Debug)]
struct Bucket {
    limit: RateLimit,
    /// Calls that may still come, in millionths, so that whole numbers are exact enough.
    left: u64,
    at: Timestamp,
}

/// One call, in millionths.
const CALL: u64 = 1_000_000;

/// What answers tell of a limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) limit: u32,
    pub(super) remaining: u64,
    /// When the bucket is full again.
    pub(super) reset: Timestamp,
}

/// The buckets of an organization's limits.
#[derive(Debug, Default)]
pub(super) struct Buckets(Vec<Bucket>);

/// The one limit that the vendor documents: 600 calls a minute of the Activity Feed.
pub(super) fn documented() -> Vec<RateLimit> {
    vec![RateLimit { path: "/v1/compliance/*".to_owned(), requests_per_minute: 600, burst: None }]
}

/// What is wrong with limits, if anything is.
pub(super) fn problems(limits: &[RateLimit]) -> Vec<String> {
    let problem = |limit: &RateLimit| {
        if !limit.path.starts_with("/v1/") {
            Some("path: it begins with /v1/; the controls are not limited")
        } else if !(1..=PER_MINUTE_MAX).contains(&limit.requests_per_minute) {
            Some("requests_per_minute: from 1 to 1000000")
        } else if limit.burst.is_some_and(|burst| !(1..=PER_MINUTE_MAX).contains(&burst)) {
            Some("burst: from 1 to 1000000")
        } else {
            None
        }
    };
    let each = limits.iter().enumerate();
    let mut problems: Vec<String> =
        each.filter_map(|(at, limit)| Some(format!("rate_limits[{at}]: {}", problem(limit)?))).collect();
    if limits.len() > LIMITS_MAX {
        problems.push(format!("there can be at most {LIMITS_MAX} rate limits"));
    }
    problems
}

impl RateLimit {
    fn concerns(&self, path: &str) -> bool {
        self.path.strip_suffix('*').map_or(path == self.path, |prefix| path.starts_with(prefix))
    }

    fn capacity(&self) -> u64 {
        u64::from(self.burst.unwrap_or(self.requests_per_minute)) * CALL
    }

    /// What a minute adds.
    fn per_minute(&self) -> u64 {
        u64::from(self.requests_per_minute) * CALL
    }

    /// In how many seconds this much is added.
    fn seconds_for(&self, missing: u64) -> u64 {
        (missing * 60).div_ceil(self.per_minute())
    }
}

impl Buckets {
    /// Takes one call out of the first limit that concerns it; none when no limit does.
    ///
    /// # Errors
    /// 429 with `retry-after` when nothing is left.
    pub(super) fn take(
        &mut self,
        limits: &[RateLimit],
        path: &str,
        real: Timestamp,
    ) -> Result<Option<Quota>, Refusal> {
        let is_same = self.0.iter().map(|bucket| &bucket.limit).eq(limits);
        if !is_same {
            let full = |limit: &RateLimit| Bucket { limit: limit.clone(), left: limit.capacity(), at: real };
            self.0 = limits.iter().map(full).collect();
        }
        let Some(bucket) = self.0.iter_mut().find(|bucket| bucket.limit.concerns(path)) else {
            return Ok(None);
        };
        bucket.fill(real);
        if bucket.left < CALL {
            let seconds = bucket.limit.seconds_for(CALL - bucket.left);
            let message = "This request would exceed the rate limit of the organization";
            return Err(Refusal::with_status(429, message).header("retry-after", seconds.to_string()));
        }
        bucket.left -= CALL;
        let missing = bucket.limit.seconds_for(bucket.limit.capacity() - bucket.left);
        let reset = super::clock::later(real, i64::try_from(missing).unwrap_or(i64::MAX));
        let limit = bucket.limit.requests_per_minute;
        Ok(Some(Quota { limit, remaining: bucket.left / CALL, reset }))
    }
}

impl Bucket {
    /// Adds what the time since the last call brings; a clock that goes back brings nothing.
    fn fill(&mut self, real: Timestamp) {
        // The least time that brings a whole unit, so that calls in quick succession lose nothing.
        let passed = u64::try_from(real.duration_since(self.at).as_millis()).unwrap_or(0);
        let brought = u128::from(passed) * u128::from(self.limit.per_minute()) / 60_000;
        if brought == 0 {
            return;
        }
        let left = u128::from(self.left).saturating_add(brought).min(u128::from(self.limit.capacity()));
        self.left = u64::try_from(left).unwrap_or(u64::MAX);
        let counted = jiff::SignedDuration::from_millis(i64::try_from(passed).unwrap_or(i64::MAX));
        self.at = self.at.saturating_add(counted).unwrap_or(real);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(path: &str, requests_per_minute: u32, burst: Option<u32>) -> RateLimit {
        RateLimit { path: path.to_owned(), requests_per_minute, burst }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limits = [limit("/v1/compliance/*", 6, Some(2)), limit("/v1/oauth/token", 60, None)];
        let mut buckets = Buckets::default();
        let mut take = |second: i64, path: &str| match buckets.take(&limits, path, at(second)) {
            Ok(quota) => quota.map_or("free".to_owned(), |quota| format!("{} left", quota.remaining)),
            Err(refusal) => format!("{} after {}", refusal.status, refusal.headers[0].1),
        };
        let feed = "/v1/compliance/activities";
        assert_eq!(take(0, "/v1/organizations/me"), "free");
        assert_eq!(take(0, feed), "1 left");
        assert_eq!(take(0, feed), "0 left");
        assert_eq!(take(0, feed), "429 after 10");
        assert_eq!(take(7, feed), "429 after 3");
        assert_eq!(take(10, feed), "0 left");
        assert_eq!(take(5, feed), "429 after 10", "a clock that goes back brings nothing");
        assert_eq!(take(600, feed), "1 left");
        assert_eq!(take(600, "/v1/oauth/token"), "59 left");
    }

    #[test]
    fn calls_in_quick_succession_are_given_what_the_time_brings() {
        let limits = [limit("/v1/*", 600, Some(1))];
        let mut buckets = Buckets::default();
        // Ten calls a second for a second, asked for every 700 microseconds.
        let start = at(0);
        let taken = (0..=1_428)
            .filter(|turn| {
                let real = start + jiff::SignedDuration::from_micros(turn * 700);
                buckets.take(&limits, "/v1/x", real).is_ok()
            })
            .count();
        assert_eq!(taken, 10);
    }

    #[test]
    fn other_limits_begin_with_full_buckets() {
        let mut buckets = Buckets::default();
        let one = [limit("/v1/*", 1, None)];
        assert!(buckets.take(&one, "/v1/x", at(0)).is_ok());
        assert!(buckets.take(&one, "/v1/x", at(0)).is_err());
        let quota = buckets.take(&[limit("/v1/*", 2, None)], "/v1/x", at(0)).unwrap();
        assert_eq!(quota, Some(Quota { limit: 2, remaining: 1, reset: at(30) }));
    }

    #[test]
    fn wrong_limits_are_told_all_at_once() {
        let wrong = [limit("/", 1, None), limit("/v1/*", 0, None), limit("/v1/*", 1, Some(0))];
        assert_eq!(problems(&wrong).len(), 3);
        assert_eq!(problems(&[limit("/v1/*", 1, Some(1))]), Vec::<String>::new());
    }
}
