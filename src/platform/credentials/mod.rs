//! The engine's own credentials: where they come from, and how they stay fresh during a run.
//!
//! In reading order: `environment` holds the variables, `choose` decides among the sources in the
//! order of the vendor's clients, `profile` knows the files of `ant auth login`, `class` what a
//! prefix tells. `freshness` says when a token has to be renewed, `source` and `renew` renew it, once
//! for all calls, and `store` reads and writes files.

mod choose;
mod class;
mod environment;
mod freshness;
mod profile;
mod renew;
mod report_keys;
mod source;
mod store;

use choose::Login;
pub use choose::{Credential, Selection, choose};
pub(crate) use class::{check, refusal};
pub(crate) use environment::CREDENTIAL_VARIABLES;
pub use environment::Environment;
pub(crate) use report_keys::check as check_report_key;
pub use report_keys::{ReportKeyKind, ReportKeys};
pub(crate) use source::{CredentialSource, header};
pub(crate) use store::read_identity_token;

/// The scope that managing federation needs.
pub(crate) const ORG_ADMIN: &str = "org:admin";

/// Takes the engine's credentials from this process: its variables, and the profiles on its disk.
///
/// # Errors
/// [`ErrorKind::Credential`](super::ErrorKind::Credential) when nothing usable is found; the
/// message tells every place that was looked at, in order.
pub fn from_process() -> Result<Selection, super::ApiError> {
    choose(&Environment::from_process(), &store::read_configuration)
}
