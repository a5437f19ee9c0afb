//! What is truly so while a plan is carried out: objects, places and what workloads can do.
//!
//! A third reading of the API, after those of planner and checker, and as small as it can be.

use std::collections::BTreeMap;

use keyless_state::{Address, ConsumerId};
use serde_json::{Map, Value};

use crate::config::Configuration;
use crate::plan::Operation;
use crate::resource::{
    KeyStatus, Observed, Provenance, RuleArguments, RuleObject, RuleWorkspaces, ServiceAccountObject,
};
use crate::sample::{hour, issuer_object, rule_object};

/// A lane with one of its consumers.
pub(super) type Spot = (Address, ConsumerId);

/// What federation settings name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Names {
    pub(super) rule: String,
    pub(super) account: String,
    pub(super) workspace: Option<String>,
}

/// A workload with the file that it reads.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) key_id: String,
    pub(super) holds_key: bool,
    pub(super) names: Option<Names>,
    pub(super) claims: Map<String, Value>,
}

#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) configuration: Configuration,
    pub(super) observed: Observed,
    pub(super) ids: BTreeMap<Address, String>,
    pub(super) workloads: BTreeMap<Spot, Workload>,
}

/// What carrying out a plan did that it must not do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// A workload that worked does not work any more.
    CutOff(String),
    /// What a block declares is gone.
    Declared(Address),
}

fn is_live(provenance: &Provenance) -> bool {
    provenance.archived_at.is_none()
}

impl Truth {
    /// Who can work, by its own call.
    pub(super) fn working(&self) -> Vec<Spot> {
        let all = self.workloads.iter();
        all.filter(|(_, workload)| self.works(workload)).map(|(spot, _)| spot.clone()).collect()
    }

    fn works(&self, workload: &Workload) -> bool {
        match (workload.holds_key, &workload.names) {
            // A key in its place wins, whether it works or not.
            (true, _) => self.observed.api_keys[&workload.key_id].status == KeyStatus::Active,
            (false, Some(names)) => self.federates(&workload.claims, names),
            (false, None) => false,
        }
    }

    fn federates(&self, claims: &Map<String, Value>, names: &Names) -> bool {
        let Some(rule) = self.observed.rules.get(&names.rule).filter(|it| is_live(&it.provenance)) else {
            return false;
        };
        let arguments = &rule.arguments;
        let issuer = self.observed.issuers.get(&arguments.issuer_id).filter(|it| is_live(&it.provenance));
        let account = self.observed.service_accounts.get(&names.account).filter(|it| is_live(&it.provenance));
        let (Some(issuer), Some(account)) = (issuer, account) else { return false };
        let workspace = match (&names.workspace, &arguments.workspaces) {
            (None, _) => !account.memberships.is_empty(),
            (Some(own), RuleWorkspaces::All) => account.memberships.contains_key(own),
            (Some(own), RuleWorkspaces::These(ids)) => {
                ids.contains(own) && account.memberships.contains_key(own)
            }
        };
        workspace
            && claims["iss"] == issuer.arguments.issuer_url.as_str()
            && arguments.service_account_id == names.account
            && arguments.oauth_scope == "workspace:inference"
            && admits(arguments, claims)
    }

    /// What the settings of a declared consumer would name.
    fn named(&self, (lane, consumer): &Spot) -> Option<Names> {
        let rule = &self.configuration.api_keys.get(lane)?.consumers.get(consumer)?.rule;
        let account = &self.configuration.federation_rules.get(rule)?.service_account;
        let id = self.ids.get(rule)?.clone();
        let workspace = match &self.observed.rules.get(&id)?.arguments.workspaces {
            RuleWorkspaces::All => None,
            RuleWorkspaces::These(ids) => ids.first().cloned(),
        };
        Some(Names { rule: id, account: self.ids.get(account)?.clone(), workspace })
    }

