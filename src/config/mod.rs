//! From HCL text to a checked [`Configuration`]. Opens no file, knows no network.

mod configuration;

pub use configuration::*;
