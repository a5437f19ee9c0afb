//! From the parser's expression to our own tree, with spans of the file and template whitespace
//! already stripped.

use std::borrow::Cow;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOperator, Expression as Parsed, ForExpr, ObjectKey, TraversalOperator, UnaryOperator,
};
use hcl_edit::template::{Directive, Element, Strip, Template};
use keyless_state::credential_text;

use super::heredoc;
use super::letters::composed_key;
use super::number::Number;
use super::scan::Patch;
use super::syntax::{Binary, Call, Expression, For, Key, Names, Node, Part, Step, StepKind, Unary, Word};
use super::value::Value;
use crate::diagnostic::{FileId, Span};

/// Why a text is no expression.
pub(super) struct SyntaxError {
    pub(super) summary: &'static str,
    /// Whole sentences; never quotes the text.
    pub(super) message: String,
    pub(super) hint: &'static str,
    /// The byte of the text.
    pub(super) offset: usize,
}

/// Parses one expression that begins at byte `base` of its file.
pub(super) fn expression(
    text: &str,
    patches: &[Patch],
    file: FileId,
    base: usize,
) -> Result<Expression, SyntaxError> {
    match hcl_edit::parser::parse_expr(&patched(text, patches, base)) {
        Ok(parsed) => Ok(Lower { text, file, base }.expression(&parsed, 0..text.len())),
        Err(error) => Err(explain(text, &error)),
    }
}

fn patched<'t>(text: &'t str, patches: &[Patch], base: usize) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for patch in patches {
        text.to_mut().replace_range(patch.range.start - base..patch.range.end - base, &patch.text);
    }
    text
}

fn explain(text: &str, error: &hcl_edit::parser::Error) -> SyntaxError {
    let said = error.message();
    // The parser counts a position behind the last byte as the last byte itself, which may be
    // inside of a character.
    let mut offset = error.location().offset().min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    if said.contains("redefined object key") {
        return SyntaxError {
            summary: "Duplicate key",
            message: "This object literal has the key twice, and only one of them could count.".to_owned(),
            hint: "remove one of the two",
            offset,
        };
    }
    SyntaxError {
        summary: "Invalid expression",
        message: format!("This is not an expression: {said}."),
        hint: "",
        offset,
    }
}

#[derive(Clone, Copy)]
struct Lower<'t> {
    text: &'t str,
    file: FileId,
    base: usize,
}

