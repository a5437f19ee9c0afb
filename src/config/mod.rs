//! From HCL text to a checked [`Configuration`]. Opens no file, knows no network.
//!
//! In the order of the way: `scan` and `parse` make a tree with places, `declare` collects
//! what it declares, `eval` and `function` work the expressions out, `decode` gives each
//! block its meaning, `check` and `lint` look at what needs more than one block, and `write_down` keeps
//! what is written for readers of a plan. [`load()`] goes this way and reports every problem it meets at once.

mod check;
mod configuration;
mod consumer_driver;
mod convert;
mod declare;
mod decode;
mod env_files;
mod eval;
mod function;
mod heredoc;
mod input;
mod leak;
mod letters;
mod lint;
mod load;
mod lower;
mod name;
mod nearest;
mod number;
mod output;
mod parse;
mod scan;
mod schema;
mod section;
mod syntax;
mod type_constraint;
mod value;
mod variable;
mod variable_file;
mod version;
mod write_down;
mod written;

#[cfg(test)]
mod tests;

pub use configuration::*;
pub use consumer_driver::*;
pub use env_files::{EnvFiles, plain_path};
pub use input::{Inputs, KnownObjects, Origin, VariableInput, VariableValue};
pub use load::{FILE_ENDING, load};
pub use number::{Number, NumberFault};
pub use value::{Data, Reference, Value};
pub use variable_file::variable_file;
pub use written::{Mentioned, Written, WrittenBlock, WrittenExpression, WrittenOutput, WrittenVariable};
