//! Everything that was found, and what became of it.

use super::chain::Decision;
use super::client::Product;
use super::federation::Variables;
use super::outcome::{Fate, Found, Kind, Origin, Place};
use super::profile::ProfileKind;
use super::resolver::Resolver;
use super::sources::Sources;
use super::traits::{CustomHeaders, Empty};

impl Resolver<'_> {
    /// Lists the sources in the order of precedence. `original` lacks the variables that settings
    /// files set.
    pub(super) fn found(&self, decision: &Decision, original: &Sources) -> Vec<Found> {
        let mut found = self.static_sources(original);
        found.extend(self.claude_sources(original));
        found.extend(self.ways_to_a_token());
        let used = |origin: &Origin| {
            decision.used.contains(origin) || decision.headers.iter().any(|carried| carried.origin == *origin)
        };
        for source in &mut found {
            if used(&source.origin) {
                source.fate = Fate::Used;
            }
        }
        found
    }

    fn static_sources(&self, original: &Sources) -> Vec<Found> {
        let mut found = Vec::new();
        let arguments = &self.sources.arguments;
        for (name, value) in [("api_key", &arguments.api_key), ("auth_token", &arguments.auth_token)] {
            found.extend(value.as_ref().map(|value| Found {
                origin: Origin::new(Place::Argument, name),
                kind: Some(Kind::of(value.expose())),
                fate: Fate::Shadowed,
            }));
        }
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
            let Some(value) = self.sources.raw(name) else { continue };
            let counts = self.traits.empty == Empty::Credential || self.value(name).is_some();
            let origin = match self.client.product {
                Product::ClaudeCode => original.setting_of(name),
                _ => Origin::variable(name),
            };
            let fate = if counts { Fate::Shadowed } else { Fate::Ignored };
            found.push(Found { origin, kind: Some(Kind::of(value)), fate });
        }
        let ignored = self.traits.custom_headers == CustomHeaders::Ignored;
        let fate = if ignored { Fate::Ignored } else { Fate::Shadowed };
        found.extend(self.custom_headers().iter().filter(|slot| !slot.is_empty()).map(|slot| Found {
            origin: slot.origin().clone(),
            kind: Some(slot.carried().kind),
            fate,
        }));
        found
    }

    fn claude_sources(&self, original: &Sources) -> Vec<Found> {
        if self.client.product != Product::ClaudeCode {
            return Vec::new();
        }
        let shadowed = |origin, kind| Found { origin, kind: Some(kind), fate: Fate::Shadowed };
        let mut found = Vec::new();
        found.extend(self.sources.claude_helper().map(|origin| shadowed(origin, Kind::Unknown)));
        if let Some(token) = self.value("CLAUDE_CODE_OAUTH_TOKEN") {
            found.push(shadowed(original.setting_of("CLAUDE_CODE_OAUTH_TOKEN"), Kind::of(token)));
        }
        found.extend(self.sources.console_key().map(|(key, origin)| shadowed(origin, Kind::of(key))));
        found.extend(self.sources.claude_login().map(|(token, origin)| shadowed(origin, Kind::of(token))));
        found
    }

    fn ways_to_a_token(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let way = |origin| Found { origin, kind: None, fate: Fate::Shadowed };
        let argument = self.sources.arguments.profile.as_deref();
        if let Some(name) = argument.or_else(|| self.value("ANTHROPIC_PROFILE")) {
            let missing = Origin::variable("ANTHROPIC_PROFILE");
            found.push(way(self.profile_origin(name).unwrap_or(missing)));
        }
        match self.federation_variables() {
            Variables::Absent => {}
            Variables::Complete { .. } => found.push(way(Origin::variable("ANTHROPIC_FEDERATION_RULE_ID"))),
            Variables::Partial(_) => {
                let origin = Origin::variable("federation variables, in part");
                found.push(Found { fate: Fate::Ignored, ..way(origin) });
            }
        }
        let active = self.profile_origin(&self.active_name()).map(way);
        found.extend(active.filter(|active| found.iter().all(|other| other.origin != active.origin)));
        found
    }

    fn profile_origin(&self, name: &str) -> Option<Origin> {
        let profile = self.load_profile(name).ok()?;
        Some(Origin::file(&profile.path, &format!("profile {}", profile.name), profile.line))
    }

    /// Whether the profile that decided federates.
    pub(super) fn federates(&self, name: &str) -> bool {
        self.load_profile(name).is_ok_and(|profile| matches!(profile.kind, ProfileKind::Federation(_)))
    }
}
