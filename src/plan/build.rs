//! From a diff and the lanes to ordered steps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyless_state::{Address, ConsumerRenames, Renames, State};
use sha2::{Digest, Sha256};

use super::archive_order::hold_archives_back;
use super::change::Action;
use super::console::{Judge, hold_back};
use super::diff::{self, Diff};
use super::guard::{Scene, guard};
use super::held::Cause;
use super::lanes;
use super::made_from::MadeFrom;
use super::operation::Operation;
use super::outputs::{output_changes, recordable};
use super::plan_data::{Base, Mode, Moved, MovedConsumer, Plan, Step};
use super::refused::refusals;
use super::settings::wanted_settings;
use super::undo::Undo;
use super::workspace;
use crate::config::{Configuration, ConsumerDriver, Output, PutBack, WorkspaceRef, Written};
use crate::diagnostic::Diagnostic;
use crate::lane::{Sightings, Stage};
use crate::resource::{Caller, Observed};
use crate::rollback::WayBack;

/// Everything a plan is made from.
pub struct PlanInput<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded, evidence included.
    pub state: &'a State,
    /// The same as it was before this look around, to tell what others changed.
    pub recorded: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// What was seen in the consumers.
    pub sightings: Sightings,
    /// The state's identity; none before there is one.
    pub lineage: Option<String>,
    /// The state's order.
    pub serial: u64,
    /// What kind of run.
    pub mode: Mode,
    /// The platform's time.
    pub now: Timestamp,
    /// New addresses by old ones: the state has the new ones already.
    pub moves: Renames,
    /// The same for consumers.
    pub consumers: ConsumerRenames,
    /// Whether waits for time are skipped, as in a demo.
    pub skip_waits: bool,
    /// Outputs with what is known now.
    pub outputs: BTreeMap<String, Output>,
    /// Who stands behind the credential.
    pub caller: Caller,
}

/// Builds the plan for `apply`, or for `plan -refresh-only`; problems that stand in the way of
/// any plan come instead.
pub fn build(mut input: PlanInput<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let mut diff = diff::diff(input.configuration, input.state, input.observed);
    let mut drift = diff.drift.clone();
    drift.extend(lanes::key_drift(&input));
    let refresh_only = input.mode == Mode::RefreshOnly;
    guard(&scene(&input), &mut diff);
    let elsewhere = workspace::problems(input.configuration, input.state, input.observed, |workspace| {
        diff.workspace_id(workspace)
    });
    elsewhere.into_iter().for_each(|refused| diff.refuse(refused));
    if refresh_only {
        diff.drop_refused();
    } else if !diff.problems.is_empty() {
        return Err(diff.problems);
    }
    let refused = diff.take_refused();
    input.sightings.refused.extend(refusals(&refused));
    complete_sightings(&mut input, &diff);
    let mut steps = base_steps(&diff);
    diff.console = hold_back(&mut steps, &mut diff.changes, &judge(&input));
    keep_what_is_stood_on(&mut steps, &mut diff, input.state);
    if refresh_only {
        steps.clear();
        diff.changes.clear();
    }
    let (lane_views, lane_steps, lane_changes) = lanes::plan(&input, &diff, &steps);
    let mut changes = diff.changes.clone();
    changes.extend(lane_changes);
    if refresh_only {
        changes.clear();
        diff.console.clear();
    } else {
        steps.extend(lane_steps);
        hold_archives_back(&mut steps, &scene(&input));
    }
    check_order(&steps);
    let outputs = match refresh_only {
        true => BTreeMap::new(),
        false => output_changes(&input.state.outputs, &input.outputs, !steps.is_empty()),
    };
    Ok(Plan {
        made_from: Some(MadeFrom::new(&input.configuration.written, input.recorded)),
        mode: input.mode,
        created_at: input.now,
        base: base(&input),
        moves: moved(input.moves),
        consumers_moved: consumers_moved(input.consumers),
        drift,
        changes,
        lanes: lane_views,
        steps,
        outputs_changed: recordable(&input.outputs) != input.state.outputs && !refresh_only,
        outputs,
        console: diff.console,
        held: diff.held.into_values().collect(),
        kept: diff.kept,
        refused,
    })
}

fn scene<'a>(input: &PlanInput<'a>) -> Scene<'a> {
    Scene { configuration: input.configuration, state: input.state, observed: input.observed, now: input.now }
}

fn moved(moves: Renames) -> Vec<Moved> {
    moves.into_iter().map(|(from, to)| Moved { from, to }).collect()
}

