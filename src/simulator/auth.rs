//! Who calls. The class of a credential is told by its prefix, never by the header it came in.

use jiff::Timestamp;

use super::assumptions::{AdminKeyStatus, CarveOutStatus, Insistence};
use super::concealed::Concealed;
use super::error::Refusal;
use super::organization::{Token, World};
use super::request::{Request, Version};

/// The scope of the Admin API.
pub(super) const ORG_ADMIN: &str = "org:admin";

/// An accepted credential.
pub(super) enum Caller {
    /// An OAuth token of a member or, minted by an exchange, of a service account.
    Oauth(Token),
    /// The Admin API key.
    AdminKey,
    /// A static key, by its id.
    ApiKey(String),
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
}

impl Caller {
    /// Who acts, where it is a member or service account.
    pub(super) fn actor(&self) -> Option<&str> {
        match self {
            Caller::Oauth(token) => Some(&token.actor),
            Caller::AdminKey | Caller::ApiKey(_) => None,
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
        let token = world.tokens.get(secret).filter(|token| token.expires_at.is_none_or(|end| end > now));
        let token = token.ok_or_else(|| Refusal::unauthenticated("Invalid bearer token"))?;
        return Ok(Caller::Oauth(token.clone()));
    }
    if *secret == world.admin_key {
        return Ok(Caller::AdminKey);
    }
    let key = world.api_keys.iter().find(|(_, key)| key.secret == *secret && key.works(now));
    key.map(|(id, _)| Caller::ApiKey(id.clone())).ok_or_else(|| Refusal::unauthenticated("invalid x-api-key"))
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
        (Caller::ApiKey(_), _) => Err(Refusal::unauthenticated("This endpoint does not accept API keys")),
        (Caller::AdminKey, Family::Federation) => {
            let message =
                "This endpoint does not accept Admin API keys; use an OAuth token with the scope org:admin";
            Err(match world.assumptions.admin_key_status {
                AdminKeyStatus::Unauthenticated => Refusal::unauthenticated(message),
                AdminKeyStatus::Forbidden => Refusal::forbidden(message),
            })
        }
        (Caller::Oauth(_), Family::Usage) if world.assumptions.usage_admin_key == Insistence::Required => {
            Err(Refusal::unauthenticated("This endpoint accepts Admin API keys only"))
        }
        (Caller::Oauth(token), _) if !token.scope.split(' ').any(|scope| scope == ORG_ADMIN) => {
            Err(Refusal::forbidden("The token does not have the scope org:admin"))
        }
        _ => Ok(caller),
    }
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
