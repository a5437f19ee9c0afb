//! Renamed blocks: which recorded object belongs to which address.
//!
//! One object at the API has one address. A block that is called otherwise by now, and still means the
//! same object, takes the record over with all that is known of it; the object is neither archived nor
//! made again. Pure.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Binding, ConsumerRenames, Kind, Record, Renames, State};

use super::attributes::{self, Attributes};
use super::declared::{account_arguments, issuer_arguments, memberships, rule_arguments};
use super::diff;
use super::diff::name::is_numbered;
use crate::config::{Configuration, FederationRule, Provider, ServiceAccount, WorkspaceRef};
use crate::resource::{Observed, Provenance};

/// New addresses by old ones, of all records and lanes that the configuration knows by another name.
///
/// Keys are told by their id. Other objects are told by their name at the API; without that, by a
/// record that is equal in all but the name, where there is exactly one. No record loses its address
/// to another one.
pub fn moves(configuration: &Configuration, state: &State, observed: &Observed) -> Renames {
    let mut all = keys(configuration, state);
    let mut moved = state.renamed(&all);
    let workspaces = diff::workspaces(configuration, observed);
    // A rule is equal to what it was when its issuer and its account are those it had.
    for kind in [Kind::ServiceAccount, Kind::Provider, Kind::FederationRule] {
        let blocks = blocks(kind, configuration, &moved, &workspaces);
        let mut found = by_name(kind, &blocks, &moved, observed);
        found.extend(by_content(kind, &blocks, &found, &moved, observed));
        found.extend(with_their_blocks(&found, &moved));
        moved = moved.renamed(&found);
        all.extend(found);
    }
    all
}

/// A checkpoint's state with the addresses of today: objects are told by their ids.
pub fn follow(then: &State, now: &State) -> State {
    let mut renames = Renames::new();
    let today: BTreeMap<&String, &Address> =
        now.records.iter().map(|(address, record)| (&record.id, address)).collect();
    for (address, record) in &then.records {
        renames.extend(today.get(&record.id).map(|today| (address.clone(), (*today).clone())));
    }
    let today: BTreeMap<&String, &Address> =
        now.lanes.iter().map(|(address, lane)| (&lane.key_id, address)).collect();
    for (address, lane) in &then.lanes {
        renames.extend(today.get(&lane.key_id).map(|today| (address.clone(), (*today).clone())));
    }
    renames.retain(|from, to| from != to);
    let taken: BTreeSet<Address> = then.records.keys().chain(then.lanes.keys()).cloned().collect();
    settle(&mut renames, |address| taken.contains(address));
    let then = then.renamed(&renames);
    let mut consumers = ConsumerRenames::new();
    // Our lines in a place bear the same as long as they are there.
    let bearing: BTreeMap<(&str, &str), &Binding> =
        now.bindings.values().map(|it| ((it.key_id.as_str(), it.marker.as_str()), it)).collect();
    for was in then.bindings.values() {
        let is = bearing.get(&(was.key_id.as_str(), was.marker.as_str()));
        if let Some(is) = is.filter(|it| it.consumer != was.consumer) {
            consumers.insert((was.lane.clone(), was.consumer.clone()), is.consumer.clone());
        }
    }
    then.consumers_renamed(&consumers)
}

/// The address that a lane of a checkpoint has today: it is told by its key, or, where nothing was
/// recorded of it then, by what its lines in the consumers bear.
pub fn lane_today(lane: &Address, then: &State, now: &State) -> Address {
    let bears = |binding: &&Binding| {
        binding.marker.strip_prefix(&format!("{lane}/")).is_some_and(|rest| !rest.contains('/'))
    };
    let key = then.lanes.get(lane).map(|recorded| &recorded.key_id);
    let key = key.or_else(|| now.bindings.values().find(bears).map(|binding| &binding.key_id));
    let found = now.lanes.iter().find(|(_, recorded)| Some(&recorded.key_id) == key);
    found.map_or_else(|| lane.clone(), |(address, _)| address.clone())
}

