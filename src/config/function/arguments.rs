//! The arguments of a call, converted as the function wants them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FunctionFault, ReadFile};
use crate::config::convert;
use crate::config::number::{Number, NumberFault};
use crate::config::value::{Data, Value};

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [Value],
    pub(super) read_file: &'a ReadFile<'a>,
}

type Got<T> = Result<T, FunctionFault>;

impl<'a> Arguments<'a> {
    /// How many there are.
    pub(super) fn count(self) -> usize {
        self.values.len()
    }

    /// The argument as it is; null where it was left out.
    pub(super) fn value(self, at: usize) -> Value {
        self.values.get(at).cloned().unwrap_or_else(Value::null)
    }

    /// A string.
    pub(super) fn text(self, at: usize) -> Got<Arc<str>> {
        text(&self.value(at), at)
    }

    /// A number.
    pub(super) fn number(self, at: usize) -> Got<Number> {
        let value = convert::to_number(&self.value(at)).map_err(|detail| FunctionFault::at(at, detail))?;
        match value.data() {
            Data::Number(number) => Ok(number.clone()),
            _ => Err(null(at)),
        }
    }

    /// A whole number.
    pub(super) fn whole(self, at: usize) -> Got<i128> {
        let number = self.number(at)?;
        number.to_whole().ok_or_else(|| {
            let what =
                if number.to_integer().is_some() { "is too large here" } else { "is not a whole number" };
            FunctionFault::at(at, format!("{number} {what}."))
        })
    }

    /// The nearest float of a number.
    pub(super) fn float(self, at: usize) -> Got<f64> {
        self.number(at)?.to_f64().ok_or_else(|| {
            FunctionFault::at(
                at,
                "The number is too large or too small for this function, which computes with floats.",
            )
        })
    }

    /// The elements of a list or a set.
    pub(super) fn items(self, at: usize) -> Got<&'a [Value]> {
        let value = self.values.get(at).ok_or_else(|| null(at))?;
        if value.is_null() {
            return Err(null(at));
        }
        value.as_items().ok_or_else(|| FunctionFault::at(at, convert::expected("a list", value)))
    }

    /// The entries of an object.
    pub(super) fn entries(self, at: usize) -> Got<&'a BTreeMap<String, Value>> {
        let value = self.values.get(at).ok_or_else(|| null(at))?;
        if value.is_null() {
            return Err(null(at));
        }
        value.as_entries().ok_or_else(|| FunctionFault::at(at, convert::expected("an object", value)))
    }

    /// The elements of a list of strings.
    pub(super) fn texts(self, at: usize) -> Got<Vec<Arc<str>>> {
        self.items(at)?.iter().map(|item| text(item, at)).collect()
    }

    /// Numbers, given one by one or as one list.
    pub(super) fn numbers(self) -> Got<Vec<Number>> {
        (0..self.count()).map(|at| self.number(at)).collect()
    }
}

fn text(value: &Value, at: usize) -> Got<Arc<str>> {
    let value = convert::to_text(value).map_err(|detail| FunctionFault::at(at, detail))?;
    match value.data() {
        Data::Text(text) => Ok(text.clone()),
        _ => Err(null(at)),
    }
}

fn null(at: usize) -> FunctionFault {
    FunctionFault::at(at, "The argument is null.")
}

impl From<NumberFault> for FunctionFault {
    fn from(fault: NumberFault) -> FunctionFault {
        FunctionFault::whole(fault.to_string())
    }
}
