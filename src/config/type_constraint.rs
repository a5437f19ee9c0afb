//! Type constraints of variables: `string`, `list(number)`, `object({ a = optional(bool, true) })`.

use std::collections::BTreeMap;

use super::convert;
use super::eval::{Fault, Scope};
use super::syntax::{Call, Expression, Key, Node};
use super::value::Value;

/// What a variable may hold.
#[derive(Debug)]
pub(super) enum Type {
    Any,
    Text,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(BTreeMap<String, Field>),
}

/// One attribute of an object type.
#[derive(Debug)]
pub(super) struct Field {
    kind: Type,
    /// Whether it may be left out, and what it is then.
    optional: Option<Value>,
}

const KNOWN: &str =
    "there is: string, number, bool, any, list(…), set(…), map(…), tuple([…]), object({ name = type, … })";

impl Type {
    /// Reads a constraint.
    pub(super) fn read(expression: &Expression, scope: &Scope<'_>) -> Result<Type, Fault> {
        let invalid = |detail: String| Fault::new("Invalid type", detail, expression.span).with_hint(KNOWN);
        match &expression.node {
            Node::Broken => Err(Fault::Reported),
            Node::Name(word, steps) if steps.is_empty() => match &**word {
                "string" => Ok(Type::Text),
                "number" => Ok(Type::Number),
                "bool" => Ok(Type::Bool),
                "any" => Ok(Type::Any),
                "list" => Ok(Type::List(Box::new(Type::Any))),
                "set" => Ok(Type::Set(Box::new(Type::Any))),
                "map" => Ok(Type::Map(Box::new(Type::Any))),
                _ => Err(invalid(format!("There is no type `{word}`."))),
            },
            Node::Call(call) => Type::read_call(call, expression, scope),
            Node::Literal(value) if value.as_text().is_some() => {
                Err(invalid("A type is written without quotes.".to_owned()))
            }
            _ => Err(invalid("This is not a type.".to_owned())),
        }
    }

    fn read_call(call: &Call, whole: &Expression, scope: &Scope<'_>) -> Result<Type, Fault> {
        let invalid = |detail: String| Fault::new("Invalid type", detail, whole.span).with_hint(KNOWN);
        let [inner] = &call.arguments[..] else {
            return Err(invalid(format!("`{}` takes one type in its parentheses.", call.name.text)));
        };
        let element = || Type::read(inner, scope).map(Box::new);
        match (&*call.name.text, &inner.node) {
            ("list", _) => element().map(Type::List),
            ("set", _) => element().map(Type::Set),
            ("map", _) => element().map(Type::Map),
            ("tuple", Node::List(items)) => {
                let types: Result<Vec<Type>, Fault> =
                    items.iter().map(|item| Type::read(item, scope)).collect();
                types.map(Type::Tuple)
            }
            ("object", Node::Object(entries)) => {
                let mut fields = BTreeMap::new();
                for (key, item) in entries {
                    let Some(name) = field_name(key) else {
                        return Err(invalid("The names of attributes are written out.".to_owned()));
                    };
                    fields.insert(name, Field::read(item, scope)?);
                }
                Ok(Type::Object(fields))
            }
            ("optional", _) => Err(invalid("`optional` stands only inside of `object({…})`.".to_owned())),
            _ => Err(invalid("This is not a type.".to_owned())),
        }
    }

