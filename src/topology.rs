//! Dependencies to an order, or the cycles spelled out.
//!
//! The order is a function of the input alone: among nodes that are ready, the smallest goes first.

use std::collections::{BTreeMap, BTreeSet};

/// The outcome of [`order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<Node> {
    /// Each node after all it depends on. Nodes that lie on a cycle are left out.
    pub sorted: Vec<Node>,
    /// Each cycle once, from one of its nodes along its dependencies; the first node is not repeated.
    pub cycles: Vec<Vec<Node>>,
}

/// Sorts nodes so that each comes after what it depends on (Kahn). Dependencies that are no nodes
/// are ignored.
pub fn order<Node: Ord + Clone>(dependencies: &BTreeMap<Node, BTreeSet<Node>>) -> Ordered<Node> {
    let mut work = Work::new(dependencies);
    let mut ordered = Ordered { sorted: Vec::with_capacity(dependencies.len()), cycles: Vec::new() };
    loop {
        while let Some(node) = work.ready.pop_first() {
            work.finish(node);
            ordered.sorted.push(node.clone());
        }
        let Some(cycle) = work.cycle() else { return ordered };
        for node in &cycle {
            work.ready.remove(*node);
            work.finish(node);
        }
        ordered.cycles.push(cycle.into_iter().cloned().collect());
    }
}

struct Work<'a, Node> {
    dependencies: &'a BTreeMap<Node, BTreeSet<Node>>,
    dependents: BTreeMap<&'a Node, Vec<&'a Node>>,
    /// How many dependencies of an unfinished node are unfinished.
    open: BTreeMap<&'a Node, usize>,
    ready: BTreeSet<&'a Node>,
}

impl<'a, Node: Ord> Work<'a, Node> {
    fn new(dependencies: &'a BTreeMap<Node, BTreeSet<Node>>) -> Work<'a, Node> {
        let mut dependents: BTreeMap<&Node, Vec<&Node>> = BTreeMap::new();
        let mut open = BTreeMap::new();
        for (node, needs) in dependencies {
            let needs = needs.iter().filter(|need| dependencies.contains_key(need));
            let mut count = 0;
            for need in needs {
                dependents.entry(need).or_default().push(node);
                count += 1;
            }
            open.insert(node, count);
        }
        let ready = open.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
        Work { dependencies, dependents, open, ready }
    }

    fn finish(&mut self, node: &Node) {
        if self.open.remove(node).is_none() {
            return;
        }
        for dependent in self.dependents.get(node).into_iter().flatten() {
            if let Some(count) = self.open.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    self.ready.insert(dependent);
                }
            }
        }
    }

    /// A cycle among the unfinished nodes: each of them waits for another one, so a walk must
    /// come back to a node it has seen.
    fn cycle(&self) -> Option<Vec<&'a Node>> {
        let mut node = *self.open.keys().next()?;
        let mut path: Vec<&Node> = Vec::new();
        let mut seen: BTreeMap<&Node, usize> = BTreeMap::new();
        loop {
            if let Some(start) = seen.get(node) {
                return Some(path.split_off(*start));
            }
            seen.insert(node, path.len());
            path.push(node);
            node = self.dependencies[node].iter().find(|need| self.open.contains_key(need))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(&str, &str)], sorted: &str, cycles: &[&str]) {
        let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (node, needs) in edges {
            dependencies.insert((*node).to_owned(), needs.split_whitespace().map(str::to_owned).collect());
        }
        let ordered = order(&dependencies);
        assert_eq!(ordered.sorted.join(" "), sorted, "order of {edges:?}");
        let found: Vec<String> = ordered.cycles.iter().map(|cycle| cycle.join(" ")).collect();
        assert_eq!(found, cycles, "cycles of {edges:?}");
    }

    #[test]
    fn nodes_come_after_what_they_need() {
        check(&[], "", &[]);
        check(&[("b", ""), ("a", "")], "a b", &[]);
        check(&[("a", "c"), ("b", ""), ("c", "b")], "b c a", &[]);
        check(&[("a", "elsewhere"), ("b", "a")], "a b", &[]);
    }

    #[test]
    fn cycles_are_spelled_out_and_the_rest_is_sorted() {
        check(&[("a", "a")], "", &["a"]);
        check(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "")], "e d", &["a b c"]);
        check(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")], "", &["a b", "c d"]);
        check(&[("a", "b"), ("b", "c"), ("c", "b")], "a", &["b c"]);
    }

    #[test]
    fn a_long_chain_does_not_recurse() {
        let node = |n: u32| format!("{n:06}");
        let chain = (0..100_000).map(|n| (node(n), BTreeSet::from([node(n + 1)]))).collect();
        let ordered = order(&chain);
        assert_eq!(ordered.sorted.len(), 100_000);
        assert_eq!(ordered.sorted[0], node(99_999));
    }
}
