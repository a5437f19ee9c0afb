//! How many calls are in flight, and when none may begin: shared by every call of a client.
//!
//! No figure is published for the management endpoints, so the client finds the rate by itself: it
//! begins with what the user allows, halves that when the server asks for less, and grows back by
//! one call for each round that went well. The decision is a pure function over a [`Share`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::ErrorKind;
use super::retry::{Failure, Pace};
use crate::limits;

/// How many calls may be in flight, and what has been learnt since that was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Calls that may be in flight, 1 to `ceiling`.
    allowed: usize,
    /// What the user allows.
    ceiling: usize,
    /// Answers since `allowed` was last changed.
    answered: usize,
    /// How often `allowed` was cut.
    cuts: u64,
}

/// How a call ended, as far as the rate is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server took it.
    Answered {
        /// How many more the server says it will take before its quota is renewed.
        remaining: Option<u64>,
    },
    /// The server asks for fewer calls, or says that it is overloaded.
    TooMany,
    /// It says nothing about the rate.
    Otherwise,
}

impl Ended {
    /// What a failure says about the rate.
    pub(crate) fn of(failure: &Failure) -> Ended {
        match failure.error.kind {
            ErrorKind::RateLimited { .. } | ErrorKind::Unavailable { status: 529 } => Ended::TooMany,
            _ => Ended::Otherwise,
        }
    }
}

impl Share {
    /// Begins with all that is allowed.
    fn new(ceiling: usize) -> Share {
        let ceiling = ceiling.clamp(1, limits::PARALLELISM_MAX);
        Share { allowed: ceiling, ceiling, answered: 0, cuts: 0 }
    }

    /// The share after a call ended that had begun after `cuts` cuts.
    ///
    /// The calls of one burst are refused together, and are one reason to slow down, not many: a
    /// refusal of a call that began before the last cut changes nothing.
    fn after(self, ended: Ended, cuts: u64) -> Share {
        match ended {
            Ended::TooMany if cuts < self.cuts => self,
            Ended::TooMany => {
                Share { allowed: (self.allowed / 2).max(1), answered: 0, cuts: self.cuts + 1, ..self }
            }
            Ended::Otherwise => self,
            Ended::Answered { remaining } => {
                let left = remaining.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
                if left < self.allowed {
                    return Share { allowed: left.max(1), answered: 0, ..self };
                }
                let answered = self.answered + 1;
                match answered >= self.allowed {
                    true => Share { allowed: (self.allowed + 1).min(self.ceiling), answered: 0, ..self },
                    false => Share { answered, ..self },
                }
            }
        }
    }
}

struct State {
    share: Share,
    /// Turns that are still to be taken back from calls in flight.
    owed: usize,
    paused_until: Option<Instant>,
}

/// Lets calls begin, in the order in which they asked.
pub(crate) struct Governor {
    permits: Semaphore,
    state: Mutex<State>,
    pub(crate) pace: Arc<dyn Pace>,
}

/// The right to have one call in flight.
pub(crate) struct Turn<'a> {
    governor: &'a Governor,
    permit: Option<SemaphorePermit<'a>>,
    cuts: u64,
}

impl Governor {
    /// Lets `parallelism` calls through at a time, at least one.
    pub(crate) fn new(parallelism: usize, pace: Arc<dyn Pace>) -> Governor {
        let share = Share::new(parallelism);
        let state = State { share, owed: 0, paused_until: None };
        Governor { permits: Semaphore::new(share.allowed), state: Mutex::new(state), pace }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn; it ends when it is dropped.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        loop {
            let permit = self.permits.acquire().await.expect("nobody closes the semaphore");
            let turn = Turn { governor: self, permit: Some(permit), cuts: self.state().share.cuts };
            let Some(wait) = self.pause() else { return turn };
            drop(turn);
            self.pace.sleep(wait).await;
        }
    }

    /// Holds back every call that has not been sent yet; true when they were not held back for about
    /// as long before.
    pub(crate) fn hold(&self, wait: Duration) -> bool {
        let until = self.pace.now() + wait;
        let mut state = self.state();
        let before = state.paused_until;
        state.paused_until = Some(before.map_or(until, |earlier| earlier.max(until)));
        before.is_none_or(|before| until > before + limits::RETRY_TOLD)
    }

    fn pause(&self) -> Option<Duration> {
        let paused = self.state().paused_until;
        paused?.checked_duration_since(self.pace.now()).filter(|wait| !wait.is_zero())
    }

    fn learn(&self, ended: Ended, cuts: u64) {
        let mut state = self.state();
        let (before, after) = (state.share.allowed, state.share.after(ended, cuts));
        if after.allowed < before {
            let fewer = before - after.allowed;
            state.owed += fewer - self.permits.forget_permits(fewer);
        } else {
            let more = after.allowed - before;
            let forgiven = state.owed.min(more);
            state.owed -= forgiven;
            self.permits.add_permits(more - forgiven);
        }
        state.share = after;
    }
}

