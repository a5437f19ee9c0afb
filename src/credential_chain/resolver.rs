//! What the steps of the chain share: who asks, and how variables read.

use super::client::{Client, Product};
use super::outcome::{Carried, Exchange, Failure, Header, Kind, Origin, Place, Tier};
use super::sources::Sources;
use super::traits::Traits;

/// One client in front of its sources.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) client: Client,
    pub(super) traits: &'static Traits,
    pub(super) sources: &'a Sources,
}

/// A credential on its way into a header. Its value is looked at and never kept.
#[derive(Clone)]
pub(super) struct Held<'a> {
    value: &'a str,
    kind: Kind,
    pub(super) origin: Origin,
}

impl<'a> Held<'a> {
    pub(super) fn new(value: &'a str, origin: Origin) -> Held<'a> {
        Held { value, kind: Kind::of(value), origin }
    }

    /// A token that came out of federation earlier.
    pub(super) fn federated(value: &'a str, origin: Origin) -> Held<'a> {
        Held { value, kind: Kind::FederatedToken, origin }
    }

    /// A token that the exchange is about to give.
    pub(super) fn minted(grant: super::Grant) -> Held<'a> {
        let kind = match grant {
            super::Grant::JwtBearer => Kind::FederatedToken,
            super::Grant::RefreshToken => Kind::OauthToken,
        };
        Held { value: "minted", kind, origin: Origin::new(Place::Exchange, "token exchange") }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    pub(super) fn in_header(self, header: Header) -> Slot<'a> {
        let (name, bearer) = match header {
            Header::ApiKey => ("X-Api-Key", false),
            Header::Authorization => ("Authorization", true),
        };
        Slot { header, name: name.to_owned(), bearer, held: self }
    }

    /// Put into a header as it is, without `Bearer` before it.
    pub(super) fn verbatim(self, header: Header, name: &str) -> Slot<'a> {
        Slot { header, name: name.to_owned(), bearer: false, held: self }
    }
}

/// One header of the request being put together.
#[derive(Clone)]
pub(super) struct Slot<'a> {
    pub(super) header: Header,
    name: String,
    bearer: bool,
    held: Held<'a>,
}

impl Slot<'_> {
    /// The name as it is written; its case matters to some clients.
    pub(super) fn name_sent(&self) -> &str {
        &self.name
    }

    /// Whether the whole header value is empty. `Bearer ` alone is not.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && !self.bearer
    }

    /// Whether an HTTP library that checks values would refuse this one.
    pub(super) fn refused(&self) -> bool {
        let value = self.held.value;
        let ends_blank = value.ends_with(char::is_whitespace) || (self.bearer && value.is_empty());
        let starts_blank = !self.bearer && value.starts_with(char::is_whitespace);
        let control = value.chars().any(|c| c.is_control() && c != '\t');
        ends_blank || starts_blank || control || !value.is_ascii()
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.held.origin
    }

    pub(super) fn carried(&self) -> Carried {
        Carried { header: self.header, kind: self.held.kind, origin: self.held.origin.clone() }
    }
}

/// What a profile or federation offers.
pub(super) struct Offer<'a> {
    pub(super) tier: Tier,
    /// What decided, for the list of what was found.
    pub(super) origin: Origin,
    /// The token, once it is asked for, or why there is none.
    pub(super) fetched: Result<Fetched<'a>, Failure>,
    pub(super) workspace_header: Option<String>,
    /// The host for API requests where neither code nor variable names one.
    pub(super) base_url: Option<String>,
}

pub(super) struct Fetched<'a> {
    pub(super) held: Held<'a>,
    pub(super) exchange: Option<Exchange>,
}

/// The host of the API where nothing else is said.
pub(super) const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

impl<'a> Resolver<'a> {
    pub(super) fn new(client: &Client, sources: &'a Sources) -> Resolver<'a> {
        Resolver { client: *client, traits: Traits::of(client), sources }
    }

    /// A variable that is set to something, as this client reads it.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.sources.value(self.traits, name)
    }

    /// The host that variables choose for API requests, if any.
    pub(super) fn chosen_base_url(&self) -> Option<&'a str> {
        match self.client.product {
            // An empty one counts as a choice here, and no request can be made with it.
            Product::Python | Product::Go => self.sources.raw("ANTHROPIC_BASE_URL"),
            Product::Typescript | Product::ClaudeCode => self.value("ANTHROPIC_BASE_URL"),
            Product::Ant => None,
        }
    }

    /// Whether the client would send an identity token or refresh token to this host.
    pub(super) fn check_host(&self, base_url: &str) -> Result<(), Failure> {
        let lower = base_url.to_ascii_lowercase();
        let loopback = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            let rest = lower.strip_prefix("http://").and_then(|rest| rest.strip_prefix(host));
            // Python compares the text alone; the others take the address apart.
            rest.is_some_and(|rest| {
                self.client.product == Product::Python || rest.is_empty() || rest.starts_with([':', '/'])
            })
        });
        if lower.starts_with("https://") || loopback {
            return Ok(());
        }
        Err(Failure::new(format!("the token exchange needs https, but the base URL is {base_url:?}")))
    }
}
