//! What goes wrong on request: refusals, delays, connections that break, answers that get lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Refusal;
use super::ids;

/// Most faults at a time.
const FAULTS_MAX: usize = 100;
/// Longest delay, in milliseconds.
const MILLISECONDS_MAX: u64 = 600_000;
const RETRY_AFTER_SECONDS_MAX: u64 = 3_600;
const READS_MAX: u64 = 1_000;
/// The calls that faults can meet: the API itself, never the controls.
const EVERYTHING: &str = "/v1/*";

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

/// A call that a fault may meet.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) has_bearer: bool,
}

/// What becomes of one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ruling {
    /// How much later the answer comes.
    pub(super) delay: Duration,
    /// The answer in place of an effect.
    pub(super) refusal: Option<Refusal>,
    pub(super) ending: Ending,
    /// How many reads after this write see what was before it.
    pub(super) stale_reads: u64,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an answer.
    #[default]
    Answered,
    /// The connection breaks, and the request has had its effect.
    Lost,
    /// The connection breaks without effect.
    Broken,
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
    let objects = ["federation_issuers", "federation_rules", "service_accounts", "workspaces", "api_keys"];
    let collection = path.strip_prefix("/v1/organizations/").and_then(|rest| rest.split('/').next());
    collection.is_some_and(|name| objects.contains(&name))
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