impl Lower<'_> {
    fn span(self, range: &Range<usize>) -> Span {
        Span { file: self.file, start: (self.base + range.start) as u32, end: (self.base + range.end) as u32 }
    }

    /// Lowers an expression; `around` is its place where the parser kept none.
    fn expression(self, parsed: &Parsed, around: Range<usize>) -> Expression {
        let range = parsed.span().unwrap_or(around);
        let inner = |parsed: &Parsed| self.expression(parsed, range.clone());
        let boxed = |parsed: &Parsed| Box::new(inner(parsed));
        let literal = |value: Value| Node::Literal(value);
        let node = match parsed {
            Parsed::Null(_) => literal(Value::null()),
            Parsed::Bool(value) => literal(Value::bool(*value.value())),
            Parsed::Number(_) => literal(self.number(&range)),
            // A credential in the text has been reported there, and is nobody's value.
            Parsed::String(_) | Parsed::StringTemplate(_) | Parsed::HeredocTemplate(_)
                if credential_text::is_in(&self.text[range.clone()]) =>
            {
                Node::Broken
            }
            Parsed::String(text) => literal(Value::text(text.value().as_str())),
            Parsed::Array(items) => Node::List(items.iter().map(inner).collect()),
            Parsed::Object(object) => Node::Object(
                object.iter().map(|(key, value)| (self.key(key, &range), inner(value.expr()))).collect(),
            ),
            Parsed::StringTemplate(template) => self.quoted(template.iter(), &range),
            Parsed::HeredocTemplate(heredoc) => {
                let mut parts = self.parts(&heredoc.template, &range, true, false, false);
                if self.text[range.start..].starts_with("<<-") {
                    heredoc::dedent(&mut parts);
                }
                Node::Template(parts)
            }
            Parsed::Parenthesis(inside) => {
                return Expression { span: self.span(&range), ..inner(inside.inner()) };
            }
            Parsed::Variable(name) => Node::Name(name.value().to_string(), Vec::new()),
            Parsed::Conditional(parts) => Node::Conditional(Box::new([
                inner(&parts.cond_expr),
                inner(&parts.true_expr),
                inner(&parts.false_expr),
            ])),
            Parsed::FuncCall(call) => self.call(call, &range),
            Parsed::Traversal(traversal) => {
                let steps = traversal.operators.iter().map(|step| self.step(step, &range)).collect();
                match &traversal.expr {
                    Parsed::Variable(name) => Node::Name(name.value().to_string(), steps),
                    other => Node::Steps(boxed(other), steps),
                }
            }
            Parsed::UnaryOp(operation) => {
                let operator = match operation.operator.value() {
                    UnaryOperator::Neg => Unary::Negate,
                    UnaryOperator::Not => Unary::Not,
                };
                Node::Unary(operator, boxed(&operation.expr))
            }
            Parsed::BinaryOp(operation) => Node::Binary(
                lower_operator(*operation.operator.value()),
                Box::new([inner(&operation.lhs_expr), inner(&operation.rhs_expr)]),
            ),
            Parsed::ForExpr(parts) => Node::For(Box::new(self.comprehension(parts, &range))),
        };
        Expression { span: self.span(&range), node }
    }

    /// The parser has a float for a long number; the text of the file has all its digits.
    fn number(self, range: &Range<usize>) -> Value {
        let text = self.text[range.clone()].trim();
        let number = match text.strip_prefix('-') {
            Some(size) => Number::parse(size.trim_start()).map(|size| size.negate()),
            None => Number::parse(text),
        };
        // The scanner has refused a number that is too long, and the parser what is none.
        number.map_or_else(|_| Value::null(), Value::number)
    }

    fn key(self, key: &ObjectKey, around: &Range<usize>) -> Key {
        match key {
            ObjectKey::Ident(name) => Key::Word(composed_key(name.value())),
            ObjectKey::Expression(parsed) => Key::Expression(self.expression(parsed, around.clone())),
        }
    }

    fn call(self, call: &hcl_edit::expr::FuncCall, around: &Range<usize>) -> Node {
        let mut text = String::new();
        for part in &call.name.namespace {
            text += part.value().as_str();
            text += "::";
        }
        text += call.name.name.value().as_str();
        let span = self.span(&call.name.name.span().unwrap_or_else(|| around.clone()));
        Node::Call(Call {
            name: Word { text, span },
            arguments: call.args.iter().map(|parsed| self.expression(parsed, around.clone())).collect(),
            expand: call.args.expand_final(),
        })
    }

    fn step(self, step: &hcl_edit::Decorated<TraversalOperator>, around: &Range<usize>) -> Step {
        let range = step.span().unwrap_or_else(|| around.clone());
        let span = self.span(&range);
        let kind = match step.value() {
            TraversalOperator::AttrSplat(_) => StepKind::AttributeSplat,
            TraversalOperator::FullSplat(_) => StepKind::FullSplat,
            TraversalOperator::GetAttr(name) => StepKind::Attribute(composed_key(name.value())),
            TraversalOperator::Index(parsed) => StepKind::Index(self.expression(parsed, range)),
            TraversalOperator::LegacyIndex(index) => StepKind::Index(Expression {
                span,
                node: Node::Literal(Value::number(Number::from(num_bigint::BigInt::from(*index.value())))),
            }),
        };
        Step { span, kind }
    }

    fn comprehension(self, parts: &ForExpr, around: &Range<usize>) -> For {
        let inner = |parsed: &Parsed| self.expression(parsed, around.clone());
        For {
            names: Names {
                key: parts.intro.key_var.as_ref().map(|name| name.value().to_string()),
                value: parts.intro.value_var.value().to_string(),
            },
            collection: inner(&parts.intro.collection_expr),
            key: parts.key_expr.as_ref().map(inner),
            value: inner(&parts.value_expr),
            grouped: parts.grouping,
            condition: parts.cond.as_ref().map(|condition| inner(&condition.expr)),
        }
    }

    /// `"${x}"` is `x` itself, whatever it is; anything more is a string.
    fn quoted<'e>(self, elements: impl Iterator<Item = &'e Element>, around: &Range<usize>) -> Node {
        let elements: Vec<&Element> = elements.collect();
        if let [Element::Interpolation(hole)] = elements[..] {
            return self.expression(&hole.expr, around.clone()).node;
        }
        Node::Template(self.elements(&elements, around, false, false, false))
    }

    fn parts(
        self,
        template: &Template,
        around: &Range<usize>,
        heredoc: bool,
        strip_first: bool,
        strip_last: bool,
    ) -> Vec<Part> {
        let elements: Vec<&Element> = template.iter().collect();
        self.elements(&elements, around, heredoc, strip_first, strip_last)
    }

    fn elements(
        self,
        elements: &[&Element],
        around: &Range<usize>,
        heredoc: bool,
        strip_first: bool,
        strip_last: bool,
    ) -> Vec<Part> {
        let count = elements.len();
        let mut parts = Vec::with_capacity(count);
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let start = if at == 0 { strip_first } else { strips_after(elements[at - 1]) };
                    let end = if at + 1 == count { strip_last } else { strips_before(elements[at + 1]) };
                    // The parser has dedented the top level of a heredoc already, and only that.
                    match text.span().filter(|_| heredoc) {
                        Some(range) => parts.extend(heredoc::literals(&self.text[range], start, end)),
                        None => parts.push(Part::Literal(quoted_literal(text.value(), start, end))),
                    }
                }
                Element::Interpolation(hole) => {
                    parts.push(Part::Hole(self.expression(&hole.expr, around.clone())));
                }
                Element::Directive(directive) => parts.push(self.directive(directive, around, heredoc)),
            }
        }
        parts
    }

    fn directive(self, directive: &Directive, around: &Range<usize>, heredoc: bool) -> Part {
        let inner = |parsed: &Parsed| self.expression(parsed, around.clone());
        match directive {
            Directive::If(parts) => {
                let last = parts.endif_expr.strip;
                let first_end = parts.else_expr.as_ref().map_or(last, |part| part.strip);
                let first = &parts.if_expr;
                let no = parts
                    .else_expr
                    .as_ref()
                    .map(|part| self.parts(&part.template, around, heredoc, end(part.strip), start(last)));
                Part::If {
                    condition: inner(&first.cond_expr),
                    yes: self.parts(&first.template, around, heredoc, end(first.strip), start(first_end)),
                    no: no.unwrap_or_default(),
                }
            }
            Directive::For(parts) => {
                let first = &parts.for_expr;
                let last = parts.endfor_expr.strip;
                Part::For {
                    names: Names {
                        key: first.key_var.as_ref().map(|name| name.value().to_string()),
                        value: first.value_var.value().to_string(),
                    },
                    collection: inner(&first.collection_expr),
                    body: self.parts(&first.template, around, heredoc, end(first.strip), start(last)),
                }
            }
        }
    }
}

