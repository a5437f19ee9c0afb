//! Who calls. The class of a credential is told by its prefix, never by the header it came in.

use jiff::Timestamp;

use super::api_keys::is_accepted;
use super::assumptions::{AdminKeyStatus, Allowance, CarveOutStatus, Demand, Insistence, Permission};
use super::concealed::Concealed;
use super::error::Refusal;
use super::organization::{ApiKey, Token, World};
use super::request::{Request, Version};

/// The scope of the Admin API.
pub(super) const ORG_ADMIN: &str = "org:admin";

/// An accepted credential.
pub(super) enum Caller {
    /// An OAuth token of a member or, minted by an exchange, of a service account.
    Oauth(Token),
    /// The Admin API key.
    AdminKey,
    /// The key for the Activity Feed.
    ComplianceKey,
    /// A static key.
    ApiKey(KeyCaller),
}

/// A static key that was accepted.
pub(super) struct KeyCaller {
    /// `apikey_…`.
    pub(super) id: String,
    /// `user_…` or `svac_…` that it acts as.
    pub(super) principal: Option<String>,
    /// Whether it works in the whole organization, not in one workspace.
    pub(super) is_organization_wide: bool,
}

/// A family of endpoints, by what it accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Federation and service accounts: OAuth only.
    Federation,
    /// Keys, workspaces, the organization.
    Management,
    /// The usage report.
    Usage,
    /// Usage analytics.
    Analytics,
    /// The Activity Feed.
    Feed,
}

impl Caller {
    /// Who acts, where it is a member or service account.
    pub(super) fn actor(&self) -> Option<&str> {
        match self {
            Caller::Oauth(token) => Some(&token.actor),
            Caller::ApiKey(key) => key.principal.as_deref(),
            Caller::AdminKey | Caller::ComplianceKey => None,
        }
    }

    /// Whether a workload calls, not a person.
    pub(super) fn is_workload(&self) -> bool {
        self.actor().is_some_and(|actor| actor.starts_with("svac_"))
    }
}

/// Recognizes a credential; 401 when it is none of this organization or has ended.
pub(super) fn authenticate(world: &World, secret: &Concealed, now: Timestamp) -> Result<Caller, Refusal> {
    let text = secret.expose();
    if text.starts_with("sk-ant-oat") {
        let token =
            live_token(world, secret, now).ok_or_else(|| Refusal::unauthenticated("Invalid bearer token"))?;
        return Ok(Caller::Oauth(token.clone()));
    }
    if *secret == world.admin_key {
        return Ok(Caller::AdminKey);
    }
    if world.is_compliance_key(secret) {
        return Ok(Caller::ComplianceKey);
    }
    let keys = world.api_keys.iter();
    let found = keys.filter(|(_, key)| key.secret == *secret).find(|(_, key)| is_accepted(world, key, now));
    let caller = |(id, key): (&String, &ApiKey)| KeyCaller {
        id: id.clone(),
        principal: key.principal.clone(),
        is_organization_wide: key.workspace.is_none(),
    };
    let found = found.map(caller).map(Caller::ApiKey);
    found.ok_or_else(|| Refusal::unauthenticated("invalid x-api-key"))
}

/// The access token with this text, unless it has ended.
pub(super) fn live_token<'a>(world: &'a World, secret: &Concealed, now: Timestamp) -> Option<&'a Token> {
    world.tokens.get(secret).filter(|token| token.expires_at.is_none_or(|end| end > now))
}

/// The credential that counts: a static key in any header beats a token beside it.
pub(super) fn credential(request: &Request) -> Result<&Concealed, Refusal> {
    request
        .api_key
        .as_ref()
        .or(request.bearer.as_ref())
        .ok_or_else(|| Refusal::unauthenticated("x-api-key header or Authorization bearer token is required"))
}

/// Checks that a request may use a family of management endpoints.
pub(super) fn authorize(
    world: &World,
    request: &Request,
    family: Family,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    let caller = authenticate(world, credential(request)?, now)?;
    match (&caller, family) {
        (Caller::ComplianceKey, Family::Feed) => Ok(caller),
        (Caller::ComplianceKey, _) => {
            Err(Refusal::unauthenticated("This endpoint does not accept keys for the Activity Feed"))
        }
        (Caller::ApiKey(key), _) => check_key(world, key, family).map(|()| caller),
        (Caller::AdminKey, Family::Feed) if world.assumptions.feed_admin_key == Allowance::Refused => {
            Err(Refusal::forbidden("The key does not have the scope read:compliance_activities"))
        }
        (Caller::Oauth(_), Family::Analytics) if world.assumptions.analytics_oauth == Permission::Refused => {
            Err(Refusal::unauthenticated("This endpoint accepts Admin API keys only"))
        }
        (Caller::Oauth(_), Family::Feed) if world.assumptions.feed_oauth == Permission::Refused => {
            Err(Refusal::unauthenticated("This endpoint accepts Compliance and Admin API keys only"))
        }
        (Caller::AdminKey, Family::Federation) => {
            let message =
                "This endpoint does not accept Admin API keys; use an OAuth token with the scope org:admin";
            Err(match world.assumptions.admin_key_status {
                AdminKeyStatus::Unauthenticated => Refusal::unauthenticated(message),
                AdminKeyStatus::Forbidden => Refusal::forbidden(message),
            })
        }
        (Caller::Oauth(_), Family::Usage) if world.assumptions.usage_admin_key == Demand::Required => {
            Err(Refusal::unauthenticated("This endpoint accepts Admin API keys only"))
        }
        (Caller::Oauth(token), _) if !token.scope.split(' ').any(|scope| scope == ORG_ADMIN) => {
            Err(Refusal::forbidden("The token does not have the scope org:admin"))
        }
        _ => Ok(caller),
    }
}

/// A static key reaches the Admin API only when it is not tied to a workspace and acts as somebody
/// who may administer the organization.
fn check_key(world: &World, key: &KeyCaller, family: Family) -> Result<(), Refusal> {
    let is_closed = match family {
        Family::Federation => world.assumptions.organization_key_federation == Permission::Refused,
        Family::Feed => true,
        Family::Management | Family::Usage | Family::Analytics => false,
    };
    if !key.is_organization_wide || is_closed {
        return Err(Refusal::unauthenticated("This endpoint does not accept API keys"));
    }
    let principal = key.principal.as_deref().unwrap_or_default();
    let account = world.service_accounts.get(principal);
    // Every member of a simulated organization is an admin of it.
    let is_admin =
        principal.starts_with("user_") || account.is_some_and(|account| account.organization_role == "admin");
    is_admin.then_some(()).ok_or_else(|| Refusal::forbidden("Whom the key acts as is not an admin"))
}

/// Reads the `anthropic-version` header.
pub(super) fn version(world: &World, request: &Request) -> Result<Version, Refusal> {
    match request.version.as_deref() {
        Some("2026-10-21") if request.query.flag("beta")? => Ok(Version::Beta),
        Some("2026-10-21") => Ok(Version::New),
        Some("2023-06-01") => Ok(Version::Old),
        Some(other) => {
            Err(Refusal::invalid(format!("anthropic-version: \"{other}\" is not a valid version")))
        }
        None if world.assumptions.version_header == Insistence::Optional => Ok(Version::Old),
        None => Err(Refusal::invalid("anthropic-version: header is required")),
    }
}

/// The refusal of what can be done in the Console only.
pub(super) fn carve_out(world: &World, message: &str) -> Refusal {
    match world.assumptions.carve_out_status {
        CarveOutStatus::Forbidden => Refusal::forbidden(message),
        CarveOutStatus::Invalid => Refusal::invalid(message),
    }
}
