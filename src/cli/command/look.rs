//! Looking at everything before planning: the API, the state, the consumers, the evidence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, ConsumerRenames, InDoubt, Mutation, Renames, State};

use super::connect::{Connection, told};
use crate::apply::recover;
use crate::binding;
use crate::cli::session::Session;
use crate::cli::store;
use crate::cli::ui::Ui;
use crate::config::WorkspaceKey;
use crate::evidence::{self, Goes};
use crate::lane::Sightings;
use crate::plan::{
    self, HeldBack, Kept, Mode, Plan, PlanInput, Refused, attribute, build, build_back, cautions,
};
use crate::plan_check::{self, Moment};
use crate::platform::{Activity, Platform};
use crate::refresh;
use crate::render::inert;
use crate::resource::{Caller, Observed};
use crate::rollback::{WayBack, dead_keys};

/// What was seen, and the state with the evidence of this moment in it.
pub(super) struct Look {
    /// What is recorded, before this look around.
    pub(super) recorded: State,
    pub(super) state: State,
    pub(super) lineage: Option<String>,
    pub(super) serial: u64,
    pub(super) observed: Observed,
    pub(super) sightings: Sightings,
    /// What was learnt by looking, to be recorded by a command that writes.
    pub(super) learnt: Vec<Mutation>,
    /// What makes room for successors, to be recorded by the run that makes them.
    pub(super) deposed: Vec<Mutation>,
    pub(super) now: Timestamp,
    /// Who changed what lately, as far as the Activity Feed tells.
    changes: Vec<Activity>,
    /// New addresses by old ones, of blocks that were renamed; `state` has the new ones.
    moves: Renames,
    /// Consumers that are called otherwise by now.
    consumers: ConsumerRenames,
    /// What records these moves.
    pub(super) moved: Vec<Mutation>,
    /// Steps of earlier runs that were in doubt, with the journal events that settle them.
    pub(super) settled: Vec<(InDoubt, keyless_state::Event)>,
    /// Who stands behind the credential.
    pub(super) caller: Caller,
}

/// What is recorded, as this command found it.
pub(super) struct Recorded {
    pub(super) state: State,
    pub(super) lineage: Option<String>,
    pub(super) serial: u64,
    pub(super) organization_id: Option<String>,
    pub(super) in_doubt: Vec<InDoubt>,
}

/// Reads the state without its lock.
pub(super) fn recorded(session: &Session) -> Result<Recorded, String> {
    let directory = session.data_directory();
    let view = keyless_state::read(&directory).map_err(|error| error.to_string())?;
    store::tell_findings(&directory);
    Ok(match view {
        None => Recorded {
            state: State::default(),
            lineage: None,
            serial: 0,
            organization_id: None,
            in_doubt: Vec::new(),
        },
        Some(view) => Recorded {
            lineage: (view.snapshot.serial > 0).then(|| view.snapshot.lineage.clone()),
            serial: view.snapshot.serial,
            organization_id: view.snapshot.organization_id.clone(),
            state: view.state,
            in_doubt: view.in_doubt,
        },
    })
}

