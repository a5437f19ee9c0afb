//! Rules that need more than one block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyless_state::{Address, ConsumerId};

use super::configuration::{Configuration, FederationRule, WorkspaceChoice, WorkspaceKey, WorkspaceRef};
use super::consumer_driver::ConsumerDriver;
use super::env_files::plain_path;
use super::input::KnownObjects;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// The workspace in which every service account is an implicit member.
const DEFAULT_WORKSPACE: &str = "Default";

/// Checks a configuration whose blocks are sound, each by itself.
pub(super) fn check(
    configuration: &Configuration,
    known: &KnownObjects,
    header: &dyn Fn(&Address) -> Option<Span>,
    found: &mut Diagnostics,
) {
    let check = Check { configuration, known, header };
    check.unique_names(found);
    check.unique_keys(found);
    check.env_files(found);
    for (address, rule) in &configuration.federation_rules {
        check.memberships(address, rule, found);
    }
}

struct Check<'c> {
    configuration: &'c Configuration,
    known: &'c KnownObjects,
    header: &'c dyn Fn(&Address) -> Option<Span>,
}

impl Check<'_> {
    fn labelled(&self, mut diagnostic: Diagnostic, places: &[(&Address, &str)]) -> Diagnostic {
        for (address, text) in places {
            if let Some(span) = (self.header)(address) {
                diagnostic = diagnostic.label(span, *text);
            }
        }
        diagnostic.address(places[0].0)
    }

    fn unique_names(&self, found: &mut Diagnostics) {
        let configuration = self.configuration;
        let issuers = configuration.providers.iter().map(|(address, item)| (address, &*item.name));
        let accounts = configuration.service_accounts.iter().map(|(address, item)| (address, &*item.name));
        let rules = configuration.federation_rules.iter().map(|(address, item)| (address, &*item.name));
        self.unique("federation issuers", issuers, found);
        self.unique("service accounts", accounts, found);
        self.unique("federation rules", rules, found);
    }

    fn unique<'n>(
        &self,
        what: &str,
        names: impl Iterator<Item = (&'n Address, &'n str)>,
        found: &mut Diagnostics,
    ) {
        let mut seen: BTreeMap<&str, &Address> = BTreeMap::new();
        for (address, name) in names {
            let Some(first) = seen.insert(name, address) else { continue };
            let diagnostic = Diagnostic::error("API name used twice")
                .detail(format!(
                    "{first} and {address} would both be called `{name}` at the API, where {what} have unique names."
                ))
                .hint("give one of them another `name = \"…\"`");
            found.push(self.labelled(diagnostic, &[(address, ""), (first, "also named so")]));
        }
    }

    fn unique_keys(&self, found: &mut Diagnostics) {
        let mut seen: BTreeMap<&str, &Address> = BTreeMap::new();
        for (address, key) in &self.configuration.api_keys {
            let Some(first) = seen.insert(&key.id, address) else { continue };
            let diagnostic = Diagnostic::error("Key declared twice")
                .detail(format!(
                    "{first} and {address} retire the same key `{}`. Two lanes would pull at one key, and each \
                     would know half of its consumers.",
                    key.id
                ))
                .hint("put all consumers of the key into one block");
            found.push(self.labelled(diagnostic, &[(address, ""), (first, "the same key")]));
        }
    }

    /// One variable of a file holds one key, and one file holds one set of federation settings.
    fn env_files(&self, found: &mut Diagnostics) {
        let mut variables: BTreeMap<(PathBuf, &str), (&Address, &ConsumerId)> = BTreeMap::new();
        let mut settings: BTreeMap<PathBuf, (&Address, &ConsumerId)> = BTreeMap::new();
        for (address, key) in &self.configuration.api_keys {
            for (id, consumer) in &key.consumers {
                let ConsumerDriver::Dotenv { path, variable, identity_token_file, .. } = &consumer.driver
                else {
                    continue;
                };
                let file = plain_path(path);
                if let Some(first) = variables.insert((file.clone(), variable), (address, id)) {
                    self.same_variable(
                        (address, id),
                        first,
                        &format!("{variable} of {}", file.display()),
                        found,
                    );
                } else if identity_token_file.is_some()
                    && let Some(first) = settings.insert(file.clone(), (address, id))
                {
                    self.same_settings((address, id), first, &file, found);
                }
            }
        }
    }

    fn same_variable(
        &self,
        (address, id): (&Address, &ConsumerId),
        (first, first_id): (&Address, &ConsumerId),
        what: &str,
        found: &mut Diagnostics,
    ) {
        let diagnostic = Diagnostic::error("Place declared twice")
            .detail(format!(
                "{id} of {address} and {first_id} of {first} are both {what}. One variable holds one key, and each of \
                 the two would undo what the other does."
            ))
            .hint("keep one of the two blocks");
        found.push(self.labelled(diagnostic, &[(address, ""), (first, "the same place")]));
    }

    fn same_settings(
        &self,
        (address, id): (&Address, &ConsumerId),
        (first, first_id): (&Address, &ConsumerId),
        file: &Path,
        found: &mut Diagnostics,
    ) {
        let diagnostic = Diagnostic::error("Federation settings twice in one file")
            .detail(format!(
                "{id} of {address} and {first_id} of {first} are both in {}, and keyless would write the federation \
                 settings of both there. A program that reads the file can have one set.",
                file.display()
            ))
            .hint("leave out `identity_token_file` in one of the two blocks, or give each program a file of its own");
        found.push(self.labelled(diagnostic, &[(address, ""), (first, "writes there, too")]));
    }

    /// A token works only where its account is a member, so a rule elsewhere can never succeed.
    fn memberships(&self, address: &Address, rule: &FederationRule, found: &mut Diagnostics) {
        let WorkspaceChoice::These(workspaces) = &rule.workspaces else { return };
        let Some(account) = self.configuration.service_accounts.get(&rule.service_account) else { return };
        let member_of: Vec<Place> =
            account.memberships.keys().map(|workspace| self.place(workspace)).collect();
        for workspace in workspaces {
            let place = self.place(workspace);
            if place == Place::Default || member_of.contains(&place) {
                continue;
            }
            // A name and an id may mean the same workspace; nobody knows before the lookup.
            if member_of.iter().any(|other| other.may_be(&place)) {
                continue;
            }
            let written = match workspace {
                WorkspaceRef::Data(data) => data.to_string(),
                WorkspaceRef::Id(id) => format!("\"{id}\""),
            };
            let diagnostic = Diagnostic::error("Rule outside of its account's workspaces")
                .detail(format!(
                    "{address} is enabled in {written}, but {} is no member there. Every exchange for that \
                     workspace would be refused.",
                    rule.service_account
                ))
                .hint(format!(
                    "add to {}: `membership {{ workspace = {written}, role = \"workspace_developer\" }}`, one \
                     argument a line",
                    rule.service_account
                ));
            let places = [(address, ""), (&rule.service_account, "no membership for it here")];
            found.push(self.labelled(diagnostic, &places));
        }
    }

    fn place(&self, workspace: &WorkspaceRef) -> Place {
        match workspace {
            WorkspaceRef::Id(id) => Place::Id(id.clone()),
            WorkspaceRef::Data(address) => {
                let known = self.known.get(address).and_then(|attributes| attributes.get("id")?.as_str());
                match (self.configuration.workspaces.get(address).map(|lookup| &lookup.by), known) {
                    (Some(WorkspaceKey::Name(name)), _) if name == DEFAULT_WORKSPACE => Place::Default,
                    (Some(WorkspaceKey::Id(id)), _) => Place::Id(id.clone()),
                    (_, Some(id)) => Place::Id(id.to_owned()),
                    (Some(WorkspaceKey::Name(name)), None) => Place::Name(name.clone()),
                    (None, None) => Place::Name(address.to_string()),
                }
            }
        }
    }
}

/// What is known of a workspace before it is looked up.
#[derive(PartialEq, Eq)]
enum Place {
    Default,
    Id(String),
    Name(String),
}

impl Place {
    fn may_be(&self, other: &Place) -> bool {
        matches!((self, other), (Place::Id(_), Place::Name(_)) | (Place::Name(_), Place::Id(_)))
    }
}
