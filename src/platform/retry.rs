//! When a call is sent again, and how long is waited before it is.
//!
//! The decision is a pure function of what went wrong and of what a repetition could do; waiting
//! and chance come from a [`Pace`], so that tests wait for nothing.

use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{ApiError, ErrorKind};
use crate::limits;

/// What sending a request twice could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads.
    Read,
    /// It changes something, and twice is the same as once.
    Repeatable,
    /// It creates something, and twice might make two.
    Create,
    /// It uses something up, such as an identity token that works once.
    Once,
}

/// An attempt that failed, with the server's own wishes.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) error: ApiError,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// What the server says about trying again.
    pub(crate) should_retry: Option<bool>,
}

/// What one call has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// Attempts made.
    pub(crate) tries: u32,
    /// Time waited between them.
    pub(crate) waited: Duration,
}

/// What to do after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after this time.
    Wait(Duration),
    /// There must not be another try, or there were enough.
    End,
    /// The server asks to wait for so long that all waits together would be over the bound.
    TooLong(Duration),
}

/// Whether and when to try again; `first` is the first wait of one's own, and `jitter` a chance from
/// 0 to 1.
///
/// A server that asks for fewer calls is obeyed for as long as [`limits::RETRY_PATIENCE`]; of other
/// failures there may be [`limits::CALL_TRIES_MAX`].
pub(crate) fn next(failure: &Failure, effect: Effect, spent: Spent, first: Duration, jitter: f64) -> Next {
    let limited = matches!(failure.error.kind, ErrorKind::RateLimited { .. });
    if !may_repeat(failure, effect) || (!limited && spent.tries >= limits::CALL_TRIES_MAX) {
        return Next::End;
    }
    let own = backoff(first, spent.tries, jitter);
    // The server's wish is the least; a little more keeps those who were told the same apart.
    let apart = 1.0 + 0.1 * jitter.clamp(0.0, 1.0);
    // What is beyond all patience is not computed with: it could be more than a duration holds.
    let wished = failure.retry_after.map(|wait| match wait > limits::RETRY_PATIENCE {
        true => wait,
        false => wait.mul_f64(apart),
    });
    let wait = wished.map_or(own, |wished| if limited { wished.max(own) } else { wished });
    match spent.waited.saturating_add(wait) > limits::RETRY_PATIENCE {
        true => Next::TooLong(wait),
        false => Next::Wait(wait),
    }
}

fn may_repeat(failure: &Failure, effect: Effect) -> bool {
    let refused = failure.should_retry == Some(false);
    match (&failure.error.kind, effect) {
        (ErrorKind::NotSent, _) => true,
        // A refusal for haste means that nothing happened, so even a create may follow.
        (ErrorKind::RateLimited { .. }, Effect::Read | Effect::Repeatable | Effect::Create) => !refused,
        (_, Effect::Create | Effect::Once) => false,
        (ErrorKind::AnswerLost, _) => true,
        (ErrorKind::Unavailable { .. }, _) => !refused,
        // Two changes met; the one that lost has not happened and may be made after the other.
        (ErrorKind::Conflict, _) if failure.error.code.as_deref() == Some(MEETING) => !refused,
        _ => failure.should_retry == Some(true),
    }
}

/// The documented code of a change that met another change of the same membership.
const MEETING: &str = "concurrent_membership_change";

/// The first wait, doubling to sixteen times that, less up to a quarter by chance.
pub(crate) fn backoff(first: Duration, tries: u32, jitter: f64) -> Duration {
    first.mul_f64(
        f64::from(1u32 << tries.clamp(1, 5).saturating_sub(1)) * (1.0 - 0.25 * jitter.clamp(0.0, 1.0)),
    )
}

