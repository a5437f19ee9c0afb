//! What a step takes from workloads that federate.
//!
//! The planner answers the same question with other code, on purpose.

use std::collections::BTreeSet;

use keyless_state::{Address, Binding, Grant, Record};
use serde_json::Value;

use super::invariant::{Invariant, Violation};
use super::known::{Known, Place};
use super::steps::broken;
use crate::matching::{self, DEFAULT_AUDIENCE};
use crate::plan::{self, Operation, Step};
use crate::resource::{IssuerArguments, Jwks, Match, RuleArguments, RuleWorkspaces};

/// Demands that a step takes from nobody what it federates through, those apart that `is_spared` tells.
pub(super) fn keep(
    step: &Step,
    moment: &Known<'_>,
    is_spared: impl Fn(&Place<'_>) -> bool,
    found: &mut Vec<Violation>,
) {
    let all = moment.cut_off(&step.operation);
    let is_known = !all.is_empty();
    let lost = all.into_iter().filter(|(place, _)| !is_spared(place));
    let lost: Vec<String> =
        lost.map(|((lane, consumer), why)| format!("{consumer} of {lane} ({why})")).collect();
    if !lost.is_empty() {
        let what = format!("that it takes away what these live off: {}", lost.join(", "));
        found.push(broken(Invariant::I15, step, what, "nobody to live off what goes"));
    } else if let Operation::Archive { address } = &step.operation
        && !is_known
        && let Some(what) = moment.unexplained_use(address)
    {
        found.push(broken(Invariant::I3, step, what, "nobody to live off what goes"));
    }
}

/// What a workload may live off, by ids.
struct Rests<'a> {
    /// Rule, service account, issuer; none where it may be anything.
    on: Option<[&'a str; 3]>,
    workspace: Option<&'a str>,
    binding: &'a Binding,
}

impl<'a> Rests<'a> {
    fn of(grant: &'a Grant, binding: &'a Binding) -> Option<Rests<'a>> {
        match grant {
            Grant::Key => None,
            Grant::Unresolved => Some(Rests { on: None, workspace: None, binding }),
            Grant::Rule { rule_id, service_account_id, issuer_id, workspace_id } => Some(Rests {
                on: Some([rule_id, service_account_id, issuer_id]),
                workspace: workspace_id.as_deref(),
                binding,
            }),
        }
    }

    fn rests_on(&self, id: &str) -> bool {
        self.on.is_none_or(|on| on.contains(&id))
    }
}

impl<'a> Known<'a> {
    /// The workloads that a step on a recorded object would leave without what they federate through, and
    /// why.
    fn cut_off(&self, operation: &Operation) -> Vec<(Place<'a>, String)> {
        let address = operation.address();
        if let Operation::Archive { .. } = operation {
            let lives = self.lives_off(address).into_iter();
            return lives.map(|place| (place, "that would be archived".to_owned())).collect();
        }
        let takes = matches!(
            operation,
            Operation::UpdateRule { .. }
                | Operation::UpdateIssuer { .. }
                | Operation::DisableWorkspace { .. }
                | Operation::RemoveMembership { .. }
        );
        let Some(record) = self.state.records.get(address).filter(|_| takes) else { return Vec::new() };
        let is_live = |it: &&Binding| it.ended.is_none() && it.grant != Grant::Key;
        let live = self.bindings(&record.id).into_iter().filter(is_live);
        let lost = live.filter_map(|binding| {
            let mut rests = binding.grants().filter_map(|grant| Rests::of(grant, binding));
            let why = rests.find_map(|rests| self.taken(operation, record, &rests))?;
            Some(((&binding.lane, &binding.consumer), why))
        });
        lost.collect()
    }

    /// What an operation in place takes from a workload.
    fn taken(&self, operation: &Operation, record: &Record, rests: &Rests<'_>) -> Option<String> {
        if !rests.rests_on(&record.id) {
            return None;
        }
        let had = |name: &str| record.attributes.get(name);
        match operation {
            Operation::UpdateRule { service_account, arguments, .. } => self
                .account_taken(service_account.as_ref(), arguments, record, rests)
                .or_else(|| self.rule_narrowed(arguments, record, rests)),
            Operation::UpdateIssuer { arguments, .. } => self.issuer_narrowed(arguments, record),
            Operation::DisableWorkspace { workspace_id, .. } => {
                let had = had("workspace_ids").and_then(Value::as_array);
                let known = had.is_none_or(|ids| ids.iter().any(|id| id == workspace_id));
                (known && self.is_its(workspace_id, rests)).then(|| format!("workspace {workspace_id}"))
            }
            Operation::RemoveMembership { workspace_id, .. } => {
                let had = had("memberships").and_then(Value::as_object);
                let known = had.is_none_or(|roles| roles.contains_key(workspace_id));
                (known && self.is_its(workspace_id, rests)).then(|| format!("workspace {workspace_id}"))
            }
            _ => None,
        }
    }

