//! Saying what is waited for, so that no run looks as if it hung.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::transport::{Request, Transport};
use super::usage::whole_seconds;
use super::{ApiError, ErrorKind};
use crate::limits;

impl Transport {
    /// Says what is waited for and until when.
    pub(super) fn tell_wait(&self, error: &ApiError, wait: Duration) {
        let until = clock_time(self.governor.pace.wall(), wait);
        let patience = limits::RETRY_PATIENCE.as_secs() / 60;
        match error.kind {
            ErrorKind::RateLimited { .. } => self.notice(&format!(
                "{error}. The API asks to wait: keyless goes on at {until}, and gives up on a call that waited {patience} minutes"
            )),
            _ if self.is_news() => self.notice(&format!("{error}. Keyless tries again at {until}")),
            _ => {}
        }
    }

    /// Whether nothing was told for a while: calls side by side fail for one reason.
    fn is_news(&self) -> bool {
        let now = self.governor.pace.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = told.is_none_or(|told| now.duration_since(told) >= limits::RETRY_TOLD);
        if is_news {
            *told = Some(now);
        }
        is_news
    }

    /// Says that nothing may be sent for a while, where that is long enough to be noticed.
    pub(super) fn tell_pause(&self, wait: Duration) {
        if wait >= limits::RETRY_TOLD {
            let until = clock_time(self.governor.pace.wall(), wait);
            self.notice(&format!(
                "the API says that its quota of requests is used up: keyless goes on at {until}"
            ));
        }
    }

    /// Waits for the answer to a request, and says so when it is long in coming.
    pub(super) async fn awaited<T>(&self, request: &Request, answer: impl Future<Output = T>) -> T {
        tokio::pin!(answer);
        match tokio::time::timeout(limits::RETRY_TOLD, &mut answer).await {
            Ok(answer) => answer,
            Err(_) => {
                // One of the calls side by side is enough.
                if !self.is_slow.swap(true, Ordering::Relaxed) {
                    let (what, seconds) = (&request.operation, self.call_timeout.as_secs());
                    self.notice(&format!(
                        "no answer yet from the API to: {what}; keyless waits {seconds} s for an answer"
                    ));
                }
                let answer = answer.await;
                self.is_slow.store(false, Ordering::Relaxed);
                answer
            }
        }
    }
}

/// What to do where the server asks for more patience than there is.
pub(super) fn impatient(waited: Duration, wait: Duration, now: Timestamp) -> String {
    format!(
        "The API asks to wait until {}, and keyless waits {} minutes for one call at most ({} s are over). Run the \
         command again then; it goes on where it stopped.",
        clock_time(now, wait),
        limits::RETRY_PATIENCE.as_secs() / 60,
        waited.as_secs()
    )
}

/// The second that is `wait` from `now`.
fn clock_time(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    whole_seconds(now.saturating_add(wait).unwrap_or(Timestamp::MAX))
}
