//! What can go wrong with a call, and how often it does.

use serde_json::{Value, json};

use super::kind::Kind;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Latency,
    RateLimited,
    Unavailable,
    Reset,
    Timeout,
    AnswerLost,
    StaleReads,
    ExpiredToken,
    RevokedToken,
    GarbledObject,
}

/// Which of the calls it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The first.
    Once,
    /// All but the first.
    Later,
    /// All, for as long as two runs.
    Always,
}

pub(super) const FAULTS: [Fault; 10] = [
    Fault::Latency,
    Fault::RateLimited,
    Fault::Unavailable,
    Fault::Reset,
    Fault::Timeout,
    Fault::AnswerLost,
    Fault::StaleReads,
    Fault::ExpiredToken,
    Fault::RevokedToken,
    Fault::GarbledObject,
];

impl Fault {
    /// What the simulator calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Fault::Latency => "latency",
            Fault::RateLimited => "rate_limited",
            Fault::Unavailable => "unavailable",
            Fault::Reset => "reset",
            Fault::Timeout => "timeout",
            Fault::AnswerLost => "answer_lost",
            Fault::StaleReads => "stale_reads",
            Fault::ExpiredToken => "expired_token",
            Fault::RevokedToken => "revoked_token",
            Fault::GarbledObject => "garbled_object",
        }
    }

    /// Whether the simulator knows how to let it meet such a call.
    pub(super) fn fits(self, kind: &Kind) -> bool {
        match self {
            Fault::StaleReads => !kind.is_read() && kind.is_of_objects(),
            Fault::GarbledObject => kind.is_read() && kind.is_of_objects(),
            _ => true,
        }
    }

    /// Whether such a call has what it takes away.
    pub(super) fn meets(self, kind: &Kind) -> bool {
        match self {
            Fault::ExpiredToken | Fault::RevokedToken => kind.carries_login(),
            other => other.fits(kind),
        }
    }

    /// The reaches that tell something of their own with such a call. A storm costs half a second of
    /// processor time, so that none is run for its name alone: of a read that fails, it does not matter how.
    pub(super) fn reaches(self, kind: &Kind) -> Vec<Reach> {
        use Reach::{Always, Later, Once};
        let reaches: &[Reach] = match self {
            _ if !self.meets(kind) => &[Once],
            Fault::Latency => &[Always],
            Fault::RateLimited | Fault::Timeout => &[Once, Later],
            // Once is forever.
            Fault::RevokedToken => &[Later],
            Fault::Reset | Fault::AnswerLost | Fault::ExpiredToken if kind.is_read() => &[Later],
            Fault::Reset | Fault::ExpiredToken => &[Later, Always],
            Fault::Unavailable | Fault::AnswerLost | Fault::StaleReads | Fault::GarbledObject => {
                &[Once, Later, Always]
            }
        };
        let later = if kind.calls > 1 { Later } else { Once };
        let reaches = reaches.iter().map(|reach| if *reach == Later { later } else { *reach });
        let mut reaches: Vec<Reach> = reaches.collect();
        reaches.dedup();
        reaches
    }

    /// Whether it goes on in the simulator when no further call meets it.
    pub(super) fn lasts(self) -> bool {
        matches!(self, Fault::RevokedToken | Fault::StaleReads)
    }

    /// Whether calls come to a good end all the same.
    pub(super) fn is_harmless(self) -> bool {
        self == Fault::Latency
    }

    /// The order to the simulator.
    pub(super) fn order(self, reach: Reach, kind: &Kind) -> Value {
        let mut order = json!({"fault": self.word(), "method": kind.method, "path": kind.path()});
        let (skip, times) = match reach {
            Reach::Once => (0, Some(1)),
            Reach::Later => (1, None),
            Reach::Always => (0, None),
        };
        order["skip"] = json!(skip);
        order["times"] = json!(times);
        match self {
            Fault::Latency => {
                order["milliseconds"] = json!(2);
                order["jitter_milliseconds"] = json!(8);
            }
            // Who is told to come back is patient for minutes, so that a refusal of every call has
            // to say that there is no use in it.
            Fault::RateLimited => {
                order["retry_after_seconds"] = json!(0);
                order["should_retry"] = json!(reach == Reach::Once);
            }
            Fault::Unavailable => {
                order["status"] = json!(match reach {
                    Reach::Once => 503,
                    Reach::Later => 500,
                    Reach::Always => 529,
                });
            }
            // Once the caller gives up; where it meets many calls, the wait for each would add up, and
            // the connection ends first.
            Fault::Timeout if reach != Reach::Once => order["milliseconds"] = json!(20),
            // A read, a part of a look, and all looks for as long as the storm lasts.
            Fault::StaleReads => {
                order["reads"] = json!(match reach {
                    Reach::Once => 1,
                    Reach::Later => 3,
                    Reach::Always => 1_000,
                });
            }
            _ => {}
        }
        order
    }
}

impl Reach {
    /// How many runs it lasts.
    pub(super) fn runs(self) -> usize {
        if self == Reach::Always { 2 } else { 1 }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Reach::Once => "once",
            Reach::Later => "later",
            Reach::Always => "always",
        }
    }
}