/// The error that the caller sees once no try is left.
///
/// A create that may have happened says so whatever the status was, because its caller has to
/// look before it acts. A read that got no answer changed nothing, so to its caller it is as if
/// it had not been sent.
pub(crate) fn settle(mut error: ApiError, effect: Effect) -> ApiError {
    let in_doubt =
        matches!(error.kind, ErrorKind::AnswerLost | ErrorKind::Unavailable { .. } | ErrorKind::Malformed);
    match effect {
        Effect::Create if in_doubt => error.kind = ErrorKind::AnswerLost,
        Effect::Read if error.kind == ErrorKind::AnswerLost => error.kind = ErrorKind::NotSent,
        _ => {}
    }
    error
}

/// How long the server asks to wait: `retry-after-ms`, or `retry-after` in seconds, fractions
/// allowed, or as a calendar date. A date is held against the server's own `date`, since our clock
/// may be wrong, and against `now` where there is none; one that is over means no wait.
pub(crate) fn retry_after(header: impl Fn(&str) -> Option<String>, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| header(name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"));
    if let Some(seconds) = seconds {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = date(&header("retry-after")?)?;
    Some(until_then(until, &header, now))
}

/// Reads a date as HTTP states it.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}

fn until_then(until: Timestamp, header: impl Fn(&str) -> Option<String>, now: Timestamp) -> Duration {
    let now = header("date").and_then(|text| date(&text)).unwrap_or(now);
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

/// What the server says of its quota of requests, where it says anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Requests left before the quota is renewed.
    pub(crate) remaining: Option<u64>,
    /// Time until it is renewed.
    pub(crate) renewed_in: Option<Duration>,
}

impl Quota {
    /// Reads the headers `anthropic-ratelimit-requests-remaining` and `-reset`, a time.
    pub(crate) fn read(header: impl Fn(&str) -> Option<String>, now: Timestamp) -> Quota {
        let read = |name: &str| header(&format!("anthropic-ratelimit-requests-{name}"));
        let remaining = read("remaining").and_then(|text| text.trim().parse().ok());
        let reset: Option<Timestamp> = read("reset").and_then(|text| text.trim().parse().ok());
        Quota { remaining, renewed_in: reset.map(|reset| until_then(reset, &header, now)) }
    }

    /// How long to send nothing, because nothing would be taken.
    pub(crate) fn pause(self) -> Option<Duration> {
        let spent = self.remaining == Some(0);
        self.renewed_in.filter(|wait| spent && !wait.is_zero()).map(|wait| wait.min(limits::QUOTA_PAUSE_MAX))
    }
}

/// Time and chance, as the client needs them.
pub(crate) trait Pace: Send + Sync + 'static {
    /// A clock that never goes back.
    fn now(&self) -> Instant;
    /// The time of day, for what servers state as a date.
    fn wall(&self) -> Timestamp;
    /// Waits.
    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    /// A chance from 0 to 1.
    fn jitter(&self) -> f64;
}

/// The real ones.
pub(crate) struct SystemPace;

impl Pace for SystemPace {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(wait))
    }

    fn jitter(&self) -> f64 {
        let mut bytes = [0; 4];
        // Without randomness the waits are merely all of the same length.
        match aws_lc_rs::rand::fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 0.0,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A pace whose sleeps pass at once and are remembered.
    pub(crate) struct QuickPace {
        start: Instant,
        slept: Mutex<Vec<Duration>>,
    }

    impl QuickPace {
        pub(crate) fn new() -> Arc<QuickPace> {
            Arc::new(QuickPace { start: Instant::now(), slept: Mutex::new(Vec::new()) })
        }

        pub(crate) fn slept(&self) -> Vec<Duration> {
            self.slept.lock().unwrap().clone()
        }
    }

    impl Pace for QuickPace {
        fn now(&self) -> Instant {
            self.start + self.slept().iter().sum::<Duration>()
        }

        fn wall(&self) -> Timestamp {
            Timestamp::from_second(1_792_567_000).unwrap()
        }

        fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            self.slept.lock().unwrap().push(wait);
            Box::pin(std::future::ready(()))
        }

        fn jitter(&self) -> f64 {
            0.0
        }
    }

    fn failure(kind: ErrorKind) -> Failure {
        let error = ApiError {
            operation: "test".into(),
            endpoint: String::new(),
            kind,
            message: String::new(),
            code: None,
            request_id: None,
            advice: None,
        };
        Failure { error, retry_after: None, should_retry: None }
    }

    fn first() -> Spent {
        Spent { tries: 1, waited: Duration::ZERO }
    }

    fn limited(seconds: u64) -> Failure {
        Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..failure(ErrorKind::RateLimited { retry_after: None })
        }
    }

    fn wish(kind: ErrorKind, should_retry: bool) -> Failure {
        Failure { should_retry: Some(should_retry), ..failure(kind) }
    }

    fn coded(kind: ErrorKind, code: &str) -> Failure {
        let mut failure = failure(kind);
        failure.error.code = Some(code.to_owned());
        failure
    }

    #[test]
    fn only_what_cannot_happen_twice_is_sent_twice() {
        use Effect::*;
        let unavailable = || ErrorKind::Unavailable { status: 503 };
        let cases: Vec<(Failure, [bool; 4])> = vec![
            (failure(ErrorKind::NotSent), [true, true, true, true]),
            (failure(ErrorKind::AnswerLost), [true, true, false, false]),
            (failure(unavailable()), [true, true, false, false]),
            (wish(unavailable(), false), [false, false, false, false]),
            (wish(unavailable(), true), [true, true, false, false]),
            (failure(ErrorKind::RateLimited { retry_after: None }), [true, true, true, false]),
            (wish(ErrorKind::RateLimited { retry_after: None }, false), [false, false, false, false]),
            (failure(ErrorKind::Conflict), [false, false, false, false]),
            (coded(ErrorKind::Conflict, MEETING), [true, true, false, false]),
            (coded(ErrorKind::Conflict, "other"), [false, false, false, false]),
            (failure(ErrorKind::Unavailable { status: 408 }), [true, true, false, false]),
            (failure(ErrorKind::Unavailable { status: 529 }), [true, true, false, false]),
            (wish(ErrorKind::Conflict, true), [true, true, false, false]),
            (failure(ErrorKind::Invalid), [false, false, false, false]),
            (failure(ErrorKind::Forbidden), [false, false, false, false]),
            (failure(ErrorKind::Malformed), [false, false, false, false]),
        ];
        for (failure, expected) in cases {
            let found = [Read, Repeatable, Create, Once]
                .map(|effect| next(&failure, effect, first(), limits::RETRY_WAIT, 0.0) != Next::End);
            assert_eq!(found, expected, "{failure:?}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let lost = failure(ErrorKind::AnswerLost);
        let wait =
            |tries, jitter| next(&lost, Effect::Read, Spent { tries, ..first() }, limits::RETRY_WAIT, jitter);
        assert_eq!(wait(1, 0.0), Next::Wait(Duration::from_millis(500)));
        assert_eq!(wait(3, 0.0), Next::Wait(Duration::from_secs(2)));
        assert_eq!(wait(3, 1.0), Next::Wait(Duration::from_millis(1500)));
        assert_eq!(wait(limits::CALL_TRIES_MAX, 0.0), Next::End);
        assert_eq!(backoff(limits::RETRY_WAIT, 30, 0.0), Duration::from_secs(8));
    }

    #[test]
    fn the_servers_wish_is_kept_as_long_as_patience_lasts() {
        let seconds = Duration::from_secs;
        let wait = |asked, waited| {
            let spent = Spent { tries: 30, waited: seconds(waited) };
            next(&limited(asked), Effect::Create, spent, limits::RETRY_WAIT, 0.0)
        };
        assert_eq!(wait(7, 0), Next::Wait(seconds(8)), "a wish for haste does not undo the growing waits");
        assert_eq!(wait(61, 0), Next::Wait(seconds(61)));
        assert_eq!(wait(600, 0), Next::Wait(seconds(600)));
        assert_eq!(wait(601, 0), Next::TooLong(seconds(601)));
        assert_eq!(wait(30, 570), Next::Wait(seconds(30)));
        assert_eq!(wait(30, 571), Next::TooLong(seconds(30)));
        let for_ever = Duration::MAX;
        let asked = Failure { retry_after: Some(for_ever), ..limited(1) };
        for jitter in [0.0, 1.0] {
            let found = next(&asked, Effect::Read, Spent::default(), limits::RETRY_WAIT, jitter);
            assert_eq!(found, Next::TooLong(for_ever));
        }
        let late = next(&limited(10), Effect::Create, first(), limits::RETRY_WAIT, 1.0);
        assert_eq!(late, Next::Wait(seconds(11)), "those who were told the same come apart");
    }

    fn headers<const N: usize>(given: [(&'static str, &'static str); N]) -> impl Fn(&str) -> Option<String> {
        move |asked| given.iter().find(|(name, _)| *name == asked).map(|(_, text)| (*text).to_owned())
    }

    fn wall() -> Timestamp {
        "2026-10-21T07:28:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check_wait<const N: usize>(given: [(&'static str, &'static str); N], expected: Option<u64>) {
        assert_eq!(retry_after(headers(given), wall()), expected.map(Duration::from_millis), "{given:?}");
    }

    #[test]
    fn headers_are_read_tolerantly() {
        check_wait([("retry-after", "3")], Some(3_000));
        check_wait([("retry-after", " 0.5 ")], Some(500));
        check_wait([("retry-after-ms", "250"), ("retry-after", "9")], Some(250));
        check_wait([("retry-after", "Wed, 21 Oct 2026 07:28:09 GMT")], Some(9_000));
        check_wait([("retry-after", "Wed, 21 Oct 2026 07:00:00 GMT")], Some(0));
        // Our clock is an hour behind the server's.
        let date = ("date", "Wed, 21 Oct 2026 08:28:00 GMT");
        check_wait([("retry-after", "Wed, 21 Oct 2026 08:28:05 GMT"), date], Some(5_000));
        check_wait([("retry-after", "99999999999")], Some(99_999_999_999_000));
        check_wait([("retry-after-ms", "1e19")], Some(10_000_000_000_000_000_000));
        check_wait([("retry-after", "Thu, 31 Dec 9998 23:59:59 GMT")], Some(251_578_197_119_000));
        for text in ["", "-1", "NaN", "inf", "1e300", "soon", "Wed, 41 Oct 2026 07:28:00 GMT"] {
            check_wait([("retry-after", text)], None);
        }
    }

    #[test]
    fn a_quota_is_read_where_there_is_one() {
        const REMAINING: &str = "anthropic-ratelimit-requests-remaining";
        const RESET: &str = "anthropic-ratelimit-requests-reset";
        let pause = |remaining, reset| {
            let quota = Quota::read(headers([(REMAINING, remaining), (RESET, reset)]), wall());
            (quota.remaining, quota.pause())
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause("0", "2026-10-21T07:28:20Z"), (Some(0), seconds(20)));
        assert_eq!(pause("1", "2026-10-21T07:28:20Z"), (Some(1), None));
        assert_eq!(pause("0", "2026-10-21T09:28:20Z"), (Some(0), seconds(60)));
        assert_eq!(pause("0", "2026-10-21T07:27:00Z"), (Some(0), None));
        assert_eq!(pause("few", "soon"), (None, None));
        assert_eq!(Quota::read(headers([]), wall()), Quota::default());
    }

    #[test]
    fn a_doubtful_create_says_so() {
        let check = |kind, effect, expected| {
            assert_eq!(settle(failure(kind).error, effect).kind, expected);
        };
        check(ErrorKind::Unavailable { status: 500 }, Effect::Create, ErrorKind::AnswerLost);
        check(ErrorKind::Malformed, Effect::Create, ErrorKind::AnswerLost);
        check(ErrorKind::Conflict, Effect::Create, ErrorKind::Conflict);
        check(ErrorKind::AnswerLost, Effect::Repeatable, ErrorKind::AnswerLost);
        check(ErrorKind::AnswerLost, Effect::Read, ErrorKind::NotSent);
        check(ErrorKind::Malformed, Effect::Read, ErrorKind::Malformed);
    }
}
