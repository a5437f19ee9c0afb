//! What is known about a lane at one moment: the input of the gates.

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, ConsumerId, Shadow, Weight, Winner};

use super::gate::Refusal;
use crate::binding::Doubt;
use crate::env_file::Format;
use crate::resource::KeyStatus;

/// All that is known about one lane.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneFacts {
    /// The key's address, which names the lane.
    pub address: Address,
    /// The key.
    pub key: KeyFacts,
    /// The rules that replace it.
    pub rules: Vec<RuleFacts>,
    /// The places where it is used.
    pub consumers: Vec<ConsumerFacts>,
    /// What the usage report says about it.
    pub usage: Option<UsageFacts>,
    /// How long the key must be silent after its removal.
    pub quiet_period: SignedDuration,
    /// How long the key must have been inactive before it may be archived; none: never.
    pub archive_after: Option<SignedDuration>,
    /// When it was rolled back for the last time.
    pub rolled_back_at: Option<Timestamp>,
    /// Whether it stays back until somebody says that it goes on.
    pub held: bool,
    /// Whether what is parked of the key is to go, although the key is not archived.
    pub forgets_parked: bool,
    /// What the files ask for and is refused, so that nothing is done with it.
    pub refused: Vec<Refusal>,
}

impl LaneFacts {
    /// Leaves out what was seen before the lane was rolled back: that counted once, for a removal that
    /// was taken back.
    pub(super) fn since_rollback(mut self) -> LaneFacts {
        let Some(back) = self.rolled_back_at else { return self };
        let is_newer = |at: &Timestamp| *at > back;
        for rule in &mut self.rules {
            // A rule that worked in that very moment was proven as late as can be.
            rule.exchange = rule.exchange.take().filter(|exchange| exchange.at >= back);
            rule.traffic_at = rule.traffic_at.filter(is_newer);
            rule.reported_at = rule.reported_at.filter(is_newer);
            if let Some(feed) = &mut rule.feed {
                feed.accepted_at = feed.accepted_at.filter(is_newer);
            }
        }
        for consumer in &mut self.consumers {
            // A person who speaks in that very moment has seen it.
            if let NamedRule::Own { at, is_stated } = consumer.names
                && !is_newer(&at)
                && !(is_stated && at == back)
            {
                consumer.names = NamedRule::Unknown;
            }
            consumer.report = consumer.report.take().filter(|report| is_newer(&report.at));
            if consumer.manual {
                consumer.removed_at = consumer.removed_at.filter(is_newer);
            }
        }
        self
    }
}

/// What is known about the key itself.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyFacts {
    /// `apikey_…`.
    pub id: String,
    /// Its status as the API says; none when the API does not list it.
    pub status: Option<KeyStatus>,
    /// When we disabled it, if we did and it still is.
    pub disabled_at: Option<Timestamp>,
    /// The last time somebody else set it active again.
    pub reactivated_at: Option<Timestamp>,
    /// Why the key cannot be read, where it cannot.
    pub unreadable: Option<String>,
    /// Who approved its archive and when.
    pub approval: Option<(String, Timestamp)>,
}

/// Which rule the settings of a workload name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedRule {
    /// The settings are written and read by keyless itself.
    Written,
    /// The rule through which its block lets it federate.
    Own {
        /// When that was shown.
        at: Timestamp,
        /// Whether a named person says so, and not its newest report.
        is_stated: bool,
    },
    /// Another one, by its newest report.
    Other(OtherRule),
    /// That was not shown yet. A person who takes a key out by hand sees to it.
    Unknown,
}

/// A rule that is not the one through which a consumer's block lets it federate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherRule {
    /// Its id.
    pub id: String,
    /// Whether it is there and not archived.
    pub is_live: bool,
}

/// A line of a file that sets the key's variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The first such line, from 1.
    pub line: usize,
    /// The key that every such line holds, where that is known and cannot work any more.
    pub dead: Option<String>,
}

