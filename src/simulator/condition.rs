//! CEL conditions: checked when a rule is written, run when a token is exchanged.
//!
//! Both happen on a thread of their own with a large stack, because the parser recurses once per
//! operand and would otherwise end the process on a long flat expression.

use std::collections::BTreeSet;

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::{Context, Program, Value};
use serde_json::{Map, Value as Json};

/// Why a condition is refused when it is written, if it is.
pub(super) fn problem(text: &str) -> Option<String> {
    on_large_stack(|| match Program::compile(text) {
        Err(_) => Some(String::from("The expression cannot be parsed")),
        Ok(program) => problem_of(&program),
    })
    .unwrap_or_else(|| Some(String::from("The expression cannot be evaluated")))
}

/// Whether the claims satisfy the condition; an error, such as a missing claim, is a no.
pub(super) fn holds(text: &str, claims: &Map<String, Json>) -> bool {
    on_large_stack(|| {
        let Ok(program) = Program::compile(text) else { return false };
        let mut context = Context::default();
        if problem_of(&program).is_some()
            || context.add_variable("claims", Json::Object(claims.clone())).is_err()
        {
            return false;
        }
        matches!(program.execute(&context), Ok(Value::Bool(true)))
    })
    .unwrap_or(false)
}

/// The top-level claims that a condition reads by a literal name.
pub(super) fn claims_read(text: &str) -> BTreeSet<String> {
    on_large_stack(|| {
        let mut names = BTreeSet::new();
        if let Ok(program) = Program::compile(text) {
            visit(program.expression(), &mut |expression| names.extend(claim_name(expression)));
        }
        names
    })
    .unwrap_or_default()
}

fn problem_of(program: &Program) -> Option<String> {
    let root = program.expression();
    if depth_of_comprehensions(root) > 1 {
        return Some(String::from("The expression is too expensive: comprehensions cannot be nested"));
    }
    let mut strangers = BTreeSet::new();
    free_variables(root, &mut Vec::new(), &mut strangers);
    let reads_claims = strangers.remove("claims");
    if let Some(name) = strangers.first() {
        return Some(format!("Unknown variable {name}; only claims can be used"));
    }
    if kind(root) == Kind::Other {
        return Some(String::from("The expression should result in a boolean"));
    }
    // Run without any claims: what is true even so, is true for every token.
    match program.execute(&Context::default()) {
        Ok(Value::Bool(true)) => Some(String::from("The expression is always true")),
        Ok(Value::Bool(false)) => None,
        Ok(_) => Some(String::from("The expression should result in a boolean")),
        Err(_) if reads_claims => None,
        Err(_) => Some(String::from("The expression cannot be evaluated")),
    }
}

/// What an expression can result in, as far as its form tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Other,
    Unknown,
}

fn kind(expression: &IdedExpr) -> Kind {
    match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(_)) => Kind::Bool,
        Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => Kind::Other,
        Expr::Select(select) if select.test => Kind::Bool,
        Expr::Ident(name) if name == "claims" => Kind::Other,
        Expr::Call(call) => match call.func_name.as_str() {
            "_?_:_" => call.args.get(1).map_or(Kind::Unknown, kind),
            "_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_" => Kind::Other,
            "size" | "string" | "int" | "uint" | "double" | "bytes" | "type" => Kind::Other,
            _ => Kind::Unknown,
        },
        Expr::Comprehension(loop_) => match &loop_.result.expr {
            Expr::Ident(_) => kind(&loop_.accu_init),
            _ => kind(&loop_.result),
        },
        Expr::Unspecified | Expr::Ident(_) | Expr::Select(_) => Kind::Unknown,
    }
}

