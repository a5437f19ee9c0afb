//! CEL conditions: parsing and running them safely, and taking them apart.
//!
//! The parser and the interpreter recurse for each operator and have no cost limit. So each piece
//! of work here bounds the text, runs on a thread with a deep stack, and refuses loops in loops.

use std::fmt;

use cel::common::ast::{EntryExpr, Expr};
use cel::{Context, IdedExpr, Program, Value};
use serde_json::Map;

use crate::limits::{CONDITION_BRANCHES_MAX, CONDITION_CHARS_MAX, CONDITION_STACK_BYTES};

mod normal_form;

pub use normal_form::{Atom, ClaimPath};

/// Why a condition gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has more characters than the API takes.
    TooLong {
        /// How many it has.
        chars: usize,
    },
    /// It is no CEL.
    Syntax(String),
    /// It has a loop within a loop, which could run for hours.
    NestedLoop,
    /// It has too many alternatives to look at each.
    TooManyBranches,
    /// It failed on a token, for example because a claim is missing.
    Evaluation(String),
    /// Its result is no boolean.
    NotBoolean(String),
    /// The machine could not run it.
    Machine(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong { chars } => {
                write!(f, "the condition has {chars} characters; the API takes at most {CONDITION_CHARS_MAX}")
            }
            Fault::Syntax(message) => write!(f, "the condition is no valid CEL: {message}"),
            Fault::NestedLoop => f.write_str("the condition has a loop within a loop, which is refused"),
            Fault::TooManyBranches => {
                write!(f, "the condition has more than {CONDITION_BRANCHES_MAX} alternatives")
            }
            Fault::Evaluation(message) => write!(f, "the condition failed: {message}"),
            Fault::NotBoolean(found) => write!(f, "the condition gave {found} instead of true or false"),
            Fault::Machine(message) => write!(f, "the condition could not be run: {message}"),
        }
    }
}

/// Checks that a condition is CEL that this program is willing to run.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), Fault> {
    with_program(text, |_| ())
}

/// Runs a condition over the claims of one token.
///
/// # Errors
///
/// Why it gives no answer; a missing claim is an error and not `false`.
pub fn evaluate(text: &str, claims: &Map<String, serde_json::Value>) -> Result<bool, Fault> {
    with_program(text, |program| run(program, claims))?
}

/// Tells whether a condition is true of every one of these tokens; an error counts as not true.
///
/// # Errors
///
/// Why it cannot be run at all.
pub fn holds_for_all(text: &str, tokens: &[Map<String, serde_json::Value>]) -> Result<bool, Fault> {
    with_program(text, |program| tokens.iter().all(|claims| run(program, claims) == Ok(true)))
}

/// Takes a condition apart into its alternatives: each is a list of tests that must all hold.
///
/// # Errors
///
/// What is wrong with the condition, or that it has too many alternatives.
pub fn branches(text: &str) -> Result<Vec<Vec<Atom>>, Fault> {
    with_program(text, |program| {
        normal_form::branches(program.expression(), CONDITION_BRANCHES_MAX).ok_or(Fault::TooManyBranches)
    })?
}

/// Parses the text and hands the program to `work`, all on a thread with a deep stack. The
/// program is dropped there too: dropping a deep tree recurses like everything else.
fn with_program<T: Send>(text: &str, work: impl FnOnce(&Program) -> T + Send) -> Result<T, Fault> {
    let chars = text.chars().count();
    if chars > CONDITION_CHARS_MAX {
        return Err(Fault::TooLong { chars });
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("condition".to_owned())
            .stack_size(CONDITION_STACK_BYTES)
            .spawn_scoped(scope, || {
                let program = Program::compile(text).map_err(|errors| {
                    let first = errors.errors.first().map_or_else(String::new, |error| error.msg.clone());
                    Fault::Syntax(first)
                })?;
                if has_nested_loop(program.expression(), false) {
                    return Err(Fault::NestedLoop);
                }
                Ok(work(&program))
            })
            .map_err(|error| Fault::Machine(error.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(Fault::Machine("the interpreter panicked".to_owned())))
    })
}

