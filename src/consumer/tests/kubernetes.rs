//! Entries of Kubernetes objects, against a server that patches as the API server does.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::server::{Answer, Asked, Server};
use super::{Trial, VALUE};
use crate::config::{ConsumerDriver, KubernetesObject, KubernetesSecret};

#[derive(Default)]
struct Cluster {
    /// `data` of the one object; none: it is not there.
    data: Option<Map<String, Value>>,
    immutable: bool,
}

fn status(code: u16, reason: &str, cause: &str) -> Answer {
    let details = json!({ "causes": [{ "message": cause }] });
    let body = json!({ "kind": "Status", "status": "Failure", "reason": reason, "message": "the server rejected it",
                       "details": details, "code": code });
    Answer::json(code, body)
}

/// Applies one operation as the library of the API server does: what is missing reads as null.
fn operate(object: &mut Value, operation: &Value) -> Result<(), String> {
    let split = |name: &str| {
        let path = operation[name].as_str().unwrap();
        let (parent, key) = path.rsplit_once('/').unwrap();
        (parent.to_owned(), key.replace("~1", "/").replace("~0", "~"))
    };
    let parent = |object: &'_ Value, path: &str| object.pointer(path).is_some_and(Value::is_object);
    let (path, key) = split("path");
    match operation["op"].as_str().unwrap() {
        "test" => {
            if !parent(object, &path) {
                return Err(format!("test operation does not apply: is missing path: {path}"));
            }
            let found = object.pointer(&path).unwrap().get(&key).cloned().unwrap_or_default();
            if found == operation["value"] { Ok(()) } else { Err("testing value failed".to_owned()) }
        }
        "move" => {
            let (from, old) = split("from");
            let taken = object.pointer_mut(&from).and_then(Value::as_object_mut);
            let taken = taken.and_then(|from| from.remove(&old)).ok_or("Unable to remove nonexistent key")?;
            if !parent(object, &path) {
                return Err("missing destination path".to_owned());
            }
            object.pointer_mut(&path).unwrap()[&*key] = taken;
            Ok(())
        }
        other => panic!("{other}"),
    }
}

fn answer(asked: &Asked, path: &str, cluster: &mut Cluster) -> Answer {
    if asked.header("authorization") != "Bearer cluster-token" {
        return status(401, "Unauthorized", "");
    }
    assert_eq!(asked.method, "PATCH", "{} would answer with the value", asked.line());
    if asked.path != path {
        return status(403, "Forbidden", "");
    }
    assert_eq!(asked.header("content-type"), "application/json-patch+json");
    if asked.header("accept") != "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" {
        return status(406, "NotAcceptable", "");
    }
    let Some(data) = &cluster.data else { return status(404, "NotFound", "") };
    let mut object = json!({ "metadata": {}, "data": data });
    if data.is_empty() {
        object.as_object_mut().unwrap().remove("data");
    }
    for operation in asked.json().as_array().unwrap() {
        if let Err(why) = operate(&mut object, operation) {
            return status(422, "Invalid", &why);
        }
    }
    let data = object["data"].as_object().cloned().unwrap_or_default();
    if cluster.immutable && cluster.data.as_ref() != Some(&data) {
        return status(422, "Invalid", "field is immutable when `immutable` is set");
    }
    if asked.query.get("dryRun").map(String::as_str) != Some("All") {
        cluster.data = Some(data);
    }
    // The metadata repeats the value when the object was written by `kubectl apply`.
    let annotations = json!({ "kubectl.kubernetes.io/last-applied-configuration": VALUE });
    Answer::json(200, json!({ "kind": "PartialObjectMetadata", "metadata": { "annotations": annotations } }))
        .endless()
}

const USER: &str = "token: cluster-token";

struct Setup {
    trial: Trial,
    cluster: Arc<Mutex<Cluster>>,
    server: Server,
    _home: tempfile::TempDir,
}

fn setup(object: KubernetesObject, cluster: Cluster) -> Setup {
    setup_for(object, cluster, USER)
}