/// The claim that one node reads: `claims.name`, `has(claims.name)` or `claims["name"]`.
fn claim_name(expression: &IdedExpr) -> Option<String> {
    let is_claims = |operand: &IdedExpr| matches!(&operand.expr, Expr::Ident(name) if name == "claims");
    match &expression.expr {
        Expr::Select(select) if is_claims(&select.operand) => Some(select.field.clone()),
        Expr::Call(call) if call.func_name == "_[_]" && call.args.first().is_some_and(is_claims) => {
            match call.args.get(1).map(|index| &index.expr) {
                Some(Expr::Literal(LiteralValue::String(name))) => Some(name.inner().to_owned()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The expressions directly inside another.
fn children(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).collect(),
        Expr::Comprehension(it) => parts(it).to_vec(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| inside_entry(&entry.expr)).collect(),
        Expr::Struct(it) => it.entries.iter().flat_map(|entry| inside_entry(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
    }
}

fn parts(it: &ComprehensionExpr) -> [&IdedExpr; 5] {
    [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result]
}

fn inside_entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

fn visit(expression: &IdedExpr, see: &mut impl FnMut(&IdedExpr)) {
    see(expression);
    for child in children(expression) {
        visit(child, see);
    }
}

fn depth_of_comprehensions(expression: &IdedExpr) -> usize {
    let inside = children(expression).into_iter().map(depth_of_comprehensions).max().unwrap_or(0);
    inside + usize::from(matches!(expression.expr, Expr::Comprehension(_)))
}

fn free_variables<'a>(expression: &'a IdedExpr, bound: &mut Vec<&'a str>, found: &mut BTreeSet<String>) {
    match &expression.expr {
        Expr::Ident(name) if !bound.contains(&name.as_str()) => {
            found.insert(name.clone());
        }
        Expr::Comprehension(it) => {
            free_variables(&it.iter_range, bound, found);
            let before = bound.len();
            bound.extend([it.iter_var.as_str(), it.accu_var.as_str()]);
            bound.extend(it.iter_var2.as_deref());
            for part in &parts(it)[1..] {
                free_variables(part, bound, found);
            }
            bound.truncate(before);
        }
        _ => children(expression).into_iter().for_each(|child| free_variables(child, bound, found)),
    }
}

/// Runs a job on a thread with a stack of 16 MiB; none when the job panics.
fn on_large_stack<T: Send>(job: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(16 * 1024 * 1024).spawn_scoped(scope, job);
        thread.ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_checked_when_written() {
        let check = |text: &str, expected: Option<&str>| {
            let found = problem(text);
            match expected {
                None => assert_eq!(found, None, "{text}"),
                Some(words) => {
                    assert!(found.as_ref().is_some_and(|it| it.contains(words)), "{text}: {found:?}")
                }
            }
        };
        check("claims.repository_owner == 'acme'", None);
        check("claims.groups.exists(group, group == 'a')", None);
        check("has(claims.email) && claims.email.endsWith('@acme.com')", None);
        check("claims.flag", None);
        check("false", None);
        check("true", Some("always true"));
        check("1 == 1", Some("always true"));
        check("true || claims.x == 'y'", Some("always true"));
        check("'text'", Some("boolean"));
        check("1 + 1", Some("boolean"));
        check("size(claims)", Some("boolean"));
        check("claims", Some("boolean"));
        check("[1].map(x, x)", Some("boolean"));
        check("subject == 'x'", Some("Unknown variable subject"));
        check("claims.x ==", Some("parsed"));
        check("claims.a.all(x, claims.b.all(y, x == y))", Some("nested"));
        let long = vec!["claims.a"; 450].join("==");
        assert_eq!(problem(&long), None);
    }

    #[test]
    fn conditions_are_run_on_claims() {
        let claims =
            json!({"ref": "refs/heads/main", "groups": ["a", "b"], "google": {"project": "p"}, "flag": true});
        let check = |text: &str, expected: bool| {
            assert_eq!(holds(text, claims.as_object().unwrap()), expected, "{text}");
        };
        check("claims.ref == 'refs/heads/main'", true);
        check("claims.ref.startsWith('refs/tags/')", false);
        check("'a' in claims.groups && claims.google.project == 'p'", true);
        check("claims.flag", true);
        check("claims.missing == 'x'", false);
        check("claims.ref", false);
        check("nonsense(", false);
    }
}
