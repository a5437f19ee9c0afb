//! In which workspace a workload works, before and after.

use std::collections::BTreeSet;

use keyless_state::{Address, Binding, ConsumerId, Grant, State};

use super::refused::Refused;
use crate::config::{ApiKey, Configuration, Consumer, WorkspaceChoice, WorkspaceRef};
use crate::resource::{ApiKeyObject, KeyScope, Observed};

/// The name of the default workspace that needs no look-up.
pub(super) const DEFAULT: &str = "default";

/// The workspace of a key; none when it is one of the whole organization, or not known.
pub(super) fn of_key(key: Option<&ApiKeyObject>) -> Option<&str> {
    match &key?.scope {
        KeyScope::Workspace(id) => Some(id.as_deref().unwrap_or(DEFAULT)),
        KeyScope::Organization => None,
    }
}

/// Whether two ids are those of one workspace: the default one has two.
pub(super) fn is_same(a: &str, b: &str, observed: &Observed) -> bool {
    canonical(a, observed) == canonical(b, observed)
}

/// The id of a workspace, whichever of its names is given.
pub(super) fn canonical<'a>(id: &'a str, observed: &'a Observed) -> &'a str {
    match id {
        DEFAULT => observed.workspaces.values().find(|it| it.is_default).map_or(id, |it| it.id.as_str()),
        _ => id,
    }
}

/// The workspace in which a consumer's workload is to work: the one that its block says; else the one in which
/// it works, as long as its rule covers that; else the one of its key; else the first of the rule.
pub fn workspace_for(
    key: &ApiKey,
    id: &ConsumerId,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> Option<String> {
    let consumer = key.consumers.get(id)?;
    let is_found = |id: &String| !id.is_empty();
    if let Some(chosen) = &consumer.workspace {
        return Some(workspace_id(chosen)).filter(is_found);
    }
    let covered: Option<Vec<String>> = match &configuration.federation_rules.get(&consumer.rule)?.workspaces {
        WorkspaceChoice::All => None,
        WorkspaceChoice::These(these) => Some(these.iter().map(workspace_id).collect()),
    };
    let covers = |wanted: &&str| match &covered {
        None => true,
        Some(ids) => ids.iter().any(|id| is_same(id, wanted, observed)),
    };
    let stays = state.binding(&key.id, id).and_then(of_binding).filter(covers);
    let own = of_key(observed.api_keys.get(&key.id)).filter(covers);
    let known = stays.or(own).map(str::to_owned);
    known
        .or_else(|| covered.map_or_else(|| Some(DEFAULT.to_owned()), |ids| ids.into_iter().next()))
        .filter(is_found)
}

/// The workspace that a workload's settings name.
fn of_binding(binding: &Binding) -> Option<&str> {
    match &binding.grant {
        Grant::Rule { workspace_id, .. } => workspace_id.as_deref(),
        Grant::Key | Grant::Unresolved => None,
    }
}

/// The rule that a workload's settings name.
fn of_rule(binding: &Binding) -> Option<&str> {
    match &binding.grant {
        Grant::Rule { rule_id, .. } => Some(rule_id),
        Grant::Key | Grant::Unresolved => None,
    }
}

/// Workloads that would come to work in another workspace than their key does, without anybody having said
/// so, and those whose block names one that their rule does not cover.
pub(super) fn problems(
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    workspace_id: impl Fn(&WorkspaceRef) -> String,
) -> Vec<Refused> {
    let mut problems = Vec::new();
    for (address, key) in &configuration.api_keys {
        for (id, consumer) in &key.consumers {
            let Some(rule) = configuration.federation_rules.get(&consumer.rule) else { continue };
            let covered: BTreeSet<String> = match &rule.workspaces {
                WorkspaceChoice::These(these) => these.iter().map(&workspace_id).collect(),
                // Everywhere means where its account is a member.
                WorkspaceChoice::All => {
                    let account = configuration.service_accounts.get(&rule.service_account);
                    let own = account.into_iter().flat_map(|account| account.memberships.keys());
                    own.map(&workspace_id).chain([DEFAULT.to_owned()]).collect()
                }
            };
            let chosen = consumer.workspace.as_ref().map(&workspace_id);
            if covered.iter().chain(&chosen).any(String::is_empty) {
                // A workspace that is not found is told by itself.
                continue;
            }
            let covers = |wanted: &str| covered.iter().any(|id| is_same(id, wanted, observed));
            let place = Place { address, key, name: id, consumer, covered: &covered, observed };
            let binding = state.binding(&key.id, id);
            if let Some(chosen) = chosen {
                let record = state.records.get(&consumer.rule).map(|record| record.id.as_str());
                let stays = binding.filter(|binding| of_rule(binding) == record).and_then(of_binding);
                if !covers(&chosen) {
                    problems.push(place.not_covered(&chosen));
                } else if let Some(own) = stays.filter(|own| !is_same(own, &chosen, observed)) {
                    problems.push(place.unproved(own, &chosen));
                }
                continue;
            }
            // One that has moved works where it works by now.
            if binding.is_some_and(|binding| !binding.has_key()) {
                continue;
            }
            if let Some(own) = of_key(observed.api_keys.get(&key.id)).filter(|own| !covers(own)) {
                problems.push(place.elsewhere(own));
            }
        }
    }
    problems
}

/// What is refused where nobody has said that a workload is to move.
const ELSEWHERE: &str = "Workload would change its workspace";

/// One consumer with its rule.
struct Place<'a> {
    address: &'a Address,
    key: &'a ApiKey,
    name: &'a ConsumerId,
    consumer: &'a Consumer,
    covered: &'a BTreeSet<String>,
    observed: &'a Observed,
}

