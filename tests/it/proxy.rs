//! Proxies and certificate authorities, with real sockets and real TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::support::{Environment, Run, answer};

/// A name that no resolver knows, so that only a proxy leads there.
const HOST: &str = "api.keyless.test";

/// An API behind TLS whose authority nobody knows; it refuses every token.
struct SecretApi {
    port: u16,
    authority: String,
}

impl SecretApi {
    fn start() -> SecretApi {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(config));
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let config = Arc::clone(&config);
                std::thread::spawn(move || stream.and_then(|stream| refuse(stream, config)));
            }
        });
        SecretApi { port, authority: authority.pem() }
    }
}

fn refuse(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut asked = Vec::new();
    let mut byte = [0];
    while !asked.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        asked.push(byte[0]);
    }
    let body = r#"{"error": {"type": "authentication_error", "message": "Seen by the secret API"}}"#;
    stream.write_all(answer("401 Unauthorized", "x-should-retry: false\r\n", body).as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A proxy that leads every CONNECT to one port of this machine, and remembers what it was asked.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&log);
                std::thread::spawn(move || stream.and_then(|stream| tunnel(stream, port, &log)));
            }
        });
        Proxy { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn tunnel(mut near: TcpStream, port: u16, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(near.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    log.lock().unwrap().push(line.trim_end().to_owned());
    while lines.read_line(&mut line)? > 2 {}
    let far = TcpStream::connect(("127.0.0.1", port))?;
    near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_near, mut to_far) = (near.try_clone()?, far.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_near, &mut to_far);
        let _ = to_far.shutdown(Shutdown::Write);
    });
    let copied = std::io::copy(&mut &far, &mut near).map(|_| ());
    let _ = near.shutdown(Shutdown::Write);
    copied
}

fn plan(base_url: &str, arguments: &[&str], bend: impl FnOnce(&Environment, &mut Command)) -> Run {
    let environment = Environment::one_lane();
    let platform = "platform \"simulator\" {\n    organization = \"acme.json\"\n    skip_waits   = true\n  }";
    environment.edit("main.keyless.hcl", platform, "platform \"claude\" {}");
    let mut command = environment.command(&[&["plan", "-parallelism=1"], arguments].concat());
    command.env("ANTHROPIC_BASE_URL", base_url);
    command.env("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-fake-fake-fake-fake-fake");
    bend(&environment, &mut command);
    environment.ended(command).exits(1)
}

#[test]
fn calls_go_through_the_proxy_to_an_api_of_a_private_authority() {
    let api = SecretApi::start();
    let url = format!("https://{HOST}");
    for by_flag in [true, false] {
        let proxy = Proxy::start(api.port);
        let arguments: &[&str] = if by_flag { &["-ca-file=ca.pem"] } else { &[] };
        let run = plan(&url, arguments, |environment, command| {
            environment.write("ca.pem", &api.authority);
            command.env("HTTPS_PROXY", &proxy.url);
            if !by_flag {
                command.env("SSL_CERT_FILE", environment.path("ca.pem"));
            }
        });
        run.says("Seen by the secret API");
        let asked = proxy.asked();
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|line| *line == format!("CONNECT {HOST}:443 HTTP/1.1")), "{asked:?}");
    }
}

#[test]
fn no_proxy_is_honoured() {
    let api = SecretApi::start();
    let proxy = Proxy::start(api.port);
    let run = plan(&format!("https://{HOST}"), &["-ca-file=ca.pem"], |environment, command| {
        environment.write("ca.pem", &api.authority);
        command.env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", "example.com,keyless.test");
    });
    run.says("no connection");
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn calls_to_this_machine_never_go_through_a_proxy() {
    let proxy = Proxy::start(9);
    let body = r#"{"error": {"message": "Seen at home"}}"#;
    let api =
        super::support::ScriptedApi::start(answer("401 Unauthorized", "x-should-retry: false\r\n", body));
    let run = plan(&api.url, &[], |_, command| {
        command.env("HTTPS_PROXY", &proxy.url).env("HTTP_PROXY", &proxy.url).env("http_proxy", &proxy.url);
    });
    run.says("Seen at home");
    assert_eq!(proxy.asked(), [""; 0]);
}
