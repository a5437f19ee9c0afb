//! A static API key: what is to be retired. The secret itself is never part of it.

use jiff::Timestamp;

/// A key as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyObject {
    /// `apikey_…`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Where it stands.
    pub status: KeyStatus,
    /// First and last characters, such as `sk-ant-api03-abc...xyz`; enough to match, no secret.
    pub partial_key_hint: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it expires by itself, if ever.
    pub expires_at: Option<Timestamp>,
    /// Where it works.
    pub scope: KeyScope,
    /// Whom it acts as; none for a key of a workspace that belongs to nobody.
    pub principal: Option<KeyPrincipal>,
}

/// Whom a key acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPrincipal {
    /// A person: `user_…`.
    User(String),
    /// A service account: `svac_…`. Its use shows as the account's own.
    ServiceAccount(String),
    /// A kind that this program does not know.
    Other(String),
}

/// Where a key stands. A status of a newer API is kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It is switched off and can be switched on again.
    Inactive,
    /// It is gone for good.
    Archived,
    /// It ended at its expiry date.
    Expired,
    /// A status this program does not know.
    Other(String),
}

impl KeyStatus {
    /// The API's word.
    pub fn word(&self) -> &str {
        match self {
            KeyStatus::Active => "active",
            KeyStatus::Inactive => "inactive",
            KeyStatus::Archived => "archived",
            KeyStatus::Expired => "expired",
            KeyStatus::Other(word) => word,
        }
    }

    /// Reads the API's word.
    pub fn from_word(word: &str) -> KeyStatus {
        match word {
            "active" => KeyStatus::Active,
            "inactive" => KeyStatus::Inactive,
            "archived" => KeyStatus::Archived,
            "expired" => KeyStatus::Expired,
            other => KeyStatus::Other(other.to_owned()),
        }
    }
}

/// Where a key works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// In one workspace; none is the default workspace in the older shape of the API.
    Workspace(Option<String>),
    /// In the whole organization.
    Organization,
}
