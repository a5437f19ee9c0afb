//! Functions of lists.

use std::cmp::Ordering;

use super::arguments::Arguments;
use super::{ANY, Answer, Function, FunctionFault, moved, seen};
use crate::config::number::Number;
use crate::config::value::{Data, Value};
use crate::limits;

pub(super) const TABLE: &[Function] = &[
    moved("concat", 1, ANY, concat),
    seen("contains", 2, 2, contains),
    seen("index", 2, 2, index),
    seen("distinct", 1, 1, distinct),
    moved("element", 2, 2, element),
    moved("flatten", 1, 1, flatten),
    moved("reverse", 1, 1, reverse),
    moved("slice", 3, 3, slice),
    moved("chunklist", 2, 2, chunklist),
    seen("sort", 1, 1, sort),
    seen("compact", 1, 1, compact),
    moved("one", 1, 1, one),
    seen("sum", 1, 1, sum),
    seen("range", 1, 3, range),
];

fn concat(arguments: Arguments<'_>) -> Answer {
    let mut all = Vec::new();
    for at in 0..arguments.count() {
        all.extend_from_slice(arguments.items(at)?);
    }
    Ok(Value::list(all))
}

fn contains(arguments: Arguments<'_>) -> Answer {
    let wanted = arguments.value(1);
    Ok(Value::bool(arguments.items(0)?.iter().any(|item| item.compare(&wanted).is_eq())))
}

fn index(arguments: Arguments<'_>) -> Answer {
    let wanted = arguments.value(1);
    match arguments.items(0)?.iter().position(|item| item.compare(&wanted).is_eq()) {
        Some(at) => Ok(Value::count(at)),
        None => Err(FunctionFault::at(1, "The list does not hold this value.")),
    }
}

/// The first of equal elements stays, and with it the order.
fn distinct(arguments: Arguments<'_>) -> Answer {
    let mut numbered: Vec<(usize, &Value)> = arguments.items(0)?.iter().enumerate().collect();
    numbered.sort_by(|(_, a), (_, b)| a.compare(b));
    numbered.dedup_by(|(_, a), (_, b)| a.compare(b) == Ordering::Equal);
    numbered.sort_by_key(|(at, _)| *at);
    Ok(Value::list(numbered.into_iter().map(|(_, item)| item.clone()).collect()))
}

/// The index wraps around.
fn element(arguments: Arguments<'_>) -> Answer {
    let (items, at) = (arguments.items(0)?, arguments.whole(1)?);
    if items.is_empty() {
        return Err(FunctionFault::at(0, "The list is empty."));
    }
    Ok(items[at.rem_euclid(items.len() as i128) as usize].clone())
}

fn flatten(arguments: Arguments<'_>) -> Answer {
    let mut all = Vec::new();
    let mut unknown = false;
    flatten_into(arguments.items(0)?, &mut all, &mut unknown);
    Ok(if unknown { Value::unknown() } else { Value::list(all) })
}

/// An unknown element may turn out to be a list, so nothing is known of the result.
fn flatten_into(items: &[Value], all: &mut Vec<Value>, unknown: &mut bool) {
    for item in items {
        *unknown |= item.is_unknown();
        match item.as_items() {
            Some(inner) => {
                let from = all.len();
                flatten_into(inner, all, unknown);
                if item.is_sensitive() {
                    all[from..].iter_mut().for_each(|moved| *moved = moved.clone().marked(true));
                }
            }
            None => all.push(item.clone()),
        }
    }
}

fn reverse(arguments: Arguments<'_>) -> Answer {
    Ok(Value::list(arguments.items(0)?.iter().rev().cloned().collect()))
}

fn slice(arguments: Arguments<'_>) -> Answer {
    let items = arguments.items(0)?;
    let bound = |at: usize| {
        let number = arguments.whole(at)?;
        usize::try_from(number).ok().filter(|number| *number <= items.len()).ok_or_else(|| {
            FunctionFault::at(
                at,
                format!("The list has {} elements; {number} is outside of it.", items.len()),
            )
        })
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if start > end {
        return Err(FunctionFault::at(1, "The start lies behind the end."));
    }
    Ok(Value::list(items[start..end].to_vec()))
}

fn chunklist(arguments: Arguments<'_>) -> Answer {
    let items = arguments.items(0)?;
    let size = usize::try_from(arguments.whole(1)?)
        .map_err(|_| FunctionFault::at(1, "The size must not be negative."))?;
    let size = if size == 0 { items.len().max(1) } else { size };
    Ok(Value::list(items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect()))
}

fn sort(arguments: Arguments<'_>) -> Answer {
    let mut texts = arguments.texts(0)?;
    texts.sort();
    Ok(Value::list(texts.into_iter().map(Value::text).collect()))
}

fn compact(arguments: Arguments<'_>) -> Answer {
    let counts = |item: &&Value| !item.is_null() && item.as_text() != Some("");
    Ok(Value::list(arguments.items(0)?.iter().filter(counts).cloned().collect()))
}

fn one(arguments: Arguments<'_>) -> Answer {
    match arguments.items(0)? {
        [] => Ok(Value::null()),
        [only] => Ok(only.clone()),
        items => {
            Err(FunctionFault::at(0, format!("It has {} elements and may have one at most.", items.len())))
        }
    }
}

fn sum(arguments: Arguments<'_>) -> Answer {
    let items = arguments.items(0)?;
    if items.is_empty() {
        return Err(FunctionFault::at(0, "The list is empty."));
    }
    let mut total = Number::from(0);
    for item in items {
        let number =
            crate::config::convert::to_number(item).map_err(|detail| FunctionFault::at(0, detail))?;
        let Data::Number(number) = number.data() else {
            return Err(FunctionFault::at(0, "An element is null."));
        };
        total = total.plus(number)?;
    }
    Ok(Value::number(total))
}

fn range(arguments: Arguments<'_>) -> Answer {
    let numbers = arguments.numbers()?;
    let zero = Number::from(0);
    let (start, end) = if numbers.len() == 1 { (&zero, &numbers[0]) } else { (&numbers[0], &numbers[1]) };
    let down = end < start;
    let step = numbers.get(2).cloned().unwrap_or_else(|| Number::from(if down { -1 } else { 1 }));
    if step == zero || (step < zero) != down && start != end {
        return Err(FunctionFault::at(2, "The step must lead from the start to the end."));
    }
    let mut items = Vec::new();
    let mut at = start.clone();
    while if down { at > *end } else { at < *end } {
        if items.len() == limits::RANGE_ELEMENTS_MAX {
            let detail = format!("The result would have more than {} elements.", limits::RANGE_ELEMENTS_MAX);
            return Err(FunctionFault::whole(detail));
        }
        let next = at.plus(&step)?;
        items.push(Value::number(std::mem::replace(&mut at, next)));
    }
    Ok(Value::list(items))
}
