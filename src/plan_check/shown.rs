//! What is done is what is shown, and what is declared.
//!
//! A reviewer reads the changes, and the run follows the steps. Were they to differ, a rule could
//! admit more than anybody agreed to.

use keyless_state::Address;
use serde_json::{Value, json};

use super::invariant::{Invariant, Violation};
use super::known::Known;
use super::steps::{Steps, broken};
use crate::config::{WorkspaceChoice, WorkspaceKey, WorkspaceRef};
use crate::plan::{self, Attributes, Mode, Operation, Step};
use crate::resource::{IssuerArguments, RuleArguments, RuleWorkspaces};

pub(super) fn check(steps: &Steps<'_>, moment: Option<&Known<'_>>, found: &mut Vec<Violation>) {
    for step in steps.all() {
        compare(steps, step, found);
        if let Some(moment) = moment.filter(|_| steps.plan.mode == Mode::Apply) {
            declared(step, moment, found);
        }
    }
}

fn compare(steps: &Steps<'_>, step: &Step, found: &mut Vec<Violation>) {
    // The attributes that the plan says a thing has afterwards.
    let shown = || steps.change(step.operation.address()).and_then(|change| change.after.as_ref());
    let mut demand = |shown: Option<&Attributes>, name: &str, done: Option<&Value>| {
        let shown = shown.and_then(|shown| shown.get(name));
        if shown != done {
            let say = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            let what = format!("{name} = {}", say(done));
            found.push(broken(Invariant::I11, step, what, format!("{}, as the plan shows", say(shown))));
        }
    };
    match &step.operation {
        Operation::CreateRule { arguments, .. } | Operation::UpdateRule { arguments, .. } => {
            let (shown, done) = (shown(), plan::rule(arguments));
            for name in [
                "match",
                "oauth_scope",
                "token_lifetime_seconds",
                "applies_to_all_workspaces",
                "workspace_ids",
            ] {
                demand(shown, name, done.get(name));
            }
        }
        Operation::CreateIssuer { arguments, .. } | Operation::UpdateIssuer { arguments, .. } => {
            let (shown, done) = (shown(), plan::issuer(arguments));
            for name in ["issuer_url", "jwks", "check_jti", "max_jwt_lifetime_seconds"] {
                demand(shown, name, done.get(name));
            }
        }
        Operation::CreateServiceAccount { arguments, .. } => {
            demand(shown(), "organization_role", Some(&json!(arguments.organization_role.word())));
        }
        Operation::UpdateServiceAccount { organization_role: Some(role), .. } => {
            demand(shown(), "organization_role", Some(&json!(role)));
        }
        Operation::SetMembership { workspace_id, role, .. } => {
            let shown = shown().and_then(|shown| shown.get("memberships")?.get(workspace_id));
            if shown != Some(&json!(role)) {
                let what = format!("the role {role} in {workspace_id}");
                found.push(broken(Invariant::I11, step, what, "the memberships that the plan shows"));
            }
        }
        Operation::EnableWorkspace { workspace_id, .. } => {
            let shown = shown().and_then(|shown| shown.get("workspace_ids")?.as_array());
            if !shown.is_some_and(|ids| ids.contains(&json!(workspace_id))) {
                let what = format!("the workspace {workspace_id}");
                found.push(broken(Invariant::I11, step, what, "the workspaces that the plan shows"));
            }
        }
        _ => {}
    }
}