fn run(program: &Program, claims: &Map<String, serde_json::Value>) -> Result<bool, Fault> {
    let claims = cel::to_value(claims).map_err(|error| Fault::Evaluation(error.to_string()))?;
    let mut context = Context::default();
    context.add_variable_from_value("claims", claims);
    match program.execute(&context) {
        Ok(Value::Bool(answer)) => Ok(answer),
        Ok(other) => Err(Fault::NotBoolean(format!("a value of type {}", other.type_of()))),
        Err(error) => Err(Fault::Evaluation(error.to_string())),
    }
}

fn has_nested_loop(expression: &IdedExpr, within: bool) -> bool {
    let nested = |inner: &IdedExpr| has_nested_loop(inner, within);
    match &expression.expr {
        Expr::Comprehension(comprehension) => {
            let c = comprehension.as_ref();
            within
                || [&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result]
                    .into_iter()
                    .any(|inner| has_nested_loop(inner, true))
        }
        Expr::Call(call) => call.target.as_deref().is_some_and(nested) || call.args.iter().any(nested),
        Expr::List(list) => list.elements.iter().any(nested),
        Expr::Select(select) => nested(&select.operand),
        Expr::Map(map) => map.entries.iter().any(|entry| entry_has(&entry.expr, nested)),
        Expr::Struct(value) => value.entries.iter().any(|entry| entry_has(&entry.expr, nested)),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => false,
    }
}

fn entry_has(entry: &EntryExpr, mut test: impl FnMut(&IdedExpr) -> bool) -> bool {
    match entry {
        EntryExpr::StructField(field) => test(&field.value),
        EntryExpr::MapEntry(entry) => test(&entry.key) || test(&entry.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn runs(text: &str, claims: &str, expected: Result<bool, &str>) {
        let claims: Map<String, serde_json::Value> = serde_json::from_str(claims).unwrap();
        let found = evaluate(text, &claims);
        match expected {
            Ok(answer) => assert_eq!(found, Ok(answer), "{text}"),
            Err(part) => {
                let message = found.expect_err(text).to_string();
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    #[test]
    fn conditions_run_over_the_claims() {
        runs(r#"claims.a == "x""#, r#"{"a":"x"}"#, Ok(true));
        runs(r#"claims.a == "x""#, r#"{"a":"y"}"#, Ok(false));
        runs(r#"claims.a == "x""#, "{}", Err("failed"));
        runs(r#"claims["k.io"].n == "x""#, r#"{"k.io":{"n":"x"}}"#, Ok(true));
        runs(r#""s" in claims.scp && !("uid" in claims)"#, r#"{"scp":["s"]}"#, Ok(true));
        runs("claims.n == 5", r#"{"n":5}"#, Ok(true));
        runs("claims.flag", r#"{"flag":true}"#, Ok(true));
        runs("claims.n", r#"{"n":5}"#, Err("instead of true or false"));
        runs("claims.a ==", "{}", Err("no valid CEL"));
        runs("other == 1", "{}", Err("failed"));
        runs("claims.l.exists(x, x == 'a')", r#"{"l":["b","a"]}"#, Ok(true));
        runs("claims.l.all(x, claims.l.all(y, x == y))", r#"{"l":["b"]}"#, Err("loop within a loop"));
        runs(&"a".repeat(4_097), "{}", Err("4097 characters"));
    }

    #[test]
    fn hostile_shapes_end_in_an_answer() {
        let fill = |piece: &str| piece.repeat(4_096 / piece.len());
        let shapes = [
            format!("{}true", "!".repeat(4_092)),
            format!("{}1 == 1", "-".repeat(4_000)),
            format!("{}1{}", "(".repeat(2_047), ")".repeat(2_047)),
            format!("{}{}", "[".repeat(2_048), "]".repeat(2_048)),
            format!("{}1{}", "{1:".repeat(1_000), "}".repeat(1_000)),
            format!("1{}", fill("+1").split_at(4_094).0),
            format!("true{}", "||true".repeat(600)),
            format!("true{}", "&&true".repeat(600)),
            format!("claims{}", ".a".repeat(2_000)),
            format!("claims{}", "[0]".repeat(1_300)),
            fill("true?1:"),
        ];
        for shape in shapes {
            let _ = evaluate(&shape, &Map::new());
            let _ = branches(&shape);
        }
    }
}
