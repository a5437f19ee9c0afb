//! Functions of objects, and of collections of any kind.

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, moved};
use crate::config::convert;
use crate::config::letters::letters;
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[
    moved("length", 1, 1, length),
    moved("keys", 1, 1, |a| {
        Ok(Value::list(a.entries(0)?.keys().map(|key| Value::text(key.as_str())).collect()))
    }),
    moved("values", 1, 1, |a| Ok(Value::list(a.entries(0)?.values().cloned().collect()))),
    moved("lookup", 2, 3, lookup),
    moved("merge", 0, ANY, merge),
    moved("zipmap", 2, 2, zipmap),
];

fn length(arguments: Arguments<'_>) -> Answer {
    let value = arguments.value(0);
    if let Some(text) = value.as_text() {
        return Ok(Value::count(letters(text).count()));
    }
    let count = value.as_items().map(<[Value]>::len).or_else(|| value.as_entries().map(BTreeMap::len));
    match count {
        Some(count) => Ok(Value::count(count)),
        None => Err(FunctionFault::at(0, convert::expected("a string, a list or an object", &value))),
    }
}

fn lookup(arguments: Arguments<'_>) -> Answer {
    let (entries, key) = (arguments.entries(0)?, arguments.text(1)?);
    match entries.get(&*key) {
        Some(value) => Ok(value.clone()),
        None if arguments.count() == 3 => Ok(arguments.value(2)),
        None => Err(FunctionFault::at(1, "The object has no such key, and no default is given.")),
    }
}

fn merge(arguments: Arguments<'_>) -> Answer {
    let mut all = BTreeMap::new();
    for at in 0..arguments.count() {
        if !arguments.value(at).is_null() {
            all.extend(arguments.entries(at)?.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    Ok(Value::object(all))
}

fn zipmap(arguments: Arguments<'_>) -> Answer {
    let (keys, values) = (arguments.texts(0)?, arguments.items(1)?);
    if keys.len() != values.len() {
        let detail = format!("There are {} keys and {} values.", keys.len(), values.len());
        return Err(FunctionFault::at(1, detail));
    }
    // A name in an object has no mark of its own.
    let sensitive = arguments.value(0).has_secrets();
    let entries = keys.iter().map(|key| key.to_string()).zip(values.iter().cloned());
    Ok(Value::object(entries.collect()).marked(sensitive))
}
