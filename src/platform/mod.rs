//! The Claude Platform: the calls the engine makes, and the client that makes them.
//!
//! One code path serves the real API and the simulator; only the base URL differs. In reading
//! order: `call` and `error` are what the rest of the program sees, `http` turns calls into
//! requests, `transport` sends them, `retry` says which may be sent again, `page` reads lists,
//! `wire` knows how objects look, and `observe`, `usage` and `exchange` put these together;
//! `credentials` finds the engine's own token and keeps it fresh, through the requests of `grant`.
//! `issuer_keys` talks to identity providers instead, and carries no credential.

mod activity;
mod call;
mod create;
mod credentials;
mod error;
mod exchange;
mod fresh;
mod governor;
mod grant;
mod http;
mod issuer_keys;
mod observe;
mod page;
mod page_bounds;
mod public_address;
mod retry;
mod scrub;
mod sender;
mod settings;
#[cfg(test)]
mod tests;
mod transport;
mod usage;
mod waits;
mod wire;

pub use activity::{Activity, ActivityEvent, ActivityKind, ActivityQuestion, ExchangeOutcome};
pub use call::{Answer, Call};
pub(crate) use credentials::{CREDENTIAL_VARIABLES, read_identity_token};
pub use credentials::{Credential, Environment, ReportKeyKind, ReportKeys, Selection, choose, from_process};
pub use error::{ApiError, ErrorKind};
pub use http::HttpPlatform;
pub use issuer_keys::{IssuerKeyClient, KeyFetchError};
pub use observe::{Managed, Named};
pub(crate) use scrub::scrub;
pub(crate) use sender::{BodyError, read_body};
pub use settings::{ClockSource, DEFAULT_BASE_URL, Notice, Progress, Settings};
pub(crate) use settings::{causes, is_loopback, user_agent};
pub use usage::{Usage, UsageQuestion, UsageRow, UsageSource};

use jiff::Timestamp;

use crate::resource::{ApiKeyObject, Observed};
use crate::secret::Secret;

/// What apply needs of the remote side.
pub trait Platform: Send + Sync + 'static {
    /// Makes one change and returns the object as the API shows it afterwards.
    ///
    /// A create is never sent again blindly: when its answer is lost the unique name is looked up,
    /// and what is found is adopted if it is what was asked and was created no earlier than `since`,
    /// when the change was announced. [`ErrorKind::AnswerLost`] means that looking could not tell
    /// either.
    fn perform(&self, call: &Call, since: Timestamp)
    -> impl Future<Output = Result<Answer, ApiError>> + Send;

    /// Reads everything, page by page; memberships of managed accounts alone.
    fn observe(&self, managed: &Managed) -> impl Future<Output = Result<Observed, ApiError>> + Send;

    /// Reads a few objects by their ids; what cannot be read is among the unreadable. `known` is what
    /// was observed before.
    fn read(&self, named: &Named, known: &Observed) -> impl Future<Output = Observed> + Send;

    /// Waits before something is read again for the `tries`-th time, since reads may lag behind writes.
    fn pause(&self, tries: u32) -> impl Future<Output = ()> + Send;

    /// Reads one key, right before its status is changed: the API checks no version.
    fn api_key(&self, id: &str) -> impl Future<Output = Result<ApiKeyObject, ApiError>> + Send;

    /// Exchanges an identity token through a rule and throws the minted token away.
    fn exchange(&self, request: &ExchangeRequest)
    -> impl Future<Output = Result<Exchanged, ApiError>> + Send;

    /// Reads use per hour, by key and service account, from whichever endpoint may be read.
    fn usage(&self, question: &UsageQuestion) -> impl Future<Output = Result<Usage, ApiError>> + Send;

    /// Reads the newest entries of the Activity Feed, newest first; none where it cannot be read
    /// with the credentials at hand, which is a normal outcome.
    fn activities(
        &self,
        question: ActivityQuestion,
    ) -> impl Future<Output = Result<Option<Vec<Activity>>, ApiError>> + Send;

    /// The time by which the platform judges: that of the API's answers, or the simulator's clock.
    fn now(&self) -> impl Future<Output = Result<Timestamp, ApiError>> + Send;

    /// Moves the simulated clock forward, where there is one; false where time is real.
    fn advance_clock(&self, to: Timestamp) -> impl Future<Output = Result<bool, ApiError>> + Send;
}

/// What a trial exchange sends.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// `fdrl_…`.
    pub rule_id: String,
    /// The organization's UUID.
    pub organization_id: String,
    /// `svac_…`.
    pub service_account_id: String,
    /// `wrkspc_…`; always sent, because a rule may cover several.
    pub workspace_id: Option<String>,
    /// The identity token.
    pub identity_token: Secret,
}

/// How a trial exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// A token was minted and thrown away.
    Accepted {
        /// Its life in seconds.
        expires_in_seconds: u64,
        /// Its scope.
        scope: String,
    },
    /// The API refused; it never says why.
    Refused {
        /// The HTTP status: 400 or 401.
        status: u16,
        /// The API's message.
        message: String,
        /// The API's id of the request, to look it up in the Console's history.
        request_id: Option<String>,
    },
}
