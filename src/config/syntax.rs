//! The syntax tree: what is written, each piece with its place.

use crate::diagnostic::Span;

use super::value::Value;

/// A word with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word.
    pub(super) text: String,
    /// Where it stands; with its quotes, where it has some.
    pub(super) span: Span,
}

/// The inside of a block, or a whole file.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// `name = expression`, in the order of the file, repeated names included.
    pub(super) attributes: Vec<Attribute>,
    /// Blocks in the order of the file.
    pub(super) blocks: Vec<Block>,
    /// Whether part of it could not be read, so that what is missing need not be missing.
    pub(super) broken: bool,
}

/// `name = expression`.
#[derive(Debug)]
pub(super) struct Attribute {
    /// The name.
    pub(super) name: Word,
    /// The expression.
    pub(super) value: Expression,
}

/// `keyword "label" { … }`.
#[derive(Debug)]
pub(super) struct Block {
    /// The keyword.
    pub(super) keyword: Word,
    /// The labels.
    pub(super) labels: Vec<Word>,
    /// What is inside.
    pub(super) body: Body,
    /// From the keyword to the last label.
    pub(super) header: Span,
}

/// An expression.
#[derive(Debug)]
pub(super) struct Expression {
    /// Where it stands.
    pub(super) span: Span,
    /// What it is.
    pub(super) node: Node,
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Node {
    /// A syntax error that has been reported.
    Broken,
    /// `null`, `true`, `1`, `"text"`.
    Literal(Value),
    /// `"…${…}…"` or a heredoc; its value is always a string.
    Template(Vec<Part>),
    /// `[…]`
    List(Vec<Expression>),
    /// `{…}`
    Object(Vec<(Key, Expression)>),
    /// A name by itself, or with steps behind it: `local.a[0].b`.
    Name(String, Vec<Step>),
    /// Steps behind anything else: `f(x).b`.
    Steps(Box<Expression>, Vec<Step>),
    /// `f(a, b...)`
    Call(Call),
    /// `condition ? yes : no`
    Conditional(Box<[Expression; 3]>),
    /// `-a`, `!a`
    Unary(Unary, Box<Expression>),
    /// `a + b`
    Binary(Binary, Box<[Expression; 2]>),
    /// `[for …]`, `{for …}`
    For(Box<For>),
}

/// The key in an object literal.
#[derive(Debug)]
pub(super) enum Key {
    /// A bare word.
    Word(String),
    /// Anything else.
    Expression(Expression),
}

/// One step of a traversal.
#[derive(Debug)]
pub(super) struct Step {
    /// Where it stands.
    pub(super) span: Span,
    /// What it does.
    pub(super) kind: StepKind,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum StepKind {
    /// `.name`
    Attribute(String),
    /// `[expression]` or `.0`
    Index(Expression),
    /// `.*`: for each element the attributes that follow.
    AttributeSplat,
    /// `[*]`: for each element all steps that follow.
    FullSplat,
}

/// A function call.
#[derive(Debug)]
pub(super) struct Call {
    /// The function.
    pub(super) name: Word,
    /// The arguments.
    pub(super) arguments: Vec<Expression>,
    /// Whether the last argument is a list of further arguments (`...`).
    pub(super) expand: bool,
}

/// An operator before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Negate,
    Not,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
}

/// A `for` expression.
#[derive(Debug)]
pub(super) struct For {
    /// The names of key and value.
    pub(super) names: Names,
    /// What is gone through.
    pub(super) collection: Expression,
    /// The key of each result, in the object form.
    pub(super) key: Option<Expression>,
    /// Each result.
    pub(super) value: Expression,
    /// Whether results of one key become a list (`...`).
    pub(super) grouped: bool,
    /// Which elements count.
    pub(super) condition: Option<Expression>,
}

/// The names that a `for` gives to key and value.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) key: Option<String>,
    pub(super) value: String,
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum Part {
    /// Text as it is.
    Literal(String),
    /// `${…}`
    Hole(Expression),
    /// `%{if …}…%{else}…%{endif}`
    If { condition: Expression, yes: Vec<Part>, no: Vec<Part> },
    /// `%{for …}…%{endfor}`
    For { names: Names, collection: Expression, body: Vec<Part> },
}
