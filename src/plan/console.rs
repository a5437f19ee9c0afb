//! What the API refuses to the engine and the Console does: found before anything is sent.
//!
//! Such a thing is held back with everything that needs it, and the rest of the plan goes on. Once
//! a person has done it, the next plan finds it done.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Address, Kind, State};
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::change::{Action, Change};
use super::operation::Operation;
use super::plan_data::{Plan, Step};
use crate::diagnostic::Diagnostic;
use crate::resource::{Caller, Observed, OrganizationRole};

/// The scopes of rules that the API lets an OAuth caller create, change and archive.
pub const MANAGED_SCOPES: [&str; 2] = ["workspace:inference", "workspace:developer"];

/// Something that a person has to do in the Console, or that waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsoleTask {
    /// The declared thing.
    pub address: Address,
    /// What is to be done with it.
    pub action: Action,
    /// Why the engine does not do it, as a whole sentence.
    pub why: String,
    /// What to do, as a whole sentence.
    pub how: String,
    /// The thing that has to be done by hand first; none when this is the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Address>,
    /// The attributes before; none for a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Attributes>,
    /// The attributes after; none for an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Attributes>,
    /// Names of attributes known only once what it needs exists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What the judgement needs to know.
pub(super) struct Judge<'a> {
    pub(super) state: &'a State,
    pub(super) observed: &'a Observed,
    pub(super) caller: Caller,
}

/// Tells whether a rule with these scopes is out of the API's reach.
pub(super) fn is_console_scope(scope: &str) -> bool {
    scope.split_whitespace().any(|word| !MANAGED_SCOPES.contains(&word))
}

impl Judge<'_> {
    /// Why only a person can do this, if so, and what that person does.
    fn judge(&self, operation: &Operation) -> Option<(String, String)> {
        match operation {
            Operation::CreateRule { arguments, .. } => scope_why(&arguments.oauth_scope).map(|why| {
                let how = "In the Console (Settings, Workload identity), create the rule with exactly these values, then plan again: it is taken under care as it is.";
                (why, how.to_owned())
            }),
            Operation::UpdateRule { address, arguments, .. } => {
                let why = scope_why(&arguments.oauth_scope).or_else(|| self.rule_why(address));
                why.map(|why| (why, change_by_hand("rule")))
            }
            Operation::EnableWorkspace { address, .. } | Operation::DisableWorkspace { address, .. } => {
                self.rule_why(address).map(|why| (why, change_by_hand("rule")))
            }
            Operation::Archive { address } if address.kind() == Kind::FederationRule => {
                self.rule_why(address).map(|why| {
                    (why, "In the Console (Settings, Workload identity), archive the rule, then plan again.".to_owned())
                })
            }
            Operation::UpdateIssuer { address, .. } => {
                self.issuer_why(address).map(|why| (why, change_by_hand("issuer")))
            }
            Operation::CreateServiceAccount { arguments, .. }
                if arguments.organization_role == OrganizationRole::Admin =>
            {
                self.role_why().map(|why| {
                    let how = "Run this apply once with a person's login (`ant auth login --scope org:admin`), or create the account in the Console with exactly these values and plan again.";
                    (why, how.to_owned())
                })
            }
            Operation::UpdateServiceAccount { organization_role: Some(role), .. }
                if role == OrganizationRole::Admin.word() =>
            {
                self.role_why().map(|why| {
                    let how = "Run this apply once with a person's login (`ant auth login --scope org:admin`), or change the account in the Console and plan again.";
                    (why, how.to_owned())
                })
            }
            _ => None,
        }
    }

    fn rule_why(&self, address: &Address) -> Option<String> {
        let record = self.state.records.get(address)?;
        scope_why(&self.observed.rules.get(&record.id)?.arguments.oauth_scope)
    }

    /// An issuer answers for all its rules, those of other teams included.
    fn issuer_why(&self, address: &Address) -> Option<String> {
        let id = &self.state.records.get(address)?.id;
        let rule = self.observed.rules.values().find(|rule| {
            rule.provenance.archived_at.is_none()
                && rule.arguments.issuer_id == *id
                && is_console_scope(&rule.arguments.oauth_scope)
        })?;
        Some(format!(
            "The API lets only the Console change an issuer that backs a rule with a scope like `{}`, and this one backs the rule {} ({}).",
            rule.arguments.oauth_scope, rule.arguments.name, rule.id
        ))
    }

    fn role_why(&self) -> Option<String> {
        (self.caller == Caller::Workload).then(|| {
            "Only a person may give a service account the role `admin`, and the credential of this run belongs to a workload.".to_owned()
        })
    }
}

