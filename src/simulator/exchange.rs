//! The token endpoint: an identity token in, a short-lived access token out.
//!
//! Whatever is wrong with the identity token or the rule, the caller learns nothing but
//! `Authentication failed`; the reason goes to the history.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::activities::{self, Note};
use super::assumptions::{JtiMemory, WorkspaceFallback};
use super::auth::ORG_ADMIN;
use super::clock;
use super::concealed::Concealed;
use super::error::Refusal;
use super::fields::Fields;
use super::identity_provider;
use super::ids;
use super::jwt;
use super::limits;
use super::matching;
use super::memberships;
use super::organization::{ExchangeRecord, Issuer, Rule, Token, World};
use super::request::Request;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LEEWAY: i64 = 30;
const EXPIRES_IN_MIN: i64 = 60;
/// Records kept; older ones are forgotten.
const HISTORY_MAX: usize = 10_000;

/// What a caller asks for.
pub(super) struct ExchangeRequest {
    pub(super) assertion: Concealed,
    pub(super) rule_id: String,
    pub(super) organization_id: String,
    pub(super) service_account_id: Option<String>,
    /// `wrkspc_…` or `default`.
    pub(super) workspace_id: Option<String>,
}

/// A minted token.
pub(super) struct Minted {
    pub(super) access_token: Concealed,
    pub(super) expires_in: i64,
    pub(super) scope: String,
    pub(super) service_account_id: String,
    pub(super) workspace_id: String,
}

/// Answers a request to the token endpoint.
pub(super) fn answer(world: &mut World, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
    let minted = exchange(world, &read(&request.body)?, &request.id, now)?;
    Ok(json!({
        "access_token": minted.access_token.expose(),
        "token_type": "Bearer",
        "expires_in": minted.expires_in,
        "scope": minted.scope,
    }))
}

fn read(body: &[u8]) -> Result<ExchangeRequest, Refusal> {
    let known = [
        "grant_type",
        "assertion",
        "federation_rule_id",
        "organization_id",
        "service_account_id",
        "workspace_id",
    ];
    let fields = Fields::parse(body, &known)?;
    if fields.required_text("grant_type", 200)? != GRANT {
        return Err(fields.refuse("grant_type", &format!("Input should be {GRANT}")));
    }
    let assertion = Concealed::new(fields.required_text("assertion", usize::MAX)?);
    let rule_id = fields.required_id("federation_rule_id", "fdrl")?;
    let organization_id = fields.required_text("organization_id", 64)?;
    if !ids::is_uuid(&organization_id) {
        return Err(fields.refuse("organization_id", "Input should be a UUID"));
    }
    let service_account_id = fields.id("service_account_id", "svac")?;
    let workspace_id = match fields.text("workspace_id", 128)? {
        Some(word) if word == "default" => Some(word),
        _ => fields.id("workspace_id", "wrkspc")?,
    };
    Ok(ExchangeRequest { assertion, rule_id, organization_id, service_account_id, workspace_id })
}

/// Exchanges an identity token. Denials are recorded, unless no rule of that id exists.
pub(super) fn exchange(
    world: &mut World,
    request: &ExchangeRequest,
    request_id: &str,
    now: Timestamp,
) -> Result<Minted, Refusal> {
    let denied = || Refusal::unauthenticated("Authentication failed");
    if !request.organization_id.eq_ignore_ascii_case(&world.organization.id) {
        return Err(denied());
    }
    let Some(rule) = world.rules.get(&request.rule_id) else { return Err(denied()) };
    let (issuer_id, service_account_id) = (rule.issuer_id.clone(), rule.service_account_id.clone());
    let claims = jwt::parse(request.assertion.expose()).map(|parts| parts.claims).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    note_fetch(world, &issuer_id, now);
    let mut verified = None;
    let outcome = admit(world, request, now, &mut verified);
    let event = event(request, &issuer_id, &service_account_id, verified, outcome.as_ref().err().copied());
    let note = Note { at: now, kind: activities::AUTHENTICATION, by: None, request_id: Some(request_id) };
    activities::note(world, note, event);
    let record = ExchangeRecord {
        at: now,
        federation_rule_id: request.rule_id.clone(),
        issuer_id: issuer_id.clone(),
        service_account_id: service_account_id.clone(),
        subject: text("sub"),
        jti: text("jti"),
        workspace_id: outcome.as_ref().ok().map(|admitted| admitted.workspace_id.clone()),
        reason: outcome.as_ref().err().map(|reason| (*reason).to_owned()),
    };
    if world.exchanges.len() >= HISTORY_MAX {
        world.exchanges.drain(..HISTORY_MAX / 10);
    }
    world.exchanges.push(record);
    let admitted = outcome.map_err(|_| denied())?;

    let used = world.used_jtis.entry(issuer_id).or_default();
    used.retain(|_, end| clock::later(*end, LEEWAY) >= now);
    used.extend(text("jti").map(|jti| (jti, admitted.assertion_ends)));
    world.tokens.retain(|_, token| token.expires_at.is_none_or(|end| end > now));
    let number = world.next_sequence();
    let secret = ids::secret(world.seed, "sk-ant-oat01-", &format!("minted {number}"));
    let minted = Minted {
        access_token: Concealed::new(secret),
        expires_in: admitted.expires_in,
        scope: admitted.scope,
        service_account_id,
        workspace_id: admitted.workspace_id,
    };
    let token = Token {
        actor: minted.service_account_id.clone(),
        scope: minted.scope.clone(),
        workspace: Some(minted.workspace_id.clone()),
        expires_at: Some(clock::later(now, minted.expires_in)),
    };
    world.tokens.insert(minted.access_token.clone(), token);
    Ok(minted)
}

