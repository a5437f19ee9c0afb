//! What blocks ask of the API: arguments with every reference filled in.

use std::collections::BTreeMap;

use keyless_state::Address;

use crate::config::{FederationRule, Provider, ServiceAccount, WorkspaceChoice, WorkspaceRef};
use crate::resource::{IssuerArguments, RuleArguments, RuleWorkspaces, ServiceAccountArguments};

/// What is asked of a declared provider's issuer.
pub fn issuer_arguments(provider: &Provider) -> IssuerArguments {
    IssuerArguments {
        name: provider.name.clone(),
        issuer_url: provider.issuer_url.clone(),
        jwks: provider.jwks.clone(),
        check_jti: provider.check_jti,
        max_jwt_lifetime_seconds: provider.max_jwt_lifetime_seconds,
    }
}

/// What is asked of a declared service account, its memberships apart.
pub(super) fn account_arguments(account: &ServiceAccount) -> ServiceAccountArguments {
    ServiceAccountArguments {
        name: account.name.clone(),
        description: account.description.clone(),
        organization_role: account.organization_role.clone(),
    }
}

/// The roles of a declared service account by workspace.
pub(super) fn memberships(
    account: &ServiceAccount,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> BTreeMap<String, String> {
    account.memberships.iter().map(|(workspace, role)| (workspace_id(workspace), role.clone())).collect()
}

/// What is asked of a declared rule; `id_of` gives the ids of its issuer and its account, empty where
/// they are not known yet.
pub(super) fn rule_arguments(
    rule: &FederationRule,
    id_of: impl Fn(&Address) -> String,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> RuleArguments {
    RuleArguments {
        name: rule.name.clone(),
        description: rule.description.clone(),
        issuer_id: id_of(&rule.provider),
        matching: rule.matching.clone(),
        service_account_id: id_of(&rule.service_account),
        oauth_scope: rule.oauth_scope.clone(),
        token_lifetime_seconds: rule.token_lifetime_seconds,
        workspaces: match &rule.workspaces {
            WorkspaceChoice::All => RuleWorkspaces::All,
            WorkspaceChoice::These(these) => RuleWorkspaces::These(these.iter().map(workspace_id).collect()),
        },
    }
}
