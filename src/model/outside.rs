//! The outside of the model: the API, the consumers and the workloads, as simple as they can be.

use keyless_state::{Evidence, Fact, Weight};

use super::scope::Scope;
use super::world::{Place, Reported, World, at};
use crate::apply::prepare::{self, ConsumerChange, Task};
use crate::plan::settings_digest;
use crate::platform::{Answer, Call};
use crate::resource::{IssuerObject, KeyStatus, Observed, Provenance, RuleObject, ServiceAccountObject};
use crate::sample::{evidence, issuer_object, rule_object};

/// What a task gave.
#[derive(Default)]
pub(super) struct Given {
    pub(super) answer: Option<Answer>,
    pub(super) evidence: Vec<Evidence>,
    /// Set when it failed although something is to be recorded.
    pub(super) failure: bool,
}

/// Carries a task out in the world.
///
/// # Errors
/// When the outside refuses it: nothing happened.
pub(super) fn perform(scope: &Scope, world: &mut World, task: &Task) -> Result<Given, String> {
    match task {
        Task::Note => Ok(Given::default()),
        Task::Call(call) => {
            let mut observed = (*world.observed).clone();
            let answer = answer(call, &mut observed, world.hour)?;
            world.observed = super::world::Sealed::new(observed);
            Ok(Given { answer: Some(answer), ..Given::default() })
        }
        Task::KeyStatus { id, expected, wanted } => {
            let found = world.observed.api_keys.get(id).ok_or("no such key")?.status.clone();
            if !scope.without.rereads {
                prepare::may_change(id, &found, expected, wanted)?;
            }
            let answer = set_status(world, id, wanted.clone())?;
            let key = scope.key_index(id);
            world.keys[key].ours = *wanted == KeyStatus::Inactive;
            Ok(Given { answer: Some(answer), ..Given::default() })
        }
        Task::Verify { rule, rule_id, .. } => {
            let provider = &scope.configuration.federation_rules[rule].provider;
            let issuer_url = scope.configuration.providers[provider].issuer_url.clone();
            let keys = Fact::IssuerKeys { provider: provider.clone(), issuer_url, key_ids: Vec::new() };
            let accepted = works(scope, world, rule);
            let fact = Fact::Exchange {
                rule: rule.clone(),
                rule_id: rule_id.clone(),
                rule_digest: crate::lane::rule_digest(rule, &world.state).unwrap_or_default(),
                accepted,
                subject: String::new(),
                expires_in_seconds: 60,
                refusal: String::new(),
            };
            let now = at(world.hour);
            let evidence = vec![
                evidence(&format!("issuer-keys/{provider}"), now, keys),
                evidence(&format!("exchange/{rule}"), now, fact),
            ];
            Ok(Given { evidence, failure: !accepted, ..Given::default() })
        }
        Task::Consumer { key, consumer, change, .. } => {
            let hour = world.hour;
            let (lane, place) = scope.place_index(key, consumer);
            let status = scope.status(world, lane);
            if matches!(change, ConsumerChange::Restore(_)) && !scope.without.rereads {
                prepare::may_put_back(scope.key_id(lane), &status)?;
            }
            let active = status == KeyStatus::Active;
            let key = &mut world.keys[lane];
            if *change == ConsumerChange::Remove && active && key.places[place].holds_key {
                // It was in use until now.
                key.used = Some(hour + 1);
            }
            change_place(&mut key.places[place], change);
            Ok(Given::default())
        }
    }
}

fn change_place(place: &mut Place, change: &ConsumerChange) {
    match change {
        ConsumerChange::Configure(settings) => place.settings = Some(settings_digest(settings)),
        ConsumerChange::Unconfigure => place.settings = None,
        ConsumerChange::TakeDeadKeyOut(_) | ConsumerChange::ForgetParked(_) => {
            unreachable!("no scope sees the lines of a place")
        }
        ConsumerChange::Remove => (place.holds_key, place.taken) = (false, true),
        ConsumerChange::Restore(_) => (place.holds_key, place.taken) = (true, false),
    }
}

