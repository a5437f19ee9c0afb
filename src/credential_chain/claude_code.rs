//! Claude Code's own order: two header slots, settings files and stored logins.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::secret::Secret;

use super::chain::Decision;
use super::federation::Variables;
use super::outcome::{Failure, Header, Origin, Place, Tier};
use super::resolver::{DEFAULT_BASE_URL, Fetched, Held, Offer, Resolver, Slot};
use super::sources::{Sources, line_of};

/// Managed settings on Linux, which outrank all others.
const MANAGED: &str = "/etc/claude-code/managed-settings.json";

/// Variables that send Claude Code to another provider altogether.
const OTHER_PROVIDERS: [&str; 3] =
    ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"];

/// One settings file.
pub(super) struct Settings<'a> {
    path: PathBuf,
    text: &'a str,
    fields: Map<String, Value>,
}

impl Settings<'_> {
    fn origin(&self, name: &str, field: &str) -> Origin {
        Origin { place: Place::Setting, ..Origin::file(&self.path, name, line_of(self.text, field)) }
    }

    fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.fields.get("env").and_then(Value::as_object).into_iter().flatten();
        variables.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }
}

impl Sources {
    /// Where Claude Code keeps its own files.
    pub fn claude_directory(&self) -> PathBuf {
        let home = || PathBuf::from(self.raw("HOME").unwrap_or("/")).join(".claude");
        self.raw("CLAUDE_CONFIG_DIR").filter(|set| !set.is_empty()).map_or_else(home, PathBuf::from)
    }

    /// The settings files that can exist, strongest first.
    pub fn claude_settings_paths(&self) -> [PathBuf; 4] {
        [
            PathBuf::from(MANAGED),
            self.directory.join(".claude/settings.local.json"),
            self.directory.join(".claude/settings.json"),
            self.claude_directory().join("settings.json"),
        ]
    }

    /// The file that a Console login writes its key to.
    pub fn claude_state_path(&self) -> PathBuf {
        match self.raw("CLAUDE_CONFIG_DIR").filter(|set| !set.is_empty()) {
            Some(directory) => Path::new(directory).join(".claude.json"),
            None => Path::new(self.raw("HOME").unwrap_or("/")).join(".claude.json"),
        }
    }

    /// The file that a claude.ai login writes its tokens to.
    pub fn claude_login_path(&self) -> PathBuf {
        self.claude_directory().join(".credentials.json")
    }

    /// The settings files that exist and can be read, strongest first.
    pub(super) fn claude_settings(&self) -> Vec<Settings<'_>> {
        let paths = self.claude_settings_paths().into_iter();
        paths
            .filter_map(|path| {
                let text = self.text(&path)?;
                Some(Settings { fields: serde_json::from_str(text).ok()?, text, path })
            })
            .collect()
    }

    /// The environment as Claude Code sees it, with the variables that settings files set.
    pub(super) fn with_settings(&self) -> Sources {
        let mut whole = self.clone();
        for settings in self.claude_settings().iter().rev() {
            for (name, value) in settings.variables() {
                whole.variables.insert(name.to_owned(), Secret::new(value));
            }
        }
        whole
    }

    /// Where a variable that Claude Code sees is really set.
    pub(super) fn setting_of(&self, variable: &str) -> Origin {
        for settings in self.claude_settings() {
            if settings.variables().any(|(name, _)| name == variable) {
                return settings.origin(&format!("env.{variable}"), variable);
            }
        }
        Origin::variable(variable)
    }

    /// The command that prints a key.
    pub(super) fn claude_helper(&self) -> Option<Origin> {
        self.claude_settings().iter().find_map(|settings| {
            let command = settings.fields.get("apiKeyHelper").and_then(Value::as_str)?;
            (!command.is_empty()).then(|| settings.origin("apiKeyHelper", "apiKeyHelper"))
        })
    }

    /// The key that a Console login stored.
    pub(super) fn console_key(&self) -> Option<(&str, Origin)> {
        self.stored(&self.claude_state_path(), &["primaryApiKey"])
    }

    /// The token that a claude.ai login stored.
    pub(super) fn claude_login(&self) -> Option<(&str, Origin)> {
        self.stored(&self.claude_login_path(), &["claudeAiOauth", "accessToken"])
    }

    fn stored(&self, path: &Path, fields: &[&str]) -> Option<(&str, Origin)> {
        let text = self.text(path)?;
        let whole: Value = serde_json::from_str(text).ok()?;
        let value = fields.iter().try_fold(&whole, |at, field| at.get(field))?.as_str()?;
        let at = text.find(value).filter(|_| !value.is_empty())?;
        let name = fields.last().expect("fields are never empty");
        Some((&text[at..at + value.len()], Origin::file(path, name, line_of(text, name))))
    }
}

/// What goes into the two header slots.
struct Slots<'a> {
    tier: Tier,
    key: Option<Held<'a>>,
    bearer: Option<Held<'a>>,
}