/// Looks at everything.
pub(super) async fn look(
    session: &Session,
    connection: &Connection,
    recorded: Recorded,
    goes: Goes,
    ui: &Ui,
) -> Result<Look, String> {
    let remote = &connection.remote;
    let managed = refresh::managed(&session.configuration, &recorded.state);
    let mut observed = remote.platform.observe(&managed).await.map_err(|error| told(&error))?;
    check_organization(session, &recorded, &observed)?;
    // Before the first report is read: reading is use.
    let retired = session.configuration.api_keys.values();
    connection.report_keys.check_against(retired.filter_map(|key| observed.api_keys.get(&key.id)))?;
    let now = remote.platform.now().await.map_err(|error| told(&error))?;
    let mut bound = recorded.state.clone();
    recorded.state.missing_bindings().iter().for_each(|change| bound.apply(change));
    let moves = plan::moves(&session.configuration, &bound, &observed);
    let state = bound.renamed(&moves);
    let consumers = binding::renamed_consumers(&session.configuration, &state);
    let mut state = state.consumers_renamed(&consumers);
    let moved = recorded.state.changes_to(&state);
    let sightings = refresh::sight(&session.configuration, &state, &observed, &session.base).await;
    for place in refresh::unreadable(&session.configuration, &state, &session.base) {
        ui.tell(&format!("warning: {place}. Its lane does not move while that cannot be read"));
    }
    for place in refresh::unseen(&session.configuration, &state, &sightings, &session.base) {
        ui.tell(&format!("warning: it is not known whether the key is there: {place}"));
    }
    // Doubts are judged under the names that consumers have now.
    let mut settled = Vec::new();
    for mut doubt in recorded.in_doubt {
        rename(&mut doubt.operation, &moves);
        rename_consumer(&mut doubt.operation, &consumers);
        let Some(event) = recover::settle(&doubt, &session.configuration, &state, &observed, &sightings, now)
        else {
            ui.tell(&format!(
                "warning: the answer to {} (begun {}) was lost, and what it was to create is not seen yet. \
                 It is looked for again by each command; once seen it is recorded, and never made twice",
                doubt.step, doubt.since
            ));
            continue;
        };
        if let keyless_state::Event::StepDone { changes, .. } = &event {
            changes.iter().for_each(|change| state.apply(change));
        }
        settled.push((doubt, event));
    }
    // What was just settled may be called otherwise by now, too.
    let settled_moves = plan::moves(&session.configuration, &state, &observed);
    let renamed = state.renamed(&settled_moves);
    let moved_last = state.changes_to(&renamed);
    let moves = keyless_state::then(&moves, &settled_moves);
    let mut state = renamed;
    evidence::set_late_statuses_aside(&mut observed, &state, now);
    let before = state.clone();
    let mut learnt = moved_last;
    learnt.extend(evidence::unused_approvals(&state));
    learnt.iter().for_each(|change| state.apply(change));
    learnt.extend(evidence::reactivations(&state, &observed, now));
    let configuration = &session.configuration;
    let gathered = refresh::gather(remote, configuration, &state, &observed, goes, &session.base, now)
        .await
        .map_err(|error| told(&error))?;
    for unread in &gathered.unread {
        ui.tell(&format!("warning: {unread}"));
    }
    for report in &gathered.disbelieved {
        ui.tell(&format!(
            "warning: the credential report of {} of {} ({}) is not believed: {}",
            report.consumer,
            report.key,
            report.path.display(),
            report.why
        ));
    }
    learnt.extend(gathered.evidence.into_iter().map(|evidence| Mutation::PutEvidence { evidence }));
    learnt.iter().for_each(|change| state.apply(change));
    let bindings = binding::learn(
        &session.configuration,
        &state,
        &sightings.found,
        &sightings.marked,
        &sightings.presence,
        now,
    );
    bindings.iter().for_each(|change| state.apply(change));
    learnt.extend(bindings);
    let seen = binding::Seen {
        configuration: &session.configuration,
        state: &state,
        observed: &observed,
        presence: &sightings.presence,
    };
    let used = binding::in_use_again(&seen);
    used.iter().for_each(|change| state.apply(change));
    learnt.extend(used);
    Ok(Look {
        recorded: before,
        state,
        lineage: recorded.lineage,
        serial: recorded.serial,
        observed,
        sightings,
        learnt,
        deposed: Vec::new(),
        now,
        changes: gathered.changes,
        moves,
        consumers,
        moved,
        settled,
        caller: connection.caller,
    })
}

/// Puts new addresses in place of old ones into an announced operation.
fn rename(operation: &mut serde_json::Value, moves: &Renames) {
    match operation {
        serde_json::Value::String(text) => {
            let new = text.parse().ok().and_then(|address: Address| moves.get(&address));
            if let Some(new) = new {
                *text = new.to_string();
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| rename(item, moves)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, moves)),
        _ => {}
    }
}

/// The same for the consumer that an announced operation is about.
fn rename_consumer(operation: &mut serde_json::Value, renames: &ConsumerRenames) {
    let text = |name: &str| operation.get(name).and_then(serde_json::Value::as_str);
    let lane = text("address").and_then(|text| text.parse().ok());
    let consumer = text("consumer").and_then(|text| text.parse().ok());
    if let Some(to) = lane.zip(consumer).and_then(|named| renames.get(&named)) {
        operation["consumer"] = to.to_string().into();
    }
}