fn consumers_moved(renames: ConsumerRenames) -> Vec<MovedConsumer> {
    renames.into_iter().map(|((lane, from), to)| MovedConsumer { lane, from, to }).collect()
}

/// Builds the plan of a way back: its steps come from the difference of two states, and the lanes
/// are shown as they stand.
pub fn build_back(mut input: PlanInput<'_>, mut back: WayBack) -> Plan {
    let diff = diff::diff(input.configuration, input.state, input.observed);
    complete_sightings(&mut input, &diff);
    let (lanes, _, _) = lanes::plan(&input, &diff, &[]);
    let console = hold_back(&mut back.steps, &mut back.changes, &judge(&input));
    check_order(&back.steps);
    Plan {
        made_from: Some(MadeFrom::new(&input.configuration.written, input.recorded)),
        mode: input.mode,
        created_at: input.now,
        base: base(&input),
        moves: moved(input.moves),
        consumers_moved: consumers_moved(input.consumers),
        drift: Vec::new(),
        changes: back.changes,
        lanes,
        steps: back.steps,
        outputs_changed: false,
        outputs: BTreeMap::new(),
        console,
        held: diff.held.into_values().collect(),
        kept: Vec::new(),
        refused: Vec::new(),
    }
}

/// A rule that waits for a person still stands on what it stood on, so that stays until the next plan.
fn keep_what_is_stood_on(steps: &mut Vec<Step>, diff: &mut Diff, state: &State) {
    let held = diff.console.iter().filter_map(|task| state.records.get(&task.address));
    let stood_on: BTreeSet<&Address> = held.flat_map(|record| &record.depends_on).collect();
    let stays = |step: &Step| match &step.operation {
        Operation::Archive { address } => stood_on.contains(address),
        _ => false,
    };
    let kept: BTreeSet<String> =
        steps.iter().filter(|step| stays(step)).map(|step| step.id.clone()).collect();
    diff.changes.retain(|change| change.action != Action::Archive || !stood_on.contains(&change.address));
    steps.retain(|step| !kept.contains(&step.id));
    steps.iter_mut().for_each(|step| step.after.retain(|id| !kept.contains(id)));
}

fn judge<'a>(input: &PlanInput<'a>) -> Judge<'a> {
    Judge { state: input.state, observed: input.observed, caller: input.caller }
}

/// Notes what is not yet as configured, and what settings each consumer should have.
fn complete_sightings(input: &mut PlanInput<'_>, diff: &Diff) {
    input.sightings.unconfigured = diff.unconfigured.clone();
    let lost = diff.held.values().filter(|held| held.cause == Cause::Archived);
    input.sightings.lost = lost.map(|held| held.address.clone()).collect();
    let workspace_id = |workspace: &WorkspaceRef| diff.workspace_id(workspace);
    let mut wanted = wanted_settings(input.configuration, input.state, input.observed, workspace_id);
    // What settings should say is not known where a workspace is not found, so that they are not judged.
    for place in diff::names_no_workspace(input.configuration, diff) {
        if let Some(found) = input.sightings.settings.get(&place) {
            wanted.entry(place).or_insert_with(|| found.clone());
        }
    }
    input.sightings.wanted_settings = wanted;
}

pub(crate) fn step_id(operation: &Operation) -> String {
    let target = operation.target();
    match target.part.as_str() {
        "" => format!("{}/{}", operation.word(), target.address),
        part => format!("{}/{}/{part}", operation.word(), target.address),
    }
}

/// Steps for objects at the API: each after the steps before it on the same object, and after
/// those of what it depends on.
pub(super) fn base_steps(diff: &Diff) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut of: BTreeMap<&Address, Vec<String>> = BTreeMap::new();
    for (operation, undo) in &diff.work {
        let address = operation.target().address;
        let ends = matches!(operation, Operation::Archive { .. } | Operation::Forget { .. });
        let mut after: BTreeSet<String> =
            of.get(address).and_then(|ids| ids.last().cloned()).into_iter().collect();
        if !ends {
            for dependency in diff.depends_on.get(address).into_iter().flatten() {
                after.extend(of.get(dependency).into_iter().flatten().cloned());
            }
        }
        let id = step_id(operation);
        of.entry(address).or_default().push(id.clone());
        steps.push(Step {
            id,
            stage: if ends { Stage::Revoke } else { Stage::Configure },
            lane: None,
            operation: operation.clone(),
            after: after.into_iter().collect(),
            undo: undo.clone(),
        });
    }
    // A rule is archived before its issuer and its account.
    let ends: Vec<(String, Address)> = steps
        .iter()
        .filter(|step| step.stage == Stage::Revoke)
        .map(|step| (step.id.clone(), step.operation.target().address.clone()))
        .collect();
    for step in steps.iter_mut().filter(|step| step.stage == Stage::Revoke) {
        let address = step.operation.target().address;
        let users =
            ends.iter().filter(|(_, other)| diff.depends_on.get(other).is_some_and(|d| d.contains(address)));
        let users: Vec<String> = users.map(|(id, _)| id.clone()).collect();
        step.after.extend(users);
        step.after.sort();
        step.after.dedup();
    }
    steps
}

