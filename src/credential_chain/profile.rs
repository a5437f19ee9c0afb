//! Profiles on disk: where they lie, which is active, and what one says.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::client::Product;
use super::outcome::Failure;
use super::resolver::Resolver;
use super::sources::line_of;

/// A profile's configuration, with what it left open filled from variables.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The line of `authentication`, from 1.
    pub(super) line: Option<usize>,
    pub(super) credentials_path: PathBuf,
    pub(super) kind: ProfileKind,
    pub(super) base_url: Option<String>,
    pub(super) workspace_id: Option<String>,
}

/// How a profile authenticates.
#[derive(Clone, Debug)]
pub(super) enum ProfileKind {
    Federation(FederationProfile),
    Login { client_id: Option<String> },
    Other(String),
}

#[derive(Clone, Debug)]
pub(super) struct FederationProfile {
    pub(super) rule: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) service_account: Option<String>,
    pub(super) token: TokenSetting,
}

/// Where a federation profile says that its identity token is.
#[derive(Clone, Debug)]
pub(super) enum TokenSetting {
    File {
        path: String,
        line: Option<usize>,
    },
    /// The file that `ANTHROPIC_IDENTITY_TOKEN_FILE` names.
    Variable(String),
    /// A `source` or `path` that no client can use.
    Unusable,
    Absent,
}

/// Why a profile could not be loaded.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// There is no such file.
    Missing(Failure),
    Broken(Failure),
}

impl Trouble {
    pub(super) fn failure(self) -> Failure {
        let (Trouble::Missing(failure) | Trouble::Broken(failure)) = self;
        failure
    }
}

impl<'a> Resolver<'a> {
    /// The directory that profiles lie in.
    pub(super) fn config_dir(&self) -> PathBuf {
        let set = match self.client.product {
            // Go takes the variable as it is, empty or not.
            Product::Go | Product::Ant => self.sources.raw("ANTHROPIC_CONFIG_DIR"),
            _ => self.value("ANTHROPIC_CONFIG_DIR"),
        };
        if let Some(directory) = set {
            return PathBuf::from(directory);
        }
        let xdg = self.value("XDG_CONFIG_HOME").filter(|_| self.client.product != Product::Python);
        match (xdg, self.value("HOME")) {
            (Some(xdg), _) => PathBuf::from(xdg).join("anthropic"),
            (None, home) => PathBuf::from(home.unwrap_or("/")).join(".config/anthropic"),
        }
    }

    pub(super) fn pointer_path(&self) -> PathBuf {
        self.config_dir().join("active_config")
    }

    /// The name in the `active_config` file.
    pub(super) fn pointer(&self) -> Option<&'a str> {
        Some(self.sources.text(&self.pointer_path())?.trim()).filter(|name| !name.is_empty())
    }

    /// The name of the profile that is active when none is named.
    pub(super) fn active_name(&self) -> String {
        self.pointer().unwrap_or("default").to_owned()
    }

    /// Reads a profile as this client would.
    pub(super) fn load_profile(&self, name: &str) -> Result<Profile, Trouble> {
        self.check_name(name).map_err(Trouble::Broken)?;
        let directory = self.config_dir();
        let path = directory.join("configs").join(format!("{name}.json"));
        let shown = path.display();
        let broken = |what: &str| Trouble::Broken(Failure::new(format!("the profile {shown} {what}")));
        let Some(file) = self.sources.file(&path) else {
            return Err(Trouble::Missing(Failure::new(format!(
                "the profile {name:?} does not exist: no {shown}"
            ))));
        };
        if file.mode & self.traits.config_mode_refused != 0 {
            return Err(broken("can be written by others; run chmod go-w on it"));
        }
        let text = self.sources.text(&path).ok_or_else(|| broken("cannot be read"))?;
        let mut config: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| broken("is no JSON object"))?;
        let Some(Value::Object(mut auth)) = config.remove("authentication") else {
            return Err(broken("has no authentication object"));
        };
        let kind = auth.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let credentials_path = match auth.get("credentials_path").and_then(Value::as_str) {
            Some(path) if !path.is_empty() => self.expand(path),
            _ => directory.join("credentials").join(format!("{name}.json")),
        };
        let base_url = self.filled(&config, "base_url", "ANTHROPIC_BASE_URL");
        Ok(Profile {
            name: name.to_owned(),
            line: line_of(text, "authentication"),
            credentials_path,
            kind: self.profile_kind(&kind, &config, &mut auth, text),
            base_url: base_url.filter(|url| !url.is_empty()),
            workspace_id: self.filled(&config, "workspace_id", "ANTHROPIC_WORKSPACE_ID"),
            path,
        })
    }

    fn profile_kind(
        &self,
        kind: &str,
        config: &Map<String, Value>,
        auth: &mut Map<String, Value>,
        text: &str,
    ) -> ProfileKind {
        match kind {
            "oidc_federation" => ProfileKind::Federation(FederationProfile {
                rule: text_of(auth, "federation_rule_id")
                    .filter(|rule| !rule.is_empty())
                    .or_else(|| self.owned("ANTHROPIC_FEDERATION_RULE_ID")),
                organization: self.filled(config, "organization_id", "ANTHROPIC_ORGANIZATION_ID"),
                service_account: self.filled(auth, "service_account_id", "ANTHROPIC_SERVICE_ACCOUNT_ID"),
                token: self.token_setting(auth.get("identity_token"), text),
            }),
            "user_oauth" => {
                ProfileKind::Login { client_id: text_of(auth, "client_id").filter(|id| !id.is_empty()) }
            }
            other => ProfileKind::Other(other.to_owned()),
        }
    }

    fn token_setting(&self, setting: Option<&Value>, text: &str) -> TokenSetting {
        let python = self.client.product == Product::Python;
        match setting {
            Some(Value::Object(fields)) if !(python && fields.is_empty()) => {
                let field = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
                match (field("source"), field("path")) {
                    ("file", path) if !path.is_empty() => {
                        TokenSetting::File { path: path.to_owned(), line: line_of(text, "identity_token") }
                    }
                    _ => TokenSetting::Unusable,
                }
            }
            _ => match self.owned("ANTHROPIC_IDENTITY_TOKEN_FILE") {
                Some(path) => TokenSetting::Variable(path),
                None => TokenSetting::Absent,
            },
        }
    }

    /// A field of the file, or the variable when the file leaves it open. An empty text in the file
    /// leaves it open for Python and Go, and is an answer for TypeScript.
    fn filled(&self, fields: &Map<String, Value>, field: &str, variable: &str) -> Option<String> {
        let written = text_of(fields, field);
        let open = match self.client.product {
            Product::Typescript | Product::ClaudeCode => written.is_none(),
            Product::Python | Product::Go | Product::Ant => written.as_ref().is_none_or(String::is_empty),
        };
        if open { self.owned(variable).or(written) } else { written }
    }

    fn owned(&self, variable: &str) -> Option<String> {
        self.value(variable).map(str::to_owned)
    }

    /// Python alone takes `~` for the home directory.
    fn expand(&self, path: &str) -> PathBuf {
        match (self.client.product, path.strip_prefix("~/"), self.value("HOME")) {
            (Product::Python, Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(path),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Failure> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let usable = match self.client.product {
            Product::Python => {
                name.trim() == name && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
            }
            _ => name != "." && name != ".." && name.chars().all(plain),
        };
        if usable && !name.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("{name:?} is no usable name of a profile")))
    }
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}
