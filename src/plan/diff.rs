//! Configuration against state against what was observed: changes, drift, and the work to do.
//!
//! The remote side is never assumed: a change is the difference to what was observed, drift is
//! the difference between what was recorded and what was observed.

mod account;
mod issuer;
mod lookup;
pub(super) mod name;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Kind, Record, State};

use super::attributes::Attributes;
use super::change::{Action, Change, Drift, Reason};
use super::console::ConsoleTask;
use super::guard::Kept;
use super::held::{Cause, HeldBack};
use super::operation::Operation;
use super::refused::Refused;
use super::undo::Undo;
use crate::config::{Configuration, WorkspaceRef};
use crate::diagnostic::Diagnostic;
use crate::resource::{Observed, Provenance, RuleObject};
use lookup::{hold_what_names_no_workspace, look_up_workspaces};
pub(super) use lookup::{names_no_workspace, workspaces};
use name::Names;

/// What has to be done, and what others did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// What is to be done with each declared or recorded thing.
    pub changes: Vec<Change>,
    /// What others did to recorded things.
    pub drift: Vec<Drift>,
    /// The operations with their undo, in an order that holds.
    pub work: Vec<(Operation, Undo)>,
    /// What each thing depends on.
    pub depends_on: BTreeMap<Address, Vec<Address>>,
    /// Why a thing is not yet as configured.
    pub unconfigured: BTreeMap<Address, String>,
    /// Ids of the looked-up workspaces.
    pub workspaces: BTreeMap<Address, String>,
    /// What stands in the way of any plan.
    pub problems: Vec<Diagnostic>,
    /// What the files ask for and is refused.
    pub refused: Vec<Refused>,
    /// What nothing is done with for that, each with the refused thing.
    pub tied: BTreeMap<Address, Address>,
    /// Recorded things that come to let in others, as somebody else or elsewhere.
    pub altered: BTreeSet<Address>,
    /// What was held back because only a person can do it.
    pub console: Vec<ConsoleTask>,
    /// What was held back because something at the API cannot be read, or was archived by somebody.
    pub held: BTreeMap<Address, HeldBack>,
    /// What stays until the workloads that live off it have moved.
    pub kept: Vec<Kept>,
    /// Recorded things of which an argument is asked to change that never can, with what would be done if it
    /// could and workloads may lose something by it.
    pub immutable: BTreeMap<Address, Option<Operation>>,
}

/// Compares the declared things that live at the API, keys apart.
pub fn diff(configuration: &Configuration, state: &State, observed: &Observed) -> Diff {
    let mut diff = Diff::default();
    look_up_workspaces(configuration, observed, &mut diff);
    hold_what_names_no_workspace(configuration, &mut diff);
    refuse_other_keys(configuration, state, &mut diff);
    super::held::hold_back(configuration, state, observed, &mut diff);
    let held: BTreeSet<Address> = diff.held.keys().chain(diff.tied.keys()).cloned().collect();
    let free = |address: &&Address| !held.contains(*address);
    let is_archived = |provenance: &Provenance| provenance.archived_at.is_some();
    let all_deposed = state.records.iter().filter(|(address, _)| address.is_deposed());
    let all_deposed: BTreeSet<&String> = all_deposed.map(|(_, record)| &record.id).collect();
    // Whether an archived object leaves its name is not known, and a deposed one keeps it.
    let is_taken = |id: &String, provenance: &Provenance| all_deposed.contains(id) || is_archived(provenance);
    let names = Names::new(
        observed.service_accounts.values().map(|o| (&o.arguments.name, is_taken(&o.id, &o.provenance))),
        configuration.service_accounts.values().map(|account| &account.name),
    );
    for (address, account) in configuration.service_accounts.iter().filter(|(address, _)| free(address)) {
        account::compare_account(address, account, &names, state, observed, &mut diff);
    }
    let names = Names::new(
        observed.issuers.values().map(|o| (&o.arguments.name, is_taken(&o.id, &o.provenance))),
        configuration.providers.values().map(|provider| &provider.name),
    );
    for (address, provider) in configuration.providers.iter().filter(|(address, _)| free(address)) {
        issuer::compare_issuer(address, provider, &names, state, observed, &mut diff);
    }
    // A rule that stands on what is archived is as good as archived.
    let is_dead = |o: &RuleObject| {
        let issuer = observed.issuers.get(&o.arguments.issuer_id).map(|it| &it.provenance);
        let account = observed.service_accounts.get(&o.arguments.service_account_id);
        let parts = issuer.into_iter().chain(account.map(|it| &it.provenance));
        parts.chain([&o.provenance]).any(is_archived)
    };
    let names = Names::new(
        observed.rules.values().map(|o| (&o.arguments.name, is_dead(o) || all_deposed.contains(&o.id))),
        configuration.federation_rules.values().map(|rule| &rule.name),
    );
    for (address, rule) in configuration.federation_rules.iter().filter(|(address, _)| free(address)) {
        rule::compare_rule(address, rule, &names, state, observed, &mut diff);
    }
    super::archive::undeclared(configuration, state, observed, &mut diff);
    diff
}

