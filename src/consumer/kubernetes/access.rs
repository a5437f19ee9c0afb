//! How the Kubernetes API is reached: through a kubeconfig, or from inside of the cluster.

use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::command;
use super::super::environment::read_credential_file;
use super::super::http::Trust;
use super::kubeconfig::{self, Context, Plugin, Source};
use super::{CallError, Environment};
use crate::secret::Secret;

const OPERATION: &str = "reach Kubernetes";
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The server, whom to trust there, and who we are.
pub(super) struct Access {
    pub(super) server: String,
    pub(super) trust: Trust,
    pub(super) token: Option<Secret>,
}

fn fail(message: impl Into<String>) -> CallError {
    CallError::here(OPERATION, message, "Check the kubeconfig: `kubectl auth whoami` shows what it gives.")
}

/// Finds the way to the API: a kubeconfig where there is one, else the pod's service account.
pub(super) async fn find(environment: &Environment, context: Option<&str>) -> Result<Access, CallError> {
    let paths: Vec<PathBuf> = match environment.text("KUBECONFIG") {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => environment.in_home(".kube/config").into_iter().collect(),
    };
    let mut files = Vec::new();
    for path in &paths {
        if let Some(text) = read_credential_file(OPERATION, path)? {
            files.push(kubeconfig::parse(&text, path).map_err(fail)?);
        }
    }
    if files.is_empty() {
        return in_cluster(environment, Path::new(SERVICE_ACCOUNT));
    }
    from_context(kubeconfig::context(&files, context).map_err(fail)?).await
}

async fn from_context(context: Context) -> Result<Access, CallError> {
    let mut trust = Trust {
        authorities: context.authorities.as_ref().map(load).transpose()?.map(|pem| pem.to_vec()),
        identity: None,
    };
    if let (Some(certificate), Some(key)) = (&context.certificate, &context.key) {
        trust.identity = Some(identity(&load(certificate)?, &load(key)?));
    }
    let mut token = context.token;
    if let Some(path) = &context.token_file {
        let text = read_credential_file(OPERATION, path)?;
        let text = text.ok_or_else(|| fail(format!("the token file {} is not there", path.display())))?;
        token = Some(Secret::new(text.trim()));
    }
    if let Some(plugin) = &context.plugin {
        let given = run(plugin, &context.server, trust.authorities.as_deref()).await?;
        token = given.token.or(token);
        trust.identity = given.identity.or(trust.identity);
    }
    Ok(Access { server: context.server, trust, token })
}

fn identity(certificate: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([certificate, b"\n", key].concat())
}

fn load(source: &Source) -> Result<Zeroizing<Vec<u8>>, CallError> {
    match source {
        Source::Data(data) => base64::engine::general_purpose::STANDARD
            .decode(data.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| fail("a certificate or key in the kubeconfig is not Base64")),
        Source::File(path) => match read_credential_file(OPERATION, path)? {
            Some(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
            None => Err(fail(format!("{} is not there", path.display()))),
        },
    }
}

struct Given {
    token: Option<Secret>,
    identity: Option<Zeroizing<Vec<u8>>>,
}

/// Runs a program that gives credentials, as the version of the interface that it names asks for.
async fn run(plugin: &Plugin, server: &str, authorities: Option<&[u8]>) -> Result<Given, CallError> {
    let mut spec = json!({ "interactive": false });
    if plugin.provide_cluster {
        let encoded = authorities.map(|pem| base64::engine::general_purpose::STANDARD.encode(pem));
        spec["cluster"] = json!({ "server": server, "certificate-authority-data": encoded });
    }
    let info = json!({ "apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec });
    let mut variables = plugin.variables.clone();
    variables.push(("KUBERNETES_EXEC_INFO".to_owned(), info.to_string()));
    let output = command::run_with(&plugin.command, &plugin.directory, &variables).await;
    let output =
        Zeroizing::new(output.map_err(|why| fail(format!("the credential plugin gave nothing: {why}")))?);
    let mut answer: Value = serde_json::from_str(&output)
        .map_err(|_| fail(format!("`{}` printed no credential", plugin.command[0])))?;
    // What a plugin prints may have any shape.
    let mut take = |name: &str| match answer.get_mut("status").and_then(|status| status.get_mut(name))?.take()
    {
        Value::String(text) if !text.is_empty() => Some(Zeroizing::new(text)),
        _ => None,
    };
    let token = take("token").map(|token| Secret::new(token.as_str()));
    let pair = take("clientCertificateData").zip(take("clientKeyData"));
    let identity = pair.map(|(certificate, key)| identity(certificate.as_bytes(), key.as_bytes()));
    if token.is_none() && identity.is_none() {
        return Err(fail(format!("`{}` printed neither token nor certificate", plugin.command[0])));
    }
    Ok(Given { token, identity })
}

/// The API as a pod reaches it.
fn in_cluster(environment: &Environment, mounted: &Path) -> Result<Access, CallError> {
    let nowhere = || {
        let advice = "Set KUBECONFIG, or run where the service account of a pod is mounted.";
        CallError::here(OPERATION, "there is neither a kubeconfig nor a service account", advice)
    };
    let host = environment.text("KUBERNETES_SERVICE_HOST").ok_or_else(nowhere)?;
    let port = environment.text("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let token = read_credential_file(OPERATION, &mounted.join("token"))?.ok_or_else(nowhere)?;
    let authorities = read_credential_file(OPERATION, &mounted.join("ca.crt"))?.ok_or_else(nowhere)?;
    Ok(Access {
        server: format!("https://{host}:{port}"),
        trust: Trust { authorities: Some(authorities.as_bytes().to_vec()), identity: None },
        token: Some(Secret::new(token.trim())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_reaches_its_own_cluster() {
        let mounted = tempfile::tempdir().unwrap();
        std::fs::write(mounted.path().join("token"), "abc\n").unwrap();
        std::fs::write(mounted.path().join("ca.crt"), "PEM").unwrap();
        for (host, expected) in [("10.0.0.1", "https://10.0.0.1:6443"), ("fd00::1", "https://[fd00::1]:6443")]
        {
            let environment =
                Environment::of(&[("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", "6443")]);
            let access = in_cluster(&environment, mounted.path()).unwrap();
            assert_eq!(access.server, expected);
            assert_eq!(access.token.unwrap().expose(), "abc");
            assert_eq!(access.trust.authorities.unwrap(), b"PEM");
        }
        assert!(in_cluster(&Environment::of(&[]), mounted.path()).is_err());
    }
}