fn start(strip: Strip) -> bool {
    matches!(strip, Strip::Start | Strip::Both)
}

fn end(strip: Strip) -> bool {
    matches!(strip, Strip::End | Strip::Both)
}

/// Whether the element takes the blanks before it away.
fn strips_before(element: &Element) -> bool {
    match element {
        Element::Literal(_) => false,
        Element::Interpolation(hole) => start(hole.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(parts) => start(parts.if_expr.strip),
            Directive::For(parts) => start(parts.for_expr.strip),
        },
    }
}

/// Whether the element takes the blanks behind it away.
fn strips_after(element: &Element) -> bool {
    match element {
        Element::Literal(_) => false,
        Element::Interpolation(hole) => end(hole.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(parts) => end(parts.endif_expr.strip),
            Directive::For(parts) => end(parts.endfor_expr.strip),
        },
    }
}

fn quoted_literal(text: &str, strip_start: bool, strip_end: bool) -> String {
    let text = if strip_start { text.trim_start() } else { text };
    let text = if strip_end { text.trim_end() } else { text };
    text.to_owned()
}

fn lower_operator(operator: BinaryOperator) -> Binary {
    match operator {
        BinaryOperator::Eq => Binary::Equal,
        BinaryOperator::NotEq => Binary::NotEqual,
        BinaryOperator::LessEq => Binary::LessOrEqual,
        BinaryOperator::GreaterEq => Binary::GreaterOrEqual,
        BinaryOperator::Less => Binary::Less,
        BinaryOperator::Greater => Binary::Greater,
        BinaryOperator::Plus => Binary::Add,
        BinaryOperator::Minus => Binary::Subtract,
        BinaryOperator::Mul => Binary::Multiply,
        BinaryOperator::Div => Binary::Divide,
        BinaryOperator::Mod => Binary::Remainder,
        BinaryOperator::And => Binary::And,
        BinaryOperator::Or => Binary::Or,
    }
}