fn keys(configuration: &Configuration, state: &State) -> Renames {
    let mut found = Renames::new();
    let declared: BTreeMap<&String, &Address> =
        configuration.api_keys.iter().map(|(address, key)| (&key.id, address)).collect();
    for (from, lane) in &state.lanes {
        let stays = configuration.api_keys.get(from).is_some_and(|key| key.id == lane.key_id);
        if let (false, Some(to)) = (stays, declared.get(&lane.key_id)) {
            found.insert(from.clone(), (*to).clone());
        }
    }
    settle(&mut found, |address| state.lanes.contains_key(address));
    found
}

/// Leaves only moves to addresses that are free, or become free by a move, one to each.
fn settle(moves: &mut Renames, is_taken: impl Fn(&Address) -> bool) {
    let mut wanted: BTreeMap<Address, usize> = BTreeMap::new();
    moves.values().for_each(|to| *wanted.entry(to.clone()).or_default() += 1);
    moves.retain(|_, to| wanted[to] == 1);
    loop {
        let leaving: BTreeSet<Address> = moves.keys().cloned().collect();
        let before = moves.len();
        moves.retain(|_, to| !is_taken(to) || leaving.contains(to));
        if moves.len() == before {
            return;
        }
    }
}

/// A declared block of a kind.
struct Block {
    name: String,
    /// Whether the name is given, or an object that is there keeps its own.
    is_named: bool,
    /// What the object is to be.
    attributes: Attributes,
}

fn blocks<'a>(
    kind: Kind,
    configuration: &'a Configuration,
    state: &State,
    workspaces: &BTreeMap<Address, String>,
) -> BTreeMap<&'a Address, Block> {
    let id =
        |address: &Address| state.records.get(address).map(|record| record.id.clone()).unwrap_or_default();
    let workspace_id = |reference: &WorkspaceRef| match reference {
        WorkspaceRef::Id(id) => id.clone(),
        WorkspaceRef::Data(address) => workspaces.get(address).cloned().unwrap_or_default(),
    };
    match kind {
        Kind::Provider => {
            let block = |(address, provider): (&'a Address, &Provider)| {
                let arguments = issuer_arguments(provider);
                let attributes = attributes::issuer(&arguments);
                (address, Block { name: arguments.name, is_named: true, attributes })
            };
            configuration.providers.iter().map(block).collect()
        }
        Kind::ServiceAccount => {
            let block = |(address, account): (&'a Address, &ServiceAccount)| {
                let arguments = account_arguments(account);
                let attributes = attributes::service_account(&arguments, &memberships(account, workspace_id));
                (address, Block { name: arguments.name, is_named: account.is_named, attributes })
            };
            configuration.service_accounts.iter().map(block).collect()
        }
        Kind::FederationRule => {
            let block = |(address, rule): (&'a Address, &FederationRule)| {
                let arguments = rule_arguments(rule, id, workspace_id);
                let attributes = attributes::rule(&arguments);
                (address, Block { name: arguments.name, is_named: true, attributes })
            };
            configuration.federation_rules.iter().map(block).collect()
        }
        Kind::ApiKey | Kind::Data => BTreeMap::new(),
    }
}

/// The name that a recorded object has at the API now; none where it is archived or cannot be read.
fn live_name<'a>(kind: Kind, record: &Record, observed: &'a Observed) -> Option<&'a String> {
    let (name, provenance) = match kind {
        Kind::Provider => observed.issuers.get(&record.id).map(|o| (&o.arguments.name, &o.provenance))?,
        Kind::ServiceAccount => {
            observed.service_accounts.get(&record.id).map(|o| (&o.arguments.name, &o.provenance))?
        }
        Kind::FederationRule => observed.rules.get(&record.id).map(|o| (&o.arguments.name, &o.provenance))?,
        Kind::ApiKey | Kind::Data => return None,
    };
    provenance.archived_at.is_none().then_some(name)
}

