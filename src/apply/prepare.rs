//! From a step to calls with every id filled in.

use keyless_state::{Address, ConsumerId, State};
use serde_json::Value;

use crate::config::Configuration;
use crate::plan::{self, Operation};
use crate::platform::Call;
use crate::resource::{ApiKeyObject, KeyStatus, Observed, RuleArguments};

/// What a step has to do outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Nothing: the state changes alone.
    Note,
    /// One call.
    Call(Call),
    /// A change of a key's status, provided that it still has the one expected.
    KeyStatus {
        /// The key.
        id: String,
        /// What it must be now.
        expected: KeyStatus,
        /// What it is to be.
        wanted: KeyStatus,
    },
    /// Keys fetched, and a trial exchange through a rule.
    Verify {
        /// The rule.
        rule: Address,
        /// The rule's id.
        rule_id: String,
        /// Its service account's id.
        service_account_id: String,
        /// The workspace to ask for.
        workspace_id: Option<String>,
    },
    /// A change of a consumer.
    Consumer {
        /// The lane.
        key: Address,
        /// The consumer.
        consumer: ConsumerId,
        /// What our lines there bear.
        tag: String,
        /// What is to be done there.
        change: ConsumerChange,
    },
}

/// What is to be done in a consumer.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerChange {
    /// Write these federation settings.
    Configure(Vec<(String, String)>),
    /// Take our federation settings out.
    Unconfigure,
    /// Take the key out.
    Remove,
    /// Take the line of this dead key out.
    TakeDeadKeyOut(Box<ApiKeyObject>),
    /// Take what is parked of a dead key out for good; its id.
    ForgetParked(String),
    /// Put the key back, with what its removal left to know.
    Restore(Option<Value>),
}

/// What a step needs to know.
pub struct Context<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded.
    pub state: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// Ids of the looked-up workspaces.
    pub workspaces: &'a std::collections::BTreeMap<Address, String>,
}

impl Context<'_> {
    pub(super) fn id(&self, address: &Address) -> Result<String, String> {
        let record = self.state.records.get(address);
        record.map(|record| record.id.clone()).ok_or_else(|| format!("{address} is not recorded"))
    }

    fn tag(&self, lane: &Address, consumer: &ConsumerId) -> String {
        let key_id = self.configuration.api_keys.get(lane).map(|key| &key.id);
        let binding = key_id.and_then(|key_id| self.state.binding(key_id, consumer));
        binding.map_or_else(|| keyless_state::tag(lane, consumer), |binding| binding.marker.clone())
    }

    /// The federation settings for a consumer; none where its rule is not recorded or they are not ours.
    pub(super) fn settings(&self, lane: &Address, consumer: &ConsumerId) -> Option<Vec<(String, String)>> {
        let workspace_id = |workspace: &_| self.workspace_id(workspace);
        plan::federation_settings(lane, consumer, self.configuration, self.state, self.observed, workspace_id)
    }

    /// The workspace in which the first workload of a rule is to work.
    fn workspace_of(&self, rule: &Address) -> Option<String> {
        self.configuration.api_keys.values().find_map(|key| {
            let (id, _) = key.consumers.iter().find(|(_, consumer)| consumer.rule == *rule)?;
            plan::workspace_for(key, id, self.configuration, self.state, self.observed, |workspace| {
                self.workspace_id(workspace)
            })
        })
    }

    fn workspace_id(&self, reference: &crate::config::WorkspaceRef) -> String {
        match reference {
            crate::config::WorkspaceRef::Id(id) => id.clone(),
            crate::config::WorkspaceRef::Data(address) => {
                self.workspaces.get(address).cloned().unwrap_or_default()
            }
        }
    }
}