impl Turn<'_> {
    /// Ends the turn with what the call taught about the rate.
    pub(crate) fn end(self, ended: Ended) {
        self.governor.learn(ended, self.cuts);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.governor.state();
        let Some(permit) = self.permit.take() else { return };
        if state.owed > 0 {
            state.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::retry::tests::QuickPace;
    use super::*;

    const FINE: Ended = Ended::Answered { remaining: None };

    fn any_end() -> impl Strategy<Value = Ended> {
        prop_oneof![
            4 => Just(FINE),
            1 => (0u64..100).prop_map(|left| Ended::Answered { remaining: Some(left) }),
            2 => Just(Ended::TooMany),
            1 => Just(Ended::Otherwise),
        ]
    }

    proptest! {
        #[test]
        fn a_share_stays_in_its_bounds_and_moves_gently(
            ceiling in 0usize..100, ends in proptest::collection::vec((any_end(), 0u64..3), 0..200),
        ) {
            let mut share = Share::new(ceiling);
            for (ended, behind) in ends {
                let next = share.after(ended, share.cuts.saturating_sub(behind));
                prop_assert!((1..=share.ceiling).contains(&next.allowed));
                prop_assert!(next.allowed <= share.allowed + 1, "it grows by one at most");
                match ended {
                    Ended::TooMany => prop_assert!(next.allowed >= share.allowed / 2, "it is halved at most"),
                    Ended::Otherwise => prop_assert_eq!(next, share),
                    Ended::Answered { remaining: Some(left) } => {
                        prop_assert!(next.allowed as u64 <= left.max(share.allowed as u64 + 1));
                    }
                    Ended::Answered { remaining: None } => prop_assert!(next.allowed >= share.allowed),
                }
                share = next;
            }
        }

        #[test]
        fn it_comes_back_when_all_goes_well(ceiling in 1usize..64, cuts in 1u64..8) {
            let mut share = Share::new(ceiling);
            for _ in 0..cuts {
                share = share.after(Ended::TooMany, share.cuts);
            }
            // One round for each call that is to be won back, and a round has `ceiling` calls at most.
            for _ in 0..ceiling * ceiling {
                share = share.after(FINE, share.cuts);
            }
            prop_assert_eq!(share.allowed, share.ceiling);
        }
    }

    #[test]
    fn one_burst_is_one_reason_to_slow_down() {
        let mut share = Share::new(16);
        for _ in 0..16 {
            share = share.after(Ended::TooMany, 0);
        }
        assert_eq!((share.allowed, share.cuts), (8, 1));
        assert_eq!(share.after(Ended::TooMany, 1).allowed, 4);
    }

    #[test]
    fn a_quota_that_runs_out_is_not_overdrawn() {
        let left = |left| Share::new(10).after(Ended::Answered { remaining: Some(left) }, 0).allowed;
        assert_eq!((left(0), left(3), left(10), left(99)), (1, 3, 10, 10));
    }

    async fn at_once(governor: &Governor) -> Option<Turn<'_>> {
        tokio::time::timeout(Duration::ZERO, governor.turn()).await.ok()
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

    #[test]
    fn calls_that_are_told_to_wait_together_tell_it_once() {
        let governor = Governor::new(4, QuickPace::new());
        let told = [30, 30, 33, 2, 40].map(|seconds| governor.hold(Duration::from_secs(seconds)));
        assert_eq!(told, [true, false, false, false, true]);
    }

    #[tokio::test]
    async fn no_more_calls_than_allowed_are_in_flight() {
        let governor = Governor::new(2, QuickPace::new());
        let first = at_once(&governor).await.unwrap();
        let _second = at_once(&governor).await.unwrap();
        assert!(at_once(&governor).await.is_none());
        drop(first);
        assert!(at_once(&governor).await.is_some());
    }

    #[tokio::test]
    async fn a_cut_is_taken_from_the_calls_in_flight_and_given_back_later() {
        let governor = Governor::new(4, QuickPace::new());
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.push(at_once(&governor).await.unwrap());
        }
        // Four are in flight when two are taken away: the next two that end free no place.
        turns.pop().unwrap().end(Ended::TooMany);
        turns.pop().unwrap().end(Ended::TooMany);
        assert!(at_once(&governor).await.is_none());
        turns.pop().unwrap().end(Ended::Otherwise);
        let _third = at_once(&governor).await.unwrap();
        assert!(at_once(&governor).await.is_none());
        drop((turns, _third));
        for _ in 0..2 {
            at_once(&governor).await.unwrap().end(FINE);
        }
        let _three = [at_once(&governor).await.unwrap(), at_once(&governor).await.unwrap()];
        let _last = at_once(&governor).await.unwrap();
        assert!(at_once(&governor).await.is_none(), "three by now, not yet four");
    }
}
