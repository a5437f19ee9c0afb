//! Secrets of GitHub: names can be listed, values can only be written.

use reqwest::Method;
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Request, Trust, url};
use super::store::Store;
use crate::config::{GithubOwner, GithubSecret};
use crate::limits::STORE_PAGES_MAX;
use crate::secret::Secret;

const PAGE_SIZE: usize = 100;

/// A secret with the way to it.
pub(super) struct Github<'a> {
    secret: &'a GithubSecret,
    base: String,
    token: Secret,
}

impl<'a> Github<'a> {
    pub(super) fn new(secret: &'a GithubSecret, environment: &Environment) -> Result<Github<'a>, CallError> {
        let token = environment.required_secret("reach GitHub", &["GITHUB_TOKEN", "GH_TOKEN"])?;
        let base = environment.text("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        Ok(Github { secret, base, token })
    }

    fn request(
        &self,
        operation: String,
        method: Method,
        tail: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Request, CallError> {
        let app = self.secret.app.as_str();
        let mut segments: Vec<&str> = match &self.secret.owner {
            GithubOwner::Repository(repository) => {
                ["repos"].into_iter().chain(repository.split('/')).chain([app]).collect()
            }
            GithubOwner::Environment { repository, environment } => ["repos"]
                .into_iter()
                .chain(repository.split('/'))
                .chain(["environments", environment])
                .collect(),
            GithubOwner::Organization(organization) => vec!["orgs", organization, app],
        };
        segments.push("secrets");
        segments.extend(tail);
        let url = url(&operation, &self.base, &segments, query)?;
        Ok(Request::new(operation, method, url)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .bearer(&self.token))
    }
}

impl Store for Github<'_> {
    /// The names are listed: a 404 for one name could also mean that the token may not see it.
    async fn holds_key(&self) -> Result<bool, CallError> {
        for page in 1..=STORE_PAGES_MAX {
            let size = PAGE_SIZE.to_string();
            let number = page.to_string();
            let operation = "list the names of GitHub secrets".to_owned();
            let query = [("per_page", &*size), ("page", &*number)];
            let request = self.request(operation, Method::GET, &[], &query)?;
            let answer = request.fetch(&Trust::default()).await?;
            let Some(secrets) = answer["secrets"].as_array() else {
                return Err(request.error("the answer lists no secrets", "Check GITHUB_API_URL."));
            };
            let is_ours =
                |name: &Value| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(&self.secret.name));
            if secrets.iter().any(|secret| is_ours(&secret["name"])) {
                return Ok(true);
            }
            if secrets.len() < PAGE_SIZE {
                return Ok(false);
            }
        }
        Err(CallError::here("list the names of GitHub secrets", "the list does not end", ""))
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        let operation = format!("delete the GitHub secret {}", self.secret.name);
        let request = self.request(operation, Method::DELETE, &[&self.secret.name], &[])?;
        let reply = request.send(&Trust::default()).await?;
        if reply.is_success() || reply.status == 404 {
            return Ok(Some(json!({ "deleted": self.secret.name })));
        }
        Err(request.refused(&reply))
    }

    async fn put_back(&self, _receipt: Option<&Value>) -> Result<(), CallError> {
        Err(CallError::here(
            format!("bring the GitHub secret {} back", self.secret.name),
            "GitHub never showed its value",
            "Set it anew from a copy of the key.",
        ))
    }
}
