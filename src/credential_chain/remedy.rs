//! What to change so that federation wins: the traps, each with its way out.

use super::chain::Decision;
use super::client::Product;
use super::federation::Variables;
use super::outcome::{Fate, Found, Kind, Origin, Place, Remedy, Tier};
use super::resolver::Resolver;

/// A remedy for something at this place.
fn remedy(trap: &'static str, origin: &Origin, fix: impl Into<String>) -> Remedy {
    Remedy { trap, name: origin.name.clone(), place: origin.location(), fix: fix.into() }
}

impl Resolver<'_> {
    /// The remedies, those for what is sent before those for what waits behind it.
    pub(super) fn remedies(&self, decision: &Decision, found: &[Found]) -> Vec<Remedy> {
        let mut remedies: Vec<(Fate, Remedy)> = found
            .iter()
            .filter_map(|source| Some((source.fate, self.of_source(decision, source)?)))
            .collect();
        remedies.sort_by_key(|(fate, _)| *fate != Fate::Used);
        let mut remedies: Vec<Remedy> = remedies.into_iter().map(|(_, remedy)| remedy).collect();
        remedies.extend(self.of_variables(decision));
        remedies.extend(hosts_apart(decision));
        remedies
    }

    fn of_source(&self, decision: &Decision, source: &Found) -> Option<Remedy> {
        let origin = &source.origin;
        let Some(kind) = source.kind else { return self.of_profile(decision, source) };
        if source.fate == Fate::Ignored && origin.place == Place::CustomHeader {
            return None;
        }
        let name = &origin.name;
        Some(match (origin.place, kind) {
            (Place::Variable | Place::Setting, Kind::Empty) => {
                let fix = format!(
                    "remove the line that sets {name} to nothing: some clients take an empty variable for a credential"
                );
                remedy("T3", origin, fix)
            }
            (Place::Variable | Place::Setting, Kind::Blank) => remedy(
                "T4",
                origin,
                format!("remove {name}: it holds white space only, and some clients send that"),
            ),
            (Place::CustomHeader, _) => {
                remedy("T5", origin, format!("take the {name} line out of ANTHROPIC_CUSTOM_HEADERS"))
            }
            (Place::Argument, _) => remedy(
                "T6",
                origin,
                format!(
                    "take the argument {name} out of the code, so that the client finds federation by itself"
                ),
            ),
            (Place::Setting, _) => remedy(
                "T9",
                origin,
                format!("remove {name} from this settings file, and look at every settings level"),
            ),
            (Place::File, _) if name == "primaryApiKey" => remedy(
                "T10",
                origin,
                "run claude auth logout, which removes the key that a Console login stored",
            ),
            (Place::File, _) if name == "accessToken" => {
                remedy("T10", origin, "run claude auth logout, which removes the stored claude.ai login")
            }
            (Place::Variable, _) if name == "CLAUDE_CODE_OAUTH_TOKEN" => remedy(
                "T11",
                origin,
                "remove CLAUDE_CODE_OAUTH_TOKEN wherever it is set; do not set it to nothing",
            ),
            (Place::Variable, _) if name == "ANTHROPIC_AUTH_TOKEN" => remedy(
                "T2",
                origin,
                "remove ANTHROPIC_AUTH_TOKEN wherever it is set; do not set it to nothing",
            ),
            _ => remedy("T1", origin, format!("remove {name} wherever it is set; do not set it to nothing")),
        })
    }

    /// A profile that keeps federation from being used, or that keeps an old token.
    fn of_profile(&self, decision: &Decision, source: &Found) -> Option<Remedy> {
        if source.fate != Fate::Used || source.origin.place != Place::File {
            return None;
        }
        let name = source.origin.name.strip_prefix("profile ")?;
        if !self.federates(name) {
            let named = decision.tier == Tier::NamedProfile;
            return Some(match named {
                true => remedy(
                    "T7",
                    &source.origin,
                    format!(
                        "remove ANTHROPIC_PROFILE, or let it name a federation profile: {name} is a stored login"
                    ),
                ),
                false => remedy(
                    "T8",
                    &source.origin,
                    format!(
                        "remove the profile {name} or active_config, or set the federation variables: it is a stored login"
                    ),
                ),
            });
        }
        let kept = decision.exchange.is_none() && decision.failure.is_none();
        kept.then(|| {
            let file = decision.headers.iter().find_map(|carried| carried.origin.path.as_ref());
            let shown = file.map_or_else(String::new, |path| path.display().to_string());
            remedy("T17", &source.origin, format!("remove {shown} to see an exchange: a kept token outlives a change of the rule until it expires"))
        })
    }

    fn of_variables(&self, decision: &Decision) -> Vec<Remedy> {
        let mut remedies = Vec::new();
        let stands = |name: &str| self.sources.raw(name).is_some();
        if let Variables::Partial(failure) = self.federation_variables() {
            let origin = Origin::variable("ANTHROPIC_FEDERATION_RULE_ID");
            let fix = format!("set the missing variable or remove the whole set: {}", failure.summary);
            remedies.push(remedy("T13", &origin, fix));
        }
        if decision.tier == Tier::NamedProfile && decision.failure.is_some() && stands("ANTHROPIC_PROFILE") {
            let origin = Origin::variable("ANTHROPIC_PROFILE");
            remedies.push(remedy(
                "T7",
                &origin,
                "remove ANTHROPIC_PROFILE, or repair the profile that it names",
            ));
        }
        let federation = decision.tier == Tier::Federation;
        let account = "ANTHROPIC_SERVICE_ACCOUNT_ID";
        if federation && self.client.product == Product::Python && self.sources.raw(account) == Some("") {
            let fix = "remove ANTHROPIC_SERVICE_ACCOUNT_ID or give it a value: the empty text is sent with the exchange";
            remedies.push(remedy("T14", &Origin::variable(account), fix));
        }
        if federation && self.client.product == Product::Ant && self.value("ANTHROPIC_WORKSPACE_ID").is_some()
        {
            let fix =
                "put the workspace into a federation profile: ant leaves the variable out of the exchange";
            remedies.push(remedy("T15", &Origin::variable("ANTHROPIC_WORKSPACE_ID"), fix));
        }
        let located = ["ANTHROPIC_CONFIG_DIR"].iter().any(|name| stands(name)) || self.pointer().is_some();
        if decision.tier == Tier::ActiveProfile && decision.failure.is_some() && located {
            let origin = Origin::file(&self.pointer_path(), "active_config", None);
            remedies.push(remedy(
                "T8",
                &origin,
                "remove ANTHROPIC_CONFIG_DIR or active_config, or repair the profile that they lead to",
            ));
        }
        remedies
    }
}

/// An exchange at one host and API calls at another: the token is refused.
fn hosts_apart(decision: &Decision) -> Option<Remedy> {
    let exchange = decision.exchange.as_ref()?;
    (exchange.base_url != decision.base_url).then(|| {
        let origin = Origin::variable("ANTHROPIC_BASE_URL");
        let fix = format!(
            "keep one host: the token is minted at {} and used at {}",
            exchange.base_url, decision.base_url
        );
        remedy("T20", &origin, fix)
    })
}