/// The same for a user of the kubeconfig.
fn setup_for(object: KubernetesObject, cluster: Cluster, user: &str) -> Setup {
    let path = match &object {
        KubernetesObject::Secret(name) => format!("/api/v1/namespaces/ml/secrets/{name}"),
        KubernetesObject::ConfigMap(name) => format!("/api/v1/namespaces/ml/configmaps/{name}"),
    };
    let cluster = Arc::new(Mutex::new(cluster));
    let shared = Arc::clone(&cluster);
    let server = Server::start(move |asked| answer(asked, &path, &mut shared.lock().unwrap()));
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    let text = format!(
        "current-context: none\nclusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: prod, context: {{cluster: c, user: u}}}}]\n",
        server.url
    );
    std::fs::write(&config, text).unwrap();
    let driver = ConsumerDriver::KubernetesSecret(KubernetesSecret {
        namespace: "ml".to_owned(),
        object,
        key: "CLAUDE_KEY".to_owned(),
        context: Some("prod".to_owned()),
    });
    let trial = Trial::new(driver, &[("KUBECONFIG", config.to_str().unwrap())]);
    Setup { trial, cluster, server, _home: home }
}

fn claude() -> KubernetesObject {
    KubernetesObject::Secret("claude".to_owned())
}

fn data(value: Value) -> Cluster {
    Cluster { data: value.as_object().cloned(), immutable: false }
}

#[tokio::test]
async fn an_entry_is_moved_on_the_server_and_back() {
    for object in [claude(), KubernetesObject::ConfigMap("claude".to_owned())] {
        let before = json!({ "CLAUDE_KEY": VALUE, "OTHER": "x" });
        let setup = setup(object, data(before.clone()));
        setup.trial.there_and_back().await;
        assert_eq!(json!(setup.cluster.lock().unwrap().data), before);
        setup.trial.take_out().await.unwrap();
        let parked = json!({ "CLAUDE_KEY.keyless-parked": VALUE, "OTHER": "x" });
        assert_eq!(json!(setup.cluster.lock().unwrap().data), parked);
    }
}

#[tokio::test]
async fn absence_needs_proof() {
    for (before, expected) in [
        (json!({ "CLAUDE_KEY": VALUE }), Ok(true)),
        (json!({ "OTHER": "x" }), Ok(false)),
        (json!({ "CLAUDE_KEY.keyless-parked": VALUE }), Ok(false)),
        (json!({}), Ok(false)),
        (Value::Null, Ok(false)),
    ] {
        assert_eq!(setup(claude(), data(before.clone())).trial.check().await, expected, "{before}");
    }
    let immutable = Cluster { immutable: true, ..data(json!({ "CLAUDE_KEY": VALUE })) };
    let error = setup(claude(), immutable).trial.check().await.unwrap_err();
    assert!(error.to_string().contains("immutable"), "{error}");
    let immutable = Cluster { immutable: true, ..data(json!({ "OTHER": "x" })) };
    assert_eq!(setup(claude(), immutable).trial.check().await, Ok(false));
}

#[tokio::test]
async fn looking_changes_nothing() {
    let before = json!({ "CLAUDE_KEY": VALUE });
    let setup = setup(claude(), data(before.clone()));
    setup.trial.check().await.unwrap();
    assert_eq!(json!(setup.cluster.lock().unwrap().data), before);
    assert_eq!(setup.server.log(), ["PATCH /api/v1/namespaces/ml/secrets/claude"]);
}

#[tokio::test]
async fn what_somebody_wrote_meanwhile_stays() {
    let both = json!({ "CLAUDE_KEY": "new", "CLAUDE_KEY.keyless-parked": "old" });
    let setup = setup(claude(), data(both.clone()));
    setup.trial.put_back(None).await.unwrap();
    assert_eq!(json!(setup.cluster.lock().unwrap().data), both);
    // The live entry is what a later undo has to bring back.
    setup.trial.take_out().await.unwrap();
    assert_eq!(json!(setup.cluster.lock().unwrap().data), json!({ "CLAUDE_KEY.keyless-parked": "new" }));
}