/// What the Activity Feed tells of an attempt.
fn event(
    request: &ExchangeRequest,
    issuer_id: &str,
    service_account_id: &str,
    verified: Option<Map<String, Value>>,
    reason: Option<&str>,
) -> Map<String, Value> {
    let token = verified.map(|claims| json!({"jti": claims.get("jti"), "claims": claims}));
    let outcome = if reason.is_none() { "success" } else { "failure" };
    let fields = [
        (
            "event_data",
            json!({
                "federation_rule_id": request.rule_id,
                "issuer_id": issuer_id,
                "requested_service_account_id": request.service_account_id,
                "oidc_token": token,
            }),
        ),
        ("status", json!({"outcome": outcome, "reason": reason, "detail": null})),
        ("resources", json!([{"id": service_account_id, "type": "service_account"}])),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Notes on the issuer whether its keys can be fetched.
fn note_fetch(world: &mut World, issuer_id: &str, now: Timestamp) {
    let Some(issuer) = world.issuers.get(issuer_id) else { return };
    let can_fetch = identity_provider::key_set(world, &issuer.issuer_url, &issuer.jwks).is_some();
    if let Some(issuer) =
        world.issuers.get_mut(issuer_id).filter(|issuer| issuer.jwks_polling_disabled_at.is_none())
    {
        issuer.last_fetched_at = Some(now);
        issuer.failures = if can_fetch { 0 } else { issuer.failures + 1 };
    }
}

/// What an accepted exchange leads to.
struct Admitted {
    expires_in: i64,
    scope: String,
    workspace_id: String,
    assertion_ends: Timestamp,
}

/// Decides on an exchange; the reason of a denial is for the history only.
///
/// Claims are left in `verified` once they are known to be genuine, whatever is decided then.
fn admit(
    world: &World,
    request: &ExchangeRequest,
    now: Timestamp,
    verified: &mut Option<Map<String, Value>>,
) -> Result<Admitted, &'static str> {
    let rule = world.rules.get(&request.rule_id).ok_or("rule_not_found")?;
    let issuer = world.issuers.get(&rule.issuer_id).ok_or("issuer_not_found")?;
    let account = world.service_accounts.get(&rule.service_account_id).ok_or("service_account_not_found")?;
    if !rule.provenance.is_live() {
        return Err("rule_archived");
    }
    if !issuer.provenance.is_live() {
        return Err("issuer_archived");
    }
    if !account.provenance.is_live() {
        return Err("service_account_archived");
    }
    if request.service_account_id.as_ref().is_some_and(|id| *id != rule.service_account_id) {
        return Err("service_account_mismatch");
    }
    let claims = verified.insert(verify(world, issuer, request.assertion.expose(), now)?);
    if let Some(part) = matching::failing_part(&rule.matching, claims) {
        return Err(part);
    }
    if rule.oauth_scope.split(' ').any(|scope| scope == ORG_ADMIN) && account.organization_role != "admin" {
        return Err("role_not_sufficient");
    }
    let workspace_id = resolve_workspace(world, rule, request.workspace_id.as_deref())?;
    let everywhere = world.assumptions.jti_memory == JtiMemory::Organization;
    let memories = world.used_jtis.iter().filter(|(issuer, _)| everywhere || **issuer == rule.issuer_id);
    let jti = claims.get("jti").and_then(Value::as_str);
    if issuer.check_jti && jti.is_some_and(|jti| memories.into_iter().any(|(_, used)| used.contains_key(jti)))
    {
        return Err("jti_reused");
    }
    let ends = seconds(claims, "exp").ok_or("jwt_exp_missing")?;
    let remaining = ends.saturating_sub(now.as_second());
    Ok(Admitted {
        expires_in: rule.token_lifetime_seconds.min(remaining.saturating_mul(2)).max(EXPIRES_IN_MIN),
        scope: rule.oauth_scope.clone(),
        workspace_id,
        assertion_ends: Timestamp::from_second(ends).unwrap_or(Timestamp::MAX),
    })
}

/// Checks the identity token as such and gives its claims.
fn verify(
    world: &World,
    issuer: &Issuer,
    token: &str,
    now: Timestamp,
) -> Result<Map<String, Value>, &'static str> {
    if token.len() > limits::IDENTITY_TOKEN_BYTES_MAX {
        return Err("jwt_too_large");
    }
    let parts = jwt::parse(token).ok_or("jwt_malformed")?;
    if !parts.header_text("alg").is_some_and(|algorithm| jwt::ALGORITHMS.contains(&algorithm)) {
        return Err("jwt_algorithm_not_allowed");
    }
    let kid = parts.header_text("kid").ok_or("jwt_kid_missing")?;
    if parts.claims.get("iss").and_then(Value::as_str) != Some(&issuer.issuer_url) {
        return Err("jwt_issuer_mismatch");
    }
    let keys =
        identity_provider::key_set(world, &issuer.issuer_url, &issuer.jwks).ok_or("jwks_not_available")?;
    let key = keys.iter().find(|key| key["kid"] == kid).ok_or("jwt_kid_not_in_jwks")?;
    if !parts.is_signed_by(key) {
        return Err("jwt_signature_invalid");
    }
    let claims = parts.claims;
    if claims.get("sub").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("jwt_subject_missing");
    }
    let now = now.as_second();
    let issued = seconds(&claims, "iat").ok_or("jwt_iat_missing")?;
    let ends = seconds(&claims, "exp").ok_or("jwt_exp_missing")?;
    if issued > now.saturating_add(LEEWAY) {
        return Err("jwt_iat_in_future");
    }
    if ends <= now.saturating_sub(LEEWAY) {
        return Err("jwt_expired");
    }
    match claims.get("nbf").map(|_| seconds(&claims, "nbf")) {
        Some(None) => return Err("jwt_nbf_malformed"),
        Some(Some(start)) if start > now.saturating_add(LEEWAY) => return Err("jwt_not_yet_valid"),
        _ => {}
    }
    if ends.saturating_sub(issued) > issuer.max_jwt_lifetime_seconds {
        return Err("jwt_lifetime_too_long");
    }
    Ok(claims)
}

