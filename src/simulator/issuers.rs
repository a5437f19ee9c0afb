//! Federation issuers.

use serde_json::{Value, json};

use super::assumptions::{Allowance, PollingResume, UpdateTime};
use super::auth;
use super::error::Refusal;
use super::fields::Fields;
use super::ids;
use super::limits;
use super::names;
use super::organization::{Issuer, Provenance, World};
use super::page;
use super::request::{Context, Request};
use super::rules;
use super::tenant_pin;

const JWT_LIFETIME_DEFAULT: i64 = 3600;
const URL_CHARS_MAX: usize = 2048;
const CA_CHARS_MAX: usize = 8192;

/// Creates an issuer.
pub(super) fn create(world: &mut World, context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    let fields =
        Fields::parse(body, &["name", "issuer_url", "jwks", "check_jti", "max_jwt_lifetime_seconds"])?;
    let name = fields.required_slug("name")?;
    let issuer_url = fields.required_text("issuer_url", URL_CHARS_MAX)?;
    let jwks = match fields.value("jwks") {
        Some(jwks) => read_jwks(jwks, world.assumptions.private_jwk)?,
        None => json!({"type": "discovery", "discovery_base": null, "ca_cert_pem": null}),
    };
    let check_jti = fields.boolean("check_jti")?.unwrap_or(true);
    let lifetime = fields.integer("max_jwt_lifetime_seconds", limits::JWT_LIFETIME_SECONDS)?;
    check_dialled_url(&issuer_url, &jwks)?;
    names::claim(world, &world.issuers, &name)?;

    let id = ids::free(world.seed, "fdis", &name, |id| world.issuers.contains_key(id));
    let issuer = Issuer {
        sequence: world.next_sequence(),
        name,
        issuer_url,
        jwks,
        check_jti,
        max_jwt_lifetime_seconds: lifetime.unwrap_or(JWT_LIFETIME_DEFAULT),
        jwks_polling_disabled_at: None,
        failures: 0,
        last_fetched_at: None,
        provenance: Provenance::new(context.now, context.caller.actor()),
    };
    let shown = show(&id, &issuer);
    world.issuers.insert(id, issuer);
    Ok(shown)
}

/// Lists issuers, newest first.
pub(super) fn list(world: &World, request: &Request) -> Result<Value, Refusal> {
    let archived = request.query.flag("include_archived")?;
    let passes = |issuer: &Issuer| archived || issuer.provenance.is_live();
    page::newest_first(&world.issuers, &request.query, passes, show)
}

/// Reads one issuer.
pub(super) fn read(world: &World, id: &str) -> Result<Value, Refusal> {
    Ok(show(id, find(world, id)?))
}

/// Changes the given fields of an issuer.
pub(super) fn update(
    world: &mut World,
    context: &Context<'_>,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let issuer = find(world, id)?;
    if !issuer.provenance.is_live() {
        return Err(Refusal::invalid("The federation issuer is archived and cannot be updated"));
    }
    let known =
        ["name", "issuer_url", "jwks", "check_jti", "max_jwt_lifetime_seconds", "jwks_polling_disabled"];
    let fields = Fields::parse(body, &known)?;
    if rules::live(world).any(|(_, rule)| rule.issuer_id == id && !rules::is_manageable(&rule.oauth_scope)) {
        let message = "The issuer backs a rule whose scope can be managed in the Console only";
        return Err(auth::carve_out(world, message));
    }
    let name = fields.slug("name")?;
    let issuer_url = fields.text("issuer_url", URL_CHARS_MAX)?;
    let read = |jwks| read_jwks(jwks, world.assumptions.private_jwk);
    let jwks = fields.value("jwks").map(read).transpose()?;
    let check_jti = fields.boolean("check_jti")?;
    let lifetime = fields.integer("max_jwt_lifetime_seconds", limits::JWT_LIFETIME_SECONDS)?;
    let polling = fields.boolean("jwks_polling_disabled")?;
    if polling == Some(true) {
        return Err(fields.refuse("jwks_polling_disabled", "Only false can be given; it resumes polling"));
    }
    if issuer_url.is_some() || jwks.is_some() {
        let url = issuer_url.as_ref().unwrap_or(&issuer.issuer_url);
        check_dialled_url(url, jwks.as_ref().unwrap_or(&issuer.jwks))?;
    }
    if let Some(url) = &issuer_url {
        for (_, rule) in rules::live(world).filter(|(_, rule)| rule.issuer_id == id) {
            tenant_pin::check(world, url, &rule.matching)?;
        }
    }
    if let Some(name) = name.as_ref().filter(|name| **name != issuer.name) {
        names::claim(world, &world.issuers, name)?;
    }

    let keeps_time = world.assumptions.unchanged_update == UpdateTime::Keeps;
    let before = show(id, issuer);
    let keeps_pause = world.assumptions.polling_resume == PollingResume::Keeps;
    name.into_iter().for_each(|name| world.issuers.rename(id, name));
    let issuer = world.issuers.get_mut(id).ok_or_else(|| missing(id))?;
    issuer_url.into_iter().for_each(|url| issuer.issuer_url = url);
    jwks.into_iter().for_each(|jwks| issuer.jwks = jwks);
    check_jti.into_iter().for_each(|check| issuer.check_jti = check);
    lifetime.into_iter().for_each(|seconds| issuer.max_jwt_lifetime_seconds = seconds);
    if polling == Some(false) && !keeps_pause {
        issuer.jwks_polling_disabled_at = None;
    }
    if !keeps_time || show(id, issuer) != before {
        issuer.provenance.update(context.now, context.caller.actor());
    }
    Ok(show(id, issuer))
}

