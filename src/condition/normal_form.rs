//! Takes a condition apart: an `or` of `and`s over single tests.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

/// Where a claim is found: `claims.a.b` and `claims["a"].b` are both `a`, `b`.
pub type ClaimPath = Vec<String>;

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Atom {
    /// A claim equals one of these literals. Numbers and booleans are given as their text.
    Equals {
        /// The claim.
        path: ClaimPath,
        /// The literals; never empty.
        values: Vec<String>,
    },
    /// A text claim begins with this literal.
    Prefix {
        /// The claim.
        path: ClaimPath,
        /// The literal.
        literal: String,
    },
    /// A text claim ends with, contains or matches something.
    Partial {
        /// The claim.
        path: ClaimPath,
    },
    /// A list claim has this element, or an object claim this key.
    Contains {
        /// The claim; never the claims as a whole.
        path: ClaimPath,
        /// The element.
        literal: String,
    },
    /// A claim exists, equals itself, or is not empty.
    Exists {
        /// The claim.
        path: ClaimPath,
    },
    /// Something is not so.
    Negative,
    /// A constant.
    Constant(bool),
    /// Anything else.
    Other,
}

/// The alternatives of an expression; none when there are more than `most`.
pub(super) fn branches(expression: &IdedExpr, most: usize) -> Option<Vec<Vec<Atom>>> {
    let mut found = alternatives(expression, false, most)?;
    found.retain(|branch| !branch.contains(&Atom::Constant(false)));
    for branch in &mut found {
        branch.retain(|atom| *atom != Atom::Constant(true));
    }
    Some(found)
}

fn alternatives(expression: &IdedExpr, negated: bool, most: usize) -> Option<Vec<Vec<Atom>>> {
    if let Expr::Call(call) = &expression.expr {
        let args = call.args.as_slice();
        match (call.func_name.as_str(), args) {
            (operators::LOGICAL_NOT, [inner]) => return alternatives(inner, !negated, most),
            (operators::LOGICAL_AND, [left, right]) if negated => {
                return either(left, right, negated, most);
            }
            (operators::LOGICAL_AND, [left, right]) => return both(left, right, negated, most),
            (operators::LOGICAL_OR, [left, right]) if negated => return both(left, right, negated, most),
            (operators::LOGICAL_OR, [left, right]) => return either(left, right, negated, most),
            (operators::CONDITIONAL, [test, yes, no]) => {
                let mut found =
                    cross(alternatives(test, false, most)?, &alternatives(yes, negated, most)?, most)?;
                found.extend(cross(
                    alternatives(test, true, most)?,
                    &alternatives(no, negated, most)?,
                    most,
                )?);
                return (found.len() <= most).then_some(found);
            }
            (operators::EQUALS, [left, right]) => {
                if let Some((test, truth)) = test_against_truth(left, right) {
                    return alternatives(test, negated == truth, most);
                }
            }
            (operators::NOT_EQUALS, [left, right]) => {
                if let Some((test, truth)) = test_against_truth(left, right) {
                    return alternatives(test, negated != truth, most);
                }
            }
            _ => {}
        }
    }
    Some(vec![vec![atom(expression, negated)]])
}

fn either(left: &IdedExpr, right: &IdedExpr, negated: bool, most: usize) -> Option<Vec<Vec<Atom>>> {
    let mut found = alternatives(left, negated, most)?;
    found.extend(alternatives(right, negated, most)?);
    (found.len() <= most).then_some(found)
}

fn both(left: &IdedExpr, right: &IdedExpr, negated: bool, most: usize) -> Option<Vec<Vec<Atom>>> {
    cross(alternatives(left, negated, most)?, &alternatives(right, negated, most)?, most)
}

fn cross(left: Vec<Vec<Atom>>, right: &[Vec<Atom>], most: usize) -> Option<Vec<Vec<Atom>>> {
    if left.len() * right.len() > most {
        return None;
    }
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| [a.as_slice(), b.as_slice()].concat()));
    Some(pairs.collect())
}

/// Reads `test == true` and its kin, where the test is more than a bare claim.
fn test_against_truth<'e>(left: &'e IdedExpr, right: &'e IdedExpr) -> Option<(&'e IdedExpr, bool)> {
    match (truth(left), truth(right)) {
        (None, Some(truth)) if claim_path(left).is_none() => Some((left, truth)),
        (Some(truth), None) if claim_path(right).is_none() => Some((right, truth)),
        _ => None,
    }
}

