//! The names that expressions can refer to, and which of them an expression mentions.

use std::collections::BTreeSet;
use std::fmt;

use keyless_state::{Address, Kind};

use super::scan;
use super::syntax::{Expression, Key, Node, Part, Step, StepKind};
use crate::diagnostic::Span;

/// Something that expressions can refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    /// `var.NAME`
    Variable(String),
    /// `local.NAME`
    Local(String),
    /// A declared thing.
    Object(Address),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Variable(name) => write!(f, "var.{name}"),
            Name::Local(name) => write!(f, "local.{name}"),
            Name::Object(address) => write!(f, "{address}"),
        }
    }
}

/// The first words of references.
pub(super) const ROOTS: &[&str] =
    &["var", "local", "provider", "data", "service_account", "federation_rule", "api_key", "path"];

/// What the beginning of a traversal means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// A name and how many steps it takes.
    Name(Name, usize),
    /// `path.module` and its like: the configuration directory; takes one step.
    Path,
    /// A known first word with too little behind it; the example completes it.
    Incomplete(&'static str),
    /// An unknown first word.
    Unknown,
}

/// Finds out what a name with its steps refers to.
pub(super) fn resolve(root: &str, steps: &[Step]) -> Resolved {
    let word = |at: usize| steps.get(at).and_then(word_of);
    let unlabelled = |kind, example| match word(0) {
        Some(name) => Resolved::Name(Name::Object(Address::new(kind, name)), 1),
        None => Resolved::Incomplete(example),
    };
    match root {
        "var" => match word(0) {
            Some(name) => Resolved::Name(Name::Variable(name.to_owned()), 1),
            None => Resolved::Incomplete("var.NAME"),
        },
        "local" => match word(0) {
            Some(name) => Resolved::Name(Name::Local(name.to_owned()), 1),
            None => Resolved::Incomplete("local.NAME"),
        },
        "provider" => match (word(0), word(1)) {
            (Some(label), Some(name)) => Resolved::Name(Name::Object(Address::provider(label, name)), 2),
            _ => Resolved::Incomplete("provider.KIND.NAME"),
        },
        "data" => match (word(0), word(1)) {
            (Some(label), Some(name)) => Resolved::Name(Name::Object(Address::data(label, name)), 2),
            _ => Resolved::Incomplete("data.workspace.NAME"),
        },
        "service_account" => unlabelled(Kind::ServiceAccount, "service_account.NAME"),
        "federation_rule" => unlabelled(Kind::FederationRule, "federation_rule.NAME"),
        "api_key" => unlabelled(Kind::ApiKey, "api_key.NAME"),
        "path" => match word(0) {
            Some("module" | "root" | "cwd") => Resolved::Path,
            _ => Resolved::Incomplete("path.module"),
        },
        _ => Resolved::Unknown,
    }
}

/// `.name` and `["name"]` mean the same.
fn word_of(step: &Step) -> Option<&str> {
    match &step.kind {
        StepKind::Attribute(name) => Some(name),
        StepKind::Index(Expression { node: Node::Literal(value), .. }) => {
            value.as_text().filter(|text| scan::is_name(text))
        }
        _ => None,
    }
}

/// A mention of something in an expression.
#[derive(Debug)]
pub(super) struct Mention<'e> {
    /// What it means.
    pub(super) resolved: Resolved,
    /// The first word as written.
    pub(super) root: String,
    /// Where it stands, without the steps behind it.
    pub(super) span: Span,
    /// The steps behind it.
    pub(super) behind: &'e [Step],
}

/// All mentions in an expression; what a `for` names itself is none.
pub(super) fn mentions(expression: &Expression) -> Vec<Mention<'_>> {
    walk(expression).found
}

/// Whether an expression calls a function.
pub(super) fn calls(expression: &Expression) -> bool {
    walk(expression).calls
}

fn walk(expression: &Expression) -> Walk<'_> {
    let mut walk = Walk { found: Vec::new(), calls: false, bound: Vec::new() };
    walk.expression(expression);
    walk
}

/// The names that an expression needs.
pub(super) fn needs(expression: &Expression) -> BTreeSet<Name> {
    let names = mentions(expression).into_iter().filter_map(|mention| match mention.resolved {
        Resolved::Name(name, _) => Some(name),
        _ => None,
    });
    names.collect()
}

struct Walk<'e> {
    found: Vec<Mention<'e>>,
    calls: bool,
    /// Names that the enclosing `for` expressions give.
    bound: Vec<&'e str>,
}

impl<'e> Walk<'e> {
    fn expression(&mut self, expression: &'e Expression) {
        match &expression.node {
            Node::Broken | Node::Literal(_) => {}
            Node::Template(parts) => self.parts(parts),
            Node::List(items) => items.iter().for_each(|item| self.expression(item)),
            Node::Object(entries) => {
                for (key, value) in entries {
                    if let Key::Expression(key) = key {
                        self.expression(key);
                    }
                    self.expression(value);
                }
            }
            Node::Name(root, steps) => {
                self.name(root, steps, expression.span);
                self.steps(steps);
            }
            Node::Steps(source, steps) => {
                self.expression(source);
                self.steps(steps);
            }
            Node::Call(call) => {
                self.calls = true;
                call.arguments.iter().for_each(|item| self.expression(item));
            }
            Node::Conditional(parts) => parts.iter().for_each(|item| self.expression(item)),
            Node::Unary(_, operand) => self.expression(operand),
            Node::Binary(_, operands) => operands.iter().for_each(|item| self.expression(item)),
            Node::For(parts) => {
                self.expression(&parts.collection);
                let before = self.bound.len();
                self.bound.extend(parts.names.key.as_deref());
                self.bound.push(&parts.names.value);
                let inner = [parts.key.as_ref(), Some(&parts.value), parts.condition.as_ref()];
                inner.into_iter().flatten().for_each(|item| self.expression(item));
                self.bound.truncate(before);
            }
        }
    }

    fn steps(&mut self, steps: &'e [Step]) {
        for step in steps {
            if let StepKind::Index(index) = &step.kind {
                self.expression(index);
            }
        }
    }

    fn parts(&mut self, parts: &'e [Part]) {
        for part in parts {
            match part {
                Part::Literal(_) => {}
                Part::Hole(hole) => self.expression(hole),
                Part::If { condition, yes, no } => {
                    self.expression(condition);
                    self.parts(yes);
                    self.parts(no);
                }
                Part::For { names, collection, body } => {
                    self.expression(collection);
                    let before = self.bound.len();
                    self.bound.extend(names.key.as_deref());
                    self.bound.push(&names.value);
                    self.parts(body);
                    self.bound.truncate(before);
                }
            }
        }
    }

    fn name(&mut self, root: &str, steps: &'e [Step], whole: Span) {
        if self.bound.contains(&root) {
            return;
        }
        let resolved = resolve(root, steps);
        let taken = match &resolved {
            Resolved::Name(_, steps) => *steps,
            Resolved::Path => 1,
            _ => 0,
        };
        let start = Span { end: whole.start + root.len() as u32, ..whole };
        let span = match taken.checked_sub(1).and_then(|last| steps.get(last)) {
            Some(step) if step.span.end >= whole.start => start.to(step.span),
            _ => start,
        };
        let behind = steps.get(taken..).unwrap_or_default();
        self.found.push(Mention { resolved, root: root.to_owned(), span, behind });
    }
}
