//! Evidence: a recorded fact about federation or about a key.
//!
//! What was seen, where, when and by whom. Whether a fact is enough to open a gate is decided
//! elsewhere; here it is only remembered. No fact ever holds a secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::{Address, ConsumerId};

/// One recorded fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Unique within a lineage, in the order of recording.
    pub id: String,
    /// When the fact was true, by the clock of whoever saw it.
    pub observed_at: Timestamp,
    /// How far the fact can be trusted.
    pub weight: Weight,
    /// Where it comes from, in words a reviewer understands, such as `usage report`.
    pub source: String,
    /// SHA-256, in hexadecimal, of the document the fact was read from, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The fact itself.
    pub fact: Fact,
}

/// How far a fact can be trusted, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// A named person says so.
    Stated,
    /// The workload's own machine says so, unsigned.
    Reported,
    /// The engine saw it itself, or the API says so.
    Observed,
    /// The workload's identity provider signed it.
    Signed,
}

/// What a piece of evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// An issuer's published keys were fetched.
    IssuerKeys {
        /// The identity provider.
        provider: Address,
        /// The issuer URL the keys belong to.
        issuer_url: String,
        /// The key ids found, sorted.
        key_ids: Vec<String>,
    },
    /// An identity token was exchanged through a rule, or refused.
    Exchange {
        /// The rule that was named.
        rule: Address,
        /// The rule's id at the time; a replaced rule needs a new exchange.
        rule_id: String,
        /// SHA-256 of the rule's attributes at the time; a changed rule needs a new exchange.
        rule_digest: String,
        /// Whether the API minted a token.
        accepted: bool,
        /// The subject of the identity token.
        subject: String,
        /// Seconds until the minted token ends; 0 when refused.
        expires_in_seconds: u64,
        /// Why it was refused, with the request id; empty when accepted.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        refusal: String,
    },
    /// A workload reported which credential it sends.
    CredentialReport {
        /// The lane.
        key: Address,
        /// The consumer inside the lane.
        consumer: ConsumerId,
        /// Which credential wins.
        winner: Winner,
        /// Where the winning credential comes from, such as `.env:3`; no value of it.
        winner_source: String,
        /// The rule the workload federates through, where federation is set up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_id: Option<String>,
        /// Every static credential that beats federation, with the line to remove.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shadows: Vec<Shadow>,
        /// The id of the lane's key. Since format version 3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        /// As whom the workload signed: claims of its token that stay the same. Since format version 3.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        identity: Map<String, Value>,
    },
    /// A named person vouches for a consumer that no program can look into.
    Statement {
        /// The lane.
        key: Address,
        /// The consumer inside the lane.
        consumer: ConsumerId,
        /// The id of the lane's key. Since format version 3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        /// The rule through which it federates by its block. Since format version 3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_id: Option<String>,
        /// Who says so.
        by: String,
        /// What they say, in their words.
        statement: String,
    },
    /// A named person says which rule the settings of a workload name. Since format version 3.
    SettingsStatement {
        /// The lane as it was called.
        key: Address,
        /// The consumer as it was called.
        consumer: ConsumerId,
        /// The id of the lane's key.
        key_id: String,
        /// Kind, place and variable of the consumer, which tell it whatever it is called.
        place: String,
        /// The rule that they name.
        rule_id: String,
        /// Who says so.
        by: String,
        /// What they say, in their words.
        statement: String,
    },
    /// A named person says that a key never was in a file in which it is not found. Since format version 3.
    AbsenceStatement {
        /// The lane as it was called.
        key: Address,
        /// The consumer as it was called.
        consumer: ConsumerId,
        /// The id of the lane's key.
        key_id: String,
        /// Kind, place and variable of the consumer, which tell it whatever it is called.
        place: String,
        /// Who says so.
        by: String,
        /// What they say, in their words.
        statement: String,
    },
    /// What the usage report says about a key.
    KeyUsage {
        /// The lane.
        key: Address,
        /// Start of the window that was read.
        since: Timestamp,
        /// The report was complete up to here; anything later proves nothing.
        complete_until: Timestamp,
        /// End of the last reporting bucket in which the key used tokens, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_used_before: Option<Timestamp>,
    },
    /// A service account used tokens without any key.
    AccountTraffic {
        /// The service account.
        service_account: Address,
        /// Start of the last reporting bucket with such traffic.
        last_seen: Timestamp,
    },
    /// What the Activity Feed says of exchanges through a rule. Since format version 2.
    FederatedAuthentication {
        /// The rule.
        rule: Address,
        /// The rule's id at the time.
        rule_id: String,
        /// SHA-256 of the rule's attributes at the time; what is said counts for that rule alone.
        rule_digest: String,
        /// The last exchange that was accepted since the rule is as it is, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_accepted: Option<Timestamp>,
        /// The last exchange that was refused, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_refused: Option<Timestamp>,
        /// The feed's short reason for that refusal; empty where it gives none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A named person says that workloads are gone. Since format version 3.
    Retirement {
        /// The rule off which nothing lives any more, or the key whose workloads are gone.
        grant: Address,
        /// Its id at the time.
        object_id: String,
        /// The one consumer of the key that is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consumer: Option<ConsumerId>,
        /// Who says so.
        by: String,
        /// What they say, in their words.
        statement: String,
    },
    /// A named person approved the final archive of one key.
    ArchiveApproval {
        /// The lane.
        key: Address,
        /// Who approved.
        by: String,
    },
}

/// Which credential a workload sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// A token minted through federation.
    Federation,
    /// A static API key.
    ApiKey,
    /// A preset bearer token.
    AuthToken,
    /// None: the workload cannot call the API.
    Nothing,
}

/// A static credential that wins over federation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The variable or setting, such as `ANTHROPIC_API_KEY`.
    pub name: String,
    /// File and line, or another place, where it is set.
    pub place: String,
    /// What to do about it, as one sentence.
    pub fix: String,
}

impl Fact {
    /// Tells whether a report or a statement is about a consumer of a lane, or of another key that was called
    /// so. Those of older versions do not name the key.
    pub fn is_about(&self, lane: &Address, of_key: &str, id: &ConsumerId) -> bool {
        match self {
            Fact::CredentialReport { key, consumer, key_id, .. }
            | Fact::Statement { key, consumer, key_id, .. } => {
                key == lane && consumer == id && key_id.as_deref().is_none_or(|key_id| key_id == of_key)
            }
            _ => false,
        }
    }
}
