//! Whether an operation would take the credential of a bound workload away.

use std::collections::BTreeSet;

use keyless_state::{Binding, Grant, Kind};

use super::Scene;
use super::wider::{is_wider, keeps_audience};
use crate::matching;
use crate::plan::Operation;
use crate::resource::{IssuerArguments, Jwks, Observed, RuleArguments, RuleObject, RuleWorkspaces};

/// Why the workload of a binding would be without a credential after an operation, as a sentence
/// part; none when the operation is harmless to it.
///
/// A change is harmless when every identity that the workload showed still becomes the same account in
/// the same workspace with the same scopes. What is not known is not harmless.
pub(super) fn harm(operation: &Operation, binding: &Binding, scene: &Scene<'_>) -> Option<String> {
    match &binding.grant {
        Grant::Key => None,
        Grant::Unresolved => takes(operation)
            .then(|| "it has not its key any more, and what it lives off instead is not recorded".to_owned()),
        Grant::Rule { rule_id, service_account_id, issuer_id, workspace_id } => {
            let workspace = workspace_id.as_deref();
            let grant = RuleGrant { rule_id, service_account_id, issuer_id, workspace, binding };
            grant.harm(operation, scene)
        }
    }
}

/// Tells whether an operation can take anything from anybody.
fn takes(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Archive { .. }
            | Operation::UpdateIssuer { .. }
            | Operation::UpdateRule { .. }
            | Operation::RemoveMembership { .. }
            | Operation::DisableWorkspace { .. }
    )
}

struct RuleGrant<'a> {
    rule_id: &'a str,
    service_account_id: &'a str,
    issuer_id: &'a str,
    workspace: Option<&'a str>,
    binding: &'a Binding,
}

impl RuleGrant<'_> {
    fn harm(&self, operation: &Operation, scene: &Scene<'_>) -> Option<String> {
        let id = scene.state.records.get(operation.target().address).map(|record| record.id.as_str())?;
        match operation {
            Operation::Archive { address } if self.stands_on(address.kind(), id) => {
                Some(format!("{address} would be archived"))
            }
            Operation::UpdateRule { service_account, arguments, .. } if id == self.rule_id => {
                let account = service_account.as_ref().and_then(|account| scene.state.records.get(account));
                let account = match service_account {
                    Some(_) => account.map(|record| record.id.as_str()),
                    None => Some(arguments.service_account_id.as_str()),
                };
                if account != Some(self.service_account_id) {
                    return Some("it would become another service account than its settings name".to_owned());
                }
                let Some(now) = scene.observed.rules.get(id) else {
                    return Some("the rule as it is cannot be seen".to_owned());
                };
                self.narrowed(now, arguments, scene.observed)
            }
            Operation::DisableWorkspace { workspace_id, .. } if id == self.rule_id => self
                .leaves(workspace_id, scene.observed)
                .then(|| "the rule would leave its workspace".to_owned()),
            Operation::RemoveMembership { workspace_id, .. } if id == self.service_account_id => self
                .leaves(workspace_id, scene.observed)
                .then(|| "its service account would leave its workspace".to_owned()),
            Operation::UpdateIssuer { arguments, .. } if id == self.issuer_id => {
                match scene.observed.issuers.get(id) {
                    Some(now) => issuer_narrowed(&now.arguments, arguments),
                    None => Some("the issuer as it is cannot be seen".to_owned()),
                }
            }
            _ => None,
        }
    }

    fn stands_on(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::FederationRule => id == self.rule_id,
            Kind::ServiceAccount => id == self.service_account_id,
            Kind::Provider => id == self.issuer_id,
            Kind::ApiKey | Kind::Data => false,
        }
    }

    /// Whether this is the workspace of the workload, or may be.
    fn leaves(&self, workspace_id: &str, observed: &Observed) -> bool {
        self.workspace.is_none_or(|own| canonical(own, observed) == canonical(workspace_id, observed))
    }

    fn narrowed(&self, now: &RuleObject, wanted: &RuleArguments, observed: &Observed) -> Option<String> {
        let words = |scope: &str| scope.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        let lost = &words(&now.arguments.oauth_scope) - &words(&wanted.oauth_scope);
        if let Some(scope) = lost.first() {
            return Some(format!("it would lose the scope {scope}"));
        }
        if let (RuleWorkspaces::All, RuleWorkspaces::These(ids)) =
            (&now.arguments.workspaces, &wanted.workspaces)
        {
            let stays = |own: &str| ids.iter().any(|id| canonical(id, observed) == canonical(own, observed));
            if !self.workspace.is_some_and(stays) {
                return Some("the rule would leave its workspace".to_owned());
            }
        }
        let (old, new) = (&now.arguments.matching, &wanted.matching);
        if old == new || is_wider(old, new) {
            return None;
        }
        if !keeps_audience(old, new) {
            return Some("the rule would ask its tokens for another audience".to_owned());
        }
        let identities = &self.binding.identities;
        if identities.is_empty() {
            return Some("the rule would let in others, and as whom it shows itself is not known".to_owned());
        }
        identities.iter().find_map(|identity| {
            let denial = matching::matches_claims(new, &identity.claims, false).err()?;
            Some(format!("the rule would not let it in any more: {denial}"))
        })
    }
}

/// The id of a workspace, whichever of its names is given.
fn canonical<'a>(id: &'a str, observed: &'a Observed) -> &'a str {
    match id {
        "default" => observed.workspaces.values().find(|it| it.is_default).map_or(id, |it| it.id.as_str()),
        _ => id,
    }
}

fn issuer_narrowed(now: &IssuerArguments, wanted: &IssuerArguments) -> Option<String> {
    let told = |what: &str| Some(what.to_owned());
    if now.issuer_url != wanted.issuer_url {
        return told("its tokens come from the issuer's present URL");
    }
    if wanted.check_jti && !now.check_jti {
        return told("a token that it uses twice would be refused");
    }
    if wanted.max_jwt_lifetime_seconds < now.max_jwt_lifetime_seconds {
        return told("its tokens may live longer than the issuer would permit");
    }
    let keeps_keys = match (&now.jwks, &wanted.jwks) {
        (Jwks::Inline { keys: old }, Jwks::Inline { keys: new }) => old.iter().all(|key| keeps(key, new)),
        (old, new) => old.is_equivalent(new),
    };
    if !keeps_keys {
        return told("its tokens may be signed with keys that would not be known any more");
    }
    None
}

/// Whether a key is among others, written as it may be.
fn keeps(key: &serde_json::Value, others: &[serde_json::Value]) -> bool {
    let alone = |key: &serde_json::Value| Jwks::Inline { keys: vec![key.clone()] };
    others.iter().any(|other| alone(other).is_equivalent(&alone(key)))
}