impl Place<'_> {
    fn said(&self, id: &str) -> String {
        match self.observed.workspaces.get(canonical(id, self.observed)) {
            Some(workspace) => format!("{} ({})", workspace.name, workspace.id),
            None => id.to_owned(),
        }
    }

    fn covered(&self) -> String {
        self.covered.iter().map(|id| self.said(id)).collect::<Vec<_>>().join(", ")
    }

    fn not_covered(&self, chosen: &str) -> Refused {
        let rule = &self.consumer.rule;
        let why = format!(
            "{} ({}:{}) is to work in {}, and its rule {rule} covers {}. Its calls would be refused.",
            self.name,
            self.consumer.location.file,
            self.consumer.location.line,
            self.said(chosen),
            self.covered()
        );
        let fix = format!("add the workspace to `workspaces` of {rule}, and its account to the workspace");
        Refused::new(self.address, "Workspace is not one of the rule", why, fix)
    }

    /// Its rule was proved in another workspace, and its settings would be written anew without a proof.
    fn unproved(&self, own: &str, chosen: &str) -> Refused {
        let rule = &self.consumer.rule;
        let why = format!(
            "{} ({}:{}) works in {} without its key, and would be sent to {} before anything shows that it can work there.",
            self.name,
            self.consumer.location.file,
            self.consumer.location.line,
            self.said(own),
            self.said(chosen)
        );
        let fix = format!(
            "leave `workspace` as it was; or declare a second rule beside {rule} for the other workspace, name it in `replaced_by` and as the consumer's `rule`, and apply: it is proved before the settings are written"
        );
        Refused::new(self.address, ELSEWHERE, why, fix)
    }

    fn elsewhere(&self, own: &str) -> Refused {
        let rule = &self.consumer.rule;
        let why = format!(
            "The key {} works in {}, and {rule}, through which {} ({}:{}) is to federate, covers {}. In another workspace it meets other limits, and neither files nor batches of before.",
            self.key.id,
            self.said(own),
            self.name,
            self.consumer.location.file,
            self.consumer.location.line,
            self.covered()
        );
        let fix = format!(
            "add {} to `workspaces` of {rule}, and its account to the workspace; or, where the move is meant, write `workspace = …` in the block of {}",
            self.said(own),
            self.name
        );
        Refused::new(self.address, ELSEWHERE, why, fix)
    }
}

#[cfg(test)]
mod tests {
    use keyless_state::Binding;

    use super::*;
    use crate::binding;
    use crate::sample::{CONSUMER, KEY, RULE, address, built, consumer_id, hour, these};

    const A: &str = "wrkspc_a";
    const B: &str = "wrkspc_b";

