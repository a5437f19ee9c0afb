//! Ways to a token: federation from variables, a federation profile, a stored login.

use std::path::Path;

use crate::limits::IDENTITY_TOKEN_BYTES_MAX;

use super::client::Product;
use super::outcome::{Exchange, Failure, Grant, Origin, Tier};
use super::profile::{FederationProfile, Profile, ProfileKind, TokenSetting};
use super::resolver::{DEFAULT_BASE_URL, Fetched, Held, Offer, Resolver};

/// What the variables say about federation.
pub(super) enum Variables {
    /// Nothing that this client would act on.
    Absent,
    /// Enough to try, with where the identity token is to come from.
    Complete { token: Result<TokenSource, Failure> },
    /// Too little; some clients stop here, others go on.
    Partial(Failure),
}

pub(super) enum TokenSource {
    File { path: String, origin: Origin },
    Literal,
}

impl<'a> Resolver<'a> {
    /// Reads the federation variables as this client does.
    pub(super) fn federation_variables(&self) -> Variables {
        let set = |name| match self.client.product {
            Product::Go => self.sources.raw(name).is_some(),
            _ => self.value(name).is_some(),
        };
        let (rule, organization) = (set("ANTHROPIC_FEDERATION_RULE_ID"), set("ANTHROPIC_ORGANIZATION_ID"));
        let file = self.value("ANTHROPIC_IDENTITY_TOKEN_FILE");
        let literal = match self.traits.empty_literal {
            true => self.sources.raw("ANTHROPIC_IDENTITY_TOKEN").is_some(),
            false => self.value("ANTHROPIC_IDENTITY_TOKEN").is_some(),
        };
        let some_token = file.is_some() || literal;
        let ant = self.client.product == Product::Ant;
        let account = ant && set("ANTHROPIC_SERVICE_ACCOUNT_ID");
        if rule && organization && some_token {
            return Variables::Complete { token: self.token_source(file, literal) };
        }
        if !(rule || organization || some_token || account) {
            return Variables::Absent;
        }
        let missing = [
            (rule, "ANTHROPIC_FEDERATION_RULE_ID"),
            (organization, "ANTHROPIC_ORGANIZATION_ID"),
            (some_token, "ANTHROPIC_IDENTITY_TOKEN_FILE"),
        ];
        let missing: Vec<_> = missing.iter().filter(|(set, _)| !set).map(|(_, name)| *name).collect();
        Variables::Partial(Failure::new(format!(
            "federation is set up in part; missing: {}",
            missing.join(", ")
        )))
    }

    fn token_source(&self, file: Option<&str>, literal: bool) -> Result<TokenSource, Failure> {
        let present = self.sources.raw("ANTHROPIC_IDENTITY_TOKEN_FILE");
        match (self.client.product, file, present) {
            (Product::Ant, Some(_), _) if literal => Err(Failure::new(
                "ANTHROPIC_IDENTITY_TOKEN_FILE and ANTHROPIC_IDENTITY_TOKEN are both set, which ant refuses",
            )),
            (Product::Go, None, Some(_)) => {
                Err(Failure::new("ANTHROPIC_IDENTITY_TOKEN_FILE is set but empty, and Go takes it as a path"))
            }
            (_, Some(path), _) => Ok(TokenSource::File {
                path: path.to_owned(),
                origin: Origin::variable("ANTHROPIC_IDENTITY_TOKEN_FILE"),
            }),
            (_, None, _) => Ok(TokenSource::Literal),
        }
    }

