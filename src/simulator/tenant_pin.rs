//! Shared issuers sign for everybody, so a rule on one must pin its own tenant.

use super::assumptions::TenantPinStatus;
use super::condition;
use super::error::Refusal;
use super::organization::{Match, World};

/// A platform whose issuer URL is shared by all of its customers.
struct SharedIssuer {
    url: &'static str,
    /// Claims that identify a tenant.
    claims: &'static [&'static str],
    /// What a subject starts with and what ends the tenant's part of it; none where a star in the
    /// subject can never pin.
    subject: Option<(&'static str, char)>,
}

const SHARED: &[SharedIssuer] = &[
    SharedIssuer {
        url: "https://token.actions.githubusercontent.com",
        claims: &["repository_owner", "repository_owner_id", "repository", "repository_id", "enterprise"],
        subject: Some(("repo:", '/')),
    },
    SharedIssuer {
        url: "https://gitlab.com",
        claims: &["namespace_path", "namespace_id", "project_path", "project_id"],
        subject: Some(("project_path:", '/')),
    },
    SharedIssuer {
        url: "https://agent.buildkite.com",
        claims: &["organization_slug", "organization_id"],
        subject: Some(("organization:", ':')),
    },
    SharedIssuer {
        url: "https://app.terraform.io",
        claims: &["terraform_organization_name", "terraform_organization_id"],
        subject: Some(("organization:", ':')),
    },
    SharedIssuer {
        url: "https://accounts.google.com",
        claims: &["email", "sub", "azp", "hd"],
        subject: None,
    },
];

/// Refuses a match that would admit every tenant of a shared issuer.
pub(super) fn check(world: &World, issuer_url: &str, matching: &Match) -> Result<(), Refusal> {
    if is_pinned(issuer_url, matching) {
        return Ok(());
    }
    let message = format!(
        "match: {issuer_url} signs tokens for every customer of its platform; pin your tenant with an \
         identity claim, a subject_prefix that holds your organization, or a condition on an identity claim"
    );
    Err(match world.assumptions.tenant_pin_status {
        TenantPinStatus::Invalid => Refusal::invalid(message),
        TenantPinStatus::Forbidden => Refusal::forbidden(message),
    })
}

fn is_pinned(issuer_url: &str, matching: &Match) -> bool {
    let Some(shared) = SHARED.iter().find(|shared| shared.url == issuer_url.trim_end_matches('/')) else {
        return true;
    };
    let by_claim = matching.claims.keys().any(|claim| shared.claims.contains(&claim.as_str()));
    let by_subject = matching.subject_prefix.as_deref().is_some_and(|subject| shared.is_pinned_by(subject));
    let by_condition = matching.condition.as_deref().is_some_and(|text| {
        condition::claims_read(text).iter().any(|claim| shared.claims.contains(&claim.as_str()))
    });
    by_claim || by_subject || by_condition
}

impl SharedIssuer {
    /// Whether the fixed part of a subject reaches past the tenant's name.
    fn is_pinned_by(&self, subject: &str) -> bool {
        let fixed = subject.strip_suffix('*');
        match self.subject {
            None => fixed.is_none() && !subject.is_empty(),
            Some((start, end)) => fixed
                .unwrap_or(subject)
                .strip_prefix(start)
                .and_then(|rest| rest.split_once(end))
                .is_some_and(|(tenant, _)| !tenant.is_empty() && !tenant.contains('*')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &str = "https://token.actions.githubusercontent.com";

    fn check(
        issuer: &str,
        subject: Option<&str>,
        claim: Option<&str>,
        condition: Option<&str>,
        expected: bool,
    ) {
        let matching = Match {
            subject_prefix: subject.map(str::to_owned),
            audience: None,
            claims: claim.map(|name| (name.to_owned(), String::from("x"))).into_iter().collect(),
            condition: condition.map(str::to_owned),
        };
        assert_eq!(is_pinned(issuer, &matching), expected, "{issuer} {subject:?} {claim:?} {condition:?}");
    }

    #[test]
    fn tenants_are_pinned_in_three_ways() {
        check(GITHUB, Some("repo:acme/*"), None, None, true);
        check(GITHUB, Some("repo:acme/app:ref:refs/heads/main"), None, None, true);
        check(GITHUB, Some("repo:acme*"), None, None, false);
        check(GITHUB, Some("repo:*"), None, None, false);
        check(GITHUB, Some("repo:*/app:*"), None, None, false);
        check(GITHUB, None, Some("repository_owner"), None, true);
        check(GITHUB, None, Some("ref"), None, false);
        check(GITHUB, None, None, Some("claims.repository_owner == 'acme'"), true);
        check(GITHUB, None, None, Some("claims['repository_owner'] == 'acme'"), true);
        check(GITHUB, None, None, Some("claims.ref == 'refs/heads/main'"), false);
        check("https://gitlab.com", Some("project_path:acme/*"), None, None, true);
        check("https://gitlab.com", Some("project_path:acme*"), None, None, false);
        check("https://agent.buildkite.com", Some("organization:acme:*"), None, None, true);
        check("https://app.terraform.io", Some("organization:acme*"), None, None, false);
        check("https://accounts.google.com", Some("1234567890"), None, None, true);
        check("https://accounts.google.com", Some("1234*"), None, None, false);
        check("https://oidc.example.com", Some("anything*"), None, None, true);
    }
}