    struct Case {
        key: KeyScope,
        rule: &'static [&'static str],
        chosen: Option<&'static str>,
        bound: Option<&'static str>,
    }

    fn id_of(workspace: &WorkspaceRef) -> String {
        match workspace {
            WorkspaceRef::Id(id) => id.clone(),
            WorkspaceRef::Data(data) => unreachable!("nothing looks {data} up"),
        }
    }

    /// Where the workload is to work, and what is refused.
    fn judge(case: Case) -> (String, Vec<String>) {
        let (mut configuration, mut state, mut observed) = built();
        observed.workspaces.get_mut("wrkspc_c").unwrap().is_default = true;
        observed.api_keys.get_mut("apikey_1").unwrap().scope = case.key;
        let rule = configuration.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.workspaces = if case.rule.is_empty() { WorkspaceChoice::All } else { these(case.rule) };
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        let id = consumer_id(CONSUMER);
        let chosen = case.chosen.map(|id| WorkspaceRef::Id(id.to_owned()));
        key.consumers.get_mut(&id).unwrap().workspace = chosen;
        if case.bound.is_some() {
            let grant = binding::grant(&state.records[&address(RULE)], case.bound);
            state.apply(&Binding::new("apikey_1", &address(KEY), &id, grant, hour(0)).put());
        }
        let key = &configuration.api_keys[&address(KEY)];
        let works = workspace_for(key, &id, &configuration, &state, &observed, id_of).unwrap();
        let problems = problems(&configuration, &state, &observed, id_of);
        (works, problems.into_iter().map(|it| it.summary).collect())
    }

    #[track_caller]
    fn check(case: Case, works: &str, refused: &[&str]) {
        assert_eq!(judge(case), (works.to_owned(), refused.iter().map(|it| (*it).to_owned()).collect()));
    }

    fn of(key: &str, rule: &'static [&'static str]) -> Case {
        Case { key: KeyScope::Workspace(Some(key.to_owned())), rule, chosen: None, bound: None }
    }

    #[test]
    fn a_workload_works_where_its_key_does() {
        check(of(A, &[A]), A, &[]);
        check(of(B, &[A, B]), B, &[]);
        check(of(B, &[A]), A, &[ELSEWHERE]);
        check(of(A, &[]), A, &[]);
        // The account is no member there.
        check(of(B, &[]), B, &[ELSEWHERE]);
        check(of("wrkspc_c", &[]), "wrkspc_c", &[]);
        let everywhere = |rule| Case { key: KeyScope::Organization, ..of(A, rule) };
        check(everywhere(&[B]), B, &[]);
        check(everywhere(&[]), DEFAULT, &[]);
        // An older API says nothing of the default workspace.
        let default = |rule| Case { key: KeyScope::Workspace(None), ..of(A, rule) };
        check(default(&[A, "wrkspc_c"]), DEFAULT, &[]);
        check(default(&[A]), A, &[ELSEWHERE]);
    }

    #[test]
    fn a_block_may_choose_another_one_that_its_rule_covers() {
        check(Case { chosen: Some(B), ..of(A, &[A, B]) }, B, &[]);
        check(Case { chosen: Some(B), ..of(A, &[B]) }, B, &[]);
        check(Case { chosen: Some(B), ..of(A, &[A]) }, B, &["Workspace is not one of the rule"]);
        check(Case { chosen: Some(B), ..of(A, &[]) }, B, &["Workspace is not one of the rule"]);
        check(Case { chosen: Some(A), ..of(B, &[]) }, A, &[]);
    }

    #[test]
    fn a_workload_that_has_moved_stays_where_it_is() {
        check(Case { bound: Some(B), ..of(A, &[A, B]) }, B, &[]);
        check(Case { bound: Some(B), ..of(A, &[B]) }, B, &[]);
        check(Case { bound: Some(B), ..of(A, &[]) }, B, &[]);
        check(Case { bound: Some(B), chosen: Some(B), ..of(A, &[A, B]) }, B, &[]);
        check(Case { bound: Some(B), chosen: Some(A), ..of(A, &[A, B]) }, A, &[ELSEWHERE]);
    }
}