/// Puts steps into an order in which each comes after those it names; stable otherwise.
pub(super) fn order(steps: &mut Vec<Step>) {
    let mut left: Vec<Step> = std::mem::take(steps);
    let mut placed: BTreeSet<String> = BTreeSet::new();
    while !left.is_empty() {
        let before = left.len();
        let mut rest = Vec::new();
        for step in left {
            if step.after.iter().all(|id| placed.contains(id)) {
                placed.insert(step.id.clone());
                steps.push(step);
            } else {
                rest.push(step);
            }
        }
        assert!(
            rest.len() < before,
            "steps of a plan form a cycle: {:?}",
            rest.iter().map(|s| &s.id).collect::<Vec<_>>()
        );
        left = rest;
    }
}

/// The plan's own promises; breaking one is an error of ours.
pub(super) fn check_order(steps: &[Step]) {
    let mut seen = BTreeSet::new();
    for step in steps {
        assert!(step.after.iter().all(|id| seen.contains(id)), "step {} comes before what it needs", step.id);
        assert!(seen.insert(step.id.clone()), "step {} is planned twice", step.id);
    }
}

fn base(input: &PlanInput<'_>) -> Base {
    Base {
        lineage: input.lineage.clone(),
        serial: input.serial,
        organization_id: input.observed.organization.id.clone(),
        configuration_digest: configuration_digest(input.configuration),
        observed_digest: observed_digest(input),
    }
}

/// Digest of what is asked for. Values of outputs are what comes of it, and change with every id
/// that becomes known; how it is written asks for nothing.
fn configuration_digest(configuration: &Configuration) -> String {
    let mut asked = configuration.clone();
    asked.written = Written::default();
    for output in asked.outputs.values_mut() {
        output.value = None;
    }
    digest(format!("{asked:?}"))
}

fn digest(text: String) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digest of the observed objects that a plan is about: the recorded ones, the declared keys and
/// those whose names are declared. What happens elsewhere in the organization does not matter.
fn observed_digest(input: &PlanInput<'_>) -> String {
    let mut text = String::new();
    for record in input.state.records.values() {
        let id = &record.id;
        text.push_str(&format!(
            "{:?}{:?}{:?}",
            input.observed.issuers.get(id).map(|o| (&o.arguments, o.provenance.archived_at)),
            input.observed.service_accounts.get(id).map(|o| (
                &o.arguments,
                &o.memberships,
                o.provenance.archived_at
            )),
            input.observed.rules.get(id).map(|o| (&o.arguments, o.provenance.archived_at)),
        ));
        text.push_str(&format!("{:?}", input.observed.unreadable.get(id)));
    }
    for key in input.configuration.api_keys.values() {
        text.push_str(&format!("{:?}", input.observed.api_keys.get(&key.id).map(|object| &object.status)));
    }
    let names = |wanted: &str| {
        let issuers = input.observed.issuers.values().filter(|o| o.arguments.name == wanted).map(|o| &o.id);
        let accounts =
            input.observed.service_accounts.values().filter(|o| o.arguments.name == wanted).map(|o| &o.id);
        let rules = input.observed.rules.values().filter(|o| o.arguments.name == wanted).map(|o| &o.id);
        issuers.chain(accounts).chain(rules).cloned().collect::<Vec<_>>().join(",")
    };
    let configuration = input.configuration;
    let declared = configuration.providers.values().map(|p| &p.name);
    let declared = declared.chain(configuration.service_accounts.values().map(|a| &a.name));
    let declared = declared.chain(configuration.federation_rules.values().map(|r| &r.name));
    let declared: BTreeSet<&String> = declared.collect();
    for name in declared {
        text.push_str(&names(name));
    }
    digest(text)
}

/// The undo of a step that takes a key out of a consumer.
pub(super) fn put_back(driver: &ConsumerDriver) -> Undo {
    match driver.put_back() {
        PutBack::ByDriver(how) => Undo::possible(how),
        PutBack::Impossible(why) => Undo::Impossible { why },
        PutBack::ByPerson(instructions) => {
            Undo::Impossible { why: format!("a person has to put the key back: {instructions}") }
        }
    }
}
