//! CI/CD variables of GitLab.
//!
//! GitLab's REST answers about variables hold their values. Looking therefore uses GraphQL, which
//! sends only the fields asked for, and the answers to changes are left unread. A variable is
//! parked by moving it to an environment scope that no job runs in; the value is not sent along.

use reqwest::Method;
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Request, Trust, url};
use super::store::Store;
use crate::config::{GitlabOwner, GitlabVariable};
use crate::limits::STORE_PAGES_MAX;
use crate::secret::Secret;

/// A variable with the way to it.
pub(super) struct Gitlab<'a> {
    variable: &'a GitlabVariable,
    base: String,
    token: Secret,
}

/// The scope under which a variable is parked: it has no wildcard, and no environment its name.
fn parked_scope(scope: &str) -> String {
    format!("keyless-parked/{}", scope.replace('*', "{any}"))
}

impl<'a> Gitlab<'a> {
    pub(super) fn new(
        variable: &'a GitlabVariable,
        environment: &Environment,
    ) -> Result<Gitlab<'a>, CallError> {
        let token = environment.required_secret("reach GitLab", &["GITLAB_TOKEN"])?;
        let base = environment.first(&["GITLAB_URL", "CI_SERVER_URL"]);
        Ok(Gitlab { variable, base: base.unwrap_or_else(|| "https://gitlab.com".to_owned()), token })
    }

    /// The kind of owner in GraphQL and in REST, and its path.
    fn owner(&self) -> (&'static str, &'static str, &str) {
        match &self.variable.owner {
            GitlabOwner::Project(path) => ("project", "projects", path),
            GitlabOwner::Group(path) => ("group", "groups", path),
        }
    }

    fn rest(&self, operation: String, method: Method, scope: &str) -> Result<Request, CallError> {
        let (_, collection, path) = self.owner();
        let segments = ["api", "v4", collection, path, "variables", &self.variable.key];
        let url = url(&operation, &self.base, &segments, &[("filter[environment_scope]", scope)])?;
        Ok(Request::new(operation, method, url).bearer(&self.token).unread())
    }

    /// Moves the variable from one scope to another; false when there is none in the first.
    async fn rescope(&self, operation: String, from: &str, to: &str) -> Result<bool, CallError> {
        let request = self.rest(operation, Method::PUT, from)?.json(&json!({ "environment_scope": to }));
        let reply = request.send(&Trust::default()).await?;
        match reply.status {
            404 => Ok(false),
            _ if reply.is_success() => Ok(true),
            400 => {
                let advice = "Nothing was changed. Where this GitLab cannot move a variable to another scope without \
                              its value, use `park = false`.";
                Err(CallError { advice: advice.to_owned(), ..request.refused(&reply) })
            }
            _ => Err(request.refused(&reply)),
        }
    }
}

impl Store for Gitlab<'_> {
    async fn holds_key(&self) -> Result<bool, CallError> {
        let (owner, _, path) = self.owner();
        let query = format!(
            "query($path: ID!, $after: String) {{ {owner}(fullPath: $path) {{ ciVariables(first: 100, after: $after) {{ \
             nodes {{ key environmentScope }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let operation = "list the keys of GitLab variables";
        let url = url(operation, &self.base, &["api", "graphql"], &[])?;
        let mut after = Value::Null;
        for _ in 0..STORE_PAGES_MAX {
            let body = json!({ "query": query, "variables": { "path": path, "after": after } });
            let request = Request::new(operation, Method::POST, url.clone()).bearer(&self.token).json(&body);
            let answer = request.fetch(&Trust::default()).await?;
            if let Some(message) = answer.pointer("/errors/0/message").and_then(Value::as_str) {
                return Err(request.error(message, "Check the token's scope: it needs `read_api` at least."));
            }
            let variables = &answer["data"][owner]["ciVariables"];
            let Some(nodes) = variables["nodes"].as_array() else {
                let message = format!("the {owner} {path} is not there, or its variables are not shown");
                let advice = "Check the path. The token's owner needs the role Maintainer in a project, Owner in a group.";
                return Err(request.error(message, advice));
            };
            let is_ours = |node: &Value| {
                node["key"] == *self.variable.key
                    && node["environmentScope"] == *self.variable.environment_scope
            };
            if nodes.iter().any(is_ours) {
                return Ok(true);
            }
            match variables["pageInfo"]["hasNextPage"].as_bool() {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => {
                    let message = "the list of variables does not say whether it ends here";
                    return Err(request.error(message, "Is GITLAB_URL the address of a GitLab?"));
                }
            }
            let next = &variables["pageInfo"]["endCursor"];
            if *next == after {
                let message = "the list leads back to the page just read";
                return Err(request.error(message, "Is GITLAB_URL the address of a GitLab?"));
            }
            after = next.clone();
        }
        Err(CallError::here(operation, "the list does not end", ""))
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        let GitlabVariable { key, environment_scope: scope, .. } = self.variable;
        // A GitLab that does not know the filter would take a variable of another scope instead.
        if !self.holds_key().await? {
            return Ok(None);
        }
        if self.variable.park {
            let parked = parked_scope(scope);
            self.rescope(format!("park the GitLab variable {key}"), scope, &parked).await?;
            return Ok(Some(json!({ "parked_scope": parked })));
        }
        let request = self.rest(format!("delete the GitLab variable {key}"), Method::DELETE, scope)?;
        let reply = request.send(&Trust::default()).await?;
        if reply.is_success() || reply.status == 404 {
            return Ok(Some(json!({ "deleted": key })));
        }
        Err(request.refused(&reply))
    }

    async fn put_back(&self, _receipt: Option<&Value>) -> Result<(), CallError> {
        let GitlabVariable { key, environment_scope: scope, .. } = self.variable;
        let operation = format!("put the GitLab variable {key} back");
        if !self.variable.park {
            let advice = "Set it anew from a copy of the key.";
            return Err(CallError::here(operation, "it was deleted without reading its value", advice));
        }
        let parked = parked_scope(scope);
        if self.holds_key().await? || self.rescope(operation.clone(), &parked, scope).await? {
            return Ok(());
        }
        let message = format!("there is no variable {key} in the scope {parked}");
        Err(CallError::here(operation, message, "Somebody removed it; set it anew from a copy of the key."))
    }
}