/// What was done for one key says nothing of another, and is needed to take it back.
fn refuse_other_keys(configuration: &Configuration, state: &State, diff: &mut Diff) {
    for (address, key) in &configuration.api_keys {
        let Some(lane) = state.lanes.get(address).filter(|lane| lane.key_id != key.id) else { continue };
        diff.problems.push(
            Diagnostic::error("Label of another key")
                .address(address)
                .detail(format!(
                    "{address} ({}) is about the key {}, and under that name the lane of {} is recorded.",
                    key.location, key.id, lane.key_id
                ))
                .hint("give the block of this key another label"),
        );
    }
}

impl Diff {
    pub(super) fn workspace_id(&self, reference: &WorkspaceRef) -> String {
        match reference {
            WorkspaceRef::Id(id) => id.clone(),
            WorkspaceRef::Data(address) => self.workspaces.get(address).cloned().unwrap_or_default(),
        }
    }

    /// The id of a thing that this very plan takes under care.
    fn adopted_id(&self, wanted: &Address) -> Option<String> {
        self.work.iter().find_map(|(operation, _)| match operation {
            Operation::Adopt { address, id, .. } if address == wanted => Some(id.clone()),
            _ => None,
        })
    }

    fn add(&mut self, operation: Operation, undo: Undo) {
        self.work.push((operation, undo));
    }

    fn change(
        &mut self,
        address: &Address,
        action: Action,
        before: Option<Attributes>,
        after: Attributes,
        unknown: Vec<String>,
    ) {
        let reason = match action {
            Action::NoOp => Reason::Equal,
            Action::Create if before.is_some() => Reason::Succeeds,
            Action::Create | Action::Adopt => Reason::Declared,
            _ => Reason::Changed,
        };
        if action != Action::NoOp {
            let doing = match action {
                Action::Create => "is not created yet",
                Action::Adopt => "is not taken under care yet",
                _ => "does not read back as configured",
            };
            self.unconfigured.insert(address.clone(), format!("{address}, which {doing}"));
        }
        if action == Action::Update && before.as_ref().is_some_and(|before| is_altered(before, &after)) {
            self.altered.insert(address.clone());
        }
        self.changes.push(Change {
            address: address.clone(),
            action,
            reason,
            before,
            after: Some(after),
            unknown,
        });
    }

    /// Notes what somebody else did to a recorded object; false when it cannot be worked with.
    fn note_drift(
        &mut self,
        address: &Address,
        record: &Record,
        now: Option<(&Attributes, &Provenance)>,
    ) -> bool {
        let (what, after, by, at) = match now {
            None => ("gone", None, None, None),
            Some((_, provenance)) if provenance.archived_at.is_some() => {
                ("archived", None, provenance.archived_by.clone(), provenance.archived_at)
            }
            Some((attributes, _)) if *attributes == record.attributes => return true,
            Some((attributes, provenance)) => {
                ("changed", Some(attributes.clone()), provenance.updated_by.clone(), provenance.updated_at)
            }
        };
        let lost = after.is_none();
        let before = record.attributes.clone();
        self.drift.push(Drift {
            address: address.clone(),
            what: what.to_owned(),
            before,
            after,
            by: by.clone(),
            at,
        });
        if lost {
            let by = by.map_or(String::new(), |by| format!(" by {by}"));
            let at = at.map_or(String::new(), |at| format!(" at {at}"));
            let why = format!("{address} ({}) is {what} at the API{by}{at}.", record.id);
            self.lose(address, None, why);
        }
        !lost
    }

    /// Does nothing with an object that somebody archived, or with what stands on it.
    fn lose(&mut self, address: &Address, stands_on: Option<Address>, why: String) {
        self.unconfigured.insert(address.clone(), format!("{address}, which somebody archived"));
        let held = HeldBack { address: address.clone(), cause: Cause::Archived, stands_on, why };
        self.held.insert(address.clone(), held);
    }

