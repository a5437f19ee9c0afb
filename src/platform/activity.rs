//! The Activity Feed: who exchanged a token through which rule, and who changed what.
//!
//! It takes a key of its own, and many organizations do not have it, so that it cannot be read is a
//! normal outcome. Nothing is concluded from what it does not say: it is read from its newest entry
//! backwards and not to its end.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::ApiError;
use super::page::{self, Next, Style};
use super::transport::{Request, Transport};
use super::usage::whole_seconds;
use super::wire;
use crate::limits;

/// What is asked of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityQuestion {
    /// Which entries.
    pub about: ActivityKind,
    /// From when.
    pub since: Timestamp,
}

/// Which entries of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// Exchanges of identity tokens, accepted and refused.
    Authentications,
    /// Changes of issuers, rules, service accounts and keys.
    Changes,
}

impl ActivityKind {
    /// The types that the API knows for it.
    fn types(self) -> &'static [&'static str] {
        match self {
            ActivityKind::Authentications => &["platform_federated_authentication"],
            ActivityKind::Changes => &[
                "platform_federation_issuer_updated",
                "platform_federation_issuer_archived",
                "platform_federation_rule_updated",
                "platform_federation_rule_archived",
                "platform_federation_rule_workspace_added",
                "platform_federation_rule_workspace_removed",
                "platform_service_account_updated",
                "platform_service_account_archived",
                "platform_service_account_workspace_member_added",
                "platform_service_account_workspace_member_removed",
                "platform_service_account_workspace_member_updated",
                "platform_api_key_updated",
            ],
        }
    }
}

/// One entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// `activity_…`.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it, for people: an id, and a mail address where there is one.
    pub actor: Option<String>,
    /// What happened.
    pub event: ActivityEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivityEvent {
    /// A workload asked for a token.
    Authentication {
        /// `fdrl_…`.
        rule_id: Option<String>,
        /// `svac_…`, as the caller asked.
        service_account_id: Option<String>,
        /// How it ended.
        outcome: ExchangeOutcome,
        /// The feed's short reason for a refusal; empty where there is none.
        reason: String,
        /// The API's id of the exchange.
        request_id: Option<String>,
    },
    /// An object was changed or archived.
    Change {
        /// The feed's word for it, such as `platform_api_key_updated`.
        kind: String,
        /// Ids of the objects it names.
        objects: Vec<String>,
        /// The fields that were changed, with the new value.
        updates: Vec<(String, String)>,
    },
}

/// How an exchange ended. A word that is not known is neither an acceptance nor a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// A token was minted.
    Accepted,
    /// It was refused.
    Refused,
    /// A word of a newer feed.
    Other(String),
}

/// Whether the feed refused the key already, so that it is not asked again and again.
#[derive(Debug, Default)]
pub(crate) struct FeedClosed(AtomicBool);

/// Reads the newest entries; none where the feed cannot be read with the credentials at hand.
///
/// # Errors
/// When the feed is there and fails.
pub(crate) async fn activities(
    transport: &Transport,
    closed: &FeedClosed,
    question: ActivityQuestion,
) -> Result<Option<Vec<Activity>>, ApiError> {
    if !transport.has_feed_key() || closed.0.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let mut request = Request::get("read the Activity Feed", &["v1", "compliance", "activities"]);
    request.query = vec![("created_at.gte", whole_seconds(question.since).to_string())];
    let types = question.about.types().iter().map(|kind| ("activity_types[]", (*kind).to_owned()));
    request.query.extend(types);
    let mut pages = 0;
    let look = |_: &_| {
        pages += 1;
        Ok(if pages >= limits::FEED_PAGES_MAX { Next::Stop } else { Next::Page })
    };
    match page::read_pages(transport, "activities", Style::Feed, &request, look).await {
        Ok((entries, _)) => Ok(Some(entries.iter().filter_map(wire::read_activity).collect())),
        Err(error) if error.is_closed() => {
            tracing::debug!(%error, "the Activity Feed cannot be read");
            closed.0.store(true, Ordering::Relaxed);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
