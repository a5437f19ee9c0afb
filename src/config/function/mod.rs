//! The functions of the language: Terraform's names, Terraform's results.
//!
//! Each family has a file with a table. Here unknown and sensitive arguments are dealt with, so
//! that the functions themselves see plain values.

mod arguments;
mod collections;
mod encoding;
mod files;
mod format;
mod hashes;
mod json;
mod lists;
mod numbers;
mod patterns;
mod sets;
mod strings;
mod time;
mod types;

use std::collections::HashMap;
use std::sync::LazyLock;

use arguments::Arguments;

use super::nearest;
use super::value::Value;

/// Reads a file relative to the configuration directory.
pub(super) type ReadFile<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// A function of the language.
pub(super) struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    inner: Inner,
    run: fn(Arguments<'_>) -> Answer,
}

/// How a function treats what is unknown or sensitive inside of its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    /// It looks at everything: one unknown or sensitive element makes the result so.
    Seen,
    /// It moves elements without looking at them; they keep their marks.
    Moved,
    /// It decides about marks itself.
    Own,
}

/// The result of a function.
pub(super) type Answer = Result<Value, FunctionFault>;

/// Why a function has no result.
#[derive(Debug)]
pub(super) struct FunctionFault {
    pub(super) summary: &'static str,
    /// The argument at fault, from 0.
    pub(super) argument: Option<usize>,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
}

impl FunctionFault {
    fn at(argument: usize, detail: impl Into<String>) -> FunctionFault {
        FunctionFault { argument: Some(argument), ..FunctionFault::whole(detail) }
    }

    fn whole(detail: impl Into<String>) -> FunctionFault {
        FunctionFault {
            summary: "Invalid function argument",
            argument: None,
            detail: detail.into(),
            hint: None,
        }
    }
}

impl FunctionFault {
    /// The same without the sentence about the arguments, which may quote what must not be shown.
    fn without_values(self) -> FunctionFault {
        let detail = "The function does not take these arguments. One of them is marked sensitive, so that no more is said.";
        FunctionFault { detail: detail.to_owned(), hint: None, ..self }
    }
}

const ANY: usize = usize::MAX;

/// A function that looks at everything in its arguments.
const fn seen(name: &'static str, least: usize, most: usize, run: fn(Arguments<'_>) -> Answer) -> Function {
    Function { name, least, most, inner: Inner::Seen, run }
}

/// A function that moves elements without looking at them.
const fn moved(name: &'static str, least: usize, most: usize, run: fn(Arguments<'_>) -> Answer) -> Function {
    Function { name, least, most, inner: Inner::Moved, run }
}

static TABLE: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let families = [
        collections::TABLE,
        encoding::TABLE,
        files::TABLE,
        format::TABLE,
        hashes::TABLE,
        lists::TABLE,
        numbers::TABLE,
        patterns::TABLE,
        sets::TABLE,
        strings::TABLE,
        time::TABLE,
        types::TABLE,
    ];
    families.into_iter().flatten().map(|function| (function.name, function)).collect()
});

/// The functions that see their arguments unevaluated; the evaluator knows them itself.
const UNEVALUATED: [&str; 2] = ["try", "can"];

/// The function with this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    TABLE.get(name).copied()
}

/// A hint for a name that is no function.
pub(super) fn suggestion(name: &str) -> String {
    let known = || TABLE.keys().copied().chain(UNEVALUATED);
    match nearest::nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut all: Vec<&str> = known().collect();
            all.sort_unstable();
            format!("there is: {}", all.join(", "))
        }
    }
}

/// Calls a function.
pub(super) fn call(function: &Function, values: &[Value], read_file: &ReadFile<'_>) -> Answer {
    if values.len() < function.least || values.len() > function.most {
        let takes = match (function.least, function.most) {
            (least, ANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let detail = format!("It takes {takes} arguments, not {}.", values.len());
        return Err(FunctionFault { summary: "Wrong number of arguments", ..FunctionFault::whole(detail) });
    }
    let answer = run(function, Arguments { values, read_file });
    answer.map_err(|fault| if values.iter().any(Value::has_secrets) { fault.without_values() } else { fault })
}

fn run(function: &Function, arguments: Arguments<'_>) -> Answer {
    let values = arguments.values;
    match function.inner {
        Inner::Own => (function.run)(arguments),
        Inner::Seen => {
            let sensitive = values.iter().any(Value::has_secrets);
            if values.iter().any(Value::has_unknowns) {
                return Ok(Value::unknown().marked(sensitive));
            }
            Ok((function.run)(arguments)?.marked(sensitive))
        }
        Inner::Moved => {
            let sensitive = values.iter().any(Value::is_sensitive);
            if values.iter().any(Value::is_unknown) {
                return Ok(Value::unknown().marked(sensitive));
            }
            Ok((function.run)(arguments)?.marked(sensitive))
        }
    }
}
