//! What the files say, kept as data: each expression as a constant or as what it mentions.
//!
//! A [`super::Configuration`] says what comes of the files. Readers of a plan ask for what stands in them, too: which
//! argument names which block. No value that must not be shown is in here.

use std::collections::BTreeMap;

use keyless_state::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the files say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The `keyless` block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<WrittenBlock>,
    /// Everything with an address.
    pub objects: BTreeMap<Address, WrittenBlock>,
    /// Entries of the `locals` blocks.
    pub locals: BTreeMap<String, WrittenExpression>,
    /// `variable` blocks.
    pub variables: BTreeMap<String, WrittenVariable>,
    /// `output` blocks.
    pub outputs: BTreeMap<String, WrittenOutput>,
}

/// The inside of a block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WrittenBlock {
    /// Its labels; of a block with an address none, as they are in that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, WrittenExpression>,
    /// The blocks in it by keyword, in the order of the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocks: BTreeMap<String, Vec<WrittenBlock>>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrittenExpression {
    /// It mentions nothing and calls nothing.
    Constant(Value),
    /// What it mentions, in the order in which it does; nothing where it only calls functions or may not be shown.
    Mentions(Vec<Mentioned>),
}

/// Something that an expression mentions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mentioned {
    /// Which, such as `var.quiet_period` or `federation_rule.ci`.
    pub name: String,
    /// What of it: names of attributes and numbers of elements, as far as they are written out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Value>,
}

/// A `variable` block and the value of the variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WrittenVariable {
    /// Its default; none where there is none or it may not be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Description; empty when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether its value is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Its value; none where it may not be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// An `output` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenOutput {
    /// Its value.
    pub expression: WrittenExpression,
    /// Description; empty when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether its value is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}
