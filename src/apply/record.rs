//! From the outcome of a step to changes of the state, and of what is known of the outside.

use jiff::Timestamp;
use keyless_state::{Address, LaneRecord, Mutation, Origin, Record, State};
use serde_json::{Value, json};

use super::bindings;
use super::prepare::Context;
use crate::plan::{self, Attributes, Operation};
use crate::platform::Answer;
use crate::resource::{Observed, RuleWorkspaces};

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
            keyless_state::Kind::ApiKey => bindings::forgotten(address, context),
            _ => bindings::archived(address, operation, context, now),
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
        // What the lane did to its own key is as it was.
        Operation::TakeDeadKeyOut { .. }
        | Operation::ForgetParked { .. }
        | Operation::Confirm { .. }
        | Operation::Verify { .. } => Vec::new(),
        lane_operation => lane_effects(lane_operation, receipt, context, now),
    }
}

/// Keeps what putting a key back needs, although the step that took it out has not ended well.
pub fn keep_receipt(operation: &Operation, receipt: Value, context: &Context<'_>) -> Vec<Mutation> {
    let Operation::Remove { address, consumer } = operation else { return Vec::new() };
    let mut lane = lane_record(address, context);
    lane.consumers.entry(consumer.clone()).or_default().receipt = Some(receipt);
    vec![Mutation::PutLane { address: address.clone(), lane }]
}

fn lane_record(address: &Address, context: &Context<'_>) -> LaneRecord {
    let mut lane = context.state.lanes.get(address).cloned().unwrap_or_default();
    if let Some(key) = context.configuration.api_keys.get(address) {
        lane.key_id.clone_from(&key.id);
    }
    lane
}

