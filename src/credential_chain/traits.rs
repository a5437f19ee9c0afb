//! What sets one client's chain apart from another's, as a table.
//!
//! All clients go through the same tiers: explicit arguments, static variables, a named profile,
//! federation from variables, the active profile. They differ at the edges, and the edges are what
//! this table holds.

use super::client::{Client, Product, Version};
use super::outcome::Header;

/// How explicit arguments and the static variables combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arguments {
    /// One argument shuts the variables out, and two are an error.
    Exclusive,
    /// One argument shuts the variables out; a key and a token together are both sent.
    Total,
    /// Each argument stands in for its own variable; a profile argument shuts both variables out.
    Each,
    /// Static arguments are laid over what the variables gave; a profile argument does not beat them.
    Over,
    /// Arguments and variables are one flag, the argument before the variable.
    Flags,
}

/// What a static variable does that is set to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// It counts as not set.
    Unset,
    /// It counts as a credential, which shuts federation out and is sent as it is.
    Credential,
}

/// Which profiles come before federation from variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProfilesFirst {
    /// One that `ANTHROPIC_PROFILE` names, and it must exist.
    Named,
    /// Also one that `active_config` or `ANTHROPIC_CONFIG_DIR` points at, and it must exist.
    Located,
    /// Any that lies on disk under the name that would be active; a missing one is passed over.
    Existing,
    /// One that is named; a missing or broken one is passed over without a word.
    NamedIfUsable,
}

/// What `ANTHROPIC_CUSTOM_HEADERS` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CustomHeaders {
    /// They replace the client's own; a credential among them stops the exchange.
    BeforeExchange,
    /// As before, but header names of different case are sent side by side.
    BesideByCase,
    /// They replace the client's own after the exchange has been made.
    AfterExchange,
    /// They are read only when no credential was found at all.
    LastResort,
    /// They are not read.
    Ignored,
}

/// The edges of one client's chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// The header that a static key travels in.
    pub(super) key_header: Header,
    pub(super) arguments: Arguments,
    pub(super) empty: Empty,
    /// Whether a key and a token from variables are both sent; else the key alone.
    pub(super) both: bool,
    /// Whether white space around variables is cut off.
    pub(super) trims: bool,
    pub(super) profiles_first: ProfilesFirst,
    pub(super) custom_headers: CustomHeaders,
    /// Whether a profile's problem stops the client before custom headers are looked at.
    pub(super) eager: bool,
    /// Whether the literal identity token counts when it is set to nothing.
    pub(super) empty_literal: bool,
    /// Whether header values with white space at either end cannot be sent.
    pub(super) strict_headers: bool,
    /// Permission bits that a profile's configuration file must not have.
    pub(super) config_mode_refused: u32,
    /// Permission bits that a credentials file must not have.
    pub(super) credentials_mode_refused: u32,
}

const PYTHON_2: Traits = Traits {
    key_header: Header::Authorization,
    arguments: Arguments::Exclusive,
    empty: Empty::Unset,
    both: false,
    trims: false,
    profiles_first: ProfilesFirst::Named,
    custom_headers: CustomHeaders::BeforeExchange,
    eager: true,
    empty_literal: false,
    strict_headers: true,
    config_mode_refused: 0o022,
    credentials_mode_refused: 0o077,
};

const PYTHON_1: Traits = Traits {
    key_header: Header::ApiKey,
    arguments: Arguments::Total,
    both: true,
    profiles_first: ProfilesFirst::Located,
    empty_literal: true,
    ..PYTHON_2
};

const PYTHON_1_0: Traits = Traits { config_mode_refused: 0, credentials_mode_refused: 0o004, ..PYTHON_1 };

const PYTHON_0_125: Traits = Traits { custom_headers: CustomHeaders::BesideByCase, ..PYTHON_1_0 };

const PYTHON_0: Traits = Traits { empty: Empty::Credential, ..PYTHON_0_125 };

const TYPESCRIPT_1: Traits = Traits {
    key_header: Header::Authorization,
    arguments: Arguments::Exclusive,
    empty: Empty::Unset,
    both: false,
    trims: true,
    profiles_first: ProfilesFirst::Named,
    custom_headers: CustomHeaders::AfterExchange,
    eager: false,
    empty_literal: false,
    strict_headers: false,
    config_mode_refused: 0,
    credentials_mode_refused: 0o066,
};

const TYPESCRIPT_0: Traits = Traits {
    key_header: Header::ApiKey,
    arguments: Arguments::Each,
    both: true,
    profiles_first: ProfilesFirst::Existing,
    ..TYPESCRIPT_1
};

const GO: Traits = Traits {
    key_header: Header::ApiKey,
    arguments: Arguments::Over,
    empty: Empty::Unset,
    both: false,
    trims: false,
    profiles_first: ProfilesFirst::Named,
    custom_headers: CustomHeaders::LastResort,
    eager: false,
    empty_literal: false,
    strict_headers: false,
    config_mode_refused: 0,
    credentials_mode_refused: 0o077,
};

const ANT: Traits = Traits {
    arguments: Arguments::Flags,
    empty: Empty::Credential,
    profiles_first: ProfilesFirst::NamedIfUsable,
    custom_headers: CustomHeaders::Ignored,
    ..GO
};

/// Claude Code has a resolver of its own; from here it takes how it reads variables and profiles.
const CLAUDE_CODE: Traits = Traits { key_header: Header::ApiKey, both: true, ..TYPESCRIPT_1 };

/// From which version on a behavior holds, newest first. Not every release was run, so that a change
/// may have come a few releases before the one named here.
const TABLE: [(Product, Version, Traits); 10] = [
    (Product::Python, Version(2, 0, 0), PYTHON_2),
    (Product::Python, Version(1, 17, 0), PYTHON_1),
    (Product::Python, Version(1, 0, 0), PYTHON_1_0),
    (Product::Python, Version(0, 125, 0), PYTHON_0_125),
    (Product::Python, Version(0, 0, 0), PYTHON_0),
    (Product::Typescript, Version(1, 0, 0), TYPESCRIPT_1),
    (Product::Typescript, Version(0, 0, 0), TYPESCRIPT_0),
    (Product::Go, Version(0, 0, 0), GO),
    (Product::Ant, Version(0, 0, 0), ANT),
    (Product::ClaudeCode, Version(0, 0, 0), CLAUDE_CODE),
];

impl Traits {
    /// The edges of this client.
    pub(super) fn of(client: &Client) -> &'static Traits {
        let holds = |row: &&(Product, Version, Traits)| row.0 == client.product && row.1 <= client.version;
        &TABLE.iter().find(holds).expect("the table has a row from version 0 on for each product").2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_row() {
        let check = |text: &str, header: Header, profiles: ProfilesFirst| {
            let traits = Traits::of(&text.parse().unwrap());
            assert_eq!((traits.key_header, traits.profiles_first), (header, profiles), "{text}");
        };
        check("python@0.121.0", Header::ApiKey, ProfilesFirst::Located);
        check("python@1.17.0", Header::ApiKey, ProfilesFirst::Located);
        check("python@2.0.0", Header::Authorization, ProfilesFirst::Named);
        check("python@9", Header::Authorization, ProfilesFirst::Named);
        check("typescript@0.137.0", Header::ApiKey, ProfilesFirst::Existing);
        check("typescript@1.0.0", Header::Authorization, ProfilesFirst::Named);
        check("go", Header::ApiKey, ProfilesFirst::Named);
        check("ant", Header::ApiKey, ProfilesFirst::NamedIfUsable);
        check("claude-code", Header::ApiKey, ProfilesFirst::Named);
    }
}