/// Sets a key's status, as a person or keyless does.
pub(super) fn set_status(world: &mut World, id: &str, status: KeyStatus) -> Result<Answer, String> {
    let mut changed = world.observed.api_keys.get(id).ok_or("no such key")?.clone();
    if changed.status == KeyStatus::Archived {
        return Err("an archived key cannot come back".to_owned());
    }
    changed.status = status;
    let answer = Answer::ApiKey(changed.clone());
    world.observed.edit(|observed| {
        observed.api_keys.insert(id.to_owned(), changed);
    });
    Ok(answer)
}

fn answer(call: &Call, observed: &mut Observed, hour: i64) -> Result<Answer, String> {
    let archived = |provenance: &mut Provenance| provenance.archived_at = Some(at(hour));
    let is_live = |provenance: &Provenance| provenance.archived_at.is_none();
    match call {
        Call::CreateIssuer(arguments) => {
            let same = observed.issuers.values().filter(|it| it.arguments.name == arguments.name);
            let id = new_id("fdis", &arguments.name, same.map(|it| &it.provenance))?;
            let object = IssuerObject { provenance: created(), ..issuer_object(&id, arguments.clone()) };
            observed.issuers.insert(id, object.clone());
            Ok(Answer::Issuer(object))
        }
        Call::CreateServiceAccount(arguments) => {
            let same = observed.service_accounts.values().filter(|it| it.arguments.name == arguments.name);
            let id = new_id("svac", &arguments.name, same.map(|it| &it.provenance))?;
            let object = ServiceAccountObject {
                id: id.clone(),
                arguments: arguments.clone(),
                memberships: Default::default(),
                provenance: created(),
            };
            observed.service_accounts.insert(id, object.clone());
            Ok(Answer::ServiceAccount(object))
        }
        Call::CreateRule(arguments) => {
            let same = observed.rules.values().filter(|it| it.arguments.name == arguments.name);
            let id = new_id("fdrl", &arguments.name, same.map(|it| &it.provenance))?;
            let object = RuleObject { provenance: created(), ..rule_object(&id, arguments.clone()) };
            observed.rules.insert(id, object.clone());
            Ok(Answer::Rule(object))
        }
        Call::SetMembership { service_account_id, workspace_id, role } => {
            let account = observed.service_accounts.get_mut(service_account_id).ok_or("no such account")?;
            account.memberships.insert(workspace_id.clone(), role.clone());
            Ok(Answer::Linked)
        }
        Call::UpdateRule { id, arguments, .. } => {
            let rule =
                observed.rules.get_mut(id).filter(|it| is_live(&it.provenance)).ok_or("no such rule")?;
            rule.arguments = crate::resource::RuleArguments {
                workspaces: rule.arguments.workspaces.clone(),
                ..arguments.clone()
            };
            Ok(Answer::Rule(rule.clone()))
        }
        Call::ArchiveRule { id } => {
            let rule = observed.rules.get_mut(id).ok_or("no such rule")?;
            archived(&mut rule.provenance);
            Ok(Answer::Rule(rule.clone()))
        }
        Call::ArchiveIssuer { id } => {
            if observed.rules.values().any(|it| is_live(&it.provenance) && it.arguments.issuer_id == *id) {
                return Err("a rule refers to this issuer".to_owned());
            }
            let issuer = observed.issuers.get_mut(id).ok_or("no such issuer")?;
            archived(&mut issuer.provenance);
            Ok(Answer::Issuer(issuer.clone()))
        }
        Call::ArchiveServiceAccount { id } => {
            let refers = |id: &String| {
                observed
                    .rules
                    .values()
                    .any(|it| is_live(&it.provenance) && it.arguments.service_account_id == *id)
            };
            if refers(id) {
                return Err("a rule targets this account".to_owned());
            }
            let account = observed.service_accounts.get_mut(id).ok_or("no such account")?;
            archived(&mut account.provenance);
            Ok(Answer::ServiceAccount(account.clone()))
        }
        other => unreachable!("no scope of the model plans {other:?}"),
    }
}

/// The hour is the same for all, or each would make states of its own.
fn created() -> Provenance {
    Provenance { created_at: Some(at(0)), ..Provenance::default() }
}

