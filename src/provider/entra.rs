//! Microsoft Entra ID, one tenant.

use std::collections::BTreeMap;

use crate::resource::Match;

use super::Holds::{Number, Text};
use super::arguments::{Reader, discovered, is_guid, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "entra",
    arguments: &[
        required("tenant_id", Text, "The tenant's GUID."),
        optional("token_version", Number, "2, or 1 when the audience application asks for such tokens."),
    ],
    match_arguments: &[
        required("object_id", Text, "Object id of the managed identity or service principal."),
        optional("client_id", Text, "Its client id, which is another GUID."),
        required(
            "audience",
            Text,
            "The application that stands for the Claude API: its client id, or api://… with version 1.",
        ),
    ],
    profile: Some(&profile::ENTRA),
    issuer,
    compile_match,
};

/// Managed identities get tokens of a day, stamped five minutes back, and Entra sends no `jti`.
fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let tenant = tenant(&mut reader);
    let version = version(&mut reader);
    let url = tenant.zip(version).map(|(tenant, version)| match version {
        Version::One => format!("https://sts.windows.net/{tenant}/"),
        Version::Two => format!("https://login.microsoftonline.com/{tenant}/v2.0"),
    });
    reader.finish(url.map(|url| discovered(url, false, 90_000)))
}

fn compile_match(provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut of_provider = Reader::new(provider);
    let tenant = tenant(&mut of_provider);
    let version = version(&mut of_provider);
    let mut reader = Reader::new(given);
    let detail = "is no GUID in small letters, which is how tokens carry it.";
    let object =
        reader.checked("object_id", is_guid, detail, "Ask `az ad sp show --id CLIENT_ID --query id`.");
    let client =
        reader.checked("client_id", is_guid, detail, "Ask `az ad sp show --id OBJECT_ID --query appId`.");
    let audience = audience(&mut reader, version);
    let matching = object.zip(tenant).zip(version).map(|((object, tenant), version)| {
        let (client_claim, version) = match version {
            Version::One => ("appid", "1.0"),
            Version::Two => ("azp", "2.0"),
        };
        let pins = [("oid", object), ("sub", object), ("tid", tenant), ("ver", version)];
        let mut claims: BTreeMap<String, String> =
            pins.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        if let Some(client) = client {
            claims.insert(client_claim.to_owned(), client.to_owned());
        }
        Match { audience: audience.map(str::to_owned), claims, ..Match::default() }
    });
    // What is wrong with the provider is told where the provider stands.
    if matching.is_none() && (tenant.is_none() || version.is_none()) {
        reader.problem(
            "",
            "The provider's tenant or token version is not valid, so that no claims can be written.",
            "Correct the provider first.",
        );
    }
    reader.finish(matching)
}

#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

fn tenant<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let tenant = reader.exact("tenant_id")?;
    let hint = "Write the GUID that `az account show --query tenantId` prints.";
    if ["common", "organizations", "consumers"].contains(&tenant) {
        let detail = format!("{tenant:?} stands for every tenant in the world; no token carries it.");
        reader.problem("tenant_id", detail, hint);
        return None;
    }
    if !is_guid(tenant) {
        let detail = format!(
            "{tenant:?} is no GUID in small letters, which is how `iss` and `tid` carry it; a domain name does not do."
        );
        reader.problem("tenant_id", detail, hint);
        return None;
    }
    Some(tenant)
}

fn version(reader: &mut Reader<'_>) -> Option<Version> {
    match reader.number("token_version") {
        None => Some(Version::Two),
        Some(2.0) => Some(Version::Two),
        Some(1.0) => Some(Version::One),
        Some(other) => {
            let detail = format!("There is no token version {other}; issuer and claims depend on it.");
            reader.problem("token_version", detail, "Write 1 or 2: `requestedAccessTokenVersion` of the audience application, where null means 1.");
            None
        }
    }
}

/// Checks the audience when it is here; like every kind's, it can also be given as a raw argument.
fn audience<'a>(reader: &mut Reader<'a>, version: Option<Version>) -> Option<&'a str> {
    let audience = reader.exact("audience")?;
    if is_guid(audience) || (audience.starts_with("api://") && !matches!(version, Some(Version::Two))) {
        return Some(audience);
    }
    if audience == "api://AzureADTokenExchange" {
        reader.problem(
            "audience",
            "This audience belongs to Entra itself; every federated pipeline holds such tokens.",
            AUDIENCE_HINT,
        );
        return None;
    }
    let detail = match audience.starts_with("api://") {
        true => format!(
            "{audience:?} is an identifier URI, but tokens of version 2 carry the client id of the audience application."
        ),
        false => format!("{audience:?} is no application. Entra workloads cannot choose an audience freely."),
    };
    reader.problem("audience", detail, AUDIENCE_HINT);
    None
}

const AUDIENCE_HINT: &str =
    "Write the client id (a GUID) of the application that you registered for the Claude API.";
