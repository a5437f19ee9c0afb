//! Tokens on disk: kept from an earlier exchange, or stored by a login.

use std::path::Path;

use serde_json::{Map, Value};

use super::client::Product;
use super::outcome::{Exchange, Failure, Grant, Origin};
use super::profile::Profile;
use super::resolver::{Fetched, Held, Resolver};
use super::sources::line_of;

/// Seconds before its end from which a kept token is no longer used.
const FRESH_SECONDS: f64 = 30.0;

impl<'a> Resolver<'a> {
    /// The token that an earlier exchange left in the profile's credentials file, if it still counts.
    pub(super) fn kept_token(&self, profile: &Profile) -> Result<Option<Held<'a>>, Failure> {
        let go = matches!(self.client.product, Product::Go | Product::Ant);
        let python = self.client.product == Product::Python;
        let path = &profile.credentials_path;
        if self.sources.file(path).is_none() {
            return Ok(None);
        }
        let (text, fields) = match self.credentials(path) {
            Ok(read) => read,
            // TypeScript minds permissions and not content; Python minds both; Go goes on.
            Err(Trouble::Unsafe(failure)) if !go => return Err(failure),
            Err(Trouble::Content(failure)) if python => return Err(failure),
            Err(_) => return Ok(None),
        };
        let Some(token) = token_in(text, &fields, "access_token") else { return Ok(None) };
        let fresh = match expires_at(&fields) {
            Some(end) => (self.sources.now as f64) < end - FRESH_SECONDS,
            None => !python,
        };
        Ok(fresh.then(|| {
            Held::federated(token, Origin::file(path, "access_token", line_of(text, "access_token")))
        }))
    }

    pub(super) fn stored_login(
        &self,
        profile: &Profile,
        client_id: Option<&str>,
    ) -> Result<Fetched<'a>, Failure> {
        let path = &profile.credentials_path;
        let shown = path.display();
        let (text, fields) = self.credentials(path).map_err(Trouble::failure)?;
        let Some(token) = token_in(text, &fields, "access_token") else {
            return Err(Failure::new(format!("{shown} has no access_token")));
        };
        let now = self.sources.now as f64;
        let end = expires_at(&fields);
        let refresh = token_in(text, &fields, "refresh_token");
        let held = Held::new(token, Origin::file(path, "access_token", line_of(text, "access_token")));
        let as_it_is = Ok(Fetched { held, exchange: None });
        // ant takes its own client when the profile names none, and then wants a refresh token.
        let has_client = client_id.is_some() || self.client.product == Product::Ant;
        let fresh = match (self.client.product, has_client) {
            (Product::Python, false) => return as_it_is,
            (Product::Python, true) => end.is_some_and(|end| now < end),
            _ => end.is_none_or(|end| now < end - FRESH_SECONDS),
        };
        let needs_refresh = matches!(self.client.product, Product::Python | Product::Go | Product::Ant);
        if needs_refresh && has_client && refresh.is_none() {
            return Err(Failure::new(format!(
                "{shown} has no refresh_token, which a login with a client_id needs"
            )));
        }
        if fresh {
            return as_it_is;
        }
        if !has_client || refresh.is_none() {
            return Err(Failure::new(format!("the token in {shown} has expired and cannot be refreshed")));
        }
        self.exchanged(Exchange {
            grant: Grant::RefreshToken,
            base_url: self.exchange_host(profile),
            federation_rule_id: String::new(),
            organization_id: String::new(),
            service_account_id: None,
            workspace_id: None,
            token: Origin::file(path, "refresh_token", line_of(text, "refresh_token")),
            cached_elsewhere: false,
        })
    }

    fn credentials(&self, path: &Path) -> Result<(&'a str, Map<String, Value>), Trouble> {
        let shown = path.display();
        let content =
            |what: &str| Trouble::Content(Failure::new(format!("the credentials file {shown} {what}")));
        let unsafe_file =
            |what: &str| Trouble::Unsafe(Failure::new(format!("the credentials file {shown} {what}")));
        let file = self.sources.file(path).ok_or_else(|| content("does not exist"))?;
        if file.symlink && !matches!(self.client.product, Product::Typescript | Product::ClaudeCode) {
            return Err(unsafe_file("is a symbolic link, which is refused"));
        }
        if file.mode & self.traits.credentials_mode_refused != 0 {
            return Err(unsafe_file("is open to others; run chmod 600 on it"));
        }
        let text = self.sources.text(path).ok_or_else(|| content("cannot be read"))?;
        let fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| content("is no JSON object"))?;
        let kind = fields.get("type").filter(|kind| !kind.is_null());
        if self.client.product == Product::Python && kind.is_some_and(|kind| kind != "oauth_token") {
            return Err(content("has a type other than oauth_token"));
        }
        Ok((text, fields))
    }
}

enum Trouble {
    Unsafe(Failure),
    Content(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        let (Trouble::Unsafe(failure) | Trouble::Content(failure)) = self;
        failure
    }
}

/// The value of a field as it stands in the text, so that nothing of it is copied.
fn token_in<'a>(text: &'a str, fields: &Map<String, Value>, name: &str) -> Option<&'a str> {
    let value = fields.get(name)?.as_str().filter(|value| !value.is_empty())?;
    // A token with escapes in its JSON form is no token of the API; only its presence matters then.
    Some(text.find(value).map_or("?", |at| &text[at..at + value.len()]))
}

fn expires_at(fields: &Map<String, Value>) -> Option<f64> {
    let value = fields.get("expires_at")?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}
