//! When a call is sent again, and how long is waited before it is.
//!
//! The decision is a pure function of what went wrong and of what a repetition could do; waiting
//! and chance come from a [`Pace`], so that tests wait for nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

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

/// How long to wait before the next try; none when there must not be one.
///
/// `tries` counts the attempts made, from 1; `jitter` is a chance from 0 to 1.
pub(crate) fn wait_before_next(
    failure: &Failure,
    effect: Effect,
    tries: u32,
    jitter: f64,
) -> Option<Duration> {
    if tries >= limits::CALL_TRIES_MAX || !may_repeat(failure, effect) {
        return None;
    }
    let wait = failure.retry_after.unwrap_or_else(|| backoff(tries, jitter));
    (wait <= limits::RETRY_WAIT_MAX).then_some(wait)
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
        _ => failure.should_retry == Some(true),
    }
}

/// Half a second, doubling to eight, less up to a quarter by chance: what the vendor's SDKs do.
fn backoff(tries: u32, jitter: f64) -> Duration {
    let seconds = (0.5 * 2f64.powi(tries as i32 - 1)).min(8.0);
    Duration::from_secs_f64(seconds * (1.0 - 0.25 * jitter.clamp(0.0, 1.0)))
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

/// Reads the headers `retry-after-ms` and `retry-after` (seconds, fractions allowed); anything
/// else, a calendar date included, is ignored in favour of our own backoff.
pub(crate) fn retry_after(header: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name: &str| header(name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Time and chance, as the client needs them.
pub(crate) trait Pace: Send + Sync + 'static {
    /// A clock that never goes back.
    fn now(&self) -> Instant;
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

/// Bounds the calls in flight, and holds all of them back when the server asks for it.
pub(crate) struct Governor {
    permits: Semaphore,
    paused_until: Mutex<Option<Instant>>,
    pub(crate) pace: Arc<dyn Pace>,
}

impl Governor {
    /// Lets `parallelism` calls through at a time, at least one.
    pub(crate) fn new(parallelism: usize, pace: Arc<dyn Pace>) -> Governor {
        let permits = parallelism.clamp(1, limits::PARALLELISM_MAX);
        Governor { permits: Semaphore::new(permits), paused_until: Mutex::new(None), pace }
    }

    /// Waits for a turn; it ends when the permit is dropped.
    pub(crate) async fn turn(&self) -> SemaphorePermit<'_> {
        loop {
            let permit = self.permits.acquire().await.expect("nobody closes the semaphore");
            let Some(wait) = self.pause() else { return permit };
            drop(permit);
            self.pace.sleep(wait).await;
        }
    }

    /// Holds back every call that has not been sent yet.
    pub(crate) fn hold(&self, wait: Duration) {
        let until = self.pace.now() + wait;
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |earlier| earlier.max(until)));
    }

    fn pause(&self) -> Option<Duration> {
        let paused = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused?.checked_duration_since(self.pace.now()).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
pub(crate) mod tests {
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

    fn limited(seconds: u64) -> Failure {
        Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..failure(ErrorKind::RateLimited { retry_after: None })
        }
    }

    fn wish(kind: ErrorKind, should_retry: bool) -> Failure {
        Failure { should_retry: Some(should_retry), ..failure(kind) }
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
            (wish(ErrorKind::Conflict, true), [true, true, false, false]),
            (failure(ErrorKind::Invalid), [false, false, false, false]),
            (failure(ErrorKind::Forbidden), [false, false, false, false]),
            (failure(ErrorKind::Malformed), [false, false, false, false]),
        ];
        for (failure, expected) in cases {
            let found = [Read, Repeatable, Create, Once]
                .map(|effect| wait_before_next(&failure, effect, 1, 0.0).is_some());
            assert_eq!(found, expected, "{failure:?}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let lost = failure(ErrorKind::AnswerLost);
        let wait = |tries, jitter| wait_before_next(&lost, Effect::Read, tries, jitter);
        assert_eq!(wait(1, 0.0), Some(Duration::from_millis(500)));
        assert_eq!(wait(3, 0.0), Some(Duration::from_secs(2)));
        assert_eq!(wait(3, 1.0), Some(Duration::from_millis(1500)));
        assert_eq!(wait(limits::CALL_TRIES_MAX, 0.0), None);
        assert_eq!(backoff(30, 0.0), Duration::from_secs(8));
    }

    #[test]
    fn the_servers_wish_is_kept_unless_it_is_too_long() {
        let wait = |seconds| wait_before_next(&limited(seconds), Effect::Create, 1, 0.0);
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(60), Some(Duration::from_secs(60)));
        assert_eq!(wait(61), None);
    }

    #[test]
    fn headers_are_read_tolerantly() {
        let read = |name: &'static str, text: &'static str| {
            retry_after(|asked| (asked == name).then(|| text.to_owned()))
        };
        assert_eq!(read("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(read("retry-after", " 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(read("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        for text in ["", "-1", "NaN", "inf", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(read("retry-after", text), None, "{text:?}");
        }
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

    #[tokio::test]
    async fn a_pause_holds_everyone_back_once() {
        let pace = QuickPace::new();
        let governor = Governor::new(1, pace.clone());
        governor.hold(Duration::from_secs(5));
        governor.hold(Duration::from_secs(2));
        drop(governor.turn().await);
        drop(governor.turn().await);
        assert_eq!(pace.slept(), [Duration::from_secs(5)]);
    }

    #[tokio::test]
    async fn no_more_calls_than_allowed_are_in_flight() {
        let governor = Governor::new(2, QuickPace::new());
        let at_once = async || tokio::time::timeout(Duration::ZERO, governor.turn()).await;
        let first = at_once().await.unwrap();
        let _second = at_once().await.unwrap();
        at_once().await.unwrap_err();
        drop(first);
        drop(at_once().await.unwrap());
    }
}