/// A plan is for one organization, and a credential of another one is the costliest mistake.
fn check_organization(session: &Session, recorded: &Recorded, observed: &Observed) -> Result<(), String> {
    let found = &observed.organization;
    let wanted = session.configuration.settings.organization_id.as_ref();
    for (wanted, whose) in [
        (wanted, "the configuration is for"),
        (recorded.organization_id.as_ref(), "the recorded state is of"),
    ] {
        if let Some(wanted) = wanted
            && !wanted.eq_ignore_ascii_case(&found.id)
        {
            return Err(format!(
                "the credential belongs to the organization {} ({}), but {whose} {wanted}. Nothing was changed. Use a credential of that organization, or correct `organization_id`",
                found.id,
                inert::line(&found.name)
            ));
        }
    }
    Ok(())
}

impl Look {
    /// Makes room for successors of what cannot be changed under its workloads, as the plan that applies the
    /// configuration needs it.
    pub(super) fn depose(&mut self, session: &Session, mode: Mode) {
        if mode != Mode::Apply {
            return;
        }
        let deposed = plan::successions(&self.scene(session));
        let renamed = self.state.renamed(&deposed);
        self.deposed = self.state.changes_to(&renamed);
        self.state = renamed;
        self.recorded = self.recorded.renamed(&deposed);
        self.moves = keyless_state::then(&self.moves, &deposed);
    }

    fn scene<'a>(&'a self, session: &'a Session) -> plan::Scene<'a> {
        plan::Scene {
            configuration: &session.configuration,
            state: &self.state,
            observed: &self.observed,
            now: self.now,
        }
    }

    /// Builds the plan of a mode and tells what is refused in it; problems have been told when this fails.
    pub(super) fn plan(&self, session: &Session, mode: Mode, skip_waits: bool, ui: &Ui) -> Option<Plan> {
        match build(self.input(session, mode, skip_waits)) {
            Ok(mut plan) => {
                let sound = plan_check::demand(&plan, &self.moment(session))
                    .and_then(|()| plan::refuse_secrets(&plan).map_err(|error| error.to_string()));
                if let Err(message) = sound {
                    ui.error(&message);
                    return None;
                }
                let held = plan.held.iter().map(HeldBack::warning);
                // The closing look of an apply would say again what its plan has said.
                let kept = plan.kept.iter().filter(|_| mode != Mode::RefreshOnly).map(Kept::warning);
                let warnings = held.chain(kept).chain(cautions(&plan, self.caller));
                let told: Vec<_> = warnings.chain(plan.refused.iter().map(Refused::error)).collect();
                ui.diagnostics(&told, &session.sources);
                attribute(&mut plan.drift, &self.recorded, &self.changes);
                Some(plan)
            }
            Err(problems) => {
                ui.diagnostics(&problems, &session.sources);
                None
            }
        }
    }

    /// What the files ask for and an apply would refuse.
    pub(super) fn refused(&self, session: &Session, ui: &Ui) -> Vec<Refused> {
        let deposed = plan::successions(&self.scene(session));
        let (state, recorded) = (self.state.renamed(&deposed), self.recorded.renamed(&deposed));
        let input = self.input(session, Mode::Apply, false);
        let built = build(PlanInput { state: &state, recorded: &recorded, ..input });
        match built {
            Ok(plan) => plan.refused,
            Err(problems) => {
                ui.diagnostics(&problems, &session.sources);
                Vec::new()
            }
        }
    }

    /// Builds the plan of a way back.
    pub(super) fn plan_back(&self, session: &Session, mode: Mode, back: WayBack) -> Result<Plan, String> {
        let others = self.other_keys(session);
        if !others.is_empty() {
            return Err(format!(
                "{}. Nothing was changed. Give the blocks of these keys other labels",
                others.join("; ")
            ));
        }
        let dead = dead_keys(&back, &self.state, &self.observed);
        if !dead.is_empty() {
            return Err(format!(
                "this way back would leave a workload without a credential:\n  {}\nNothing was changed. Set the key active in the Console first; where it cannot be, its workloads stay on federation, and if one is gone, say so: keyless evidence add -manual -retire=LANE -consumer=CONSUMER -by=\"YOUR NAME\" -statement=\"…\"",
                dead.join("\n  ")
            ));
        }
        let asks = back.asks.clone();
        let mut plan = build_back(self.input(session, mode, false), back);
        self.refuse_unread(&plan)?;
        let cut_off = plan::cut_off(&plan.steps, &asks, &self.scene(session));
        if !cut_off.is_empty() {
            return Err(format!(
                "this way back would leave a workload without a credential:\n  {}\nNothing was changed. Go back further, so that the keys are put back first (for that, their blocks have to be declared), or write the blocks as they were and apply, or wait until these workloads show that they live off something else; if one is gone, say so: keyless evidence add -manual -retire=LANE -consumer=CONSUMER -by=\"YOUR NAME\" -statement=\"…\"",
                cut_off.join("\n  ")
            ));
        }
        plan.kept = plan::until_used(&plan.steps, &self.scene(session));
        plan_check::demand(&plan, &self.moment(session))?;
        plan::refuse_secrets(&plan).map_err(|error| error.to_string())?;
        Ok(plan)
    }