/// Fills a step's ids in.
///
/// # Errors
/// When something it refers to is not recorded, which means that the plan does not fit the state.
pub fn prepare(operation: &Operation, context: &Context<'_>) -> Result<Task, String> {
    let consumer = |address: &Address, consumer: &ConsumerId, change: ConsumerChange| {
        let tag = context.tag(address, consumer);
        Ok(Task::Consumer { key: address.clone(), consumer: consumer.clone(), tag, change })
    };
    let status = |id: &String, expected: KeyStatus, wanted: KeyStatus| {
        Ok(Task::KeyStatus { id: id.clone(), expected, wanted })
    };
    match operation {
        Operation::Adopt { .. } | Operation::Forget { .. } | Operation::Confirm { .. } => Ok(Task::Note),
        Operation::CreateIssuer { arguments, .. } => Ok(Task::Call(Call::CreateIssuer(arguments.clone()))),
        Operation::UpdateIssuer { address, arguments } => {
            Ok(Task::Call(Call::UpdateIssuer { id: context.id(address)?, arguments: arguments.clone() }))
        }
        Operation::CreateServiceAccount { arguments, .. } => {
            Ok(Task::Call(Call::CreateServiceAccount(arguments.clone())))
        }
        Operation::UpdateServiceAccount { address, description, organization_role } => {
            Ok(Task::Call(Call::UpdateServiceAccount {
                id: context.id(address)?,
                description: description.clone(),
                organization_role: organization_role.clone(),
            }))
        }
        Operation::SetMembership { address, workspace_id, role } => Ok(Task::Call(Call::SetMembership {
            service_account_id: context.id(address)?,
            workspace_id: workspace_id.clone(),
            role: role.clone(),
        })),
        Operation::RemoveMembership { address, workspace_id } => Ok(Task::Call(Call::RemoveMembership {
            service_account_id: context.id(address)?,
            workspace_id: workspace_id.clone(),
        })),
        Operation::CreateRule { provider, service_account, arguments, .. } => {
            let issuer_id = context.id(provider)?;
            let service_account_id = context.id(service_account)?;
            Ok(Task::Call(Call::CreateRule(RuleArguments {
                issuer_id,
                service_account_id,
                ..arguments.clone()
            })))
        }
        Operation::UpdateRule { address, service_account, arguments, applies_to_all_workspaces, .. } => {
            let mut arguments = arguments.clone();
            if let Some(account) = service_account {
                arguments.service_account_id = context.id(account)?;
            }
            Ok(Task::Call(Call::UpdateRule {
                id: context.id(address)?,
                arguments,
                applies_to_all_workspaces: *applies_to_all_workspaces,
            }))
        }
        Operation::EnableWorkspace { address, workspace_id } => Ok(Task::Call(Call::EnableWorkspace {
            rule_id: context.id(address)?,
            workspace_id: workspace_id.clone(),
        })),
        Operation::DisableWorkspace { address, workspace_id } => Ok(Task::Call(Call::DisableWorkspace {
            rule_id: context.id(address)?,
            workspace_id: workspace_id.clone(),
        })),
        Operation::Archive { address } => archive_call(address, context.id(address)?).map(Task::Call),
        Operation::Configure { address, consumer: id } => {
            let settings = context.settings(address, id);
            let settings = settings.ok_or_else(|| format!("the rule of {id} is not recorded"))?;
            consumer(address, id, ConsumerChange::Configure(settings))
        }
        Operation::Unconfigure { address, consumer: id } => {
            consumer(address, id, ConsumerChange::Unconfigure)
        }
        Operation::Remove { address, consumer: id } => consumer(address, id, ConsumerChange::Remove),
        Operation::TakeDeadKeyOut { address, consumer: id, id: key } => {
            let key = context.observed.api_keys.get(key).ok_or_else(|| format!("{key} is not listed"))?;
            consumer(address, id, ConsumerChange::TakeDeadKeyOut(Box::new(key.clone())))
        }
        Operation::ForgetParked { address, consumer: id } => {
            let key = context.configuration.api_keys.get(address);
            let key = key.ok_or_else(|| format!("{address} is not declared"))?;
            consumer(address, id, ConsumerChange::ForgetParked(key.id.clone()))
        }
        Operation::Restore { address, consumer: id, receipt } => {
            consumer(address, id, ConsumerChange::Restore(receipt.clone()))
        }
        Operation::Verify { address } => verify(address, context),
        Operation::Disable { id, .. } => status(id, KeyStatus::Active, KeyStatus::Inactive),
        Operation::Enable { id, .. } => status(id, KeyStatus::Inactive, KeyStatus::Active),
        Operation::ArchiveKey { id, .. } => status(id, KeyStatus::Inactive, KeyStatus::Archived),
    }
}

fn archive_call(address: &Address, id: String) -> Result<Call, String> {
    match address.kind() {
        keyless_state::Kind::Provider => Ok(Call::ArchiveIssuer { id }),
        keyless_state::Kind::ServiceAccount => Ok(Call::ArchiveServiceAccount { id }),
        keyless_state::Kind::FederationRule => Ok(Call::ArchiveRule { id }),
        _ => Err(format!("{address} cannot be archived like an object")),
    }
}

fn verify(address: &Address, context: &Context<'_>) -> Result<Task, String> {
    let rule = &context.configuration.federation_rules[address];
    // As the first workload of the rule will ask.
    let workspace_id = context.workspace_of(address).or_else(|| match &rule.workspaces {
        crate::config::WorkspaceChoice::All => Some("default".to_owned()),
        crate::config::WorkspaceChoice::These(these) => {
            these.iter().next().map(|workspace| context.workspace_id(workspace))
        }
    });
    Ok(Task::Verify {
        rule: address.clone(),
        rule_id: context.id(address)?,
        service_account_id: context.id(&rule.service_account)?,
        workspace_id,
    })
}

/// Tells whether a key may be given another status, now that its own was read again: the one that
/// was expected, or the wanted one already.
///
/// # Errors
/// When somebody gave it another status meanwhile.
pub fn may_change(
    id: &str,
    found: &KeyStatus,
    expected: &KeyStatus,
    wanted: &KeyStatus,
) -> Result<(), String> {
    if found == expected || found == wanted {
        return Ok(());
    }
    Err(format!(
        "{id} is `{}` now and was `{}` when this was planned; somebody changed it meanwhile. Plan again.",
        found.word(),
        expected.word()
    ))
}

/// Tells whether the line of a key may be taken out as a dead one, now that its status was read again.
///
/// # Errors
/// When it works, or may.
pub fn is_dead(id: &str, found: &KeyStatus) -> Result<(), String> {
    match found {
        KeyStatus::Inactive | KeyStatus::Archived | KeyStatus::Expired => Ok(()),
        KeyStatus::Active | KeyStatus::Other(_) => Err(format!(
            "{id} is `{}` by now; a workload may live off it, so its line stays. Plan again.",
            found.word()
        )),
    }
}

/// Tells whether a key may be put back, now that its status was read again: in its place it wins over
/// federation, so it must work.
///
/// # Errors
/// When it does not work.
pub fn may_put_back(id: &str, found: &KeyStatus) -> Result<(), String> {
    if *found == KeyStatus::Active {
        return Ok(());
    }
    Err(format!(
        "{id} is `{}`, and put back it would win over federation and not work. Set it active in the Console, or leave the workload on federation.",
        found.word()
    ))
}
