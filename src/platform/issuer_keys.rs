//! Fetches an issuer's public keys the way the service would.

use std::fmt;

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::public_address::{PublicResolver, check_url};
use super::sender::{BodyError, read_body};
use super::settings::{causes, is_loopback, user_agent};
use crate::limits;
use crate::resource::{IssuerArguments, Jwks};
use crate::token::{IssuerKeys, KeySetError};

/// Why an issuer's keys could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFetchError {
    /// The URL in question; empty for keys that are given in the configuration.
    pub url: String,
    /// What happened, as one sentence without a full stop.
    pub problem: String,
    /// How to fix it, as one sentence.
    pub advice: String,
}

impl fmt::Display for KeyFetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url.as_str() {
            "" => f.write_str(&self.problem),
            url => write!(f, "{} ({url})", self.problem),
        }
    }
}

impl std::error::Error for KeyFetchError {}

const CHECK_URL: &str = "Correct the URL; only https, port 443 and public host names can be used.";
const CHECK_NETWORK: &str = "Check that the URL answers from the public internet without a redirect, a \
                             proxy or a login.";
const CHECK_ISSUER: &str = "Correct the issuer URL to exactly what the provider's tokens carry in `iss`, \
                            trailing slash included.";
const CHECK_KEYS: &str = "Look at the key set with the identity provider; it should be a JSON object whose \
                          `keys` are public JWK objects.";

/// Fetches issuers' documents; it holds no credential and follows no redirect.
pub struct IssuerKeyClient {
    gateway: Option<Url>,
}

impl IssuerKeyClient {
    /// A client that dials the public internet.
    pub fn new() -> IssuerKeyClient {
        IssuerKeyClient { gateway: None }
    }

    /// A client that asks the simulator at `base_url` for every document instead.
    ///
    /// # Errors
    /// When the base URL does not lead to this machine.
    pub fn through_simulator(base_url: &str) -> Result<IssuerKeyClient, KeyFetchError> {
        match Url::parse(base_url) {
            Ok(url) if is_loopback(&url) => Ok(IssuerKeyClient { gateway: Some(url) }),
            _ => Err(problem(base_url, "a simulator runs on this machine only", CHECK_URL)),
        }
    }

    /// Fetches an issuer's keys: through its discovery document, from a fixed URL, or from the
    /// configuration itself.
    ///
    /// # Errors
    /// What happened and how to fix it, whichever document it was about.
    pub async fn fetch_keys(&self, issuer: &IssuerArguments) -> Result<IssuerKeys, KeyFetchError> {
        let key_set = |url: &str, error: KeySetError| problem(url, error.to_string(), CHECK_KEYS);
        match &issuer.jwks {
            Jwks::Inline { keys } => IssuerKeys::from_keys(keys).map_err(|error| key_set("", error)),
            Jwks::ExplicitUrl { url, ca_cert_pem } => {
                let document = self.get(url, ca_cert_pem.as_deref()).await?;
                IssuerKeys::parse(&document).map_err(|error| key_set(url, error))
            }
            Jwks::Discovery { discovery_base, ca_cert_pem } => {
                let base = discovery_base.as_ref().unwrap_or(&issuer.issuer_url);
                let url = format!("{}/.well-known/openid-configuration", base.trim_end_matches('/'));
                let document = self.get(&url, ca_cert_pem.as_deref()).await?;
                let keys_url = read_discovery(&url, &document, &issuer.issuer_url)?;
                let document = self.get(&keys_url, ca_cert_pem.as_deref()).await?;
                IssuerKeys::parse(&document).map_err(|error| key_set(&keys_url, error))
            }
            Jwks::Other { kind } => {
                let text = format!("the issuer's keys come from `{kind}`, which this version does not know");
                Err(problem("", text, "Upgrade keyless."))
            }
        }
    }

    async fn get(&self, text: &str, ca_cert_pem: Option<&str>) -> Result<Vec<u8>, KeyFetchError> {
        let url = check_url(text)
            .map_err(|why| problem(text, format!("the service would not dial this URL: {why}"), CHECK_URL))?;
        let failed = |error: reqwest::Error| {
            problem(text, format!("the document could not be fetched: {}", causes(&error)), CHECK_NETWORK)
        };
        let mut response = self
            .request(url, ca_cert_pem)
            .map_err(failed)?
            .header(ACCEPT, "application/json")
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(problem(
                text,
                format!("the server answered {status}; redirects are refused"),
                CHECK_NETWORK,
            ));
        }
        if !status.is_success() {
            return Err(problem(text, format!("the server answered {status}"), CHECK_NETWORK));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html")) {
            return Err(problem(
                text,
                "the server answered with a web page and not with JSON",
                CHECK_NETWORK,
            ));
        }
        let body = read_body(&mut response, limits::ISSUER_DOCUMENT_BYTES_MAX).await;
        body.map(|body| body.to_vec()).map_err(|error| match error {
            BodyError::Broken(error) => failed(error),
            BodyError::TooLarge => problem(text, "the document is larger than a megabyte", CHECK_KEYS),
        })
    }

    /// Each document gets a client of its own: an issuer's private CA must count for it alone.
    fn request(&self, url: Url, ca_cert_pem: Option<&str>) -> reqwest::Result<reqwest::RequestBuilder> {
        let builder = reqwest::Client::builder()
            .user_agent(user_agent())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .timeout(limits::CALL_TIMEOUT)
            .connect_timeout(limits::CONNECT_TIMEOUT);
        if let Some(gateway) = &self.gateway {
            let mut fetch = gateway.clone();
            if let Ok(mut path) = fetch.path_segments_mut() {
                path.pop_if_empty().extend(["_simulator", "fetch"]);
            }
            let client = builder.tls_certs_only([]).build()?;
            return Ok(client.get(fetch).query(&[("url", url.as_str())]));
        }
        let builder = builder.https_only(true).dns_resolver(PublicResolver::shared());
        let builder = match ca_cert_pem {
            Some(pem) => builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?),
            None => builder,
        };
        Ok(builder.build()?.get(url))
    }
}

impl Default for IssuerKeyClient {
    fn default() -> IssuerKeyClient {
        IssuerKeyClient::new()
    }
}

/// Finds the key set's URL in a discovery document that belongs to this issuer.
fn read_discovery(url: &str, document: &[u8], issuer_url: &str) -> Result<String, KeyFetchError> {
    let document: Value = serde_json::from_slice(document).map_err(|error| {
        problem(url, format!("the discovery document is not JSON: {error}"), CHECK_NETWORK)
    })?;
    match document["issuer"].as_str() {
        Some(issuer) if issuer == issuer_url => {}
        Some(issuer) => {
            let issuer = super::scrub::scrub(issuer);
            let text = format!("the discovery document is for `{issuer}`, and not for `{issuer_url}`");
            return Err(problem(url, text, CHECK_ISSUER));
        }
        None => return Err(problem(url, "the discovery document has no `issuer`", CHECK_ISSUER)),
    }
    match document["jwks_uri"].as_str() {
        Some(keys_url) => Ok(keys_url.to_owned()),
        None => Err(problem(url, "the discovery document has no `jwks_uri`", CHECK_KEYS)),
    }
}

fn problem(url: &str, problem: impl Into<String>, advice: &str) -> KeyFetchError {
    KeyFetchError { url: url.to_owned(), problem: problem.into(), advice: advice.to_owned() }
}