/// Names of the live objects of a kind, which may be taken under care.
fn live_names(kind: Kind, observed: &Observed) -> BTreeSet<&String> {
    fn live<'a>(all: impl Iterator<Item = (&'a String, &'a Provenance)>) -> BTreeSet<&'a String> {
        all.filter(|(_, provenance)| provenance.archived_at.is_none()).map(|(name, _)| name).collect()
    }
    match kind {
        Kind::Provider => live(observed.issuers.values().map(|o| (&o.arguments.name, &o.provenance))),
        Kind::ServiceAccount => {
            live(observed.service_accounts.values().map(|o| (&o.arguments.name, &o.provenance)))
        }
        Kind::FederationRule => live(observed.rules.values().map(|o| (&o.arguments.name, &o.provenance))),
        Kind::ApiKey | Kind::Data => BTreeSet::new(),
    }
}

/// What blocks had before goes where they go.
fn with_their_blocks(moves: &Renames, state: &State) -> Renames {
    let mut free = diff::Free::new(state);
    let of = |(from, to): (&Address, &Address)| {
        let deposed = diff::deposed(from, state).map(|(deposed, _)| deposed.clone()).collect::<Vec<_>>();
        deposed.into_iter().map(|deposed| (deposed, free.deposed(to))).collect::<Vec<_>>()
    };
    moves.iter().flat_map(of).collect()
}

/// What is recorded of a kind. A deposed object goes back to its block by `successions` alone.
fn records(kind: Kind, state: &State) -> impl Iterator<Item = (&Address, &Record)> {
    state.records.iter().filter(move |(address, _)| address.kind() == kind && !address.is_deposed())
}

fn by_name(kind: Kind, blocks: &BTreeMap<&Address, Block>, state: &State, observed: &Observed) -> Renames {
    let mut found = Renames::new();
    let wanted: BTreeMap<&String, &Address> = blocks.iter().map(|(to, block)| (&block.name, *to)).collect();
    for (from, record) in records(kind, state) {
        let Some(name) = live_name(kind, record, observed) else { continue };
        // A block that does not give the name keeps the object that it has.
        let keeps = |address: &Address| {
            state.records.contains_key(address) && blocks.get(address).is_some_and(|block| !block.is_named)
        };
        let is_own = |block: &Block| block.name == *name || is_numbered(name, &block.name);
        let claims_own = blocks.get(from).is_some_and(is_own) || keeps(from);
        if let Some(to) = wanted.get(name).filter(|to| !claims_own && !keeps(to)) {
            found.insert(from.clone(), (*to).clone());
        }
    }
    settle(&mut found, |address| state.records.contains_key(address));
    found
}

fn by_content(
    kind: Kind,
    blocks: &BTreeMap<&Address, Block>,
    named: &Renames,
    state: &State,
    observed: &Observed,
) -> Renames {
    let taken: BTreeSet<&Address> = named.values().collect();
    let there = live_names(kind, observed);
    let is_new = |address: &Address, block: &Block| {
        // The API never changes the name of an account, so that one with another name is another one.
        let fits = kind != Kind::ServiceAccount || !block.is_named;
        fits && !state.records.contains_key(address)
            && !taken.contains(address)
            && !there.contains(&block.name)
    };
    let is_left = |address: &Address| !blocks.contains_key(address) && !named.contains_key(address);
    let content = |attributes: &Attributes| {
        let mut attributes = attributes.clone();
        attributes.remove("name");
        serde_json::Value::Object(attributes).to_string()
    };
    let mut pairs: BTreeMap<String, (Vec<&Address>, Vec<&Address>)> = BTreeMap::new();
    for (address, record) in records(kind, state) {
        if is_left(address) && live_name(kind, record, observed).is_some() {
            pairs.entry(content(&record.attributes)).or_default().0.push(address);
        }
    }
    for (address, block) in blocks.iter().filter(|(address, block)| is_new(address, block)) {
        pairs.entry(content(&block.attributes)).or_default().1.push(address);
    }
    let unique = pairs.into_values().filter_map(|(from, to)| match (&from[..], &to[..]) {
        ([from], [to]) => Some(((*from).clone(), (*to).clone())),
        _ => None,
    });
    unique.collect()
}

#[cfg(test)]
mod tests;
