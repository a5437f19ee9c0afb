//! What is wrong with a fault as it is asked for.

use super::{COLLECTIONS, Fault, Kind, WORKSPACES};

/// Longest delay, in milliseconds.
pub(super) const MILLISECONDS_MAX: u64 = 600_000;
const RETRY_AFTER_SECONDS_MAX: u64 = 3_600;
const READS_MAX: u64 = 1_000;
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

impl Fault {
    /// What is wrong with it, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.misplaced().or_else(|| self.beyond()).or_else(|| self.calls()).or_else(|| self.unfitting())
    }

    /// A setting that belongs to other kinds.
    fn misplaced(&self) -> Option<String> {
        let refusals = &[Kind::RateLimited, Kind::Unavailable][..];
        let given = [
            ("milliseconds", self.milliseconds.is_some(), &[Kind::Latency, Kind::Timeout][..]),
            ("jitter_milliseconds", self.jitter_milliseconds.is_some(), &[Kind::Latency]),
            ("retry_after_seconds", self.retry_after_seconds.is_some(), refusals),
            ("should_retry", self.should_retry.is_some(), refusals),
            ("status", self.status.is_some(), &[Kind::Unavailable]),
            ("reads", self.reads.is_some(), &[Kind::StaleReads]),
        ];
        let (name, _, _) = given.iter().find(|(_, given, kinds)| *given && !kinds.contains(&self.fault))?;
        Some(format!("{name} says nothing of this kind of fault"))
    }

    /// A number that is too small or too large.
    fn beyond(&self) -> Option<String> {
        let beyond = |given: Option<u64>, most: u64| given.is_some_and(|given| given > most);
        if beyond(self.milliseconds, MILLISECONDS_MAX) {
            Some(format!("milliseconds: at most {MILLISECONDS_MAX}"))
        } else if beyond(self.jitter_milliseconds, MILLISECONDS_MAX) {
            Some(format!("jitter_milliseconds: at most {MILLISECONDS_MAX}"))
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
        } else {
            None
        }
    }

    /// Calls that no fault meets.
    fn calls(&self) -> Option<String> {
        if !self.path.starts_with("/v1/") {
            Some("path: it begins with /v1/; the controls do not fail".to_owned())
        } else if self.method.as_ref().is_some_and(|method| !METHODS.contains(&method.as_str())) {
            Some(format!("method: one of {}", METHODS.join(", ")))
        } else {
            None
        }
    }

    /// Calls that this kind cannot meet, where it is for few; left out, method and path fit.
    fn unfitting(&self) -> Option<String> {
        let below = format!("{WORKSPACES}/");
        let (method, fits, path) = match self.fault {
            Kind::WorkspaceCreatedIncomplete => ("POST", self.can_meet(WORKSPACES), WORKSPACES.to_owned()),
            Kind::ChangeOutcomeUnknown => {
                let fits = match self.path.strip_prefix(&below) {
                    Some(id) => is_one_segment(id.strip_suffix('*').unwrap_or(id)) || id == "*",
                    None => self.can_meet(&below),
                };
                ("POST", fits, format!("{below}{{id}}"))
            }
            Kind::GarbledObject => {
                let fits =
                    COLLECTIONS.iter().any(|name| self.can_meet_below(&format!("/v1/organizations/{name}")));
                ("GET", fits, format!("/v1/organizations/{}", COLLECTIONS.join("|")))
            }
            _ => return None,
        };
        let is_other_method = self.method.as_ref().is_some_and(|given| given != method);
        (is_other_method || !fits).then(|| format!("this kind of fault meets {method} {path} only"))
    }

    /// Whether its path stands for this one or one below it.
    fn can_meet_below(&self, path: &str) -> bool {
        self.can_meet(path) || self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether its path stands for this one.
    pub(super) fn can_meet(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == self.path,
        }
    }
}

/// Whether a text is one part of a path.
pub(super) fn is_one_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}
