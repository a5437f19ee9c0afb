//! Which blocks there are, and what can be asked of the things they declare.

use keyless_state::Kind;

/// The blocks of a file.
pub(super) const TOP_LEVEL: &[&str] = &[
    "keyless",
    "provider",
    "data",
    "service_account",
    "federation_rule",
    "api_key",
    "variable",
    "locals",
    "output",
];

/// Words of Terraform that this version does not know yet; users of Terraform will try them.
pub(super) const LATER_BLOCKS: &[&str] =
    &["module", "import", "moved", "removed", "check", "policy", "terraform", "resource"];

/// Arguments and blocks of Terraform that this version does not know yet.
pub(super) const LATER_ARGUMENTS: &[&str] = &["for_each", "count", "depends_on", "lifecycle", "dynamic"];

/// Whether a block of a file may start with this word.
pub(super) fn is_top_level(word: &str) -> bool {
    TOP_LEVEL.contains(&word) || LATER_BLOCKS.contains(&word)
}

/// The arguments that every `match` block has.
pub(super) const MATCH_ARGUMENTS: &[&str] = &["subject", "subject_prefix", "audience", "claims", "condition"];

/// What can be asked of a declared thing besides what its block says, as far as it is known.
pub(super) fn computed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Provider => &["id", "issuer_url"],
        Kind::ServiceAccount | Kind::FederationRule => &["id"],
        Kind::ApiKey => &["name", "status"],
        Kind::Data => &["id", "name"],
    }
}

/// What can be asked of a declared thing and is null where its block does not say it.
pub(super) fn arguments(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Provider => &["check_jti", "max_jwt_lifetime_seconds", "jwks"],
        Kind::ServiceAccount => &["description", "organization_role"],
        Kind::FederationRule => &[
            "description",
            "provider",
            "service_account",
            "workspaces",
            "applies_to_all_workspaces",
            "oauth_scope",
            "token_lifetime_seconds",
        ],
        Kind::ApiKey => &["id", "replaced_by", "quiet_period", "archive_after"],
        Kind::Data => &[],
    }
}

/// Whether the API name is derived from the name of the block.
pub(super) fn is_named(kind: Kind) -> bool {
    matches!(kind, Kind::Provider | Kind::ServiceAccount | Kind::FederationRule)
}