#[tokio::test]
async fn an_entry_that_was_never_parked_cannot_come_back() {
    let setup = setup(claude(), data(json!({ "OTHER": "x" })));
    let error = setup.trial.put_back(None).await.unwrap_err();
    assert!(error.to_string().contains("no entry CLAUDE_KEY.keyless-parked"), "{error}");
}

#[tokio::test]
async fn a_plugin_gives_the_token_and_is_told_how_to_answer() {
    let script = "test -n \\\"$REGION\\\" && echo \\\"$KUBERNETES_EXEC_INFO\\\" | grep -q '\\\"server\\\":\\\"http' && \
                  echo '{\\\"status\\\": {\\\"token\\\": \\\"cluster-token\\\"}}'";
    let user = |variables: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, \"{script}\"], \
             env: [{variables}], provideClusterInfo: true}}"
        )
    };
    let cluster = || data(json!({ "CLAUDE_KEY": VALUE }));
    let given = setup_for(claude(), cluster(), &user("{name: REGION, value: eu}"));
    assert_eq!(given.trial.check().await, Ok(true));
    let refused = setup_for(claude(), cluster(), &user(""));
    let error = refused.trial.check().await.unwrap_err();
    assert!(error.to_string().contains("credential plugin gave nothing"), "{error}");
}

#[tokio::test]
async fn a_plugin_may_print_anything() {
    for printed in [
        "[]",
        "3",
        r#"{"kind":"Status","status":"Failure"}"#,
        r#"{"status":["token"]}"#,
        r#"{"status":{"token":7}}"#,
    ] {
        let quoted = printed.replace('"', "\\\"");
        let user = format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, \"echo '{quoted}'\"]}}"
        );
        let error = setup_for(claude(), data(json!({})), &user).trial.check().await.unwrap_err();
        assert!(error.to_string().contains("printed neither token nor certificate"), "{printed}: {error}");
    }
}

/// A certificate by an authority of its own, with its key, in PEM.
struct Issued {
    authority: String,
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

fn issue(name: &str) -> Issued {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("{name} authority"));
    let authority = parameters.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    Issued { authority, certificate: parameters.signed_by(&key, &issuer).unwrap(), key }
}

/// An API server that lets in whoever has a certificate by this authority, and finds nothing.
async fn secured(server: &Issued, clients: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::server::WebPkiClientVerifier;
    use tokio_rustls::rustls::{RootCertStore, ServerConfig};

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clients.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(server.key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.certificate.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = vec![0; 16 * 1024];
            let _ = stream.read(&mut head).await;
            let body = json!({ "kind": "Status", "reason": "NotFound" }).to_string();
            let answer = format!(
                "HTTP/1.1 404 X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn a_client_certificate_opens_a_server_of_a_private_authority() {
    let (server, client, stranger) = (issue("server"), issue("client"), issue("stranger"));
    let port = secured(&server, &client.authority).await;
    let home = tempfile::tempdir().unwrap();
    let check = |authority: &str, client: &Issued| {
        let encode = |pem: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
        let config = home.path().join("config");
        let key = home.path().join("client.key");
        std::fs::write(&key, client.key.serialize_pem()).unwrap();
        let text = json!({
            "current-context": "c",
            "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
            "clusters": [{ "name": "c", "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority-data": encode(authority),
            } }],
            "users": [{ "name": "u", "user": {
                "client-certificate-data": encode(&client.certificate.pem()),
                "client-key": "client.key",
            } }],
        });
        std::fs::write(&config, text.to_string()).unwrap();
        let driver = ConsumerDriver::KubernetesSecret(KubernetesSecret {
            namespace: "ml".to_owned(),
            object: claude(),
            key: "CLAUDE_KEY".to_owned(),
            context: None,
        });
        let trial = Trial::new(driver, &[("KUBECONFIG", config.to_str().unwrap())]);
        async move { trial.check().await }
    };
    assert_eq!(check(&server.authority, &client).await, Ok(false));
    assert!(check(&server.authority, &stranger).await.is_err(), "a stranger's certificate");
    assert!(check(&stranger.authority, &client).await.is_err(), "a stranger's authority");
}