/// What is known about one replacing rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFacts {
    /// The rule.
    pub address: Address,
    /// Its service account.
    pub service_account: Address,
    /// Why the rule, its issuer or its account is not yet as configured; none when all of it
    /// reads back equal.
    pub unconfigured: Option<String>,
    /// What of the rule, its issuer and its account somebody else archived, with what stands on that.
    pub lost: Vec<Address>,
    /// Whether the issuer's published keys were fetched.
    pub issuer_keys_seen: bool,
    /// The last trial exchange of the rule as it is now.
    pub exchange: Option<ExchangeFacts>,
    /// What the Activity Feed says of exchanges by others through the rule as it is now.
    pub feed: Option<FeedFacts>,
    /// When a workload last showed by a signed report that it federates through the rule as it is now.
    pub reported_at: Option<Timestamp>,
    /// Whether the engine can make a trial exchange itself.
    pub can_exchange: bool,
    /// The workload whose own token a trial would use up, where there is one.
    pub spared: Option<SparedFacts>,
    /// Start of the last reporting bucket in which the service account used tokens without a key.
    pub traffic_at: Option<Timestamp>,
}

/// A workload that lives off a token which works once, and which a trial would use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparedFacts {
    /// It, for people, such as `dotenv.app of api_key.app`.
    pub workload: String,
    /// Whether it lives off this very rule, so that it shows by itself that the rule works.
    pub lives_off_it: bool,
}

/// The last trial exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeFacts {
    /// When it was made.
    pub at: Timestamp,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Why not; empty when accepted.
    pub refusal: String,
}

/// What the Activity Feed says of exchanges through a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedFacts {
    /// The last that was accepted.
    pub accepted_at: Option<Timestamp>,
    /// The last that was refused.
    pub refused_at: Option<Timestamp>,
    /// The feed's reason for that refusal; empty where it gives none.
    pub reason: String,
}

/// What is known about one consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerFacts {
    /// The consumer.
    pub id: ConsumerId,
    /// Where it is, for people, such as `./app/.env`.
    pub place: String,
    /// By whose grammar it is read, where it is a file of variables.
    pub format: Option<Format>,
    /// Whether the key is still in it.
    pub presence: Presence,
    /// The key line in it, where its place is a file of lines.
    pub returned: Option<Returned>,
    /// Why its federation settings are not yet as they should be; none when they are, or when
    /// they are not ours to write.
    pub unconfigured: Option<String>,
    /// Why it is not known that the rule of its block lets it in; none where it is, and where it has its key.
    pub doubt: Option<Doubt>,
    /// The id of the rule that it lives off, where its block names another one by now and a person moves it.
    pub left_behind: Option<String>,
    /// Why its file cannot be cleared of the key, where a line of it is not understood.
    pub blocked: Option<String>,
    /// Whether nothing shows that the key ever was in it: its file holds neither the key nor what keyless parked,
    /// and nobody said that this is as it should be.
    pub not_found: bool,
    /// The lines in which it is parked there, from 1.
    pub parked: Vec<usize>,
    /// When the key was taken out.
    pub removed_at: Option<Timestamp>,
    /// The place that is recorded for it, where its block names another one.
    pub displaced: Option<String>,
    /// Which rule its settings name.
    pub names: NamedRule,
    /// The id of the rule through which its block lets it federate, once that exists.
    pub rule_id: Option<String>,
    /// The rule through which its block lets it federate.
    pub rule: Address,
    /// Whether its settings name that rule and differ otherwise, so that it is not known what proves them.
    pub differs_otherwise: bool,
    /// When its federation settings were last written, if we wrote them.
    pub configured_at: Option<Timestamp>,
    /// Whether neither its key nor federation settings are in a place that keyless has changed before.
    pub bare: bool,
    /// Whether a person takes the key out.
    pub manual: bool,
    /// Whether its block says where its workload reports.
    pub reports: bool,
    /// The newest credential report or statement.
    pub report: Option<ReportFacts>,
}

/// Whether a key is in a consumer.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// The key is there.
    Present,
    /// The consumer reads back free of the key.
    Absent,
    /// It cannot be told, and why.
    Unknown(String),
}

/// What a workload reported, or a person stated, about the credential it sends.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportFacts {
    /// When.
    pub at: Timestamp,
    /// How far it can be trusted.
    pub weight: Weight,
    /// Which credential wins.
    pub winner: Winner,
    /// Where the winner comes from.
    pub winner_source: String,
    /// Whether it federates through a rule of this lane.
    pub through_our_rule: bool,
    /// What beats federation.
    pub shadows: Vec<Shadow>,
}

/// What the usage report says about a key.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageFacts {
    /// Start of the window that was read.
    pub since: Timestamp,
    /// The report is complete up to here.
    pub complete_until: Timestamp,
    /// End of the last bucket with use, if any.
    pub last_used_before: Option<Timestamp>,
}
