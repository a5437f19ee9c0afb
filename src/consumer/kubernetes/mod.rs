//! Entries of Kubernetes Secrets and ConfigMaps.
//!
//! An entry is parked by a JSON patch that moves it to another name on the server. Whether it is
//! there is asked with the same patch as a dry run: reading the object would bring the value here,
//! and even its metadata may repeat it in an annotation, so answers to patches are left unread. The
//! right to `patch` is all that is needed.

mod access;
mod kubeconfig;

use reqwest::Method;
use serde_json::{Value, json};

use super::call_error::CallError;
use super::environment::Environment;
use super::http::{Reply, Request, url};
use super::store::Store;
use crate::config::{KubernetesObject, KubernetesSecret};
use access::Access;

/// What the name of a parked entry ends with.
const PARKED_ENDING: &str = ".keyless-parked";

/// The server's answer to a patch that does not fit the object.
const DOES_NOT_APPLY: u16 = 422;

/// An entry with the way to it.
pub(super) struct Kubernetes<'a> {
    secret: &'a KubernetesSecret,
    access: Access,
}

impl<'a> Kubernetes<'a> {
    pub(super) async fn new(
        secret: &'a KubernetesSecret,
        environment: &Environment,
    ) -> Result<Kubernetes<'a>, CallError> {
        Ok(Kubernetes { secret, access: access::find(environment, secret.context.as_deref()).await? })
    }

    fn entry(&self) -> String {
        pointer(&self.secret.key)
    }

    fn parked(&self) -> String {
        pointer(&format!("{}{PARKED_ENDING}", self.secret.key))
    }

    async fn patch(&self, verb: &str, dry: bool, patch: Value) -> Result<(Request, Reply), CallError> {
        let KubernetesSecret { namespace, object, key, .. } = self.secret;
        let (collection, name) = match object {
            KubernetesObject::Secret(name) => ("secrets", name),
            KubernetesObject::ConfigMap(name) => ("configmaps", name),
        };
        let operation = format!("{verb} the entry {key} of {collection}/{name} in namespace {namespace}");
        let segments = ["api", "v1", "namespaces", namespace, collection, name];
        let mut query = vec![("fieldManager", "keyless")];
        query.extend(dry.then_some(("dryRun", "All")));
        let url = url(&operation, &self.access.server, &segments, &query)?;
        let mut request = Request::new(operation, Method::PATCH, url)
            .header("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
            .body("application/json-patch+json", patch.to_string().into_bytes())
            .unread();
        if let Some(token) = &self.access.token {
            request = request.bearer(token);
        }
        let reply = request.send(&self.access.trust).await?;
        Ok((request, reply))
    }

    /// Tells whether a patch would apply.
    async fn would_apply(&self, patch: Value) -> Result<bool, CallError> {
        let (request, reply) = self.patch("look for", true, patch).await?;
        match reply.status {
            _ if reply.is_success() => Ok(true),
            DOES_NOT_APPLY => Ok(false),
            _ => Err(request.refused(&reply)),
        }
    }
}

/// A pointer to an entry of `data`.
fn pointer(key: &str) -> String {
    format!("/data/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Store for Kubernetes<'_> {
    async fn holds_key(&self) -> Result<bool, CallError> {
        let moved = json!([{ "op": "move", "from": self.entry(), "path": self.parked() }]);
        let (request, reply) = self.patch("look for", true, moved).await?;
        match reply.status {
            _ if reply.is_success() => return Ok(true),
            // The object itself is gone, and the server says so in its own words.
            404 if request.refused(&reply).code == "NotFound" => return Ok(false),
            DOES_NOT_APPLY => {}
            _ => return Err(request.refused(&reply)),
        }
        // A refused move is no proof: an immutable object refuses every one. A test that holds only
        // for what is missing is.
        for missing in [self.entry(), "/data".to_owned()] {
            if self.would_apply(json!([{ "op": "test", "path": missing, "value": null }])).await? {
                return Ok(false);
            }
        }
        let advice = "An immutable object cannot be patched: replace it by one without the key.";
        Err(CallError { advice: advice.to_owned(), ..request.refused(&reply) })
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        let receipt = json!({ "parked_entry": format!("{}{PARKED_ENDING}", self.secret.key) });
        if !self.holds_key().await? {
            return Ok(Some(receipt));
        }
        let patch = json!([{ "op": "move", "from": self.entry(), "path": self.parked() }]);
        let (request, reply) = self.patch("park", false, patch).await?;
        if reply.is_success() { Ok(Some(receipt)) } else { Err(request.refused(&reply)) }
    }

    async fn put_back(&self, _receipt: Option<&Value>) -> Result<(), CallError> {
        if self.holds_key().await? {
            return Ok(());
        }
        // An entry that somebody wrote meanwhile is not overwritten.
        let patch = json!([
            { "op": "test", "path": self.entry(), "value": null },
            { "op": "move", "from": self.parked(), "path": self.entry() },
        ]);
        let (request, reply) = self.patch("put back", false, patch).await?;
        match reply.status {
            _ if reply.is_success() => Ok(()),
            DOES_NOT_APPLY => {
                let advice = format!(
                    "There is no entry {}{PARKED_ENDING}: set {} anew from a copy of the key.",
                    self.secret.key, self.secret.key
                );
                Err(CallError { advice, ..request.refused(&reply) })
            }
            _ => Err(request.refused(&reply)),
        }
    }
}