    /// Federation as the variables describe it.
    pub(super) fn offer_variables(&self, token: Result<TokenSource, Failure>) -> Offer<'a> {
        let owned = |name| {
            self.sources.raw(name).map(|text| if self.traits.trims { text.trim() } else { text }.to_owned())
        };
        let filled = |text: &String| !text.is_empty();
        let account = owned("ANTHROPIC_SERVICE_ACCOUNT_ID");
        let exchange = |token| Exchange {
            grant: Grant::JwtBearer,
            base_url: trimmed(self.chosen_base_url().unwrap_or(DEFAULT_BASE_URL)),
            federation_rule_id: owned("ANTHROPIC_FEDERATION_RULE_ID").unwrap_or_default(),
            organization_id: owned("ANTHROPIC_ORGANIZATION_ID").unwrap_or_default(),
            service_account_id: match self.client.product {
                Product::Python => account,
                _ => account.filter(filled),
            },
            workspace_id: match self.client.product {
                Product::Ant => None,
                _ => owned("ANTHROPIC_WORKSPACE_ID").filter(filled),
            },
            token,
            cached_elsewhere: self.client.product == Product::ClaudeCode,
        };
        Offer {
            tier: Tier::Federation,
            origin: Origin::variable("ANTHROPIC_FEDERATION_RULE_ID"),
            fetched: token.and_then(|token| self.exchanged(exchange(self.identity_token(token)?))),
            workspace_header: None,
            base_url: None,
        }
    }

    pub(super) fn exchanged(&self, exchange: Exchange) -> Result<Fetched<'a>, Failure> {
        self.check_host(&exchange.base_url)?;
        Ok(Fetched { held: Held::minted(exchange.grant), exchange: Some(exchange) })
    }

    /// Looks whether an identity token is there, and not at what it says.
    fn identity_token(&self, token: TokenSource) -> Result<Origin, Failure> {
        let (text, origin) = match token {
            TokenSource::Literal => {
                let text = self.sources.raw("ANTHROPIC_IDENTITY_TOKEN").unwrap_or_default();
                (text, Origin::variable("ANTHROPIC_IDENTITY_TOKEN"))
            }
            TokenSource::File { path, origin } => {
                let text = self.sources.text(Path::new(&path)).map(str::trim).ok_or_else(|| {
                    Failure::new(format!("the identity token file {path} does not exist or cannot be read"))
                })?;
                if text.is_empty() {
                    return Err(Failure::new(format!("the identity token file {path} is empty")));
                }
                (text, origin)
            }
        };
        if text.len() > IDENTITY_TOKEN_BYTES_MAX {
            return Err(Failure::new(format!(
                "the identity token has {} bytes, more than the {IDENTITY_TOKEN_BYTES_MAX} that are taken",
                text.len()
            )));
        }
        Ok(origin)
    }

    /// What a loaded profile offers. Some problems show only once a token is asked for.
    pub(super) fn offer_profile(&self, profile: &Profile, tier: Tier) -> Offer<'a> {
        let fetched = match &profile.kind {
            ProfileKind::Federation(settings) => self.federation_profile(profile, settings),
            ProfileKind::Login { client_id } => self.stored_login(profile, client_id.as_deref()),
            ProfileKind::Other(kind) => Err(Failure::new(format!(
                "{} has the unknown authentication type {kind:?}",
                profile.path.display()
            ))),
        };
        let federates = matches!(profile.kind, ProfileKind::Federation(_));
        Offer {
            tier,
            origin: Origin::file(&profile.path, &format!("profile {}", profile.name), profile.line),
            fetched,
            workspace_header: profile.workspace_id.clone().filter(|id| !federates && !id.is_empty()),
            base_url: profile.base_url.as_deref().map(trimmed),
        }
    }

    pub(super) fn exchange_host(&self, profile: &Profile) -> String {
        trimmed(profile.base_url.as_deref().or(self.chosen_base_url()).unwrap_or(DEFAULT_BASE_URL))
    }

    /// Rule, organization and source of the identity token: what a federation profile must have.
    pub(super) fn requirements(
        &self,
        profile: &Profile,
        settings: &FederationProfile,
    ) -> Result<(String, String, TokenSource), Failure> {
        let shown = profile.path.display();
        let need = |value: &Option<String>, field: &str| {
            let value = value.clone().filter(|text| !text.is_empty());
            value.ok_or_else(|| Failure::new(format!("{shown} has no {field}, and no variable gives one")))
        };
        let rule = need(&settings.rule, "authentication.federation_rule_id")?;
        let organization = need(&settings.organization, "organization_id")?;
        Ok((rule, organization, self.profile_token(profile, &settings.token)?))
    }

    fn federation_profile(
        &self,
        profile: &Profile,
        settings: &FederationProfile,
    ) -> Result<Fetched<'a>, Failure> {
        let python = self.client.product == Product::Python;
        let sent = |value: &Option<String>| value.clone().filter(|text| python || !text.is_empty());
        // The clients refuse an incomplete profile before they look for a kept token.
        let (federation_rule_id, organization_id, token) = self.requirements(profile, settings)?;
        if let Some(kept) = self.kept_token(profile)? {
            return Ok(Fetched { held: kept, exchange: None });
        }
        self.exchanged(Exchange {
            grant: Grant::JwtBearer,
            base_url: self.exchange_host(profile),
            federation_rule_id,
            organization_id,
            service_account_id: sent(&settings.service_account),
            workspace_id: sent(&profile.workspace_id),
            token: self.identity_token(token)?,
            cached_elsewhere: false,
        })
    }

    fn profile_token(&self, profile: &Profile, setting: &TokenSetting) -> Result<TokenSource, Failure> {
        let none = || Failure::new(format!("{} names no identity token", profile.path.display()));
        match setting {
            TokenSetting::File { path, line } => Ok(TokenSource::File {
                path: path.clone(),
                origin: Origin::file(&profile.path, "identity_token", *line),
            }),
            TokenSetting::Variable(path) => Ok(TokenSource::File {
                path: path.clone(),
                origin: Origin::variable("ANTHROPIC_IDENTITY_TOKEN_FILE"),
            }),
            TokenSetting::Unusable => Err(Failure::new(format!(
                "{} has an identity_token that is no file with a path",
                profile.path.display()
            ))),
            // Python takes a profile's identity token from files alone.
            TokenSetting::Absent if self.client.product == Product::Python => Err(none()),
            TokenSetting::Absent => {
                self.value("ANTHROPIC_IDENTITY_TOKEN").map(|_| TokenSource::Literal).ok_or_else(none)
            }
        }
    }
}

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
