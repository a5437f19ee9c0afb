//! What the outside gives to a configuration: values of variables, and what is known already.

use std::collections::BTreeMap;
use std::fmt;

use keyless_state::Address;

use super::value::Value;
use crate::diagnostic::Span;

/// What the outside gives to a configuration.
pub struct Inputs<'a> {
    /// Values of variables by name. Where a variable is set in several ways, the caller has
    /// chosen the one that counts.
    pub variables: &'a BTreeMap<String, VariableInput>,
    /// What is known of declared things beyond their blocks.
    pub known: &'a KnownObjects,
    /// Reads a file for the function `file`; the path is relative to the configuration directory.
    /// The error is a few words that go behind its name, such as `cannot be read: no such file`.
    pub read_file: &'a dyn Fn(&str) -> Result<String, String>,
}

/// Computed attributes, such as `id`, by address. What is missing is known after apply.
pub type KnownObjects = BTreeMap<Address, BTreeMap<String, serde_json::Value>>;

/// The value of a variable and where it comes from.
#[derive(Clone)]
pub struct VariableInput {
    /// The value.
    pub value: VariableValue,
    /// Where it comes from.
    pub origin: Origin,
}

/// The value of a variable.
#[derive(Clone)]
pub enum VariableValue {
    /// The text of a flag or of an environment variable; the variable's type says how to read it.
    Text(String),
    /// A value that has been read already.
    Value(Value),
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A `--var` flag.
    Flag,
    /// An environment variable with this name.
    Environment(String),
    /// A line of a variables file, which is part of the source map.
    File(Span),
}

// The value may be a secret, and whether it is one is known only to the variable's block.
impl fmt::Debug for VariableInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VariableInput").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl VariableInput {
    /// A value from a `--var` flag.
    pub fn flag(text: impl Into<String>) -> VariableInput {
        VariableInput { value: VariableValue::Text(text.into()), origin: Origin::Flag }
    }

    /// A value from the environment variable `name`.
    pub fn environment(name: impl Into<String>, text: impl Into<String>) -> VariableInput {
        VariableInput { value: VariableValue::Text(text.into()), origin: Origin::Environment(name.into()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("the --var flag"),
            Origin::Environment(name) => write!(f, "the environment variable {name}"),
            Origin::File(_) => f.write_str("the variables file"),
        }
    }
}