    /// Carries a step out; false when it fails or waits, which takes no effect.
    pub(super) fn carry_out(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Verify { address } => self.is_proved(address),
            Operation::Confirm { address } => {
                let own = self.workloads.iter().filter(|((lane, _), _)| lane == address);
                own.map(|(_, workload)| workload).all(|it| !it.holds_key && self.works(it))
            }
            Operation::Configure { address, consumer } => {
                let spot = (address.clone(), consumer.clone());
                let Some(names) = self.named(&spot) else { return false };
                self.at(&spot, |it| it.names = Some(names))
            }
            Operation::Unconfigure { address, consumer } => {
                self.at(&(address.clone(), consumer.clone()), |it| it.names = None)
            }
            Operation::Remove { address, consumer } | Operation::TakeDeadKeyOut { address, consumer, .. } => {
                self.at(&(address.clone(), consumer.clone()), |it| it.holds_key = false)
            }
            Operation::Restore { address, consumer, .. } => {
                self.at(&(address.clone(), consumer.clone()), |it| it.holds_key = true)
            }
            Operation::Disable { id, .. } => self.set_status(id, KeyStatus::Inactive),
            Operation::Enable { id, .. } => self.set_status(id, KeyStatus::Active),
            Operation::ArchiveKey { id, .. } => self.set_status(id, KeyStatus::Archived),
            Operation::Adopt { address, id, .. } => {
                self.ids.insert(address.clone(), id.clone());
                true
            }
            Operation::Forget { .. } => true,
            other => self.change_object(other).is_some(),
        }
    }

    /// Whether the tokens of all whose block names a rule are taken.
    fn is_proved(&self, rule: &Address) -> bool {
        let declared = self.configuration.api_keys.iter().flat_map(|(lane, key)| {
            let own = key.consumers.iter().filter(|(_, it)| it.rule == *rule);
            own.map(|(id, _)| (lane.clone(), id.clone()))
        });
        declared.into_iter().all(|spot| match (self.workloads.get(&spot), self.named(&spot)) {
            (Some(workload), Some(names)) => self.federates(&workload.claims, &names),
            _ => false,
        })
    }

    fn at(&mut self, spot: &Spot, change: impl FnOnce(&mut Workload)) -> bool {
        self.workloads.get_mut(spot).map(change).is_some()
    }

    fn set_status(&mut self, id: &str, status: KeyStatus) -> bool {
        let key = self.observed.api_keys.get_mut(id);
        key.map(|key| key.status = status).is_some()
    }

    fn change_object(&mut self, operation: &Operation) -> Option<()> {
        let address = operation.address();
        let known = self.ids.get(address).cloned();
        let new = format!("{address}/new");
        let of = |address: &Address| self.ids.get(address).cloned().unwrap_or_default();
        match operation {
            Operation::CreateIssuer { arguments, .. } => {
                self.observed.issuers.insert(new.clone(), issuer_object(&new, arguments.clone()));
                self.ids.insert(address.clone(), new);
            }
            Operation::CreateServiceAccount { arguments, .. } => {
                let object = ServiceAccountObject {
                    id: new.clone(),
                    arguments: arguments.clone(),
                    memberships: BTreeMap::new(),
                    provenance: Provenance::default(),
                };
                self.observed.service_accounts.insert(new.clone(), object);
                self.ids.insert(address.clone(), new);
            }
            Operation::CreateRule { provider, service_account, arguments, .. } => {
                let ids = (of(provider), of(service_account));
                let first = match &arguments.workspaces {
                    RuleWorkspaces::These(ids) => {
                        RuleWorkspaces::These(ids.first().cloned().into_iter().collect())
                    }
                    RuleWorkspaces::All => RuleWorkspaces::All,
                };
                let arguments = RuleArguments {
                    issuer_id: ids.0,
                    service_account_id: ids.1,
                    workspaces: first,
                    ..arguments.clone()
                };
                self.observed.rules.insert(new.clone(), rule_object(&new, arguments));
                self.ids.insert(address.clone(), new);
            }
            Operation::UpdateIssuer { arguments, .. } => {
                self.observed.issuers.get_mut(&known?)?.arguments = arguments.clone();
            }
            Operation::UpdateRule { service_account, arguments, applies_to_all_workspaces, .. } => {
                let account = service_account.as_ref().map(of);
                let rule = self.observed.rules.get_mut(&known?)?;
                let workspaces = match applies_to_all_workspaces {
                    Some(_) => arguments.workspaces.clone(),
                    None => rule.arguments.workspaces.clone(),
                };
                let service_account_id = account.unwrap_or(arguments.service_account_id.clone());
                let issuer_id = rule.arguments.issuer_id.clone();
                rule.arguments =
                    RuleArguments { workspaces, service_account_id, issuer_id, ..arguments.clone() };
            }
            Operation::SetMembership { workspace_id, role, .. } => {
                let account = self.observed.service_accounts.get_mut(&known?)?;
                account.memberships.insert(workspace_id.clone(), role.clone());
            }
            Operation::RemoveMembership { workspace_id, .. } => {
                self.observed.service_accounts.get_mut(&known?)?.memberships.remove(workspace_id);
            }
            Operation::EnableWorkspace { workspace_id, .. } => {
                workspaces(self.observed.rules.get_mut(&known?)?)?.insert(workspace_id.clone());
            }
            Operation::DisableWorkspace { workspace_id, .. } => {
                workspaces(self.observed.rules.get_mut(&known?)?)?.remove(workspace_id);
            }
            Operation::Archive { .. } => self.provenance(&known?)?.archived_at = Some(hour(0)),
            _ => {}
        }
        Some(())
    }

    fn provenance(&mut self, id: &str) -> Option<&mut Provenance> {
        let Observed { issuers, service_accounts, rules, .. } = &mut self.observed;
        let issuer = issuers.get_mut(id).map(|it| &mut it.provenance);
        let account = service_accounts.get_mut(id).map(|it| &mut it.provenance);
        issuer.or(account).or(rules.get_mut(id).map(|it| &mut it.provenance))
    }

    /// Blocks whose object was archived.
    pub(super) fn gone(&mut self) -> Vec<Address> {
        let declared = self.configuration.providers.keys().chain(self.configuration.service_accounts.keys());
        let declared: Vec<Address> =
            declared.chain(self.configuration.federation_rules.keys()).cloned().collect();
        let ids: Vec<(Address, String)> =
            declared.into_iter().filter_map(|it| Some((it.clone(), self.ids.get(&it)?.clone()))).collect();
        let is_gone = |truth: &mut Truth, id: &str| truth.provenance(id).is_some_and(|it| !is_live(it));
        ids.into_iter().filter(|(_, id)| is_gone(self, id)).map(|(address, _)| address).collect()
    }
}

fn workspaces(rule: &mut RuleObject) -> Option<&mut std::collections::BTreeSet<String>> {
    match &mut rule.arguments.workspaces {
        RuleWorkspaces::All => None,
        RuleWorkspaces::These(ids) => Some(ids),
    }
}

fn admits(rule: &RuleArguments, claims: &Map<String, Value>) -> bool {
    let subject = claims["sub"].as_str().expect("a subject");
    let fits =
        rule.matching.subject_prefix.as_deref().is_none_or(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => subject.starts_with(prefix),
            None => subject == pattern,
        });
    assert_eq!(rule.matching.condition, None, "no condition is made up here");
    fits && rule
        .matching
        .claims
        .iter()
        .all(|(name, value)| claims.get(name).and_then(Value::as_str) == Some(value))
}
