//! The operations that make a changed object what it was.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Kind, Record};
use serde_json::Value;

use crate::plan::{Attributes, Operation};
use crate::resource::{
    IssuerArguments, Match, OrganizationRole, RuleArguments, RuleWorkspaces, ServiceAccountArguments,
};

/// The operations that make an object what it was. Additions come before removals.
pub(crate) fn operations_to(address: &Address, now: &Record, then: &Record) -> Vec<Operation> {
    match address.kind() {
        Kind::Provider => issuer_arguments(&then.attributes)
            .map(|arguments| Operation::UpdateIssuer { address: address.clone(), arguments })
            .into_iter()
            .collect(),
        Kind::ServiceAccount => account_operations(address, now, then),
        Kind::FederationRule => rule_operations(address, now, then),
        Kind::ApiKey | Kind::Data => Vec::new(),
    }
}

fn issuer_arguments(attributes: &Attributes) -> Option<IssuerArguments> {
    serde_json::from_value(Value::Object(attributes.clone())).ok()
}

fn account_operations(address: &Address, now: &Record, then: &Record) -> Vec<Operation> {
    let (Some(old), Some(new)) = (account(&now.attributes), account(&then.attributes)) else {
        return Vec::new();
    };
    let mut operations = Vec::new();
    let description = (old.0.description != new.0.description).then(|| new.0.description.clone());
    let organization_role = (old.0.organization_role != new.0.organization_role)
        .then(|| new.0.organization_role.word().to_owned());
    if description.is_some() || organization_role.is_some() {
        operations.push(Operation::UpdateServiceAccount {
            address: address.clone(),
            description,
            organization_role,
        });
    }
    for (workspace_id, role) in &new.1 {
        if old.1.get(workspace_id) != Some(role) {
            operations.push(Operation::SetMembership {
                address: address.clone(),
                workspace_id: workspace_id.clone(),
                role: role.clone(),
            });
        }
    }
    for workspace_id in old.1.keys().filter(|id| !new.1.contains_key(*id)) {
        operations.push(Operation::RemoveMembership {
            address: address.clone(),
            workspace_id: workspace_id.clone(),
        });
    }
    operations
}

fn account(attributes: &Attributes) -> Option<(ServiceAccountArguments, BTreeMap<String, String>)> {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
    let memberships = serde_json::from_value(attributes.get("memberships")?.clone()).ok()?;
    let arguments = ServiceAccountArguments {
        name: text("name")?,
        description: text("description")?,
        organization_role: OrganizationRole::from_word(&text("organization_role")?),
    };
    Some((arguments, memberships))
}

fn rule_operations(address: &Address, now: &Record, then: &Record) -> Vec<Operation> {
    let (Some(old), Some(new)) = (rule(&now.attributes), rule(&then.attributes)) else { return Vec::new() };
    let none = BTreeSet::new();
    let ids = |workspaces: &RuleWorkspaces| match workspaces {
        RuleWorkspaces::All => none.clone(),
        RuleWorkspaces::These(ids) => ids.clone(),
    };
    let (had, wanted) = (ids(&old.workspaces), ids(&new.workspaces));
    let mut operations = Vec::new();
    for workspace_id in wanted.difference(&had) {
        operations.push(Operation::EnableWorkspace {
            address: address.clone(),
            workspace_id: workspace_id.clone(),
        });
    }
    let all = new.workspaces == RuleWorkspaces::All;
    let flag = ((old.workspaces == RuleWorkspaces::All) != all).then_some(all);
    let same = RuleArguments { workspaces: old.workspaces.clone(), ..new.clone() } == old;
    let of_kind = |kind: Kind| then.depends_on.iter().find(|address| address.kind() == kind).cloned();
    let provider = of_kind(Kind::Provider);
    if (flag.is_some() || !same)
        && let Some(provider) = provider
    {
        operations.push(Operation::UpdateRule {
            address: address.clone(),
            provider,
            service_account: of_kind(Kind::ServiceAccount),
            arguments: new,
            applies_to_all_workspaces: flag,
        });
    }
    if !all {
        for workspace_id in had.difference(&wanted) {
            operations.push(Operation::DisableWorkspace {
                address: address.clone(),
                workspace_id: workspace_id.clone(),
            });
        }
    }
    operations
}

fn rule(attributes: &Attributes) -> Option<RuleArguments> {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
    let matching = attributes.get("match")?;
    let part = |name: &str| matching.get(name).and_then(Value::as_str).map(str::to_owned);
    let claims = matching.get("claims").cloned().unwrap_or_else(|| Value::Object(Attributes::new()));
    let workspaces = match attributes.get("applies_to_all_workspaces")?.as_bool()? {
        true => RuleWorkspaces::All,
        false => {
            RuleWorkspaces::These(serde_json::from_value(attributes.get("workspace_ids")?.clone()).ok()?)
        }
    };
    Some(RuleArguments {
        name: text("name")?,
        description: text("description")?,
        issuer_id: text("issuer_id")?,
        matching: Match {
            subject_prefix: part("subject_prefix"),
            audience: part("audience"),
            claims: serde_json::from_value(claims).ok()?,
            condition: part("condition"),
        },
        service_account_id: text("service_account_id")?,
        oauth_scope: text("oauth_scope")?,
        token_lifetime_seconds: attributes.get("token_lifetime_seconds")?.as_i64()?,
        workspaces,
    })
}
