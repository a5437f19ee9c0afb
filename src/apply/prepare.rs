//! From a step to calls with every id filled in, and from their outcome to changes of the state.

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, LaneRecord, Mutation, Origin, Record, State};
use serde_json::{Value, json};

use crate::config::Configuration;
use crate::plan::{self, Attributes, Operation};
use crate::platform::{Answer, Call};
use crate::resource::{KeyStatus, Observed, RuleArguments};

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
    fn id(&self, address: &Address) -> Result<String, String> {
        let record = self.state.records.get(address);
        record.map(|record| record.id.clone()).ok_or_else(|| format!("{address} is not recorded"))
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
        Ok(Task::Consumer { key: address.clone(), consumer: consumer.clone(), change })
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
            let organization = &context.observed.organization.id;
            let settings = plan::federation_settings(
                address,
                id,
                context.configuration,
                context.state,
                organization,
                |workspace| context.workspace_id(workspace),
            );
            let settings = settings.ok_or_else(|| format!("the rule of {id} is not recorded"))?;
            consumer(address, id, ConsumerChange::Configure(settings))
        }
        Operation::Unconfigure { address, consumer: id } => {
            consumer(address, id, ConsumerChange::Unconfigure)
        }
        Operation::Remove { address, consumer: id } => consumer(address, id, ConsumerChange::Remove),
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
    let workspace_id = match &rule.workspaces {
        crate::config::WorkspaceChoice::All => Some("default".to_owned()),
        crate::config::WorkspaceChoice::These(these) => {
            these.iter().next().map(|workspace| context.workspace_id(workspace))
        }
    };
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

