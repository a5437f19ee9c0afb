//! Secrets of an Azure Key Vault: a version is disabled and enabled again.

mod credentials;

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Request, Trust, url};
use super::store::Store;
use crate::config::AzureSecret;
use crate::limits::STORE_PAGES_MAX;
use crate::secret::Secret;

const API_VERSION: (&str, &str) = ("api-version", "7.4");

/// A secret with the way to it.
pub(super) struct Azure<'a> {
    secret: &'a AzureSecret,
    token: Secret,
}

struct Version {
    id: String,
    enabled: bool,
    created: i64,
}

const NO_LIST: &str = "Check the vault's address.";

/// Reads an entry of the list of versions; none when it is not understood, which is no absence.
fn read_version(version: &Value) -> Option<Version> {
    let id = version["id"].as_str()?.rsplit('/').next()?;
    let attributes = &version["attributes"];
    let (enabled, created) = (attributes["enabled"].as_bool()?, attributes["created"].as_i64()?);
    Some(Version { id: id.to_owned(), enabled, created })
}

impl<'a> Azure<'a> {
    pub(super) async fn new(
        secret: &'a AzureSecret,
        environment: &Environment,
    ) -> Result<Azure<'a>, CallError> {
        Ok(Azure { secret, token: credentials::token(environment, &secret.vault_url).await? })
    }

    /// The version that holds the key: the one that was named, or the newest. The list of versions
    /// is asked for, because the call for one version answers with its value.
    async fn version(&self) -> Result<Option<Version>, CallError> {
        let operation = format!("list the versions of the secret {}", self.secret.secret);
        let base = &self.secret.vault_url;
        let first = url(&operation, base, &["secrets", &self.secret.secret, "versions"], &[API_VERSION])?;
        let mut found: Option<Version> = None;
        let mut next = first.clone();
        for _ in 0..STORE_PAGES_MAX {
            let request = Request::new(&*operation, Method::GET, next.clone()).bearer(&self.token);
            let answer = match request.fetch(&Trust::default()).await {
                Err(error) if error.status == Some(404) && error.code == "SecretNotFound" => return Ok(None),
                answer => answer?,
            };
            let Some(listed) = answer["value"].as_array() else {
                return Err(request.error("the list of versions is no list", NO_LIST));
            };
            for version in listed {
                let version = read_version(version).ok_or_else(|| {
                    request.error("an entry of the list of versions is not understood", NO_LIST)
                })?;
                let wanted = match &self.secret.version {
                    Some(wanted) => wanted.eq_ignore_ascii_case(&version.id),
                    None => found.as_ref().is_none_or(|found| found.created < version.created),
                };
                if wanted {
                    found = Some(version);
                }
            }
            let Some(link) = answer["nextLink"].as_str().filter(|link| !link.is_empty()) else {
                return match (&found, &self.secret.version) {
                    (None, Some(wanted)) => {
                        let message = format!("there is no version {wanted}");
                        Err(request.error(message, "Correct `version`, or leave it out for the newest one."))
                    }
                    _ => Ok(found),
                };
            };
            let linked =
                Url::parse(link).ok().filter(|link| link.origin() == first.origin()).ok_or_else(|| {
                    let advice = "Check the vault's address.";
                    request.error("the next page of the list is said to be elsewhere", advice)
                })?;
            if linked == next {
                return Err(request.error("the list leads back to the page just read", NO_LIST));
            }
            next = linked;
        }
        Err(CallError::here(operation, "the list does not end", ""))
    }

    async fn switch(&self, id: &str, enabled: bool) -> Result<(), CallError> {
        let verb = if enabled { "enable" } else { "disable" };
        let operation = format!("{verb} version {id} of the secret {}", self.secret.secret);
        let segments = ["secrets", &self.secret.secret, id];
        let url = url(&operation, &self.secret.vault_url, &segments, &[API_VERSION])?;
        let request = Request::new(operation, Method::PATCH, url)
            .bearer(&self.token)
            .json(&json!({ "attributes": { "enabled": enabled } }))
            .unread();
        request.succeed(&Trust::default()).await.map(|_| ())
    }
}

impl Store for Azure<'_> {
    async fn holds_key(&self) -> Result<bool, CallError> {
        Ok(self.version().await?.is_some_and(|version| version.enabled))
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        let Some(version) = self.version().await? else { return Ok(None) };
        if version.enabled {
            self.switch(&version.id, false).await?;
        }
        Ok(Some(json!({ "disabled_version": version.id })))
    }

    async fn put_back(&self, receipt: Option<&Value>) -> Result<(), CallError> {
        if let Some(id) = receipt.and_then(|receipt| receipt["disabled_version"].as_str()) {
            return self.switch(id, true).await;
        }
        match self.version().await? {
            Some(version) => self.switch(&version.id, true).await,
            None => Err(CallError::here(
                format!("enable the secret {} again", self.secret.secret),
                "it is not there",
                "Recover it if it was deleted, or set it anew from a copy of the key.",
            )),
        }
    }
}