fn lane_effects(
    operation: &Operation,
    receipt: Option<Value>,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Mutation> {
    let address = operation.target().address.clone();
    let mut lane = lane_record(&address, context);
    let binding = bindings::of(operation, &lane.key_id, context, now);
    change_lane(&mut lane, operation, receipt, now);
    std::iter::once(Mutation::PutLane { address, lane }).chain(binding).collect()
}

fn change_lane(lane: &mut LaneRecord, operation: &Operation, receipt: Option<Value>, now: Timestamp) {
    let is_way_back = matches!(
        operation,
        Operation::Unconfigure { .. } | Operation::Restore { .. } | Operation::Enable { .. }
    );
    if is_way_back {
        lane.rolled_back_at = Some(now);
        lane.held = true;
    }
    // What is parked from here on was given up by nobody.
    let parks_anew = matches!(operation, Operation::Remove { .. } | Operation::Disable { .. });
    lane.forgets_parked &= !parks_anew && !is_way_back;
    match operation {
        Operation::Configure { consumer, .. } => {
            lane.consumers.entry(consumer.clone()).or_default().configured_at = Some(now);
        }
        Operation::Unconfigure { consumer, .. } => {
            let record = lane.consumers.entry(consumer.clone()).or_default();
            record.configured_at = None;
        }
        Operation::Remove { consumer, .. } => {
            let record = lane.consumers.entry(consumer.clone()).or_default();
            record.removed_at = Some(now);
            // A step that is settled by looking has none, and keeps the one of the try before it.
            record.receipt = receipt.or(record.receipt.take());
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

/// Does the same for a link, whose answer shows nothing; the id of the object of which it is a part.
pub fn observe_link(observed: &mut Observed, operation: &Operation, state: &State) -> Option<String> {
    let id = state.records.get(operation.target().address).map(|record| record.id.clone())?;
    match operation {
        Operation::SetMembership { workspace_id, role, .. } => {
            let account = observed.service_accounts.get_mut(&id)?;
            account.memberships.insert(workspace_id.clone(), role.clone());
        }
        Operation::RemoveMembership { workspace_id, .. } => {
            observed.service_accounts.get_mut(&id)?.memberships.remove(workspace_id);
        }
        Operation::EnableWorkspace { workspace_id, .. }
        | Operation::DisableWorkspace { workspace_id, .. } => {
            if let RuleWorkspaces::These(ids) = &mut observed.rules.get_mut(&id)?.arguments.workspaces {
                match operation {
                    Operation::EnableWorkspace { .. } => ids.insert(workspace_id.clone()),
                    _ => ids.remove(workspace_id),
                };
            }
        }
        _ => return None,
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{ACCOUNT, CONSUMER, KEY, RULE, address, built, consumer_id, hour, id_of};

    #[test]
    fn what_a_person_gave_up_is_not_what_is_parked_later() {
        let consumer = consumer_id(CONSUMER);
        let (address, id) = (address(KEY), "apikey_1".to_owned());
        let operations = [
            (Operation::Remove { address: address.clone(), consumer: consumer.clone() }, false),
            (
                Operation::Restore { address: address.clone(), consumer: consumer.clone(), receipt: None },
                false,
            ),
            (Operation::Enable { address: address.clone(), id: id.clone() }, false),
            (Operation::Disable { address: address.clone(), id }, false),
            (Operation::Configure { address, consumer }, true),
        ];
        for (operation, expected) in operations {
            let mut lane = LaneRecord { forgets_parked: true, ..LaneRecord::default() };
            change_lane(&mut lane, &operation, None, hour(1));
            assert_eq!(lane.forgets_parked, expected, "{operation:?}");
        }
    }

    #[test]
    fn what_puts_a_key_back_outlives_a_read_back_that_failed() {
        let (configuration, mut state, observed) = built();
        let workspaces = std::collections::BTreeMap::new();
        let (key, consumer) = (address(KEY), consumer_id(CONSUMER));
        let remove = Operation::Remove { address: key.clone(), consumer: consumer.clone() };
        let receipt = json!({ "disabled_versions": ["2"] });

        let context = Context {
            configuration: &configuration,
            state: &state,
            observed: &observed,
            workspaces: &workspaces,
        };
        let kept = keep_receipt(&remove, receipt.clone(), &context);
        kept.iter().for_each(|change| state.apply(change));
        assert_eq!(state.lanes[&key].consumers[&consumer].removed_at, None, "it is not taken out yet");

        // The next run settles the step by looking, and learns of no receipt.
        let context = Context {
            configuration: &configuration,
            state: &state,
            observed: &observed,
            workspaces: &workspaces,
        };
        let settled = effects(&remove, None, None, &context, hour(1));
        settled.iter().for_each(|change| state.apply(change));
        let record = &state.lanes[&key].consumers[&consumer];
        assert_eq!((record.removed_at, record.receipt.as_ref()), (Some(hour(1)), Some(&receipt)));
    }

    #[test]
    fn links_are_observed_although_no_answer_shows_them() {
        let (_, state, mut observed) = built();
        let (account, rule) = (address(ACCOUNT), address(RULE));
        let mut note = |operation: Operation| {
            let id = observe_link(&mut observed, &operation, &state);
            let account = &observed.service_accounts[&id_of(&account)];
            let memberships: Vec<String> = account.memberships.keys().cloned().collect();
            let workspaces = observed.rules[&id_of(&rule)].arguments.workspaces.clone();
            (id, memberships.join(" "), workspaces)
        };
        let these = |ids: &[&str]| RuleWorkspaces::These(ids.iter().map(|id| (*id).to_owned()).collect());
        let workspace_id = "wrkspc_b".to_owned();
        let (account, rule) = (address(ACCOUNT), address(RULE));
        let role = "workspace_user".to_owned();
        let set =
            Operation::SetMembership { address: account.clone(), workspace_id: workspace_id.clone(), role };
        let id = Some(id_of(&account));
        assert_eq!(note(set), (id.clone(), "wrkspc_a wrkspc_b".to_owned(), these(&["wrkspc_a"])));
        let remove = Operation::RemoveMembership { address: account, workspace_id: "wrkspc_a".to_owned() };
        assert_eq!(note(remove), (id, "wrkspc_b".to_owned(), these(&["wrkspc_a"])));
        let enable = Operation::EnableWorkspace { address: rule.clone(), workspace_id };
        let id = Some(id_of(&rule));
        assert_eq!(note(enable), (id.clone(), "wrkspc_b".to_owned(), these(&["wrkspc_a", "wrkspc_b"])));
        let disable =
            Operation::DisableWorkspace { address: rule.clone(), workspace_id: "wrkspc_a".to_owned() };
        assert_eq!(note(disable), (id, "wrkspc_b".to_owned(), these(&["wrkspc_b"])));
        assert_eq!(note(Operation::Verify { address: rule }).0, None);
    }
}