fn atom(expression: &IdedExpr, negated: bool) -> Atom {
    let positive = positive_atom(expression);
    match (positive, negated) {
        (atom, false) => atom,
        (Atom::Constant(value), true) => Atom::Constant(!value),
        (Atom::Equals { path, values }, true) if values == ["true"] && is_claim(expression) => {
            Atom::Equals { path, values: vec!["false".to_owned()] }
        }
        (Atom::Negative, true) => match &expression.expr {
            Expr::Call(call) => unequal_negated(call),
            _ => Atom::Other,
        },
        (_, true) => Atom::Negative,
    }
}

/// `!(a != b)` is `a == b`.
fn unequal_negated(call: &CallExpr) -> Atom {
    match call.args.as_slice() {
        [left, right] => equality(left, right),
        _ => Atom::Other,
    }
}

fn is_claim(expression: &IdedExpr) -> bool {
    claim_path(expression).is_some()
}

fn positive_atom(expression: &IdedExpr) -> Atom {
    match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Atom::Constant(*value.inner()),
        Expr::Select(select) if select.test => match claim_path(&select.operand) {
            Some(mut path) => {
                path.push(select.field.clone());
                Atom::Exists { path }
            }
            None => Atom::Other,
        },
        Expr::Call(call) => call_atom(call, expression),
        _ => bare_claim(expression),
    }
}

fn bare_claim(expression: &IdedExpr) -> Atom {
    match claim_path(expression) {
        Some(path) if !path.is_empty() => Atom::Equals { path, values: vec!["true".to_owned()] },
        _ => Atom::Other,
    }
}

fn call_atom(call: &CallExpr, expression: &IdedExpr) -> Atom {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (operators::EQUALS, None, [left, right]) => equality(left, right),
        (operators::NOT_EQUALS, None, [left, right]) => inequality(left, right),
        (operators::IN, None, [element, list]) => membership(element, list),
        ("startsWith", Some(target), [argument]) => match (text_claim(target), text(argument)) {
            (Some(path), Some(literal)) => Atom::Prefix { path, literal },
            _ => Atom::Other,
        },
        ("endsWith" | "contains" | "matches", Some(target), [_]) => match text_claim(target) {
            Some(path) => Atom::Partial { path },
            None => Atom::Other,
        },
        _ => bare_claim(expression),
    }
}

fn inequality(left: &IdedExpr, right: &IdedExpr) -> Atom {
    match (claim_path(left), text(right).as_deref(), literal(left), literal(right)) {
        // A claim that is not empty merely exists.
        (Some(path), Some(""), ..) if !path.is_empty() => Atom::Exists { path },
        (_, _, Some(left), Some(right)) => Atom::Constant(left != right),
        _ => Atom::Negative,
    }
}

fn equality(left: &IdedExpr, right: &IdedExpr) -> Atom {
    match (claim_path(left), claim_path(right)) {
        (Some(a), Some(b)) if a == b => Atom::Exists { path: a },
        (Some(path), None) if !path.is_empty() => match literal(right) {
            Some(value) => Atom::Equals { path, values: vec![value] },
            None => Atom::Other,
        },
        (None, Some(path)) if !path.is_empty() => match literal(left) {
            Some(value) => Atom::Equals { path, values: vec![value] },
            None => Atom::Other,
        },
        (None, None) => match (literal(left), literal(right)) {
            (Some(a), Some(b)) => Atom::Constant(a == b),
            _ => Atom::Other,
        },
        _ => Atom::Other,
    }
}

fn membership(element: &IdedExpr, list: &IdedExpr) -> Atom {
    if let (Some(path), Expr::List(list)) = (claim_path(element), &list.expr) {
        let values: Option<Vec<String>> = list.elements.iter().map(literal).collect();
        return match values {
            Some(values) if values.is_empty() => Atom::Constant(false),
            Some(values) if !path.is_empty() => Atom::Equals { path, values },
            _ => Atom::Other,
        };
    }
    match (text(element), claim_path(list)) {
        (Some(name), Some(path)) if path.is_empty() => Atom::Exists { path: vec![name] },
        (Some(literal), Some(path)) => Atom::Contains { path, literal },
        _ => Atom::Other,
    }
}

fn text_claim(expression: &IdedExpr) -> Option<ClaimPath> {
    claim_path(expression).filter(|path| !path.is_empty())
}

