//! Makes calls: which credential goes with them, what is repeated, and what is told of a refusal.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;
use zeroize::Zeroizing;

use super::credentials::{self, CredentialSource};
use super::governor::{Ended, Governor};
use super::retry::{self, Effect, Failure, Next, Pace, Quota, Spent, settle};
use super::scrub::scrub;
use super::sender::{Sender, Sending, is_web_page};
use super::settings::{Notice, Progress, Settings};
use super::waits::impatient;
use super::{ApiError, ErrorKind, ReportKeyKind};
use crate::limits;

/// One request, in terms of the API.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is tried, in words.
    pub(crate) operation: String,
    /// The HTTP method.
    pub(crate) method: Method,
    /// The path, segment by segment, not yet encoded.
    pub(crate) path: Vec<String>,
    /// The query.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The JSON body, if there is one.
    pub(crate) body: Option<Value>,
    /// What sending it twice could do.
    pub(crate) effect: Effect,
    /// The beta that it needs.
    pub(crate) beta: Option<&'static str>,
}

/// One of the engine's credentials. An exchange carries none: the identity token is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// The OAuth token.
    Token,
    /// A key for reports, which the federation endpoints refuse.
    Report(ReportKeyKind),
}

/// The kinds of keys that a path takes, the most fitting first; none but for reports.
fn report_keys(path: &[String]) -> &'static [ReportKeyKind] {
    use ReportKeyKind::{Admin, Analytics, Compliance};
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["v1", "organizations", "analytics", ..] => &[Analytics, Admin],
        ["v1", "organizations", "usage_report", ..] => &[Admin],
        ["v1", "compliance", ..] => &[Compliance, Admin],
        _ => &[],
    }
}

impl Request {
    /// A request that only reads.
    pub(crate) fn get(operation: impl Into<String>, path: &[&str]) -> Request {
        Request {
            operation: operation.into(),
            method: Method::GET,
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            query: Vec::new(),
            body: None,
            effect: Effect::Read,
            beta: None,
        }
    }

    /// Tells whether it goes to a report. Those are documented for Admin API keys, so that a refused
    /// token need not be a bad one.
    fn is_report(&self) -> bool {
        !report_keys(&self.path).is_empty()
    }

    /// An error about this request.
    pub(crate) fn error(&self, kind: ErrorKind, message: impl AsRef<str>) -> ApiError {
        ApiError {
            operation: self.operation.clone(),
            endpoint: format!("{} /{}", self.method, self.path.join("/")),
            kind,
            message: scrub(message.as_ref()),
            code: None,
            request_id: None,
            advice: None,
        }
    }

    /// The error for an answer that succeeded and cannot be understood.
    pub(crate) fn malformed(&self, reply: &Reply, message: impl AsRef<str>) -> ApiError {
        let error = self.error(ErrorKind::Malformed, message);
        settle(ApiError { request_id: reply.request_id.clone(), ..error }, self.effect)
    }
}

/// An answer whose status means success.
pub(crate) struct Reply {
    /// The API's id of the request.
    pub(crate) request_id: Option<String>,
    /// The body; wiped when dropped, because it may hold a minted token.
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// What the server says of its quota.
    pub(crate) quota: Quota,
    /// When it was sent, by the server's clock.
    pub(crate) date: Option<Timestamp>,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self, request: &Request) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let why = match () {
                () if self.body.trim_ascii().is_empty() => "the answer is empty".to_owned(),
                () if is_web_page(&self.body) => "the answer is a web page, not JSON".to_owned(),
                () if error.is_eof() => format!("the answer is cut off: {error}"),
                () => format!("the answer is not JSON: {error}"),
            };
            request.malformed(self, why)
        })
    }
}

/// The connection to the API, with everything that all calls share.
pub(crate) struct Transport {
    sender: Sender,
    credential: CredentialSource,
    report_keys: BTreeMap<ReportKeyKind, HeaderValue>,
    pub(super) governor: Governor,
    notice: Notice,
    /// How far the API's clock is ahead of this machine's, as its first answer showed.
    ahead: OnceLock<SignedDuration>,
    pub(crate) progress: Option<Progress>,
    retry_wait: Duration,
    pub(super) call_timeout: Duration,
    /// Whether it was told that an answer is awaited.
    pub(super) is_slow: AtomicBool,
    /// When it was last told that calls are tried again.
    pub(super) told: Mutex<Option<Instant>>,
}