/// Archives an issuer, unless a live rule refers to it.
pub(super) fn archive(world: &mut World, context: &Context<'_>, id: &str) -> Result<Value, Refusal> {
    find(world, id)?;
    if rules::live(world).any(|(_, rule)| rule.issuer_id == id) {
        return Err(Refusal::invalid("A federation rule refers to this issuer; archive the rule first"));
    }
    let issuer = world.issuers.get_mut(id).ok_or_else(|| missing(id))?;
    issuer.provenance.archive(context.now, context.caller.actor());
    Ok(show(id, issuer))
}

/// An issuer as the API shows it.
pub(super) fn show(id: &str, issuer: &Issuer) -> Value {
    let is_inline = issuer.jwks["type"] == "inline";
    let poll_status = issuer.last_fetched_at.filter(|_| !is_inline).map(|fetched| {
        let next = super::clock::later(fetched, 900);
        let next = issuer.jwks_polling_disabled_at.is_none().then(|| next.to_string());
        json!({"consecutive_failures": issuer.failures, "last_fetched_at": fetched.to_string(), "next_poll_at": next})
    });
    let mut shown = json!({
        "id": id,
        "type": "federation_issuer",
        "name": issuer.name,
        "issuer_url": issuer.issuer_url,
        "jwks": issuer.jwks,
        "check_jti": issuer.check_jti,
        "max_jwt_lifetime_seconds": issuer.max_jwt_lifetime_seconds,
        "jwks_polling_disabled_at": issuer.jwks_polling_disabled_at.map(|at| at.to_string()),
        "poll_status": poll_status,
    });
    issuer.provenance.write_to(&mut shown);
    shown
}

/// Checks where the keys come from and gives the shape that the API shows.
pub(super) fn read_jwks(value: &Value, private: Allowance) -> Result<Value, Refusal> {
    let refuse = |problem: &str| Refusal::invalid(format!("jwks.{problem}"));
    match value.get("type").and_then(Value::as_str) {
        Some("discovery") => {
            let fields = Fields::of(value.clone(), "jwks.", &["type", "discovery_base", "ca_cert_pem"])?;
            let base = fields.text("discovery_base", URL_CHARS_MAX)?;
            let ca = fields.text("ca_cert_pem", CA_CHARS_MAX)?;
            Ok(json!({"type": "discovery", "discovery_base": base, "ca_cert_pem": ca}))
        }
        Some("explicit_url") => {
            let fields = Fields::of(value.clone(), "jwks.", &["type", "url", "ca_cert_pem"])?;
            let url = fields.required_text("url", URL_CHARS_MAX)?;
            let ca = fields.text("ca_cert_pem", CA_CHARS_MAX)?;
            Ok(json!({"type": "explicit_url", "url": url, "ca_cert_pem": ca}))
        }
        Some("inline") => {
            let fields = Fields::of(value.clone(), "jwks.", &["type", "keys"])?;
            match fields.value("keys") {
                Some(Value::Array(keys)) if private == Allowance::Refused && keys.iter().any(is_private) => {
                    Err(refuse("keys: A key holds private members"))
                }
                Some(Value::Array(keys)) if !keys.is_empty() && keys.iter().all(Value::is_object) => {
                    Ok(json!({"type": "inline", "keys": keys}))
                }
                _ => Err(refuse("keys: At least one JWK object is required")),
            }
        }
        _ => Err(refuse("type: Input should be one of: discovery, explicit_url, inline")),
    }
}

