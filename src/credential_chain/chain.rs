//! The chain that the SDKs and `ant` share.

use super::client::Product;
use super::federation::Variables;
use super::outcome::{Carried, Exchange, Failure, Origin, Place, Tier};
use super::profile::{ProfileKind, Trouble};
use super::resolver::{DEFAULT_BASE_URL, Held, Offer, Resolver};
use super::traits::{Arguments, Empty, ProfilesFirst};

/// The answer before the list of what was found is added.
pub(super) struct Decision {
    pub(super) tier: Tier,
    pub(super) headers: Vec<Carried>,
    pub(super) exchange: Option<Exchange>,
    pub(super) base_url: String,
    pub(super) workspace_header: Option<String>,
    pub(super) failure: Option<Failure>,
    /// What decided, beside what the headers carry.
    pub(super) used: Vec<Origin>,
}

impl Decision {
    pub(super) fn failed(tier: Tier, failure: Failure) -> Decision {
        Decision {
            tier,
            headers: Vec::new(),
            exchange: None,
            base_url: DEFAULT_BASE_URL.to_owned(),
            workspace_header: None,
            failure: Some(failure),
            used: Vec::new(),
        }
    }
}

/// The static credentials of a client, and the profile that an argument names.
pub(super) struct Statics<'a> {
    pub(super) tier: Tier,
    pub(super) key: Option<Held<'a>>,
    pub(super) token: Option<Held<'a>>,
    pub(super) profile: Option<&'a str>,
}

impl<'a> Resolver<'a> {
    /// Goes down the chain.
    pub(super) fn decide(&self) -> Decision {
        if self.traits.eager && self.chosen_base_url() == Some("") {
            let empty = Failure::new("ANTHROPIC_BASE_URL is set but empty, and the client takes it as it is");
            return Decision::failed(Tier::Nothing, empty);
        }
        let statics = match self.statics() {
            Ok(statics) => statics,
            Err(failure) => return Decision::failed(Tier::Argument, failure),
        };
        let is_static = statics.key.is_some() || statics.token.is_some();
        // Older Python loads a profile argument even beside a key that makes it useless.
        let loads = !is_static || (self.traits.arguments == Arguments::Total && statics.profile.is_some());
        let offer = if loads { self.offer(statics.profile) } else { Ok(None) };
        match offer {
            Err((tier, failure)) if self.traits.eager => Decision::failed(tier, failure),
            offer => self.send(statics, offer),
        }
    }