/// A new id, refused while a live object has the name.
fn new_id<'a>(kind: &str, name: &str, same: impl Iterator<Item = &'a Provenance>) -> Result<String, String> {
    let same: Vec<&Provenance> = same.collect();
    match same.iter().any(|provenance| provenance.archived_at.is_none()) {
        true => Err(format!("the name {name} is taken")),
        false => Ok(format!("{kind}_{name}_{}", same.len())),
    }
}

/// Tells whether the API takes an exchange through a rule.
pub(super) fn works(scope: &Scope, world: &World, rule: &keyless_state::Address) -> bool {
    live_rule(scope, world, rule).is_some() && !world.broken[scope.rule_index(rule)]
}

/// The id under which a rule is at the API.
pub(super) fn live_rule<'a>(
    scope: &Scope,
    world: &'a World,
    rule: &keyless_state::Address,
) -> Option<&'a String> {
    let declared = &scope.configuration.federation_rules[rule];
    let is_live = |provenance: &Provenance| provenance.archived_at.is_none();
    // One that is made after an archived one has its name with a number.
    let is_it = |name: &str| {
        name.strip_prefix(&declared.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let mut live =
        world.observed.rules.values().filter(|it| is_it(&it.arguments.name) && is_live(&it.provenance));
    live.next().map(|it| &it.id)
}

/// What a consumer truly sends: a key in its place wins over federation.
pub(super) fn sends(scope: &Scope, world: &World, lane: usize, place: usize) -> Reported {
    let it = &world.keys[lane].places[place];
    let rule = scope.rule_of(lane, place);
    let names_it = match &it.settings {
        Some(settings) => !scope.by_hand || live_rule(scope, world, rule) == Some(settings),
        None => false,
    };
    if it.holds_key {
        Reported::Key
    } else if names_it && works(scope, world, rule) {
        Reported::Federation
    } else {
        Reported::Nothing
    }
}

/// Tells whether a consumer has a credential that works.
pub(super) fn can_work(scope: &Scope, world: &World, lane: usize, place: usize) -> bool {
    match sends(scope, world, lane, place) {
        Reported::Key => scope.status(world, lane) == KeyStatus::Active,
        Reported::Federation => true,
        Reported::Nothing => false,
    }
}

/// An hour passes, in which every workload works as it can.
pub(super) fn pass_hour(scope: &Scope, world: &mut World) {
    for lane in 0..world.keys.len() {
        for place in 0..world.keys[lane].places.len() {
            match sends(scope, world, lane, place) {
                Reported::Key if scope.status(world, lane) == KeyStatus::Active => {
                    world.keys[lane].used = Some(world.hour + 1);
                }
                Reported::Federation => {
                    let rule = scope.rule_index(scope.rule_of(lane, place));
                    world.traffic[rule] = Some(world.hour);
                }
                _ => {}
            }
        }
    }
    world.hour += 1;
}

/// The evidence that the files of the workloads give.
pub(super) fn reports(scope: &Scope, world: &World) -> Vec<Evidence> {
    let mut found = Vec::new();
    for (lane, key) in world.keys.iter().enumerate() {
        let address = scope.lane(lane);
        if let Some(hour) = key.approved {
            let fact = Fact::ArchiveApproval { key: address.clone(), by: "Ada".to_owned() };
            found.push(evidence(&format!("approval/{address}"), at(hour), fact));
        }
        for (place, it) in key.places.iter().enumerate() {
            let Some((hour, reported, settings)) = &it.report else { continue };
            let consumer = scope.consumer(lane, place).clone();
            let rule = world.state.records.get(scope.rule_of(lane, place));
            let fact = Fact::CredentialReport {
                key: address.clone(),
                consumer: consumer.clone(),
                key_id: None,
                winner: reported.winner(),
                winner_source: String::new(),
                rule_id: match scope.by_hand {
                    true => settings.clone(),
                    false => rule.filter(|_| *reported == Reported::Federation).map(|it| it.id.clone()),
                },
                shadows: Vec::new(),
                identity: serde_json::Map::new(),
            };
            let id = format!("report/{address}/{consumer}");
            found.push(Evidence { weight: Weight::Signed, ..evidence(&id, at(*hour), fact) });
        }
    }
    found
}
