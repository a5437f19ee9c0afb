//! Which attributes a plan rests on: those that what changes mentions, also by way of values with names.

use std::collections::{BTreeMap, HashSet};

use keyless_state::Address;
use serde_json::{Value, json};

use crate::config::{Written, WrittenBlock, WrittenExpression};
use crate::plan::{Action, Plan};

/// All of them, each once.
pub(super) fn attributes(plan: &Plan, written: &Written) -> Vec<Value> {
    let mut walk = Walk { written, seen: HashSet::new(), found: BTreeMap::new() };
    for change in plan.changes.iter().filter(|change| change.action != Action::NoOp) {
        if let Some(block) = written.objects.get(&change.address) {
            walk.block(block);
        }
    }
    for (name, _) in plan.outputs.iter().filter(|(_, change)| change.action != Action::NoOp) {
        if let Some(output) = written.outputs.get(name) {
            walk.expression(&output.expression);
        }
    }
    walk.found.into_values().collect()
}

struct Walk<'w> {
    written: &'w Written,
    /// Names of locals that were gone through.
    seen: HashSet<&'w str>,
    /// By their text, so that they are in order and there once.
    found: BTreeMap<String, Value>,
}

impl<'w> Walk<'w> {
    fn block(&mut self, block: &'w WrittenBlock) {
        block.arguments.values().for_each(|argument| self.expression(argument));
        block.blocks.values().flatten().for_each(|inner| self.block(inner));
    }

    fn expression(&mut self, expression: &'w WrittenExpression) {
        let mut open = vec![expression];
        while let Some(WrittenExpression::Mentions(mentions)) = open.pop() {
            for mention in mentions {
                if let Some(local) = mention.name.strip_prefix("local.") {
                    let behind = self.written.locals.get(local).filter(|_| self.seen.insert(local));
                    open.extend(behind);
                } else if mention.name.parse::<Address>().is_ok() {
                    let attribute = json!({ "resource": mention.name, "attribute": mention.steps });
                    self.found.insert(attribute.to_string(), attribute);
                }
            }
        }
    }
}