    fn statics(&self) -> Result<Statics<'a>, Failure> {
        let arguments = &self.sources.arguments;
        let argument = |value: &'a Option<crate::secret::Secret>, name: &str| {
            value.as_ref().map(|value| Held::new(value.expose(), Origin::new(Place::Argument, name)))
        };
        let key = argument(&arguments.api_key, "api_key");
        let token = argument(&arguments.auth_token, "auth_token");
        let profile = arguments.profile.as_deref();
        let given =
            usize::from(key.is_some()) + usize::from(token.is_some()) + usize::from(profile.is_some());
        if self.traits.arguments == Arguments::Exclusive && given > 1 {
            return Err(Failure::new(
                "more than one credential argument is passed, which the client refuses",
            ));
        }
        let variable = |name: &str| {
            let value = match self.traits.empty {
                Empty::Unset => self.value(name),
                Empty::Credential => self.sources.raw(name),
            };
            value.map(|value| Held::new(value, Origin::variable(name)))
        };
        let shut = match self.traits.arguments {
            Arguments::Exclusive | Arguments::Total => given > 0,
            Arguments::Each => profile.is_some(),
            Arguments::Over | Arguments::Flags => false,
        };
        let from_variables = |name| if shut { None } else { variable(name) };
        let key_variable = from_variables("ANTHROPIC_API_KEY");
        let token_variable =
            from_variables("ANTHROPIC_AUTH_TOKEN").filter(|_| self.traits.both || key_variable.is_none());
        let tier = match (key.is_some() || token.is_some(), key_variable.is_some()) {
            (true, _) => Tier::Argument,
            (false, true) => Tier::KeyVariable,
            (false, false) => Tier::TokenVariable,
        };
        let (key, mut token) = (key.or(key_variable), token.or(token_variable));
        if self.traits.arguments == Arguments::Flags && key.is_some() {
            token = None;
        }
        Ok(Statics { tier, key, token, profile })
    }

    /// What a profile or federation offers, in this client's order.
    fn offer(&self, argument: Option<&str>) -> Result<Option<Offer<'a>>, (Tier, Failure)> {
        let named = argument.or_else(|| self.value("ANTHROPIC_PROFILE"));
        let variables = match self.federation_variables() {
            // Older TypeScript and Claude Code are content with rule and organization, and then stop.
            Variables::Partial(failure) => Err(failure),
            Variables::Absent => Ok(None),
            Variables::Complete { token } => Ok(Some(self.offer_variables(token))),
        };
        if let (Some(name), order) = (named, self.traits.profiles_first) {
            let skips = matches!(order, ProfilesFirst::Existing | ProfilesFirst::NamedIfUsable);
            match self.load(name, Tier::NamedProfile) {
                Ok(offer) => return Ok(Some(offer)),
                Err(Trouble::Missing(_)) if skips => {}
                Err(Trouble::Broken(_)) if order == ProfilesFirst::NamedIfUsable => {}
                Err(trouble) => return Err((Tier::NamedProfile, trouble.failure())),
            }
        }
        match self.traits.profiles_first {
            ProfilesFirst::Existing => match (self.existing_then(named.is_some(), variables)?, argument) {
                (None, Some(name)) => {
                    Err((Tier::NamedProfile, Failure::new(format!("the profile {name:?} does not exist"))))
                }
                (offer, _) => Ok(offer),
            },
            ProfilesFirst::NamedIfUsable => self.usable_after(named.is_some(), variables),
            ProfilesFirst::Located if self.located() => {
                let name = self.active_name();
                let offer = self.load(&name, Tier::ActiveProfile);
                offer.map(Some).map_err(|trouble| (Tier::ActiveProfile, trouble.failure()))
            }
            ProfilesFirst::Named | ProfilesFirst::Located => self.active_after(variables),
        }
    }

    fn load(&self, name: &str, tier: Tier) -> Result<Offer<'a>, Trouble> {
        let profile = self.load_profile(name)?;
        let login = matches!(profile.kind, ProfileKind::Login { .. });
        if self.client.product == Product::Ant
            && login
            && self.sources.file(&profile.credentials_path).is_none()
        {
            return Err(Trouble::Missing(Failure::new("the login has no stored credentials")));
        }
        let offer = self.offer_profile(&profile, tier);
        // TypeScript takes a profile apart as soon as it reads it; Python waits until it is called.
        if matches!(self.client.product, Product::Typescript | Product::ClaudeCode) {
            match &profile.kind {
                ProfileKind::Federation(settings) => {
                    self.requirements(&profile, settings).map_err(Trouble::Broken)?;
                }
                ProfileKind::Other(_) => {
                    return Err(Trouble::Broken(
                        offer.fetched.err().unwrap_or_else(|| Failure::new("unknown type")),
                    ));
                }
                ProfileKind::Login { .. } => {}
            }
        }
        if self.traits.eager {
            let host = profile.base_url.as_deref().or(self.chosen_base_url()).unwrap_or(DEFAULT_BASE_URL);
            self.check_host(host).map_err(Trouble::Broken)?;
        }
        Ok(offer)
    }

    /// Whether a place to look for profiles was pointed out.
    fn located(&self) -> bool {
        self.value("ANTHROPIC_CONFIG_DIR").is_some() || self.pointer().is_some()
    }

    /// Federation from variables, then the active profile.
    fn active_after(
        &self,
        variables: Result<Option<Offer<'a>>, Failure>,
    ) -> Result<Option<Offer<'a>>, (Tier, Failure)> {
        if let Ok(Some(offer)) = variables {
            return Ok(Some(offer));
        }
        let name = self.active_name();
        match self.load(&name, Tier::ActiveProfile) {
            Ok(offer) => Ok(Some(offer)),
            Err(trouble) => match (self.client.product, trouble) {
                (Product::Python, trouble) if self.located() => Err((Tier::ActiveProfile, trouble.failure())),
                (Product::Python, _) | (Product::Go, Trouble::Missing(_) | Trouble::Broken(_)) => Ok(None),
                (_, Trouble::Broken(failure)) => Err((Tier::ActiveProfile, failure)),
                (_, Trouble::Missing(_)) => self.without_token(variables),
            },
        }
    }

    /// A profile that is there, then federation from variables.
    fn existing_then(
        &self,
        named: bool,
        variables: Result<Option<Offer<'a>>, Failure>,
    ) -> Result<Option<Offer<'a>>, (Tier, Failure)> {
        if !named {
            match self.load(&self.active_name(), Tier::ActiveProfile) {
                Ok(offer) => return Ok(Some(offer)),
                Err(Trouble::Broken(failure)) => return Err((Tier::ActiveProfile, failure)),
                Err(Trouble::Missing(_)) => {}
            }
        }
        match variables {
            Ok(Some(offer)) => Ok(Some(offer)),
            variables => self.without_token(variables),
        }
    }

    /// TypeScript stops when rule and organization are set and no identity token is.
    fn without_token(
        &self,
        variables: Result<Option<Offer<'a>>, Failure>,
    ) -> Result<Option<Offer<'a>>, (Tier, Failure)> {
        let set = |name| self.value(name).is_some();
        match variables {
            Err(failure) if set("ANTHROPIC_FEDERATION_RULE_ID") && set("ANTHROPIC_ORGANIZATION_ID") => {
                Err((Tier::Federation, failure))
            }
            _ => Ok(None),
        }
    }

    /// `ant`: federation from variables, and a part of it is an error even beside a good profile.
    fn usable_after(
        &self,
        named: bool,
        variables: Result<Option<Offer<'a>>, Failure>,
    ) -> Result<Option<Offer<'a>>, (Tier, Failure)> {
        match variables {
            Err(failure) => Err((Tier::Federation, failure)),
            Ok(Some(offer)) => Ok(Some(offer)),
            Ok(None) if named => Ok(None),
            Ok(None) => Ok(self.load(&self.active_name(), Tier::ActiveProfile).ok()),
        }
    }
}
