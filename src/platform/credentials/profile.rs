//! The files of a profile, as `ant auth login` and the vendor's clients write them.
//!
//! `configs/NAME.json` holds nothing secret; `credentials/NAME.json` holds the tokens. Unknown
//! fields are kept as they are, because other programs write these files too.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::secret::Secret;

/// The version that is written to credentials files.
const VERSION: &str = "1.0";

/// A profile's configuration.
#[derive(Debug, Deserialize)]
pub(super) struct ProfileConfiguration {
    pub(super) authentication: Authentication,
    #[serde(default)]
    pub(super) base_url: Option<String>,
    #[serde(default)]
    pub(super) organization_id: Option<String>,
    #[serde(default)]
    pub(super) workspace_id: Option<String>,
}

/// How a profile proves who it is.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Authentication {
    /// A person logged in.
    UserOauth {
        #[serde(default)]
        client_id: Option<String>,
        #[serde(default)]
        scope: Option<String>,
        #[serde(default)]
        credentials_path: Option<String>,
    },
    /// Identity tokens are exchanged.
    OidcFederation {
        #[serde(default)]
        federation_rule_id: Option<String>,
        #[serde(default)]
        service_account_id: Option<String>,
        #[serde(default)]
        identity_token: Option<IdentityTokenPlace>,
        #[serde(default)]
        credentials_path: Option<String>,
    },
}

/// Where a profile's identity token is.
#[derive(Debug, Deserialize)]
pub(super) struct IdentityTokenPlace {
    pub(super) source: String,
    #[serde(default)]
    pub(super) path: Option<String>,
}

impl ProfileConfiguration {
    /// Reads a configuration file.
    pub(super) fn parse(text: &str) -> Result<ProfileConfiguration, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// Refuses names that could lead out of the directory of profiles.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || matches!(name, "." | "..") || !name.chars().all(known) {
        return Err("a profile's name has letters, digits, `_`, `.` and `-` only".to_owned());
    }
    Ok(())
}

/// The tokens of a profile; everything else in the file is kept for writing it back.
pub(super) struct StoredTokens {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) scope: Option<String>,
}

impl StoredTokens {
    /// Reads a credentials file. The reasons never quote the file, for it holds tokens.
    pub(super) fn parse(text: &str) -> Result<StoredTokens, String> {
        let file: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "it is not a JSON object".to_owned())?;
        let word = |name: &str| file.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access_token = word("access_token").ok_or("it has no `access_token`")?;
        let expires_at = match file.get("expires_at") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
                let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
                Some(time.ok_or("its `expires_at` is no time in seconds since 1970")?)
            }
        };
        Ok(StoredTokens {
            access_token: Secret::new(access_token),
            refresh_token: word("refresh_token").map(Secret::new),
            expires_at,
            scope: word("scope").map(str::to_owned),
        })
    }
}

/// The text of a credentials file with new tokens in it; the other fields of `before` stay.
pub(super) fn rewritten(
    before: Option<&str>,
    access_token: &Secret,
    refresh_token: Option<&Secret>,
    expires_at: Option<Timestamp>,
) -> String {
    let mut file: Map<String, Value> =
        before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    file.insert("version".to_owned(), json!(VERSION));
    file.insert("type".to_owned(), json!("oauth_token"));
    file.insert("access_token".to_owned(), json!(access_token.expose()));
    file.insert("expires_at".to_owned(), json!(expires_at.map(Timestamp::as_second)));
    if let Some(token) = refresh_token {
        file.insert("refresh_token".to_owned(), json!(token.expose()));
    }
    let mut text = serde_json::to_string_pretty(&file).expect("a map of JSON values is JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_and_all_else_stays() {
        let before = r#"{"access_token":"old","refresh_token":"keep","account_email":"a@example.com"}"#;
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let file: Value =
            serde_json::from_str(&rewritten(Some(before), &Secret::new("new"), None, Some(at))).unwrap();
        assert_eq!(
            file,
            json!({
                "version": "1.0", "type": "oauth_token", "access_token": "new", "refresh_token": "keep",
                "expires_at": 1_800_000_000, "account_email": "a@example.com",
            })
        );
    }

    #[test]
    fn damaged_files_are_refused_without_a_word_of_them() {
        let check = |text: &str, expected: &str| {
            let why = StoredTokens::parse(text).err().expect("a refusal");
            assert!(why.contains(expected) && !why.contains("canary"), "{why}");
        };
        check("canary", "not a JSON object");
        check(r#"{"access_token": ""}"#, "no `access_token`");
        check(r#"{"access_token": "canary", "expires_at": "soon"}"#, "expires_at");
        let tokens = StoredTokens::parse(r#"{"access_token":"a","expires_at":1800000000.5}"#).unwrap();
        assert_eq!(tokens.expires_at.unwrap().as_second(), 1_800_000_000);
    }

    #[test]
    fn names_stay_inside_the_directory() {
        for name in ["", ".", "..", "a/b", "a\\b", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        check_name("team-1.prod_x").unwrap();
    }
}
