//! Functions of sets.

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, seen};
use crate::config::value::Value;
use crate::limits;

pub(super) const TABLE: &[Function] = &[
    seen("toset", 1, 1, toset),
    seen("setunion", 1, ANY, setunion),
    seen("setintersection", 1, ANY, |a| filtered(a, |found, of| found == of)),
    seen("setsubtract", 2, 2, |a| filtered(a, |found, _| found == 1)),
    seen("setproduct", 1, ANY, setproduct),
];

fn toset(arguments: Arguments<'_>) -> Answer {
    if arguments.value(0).is_null() {
        return Ok(Value::null());
    }
    Ok(Value::set(arguments.items(0)?.to_vec()))
}

fn setunion(arguments: Arguments<'_>) -> Answer {
    let mut all = Vec::new();
    for at in 0..arguments.count() {
        all.extend_from_slice(arguments.items(at)?);
    }
    Ok(Value::set(all))
}

/// The elements of the first set that stand in the right number of all sets.
fn filtered(arguments: Arguments<'_>, keep: fn(usize, usize) -> bool) -> Answer {
    let mut sets = Vec::new();
    for at in 0..arguments.count() {
        let mut items = arguments.items(at)?.to_vec();
        items.sort_by(|a, b| a.compare(b));
        sets.push(items);
    }
    let holds = |set: &Vec<Value>, item: &Value| set.binary_search_by(|found| found.compare(item)).is_ok();
    let kept = arguments.items(0)?.iter().filter(|item| {
        let found = sets.iter().filter(|set| holds(set, item)).count();
        keep(found, sets.len())
    });
    Ok(Value::set(kept.cloned().collect()))
}

fn setproduct(arguments: Arguments<'_>) -> Answer {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut ordered = false;
    for at in 0..arguments.count() {
        let items = arguments.items(at)?;
        if (rows.len() as u64).saturating_mul(items.len() as u64) > limits::VALUE_WEIGHT_MAX / 16 {
            return Err(FunctionFault::whole("The result would be too large."));
        }
        ordered |= matches!(arguments.value(at).data(), crate::config::value::Data::List(_));
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::list).collect();
    Ok(if ordered { Value::list(rows) } else { Value::set(rows) })
}