/// A claim in seconds since 1970; fractions are cut off.
fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.is_finite()).map(|number| number as i64))
}

/// The one workspace that the minted token is bound to.
fn resolve_workspace(world: &World, rule: &Rule, wanted: Option<&str>) -> Result<String, &'static str> {
    let legacy_only = rule
        .legacy_workspace
        .as_ref()
        .filter(|_| rule.workspaces.is_empty() && !rule.applies_to_all_workspaces);
    let covers = |id: &str| {
        let enabled = rule.applies_to_all_workspaces
            || rule.workspaces.contains_key(id)
            || legacy_only.is_some_and(|legacy| legacy == id);
        enabled && world.is_live_workspace(id)
    };
    let default = world.default_workspace.as_str();
    let id = match wanted {
        Some("default") => default,
        Some(id) => id,
        None => {
            let mut covered = world.workspaces.keys().filter(|id| covers(id));
            match (covered.next(), covered.next()) {
                (None, _) => return Err("no_workspace"),
                (Some(only), None) => only,
                (Some(_), Some(_)) => {
                    let falls_back = world.assumptions.workspace_fallback == WorkspaceFallback::Default;
                    if !falls_back || !covers(default) {
                        return Err("workspace_id_required");
                    }
                    default
                }
            }
        }
    };
    if !covers(id) {
        return Err("workspace_not_enabled");
    }
    if legacy_only.is_none() && !memberships::is_member(world, &rule.service_account_id, id) {
        return Err("sa_not_in_workspace");
    }
    Ok(id.to_owned())
}
