//! The request: which credential headers it carries in the end.

use super::chain::{Decision, Statics};
use super::client::Product;
use super::outcome::{Exchange, Failure, Header, Origin, Place, Tier};
use super::resolver::{DEFAULT_BASE_URL, Held, Offer, Resolver, Slot};
use super::traits::CustomHeaders;

impl<'a> Resolver<'a> {
    /// Puts the request together.
    pub(super) fn send(
        &self,
        statics: Statics<'a>,
        offer: Result<Option<Offer<'a>>, (Tier, Failure)>,
    ) -> Decision {
        let is_static = statics.key.is_some() || statics.token.is_some();
        let mut slots: Vec<Slot<'a>> = Vec::new();
        slots.extend(statics.key.map(|key| key.in_header(self.traits.key_header)));
        slots.extend(statics.token.map(|token| token.in_header(Header::Authorization)));
        let custom = self.custom_headers();
        let (offer, trouble) = match offer {
            Ok(offer) => (offer, None),
            Err(trouble) => (None, Some(trouble)),
        };
        let has_offer = offer.is_some();
        let reads_custom = match self.traits.custom_headers {
            CustomHeaders::Ignored => false,
            CustomHeaders::LastResort => !has_offer && !is_static && trouble.is_none(),
            _ => true,
        };
        let custom = if reads_custom { custom } else { Vec::new() };
        let late = self.traits.custom_headers == CustomHeaders::AfterExchange;
        let tier = if is_static { statics.tier } else { Tier::Nothing };
        let mut request = Request { resolver: *self, tier, slots, exchange: None, used: Vec::new() };
        if !late {
            request.lay_over(custom.clone());
        }
        let blocked = !late && request.slots.iter().any(|slot| !slot.is_empty());
        let mut workspace_header = None;
        let mut profile_host = None;
        if let Some(offer) = offer {
            profile_host = offer.base_url.clone();
            workspace_header = offer.workspace_header.clone();
            if !blocked && let Err(failure) = request.fetch(offer) {
                return Decision::failed(request.tier, failure);
            }
        }
        if late {
            request.lay_over(custom);
        }
        if let Some(failure) = request.refusal(trouble, has_offer) {
            return Decision::failed(request.tier, failure);
        }
        if self.client.product == Product::Ant {
            workspace_header = self.value("ANTHROPIC_WORKSPACE_ID").map(str::to_owned).or(workspace_header);
        }
        let host = self.chosen_base_url().map(str::to_owned).or(profile_host);
        Decision {
            tier: request.tier,
            headers: request.slots.iter().map(Slot::carried).collect(),
            exchange: request.exchange,
            base_url: host.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned()).trim_end_matches('/').to_owned(),
            workspace_header,
            failure: None,
            used: request.used,
        }
    }

    /// The credential headers among `ANTHROPIC_CUSTOM_HEADERS`.
    pub(super) fn custom_headers(&self) -> Vec<Slot<'a>> {
        let text = self.value("ANTHROPIC_CUSTOM_HEADERS").unwrap_or_default();
        let lines = text.split('\n').filter_map(|line| line.split_once(':'));
        lines
            .filter_map(|(name, value)| {
                let name = name.trim();
                let header = match name.to_ascii_lowercase().as_str() {
                    "x-api-key" => Header::ApiKey,
                    "authorization" => Header::Authorization,
                    _ => return None,
                };
                let bare = value.trim();
                let scheme = bare.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
                let value =
                    if header == Header::Authorization && scheme { bare[7..].trim_start() } else { bare };
                Some(Held::new(value, Origin::new(Place::CustomHeader, name)).verbatim(header, name))
            })
            .collect()
    }
}

/// The credential headers of a request that is being put together.
struct Request<'a> {
    resolver: Resolver<'a>,
    tier: Tier,
    slots: Vec<Slot<'a>>,
    exchange: Option<Exchange>,
    used: Vec<Origin>,
}

impl<'a> Request<'a> {
    /// Lets custom headers replace those of the same name.
    fn lay_over(&mut self, custom: Vec<Slot<'a>>) {
        let by_case = self.resolver.traits.custom_headers == CustomHeaders::BesideByCase;
        for slot in custom {
            let same = |old: &Slot<'_>| {
                if by_case { old.name_sent() == slot.name_sent() } else { old.header == slot.header }
            };
            self.slots.retain(|old| !same(old));
            if !slot.is_empty() && self.tier == Tier::Nothing {
                self.tier = Tier::CustomHeader;
            }
            self.slots.push(slot);
        }
    }

    fn fetch(&mut self, offer: Offer<'a>) -> Result<(), Failure> {
        self.tier = offer.tier;
        self.used.push(offer.origin);
        let fetched = offer.fetched?;
        self.exchange = fetched.exchange;
        self.slots.retain(|slot| slot.header != Header::Authorization);
        self.slots.push(fetched.held.in_header(Header::Authorization));
        Ok(())
    }

    /// Why the request is not made after all.
    fn refusal(&mut self, trouble: Option<(Tier, Failure)>, has_offer: bool) -> Option<Failure> {
        let traits = self.resolver.traits;
        let by_case = traits.custom_headers == CustomHeaders::BesideByCase;
        let counts = |slot: &Slot<'_>| {
            !slot.is_empty()
                && (!by_case || has_offer || ["X-Api-Key", "Authorization"].contains(&slot.name_sent()))
        };
        if !self.slots.iter().any(counts) {
            if let Some((tier, failure)) = trouble {
                self.tier = tier;
                return Some(failure);
            }
            let sends_anyway = self.resolver.client.product == Product::Ant || has_offer;
            if !sends_anyway {
                let empty = self.slots.iter().find(|slot| slot.origin().place != Place::CustomHeader);
                return Some(Failure::new(empty.map_or_else(
                    || "no credential is found".to_owned(),
                    |slot| format!("{} is set to nothing, which shuts federation out", slot.origin()),
                )));
            }
        }
        let refused = self.slots.iter().find(|slot| traits.strict_headers && slot.refused())?;
        Some(Failure::new(format!(
            "the value of {} is empty or has white space around it, and the HTTP library refuses it",
            refused.origin()
        )))
    }
}