    /// Workloads whose keys are back and of which it is not seen yet that they use them, with what is missing.
    pub(super) fn unused_keys<'a>(&'a self, session: &'a Session) -> Vec<(&'a Binding, Vec<binding::Lack>)> {
        let seen = binding::Seen {
            configuration: &session.configuration,
            state: &self.state,
            observed: &self.observed,
            presence: &self.sightings.presence,
        };
        let coming = binding::coming_back(&self.state, &session.configuration);
        coming.filter_map(|it| Some((it, binding::in_use(it, &seen)?.err()?))).collect()
    }

    /// Lanes whose labels are those of other keys by now: what was done for one key says nothing of another.
    fn other_keys(&self, session: &Session) -> Vec<String> {
        let lanes = self.state.lanes.iter().filter_map(|(address, lane)| {
            let declared = session.configuration.api_keys.get(address)?;
            (declared.id != lane.key_id).then(|| {
                format!("{address} is declared for the key {}, and recorded for {}", declared.id, lane.key_id)
            })
        });
        lanes.collect()
    }

    /// A way back is whole or does not begin.
    fn refuse_unread(&self, plan: &Plan) -> Result<(), String> {
        let touches = |address: &Address| {
            plan.steps.iter().map(|step| step.operation.target().address).any(|target| {
                target == address
                    || self
                        .state
                        .records
                        .get(target)
                        .is_some_and(|record| record.depends_on.contains(address))
            })
        };
        let unread = plan.held.iter().filter(|held| held.cause == plan::Cause::Unreadable);
        let unread: Vec<&str> =
            unread.filter(|held| touches(&held.address)).map(|held| held.why.as_str()).collect();
        match unread.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "this way back would change what cannot be read:\n  {}\nNothing was changed. Run the command again in a moment; if it stays so, look at the object in the Console",
                unread.join("\n  ")
            )),
        }
    }

    /// What a plan is held against.
    pub(super) fn moment<'a>(&'a self, session: &'a Session) -> Moment<'a> {
        Moment {
            configuration: &session.configuration,
            state: &self.state,
            observed: &self.observed,
            sightings: &self.sightings,
            now: self.now,
        }
    }

    fn input<'a>(&'a self, session: &'a Session, mode: Mode, skip_waits: bool) -> PlanInput<'a> {
        PlanInput {
            configuration: &session.configuration,
            state: &self.state,
            recorded: &self.recorded,
            observed: &self.observed,
            sightings: self.sightings.clone(),
            lineage: self.lineage.clone(),
            serial: self.serial,
            mode,
            moves: self.moves.clone(),
            consumers: self.consumers.clone(),
            now: self.now,
            skip_waits,
            outputs: session.outputs(&self.state, &self.observed),
            caller: self.caller,
        }
    }

    /// Ids of the looked-up workspaces.
    pub(super) fn workspaces(&self, session: &Session) -> BTreeMap<Address, String> {
        let mut ids = BTreeMap::new();
        for (address, lookup) in &session.configuration.workspaces {
            let found = self.observed.workspaces.values().find(|workspace| {
                workspace.archived_at.is_none()
                    && match &lookup.by {
                        WorkspaceKey::Id(id) => workspace.id == *id,
                        WorkspaceKey::Name(name) => workspace.name == *name,
                    }
            });
            if let Some(workspace) = found {
                ids.insert(address.clone(), workspace.id.clone());
            }
        }
        ids
    }
}