/// The path of `claims.a["b"]`; empty for `claims` itself.
fn claim_path(expression: &IdedExpr) -> Option<ClaimPath> {
    let mut path = Vec::new();
    let mut at = expression;
    loop {
        match &at.expr {
            Expr::Ident(name) if name == "claims" => break,
            Expr::Select(select) if !select.test => {
                path.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [operand, index] = call.args.as_slice() else { return None };
                path.push(text(index)?);
                at = operand;
            }
            _ => return None,
        }
    }
    path.reverse();
    Some(path)
}

fn text(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(value)) => Some(value.inner().to_owned()),
        _ => None,
    }
}

fn truth(expression: &IdedExpr) -> Option<bool> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Some(*value.inner()),
        _ => None,
    }
}

fn literal(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(value)) => Some(value.inner().to_owned()),
        Expr::Literal(LiteralValue::Boolean(value)) => Some(value.inner().to_string()),
        Expr::Literal(LiteralValue::Int(value)) => Some(value.inner().to_string()),
        Expr::Literal(LiteralValue::UInt(value)) => Some(value.inner().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::branches;
    use super::*;

    fn show(atom: &Atom) -> String {
        match atom {
            Atom::Equals { path, values } => format!("{}={}", path.join("/"), values.join(",")),
            Atom::Prefix { path, literal } => format!("{}^{literal}", path.join("/")),
            Atom::Partial { path } => format!("{}~", path.join("/")),
            Atom::Contains { path, literal } => format!("{}[{literal}]", path.join("/")),
            Atom::Exists { path } => format!("{}?", path.join("/")),
            Atom::Negative => "not".to_owned(),
            Atom::Constant(value) => value.to_string(),
            Atom::Other => "other".to_owned(),
        }
    }

    #[track_caller]
    fn check(condition: &str, expected: &[&str]) {
        let found: Vec<String> = branches(condition)
            .expect(condition)
            .iter()
            .map(|branch| branch.iter().map(show).collect::<Vec<_>>().join(" & "))
            .collect();
        assert_eq!(found, expected, "{condition}");
    }

    #[test]
    fn conditions_come_apart() {
        check(r#"claims.a == "x""#, &["a=x"]);
        check(r#""x" == claims.a"#, &["a=x"]);
        check(r#"claims["a.b"].c == "x""#, &["a.b/c=x"]);
        check(r#"claims.a == "x" && claims.b == "y""#, &["a=x & b=y"]);
        check(r#"claims.a == "x" || claims.b == "y""#, &["a=x", "b=y"]);
        check(r#"claims.a == "x" && (claims.b == "y" || claims.c == "z")"#, &["a=x & b=y", "a=x & c=z"]);
        check(r#"!(claims.a == "x" || claims.b == "y")"#, &["not & not"]);
        check(r#"!(claims.a != "x")"#, &["a=x"]);
        check(r#"claims.a != "x""#, &["not"]);
        check(r#"!claims.a.startsWith("x")"#, &["not"]);
        check(r#"claims.a in ["x", "y"]"#, &["a=x,y"]);
        check(r#"claims.a in []"#, &[]);
        check(r#""s" in claims.scp"#, &["scp[s]"]);
        check(r#""uid" in claims"#, &["uid?"]);
        check(r#"!("uid" in claims)"#, &["not"]);
        check("has(claims.sub)", &["sub?"]);
        check("claims.sub == claims.sub", &["sub?"]);
        check("true", &[""]);
        check("1 == 1", &[""]);
        check("false", &[]);
        check("claims.a == 'x' || 1 == 1", &["a=x", ""]);
        check("claims.flag", &["flag=true"]);
        check("!claims.flag", &["flag=false"]);
        check("claims.flag == false", &["flag=false"]);
        check(r#"claims.a.startsWith("x") == true"#, &["a^x"]);
        check(r#"claims.a.startsWith("x") != true"#, &["not"]);
        check(r#"claims.a == "x" ? claims.b == "y" : claims.c == "z""#, &["a=x & b=y", "not & c=z"]);
        check(r#"claims.a.matches("x")"#, &["a~"]);
        check(r#"claims.a != """#, &["a?"]);
        check("1 != 1", &[]);
        check("size(claims.a) > 0", &["other"]);
        check("claims.n == 5", &["n=5"]);
        check("claims.l.exists(x, x == 'a')", &["other"]);
    }

    #[test]
    fn an_explosion_is_refused() {
        let factor = r#"(claims.a == "x" || claims.b == "y")"#;
        assert_eq!(branches(&[factor; 6].join(" && ")).map(|found| found.len()), Ok(64));
        assert_eq!(branches(&[factor; 7].join(" && ")), Err(super::super::Fault::TooManyBranches));
    }
}