    /// Tells whether a workspace is the one of a workload, or may be.
    fn is_its(&self, id: &str, rests: &Rests<'_>) -> bool {
        let plain = |id: &str| match id {
            // The default workspace has two names.
            "default" => {
                let default = self.observed.workspaces.values().find(|it| it.is_default);
                default.map_or(id.to_owned(), |it| it.id.clone())
            }
            _ => id.to_owned(),
        };
        rests.workspace.is_none_or(|own| plain(own) == plain(id))
    }

    fn account_taken(
        &self,
        account: Option<&Address>,
        wanted: &RuleArguments,
        record: &Record,
        rests: &Rests<'_>,
    ) -> Option<String> {
        let recorded = record.attributes.get("service_account_id").and_then(Value::as_str);
        let own = rests.on.map(|[_, account, _]| account).or(recorded);
        let becomes = match account {
            Some(account) => self.state.records.get(account).map(|it| it.id.as_str()),
            None => Some(wanted.service_account_id.as_str()),
        };
        (becomes != own).then(|| "another service account".to_owned())
    }

    /// What a rule gives now and would not give any more. A return to what is recorded takes nothing: a
    /// workload was proved with that.
    fn rule_narrowed(&self, wanted: &RuleArguments, record: &Record, rests: &Rests<'_>) -> Option<String> {
        let after = plan::rule(wanted);
        let returns = |name: &str| after.get(name) == record.attributes.get(name);
        let returns_to_workspaces = returns("workspace_ids") && returns("applies_to_all_workspaces");
        if returns("match") && returns("oauth_scope") && returns_to_workspaces {
            return None;
        }
        let Some(now) = self.observed.rules.get(&record.id) else {
            return Some("a rule that is not seen".to_owned());
        };
        let now = &now.arguments;
        let scopes = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        if !scopes(&now.oauth_scope).is_subset(&scopes(&wanted.oauth_scope)) {
            return Some("a narrower scope".to_owned());
        }
        if let (RuleWorkspaces::All, RuleWorkspaces::These(ids)) = (&now.workspaces, &wanted.workspaces)
            && !(rests.workspace.is_some() && ids.iter().any(|id| self.is_its(id, rests)))
        {
            return Some("fewer workspaces".to_owned());
        }
        if implied(&now.matching, &wanted.matching) {
            return None;
        }
        let identities = &rests.binding.identities;
        let is_let_in = audience_stays(&now.matching, &wanted.matching)
            && !identities.is_empty()
            && identities
                .iter()
                .all(|it| matching::matches_claims(&wanted.matching, &it.claims, false).is_ok());
        (!is_let_in).then(|| "a match that does not let it in for certain".to_owned())
    }

    fn issuer_narrowed(&self, wanted: &IssuerArguments, record: &Record) -> Option<String> {
        let after = plan::issuer(wanted);
        let returns = |(name, value): (&String, &Value)| name == "name" || after.get(name) == Some(value);
        if record.attributes.iter().all(returns) && after.len() == record.attributes.len() {
            return None;
        }
        let Some(now) = self.observed.issuers.get(&record.id) else {
            return Some("an issuer that is not seen".to_owned());
        };
        let now = &now.arguments;
        let keeps_keys = match (&now.jwks, &wanted.jwks) {
            (Jwks::Inline { keys }, Jwks::Inline { .. }) => keys.iter().all(|key| has_key(&wanted.jwks, key)),
            _ => now.jwks.is_equivalent(&wanted.jwks),
        };
        let keeps = now.issuer_url == wanted.issuer_url
            && keeps_keys
            && (now.check_jti || !wanted.check_jti)
            && now.max_jwt_lifetime_seconds <= wanted.max_jwt_lifetime_seconds;
        (!keeps).then(|| "an issuer that takes less".to_owned())
    }
}

fn has_key(among: &Jwks, key: &Value) -> bool {
    let Jwks::Inline { keys } = among else { return false };
    let alone = |key: &Value| Jwks::Inline { keys: vec![key.clone()] };
    keys.iter().any(|other| alone(other).is_equivalent(&alone(key)))
}

fn audience_stays(now: &Match, wanted: &Match) -> bool {
    now.audience == wanted.audience
        || (wanted.audience.is_none() && now.audience.as_deref() == Some(DEFAULT_AUDIENCE))
}

/// Tells whether what `now` asks of a token implies all that `wanted` asks of it.
pub(super) fn implied(now: &Match, wanted: &Match) -> bool {
    let subject = wanted.subject_prefix.as_deref().is_none_or(|wanted| match &now.subject_prefix {
        None => false,
        Some(now) if now == wanted => true,
        // Whatever begins with the longer one begins with the shorter one.
        Some(now) => wanted
            .strip_suffix('*')
            .is_some_and(|prefix| now.strip_suffix('*').unwrap_or(now).starts_with(prefix)),
    });
    subject
        && wanted.claims.iter().all(|claim| now.claims.iter().any(|asked| asked == claim))
        && (wanted.condition.is_none() || wanted.condition == now.condition)
        && audience_stays(now, wanted)
}