fn scope_why(scope: &str) -> Option<String> {
    is_console_scope(scope).then(|| {
        format!(
            "The API lets only the Console create, change and archive rules with the scope `{scope}`; through the API rules have the scopes {}.",
            MANAGED_SCOPES.join(" and ")
        )
    })
}

fn change_by_hand(noun: &str) -> String {
    format!(
        "In the Console (Settings, Workload identity), change the {noun} to these values, then plan again."
    )
}

/// Takes the steps that only a person can do out of a plan, with all that need them, and their
/// changes with them.
pub(super) fn hold_back(
    steps: &mut Vec<Step>,
    changes: &mut Vec<Change>,
    judge: &Judge<'_>,
) -> Vec<ConsoleTask> {
    let mut held: BTreeMap<Address, (String, String)> = BTreeMap::new();
    for step in steps.iter() {
        if let Some(reason) = judge.judge(&step.operation) {
            held.entry(step.operation.target().address.clone()).or_insert(reason);
        }
    }
    let mut waiting: BTreeMap<Address, Address> = BTreeMap::new();
    let mut gone: BTreeMap<String, Address> = BTreeMap::new();
    // Steps may stand in any order, so this goes on until nothing more is held back.
    loop {
        let before = gone.len();
        for step in steps.iter() {
            let address = step.operation.target().address;
            // These call nothing, so nobody can refuse them.
            let is_note = matches!(step.operation, Operation::Adopt { .. } | Operation::Forget { .. });
            if is_note || gone.contains_key(&step.id) {
                continue;
            }
            let root = step.after.iter().find_map(|id| gone.get(id)).filter(|root| *root != address);
            if let (Some(root), false) = (root, held.contains_key(address)) {
                waiting.entry(address.clone()).or_insert_with(|| root.clone());
            }
            if let Some(root) = waiting.get(address).or_else(|| held.contains_key(address).then_some(address))
            {
                gone.insert(step.id.clone(), root.clone());
            }
        }
        if gone.len() == before {
            break;
        }
    }
    steps.retain(|step| !gone.contains_key(&step.id));
    steps.iter_mut().for_each(|step| step.after.retain(|id| !gone.contains_key(id)));
    let all: BTreeSet<&Address> = held.keys().chain(waiting.keys()).collect();
    let tasks = changes
        .iter()
        .filter(|change| all.contains(&change.address))
        .map(|change| task(change, held.get(&change.address), waiting.get(&change.address)))
        .collect();
    changes.retain(|change| !all.contains(&change.address));
    tasks
}

/// Ids that are not known yet come with the steps that go on.
fn first_apply(change: &Change) -> &'static str {
    match change.unknown.iter().any(|name| name != "id") {
        true => "Apply first, so that the ids it refers to are known. ",
        false => "",
    }
}

fn task(change: &Change, reason: Option<&(String, String)>, root: Option<&Address>) -> ConsoleTask {
    let (why, how) = match (reason, root) {
        (Some((why, how)), _) => (why.clone(), format!("{}{how}", first_apply(change))),
        (None, root) => {
            let root = root.map_or_else(String::new, Address::to_string);
            (
                format!("It needs {root}, which a person has to see to first."),
                format!("Plan again once {root} is done."),
            )
        }
    };
    ConsoleTask {
        address: change.address.clone(),
        action: change.action,
        why,
        how,
        waits_for: root.cloned(),
        before: change.before.clone(),
        after: change.after.clone(),
        unknown: change.unknown.clone(),
    }
}

/// Warns of steps that the API refuses to workloads, where it is not known who calls.
pub fn cautions(plan: &Plan, caller: Caller) -> Vec<Diagnostic> {
    let gives_admin = |operation: &Operation| match operation {
        Operation::CreateServiceAccount { arguments, .. } => {
            arguments.organization_role == OrganizationRole::Admin
        }
        Operation::UpdateServiceAccount { organization_role: Some(role), .. } => {
            role == OrganizationRole::Admin.word()
        }
        _ => false,
    };
    if caller != Caller::Unknown {
        return Vec::new();
    }
    let steps = plan.steps.iter().filter(|step| gives_admin(&step.operation));
    steps
        .map(|step| {
            let address = step.operation.target().address;
            Diagnostic::warning("May be refused to a workload")
                .address(address)
                .detail(format!(
                    "{address} is given the role `admin`, which only a person may do. The token in ANTHROPIC_AUTH_TOKEN does not tell whether a person or a workload stands behind it."
                ))
                .hint("use a person's login for this apply: `ant auth login --scope org:admin`, and ANTHROPIC_AUTH_TOKEN unset")
        })
        .collect()
}

#[cfg(test)]
mod tests;
