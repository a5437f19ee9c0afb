//! The simulated clock: frozen and moved by hand, or running with real time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the simulated time stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clock {
    /// Whether simulated time passes as real time passes.
    runs: bool,
    /// The simulated time at `real`.
    at: Timestamp,
    /// The real time when `at` was set.
    real: Timestamp,
}

impl Clock {
    /// Starts at a simulated time.
    pub(super) fn new(start: Timestamp, runs: bool, real: Timestamp) -> Clock {
        Clock { runs, at: start, real }
    }

    /// The simulated time, in whole seconds. It never goes back, whatever the real clock does.
    pub(super) fn now(&self, real: Timestamp) -> Timestamp {
        let passed = if self.runs { real.duration_since(self.real).as_secs().max(0) } else { 0 };
        let seconds = self.at.as_second().saturating_add(passed);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }

    /// Whether simulated time passes as real time passes.
    pub(super) fn runs(&self) -> bool {
        self.runs
    }

    /// Moves the clock forward; false when `to` lies in the past.
    pub(super) fn advance(&mut self, to: Timestamp, real: Timestamp) -> bool {
        if to < self.now(real) {
            return false;
        }
        self.at = to;
        self.real = real;
        true
    }
}

/// The given number of seconds later, as far as time can be written.
pub(super) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The last whole multiple of `seconds` since the epoch that is not after `at`.
pub(super) fn floor(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(seconds) * seconds).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_frozen_clock_moves_only_by_hand() {
        let mut clock = Clock::new(time("2026-11-20T09:00:00Z"), false, time("2030-01-01T00:00:00Z"));
        assert_eq!(clock.now(time("2031-01-01T00:00:00Z")), time("2026-11-20T09:00:00Z"));
        assert!(clock.advance(time("2026-11-21T09:00:00Z"), time("2031-01-01T00:00:00Z")));
        assert!(!clock.advance(time("2026-11-21T08:59:59Z"), time("2031-01-01T00:00:00Z")));
        assert_eq!(clock.now(time("2031-01-01T00:00:00Z")), time("2026-11-21T09:00:00Z"));
    }

    #[test]
    fn a_running_clock_ticks_and_never_goes_back() {
        let mut clock = Clock::new(time("2026-11-20T09:00:00Z"), true, time("2030-01-01T00:00:00Z"));
        assert_eq!(clock.now(time("2030-01-01T00:00:05.7Z")), time("2026-11-20T09:00:05Z"));
        assert_eq!(clock.now(time("2029-01-01T00:00:00Z")), time("2026-11-20T09:00:00Z"));
        assert!(clock.advance(time("2026-11-20T10:00:00Z"), time("2030-01-01T00:00:10Z")));
        assert_eq!(clock.now(time("2030-01-01T00:00:11Z")), time("2026-11-20T10:00:01Z"));
    }

    #[test]
    fn flooring_is_in_utc() {
        assert_eq!(floor(time("2026-11-20T09:59:59Z"), 3600), time("2026-11-20T09:00:00Z"));
        assert_eq!(floor(time("2026-11-20T09:59:59Z"), 86_400), time("2026-11-20T00:00:00Z"));
        assert_eq!(floor(time("1969-12-31T23:30:00Z"), 3600), time("1969-12-31T23:00:00Z"));
    }
}
