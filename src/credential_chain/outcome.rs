//! What a client does with the sources that it finds. No secret is ever in here.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::client::Client;

/// What one client sends, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Who was asked.
    pub client: Client,
    /// Which step of the chain decided.
    pub tier: Tier,
    /// The credential headers of the API request; none when no request is made.
    pub headers: Vec<Carried>,
    /// The token exchange before the API request, where there is one.
    pub exchange: Option<Exchange>,
    /// The host of the API requests.
    pub base_url: String,
    /// The `anthropic-workspace-id` header, where it is sent.
    pub workspace_header: Option<String>,
    /// Why no API request is made.
    pub failure: Option<Failure>,
    /// All that was found, in the order of precedence.
    pub found: Vec<Found>,
    /// What to change so that federation wins, most urgent first.
    pub remedies: Vec<Remedy>,
}

/// A step of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A credential passed in code or as a flag.
    Argument,
    /// `ANTHROPIC_API_KEY`.
    KeyVariable,
    /// `ANTHROPIC_AUTH_TOKEN`.
    TokenVariable,
    /// What Claude Code's `apiKeyHelper` prints.
    Helper,
    /// `CLAUDE_CODE_OAUTH_TOKEN`.
    ClaudeCodeToken,
    /// The key that a Console login stored.
    ConsoleKey,
    /// The profile that `ANTHROPIC_PROFILE` or an argument names.
    NamedProfile,
    /// Federation set up by variables.
    Federation,
    /// A stored claude.ai login.
    StoredLogin,
    /// The profile that `active_config` names, or `default`.
    ActiveProfile,
    /// A header of `ANTHROPIC_CUSTOM_HEADERS`.
    CustomHeader,
    /// Another provider altogether, such as Amazon Bedrock.
    OtherProvider,
    /// No credential.
    Nothing,
}

/// A header that can hold a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Header {
    /// `x-api-key`, with the bare credential.
    #[serde(rename = "x-api-key")]
    ApiKey,
    /// `authorization`, with `Bearer` before the credential.
    #[serde(rename = "authorization")]
    Authorization,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Header::ApiKey => "x-api-key",
            Header::Authorization => "Authorization",
        })
    }
}

/// One credential on the API request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// The header it travels in.
    pub header: Header,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a credential is, judged by the beginning of its value and never by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `sk-ant-api…`.
    ApiKey,
    /// `sk-ant-admin…`.
    AdminKey,
    /// `sk-ant-oat…` that was set, or stored by a login.
    OauthToken,
    /// A token that was minted through federation, now or kept from an earlier exchange.
    FederatedToken,
    /// None of the known beginnings.
    Unknown,
    /// Nothing but white space.
    Blank,
    /// Nothing.
    Empty,
}

impl Kind {
    /// Judges a value that did not come from federation.
    pub(super) fn of(value: &str) -> Kind {
        let bare = value.trim();
        let is = |prefix| bare.starts_with(prefix);
        match () {
            () if value.is_empty() => Kind::Empty,
            () if bare.is_empty() => Kind::Blank,
            () if is("sk-ant-api") => Kind::ApiKey,
            () if is("sk-ant-admin") => Kind::AdminKey,
            () if is("sk-ant-oat") => Kind::OauthToken,
            () => Kind::Unknown,
        }
    }

    /// The words for it in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Kind::ApiKey => "static API key",
            Kind::AdminKey => "static Admin API key",
            Kind::OauthToken => "preset OAuth token",
            Kind::FederatedToken => "federated token",
            Kind::Unknown => "credential of unknown kind",
            Kind::Blank => "blank credential",
            Kind::Empty => "empty credential",
        }
    }
}

/// Where something comes from: its name and, for a file, its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// What sort of place.
    pub place: Place,
    /// The variable, argument, header, field or setting.
    pub name: String,
    /// The file, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The line in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// What sort of place something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Code, or a flag.
    Argument,
    /// The environment.
    Variable,
    /// A line of `ANTHROPIC_CUSTOM_HEADERS`; the name is the header's as it is written there.
    CustomHeader,
    /// A profile's file, or a stored login.
    File,
    /// A Claude Code settings file.
    Setting,
    /// The token endpoint.
    Exchange,
}

impl Origin {
    pub(super) fn new(place: Place, name: &str) -> Origin {
        Origin { place, name: name.to_owned(), path: None, line: None }
    }

    pub(super) fn variable(name: &str) -> Origin {
        Origin::new(Place::Variable, name)
    }

    pub(super) fn file(path: &Path, name: &str, line: Option<usize>) -> Origin {
        Origin { path: Some(path.to_owned()), line, ..Origin::new(Place::File, name) }
    }

    /// Where to look: `environment`, `code`, or a file with its line.
    pub fn location(&self) -> String {
        match (&self.path, self.line, self.place) {
            (Some(path), Some(line), _) => format!("{}:{line}", path.display()),
            (Some(path), None, _) => path.display().to_string(),
            (None, _, Place::Argument) => "code or command line".to_owned(),
            (None, _, Place::CustomHeader) => "ANTHROPIC_CUSTOM_HEADERS".to_owned(),
            (None, _, Place::Exchange) => "token endpoint".to_owned(),
            (None, ..) => "environment".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Argument => write!(f, "argument {}", self.name),
            Place::Variable | Place::Exchange => f.write_str(&self.name),
            Place::CustomHeader => write!(f, "ANTHROPIC_CUSTOM_HEADERS ({})", self.name),
            Place::File | Place::Setting => write!(f, "{} ({})", self.name, self.location()),
        }
    }
}

/// A call to the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// What is traded in.
    pub grant: Grant,
    /// The host that is called.
    pub base_url: String,
    /// The rule; empty for a refresh.
    pub federation_rule_id: String,
    /// The organization; empty for a refresh.
    pub organization_id: String,
    /// The service account, which may be sent as an empty text.
    pub service_account_id: Option<String>,
    /// The workspace, which may be sent as an empty text.
    pub workspace_id: Option<String>,
    /// Where the identity token or the refresh token comes from.
    pub token: Origin,
    /// Whether the client may use a token that it kept from an earlier exchange instead.
    pub cached_elsewhere: bool,
}

/// What is traded in at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// An identity token: federation.
    JwtBearer,
    /// A stored login's refresh token.
    RefreshToken,
}

/// Why a client gives up before it calls the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What is wrong, as a sentence without a full stop.
    pub summary: String,
}

impl Failure {
    pub(super) fn new(summary: impl Into<String>) -> Failure {
        Failure { summary: summary.into() }
    }
}

/// A source that was found, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Where it is.
    pub origin: Origin,
    /// What it is; None for a way to federate or a profile.
    pub kind: Option<Kind>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It decided what is sent, or is sent itself.
    Used,
    /// It would count, had nothing come before it.
    Shadowed,
    /// This client does not look at it, or reads it as not set.
    Ignored,
}

/// One thing to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The trap it gets out of, `T1` to `T21`.
    pub trap: &'static str,
    /// The variable, setting or file.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// What to do, as one sentence.
    pub fix: String,
}
