//! `for` expressions. Objects are gone through in the order of their keys.

use std::collections::BTreeMap;

use super::{Fault, Frame, Outcome, Scope, check_weight, key_text};
use crate::config::convert;
use crate::config::syntax::{For, Names};
use crate::config::value::{Data, Value};
use crate::diagnostic::Span;

impl Scope<'_> {
    pub(super) fn comprehension(&self, parts: &For, frame: Option<&Frame<'_>>) -> Outcome {
        let source = self.expression(&parts.collection, frame)?;
        if source.is_unknown() {
            return Ok(source);
        }
        let mut results = Results::default();
        self.each(&source, &parts.names, parts.collection.span, frame, &mut |frame| {
            self.one(parts, &mut results, frame)?;
            check_weight(results.weight, parts.value.span)
        })?;
        let sensitive = source.is_sensitive() || results.sensitive;
        let value = if results.unknown {
            Value::unknown()
        } else if parts.key.is_none() {
            Value::list(results.list)
        } else if parts.grouped {
            Value::object(results.groups.into_iter().map(|(key, items)| (key, Value::list(items))).collect())
        } else {
            Value::object(results.object)
        };
        Ok(value.marked(sensitive))
    }

    fn one(&self, parts: &For, results: &mut Results, frame: &Frame<'_>) -> Result<(), Fault> {
        if let Some(condition) = &parts.condition {
            let truth = self.truth(condition, Some(frame))?;
            results.sensitive |= truth.is_sensitive();
            match truth.data() {
                Data::Bool(true) => {}
                Data::Bool(false) => return Ok(()),
                _ => {
                    results.unknown = true;
                    return Ok(());
                }
            }
        }
        let Some(key) = &parts.key else {
            let value = self.expression(&parts.value, Some(frame))?;
            results.weight += value.weight();
            results.list.push(value);
            return Ok(());
        };
        let name = self.expression(key, Some(frame))?;
        results.sensitive |= name.is_sensitive();
        let value = self.expression(&parts.value, Some(frame))?;
        results.weight += value.weight();
        if name.is_unknown() {
            results.unknown = true;
            return Ok(());
        }
        let name = key_text(&name, key.span)?;
        if parts.grouped {
            results.groups.entry(name).or_default().push(value);
        } else if results.object.insert(name, value).is_some() {
            let detail = "Two elements give the same key, and only one of them could count.";
            return Err(Fault::new("Duplicate key", detail, key.span)
                .with_hint("group the values with `...` behind the value, or make the keys differ"));
        }
        Ok(())
    }

    /// Calls `body` for each element of a known collection.
    pub(super) fn each(
        &self,
        source: &Value,
        names: &Names,
        span: Span,
        outer: Option<&Frame<'_>>,
        body: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        // What is taken out of a sensitive collection is sensitive for the body too, whose messages show values.
        let sensitive = source.is_sensitive();
        let mut call = |key: Value, value: &Value| {
            let key = names.key.as_deref().map(|name| (name, key.marked(sensitive)));
            body(&Frame { outer, key, value: (&names.value, value.clone().marked(sensitive)) })
        };
        match source.data() {
            Data::List(items) => {
                items.iter().enumerate().try_for_each(|(at, item)| call(Value::count(at), item))
            }
            Data::Set(items) => items.iter().try_for_each(|item| call(item.clone(), item)),
            _ => match source.as_entries() {
                Some(entries) => {
                    entries.iter().try_for_each(|(key, item)| call(Value::text(key.as_str()), item))
                }
                None => {
                    let detail = convert::expected("a list, a set or an object", source);
                    Err(Fault::new("Invalid collection", detail, span))
                }
            },
        }
    }
}

#[derive(Default)]
struct Results {
    list: Vec<Value>,
    object: BTreeMap<String, Value>,
    groups: BTreeMap<String, Vec<Value>>,
    /// Checked while the results grow, not only once all are there.
    weight: u64,
    sensitive: bool,
    unknown: bool,
}