impl Transport {
    pub(crate) fn new(settings: &Settings, pace: Arc<dyn Pace>) -> Result<Transport, ApiError> {
        let sender = Sender::new(settings, &settings.base_url, &pace)?;
        let endpoint = match &settings.credential.token_base_url {
            Some(url) => Sender::new(settings, url, &pace)?,
            None => sender.clone(),
        };
        let credential = CredentialSource::new(
            settings.credential.clone(),
            endpoint,
            Arc::clone(&settings.wall_clock),
            Arc::clone(&settings.notice),
        )?;
        let mut report_keys = BTreeMap::new();
        for (kind, key) in settings.report_keys.iter() {
            credentials::check_report_key(kind, key)
                .map_err(|why| credentials::refusal(format!("{} {why}", kind.variable())))?;
            report_keys.insert(kind, credentials::header(key, ""));
        }
        Ok(Transport {
            sender,
            credential,
            report_keys,
            governor: Governor::new(settings.parallelism, pace),
            notice: Arc::clone(&settings.notice),
            ahead: OnceLock::new(),
            progress: settings.progress.clone(),
            retry_wait: settings.retry_wait,
            call_timeout: settings.call_timeout,
            is_slow: AtomicBool::new(false),
            told: Mutex::default(),
        })
    }

    /// Whether there is a key that the Activity Feed may take.
    pub(crate) fn has_feed_key(&self) -> bool {
        self.has_key(&["v1".to_owned(), "compliance".to_owned()])
    }

    fn has_key(&self, path: &[String]) -> bool {
        self.carriers(path).len() > 1
    }

    /// The credentials to try for a path, the token last.
    fn carriers(&self, path: &[String]) -> Vec<Carrier> {
        let own = report_keys(path).iter().filter(|kind| self.report_keys.contains_key(*kind));
        own.map(|kind| Carrier::Report(*kind)).chain([Carrier::Token]).collect()
    }

    /// Tells the user what stops nothing.
    pub(crate) fn notice(&self, text: &str) {
        (self.notice)(text);
    }

    /// Time and chance.
    pub(crate) fn pace(&self) -> &dyn Pace {
        self.governor.pace.as_ref()
    }

    /// Waits of one's own accord, the longer the more tries were made.
    pub(crate) async fn back_off(&self, tries: u32) {
        let pace = self.pace();
        pace.sleep(retry::backoff(self.retry_wait, tries, pace.jitter())).await;
    }

