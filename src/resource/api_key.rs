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

/// Whether a key begins and ends as a hint says, such as `sk-ant-api03-abc...xyz`.
pub fn fits_hint(hint: &str, key: &str) -> bool {
    let parts = hint.split_once("...").or_else(|| hint.split_once('…'));
    parts.is_some_and(|(begins, ends)| {
        let is_telling = !begins.is_empty() && !ends.is_empty();
        is_telling && key.len() >= begins.len() + ends.len() && key.starts_with(begins) && key.ends_with(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_fits_the_key_that_it_was_made_of() {
        let check =
            |hint, expected: bool| assert_eq!(fits_hint(hint, "sk-ant-api03-abcdef-xyz"), expected, "{hint}");
        check("sk-ant-api03-abc...xyz", true);
        check("sk-ant-api03-abc…xyz", true);
        check("sk-ant-api03-abd...xyz", false);
        check("sk-ant-api03-abc...xyy", false);
        check("sk-ant-api03-abcdef-xyz", false);
        check("...", false);
        check("sk-ant-api03-abcdef-x...f-xyz", false);
    }
}
