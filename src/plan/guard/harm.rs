//! Whether an operation would take the credential of a bound workload away.

use std::collections::BTreeSet;

use keyless_state::{Address, Binding, Grant, Record};
use serde_json::Value;

use super::Scene;
use super::loss::Loss;
use crate::matching::{self, is_wider, keeps_audience};
use crate::plan::workspace::is_same;
use crate::plan::{Attributes, Operation, attributes};
use crate::resource::{IssuerArguments, Jwks, Observed, RuleArguments, RuleObject, RuleWorkspaces};

/// What the workload of a binding would lose by an operation on a recorded object; none when the operation
/// is harmless to it.
///
/// A change is harmless when every identity that the workload showed still becomes the same account in
/// the same workspace with the same scopes; and where it only returns to what is recorded, since the
/// workload was proven with that. What is not known is not harmless.
pub(super) fn harm(
    operation: &Operation,
    record: &Record,
    binding: &Binding,
    grant: &Grant,
    scene: &Scene<'_>,
) -> Option<Loss> {
    let rests = match grant {
        Grant::Key => return None,
        // It may rest on anything.
        Grant::Unresolved => Rests { on: None, workspace: None, binding },
        Grant::Rule { rule_id, service_account_id, issuer_id, workspace_id } => {
            let on = Some([rule_id.as_str(), service_account_id, issuer_id]);
            Rests { on, workspace: workspace_id.as_deref(), binding }
        }
    };
    rests.harm(operation, record, scene)
}

/// What a workload rests on.
struct Rests<'a> {
    /// Ids of rule, account and issuer, where they are known.
    on: Option<[&'a str; 3]>,
    workspace: Option<&'a str>,
    binding: &'a Binding,
}

impl Rests<'_> {
    fn harm(&self, operation: &Operation, record: &Record, scene: &Scene<'_>) -> Option<Loss> {
        let id = record.id.as_str();
        let is = |at: usize| self.on.is_none_or(|on| on[at] == id);
        match operation {
            Operation::Archive { address } => {
                let rests = self.on.is_none_or(|on| on.contains(&id));
                rests.then(|| Loss::Archived(address.clone()))
            }
            Operation::UpdateRule { service_account, arguments, .. } if is(0) => {
                self.rule_harm(service_account.as_ref(), arguments, record, scene)
            }
            Operation::DisableWorkspace { workspace_id, .. } if is(0) => {
                let had = record.attributes.get("workspace_ids").and_then(Value::as_array);
                let had = had.is_none_or(|ids| ids.iter().any(|id| id == workspace_id));
                (had && self.leaves(workspace_id, scene.observed)).then_some(Loss::RuleWorkspace)
            }
            Operation::RemoveMembership { workspace_id, .. } if is(1) => {
                let had = record.attributes.get("memberships").and_then(Value::as_object);
                let had = had.is_none_or(|memberships| memberships.contains_key(workspace_id));
                (had && self.leaves(workspace_id, scene.observed)).then_some(Loss::AccountWorkspace)
            }
            Operation::UpdateIssuer { arguments, .. } if is(2) => {
                let wanted = attributes::issuer(arguments);
                match scene.observed.issuers.get(id) {
                    _ if are_alike(&wanted, &record.attributes, &["name"]) => None,
                    Some(now) => issuer_narrowed(&now.arguments, arguments),
                    None => Some(Loss::UnseenIssuer),
                }
            }
            _ => None,
        }
    }

    fn rule_harm(
        &self,
        account: Option<&Address>,
        wanted: &RuleArguments,
        record: &Record,
        scene: &Scene<'_>,
    ) -> Option<Loss> {
        let recorded = record.attributes.get("service_account_id").and_then(Value::as_str);
        let own = self.on.map(|on| on[1]).or(recorded);
        let becomes = match account {
            Some(account) => scene.state.records.get(account).map(|record| record.id.as_str()),
            None => Some(wanted.service_account_id.as_str()),
        };
        let account = (becomes != own).then_some(Loss::Account);
        let is_return = are_alike(
            &attributes::rule(wanted),
            &record.attributes,
            &["name", "description", "token_lifetime_seconds", "service_account_id", "issuer_id"],
        );
        let narrowed = match scene.observed.rules.get(&record.id) {
            _ if is_return => None,
            Some(now) => self.narrowed(now, wanted, scene.observed),
            None => Some(Loss::UnseenRule),
        };
        // What nothing can prove weighs more.
        account.into_iter().chain(narrowed).min_by_key(Loss::is_provable)
    }

    /// Whether this is the workspace of the workload, or may be.
    fn leaves(&self, workspace_id: &str, observed: &Observed) -> bool {
        self.workspace.is_none_or(|own| is_same(own, workspace_id, observed))
    }

    fn narrowed(&self, now: &RuleObject, wanted: &RuleArguments, observed: &Observed) -> Option<Loss> {
        // What nothing can prove comes first.
        let words = |scope: &str| scope.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        let lost = &words(&now.arguments.oauth_scope) - &words(&wanted.oauth_scope);
        if let Some(scope) = lost.first() {
            return Some(Loss::Scope(scope.clone()));
        }
        let (old, new) = (&now.arguments.matching, &wanted.matching);
        if !keeps_audience(old, new) {
            return Some(Loss::Audience);
        }
        if let (RuleWorkspaces::All, RuleWorkspaces::These(ids)) =
            (&now.arguments.workspaces, &wanted.workspaces)
        {
            let stays = |own: &str| ids.iter().any(|id| is_same(id, own, observed));
            if !self.workspace.is_some_and(stays) {
                return Some(Loss::RuleWorkspace);
            }
        }
        if old == new || is_wider(old, new) {
            return None;
        }
        let identities = &self.binding.identities;
        if identities.is_empty() {
            return Some(Loss::UnknownIdentity);
        }
        identities.iter().find_map(|identity| {
            let denial = matching::matches_claims(new, &identity.claims, false).err()?;
            Some(Loss::Denied(denial.to_string()))
        })
    }
}

/// Tells whether two maps of attributes are equal, those apart that take nothing from anybody.
fn are_alike(a: &Attributes, b: &Attributes, but: &[&str]) -> bool {
    let rest = |attributes: &Attributes| {
        let mut rest = attributes.clone();
        rest.retain(|name, _| !but.contains(&name.as_str()));
        rest
    };
    rest(a) == rest(b)
}

fn issuer_narrowed(now: &IssuerArguments, wanted: &IssuerArguments) -> Option<Loss> {
    // What nothing can prove comes first; another issuer has other keys.
    if wanted.check_jti && !now.check_jti {
        return Some(Loss::SecondUse);
    }
    if wanted.max_jwt_lifetime_seconds < now.max_jwt_lifetime_seconds {
        return Some(Loss::TokenLife);
    }
    if now.issuer_url != wanted.issuer_url {
        return Some(Loss::IssuerUrl);
    }
    let keeps_keys = match (&now.jwks, &wanted.jwks) {
        (Jwks::Inline { keys: old }, Jwks::Inline { keys: new }) => old.iter().all(|key| keeps(key, new)),
        (old, new) => old.is_equivalent(new),
    };
    if !keeps_keys {
        return Some(Loss::SigningKeys);
    }
    None
}

/// Whether a key is among others, written as it may be.
fn keeps(key: &serde_json::Value, others: &[serde_json::Value]) -> bool {
    let alone = |key: &serde_json::Value| Jwks::Inline { keys: vec![key.clone()] };
    others.iter().any(|other| alone(other).is_equivalent(&alone(key)))
}