/// What a successful step changes in the state.
pub fn effects(
    operation: &Operation,
    answer: Option<&Answer>,
    receipt: Option<Value>,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Mutation> {
    let put =
        |address: &Address, record: Record| vec![Mutation::PutRecord { address: address.clone(), record }];
    match operation {
        Operation::Adopt { address, id, depends_on } => {
            let record = observed_record(address, id, Origin::Adopted, depends_on.clone(), context.observed);
            record.map(|record| put(address, record)).unwrap_or_default()
        }
        Operation::Forget { address } | Operation::Archive { address } => match address.kind() {
            keyless_state::Kind::ApiKey => vec![Mutation::DropLane { address: address.clone() }],
            _ => vec![Mutation::DropRecord { address: address.clone() }],
        },
        Operation::CreateIssuer { address, .. }
        | Operation::UpdateIssuer { address, .. }
        | Operation::CreateServiceAccount { address, .. }
        | Operation::UpdateServiceAccount { address, .. } => answered(address, answer, Vec::new(), context)
            .map(|record| put(address, record))
            .unwrap_or_default(),
        Operation::CreateRule { address, provider, service_account, .. } => {
            let depends_on = vec![provider.clone(), service_account.clone()];
            answered(address, answer, depends_on, context)
                .map(|record| put(address, record))
                .unwrap_or_default()
        }
        Operation::UpdateRule { address, provider, service_account, .. } => {
            let depends_on =
                [Some(provider.clone()), service_account.clone()].into_iter().flatten().collect();
            answered(address, answer, depends_on, context)
                .map(|record| put(address, record))
                .unwrap_or_default()
        }
        Operation::SetMembership { address, workspace_id, role } => {
            edit_record(address, context, |attributes| attributes["memberships"][workspace_id] = json!(role))
        }
        Operation::RemoveMembership { address, workspace_id } => {
            edit_record(address, context, |attributes| {
                if let Some(memberships) = attributes["memberships"].as_object_mut() {
                    memberships.remove(workspace_id);
                }
            })
        }
        Operation::EnableWorkspace { address, workspace_id } => {
            edit_workspaces(address, context, |ids| ids.push(json!(workspace_id)))
        }
        Operation::DisableWorkspace { address, workspace_id } => {
            edit_workspaces(address, context, |ids| ids.retain(|id| id != workspace_id))
        }
        Operation::Confirm { .. } | Operation::Verify { .. } => Vec::new(),
        lane_operation => lane_effects(lane_operation, receipt, context, now),
    }
}

fn lane_effects(
    operation: &Operation,
    receipt: Option<Value>,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Mutation> {
    let address = operation.target().address.clone();
    let mut lane = context.state.lanes.get(&address).cloned().unwrap_or_default();
    if let Some(key) = context.configuration.api_keys.get(&address) {
        lane.key_id.clone_from(&key.id);
    }
    change_lane(&mut lane, operation, receipt, now);
    vec![Mutation::PutLane { address, lane }]
}

fn change_lane(lane: &mut LaneRecord, operation: &Operation, receipt: Option<Value>, now: Timestamp) {
    match operation {
        Operation::Configure { consumer, .. } => {
            lane.consumers.entry(consumer.clone()).or_default().configured_at = Some(now);
        }
        Operation::Unconfigure { consumer, .. } => {
            let record = lane.consumers.entry(consumer.clone()).or_default();
            record.configured_at = None;
            record.configured_digest = None;
        }
        Operation::Remove { consumer, .. } => {
            let record = lane.consumers.entry(consumer.clone()).or_default();
            record.removed_at = Some(now);
            record.receipt = receipt;
        }
        Operation::Restore { consumer, .. } => {
            let record = lane.consumers.entry(consumer.clone()).or_default();
            record.removed_at = None;
            record.receipt = None;
        }
        Operation::Disable { .. } => {
            lane.disabled_at = Some(now);
            lane.reactivated_at = None;
        }
        Operation::Enable { .. } => lane.disabled_at = None,
        Operation::ArchiveKey { .. } => lane.archived_at = Some(now),
        other => unreachable!("{} changes no lane", other.word()),
    }
}

/// The record for an object as the API showed it after a change.
fn answered(
    address: &Address,
    answer: Option<&Answer>,
    depends_on: Vec<Address>,
    context: &Context<'_>,
) -> Option<Record> {
    let known = context.state.records.get(address);
    let origin = known.map_or(Origin::Created, |record| record.origin);
    let memberships = known.and_then(|record| record.attributes.get("memberships").cloned());
    let (id, attributes): (&String, Attributes) = match answer? {
        Answer::Issuer(object) => (&object.id, plan::issuer(&object.arguments)),
        Answer::ServiceAccount(object) => {
            let mut attributes = plan::service_account(&object.arguments, &object.memberships);
            if let Some(memberships) = memberships {
                attributes.insert("memberships".to_owned(), memberships);
            }
            (&object.id, attributes)
        }
        Answer::Rule(object) => (&object.id, plan::rule(&object.arguments)),
        Answer::ApiKey(_) | Answer::Linked => return None,
    };
    Some(Record { id: id.clone(), origin, attributes, depends_on })
}

/// The record for an object as it was observed.
pub fn observed_record(
    address: &Address,
    id: &str,
    origin: Origin,
    depends_on: Vec<Address>,
    observed: &Observed,
) -> Option<Record> {
    let attributes = match address.kind() {
        keyless_state::Kind::Provider => plan::issuer(&observed.issuers.get(id)?.arguments),
        keyless_state::Kind::ServiceAccount => {
            let object = observed.service_accounts.get(id)?;
            plan::service_account(&object.arguments, &object.memberships)
        }
        keyless_state::Kind::FederationRule => plan::rule(&observed.rules.get(id)?.arguments),
        keyless_state::Kind::ApiKey | keyless_state::Kind::Data => return None,
    };
    Some(Record { id: id.to_owned(), origin, attributes, depends_on })
}

fn edit_record(address: &Address, context: &Context<'_>, edit: impl FnOnce(&mut Value)) -> Vec<Mutation> {
    let Some(mut record) = context.state.records.get(address).cloned() else { return Vec::new() };
    let mut attributes = Value::Object(std::mem::take(&mut record.attributes));
    edit(&mut attributes);
    let Value::Object(attributes) = attributes else { unreachable!("an edit keeps the object an object") };
    record.attributes = attributes;
    vec![Mutation::PutRecord { address: address.clone(), record }]
}

fn edit_workspaces(
    address: &Address,
    context: &Context<'_>,
    edit: impl FnOnce(&mut Vec<Value>),
) -> Vec<Mutation> {
    edit_record(address, context, |attributes| {
        if let Some(ids) = attributes["workspace_ids"].as_array_mut() {
            edit(ids);
            ids.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            ids.dedup();
        }
    })
}

/// Keeps what was observed in step with a change, so that gates are judged by what is so now.
pub fn observe_change(observed: &mut Observed, answer: &Answer) {
    match answer {
        Answer::Issuer(object) => {
            observed.issuers.insert(object.id.clone(), object.clone());
        }
        Answer::ServiceAccount(object) => {
            let memberships = observed
                .service_accounts
                .get(&object.id)
                .map(|known| known.memberships.clone())
                .unwrap_or_default();
            let object = crate::resource::ServiceAccountObject { memberships, ..object.clone() };
            observed.service_accounts.insert(object.id.clone(), object);
        }
        Answer::Rule(object) => {
            observed.rules.insert(object.id.clone(), object.clone());
        }
        Answer::ApiKey(object) => {
            observed.api_keys.insert(object.id.clone(), object.clone());
        }
        Answer::Linked => {}
    }
}
