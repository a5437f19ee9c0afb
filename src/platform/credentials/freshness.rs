//! When a token has to be renewed: a pure function of the time.

use jiff::{SignedDuration, Timestamp};

/// From when on a token is renewed while the old one still works, in seconds before its end.
/// The vendor's clients begin at the same moment.
const ADVISED_SECONDS: i64 = 120;

/// From when on no call is made with the old token, in seconds before its end.
const REQUIRED_SECONDS: i64 = 30;

/// The pause after an early renewal that failed, in seconds.
pub(super) const PAUSE_SECONDS: i64 = 5;

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// When it ends; none when nobody said so.
    pub(super) expires_at: Option<Timestamp>,
    /// Its whole life in seconds, where it is known. A short-lived token is renewed at half of it.
    pub(super) whole_seconds: Option<i64>,
}

/// What to do about a token before the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Use it.
    Keep,
    /// Renew it; when that fails it can still be used.
    Advised,
    /// Renew it, or make no call.
    Required,
    /// It has ended, and there is no way to renew it.
    Stop,
}

/// Decides about a token; `paused_until` is set after an early renewal that failed.
pub(super) fn decide(
    life: Life,
    renewable: bool,
    paused_until: Option<Timestamp>,
    now: Timestamp,
) -> Decision {
    let Some(expires_at) = life.expires_at else { return Decision::Keep };
    let left = expires_at.duration_since(now);
    if !renewable {
        return if left > SignedDuration::ZERO { Decision::Keep } else { Decision::Stop };
    }
    let share = |seconds: i64, part: i64| {
        let bound = life.whole_seconds.map_or(seconds, |whole| seconds.min(whole / part));
        SignedDuration::from_secs(bound)
    };
    if left <= share(REQUIRED_SECONDS, 4) {
        Decision::Required
    } else if left <= share(ADVISED_SECONDS, 2) && paused_until.is_none_or(|until| until <= now) {
        Decision::Advised
    } else {
        Decision::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOW + seconds).unwrap()
    }

    #[track_caller]
    fn check(left: i64, whole: Option<i64>, renewable: bool, expected: Decision) {
        let life = Life { expires_at: Some(at(left)), whole_seconds: whole };
        assert_eq!(decide(life, renewable, None, at(0)), expected);
    }

    #[test]
    fn tokens_are_renewed_two_minutes_early_and_at_the_latest_half_a_minute_before_their_end() {
        check(3_600, Some(3_600), true, Decision::Keep);
        check(121, Some(3_600), true, Decision::Keep);
        check(120, Some(3_600), true, Decision::Advised);
        check(31, None, true, Decision::Advised);
        check(30, None, true, Decision::Required);
        check(-5, None, true, Decision::Required);
    }

    #[test]
    fn short_tokens_are_not_renewed_at_once() {
        check(60, Some(60), true, Decision::Keep);
        check(30, Some(60), true, Decision::Advised);
        check(15, Some(60), true, Decision::Required);
    }

    #[test]
    fn what_cannot_be_renewed_is_used_to_its_end() {
        check(1, None, false, Decision::Keep);
        check(0, None, false, Decision::Stop);
        let endless = Life { expires_at: None, whole_seconds: None };
        assert_eq!(decide(endless, true, None, at(0)), Decision::Keep);
    }

    #[test]
    fn after_a_failed_early_renewal_there_is_a_pause() {
        let decide = |left| {
            let life = Life { expires_at: Some(at(left)), whole_seconds: None };
            decide(life, true, Some(at(PAUSE_SECONDS)), at(0))
        };
        assert_eq!(decide(100), Decision::Keep);
        assert_eq!(decide(30), Decision::Required);
    }
}
