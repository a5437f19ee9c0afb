//! Identity providers: one small file per kind, behind one table.
//!
//! A kind knows its issuer URL, its typed match arguments, its tenant pin and the presets that
//! suit its tokens. Everything here is pure.

use serde_json::{Map, Value};

use crate::resource::{Jwks, Match};

mod arguments;
mod aws;
mod entra;
mod gcp;
mod github_actions;
mod issuer_url;
mod kubernetes;
mod oidc;
mod okta;
pub mod profile;

pub(crate) use arguments::is_guid;
use profile::TokenProfile;

/// The arguments of a block, already of the types that they hold.
pub type Arguments = Map<String, Value>;

/// What the arguments come to, or all that is wrong with them.
pub type Checked<T> = Result<T, Vec<ArgumentProblem>>;

/// One kind of identity provider.
pub struct ProviderKind {
    /// The word in HCL, such as `github_actions`.
    pub name: &'static str,
    /// Arguments of the `provider` block that only this kind has.
    pub arguments: &'static [Argument],
    /// Arguments of a rule's `match` block that only this kind has.
    pub match_arguments: &'static [Argument],
    /// What its tokens look like; none where only the issuer's URL can tell.
    pub profile: Option<&'static TokenProfile>,
    /// Works the issuer out of the arguments of the `provider` block.
    pub issuer: fn(&Arguments) -> Checked<IssuerPreset>,
    /// Compiles the typed arguments of a `match` block. First the provider's arguments, then the
    /// match block's. What the arguments do not speak of is left empty.
    pub compile_match: fn(&Arguments, &Arguments) -> Checked<Match>,
}

/// An argument that a kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name in HCL.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it must be given.
    pub required: bool,
    /// One line for people.
    pub description: &'static str,
}

/// What an argument holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A list of texts.
    TextList,
}

/// What is wrong with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentProblem {
    /// The argument's name; it need not be given.
    pub argument: String,
    /// What is wrong and why it matters, in whole sentences.
    pub detail: String,
    /// How to fix it.
    pub hint: String,
}

/// An issuer as a kind suggests it; common arguments of the block override single fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerPreset {
    /// The exact `iss` of the kind's tokens.
    pub issuer_url: String,
    /// Where its keys come from.
    pub jwks: Jwks,
    /// Whether a token with a `jti` may be used once only.
    pub check_jti: bool,
    /// Longest permitted `exp - iat`, in seconds.
    pub max_jwt_lifetime_seconds: i64,
}

/// The table of kinds.
pub fn kinds() -> &'static [ProviderKind] {
    &KINDS
}

static KINDS: [ProviderKind; 7] =
    [github_actions::KIND, kubernetes::KIND, aws::KIND, gcp::KIND, entra::KIND, okta::KIND, oidc::KIND];

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static ProviderKind> {
    kinds().iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests;
