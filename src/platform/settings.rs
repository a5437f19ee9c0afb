//! What the client has to be told, and the checks made before anything is sent.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;

use super::{ApiError, Credential, ErrorKind, ReportKeys};
use crate::{limits, regular_file};

/// Where the Claude Platform is.
pub const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

/// Is told, page by page, what is being read and how many objects have come so far.
pub type Progress = Arc<dyn Fn(&'static str, usize) + Send + Sync>;

/// Is told what the user should know and what stops nothing, in whole sentences.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Gives the real time, by which tokens end.
pub(crate) type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// By which clock the platform judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// Real time, by the clock of the API where an answer has shown it.
    System,
    /// The simulator's settable clock, asked for at the base URL.
    Simulator,
}

/// What the client has to be told.
#[derive(Clone)]
pub struct Settings {
    /// Base URL of the API, without `/v1`.
    pub base_url: String,
    /// The engine's credential.
    pub credential: Credential,
    /// Keys for reports alone. The federation endpoints refuse them, and they are never sent there.
    pub report_keys: ReportKeys,
    /// Time for a whole call, reading the body included.
    pub call_timeout: Duration,
    /// Wait before a call is made again for the first time; it doubles up to sixteen times that.
    pub retry_wait: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// By which clock the platform judges.
    pub clock: ClockSource,
    /// Calls in flight, 1 to [`limits::PARALLELISM_MAX`]; other numbers are brought into range.
    pub parallelism: usize,
    /// What the client calls itself.
    pub user_agent: String,
    /// PEM file with the only certificate authorities to trust; none: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Is told of every page read.
    pub progress: Option<Progress>,
    /// Is told of a renewed token that could not be stored.
    pub notice: Notice,
    pub(crate) wall_clock: WallClock,
}

impl Settings {
    /// The usual settings for this API and credential.
    pub fn new(base_url: impl Into<String>, credential: impl Into<Credential>) -> Settings {
        Settings {
            base_url: base_url.into(),
            credential: credential.into(),
            report_keys: ReportKeys::default(),
            call_timeout: limits::CALL_TIMEOUT,
            retry_wait: limits::RETRY_WAIT,
            connect_timeout: limits::CONNECT_TIMEOUT,
            clock: ClockSource::System,
            parallelism: limits::PARALLELISM_DEFAULT,
            user_agent: user_agent(),
            ca_file: None,
            progress: None,
            notice: Arc::new(|text| tracing::warn!("{text}")),
            wall_clock: Arc::new(Timestamp::now),
        }
    }
}

/// The program's name and version, as it is sent.
pub(crate) fn user_agent() -> String {
    concat!("keyless/", env!("CARGO_PKG_VERSION")).to_owned()
}

/// Parses the base URL and refuses one over which the credential could be read by others.
pub(crate) fn check_base_url(text: &str) -> Result<Url, ApiError> {
    let refuse = |why: &str| Err(refusal(format!("the base URL {}", why)));
    let Ok(url) = Url::parse(text) else {
        return refuse("cannot be parsed; it looks like https://api.anthropic.com");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or password, which the API has no use for");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("holds a query or fragment, which would be lost");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            refuse("is plain http to another machine, so the credential could be read on the way; use https")
        }
        _ => refuse("is neither https nor http"),
    }
}

/// Whether the URL leads to this machine, judged by the parsed host.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// Builds the HTTP client of the API. Redirects are never followed: they would carry the
/// credential to another host.
pub(crate) fn build_client(settings: &Settings, base: &Url) -> Result<reqwest::Client, ApiError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .timeout(settings.call_timeout)
        .connect_timeout(settings.connect_timeout);
    if is_loopback(base) {
        // A proxy must not see calls to this machine.
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.ca_file {
        builder = builder.tls_certs_only(read_certificates(path)?);
    } else if base.scheme() == "http" {
        // Without TLS no authority is needed, and none need be installed.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        refusal(format!(
            "the TLS client cannot be set up: {}; if this machine has no CA certificates, install them \
             or name a PEM file with --ca-file",
            causes(&error)
        ))
    })
}

fn read_certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, ApiError> {
    let shown = path.display();
    let pem = regular_file::read(path, limits::CA_FILE_BYTES_MAX)
        .map_err(|error| refusal(format!("the CA file {shown} {error}")))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| refusal(format!("the CA file {shown} is not PEM: {}", causes(&error))))?;
    if certificates.is_empty() {
        return Err(refusal(format!("the CA file {shown} holds no certificate")));
    }
    Ok(certificates)
}

/// All that is known of an error, outermost first, without the URL that reqwest adds.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.split(" for url (").next().unwrap_or_default().to_owned();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    super::scrub::scrub(&parts.join(": "))
}

fn refusal(message: String) -> ApiError {
    ApiError {
        operation: "set up the API client".to_owned(),
        endpoint: String::new(),
        kind: ErrorKind::Settings,
        message,
        code: None,
        request_id: None,
        advice: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[track_caller]
    fn check(url: &str, expected: Result<(), &str>) {
        match (check_base_url(url), expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(words)) => assert!(error.message.contains(words), "{url}: {error}"),
            (found, _) => panic!("{url}: {found:?}"),
        }
    }

    #[test]
    fn the_credential_travels_over_safe_urls_only() {
        check("https://api.anthropic.com", Ok(()));
        check("https://gateway.example.com/claude/", Ok(()));
        check("http://127.0.0.1:8080", Ok(()));
        check("http://localhost:8080", Ok(()));
        check("http://[::1]:8080", Ok(()));
        check("http://api.anthropic.com", Err("plain http"));
        check("http://127.0.0.1.example.com", Err("plain http"));
        check("http://localhost.example.com", Err("plain http"));
        check("http://10.0.0.1", Err("plain http"));
        check("http://[::ffff:10.0.0.1]", Err("plain http"));
        check("http://0.0.0.0", Err("plain http"));
        check("https://user:pw@api.anthropic.com", Err("user name"));
        check("https://api.anthropic.com?x=1", Err("query"));
        check("ftp://api.anthropic.com", Err("neither"));
        check("api.anthropic.com", Err("cannot be parsed"));
    }

    fn settings(ca_file: PathBuf) -> Settings {
        let credential = Secret::new("sk-ant-oat01-x");
        Settings { ca_file: Some(ca_file), ..Settings::new(DEFAULT_BASE_URL, credential) }
    }

    #[test]
    fn a_bad_ca_file_is_an_error_and_no_panic() {
        let directory = tempfile::tempdir().unwrap();
        let base = check_base_url(DEFAULT_BASE_URL).unwrap();
        let missing = settings(directory.path().join("missing.pem"));
        let error = build_client(&missing, &base).unwrap_err();
        assert!(error.message.contains("cannot be read"), "{error}");
        let empty = directory.path().join("empty.pem");
        std::fs::write(&empty, "no certificate in here").unwrap();
        let error = build_client(&settings(empty), &base).unwrap_err();
        assert!(error.message.contains("empty.pem"), "{error}");
    }
}
