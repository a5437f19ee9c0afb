//! What has to be done for a federation rule.

use std::collections::BTreeSet;

use keyless_state::{Address, State};

use super::super::attributes;
use super::super::change::Action;
use super::super::declared::rule_arguments;
use super::super::operation::Operation;
use super::super::refused::Refused;
use super::super::undo::Undo;
use super::name::Names;
use super::{Diff, adopt, differing, live, predecessor, taken};
use crate::config::FederationRule;
use crate::resource::{Observed, RuleArguments, RuleObject, RuleWorkspaces};

pub(super) fn compare_rule(
    address: &Address,
    rule: &FederationRule,
    names: &Names<'_>,
    state: &State,
    observed: &Observed,
    diff: &mut Diff,
) {
    let id_of = |address: &Address| match state.records.get(address) {
        Some(record) => record.id.clone(),
        None => diff.adopted_id(address).unwrap_or_default(),
    };
    let mut arguments = rule_arguments(rule, id_of, |workspace| diff.workspace_id(workspace));
    let recorded = state.records.get(address).and_then(|record| observed.rules.get(&record.id));
    arguments.name = names.at_api(&rule.name, recorded.map(|it| it.arguments.name.as_str()));
    let depends_on = vec![rule.provider.clone(), rule.service_account.clone()];
    diff.depends_on.insert(address.clone(), depends_on.clone());
    if let Some(lost) = depends_on.iter().find(|it| diff.is_lost(it)) {
        let why = format!("{address} needs {lost}, which somebody archived.");
        diff.lose(address, Some(lost.clone()), why);
        return;
    }
    if let Some(refused) = depends_on.iter().find_map(|it| diff.tied.get(it)).cloned() {
        diff.tie(address, &refused);
        return;
    }
    let mut unknown: Vec<String> = Vec::new();
    for (id, name) in
        [(&arguments.issuer_id, "issuer_id"), (&arguments.service_account_id, "service_account_id")]
    {
        if id.is_empty() {
            unknown.push(name.to_owned());
        }
    }
    let after = attributes::rule(&arguments);
    let shown = |object: &RuleObject| attributes::rule(&object.arguments);
    let object = match state.records.get(address) {
        Some(record) => {
            let object = observed.rules.get(&record.id);
            let now = object.map(shown);
            if !diff.note_drift(address, record, now.as_ref().zip(object.map(|o| &o.provenance))) {
                return;
            }
            object
        }
        None => {
            if let Some(object) =
                live(observed.rules.values(), |o| (&o.arguments.name, &o.provenance), &arguments.name)
            {
                let now = shown(object);
                let differs = differing(&now, &after);
                if !differs.is_empty() {
                    diff.refuse(taken(address, &object.id, &differs));
                    return;
                }
                adopt(address, &object.id, depends_on, now, state, diff);
                return;
            }
            None
        }
    };
    let Some(object) = object else {
        unknown.insert(0, "id".to_owned());
        diff.change(address, Action::Create, predecessor(address, state), after, unknown);
        create_rule(address, rule, arguments, diff);
        return;
    };
    if object.target_type != "service_account" {
        diff.refuse(Refused::new(
            address,
            "Rule for another kind of target",
            format!(
                    "{address} ({}) lets tokens become a `{}` by now, and this version of keyless knows service accounts only, so it changes nothing of the rule.",
                object.id, object.target_type
            ),
            "point the rule at its service account again in the Console, or drop the block and leave the rule as it is",
        ));
        return;
    }
    let before = shown(object);
    if object.arguments.issuer_id != arguments.issuer_id {
        let change = Operation::UpdateRule {
            address: address.clone(),
            provider: rule.provider.clone(),
            service_account: Some(rule.service_account.clone()),
            arguments,
            applies_to_all_workspaces: None,
        };
        diff.immutable(address, Some(change), "provider", &rule.provider.to_string());
        return;
    }
    if before == after {
        diff.change(address, Action::NoOp, Some(before), after, Vec::new());
        return;
    }
    diff.change(address, Action::Update, Some(before), after, unknown);
    update_rule(address, rule, arguments, object, diff);
}

fn create_rule(address: &Address, rule: &FederationRule, arguments: RuleArguments, diff: &mut Diff) {
    let others: Vec<String> = match &arguments.workspaces {
        RuleWorkspaces::All => Vec::new(),
        // The create itself enables the first one.
        RuleWorkspaces::These(ids) => ids.iter().skip(1).cloned().collect(),
    };
    let operation = Operation::CreateRule {
        address: address.clone(),
        provider: rule.provider.clone(),
        service_account: rule.service_account.clone(),
        arguments,
    };
    diff.add(
        operation,
        Undo::Possible { how: "archive it".to_owned(), leaves: "an archived rule".to_owned() },
    );
    for workspace_id in others {
        let undo = Undo::possible(format!("disable it in {workspace_id}"));
        diff.add(Operation::EnableWorkspace { address: address.clone(), workspace_id }, undo);
    }
}

fn update_rule(
    address: &Address,
    rule: &FederationRule,
    arguments: RuleArguments,
    object: &RuleObject,
    diff: &mut Diff,
) {
    let empty = BTreeSet::new();
    let ids = |workspaces: &RuleWorkspaces| match workspaces {
        RuleWorkspaces::All => empty.clone(),
        RuleWorkspaces::These(ids) => ids.clone(),
    };
    let (had, wanted) = (ids(&object.arguments.workspaces), ids(&arguments.workspaces));
    let had_all = object.arguments.workspaces == RuleWorkspaces::All;
    let wants_all = arguments.workspaces == RuleWorkspaces::All;
    // Additions come before anything is taken away, so that the set is never empty in between.
    for workspace_id in wanted.difference(&had) {
        let undo = Undo::possible(format!("disable it in {workspace_id}"));
        diff.add(
            Operation::EnableWorkspace { address: address.clone(), workspace_id: workspace_id.clone() },
            undo,
        );
    }
    let flag = (had_all != wants_all).then_some(wants_all);
    let same_but_workspaces =
        RuleArguments { workspaces: object.arguments.workspaces.clone(), ..arguments.clone() }
            == object.arguments;
    if flag.is_some() || !same_but_workspaces {
        let operation = Operation::UpdateRule {
            address: address.clone(),
            provider: rule.provider.clone(),
            service_account: Some(rule.service_account.clone()),
            arguments,
            applies_to_all_workspaces: flag,
        };
        diff.add(operation, Undo::possible("set the old values again"));
    }
    if !wants_all {
        for workspace_id in had.difference(&wanted) {
            let undo = Undo::possible(format!("enable it in {workspace_id} again"));
            diff.add(
                Operation::DisableWorkspace { address: address.clone(), workspace_id: workspace_id.clone() },
                undo,
            );
        }
    }
}