/// A plan for apply does what the configuration asks.
fn declared(step: &Step, moment: &Known<'_>, found: &mut Vec<Violation>) {
    let address = step.operation.address();
    let wrong = match &step.operation {
        Operation::CreateRule { arguments, provider, service_account, .. } => {
            rule(address, arguments, provider, Some(service_account), moment)
        }
        Operation::UpdateRule { arguments, provider, service_account, .. } => {
            rule(address, arguments, provider, service_account.as_ref(), moment)
        }
        Operation::CreateIssuer { arguments, .. } | Operation::UpdateIssuer { arguments, .. } => {
            issuer(address, arguments, moment)
        }
        Operation::CreateServiceAccount { arguments, .. } => {
            role(address, arguments.organization_role.word(), moment)
        }
        Operation::UpdateServiceAccount { organization_role: Some(word), .. } => role(address, word, moment),
        Operation::SetMembership { workspace_id, role, .. } => {
            let declared = moment.configuration.service_accounts.get(address);
            let has = declared.is_some_and(|account| {
                account.memberships.iter().any(|(workspace, declared)| {
                    declared == role && moment.is_workspace(workspace, workspace_id)
                })
            });
            (!has).then(|| format!("the role {role} in {workspace_id}"))
        }
        Operation::EnableWorkspace { workspace_id, .. } => {
            let declared = moment.configuration.federation_rules.get(address);
            let has = declared.is_some_and(|rule| match &rule.workspaces {
                WorkspaceChoice::All => false,
                WorkspaceChoice::These(these) => these.iter().any(|it| moment.is_workspace(it, workspace_id)),
            });
            (!has).then(|| format!("the workspace {workspace_id}"))
        }
        _ => None,
    };
    if let Some(what) = wrong {
        found.push(broken(Invariant::I11, step, what, "what the configuration declares"));
    }
}

fn rule(
    address: &Address,
    arguments: &RuleArguments,
    provider: &Address,
    account: Option<&Address>,
    moment: &Known<'_>,
) -> Option<String> {
    let Some(declared) = moment.configuration.federation_rules.get(address) else {
        return Some(format!("{address}, which is not declared"));
    };
    let workspaces = match (&declared.workspaces, &arguments.workspaces) {
        (WorkspaceChoice::All, RuleWorkspaces::All) => true,
        (WorkspaceChoice::These(these), RuleWorkspaces::These(ids)) => {
            ids.iter().all(|id| these.iter().any(|it| moment.is_workspace(it, id)))
        }
        _ => false,
    };
    let checks = [
        (arguments.matching == declared.matching, "another match"),
        (arguments.oauth_scope == declared.oauth_scope, "another scope"),
        (arguments.token_lifetime_seconds == declared.token_lifetime_seconds, "another token lifetime"),
        (*provider == declared.provider, "another issuer"),
        (account == Some(&declared.service_account), "another service account"),
        (workspaces, "other workspaces"),
    ];
    checks.iter().find(|(holds, _)| !holds).map(|(_, what)| (*what).to_owned())
}

fn issuer(address: &Address, arguments: &IssuerArguments, moment: &Known<'_>) -> Option<String> {
    let Some(declared) = moment.configuration.providers.get(address) else {
        return Some(format!("{address}, which is not declared"));
    };
    let same = arguments.issuer_url == declared.issuer_url && arguments.jwks == declared.jwks;
    (!same).then(|| "another issuer URL or other keys".to_owned())
}

fn role(address: &Address, word: &str, moment: &Known<'_>) -> Option<String> {
    let declared = moment.configuration.service_accounts.get(address);
    let same = declared.is_some_and(|account| account.organization_role.word() == word);
    (!same).then(|| format!("the role {word} in the organization"))
}

impl Known<'_> {
    /// Tells whether a reference of the configuration means the workspace with this id.
    fn is_workspace(&self, reference: &WorkspaceRef, id: &str) -> bool {
        match reference {
            WorkspaceRef::Id(declared) => declared == id,
            WorkspaceRef::Data(data) => {
                match self.configuration.workspaces.get(data).map(|lookup| &lookup.by) {
                    Some(WorkspaceKey::Id(declared)) => declared == id,
                    Some(WorkspaceKey::Name(name)) => {
                        self.observed.workspaces.get(id).is_some_and(|workspace| workspace.name == *name)
                    }
                    None => false,
                }
            }
        }
    }
}
