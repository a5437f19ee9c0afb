//! Conversions and marks.

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, Inner, moved, seen};
use crate::config::convert;
use crate::config::value::{Data, Value};

pub(super) const TABLE: &[Function] = &[
    seen("tostring", 1, 1, |a| convert::to_text(&a.value(0)).map_err(|detail| FunctionFault::at(0, detail))),
    seen("tonumber", 1, 1, |a| {
        convert::to_number(&a.value(0)).map_err(|detail| FunctionFault::at(0, detail))
    }),
    seen("tobool", 1, 1, |a| convert::to_bool(&a.value(0)).map_err(|detail| FunctionFault::at(0, detail))),
    moved("tolist", 1, 1, tolist),
    moved("tomap", 1, 1, tomap),
    moved("type", 1, 1, |a| Ok(Value::text(type_name(&a.value(0))))),
    Function {
        name: "sensitive",
        least: 1,
        most: 1,
        inner: Inner::Own,
        run: |a| Ok(a.value(0).marked(true)),
    },
    Function {
        name: "nonsensitive",
        least: 1,
        most: 1,
        inner: Inner::Own,
        run: |a| Ok(a.value(0).unmarked()),
    },
    Function {
        name: "issensitive",
        least: 1,
        most: 1,
        inner: Inner::Own,
        run: |a| Ok(Value::bool(a.value(0).is_sensitive())),
    },
    seen("alltrue", 1, 1, |a| truths(a).map(|all| Value::bool(all.into_iter().all(|truth| truth)))),
    seen("anytrue", 1, 1, |a| truths(a).map(|all| Value::bool(all.into_iter().any(|truth| truth)))),
    moved("coalesce", 1, ANY, coalesce),
    moved("coalescelist", 1, ANY, coalescelist),
];

fn tolist(arguments: Arguments<'_>) -> Answer {
    if arguments.value(0).is_null() {
        return Ok(Value::null());
    }
    Ok(Value::list(arguments.items(0)?.to_vec()))
}

fn tomap(arguments: Arguments<'_>) -> Answer {
    if arguments.value(0).is_null() {
        return Ok(Value::null());
    }
    Ok(Value::object(arguments.entries(0)?.clone()))
}

fn truths(arguments: Arguments<'_>) -> Result<Vec<bool>, FunctionFault> {
    let one = |item: &Value| match convert::to_bool(item).map(|value| value.data().clone()) {
        Ok(Data::Bool(truth)) => Ok(truth),
        _ => Err(FunctionFault::at(0, convert::expected("a list of bools", item))),
    };
    arguments.items(0)?.iter().map(one).collect()
}

fn coalesce(arguments: Arguments<'_>) -> Answer {
    let counts = |value: &&Value| !value.is_null() && value.as_text() != Some("");
    arguments
        .values
        .iter()
        .find(counts)
        .cloned()
        .ok_or_else(|| FunctionFault::whole("All arguments are null or empty strings."))
}

fn coalescelist(arguments: Arguments<'_>) -> Answer {
    for at in 0..arguments.count() {
        if !arguments.value(at).is_null() && !arguments.items(at)?.is_empty() {
            return Ok(arguments.value(at));
        }
    }
    Err(FunctionFault::whole("All lists are empty."))
}

fn type_name(value: &Value) -> String {
    let all = |items: &[Value]| {
        let names: Vec<String> = items.iter().map(type_name).collect();
        format!("tuple([{}])", names.join(", "))
    };
    let object = |entries: &BTreeMap<String, Value>| {
        let names: Vec<String> =
            entries.iter().map(|(key, item)| format!("{key}: {}", type_name(item))).collect();
        format!("object({{{}}})", names.join(", "))
    };
    match value.data() {
        Data::Null | Data::Unknown => "any".to_owned(),
        Data::Bool(_) => "bool".to_owned(),
        Data::Number(_) => "number".to_owned(),
        Data::Text(_) => "string".to_owned(),
        Data::List(items) => all(items),
        Data::Set(items) => format!("set({})", items.first().map_or("any".to_owned(), type_name)),
        Data::Object(entries) => object(entries),
        Data::Reference(reference) => object(&reference.attributes),
    }
}
