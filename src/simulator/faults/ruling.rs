//! What faults decide on a call.

use std::time::Duration;

use serde_json::{Value, json};

use super::checks::{MILLISECONDS_MAX, is_one_segment};
use super::{Fault, Kind, WORKSPACES, Waiting, is_collection};
use crate::simulator::error::Refusal;
use crate::simulator::ids;

/// A call that a fault may meet.
pub(in crate::simulator) struct Call<'a> {
    pub(in crate::simulator) method: &'a str,
    pub(in crate::simulator) path: &'a str,
    pub(in crate::simulator) has_bearer: bool,
    /// Whether it counts on an access token that works.
    pub(in crate::simulator) has_token: bool,
}

/// What becomes of one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::simulator) struct Ruling {
    /// How much later the answer comes.
    pub(in crate::simulator) delay: Duration,
    /// The answer in place of an effect.
    pub(in crate::simulator) refusal: Option<Refusal>,
    /// Whether the access token never works again.
    pub(in crate::simulator) revokes: bool,
    /// What becomes of the answer to an accepted request.
    pub(in crate::simulator) bent: Option<Bent>,
    pub(in crate::simulator) ending: Ending,
    /// How many reads after this write see what was before it.
    pub(in crate::simulator) stale_reads: u64,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::simulator) enum Ending {
    /// With an answer.
    #[default]
    Answered,
    /// With an answer that is wrong on purpose.
    Garbled,
    /// The connection breaks, and the request has had its effect.
    Lost,
    /// The connection breaks without effect.
    Broken,
}

/// How the answer to a request that has had its effect is bent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Bent {
    /// 503: the workspace is there, and something of it may be missing.
    CreatedIncomplete,
    /// 503: some of the changes may be saved.
    OutcomeUnknown,
    /// The first object is of no known shape.
    Garbled,
}

/// Decides on one call. Delays add up; of the other faults the first that meets the call decides.
pub(in crate::simulator) fn rule(faults: &mut [Waiting], seed: u64, call: &Call<'_>) -> Ruling {
    let mut ruling = Ruling::default();
    let mut is_decided = false;
    for (at, waiting) in faults.iter_mut().enumerate() {
        let is_delay = waiting.fault.fault == Kind::Latency;
        if (is_decided && !is_delay) || !waiting.fault.concerns(call) {
            continue;
        }
        if waiting.is_over() {
            continue;
        }
        waiting.seen += 1;
        if waiting.seen <= waiting.fault.skip {
            continue;
        }
        let chance = ids::chance(seed, at as u64, waiting.seen);
        if chance >= waiting.fault.percent {
            continue;
        }
        waiting.met += 1;
        let most = waiting.fault.jitter_milliseconds.unwrap_or(0);
        ruling.delay += Duration::from_millis(ids::jitter(seed, at as u64, waiting.seen, most));
        waiting.fault.apply(&mut ruling);
        is_decided |= !is_delay;
    }
    ruling
}

impl Fault {
    fn concerns(&self, call: &Call<'_>) -> bool {
        let is_write = call.method != "GET";
        let below_workspaces = call.path.strip_prefix(WORKSPACES).and_then(|rest| rest.strip_prefix('/'));
        let suits = match self.fault {
            Kind::ExpiredToken => call.has_bearer,
            Kind::RevokedToken => call.has_token,
            Kind::StaleReads => is_write && is_collection(call.path),
            Kind::WorkspaceCreatedIncomplete => call.method == "POST" && call.path == WORKSPACES,
            Kind::ChangeOutcomeUnknown => {
                call.method == "POST" && below_workspaces.is_some_and(is_one_segment)
            }
            Kind::GarbledObject => !is_write && is_collection(call.path),
            _ => true,
        };
        suits && self.can_meet(call.path) && self.method.as_ref().is_none_or(|method| method == call.method)
    }

    fn apply(&self, ruling: &mut Ruling) {
        let milliseconds = |default| Duration::from_millis(self.milliseconds.unwrap_or(default));
        match self.fault {
            Kind::Latency => ruling.delay += milliseconds(100),
            Kind::RateLimited => {
                let seconds = self.retry_after_seconds.unwrap_or(1);
                let message = "This request would exceed a rate limit of the organization";
                let refusal = Refusal::with_status(429, message).header("retry-after", seconds.to_string());
                ruling.refusal = Some(self.wishing(refusal));
            }
            Kind::Unavailable => {
                let refusal = Refusal::with_status(self.status.unwrap_or(529), "The service is not well");
                let seconds = self.retry_after_seconds.map(|seconds| seconds.to_string());
                let refusal = self.wishing(refusal);
                ruling.refusal = Some(match seconds {
                    Some(seconds) => refusal.header("retry-after", seconds),
                    None => refusal,
                });
            }
            Kind::Reset => ruling.ending = Ending::Broken,
            Kind::Timeout => {
                ruling.delay += milliseconds(MILLISECONDS_MAX);
                ruling.ending = Ending::Broken;
            }
            Kind::AnswerLost => ruling.ending = Ending::Lost,
            Kind::StaleReads => ruling.stale_reads = self.reads.unwrap_or(1),
            Kind::ExpiredToken => {
                ruling.refusal = Some(Refusal::unauthenticated("OAuth token has expired"));
            }
            Kind::RevokedToken => {
                ruling.revokes = true;
                ruling.refusal = Some(Refusal::unauthenticated("OAuth token has been revoked"));
            }
            Kind::WorkspaceCreatedIncomplete => ruling.bent = Some(Bent::CreatedIncomplete),
            Kind::ChangeOutcomeUnknown => ruling.bent = Some(Bent::OutcomeUnknown),
            Kind::GarbledObject => ruling.bent = Some(Bent::Garbled),
        }
    }

    fn wishing(&self, refusal: Refusal) -> Refusal {
        match self.should_retry {
            Some(wish) => refusal.header("x-should-retry", wish.to_string()),
            None => refusal,
        }
    }
}

impl Bent {
    /// What goes out in place of the answer to an accepted request.
    pub(in crate::simulator) fn answer(self, mut body: Value) -> Result<Value, Refusal> {
        match self {
            Bent::CreatedIncomplete => {
                let message = "The workspace was created, but not all of its setup was completed; \
                    do not create it again";
                let id = body["id"].as_str().unwrap_or_default();
                let refusal = Refusal::with_status(503, message).code("workspace_created_incomplete");
                Err(refusal.detail("workspace_id", id))
            }
            Bent::OutcomeUnknown => {
                let message = "Some of the changes may have been saved; send the same request again";
                Err(Refusal::with_status(503, message).code("change_outcome_unknown"))
            }
            Bent::Garbled => {
                let object = match body.get("data") {
                    Some(_) => body.pointer_mut("/data/0"),
                    None => Some(&mut body),
                };
                // A name is a text in every object, or there is none and the type has to do.
                if let Some(object) = object {
                    let field = if object.get("name").is_some() { "name" } else { "type" };
                    object[field] = json!({"garbled": true});
                }
                Ok(body)
            }
        }
    }
}
