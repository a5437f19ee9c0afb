//! A federation issuer: who signs identity tokens.

use serde::{Deserialize, Serialize};

use super::{Jwks, Provenance};

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

impl IssuerArguments {
    /// Tells whether both ask for the same, however their keys are written.
    pub fn is_equivalent(&self, other: &IssuerArguments) -> bool {
        let jwks = self.jwks.clone();
        self.jwks.is_equivalent(&other.jwks) && *self == IssuerArguments { jwks, ..other.clone() }
    }
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
