//! What depends on what among the declared things, and the order that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::Address;

use crate::config::{Configuration, WorkspaceChoice, WorkspaceRef};
use crate::topology;

/// The dependencies between the declared things of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    dependencies: BTreeMap<Address, BTreeSet<Address>>,
    dependents: BTreeMap<Address, BTreeSet<Address>>,
}

/// A cycle of dependencies: nothing in it could ever be made first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", spell(addresses))]
pub struct Cycle {
    /// The addresses, each depending on the next and the last on the first.
    pub addresses: Vec<Address>,
}

fn spell(addresses: &[Address]) -> String {
    let words: Vec<String> = addresses.iter().chain(addresses.first()).map(Address::to_string).collect();
    words.join(" -> ")
}

impl Graph {
    /// Reads the dependencies off a configuration: a rule needs its provider, its service account
    /// and its workspaces, an account its workspaces, a key the rules that replace it.
    pub fn of(configuration: &Configuration) -> Graph {
        let mut graph = Graph::default();
        let data = |workspace: &WorkspaceRef| match workspace {
            WorkspaceRef::Data(address) => Some(address.clone()),
            WorkspaceRef::Id(_) => None,
        };
        for address in configuration.workspaces.keys().chain(configuration.providers.keys()) {
            graph.add(address, []);
        }
        for (address, account) in &configuration.service_accounts {
            graph.add(address, account.memberships.keys().filter_map(data));
        }
        for (address, rule) in &configuration.federation_rules {
            graph.add(address, [rule.provider.clone(), rule.service_account.clone()]);
            if let WorkspaceChoice::These(workspaces) = &rule.workspaces {
                graph.add(address, workspaces.iter().filter_map(data));
            }
        }
        for (address, key) in &configuration.api_keys {
            graph.add(address, key.replaced_by.iter().cloned());
        }
        graph
    }

    /// Adds a node, or more dependencies of it. Dependencies become nodes as well.
    pub fn add(&mut self, address: &Address, needs: impl IntoIterator<Item = Address>) {
        self.dependencies.entry(address.clone()).or_default();
        for need in needs {
            self.dependencies.entry(need.clone()).or_default();
            self.dependents.entry(need.clone()).or_default().insert(address.clone());
            self.dependencies.entry(address.clone()).or_default().insert(need);
        }
    }

    /// All addresses, each after what it depends on; of those that are ready, the smallest first.
    ///
    /// # Errors
    /// The first cycle, if there is one.
    pub fn order(&self) -> Result<Vec<Address>, Cycle> {
        let ordered = topology::order(&self.dependencies);
        match ordered.cycles.into_iter().next() {
            Some(addresses) => Err(Cycle { addresses }),
            None => Ok(ordered.sorted),
        }
    }

    /// What an address depends on directly.
    pub fn dependencies(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.dependencies.get(address).into_iter().flatten()
    }

    /// What depends on an address directly.
    pub fn dependents(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.dependents.get(address).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            graph.add(&address(from), to.iter().map(|text| address(text)));
        }
        graph
    }

    #[test]
    fn the_order_follows_the_dependencies() {
        let graph = graph(&[
            ("api_key.k", &["federation_rule.r"]),
            ("federation_rule.r", &["provider.oidc.p", "service_account.s"]),
            ("service_account.s", &["data.workspace.w"]),
        ]);
        let order: Vec<String> = graph.order().expect("no cycle").iter().map(Address::to_string).collect();
        assert_eq!(
            order,
            ["provider.oidc.p", "data.workspace.w", "service_account.s", "federation_rule.r", "api_key.k"]
        );
        let of = |list: Vec<&Address>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let rule = address("federation_rule.r");
        assert_eq!(of(graph.dependents(&rule).collect()), ["api_key.k"]);
        assert_eq!(of(graph.dependencies(&rule).collect()), ["provider.oidc.p", "service_account.s"]);
    }

    #[test]
    fn a_cycle_is_spelled_out() {
        let graph = graph(&[
            ("federation_rule.a", &["federation_rule.b"]),
            ("federation_rule.b", &["federation_rule.a"]),
        ]);
        let cycle = graph.order().expect_err("a cycle");
        assert_eq!(cycle.to_string(), "federation_rule.a -> federation_rule.b -> federation_rule.a");
    }
}