/// Whether a key can sign.
fn is_private(key: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| key.get(name).is_some())
}

/// Checks the one URL that would be dialled; the message starts with the field's name.
fn check_dialled_url(issuer_url: &str, jwks: &Value) -> Result<(), Refusal> {
    let (field, url) = match (jwks["type"].as_str(), jwks["discovery_base"].as_str()) {
        (Some("inline"), _) => return Ok(()),
        (Some("explicit_url"), _) => ("jwks.url", jwks["url"].as_str().unwrap_or_default()),
        (_, Some(base)) => ("jwks.discovery_base", base),
        (_, None) => ("issuer_url", issuer_url),
    };
    url_problem(url).map_or(Ok(()), |problem| Err(Refusal::invalid(format!("{field}: {problem}"))))
}

/// Why a URL cannot be dialled, if it cannot.
fn url_problem(text: &str) -> Option<&'static str> {
    let Ok(url) = reqwest::Url::parse(text) else { return Some("Input should be a valid URL") };
    if url.scheme() != "https" {
        return Some("The URL scheme should be https");
    }
    if url.port_or_known_default() != Some(443) {
        return Some("The port should be 443");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("The URL should not hold a user name or password");
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        return Some("The host should be a DNS name, not an IP address");
    }
    let private = ["local", "internal", "localhost", "lan", "svc", "home.arpa"];
    let is_private = private.iter().any(|end| host == *end || host.ends_with(&format!(".{end}")));
    (is_private || !host.contains('.')).then_some("The host should be a public DNS name")
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Issuer, Refusal> {
    world.issuers.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found(format!("Federation issuer {id} not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_urls_are_dialled() {
        let check = |url: &str, expected: Option<&str>| assert_eq!(url_problem(url), expected, "{url}");
        check("https://oidc.example.com/id/1", None);
        check("https://oidc.example.com:443", None);
        check("http://oidc.example.com", Some("The URL scheme should be https"));
        check("https://oidc.example.com:8443", Some("The port should be 443"));
        check("https://10.0.0.1", Some("The host should be a DNS name, not an IP address"));
        check("https://[::1]/x", Some("The host should be a DNS name, not an IP address"));
        check("https://kubernetes.default.svc", Some("The host should be a public DNS name"));
        check("https://localhost", Some("The host should be a public DNS name"));
        check("https://a:b@oidc.example.com", Some("The URL should not hold a user name or password"));
        check("oidc", Some("Input should be a valid URL"));
    }

    #[test]
    fn only_the_url_that_is_dialled_is_checked() {
        let check = |jwks: Value, expected: &str| {
            let result = check_dialled_url(
                "https://kubernetes.default.svc",
                &read_jwks(&jwks, Allowance::Allowed).unwrap(),
            );
            assert_eq!(result.err().map(|refusal| refusal.message).unwrap_or_default(), expected);
        };
        check(json!({"type": "discovery"}), "issuer_url: The host should be a public DNS name");
        check(json!({"type": "discovery", "discovery_base": "https://oidc.example.com"}), "");
        check(
            json!({"type": "discovery", "discovery_base": "http://o.example.com"}),
            "jwks.discovery_base: The URL scheme should be https",
        );
        check(json!({"type": "explicit_url", "url": "https://o.example.com/keys"}), "");
        check(
            json!({"type": "explicit_url", "url": "https://127.0.0.1/keys"}),
            "jwks.url: The host should be a DNS name, not an IP address",
        );
        check(json!({"type": "inline", "keys": [{}]}), "");
    }

    #[test]
    fn fields_of_one_shape_are_refused_on_another() {
        for jwks in [
            json!({"type": "discovery", "url": "https://o.example.com"}),
            json!({"type": "inline", "keys": [{}], "ca_cert_pem": "x"}),
            json!({"type": "inline", "keys": []}),
            json!({"type": "inline", "keys": ["x"]}),
            json!({"type": "explicit_url"}),
            json!({"type": "other"}),
            json!("discovery"),
        ] {
            assert_eq!(read_jwks(&jwks, Allowance::Allowed).unwrap_err().status, 400, "{jwks}");
        }
    }
}