impl<'a> Resolver<'a> {
    /// Goes through Claude Code's own order. The sources hold the variables of settings files.
    pub(super) fn decide_claude_code(&self, original: &Sources) -> Decision {
        let truthy = |name: &&str| self.value(name).is_some_and(|value| !["0", "false"].contains(&value));
        if OTHER_PROVIDERS.iter().any(truthy) {
            return Decision { failure: None, ..Decision::failed(Tier::OtherProvider, Failure::new("")) };
        }
        let set = |name: &str| self.value(name).map(|value| Held::new(value, original.setting_of(name)));
        let helper = || self.sources.claude_helper().map(|origin| Held::new("helper", origin));
        let token = set("ANTHROPIC_AUTH_TOKEN");
        let key = set("ANTHROPIC_API_KEY");
        if key.is_some() || helper().is_some() {
            let tier = if key.is_some() { Tier::KeyVariable } else { Tier::Helper };
            return self.fill(Slots { tier, key: key.or_else(helper), bearer: token.or_else(helper) });
        }
        let console = self.sources.console_key().map(|(key, origin)| Held::new(key, origin));
        if let Some(token) = token {
            return self.fill(Slots { tier: Tier::TokenVariable, key: console, bearer: Some(token) });
        }
        if let Some(token) = set("CLAUDE_CODE_OAUTH_TOKEN") {
            return self.fill(Slots { tier: Tier::ClaudeCodeToken, key: None, bearer: Some(token) });
        }
        let login = self.sources.claude_login().map(|(token, origin)| Held::new(token, origin));
        let wants_profile = self.value("ANTHROPIC_PROFILE").is_some();
        let federation = self.federation_variables();
        let federates = wants_profile || matches!(federation, Variables::Complete { .. });
        match (console, login) {
            // A key from a Console login yields to a claude.ai login alone, and that one to federation.
            (Some(key), login) if login.is_none() || federates => {
                self.fill(Slots { tier: Tier::ConsoleKey, key: Some(key), bearer: None })
            }
            (_, Some(login)) if !federates => {
                self.fill(Slots { tier: Tier::StoredLogin, key: None, bearer: Some(login) })
            }
            _ => match self.claude_offer(federation) {
                Ok(offer) => self.fill_from(offer),
                Err((tier, failure)) => Decision::failed(tier, failure),
            },
        }
    }

    fn claude_offer(&self, federation: Variables) -> Result<Offer<'a>, (Tier, Failure)> {
        if let Some(name) = self.value("ANTHROPIC_PROFILE") {
            let profile = self.load_profile(name);
            let profile = profile.map_err(|trouble| (Tier::NamedProfile, trouble.failure()))?;
            return Ok(self.offer_profile(&profile, Tier::NamedProfile));
        }
        let partial = match federation {
            Variables::Complete { token } => return Ok(self.offer_variables(token)),
            Variables::Partial(failure) => Some((Tier::Federation, failure)),
            Variables::Absent => None,
        };
        match self.load_profile(&self.active_name()) {
            Ok(profile) => Ok(self.offer_profile(&profile, Tier::ActiveProfile)),
            Err(_) => Err(partial
                .unwrap_or_else(|| (Tier::Nothing, Failure::new("no credential is found: not logged in")))),
        }
    }

    fn fill_from(&self, offer: Offer<'a>) -> Decision {
        let used = vec![offer.origin];
        match offer.fetched {
            Err(failure) => Decision { used, ..Decision::failed(offer.tier, failure) },
            Ok(Fetched { held, exchange }) => {
                let slots = Slots { tier: offer.tier, key: None, bearer: Some(held) };
                let base_url = self.chosen_base_url().map(str::to_owned).or(offer.base_url);
                let base_url = base_url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
                Decision {
                    exchange,
                    used,
                    base_url,
                    workspace_header: offer.workspace_header,
                    ..self.fill(slots)
                }
            }
        }
    }

    fn fill(&self, slots: Slots<'a>) -> Decision {
        let mut headers: Vec<Slot<'a>> = Vec::new();
        headers.extend(slots.key.map(|key| key.in_header(Header::ApiKey)));
        headers.extend(slots.bearer.map(|token| token.in_header(Header::Authorization)));
        // A custom x-api-key is sent beside the rest; a custom Authorization gives way.
        let custom = self.custom_headers().into_iter().filter(|slot| slot.header == Header::ApiKey);
        for slot in custom {
            headers.retain(|old| old.header != Header::ApiKey);
            headers.push(slot);
        }
        let base_url = self.chosen_base_url().unwrap_or(DEFAULT_BASE_URL).trim_end_matches('/').to_owned();
        Decision {
            tier: slots.tier,
            headers: headers.iter().map(Slot::carried).collect(),
            exchange: None,
            base_url,
            workspace_header: None,
            failure: None,
            used: Vec::new(),
        }
    }
}
