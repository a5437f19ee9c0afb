//! Small identity providers, and the simulated internet on which they publish their keys.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::concealed::Concealed;
use super::jwt;
use super::organization::{IdentityProvider, World};

/// What an identity token is to say.
pub(super) struct Claims<'a> {
    pub(super) subject: &'a str,
    pub(super) audience: &'a str,
    /// More claims; they override the usual ones, and null leaves one out.
    pub(super) more: &'a Map<String, Value>,
    pub(super) lifetime_seconds: i64,
}

/// Sets an identity provider up with a new key; none for an unknown algorithm.
pub(super) fn create(issuer_url: String, algorithm: String) -> Option<IdentityProvider> {
    let key = jwt::generate(&algorithm)?;
    Some(IdentityProvider {
        issuer_url,
        algorithm,
        private_key: Concealed::new(key.private),
        public_key: key.public,
    })
}

/// Signs an identity token with a `jti` of its own; none when there is no such provider.
pub(super) fn mint(world: &mut World, name: &str, claims: &Claims<'_>, now: Timestamp) -> Option<Concealed> {
    let jti = world.next_id("jti");
    let provider = world.identity_providers.get(name)?;
    let issued = now.as_second();
    let mut all = Map::new();
    all.insert(String::from("iss"), json!(provider.issuer_url));
    all.insert(String::from("sub"), json!(claims.subject));
    all.insert(String::from("aud"), json!(claims.audience));
    all.insert(String::from("iat"), json!(issued));
    all.insert(String::from("nbf"), json!(issued));
    all.insert(String::from("exp"), json!(issued.saturating_add(claims.lifetime_seconds)));
    all.insert(String::from("jti"), json!(jti));
    all.extend(claims.more.clone());
    all.retain(|_, value| !value.is_null());
    let kid = provider.public_key["kid"].as_str()?;
    jwt::sign(&provider.algorithm, provider.private_key.expose(), kid, &all).map(Concealed::new)
}

/// What the simulated internet answers for a URL, if anything.
pub(super) fn fetch(world: &World, url: &str) -> Option<Value> {
    world.identity_providers.values().find_map(|provider| {
        let base = provider.issuer_url.trim_end_matches('/');
        if url == discovery_url(&provider.issuer_url) {
            return Some(json!({
                "issuer": provider.issuer_url,
                "jwks_uri": format!("{base}/.well-known/jwks"),
                "id_token_signing_alg_values_supported": [provider.algorithm],
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
            }));
        }
        (url == format!("{base}/.well-known/jwks")).then(|| json!({"keys": [provider.public_key]}))
    })
}

/// The key set that an issuer's `jwks` leads to; none when it cannot be fetched.
pub(super) fn key_set(world: &World, issuer_url: &str, jwks: &Value) -> Option<Vec<Value>> {
    let document = match jwks["type"].as_str()? {
        "inline" => return jwks["keys"].as_array().cloned(),
        "explicit_url" => fetch(world, jwks["url"].as_str()?)?,
        _ => {
            let base = jwks["discovery_base"].as_str().unwrap_or(issuer_url);
            let discovery = fetch(world, &discovery_url(base))?;
            fetch(world, discovery["jwks_uri"].as_str()?)?
        }
    };
    document["keys"].as_array().cloned()
}

fn discovery_url(base: &str) -> String {
    format!("{}/.well-known/openid-configuration", base.trim_end_matches('/'))
}
