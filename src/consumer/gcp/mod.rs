//! Secrets of Google Cloud's Secret Manager: versions are disabled and enabled again.

mod credentials;

use reqwest::Method;
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Request, Trust, url};
use super::store::Store;
use crate::config::GcpSecret;
use crate::limits::STORE_PAGES_MAX;
use crate::secret::Secret;

/// Most versions in a page, as the API has it.
const PAGE_SIZE: usize = 1_000;

const NO_LIST: &str =
    "Is CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER, where it is set, the address of Secret Manager?";

/// A secret with the way to it.
pub(super) struct Gcp<'a> {
    secret: &'a GcpSecret,
    base: String,
    token: Secret,
}

/// A version.
struct Version {
    number: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    Destroyed,
}

/// Reads an entry of the list of versions; what is not understood is no absence.
fn read_version(version: &Value) -> Result<Version, String> {
    let number = version["name"].as_str().and_then(|name| name.rsplit('/').next());
    let number = number.filter(|number| number.parse::<u64>().is_ok());
    let state = match version["state"].as_str() {
        Some("ENABLED") => State::Enabled,
        Some("DISABLED") => State::Disabled,
        Some("DESTROYED") => State::Destroyed,
        _ => return Err(format!("the state {} of a version is not known", version["state"])),
    };
    let number = number.ok_or_else(|| format!("the name {} of a version is not known", version["name"]))?;
    Ok(Version { number: number.to_owned(), state })
}

impl<'a> Gcp<'a> {
    pub(super) async fn new(secret: &'a GcpSecret, environment: &Environment) -> Result<Gcp<'a>, CallError> {
        let base = environment.text("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER");
        let base = base.unwrap_or_else(|| "https://secretmanager.googleapis.com".to_owned());
        Ok(Gcp { secret, base, token: credentials::token(environment).await? })
    }

    fn request(
        &self,
        operation: String,
        method: Method,
        tail: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Request, CallError> {
        let GcpSecret { project, secret, .. } = self.secret;
        let mut segments = vec!["v1", "projects", project, "secrets", secret, "versions"];
        segments.extend(tail);
        Ok(Request::new(operation.clone(), method, url(&operation, &self.base, &segments, query)?)
            .bearer(&self.token))
    }

    /// The versions that concern us, newest first. The answers hold no values.
    async fn versions(&self) -> Result<Vec<Version>, CallError> {
        let operation = format!("list the versions of the secret {}", self.secret.secret);
        let mut versions = Vec::new();
        let mut page_token = String::new();
        for _ in 0..STORE_PAGES_MAX {
            let size = PAGE_SIZE.to_string();
            let mut query = vec![("pageSize", &*size)];
            if !page_token.is_empty() {
                query.push(("pageToken", &page_token));
            }
            let request = self.request(operation.clone(), Method::GET, &[], &query)?;
            let answer = match request.fetch(&Trust::default()).await {
                // A secret that is gone holds no key. Without the right to see it, the answer is 403.
                Err(error) if error.status == Some(404) && error.code == "NOT_FOUND" => return Ok(Vec::new()),
                answer => answer?,
            };
            // A list without entries comes without the field.
            let listed = match &answer["versions"] {
                Value::Null => &[][..],
                Value::Array(listed) => listed,
                _ => return Err(request.error("the list of versions is no list", NO_LIST)),
            };
            if listed.len() > PAGE_SIZE {
                return Err(request.error("a page of the list is larger than was asked for", NO_LIST));
            }
            for version in listed {
                versions.push(read_version(version).map_err(|why| request.error(why, NO_LIST))?);
            }
            match answer["nextPageToken"].as_str().filter(|token| !token.is_empty()) {
                Some(next) if next == page_token => {
                    return Err(request.error("the list leads back to the page just read", NO_LIST));
                }
                Some(next) => page_token = next.to_owned(),
                None => {
                    if let Some(wanted) = &self.secret.version {
                        versions.retain(|version| version.number == *wanted);
                        // Destroyed ones are listed too, so one that is not was never there.
                        if versions.is_empty() {
                            let message = format!("there is no version {wanted}");
                            return Err(request
                                .error(message, "Correct `version`, or leave it out for all versions."));
                        }
                    }
                    versions.sort_by_key(|version| {
                        std::cmp::Reverse(version.number.parse::<u64>().unwrap_or_default())
                    });
                    return Ok(versions);
                }
            }
        }
        Err(CallError::here(operation, "the list does not end", ""))
    }

    async fn switch(&self, number: &str, verb: &str) -> Result<(), CallError> {
        let operation = format!("{verb} version {number} of the secret {}", self.secret.secret);
        let call = format!("{number}:{verb}");
        let request = self.request(operation, Method::POST, &[&call], &[])?.json(&json!({}));
        request.succeed(&Trust::default()).await.map(|_| ())
    }
}

impl Store for Gcp<'_> {
    async fn holds_key(&self) -> Result<bool, CallError> {
        Ok(self.versions().await?.iter().any(|version| version.state == State::Enabled))
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        // The newest last: after half of it the place still holds the key that `latest` leads to.
        let versions = self.versions().await?;
        let enabled = versions.iter().rev().filter(|version| version.state == State::Enabled);
        let mut tried: Vec<&str> = Vec::new();
        for version in enabled {
            // Also the one whose answer does not come may have been disabled.
            tried.push(&version.number);
            if let Err(error) = self.switch(&version.number, "disable").await {
                // The next try could not tell these from versions that somebody else disabled. One that
                // cannot be enabled must not keep the others from it, and the first error says why.
                for number in tried {
                    let _ = self.switch(number, "enable").await;
                }
                return Err(error);
            }
        }
        Ok(Some(json!({ "disabled_versions": tried })))
    }

    async fn put_back(&self, receipt: Option<&Value>) -> Result<(), CallError> {
        let listed = receipt.and_then(|receipt| receipt["disabled_versions"].as_array());
        let disabled: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
        let versions = self.versions().await?;
        let left: Vec<&Version> =
            versions.iter().filter(|version| version.state != State::Destroyed).collect();
        // Where the receipt was lost, the newest version is the one that `latest` leads to.
        let wanted: Vec<&&Version> = match disabled.is_empty() {
            true => left.iter().take(1).collect(),
            false => left.iter().filter(|version| disabled.contains(&&*version.number)).collect(),
        };
        if wanted.is_empty() {
            return Err(CallError::here(
                format!("enable the secret {} again", self.secret.secret),
                "the versions that were disabled are destroyed or gone",
                "Add a version with a copy of the key.",
            ));
        }
        for version in wanted.into_iter().filter(|version| version.state == State::Disabled) {
            self.switch(&version.number, "enable").await?;
        }
        Ok(())
    }
}
