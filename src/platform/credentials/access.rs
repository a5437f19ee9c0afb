//! Which of the engine's two credentials a call carries.

/// What a call goes to, by the credentials that are accepted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Federation, service accounts, keys, workspaces: the OAuth token alone.
    Management,
    /// The older usage and cost reports: documented for Admin API keys, and seen with OAuth tokens.
    Report,
    /// Analytics and the Activity Feed: documented for Admin API keys; OAuth tokens are not mentioned.
    KeyedReport,
}

/// One of the engine's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The OAuth token.
    Token,
    /// The optional Admin API key.
    AdminKey,
}

/// What the path of a call leads to.
pub(crate) fn family(path: &[String]) -> Family {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["v1", "organizations", "usage_report" | "cost_report", ..] => Family::Report,
        ["v1", "organizations", "analytics", ..] | ["v1", "compliance", ..] => Family::KeyedReport,
        _ => Family::Management,
    }
}

/// The credentials to try, in order: the next one only where the one before was refused.
pub(crate) fn order(family: Family, has_admin_key: bool, token_was_refused: bool) -> &'static [Carrier] {
    use Carrier::{AdminKey, Token};
    match (family, has_admin_key) {
        (Family::Management, _) | (_, false) => &[Token],
        (Family::Report, true) if !token_was_refused => &[Token, AdminKey],
        (Family::Report | Family::KeyedReport, true) => &[AdminKey, Token],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_key_goes_to_reports_alone() {
        let check = |path: &str, key, refused, expected: &[Carrier]| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert_eq!(order(family(&path), key, refused), expected, "{path:?}");
        };
        use Carrier::{AdminKey, Token};
        check("v1/organizations/federation_rules", true, true, &[Token]);
        check("v1/organizations/api_keys/apikey_1", true, false, &[Token]);
        check("v1/organizations/me", true, false, &[Token]);
        check("v1/organizations/usage_report/messages", true, false, &[Token, AdminKey]);
        check("v1/organizations/usage_report/messages", true, true, &[AdminKey, Token]);
        check("v1/organizations/usage_report/messages", false, true, &[Token]);
        check("v1/organizations/analytics/usage", true, false, &[AdminKey, Token]);
        check("v1/compliance/activities", true, false, &[AdminKey, Token]);
        check("v1/compliance/activities", false, false, &[Token]);
    }
}
