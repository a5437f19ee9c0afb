//! A federation issuer: who signs identity tokens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Provenance;

/// What can be asked of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerArguments {
    /// Unique name, `^[a-z0-9-]+$`, 1 to 255 characters.
    pub name: String,
    /// Compared byte for byte with the token's `iss`.
    pub issuer_url: String,
    /// Where the public keys come from.
    pub jwks: Jwks,
    /// Whether a token with a `jti` may be used once only. The API's default is true.
    pub check_jti: bool,
    /// Longest permitted `exp - iat`, in seconds, 1 to 176400. The API's default is 3600.
    pub max_jwt_lifetime_seconds: i64,
}

/// Where an issuer's public keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Jwks {
    /// The discovery document below `discovery_base`, or below the issuer URL.
    Discovery {
        /// Base URL to ask instead of the issuer URL.
        discovery_base: Option<String>,
        /// Private CA, PEM, at most 8192 characters.
        ca_cert_pem: Option<String>,
    },
    /// A fixed URL.
    ExplicitUrl {
        /// The URL of the key set.
        url: String,
        /// Private CA, PEM, at most 8192 characters.
        ca_cert_pem: Option<String>,
    },
    /// The keys themselves; they are never refreshed.
    Inline {
        /// Public JWK objects, at least one.
        keys: Vec<Value>,
    },
    /// A source that this program does not know; it can be seen and never written.
    Other {
        /// The API's word.
        kind: String,
    },
}

/// An issuer as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerObject {
    /// `fdis_…`.
    pub id: String,
    /// What was asked.
    pub arguments: IssuerArguments,
    /// Health of key fetching; changes by itself and is never compared.
    pub health: IssuerHealth,
    /// Who and when.
    pub provenance: Provenance,
}

/// How well the service can fetch an issuer's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerHealth {
    /// Failed fetches in a row.
    pub consecutive_failures: u64,
    /// Since when the service has stopped trying, if it has.
    pub polling_disabled_at: Option<jiff::Timestamp>,
}