/// Decides on one call. Delays add up; of the other faults the first that meets the call decides.
pub(super) fn rule(faults: &mut [Waiting], seed: u64, call: &Call<'_>) -> Ruling {
    let mut ruling = Ruling::default();
    let mut is_decided = false;
    for (at, waiting) in faults.iter_mut().enumerate() {
        let is_delay = waiting.fault.kind_is(Kind::Latency);
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
        waiting.fault.apply(&mut ruling);
        is_decided |= !is_delay;
    }
    ruling
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

impl Fault {
    fn kind_is(&self, kind: Kind) -> bool {
        self.fault == kind
    }

    fn concerns(&self, call: &Call<'_>) -> bool {
        let is_write = call.method != "GET";
        let path = match self.path.strip_suffix('*') {
            Some(prefix) => call.path.starts_with(prefix),
            None => call.path == self.path,
        };
        let suits = match self.fault {
            Kind::ExpiredToken => call.has_bearer,
            Kind::StaleReads => is_write && is_collection(call.path),
            _ => true,
        };
        path && suits && self.method.as_ref().is_none_or(|method| method == call.method)
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
        }
    }

    fn wishing(&self, refusal: Refusal) -> Refusal {
        match self.should_retry {
            Some(wish) => refusal.header("x-should-retry", wish.to_string()),
            None => refusal,
        }
    }

    /// What is wrong with it, if anything is.
    fn problem(&self) -> Option<String> {
        let given = [
            ("milliseconds", self.milliseconds.is_some(), &[Kind::Latency, Kind::Timeout][..]),
            (
                "retry_after_seconds",
                self.retry_after_seconds.is_some(),
                &[Kind::RateLimited, Kind::Unavailable],
            ),
            ("should_retry", self.should_retry.is_some(), &[Kind::RateLimited, Kind::Unavailable]),
            ("status", self.status.is_some(), &[Kind::Unavailable]),
            ("reads", self.reads.is_some(), &[Kind::StaleReads]),
        ];
        let misplaced = given.iter().find(|(_, given, kinds)| *given && !kinds.contains(&self.fault));
        if let Some((name, _, _)) = misplaced {
            return Some(format!("{name} says nothing of this kind of fault"));
        }
        let beyond = |given: Option<u64>, most: u64| given.is_some_and(|given| given > most);
        let methods = ["GET", "POST", "DELETE"];
        if beyond(self.milliseconds, MILLISECONDS_MAX) {
            Some(format!("milliseconds: at most {MILLISECONDS_MAX}"))
        } else if beyond(self.retry_after_seconds, RETRY_AFTER_SECONDS_MAX) {
            Some(format!("retry_after_seconds: at most {RETRY_AFTER_SECONDS_MAX}"))
        } else if beyond(self.reads, READS_MAX) || self.reads == Some(0) {
            Some(format!("reads: from 1 to {READS_MAX}"))
        } else if self.status.is_some_and(|status| !(500..600).contains(&status)) {
            Some("status: from 500 to 599".to_owned())
        } else if !(1..=100).contains(&self.percent) {
            Some("percent: from 1 to 100".to_owned())
        } else if self.times == Some(0) {
            Some("times: at least 1, or null for all".to_owned())
        } else if !self.path.starts_with("/v1/") {
            Some("path: it begins with /v1/; the controls do not fail".to_owned())
        } else if self.method.as_ref().is_some_and(|method| !methods.contains(&method.as_str())) {
            Some(format!("method: one of {}", methods.join(", ")))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(list: Value) -> Vec<Waiting> {
        read(list.to_string().as_bytes()).unwrap()
    }

    fn call<'a>(method: &'a str, path: &'a str) -> Call<'a> {
        Call { method, path, has_bearer: true }
    }

    /// The statuses of calls one after the other; 200 where nothing goes wrong.
    fn statuses(faults: &mut [Waiting], calls: &[Call<'_>]) -> Vec<u16> {
        let status = |call| rule(faults, 7, call).refusal.map_or(200, |refusal| refusal.status);
        calls.iter().map(status).collect()
    }

    #[test]
    fn a_fault_meets_the_calls_it_is_for() {
        let check = |fault: Value, expected: [u16; 5]| {
            let calls = [
                call("GET", "/v1/organizations/me"),
                call("POST", "/v1/organizations/federation_rules"),
                call("POST", "/v1/organizations/federation_rules/fdrl_1"),
                call("GET", "/v1/organizations/me"),
                call("POST", "/v1/organizations/federation_rules"),
            ];
            assert_eq!(statuses(&mut faults(fault.clone()), &calls), expected, "{fault}");
        };
        check(json!({"fault": "unavailable"}), [529, 200, 200, 200, 200]);
        check(json!({"fault": "unavailable", "times": null, "status": 503}), [503; 5]);
        check(json!({"fault": "rate_limited", "skip": 1, "times": 2}), [200, 429, 429, 200, 200]);
        check(json!({"fault": "expired_token", "method": "POST"}), [200, 401, 200, 200, 200]);
        let rules = "/v1/organizations/federation_rules";
        check(json!({"fault": "unavailable", "path": rules, "skip": 1}), [200, 200, 200, 200, 529]);
        check(
            json!({"fault": "unavailable", "path": format!("{rules}*"), "times": 2}),
            [200, 529, 529, 200, 200],
        );
        let both = json!({"faults": [{"fault": "unavailable"}, {"fault": "rate_limited"}]});
        check(both, [529, 429, 200, 200, 200]);
    }

    #[test]
    fn chance_is_the_same_in_every_run() {
        let run = || {
            let mut storm = faults(json!({"fault": "rate_limited", "times": null, "percent": 30}));
            let calls: Vec<Call<'_>> = (0..200).map(|_| call("GET", "/v1/x")).collect();
            statuses(&mut storm, &calls)
        };
        let first = run();
        let met = first.iter().filter(|status| **status == 429).count();
        assert!((30..90).contains(&met), "{met}");
        assert_eq!(run(), first);
    }

    #[test]
    fn delays_add_up_and_endings_differ() {
        let check = |fault: Value, delay: u64, ending: Ending, stale_reads: u64| {
            let ruling = rule(&mut faults(fault), 7, &call("POST", "/v1/organizations/federation_rules"));
            assert_eq!(
                (ruling.delay.as_millis(), ruling.ending, ruling.stale_reads),
                (delay.into(), ending, stale_reads)
            );
            assert_eq!(ruling.refusal, None);
        };
        let late = json!({"fault": "latency", "milliseconds": 7});
        check(json!({"faults": [late, late, {"fault": "answer_lost"}]}), 14, Ending::Lost, 0);
        check(json!({"fault": "reset"}), 0, Ending::Broken, 0);
        check(json!({"fault": "timeout", "milliseconds": 5}), 5, Ending::Broken, 0);
        check(json!({"fault": "stale_reads", "reads": 3}), 0, Ending::Answered, 3);
        let mut expired = faults(json!({"fault": "expired_token"}));
        let anonymous = Call { has_bearer: false, ..call("POST", "/v1/oauth/token") };
        assert_eq!(rule(&mut expired, 7, &anonymous), Ruling::default());
    }

    #[test]
    fn refusals_carry_their_headers() {
        let mut both =
            faults(json!({"fault": "rate_limited", "retry_after_seconds": 9, "should_retry": false}));
        let refusal = rule(&mut both, 7, &call("GET", "/v1/x")).refusal.unwrap();
        assert_eq!(
            refusal.headers,
            [("retry-after", "9".to_owned()), ("x-should-retry", "false".to_owned())]
        );
        assert_eq!(refusal.kind, "rate_limit_error");
    }

    #[test]
    fn wrong_faults_are_told_all_at_once() {
        let check = |fault: Value, expected: &str| {
            let refusal = read(fault.to_string().as_bytes()).err().unwrap();
            assert!(refusal.message.contains(expected), "{}", refusal.message);
        };
        check(json!({"fault": "explosion"}), "unknown variant `explosion`, expected one of `latency`");
        check(json!({}), "missing field `fault`");
        check(json!({"fault": "reset", "when": 1}), "unknown field `when`");
        check(json!({"fault": "reset", "status": 500}), "status says nothing of this kind of fault");
        check(json!({"fault": "unavailable", "status": 404}), "status: from 500 to 599");
        check(json!({"fault": "reset", "path": "/_simulator/clock"}), "path: it begins with /v1/");
        check(json!({"fault": "reset", "percent": 0}), "percent: from 1 to 100");
        check(json!({"fault": "reset", "times": 0}), "times: at least 1");
        check(json!({"fault": "reset", "method": "PUT"}), "method: one of GET, POST, DELETE");
        check(json!({"fault": "latency", "milliseconds": 600_001}), "milliseconds: at most 600000");
        check(json!({"fault": "stale_reads", "reads": 0}), "reads: from 1 to 1000");
        let two = json!({"faults": [{"fault": "reset", "times": 0}, {"fault": "reset", "percent": 101}]});
        check(two, "faults[0]: times: at least 1, or null for all; faults[1]: percent");
    }
}