    /// Whether somebody archived this.
    fn is_lost(&self, address: &Address) -> bool {
        self.held.get(address).is_some_and(|held| held.cause == Cause::Archived)
    }

    fn immutable(&mut self, address: &Address, change: Option<Operation>, argument: &str, to: &str) {
        self.immutable.insert(address.clone(), change);
        self.refuse(Refused::new(
            address,
            "Immutable argument changed",
                format!(
                    "The API can never change {argument} of {address} to `{to}`, and a workload lives off it that cannot be moved to a successor: its block is gone, what it lives off is not known, or another change of the same block takes something from it of which no exchange can show that it does without, such as a scope or the audience."
                ),
                "leave it as it was, make one change at a time, or declare the block of that workload again; or declare a second one beside it, move the workloads to that, then remove the old block",
        ));
    }
}

/// The objects that a block had before, oldest first.
pub(super) fn deposed<'a>(
    address: &Address,
    state: &'a State,
) -> impl DoubleEndedIterator<Item = (&'a Address, &'a Record)> {
    state.records.range(address.deposed(1)..=address.deposed(u32::MAX))
}

/// Addresses for objects that blocks had before, each given once.
pub(super) struct Free<'a> {
    state: &'a State,
    given: BTreeSet<Address>,
}

impl<'a> Free<'a> {
    pub(super) fn new(state: &'a State) -> Free<'a> {
        Free { state, given: BTreeSet::new() }
    }

    /// One that nobody has.
    pub(super) fn deposed(&mut self, block: &Address) -> Address {
        let is_free = |at: &Address| !self.state.records.contains_key(at) && !self.given.contains(at);
        let mut numbers = (1..).map(|number| block.deposed(number));
        let free = numbers.find(is_free).expect("there are fewer objects than numbers");
        self.given.insert(free.clone());
        free
    }
}

/// What the object was that a new one succeeds.
fn predecessor(address: &Address, state: &State) -> Option<Attributes> {
    deposed(address, state).next_back().map(|(_, record)| record.attributes.clone())
}

fn taken(address: &Address, id: &str, differs: &[&str]) -> Refused {
    Refused::new(
        address,
        NAME_TAKEN,
        format!(
            "An object with this name exists at the API ({id}) and was not made by this configuration. It differs in {}, so it is not taken over silently.",
            differs.join(", ")
        ),
        "write the block as the object is, so that it can be taken under care, or choose another `name`",
    )
}

/// What is refused where an object of the same name is there.
const NAME_TAKEN: &str = "Name already taken";

/// Whether a change is more than one of what things are called.
fn is_altered(before: &Attributes, after: &Attributes) -> bool {
    differing(before, after).into_iter().any(|name| !["name", "description"].contains(&name))
}

/// Names of the attributes in which two maps differ.
fn differing<'a>(a: &'a Attributes, b: &'a Attributes) -> Vec<&'a str> {
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).collect()
}

/// Takes an object under care that is there. One object has one address.
fn adopt(
    address: &Address,
    id: &str,
    depends_on: Vec<Address>,
    attributes: Attributes,
    state: &State,
    diff: &mut Diff,
) {
    if let Some((other, _)) = state.records.iter().find(|(_, record)| record.id == id) {
        let name = attributes.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
        let why = format!("The name `{name}` is that of {other} ({id}), and names are unique.");
        diff.refuse(Refused::new(address, NAME_TAKEN, why, "choose another `name`"));
        return;
    }
    diff.change(address, Action::Adopt, Some(attributes.clone()), attributes, Vec::new());
    let operation = Operation::Adopt { address: address.clone(), id: id.to_owned(), depends_on };
    diff.add(operation, Undo::possible("forget it"));
}

/// The live object with this name.
fn live<'a, T>(
    objects: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> (&String, &Provenance),
    name: &str,
) -> Option<&'a T> {
    objects.into_iter().find(|object| {
        let (object_name, provenance) = key(object);
        object_name == name && provenance.archived_at.is_none()
    })
}

/// The kinds in the order in which they are archived: rules before what they refer to.
pub(super) fn archive_order(kind: Kind) -> u8 {
    match kind {
        Kind::ApiKey => 0,
        Kind::FederationRule => 1,
        Kind::Provider => 2,
        Kind::ServiceAccount => 3,
        Kind::Data => 4,
    }
}
