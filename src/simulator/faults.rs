//! What goes wrong on request: refusals, delays, connections that break, answers that get lost.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Refusal;

mod checks;
mod ruling;

#[cfg(test)]
mod tests;

pub(super) use ruling::{Bent, Call, Ending, Ruling, rule};

/// Most faults at a time.
const FAULTS_MAX: usize = 100;
/// The calls that faults can meet: the API itself, never the controls.
const EVERYTHING: &str = "/v1/*";
/// What new workspaces are posted to.
const WORKSPACES: &str = "/v1/organizations/workspaces";

/// The objects of the organization, whose reads can be stale or garbled.
const COLLECTIONS: [&str; 5] =
    ["federation_issuers", "federation_rules", "service_accounts", "workspaces", "api_keys"];

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The answer comes later.
    Latency,
    /// 429 with `retry-after`, without effect.
    RateLimited,
    /// A status from 500 to 599, without effect.
    Unavailable,
    /// The connection breaks before the request has an effect.
    Reset,
    /// Nothing happens and nobody answers.
    Timeout,
    /// The request has its effect, and then the connection breaks.
    AnswerLost,
    /// Reads after a write still see what was before it.
    StaleReads,
    /// 401, as if the access token had ended.
    ExpiredToken,
    /// 401, and the access token never works again.
    RevokedToken,
    /// The workspace is made, and 503 tells that not all of it may be.
    WorkspaceCreatedIncomplete,
    /// The workspace is changed, and 503 tells that nobody knows.
    ChangeOutcomeUnknown,
    /// One object of an answer cannot be understood.
    GarbledObject,
}

/// A fault as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    fault: Kind,
    /// Only calls of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Only this path, or with a star at the end every path that begins so.
    #[serde(default = "everything")]
    path: String,
    /// How many of these calls go well first.
    #[serde(default)]
    skip: u64,
    /// How many calls it meets then; null for all.
    #[serde(default = "once")]
    times: Option<u64>,
    /// How many of a hundred calls it meets, by chance that is the same in every run.
    #[serde(default = "always")]
    percent: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    /// Up to so much more, by chance that is the same in every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jitter_milliseconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The server's wish, as the header `x-should-retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    should_retry: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reads: Option<u64>,
}

fn everything() -> String {
    EVERYTHING.to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "null, which is none, stands for every call")]
fn once() -> Option<u64> {
    Some(1)
}

fn always() -> u64 {
    100
}

/// A fault that waits for calls.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    fault: Fault,
    /// Calls that it could have met.
    seen: u64,
    /// Calls that it met.
    met: u64,
}

/// More faults beside those that are there; used-up ones make room where it is needed.
pub(super) fn add(faults: &mut Vec<Waiting>, more: Vec<Waiting>) -> Result<(), Refusal> {
    if faults.len() + more.len() > FAULTS_MAX {
        faults.retain(|waiting| !waiting.is_over());
    }
    if faults.len() + more.len() > FAULTS_MAX {
        return Err(Refusal::invalid(format!("there can be at most {FAULTS_MAX} faults at a time")));
    }
    faults.extend(more);
    Ok(())
}

/// Whether a path leads to objects that can be read stale.
pub(super) fn is_collection(path: &str) -> bool {
    let collection = path.strip_prefix("/v1/organizations/").and_then(|rest| rest.split('/').next());
    collection.is_some_and(|name| COLLECTIONS.contains(&name))
}

/// Reads one fault, or `{"faults": […]}`.
pub(super) fn read(body: &[u8]) -> Result<Vec<Waiting>, Refusal> {
    let wrong =
        |error: serde_json::Error| Refusal::invalid(format!("The faults are not understood: {error}"));
    let value: Value = serde_json::from_slice(body).map_err(wrong)?;
    let faults: Vec<Fault> = match value.get("faults") {
        Some(list) => serde_json::from_value(list.clone()).map_err(wrong)?,
        None => vec![serde_json::from_value(value).map_err(wrong)?],
    };
    waiting(faults).map_err(|problems| Refusal::invalid(problems.join("; ")))
}

/// Checks faults; every problem is told.
pub(super) fn waiting(faults: Vec<Fault>) -> Result<Vec<Waiting>, Vec<String>> {
    let mut problems: Vec<String> = faults
        .iter()
        .enumerate()
        .filter_map(|(at, fault)| Some(format!("faults[{at}]: {}", fault.problem()?)))
        .collect();
    if faults.len() > FAULTS_MAX {
        problems.push(format!("there can be at most {FAULTS_MAX} faults"));
    }
    match problems.is_empty() {
        true => Ok(faults.into_iter().map(|fault| Waiting { fault, seen: 0, met: 0 }).collect()),
        false => Err(problems),
    }
}

/// The faults and how often each has met a call.
pub(super) fn show(faults: &[Waiting]) -> Value {
    let show = |waiting: &Waiting| {
        let mut shown = json!(waiting.fault);
        shown["seen"] = json!(waiting.seen);
        shown["met"] = json!(waiting.met);
        shown
    };
    json!({"faults": faults.iter().map(show).collect::<Vec<_>>()})
}

/// How many calls all faults could have met; it grows whenever one counts a call.
pub(super) fn seen(faults: &[Waiting]) -> u64 {
    faults.iter().map(|waiting| waiting.seen).sum()
}

impl Waiting {
    /// How many calls it could have met, and met.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.seen, self.met)
    }

    /// Sets both.
    pub(super) fn count(&mut self, (seen, met): (u64, u64)) {
        (self.seen, self.met) = (seen, met);
    }

    fn is_over(&self) -> bool {
        self.fault.times.is_some_and(|times| self.met >= times)
    }
}
