//! From evaluated blocks to the checked configuration: one file for each kind of block.

mod api_key;
mod api_name;
mod consumer;
mod duration;
mod federation_rule;
mod fields;
mod jwks;
mod keyless;
mod kind_arguments;
mod matching;
mod provider;
mod service_account;
mod workspace;

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyless_state::{Address, Kind};
use serde_json::{Map, Value as Json};

pub(super) use fields::Fields;
pub(super) use matching::MatchPlaces;

use super::configuration::Configuration;
use super::section::Section;
use crate::diagnostic::{Diagnostic, Diagnostics, Location, SourceMap, Span};
use crate::provider::ProviderKind;

/// What decoding needs around a block.
pub(super) struct Context<'c> {
    pub(super) sources: &'c SourceMap,
    /// The table of provider kinds.
    pub(super) kinds: &'static [ProviderKind],
    pub(super) found: RefCell<Diagnostics>,
}

impl Context<'_> {
    /// Takes a problem in.
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    pub(super) fn location(&self, span: Span) -> Location {
        self.sources.location(span)
    }

    pub(super) fn kind(&self, name: &str) -> Option<&'static ProviderKind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }
}

/// A provider's kind and the arguments that its rules are compiled with.
pub(super) struct ProviderParts {
    pub(super) kind: &'static ProviderKind,
    pub(super) arguments: Map<String, Json>,
}

/// What decoding gives beside the configuration itself.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) configuration: Configuration,
    /// Where the parts of each rule's match stand.
    pub(super) places: BTreeMap<Address, MatchPlaces>,
}

/// Decodes all blocks; what has a problem is left out.
pub(super) fn decode(
    context: &Context<'_>,
    settings: Option<&Section>,
    objects: &BTreeMap<Address, Section>,
) -> Decoded {
    let mut decoded = Decoded::default();
    let mut parts: BTreeMap<Address, ProviderParts> = BTreeMap::new();
    let configuration = &mut decoded.configuration;
    if let Some(section) = settings {
        configuration.settings = keyless::decode(context, section);
    }
    let of = |kind: Kind| objects.iter().filter(move |(address, _)| address.kind() == kind);
    for (address, section) in of(Kind::Data) {
        if let Some(workspace) = workspace::decode(context, address, section) {
            configuration.workspaces.insert(address.clone(), workspace);
        }
    }
    for (address, section) in of(Kind::Provider) {
        if let Some((provider, part)) = provider::decode(context, address, section) {
            configuration.providers.insert(address.clone(), provider);
            parts.insert(address.clone(), part);
        }
    }
    for (address, section) in of(Kind::ServiceAccount) {
        if let Some(account) = service_account::decode(context, address, section) {
            configuration.service_accounts.insert(address.clone(), account);
        }
    }
    for (address, section) in of(Kind::FederationRule) {
        if let Some((rule, places)) = federation_rule::decode(context, address, section, &parts) {
            configuration.federation_rules.insert(address.clone(), rule);
            decoded.places.insert(address.clone(), places);
        }
    }
    for (address, section) in of(Kind::ApiKey) {
        if let Some(key) = api_key::decode(context, address, section) {
            configuration.api_keys.insert(address.clone(), key);
        }
    }
    decoded
}