    /// Makes a call and returns its answer once the status means success.
    pub(crate) async fn call(&self, request: &Request) -> Result<Reply, ApiError> {
        // The URL would lose such a segment, and the call would go to another object.
        if request.path.iter().any(|segment| matches!(segment.as_str(), "" | "." | "..")) {
            return Err(request.error(ErrorKind::Invalid, "an id in the path is empty or only dots"));
        }
        // The next one only where the one before was refused.
        let mut carriers = self.carriers(&request.path).into_iter().peekable();
        let mut carrier = carriers.next().unwrap_or(Carrier::Token);
        let (mut spent, mut renewed) = (Spent::default(), false);
        loop {
            let mut generation = None;
            let failure = match self.turn(request, carrier, &mut generation).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let kind = &failure.error.kind;
            if matches!(kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden) && carriers.peek().is_some()
            {
                carrier = carriers.next().unwrap_or(carrier);
                continue;
            }
            let refused = *kind == ErrorKind::Unauthenticated && !request.is_report();
            if let (true, Some(generation), false) = (refused, generation, renewed) {
                renewed = true;
                match self.credential.renew_after(generation).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => return Err(not_renewed(failure.error, &error)),
                }
            }
            spent.tries += 1;
            let pace = &self.governor.pace;
            let wait = match retry::next(&failure, request.effect, spent, self.retry_wait, pace.jitter()) {
                Next::Wait(wait) => wait,
                Next::End => return Err(self.advised(settle(failure.error, request.effect), request)),
                Next::TooLong(wait) => {
                    let mut error = settle(failure.error, request.effect);
                    error.advice = Some(impatient(spent.waited, wait, pace.wall()).into());
                    return Err(error);
                }
            };
            spent.waited += wait;
            tracing::debug!(operation = request.operation, ?spent, ?wait, error = %failure.error, "retrying");
            // Many short waits are as long as one that is noticed.
            let is_long = wait >= limits::RETRY_TOLD
                || (spent.waited >= limits::RETRY_TOLD && spent.waited - wait < limits::RETRY_TOLD);
            match failure.error.kind {
                ErrorKind::RateLimited { .. } => {
                    if self.governor.hold(wait) && is_long {
                        self.tell_wait(&failure.error, wait);
                    }
                }
                _ => {
                    if is_long {
                        self.tell_wait(&failure.error, wait);
                    }
                    pace.sleep(wait).await;
                }
            }
        }
    }

    /// Sends a request once, in its turn, and tells the governor how it ended.
    async fn turn(
        &self,
        request: &Request,
        carrier: Carrier,
        generation: &mut Option<u64>,
    ) -> Result<Reply, Failure> {
        let turn = self.governor.turn().await;
        let answer = self.awaited(request, self.attempt(request, carrier, generation)).await;
        match &answer {
            Ok(reply) => {
                turn.end(Ended::Answered { remaining: reply.quota.remaining });
                self.compare_clocks(reply.date);
                if let Some(wait) = reply.quota.pause()
                    && self.governor.hold(wait)
                {
                    self.tell_pause(wait);
                }
            }
            Err(failure) => turn.end(Ended::of(failure)),
        }
        answer
    }

    /// The time by the API's clock, as far as an answer has shown it.
    pub(crate) fn now(&self) -> Timestamp {
        let ahead = self.ahead.get().copied().unwrap_or_default();
        self.governor.pace.wall().saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Learns from the first dated answer how the clocks differ, and says so where it matters.
    fn compare_clocks(&self, date: Option<Timestamp>) {
        let Some(date) = date else { return };
        let ahead = date.duration_since(self.governor.pace.wall());
        // The header counts whole seconds, and the answer travelled.
        let is_equal = ahead.abs() <= limits::CLOCKS_EQUAL;
        if self.ahead.set(if is_equal { SignedDuration::ZERO } else { ahead }).is_ok()
            && ahead.abs() > limits::CLOCKS_TOLD
        {
            let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
            self.notice(&format!(
                "this machine's clock is {} s {direction} the API's ({date}); quiet periods and the age of evidence are \
                 counted by the API's",
                ahead.abs().as_secs()
            ));
        }
    }

    /// Sends a request once; notes which token it carried.
    async fn attempt(
        &self,
        request: &Request,
        carrier: Carrier,
        generation: &mut Option<u64>,
    ) -> Result<Reply, Failure> {
        // A trial exchange carries no credential of ours: the identity token is the credential.
        if request.effect == Effect::Once {
            return self.sender.send(request, Sending::Assertion).await;
        }
        if let Carrier::Report(kind) = carrier {
            return self.sender.send(request, Sending::ReportKey(&self.report_keys[&kind])).await;
        }
        let bearer = self.credential.bearer().await.map_err(unsent)?;
        *generation = Some(bearer.generation);
        self.sender.send(request, Sending::Token(&bearer.header)).await
    }

    /// Adds what can be done about a refused credential, where more is known than for any other.
    fn advised(&self, mut error: ApiError, request: &Request) -> ApiError {
        if error.advice.is_some() {
            return error;
        }
        if request.effect == Effect::Once {
            // No credential of keyless was sent, so none can be at fault.
            let forbidden = error.kind == ErrorKind::Forbidden;
            error.advice = forbidden.then(|| EXCHANGE_FORBIDDEN.into());
            return error;
        }
        let refused = matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden);
        if refused && request.is_report() {
            let variables = report_keys(&request.path).iter().map(|kind| kind.variable());
            let variables = variables.collect::<Vec<_>>().join(" or ");
            let advice = match self.has_key(&request.path) {
                false => format!(
                    "This report may need a key of its own: set {variables}, which is used for reports alone."
                ),
                true => format!(
                    "{variables} is set, and this report is refused all the same; the Activity Feed takes Admin API keys only if they were created after the Compliance API was enabled."
                ),
            };
            error.advice = Some(advice.into());
        } else if error.code.as_deref() == Some("sandbox_egress_restricted") {
            let advice =
                "Changes cannot be made from inside a sandbox with restricted network; run this elsewhere.";
            error.advice = Some(advice.into());
        } else {
            let writes = request.effect != Effect::Read;
            error.advice = self.credential.advice(&error.kind, writes).map(Into::into);
        }
        error
    }
}

/// A denied exchange is a 401 or a 400; a 403 comes from whoever stands before the token endpoint.
const EXCHANGE_FORBIDDEN: &str = "The exchange itself was forbidden, before the rule was looked at; the identity token was all that was sent. A gateway or an IP allowlist of the organization may refuse this machine; with the request id the Console's history (Settings, Workload identity) tells whether the exchange arrived.";

/// A call for which no token could be had was not sent, so that it may be tried again where the
/// reason may pass.
fn unsent(error: ApiError) -> Failure {
    let kind = match error.kind {
        ErrorKind::NotSent | ErrorKind::RateLimited { .. } | ErrorKind::Unavailable { .. } => {
            ErrorKind::NotSent
        }
        // What was sent to the token endpoint may work only once.
        _ => ErrorKind::Credential,
    };
    let advice = Some(error.advice().into());
    Failure { error: ApiError { kind, advice, ..error }, retry_after: None, should_retry: None }
}

fn not_renewed(refusal: ApiError, error: &ApiError) -> ApiError {
    let advice = format!("The token could not be renewed: {error}. {}", error.advice());
    ApiError { advice: Some(advice.into()), ..refusal }
}
