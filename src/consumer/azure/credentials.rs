//! Who asks Azure: a token given outright, a client secret, a federated token, or the machine's
//! managed identity.

use reqwest::Method;

use super::super::environment::read_credential_file;
use super::super::oauth::{access_token, form};
use super::{CallError, Environment, Request, url};
use crate::secret::Secret;

const OPERATION: &str = "get an Azure access token";

/// An access token for the vaults of the cloud that this one is in.
pub(super) async fn token(environment: &Environment, vault_url: &str) -> Result<Secret, CallError> {
    if let Some(token) = environment.secret("AZURE_ACCESS_TOKEN") {
        return Ok(token);
    }
    let resource = resource(vault_url);
    if let (Some(tenant), Some(client)) =
        (environment.text("AZURE_TENANT_ID"), environment.text("AZURE_CLIENT_ID"))
    {
        if let Some(secret) = environment.secret("AZURE_CLIENT_SECRET") {
            let credential = [("client_secret", secret.expose())];
            return from_entra(environment, &tenant, &client, &credential, &resource).await;
        }
        if let Some(path) = environment.text("AZURE_FEDERATED_TOKEN_FILE") {
            let Some(token) = read_credential_file(OPERATION, path.as_ref())? else {
                let advice = "Correct or unset AZURE_FEDERATED_TOKEN_FILE.";
                return Err(CallError::here(OPERATION, format!("{path} is not there"), advice));
            };
            let credential = [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", token.trim()),
            ];
            return from_entra(environment, &tenant, &client, &credential, &resource).await;
        }
    }
    from_managed_identity(environment, &resource).await
}

/// What a token has to be for: the domain of the vaults, which differs between clouds.
fn resource(vault_url: &str) -> String {
    let host = vault_url.strip_prefix("https://").unwrap_or_default();
    let domain = host.split_once('.').map_or("vault.azure.net", |(_, domain)| domain);
    format!("https://{domain}")
}

async fn from_entra(
    environment: &Environment,
    tenant: &str,
    client: &str,
    credential: &[(&str, &str)],
    resource: &str,
) -> Result<Secret, CallError> {
    let authority = environment.text("AZURE_AUTHORITY_HOST");
    let authority = authority.unwrap_or_else(|| "https://login.microsoftonline.com".to_owned());
    let url = url(OPERATION, &authority, &[tenant, "oauth2", "v2.0", "token"], &[])?;
    let scope = format!("{resource}/.default");
    let mut pairs = vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &scope)];
    pairs.extend(credential);
    access_token(form(Request::new(OPERATION, Method::POST, url), &pairs)).await
}

async fn from_managed_identity(environment: &Environment, resource: &str) -> Result<Secret, CallError> {
    let client = environment.text("AZURE_CLIENT_ID");
    let mut query = vec![("resource", resource)];
    query.extend(client.as_deref().map(|client| ("client_id", client)));
    let request = match (environment.text("IDENTITY_ENDPOINT"), environment.secret("IDENTITY_HEADER")) {
        (Some(endpoint), Some(header)) => {
            query.push(("api-version", "2019-08-01"));
            let url = url(OPERATION, &endpoint, &[], &query)?;
            Request::new(OPERATION, Method::GET, url).secret_header("x-identity-header", header)
        }
        _ => {
            query.push(("api-version", "2018-02-01"));
            let host = environment.text("AZURE_POD_IDENTITY_AUTHORITY_HOST");
            let host = host.unwrap_or_else(|| "http://169.254.169.254".to_owned());
            let url = url(OPERATION, &host, &["metadata", "identity", "oauth2", "token"], &query)?;
            Request::new(OPERATION, Method::GET, url).header("metadata", "true")
        }
    };
    access_token(request.over_metadata()).await.map_err(|error| CallError {
        advice: "Set AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, or \
                 set AZURE_ACCESS_TOKEN to the output of `az account get-access-token --resource \
                 https://vault.azure.net --query accessToken --output tsv`."
            .to_owned(),
        ..error
    })
}

#[cfg(test)]
mod tests {
    use super::resource;

    #[test]
    fn a_token_is_for_the_vaults_of_one_cloud() {
        for (vault, expected) in [
            ("https://acme.vault.azure.net", "https://vault.azure.net"),
            ("https://acme.vault.azure.cn", "https://vault.azure.cn"),
            ("http://127.0.0.1:1", "https://vault.azure.net"),
        ] {
            assert_eq!(resource(vault), expected);
        }
    }
}