    /// Whether a flag gives it as plain text, without quotes.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Type::Text | Type::Number | Type::Bool)
    }

    /// Converts a value, or says where it does not fit: `.ports[0]: Expected a number, …`.
    pub(super) fn convert(&self, value: &Value) -> Result<Value, String> {
        if value.is_null() || value.is_unknown() {
            return Ok(value.clone());
        }
        let items = |what: &str| value.as_items().ok_or_else(|| convert::expected(what, value));
        let entries = |what: &str| value.as_entries().ok_or_else(|| convert::expected(what, value));
        let converted = match self {
            Type::Any => value.clone(),
            Type::Text => convert::to_text(value)?,
            Type::Number => convert::to_number(value)?,
            Type::Bool => convert::to_bool(value)?,
            Type::List(kind) => Value::list(each(items("a list")?, |_| kind)?),
            Type::Set(kind) => Value::set(each(items("a set")?, |_| kind)?),
            Type::Tuple(kinds) => {
                let items = items("a list")?;
                if items.len() != kinds.len() {
                    return Err(format!("Expected {} elements, but there are {}.", kinds.len(), items.len()));
                }
                Value::list(each(items, |at| &kinds[at])?)
            }
            Type::Map(kind) => {
                let converted = entries("a map")?.iter().map(|(key, item)| {
                    Ok((
                        key.clone(),
                        kind.convert(item).map_err(|detail| inside(&format!(".{key}"), &detail))?,
                    ))
                });
                Value::object(converted.collect::<Result<_, String>>()?)
            }
            Type::Object(fields) => convert_object(fields, entries("an object")?)?,
        };
        Ok(converted.marked(value.is_sensitive()))
    }
}

/// Attributes that the type does not have are dropped, as Terraform does.
fn convert_object(
    fields: &BTreeMap<String, Field>,
    entries: &BTreeMap<String, Value>,
) -> Result<Value, String> {
    let mut object = BTreeMap::new();
    for (name, field) in fields {
        let given = entries.get(name).filter(|value| field.optional.is_none() || !value.is_null());
        let value = match (given, &field.optional) {
            (Some(value), _) => {
                field.kind.convert(value).map_err(|detail| inside(&format!(".{name}"), &detail))?
            }
            (None, Some(default)) => default.clone(),
            (None, None) => return Err(format!("The attribute `{name}` is missing.")),
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::object(object))
}

fn each<'t>(items: &[Value], kind: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, String> {
    let one = |(at, item)| kind(at).convert(item).map_err(|detail| inside(&format!("[{at}]"), &detail));
    items.iter().enumerate().map(one).collect()
}

/// Puts a step before the path that a sentence may begin with.
fn inside(step: &str, detail: &str) -> String {
    if detail.starts_with(['.', '[']) { format!("{step}{detail}") } else { format!("{step}: {detail}") }
}

impl Field {
    fn read(expression: &Expression, scope: &Scope<'_>) -> Result<Field, Fault> {
        let Node::Call(Call { name, arguments, .. }) = &expression.node else {
            return Ok(Field { kind: Type::read(expression, scope)?, optional: None });
        };
        match (&*name.text, &arguments[..]) {
            ("optional", [kind]) => {
                Ok(Field { kind: Type::read(kind, scope)?, optional: Some(Value::null()) })
            }
            ("optional", [kind, default]) => {
                let kind = Type::read(kind, scope)?;
                let value = scope.evaluate(default)?;
                let value = kind
                    .convert(&value)
                    .map_err(|detail| Fault::new("Invalid default", detail, default.span))?;
                Ok(Field { kind, optional: Some(value) })
            }
            _ => Ok(Field { kind: Type::read(expression, scope)?, optional: None }),
        }
    }
}

fn field_name(key: &Key) -> Option<String> {
    match key {
        Key::Word(word) => Some(word.clone()),
        Key::Expression(Expression { node: Node::Literal(value), .. }) => value.as_text().map(str::to_owned),
        Key::Expression(_) => None,
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Type::Any => f.write_str("any"),
            Type::Text => f.write_str("string"),
            Type::Number => f.write_str("number"),
            Type::Bool => f.write_str("bool"),
            Type::List(kind) => write!(f, "list({kind})"),
            Type::Set(kind) => write!(f, "set({kind})"),
            Type::Map(kind) => write!(f, "map({kind})"),
            Type::Tuple(_) => f.write_str("tuple([…])"),
            Type::Object(_) => f.write_str("object({…})"),
        }
    }
}
