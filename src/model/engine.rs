//! The loop of a run, around the production functions that decide in it.

use keyless_state::{Event, InDoubt, Mutation, State};

use super::outside::{self, can_work, perform};
use super::rest::is_way_back;
use super::scope::Scope;
use super::world::{Run, Sealed, World, Wrong, at};
use crate::apply::prepare::{self, Context};
use crate::apply::record;
use crate::apply::schedule::{Schedule, Status};
use crate::apply::{recover, sightings};
use crate::binding;
use crate::config::WorkspaceRef;
use crate::evidence;
use crate::lane::{self, Assessment, Sightings, Stage};
use crate::plan::{self, Mode, Operation, Plan, PlanInput, Reason, Step};
use crate::plan_check::{self, Moment};
use crate::resource::{KeyStatus, Observed};
use crate::rollback::{dead_keys, spare, way_back};
use crate::sample::plan_input;

/// How a step in flight ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum How {
    /// It takes effect, and that is recorded.
    Lands,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It has no effect.
    Fails,
}

fn id_of(workspace: &WorkspaceRef) -> String {
    match workspace {
        WorkspaceRef::Id(id) => id.clone(),
        WorkspaceRef::Data(data) => unreachable!("no scope looks {data} up"),
    }
}

impl Scope {
    /// Begins a run, as the command does that looks, settles, plans and applies. None when nothing
    /// would happen that did not happen before.
    pub(super) fn begin_run(&self, world: &World, back: bool) -> Option<World> {
        let mut next = world.clone();
        let now = at(world.hour);
        let seen = self.sight(world);
        let mut state: State = (*world.state).clone();
        for doubt in world.doubts.iter().filter(|_| !self.without.settling) {
            // What is not seen here did not happen: the lists of the model never lag.
            let event = recover::settle(doubt, &self.configuration, &state, &world.observed, &seen, now);
            if let Some(Event::StepDone { changes, .. }) = event {
                changes.iter().for_each(|change| state.apply(change));
            }
        }
        let settled = state.clone();
        let mut learnt = Vec::new();
        if !self.without.noticing {
            learnt.extend(evidence::reactivations(&state, &world.observed, now));
        }
        learnt.extend(self.read_evidence(world, &state));
        learnt.iter().for_each(|change| state.apply(change));
        let bindings =
            binding::learn(&self.configuration, &state, &seen.found, &seen.marked, &seen.presence, now);
        bindings.iter().for_each(|change| state.apply(change));
        learnt.extend(bindings);
        let used = binding::in_use_again(&binding::Seen {
            configuration: &self.configuration,
            state: &state,
            observed: &world.observed,
            presence: &seen.presence,
        });
        used.iter().for_each(|change| state.apply(change));
        learnt.extend(used);
        let plan = self.plan(world, &settled, &state, &seen, back)?;
        next.rested = !back;
        next.doubts = Sealed::new(Vec::new());
        let moment = self.moment(&state, &world.observed, &seen, world.hour);
        let found = plan_check::check(&plan, Some(&moment));
        if !found.is_empty() {
            return Some(wrong(next, Wrong::Plan, &found));
        }
        if plan.steps.is_empty() {
            let keeps = |change: &&Mutation| match change {
                Mutation::PutEvidence { evidence } => {
                    matches!(evidence.fact, keyless_state::Fact::ArchiveApproval { .. })
                }
                _ => true,
            };
            next.state = Sealed::new(settled);
            let kept: Vec<Mutation> = learnt.iter().filter(keeps).cloned().collect();
            if !kept.is_empty() {
                next.state.edit(|state| kept.iter().for_each(|change| state.apply(change)));
            }
            return Some(self.at_rest(next, &state, &seen, back));
        }
        if next.checkpoint.is_none() && plan.steps.iter().any(|step| step.stage == Stage::Configure) {
            next.checkpoint = Some(Sealed::new(state.clone()));
        }
        next.state = Sealed::new(state);
        next.run = Some(self.run(plan, &next, seen));
        next.rested = false;
        Some(next)
    }

    fn plan(
        &self,
        world: &World,
        recorded: &State,
        state: &State,
        seen: &Sightings,
        back: bool,
    ) -> Option<Plan> {
        let mut observed: Observed = (*world.observed).clone();
        if self.without.looking {
            let known: Vec<&String> = state.records.values().map(|record| &record.id).collect();
            observed.issuers.retain(|id, _| known.contains(&id));
            observed.service_accounts.retain(|id, _| known.contains(&id));
            observed.rules.retain(|id, _| known.contains(&id));
        }
        let input = PlanInput {
            recorded,
            mode: if back { Mode::Rollback } else { Mode::Apply },
            now: at(world.hour),
            ..plan_input(&self.configuration, state, &observed, seen.clone())
        };
        match back {
            false => plan::build(input).ok(),
            true => {
                let then = world.checkpoint.as_ref()?;
                let mut back = way_back(state, then, &self.configuration, &seen.presence, Reason::Rollback);
                spare(&mut back, state, &binding::unrecorded_use(state, input.now));
                if !self.without.rereads && !dead_keys(&back, state, &observed).is_empty() {
                    return None;
                }
                let (now, configuration) = (input.now, &self.configuration);
                let plan = plan::build_back(input, back);
                let scene = plan::Scene { configuration, state, observed: &observed, now };
                plan::cut_off(&plan.steps, &[], &scene).is_empty().then_some(plan)
            }
        }
    }

    fn run(&self, mut plan: Plan, world: &World, mut seen: Sightings) -> Run {
        if let Some(word) = self.without.order {
            plan.steps
                .iter_mut()
                .filter(|step| step.operation.word() == word)
                .for_each(|step| step.after.clear());
        }
        sightings::before_run(&plan, &mut seen);
        seen.wanted_settings = self.wanted(&world.state, &world.observed);
        let schedule = Schedule::new(&plan.steps);
        Run {
            plan: Sealed::by(&plan.steps, plan.clone()),
            schedule,
            observed: world.observed.clone(),
            sightings: Sealed::new(seen),
            flying: Vec::new(),
            doubts: Vec::new(),
            faulted: false,
            done: 0,
        }
    }

    pub(super) fn wanted(
        &self,
        state: &State,
        observed: &Observed,
    ) -> std::collections::BTreeMap<(keyless_state::Address, keyless_state::ConsumerId), String> {
        plan::wanted_settings(&self.configuration, state, observed, id_of)
    }

    fn moment<'a>(
        &'a self,
        state: &'a State,
        observed: &'a Observed,
        sightings: &'a Sightings,
        hour: i64,
    ) -> Moment<'a> {
        Moment { configuration: &self.configuration, state, observed, sightings, now: at(hour) }
    }

    fn assess(&self, world: &World, run: &Run, lane: &keyless_state::Address) -> Assessment {
        let key = &self.configuration.api_keys[lane];
        let facts = lane::gather(lane, key, &self.configuration, &world.state, &run.observed, &run.sightings);
        lane::assess(&facts, at(world.hour))
    }

    fn is_open(&self, world: &World, run: &Run, step: &Step) -> bool {
        if let Some(lane) = &step.lane {
            return lane::permits(&self.assess(world, run, lane), step.stage).is_ok();
        }
        let (configuration, state, observed) = (&self.configuration, &world.state, &run.observed);
        let scene = plan::Scene { configuration, state, observed, now: at(world.hour) };
        run.plan.mode == Mode::Apply || plan::not_used_yet(&step.operation, &scene).is_empty()
    }

    /// Goes on with a run: begins what is ready, or confirms, or ends the run.
    pub(super) fn go_on(&self, world: &World) -> Option<World> {
        let mut next = world.clone();
        let mut run = next.run.take()?;
        let mut begun = false;
        for id in run.schedule.ready() {
            if run.flying.len() >= self.parallelism {
                break;
            }
            let step = step_of(&run.plan, &id);
            if matches!(step.operation, Operation::Confirm { .. }) {
                continue;
            }
            if !self.is_open(&next, &run, &step) {
                run.schedule.end(&id, Status::Waiting);
                begun = true;
                continue;
            }
            if let Some(found) = self.unfounded(&next, &run, &step) {
                return Some(wrong(next, Wrong::Unfounded, &found));
            }
            run.schedule.begin(&id);
            begun = true;
            let context = self.context(&next.state, &run.observed);
            match prepare::prepare(&step.operation, &context) {
                Ok(_) => run.flying.push(id),
                Err(_) => run.schedule.end(&id, Status::Failed),
            }
        }
        if !begun && !run.flying.is_empty() {
            return None;
        }
        if run.flying.is_empty() && !begun {
            return Some(self.confirm_or_end(next, run));
        }
        next.run = Some(run);
        Some(next)
    }

    fn unfounded(&self, world: &World, run: &Run, step: &Step) -> Option<Vec<plan_check::Violation>> {
        // What a person does to a key's status while a run is under way shows when it is read again.
        let mut observed = (*world.observed).clone();
        observed.api_keys.clone_from(&run.observed.api_keys);
        let moment = self.moment(&world.state, &observed, &run.sightings, world.hour);
        let found = plan_check::breaks(step, &moment);
        (!found.is_empty()).then_some(found)
    }

    fn confirm_or_end(&self, mut next: World, mut run: Run) -> World {
        let ready = run.schedule.ready();
        if ready.is_empty() {
            return self.end_run(next, run);
        }
        let learnt = self.read_evidence(&next, &next.state);
        next.state.edit(|state| learnt.iter().for_each(|change| state.apply(change)));
        for id in ready {
            let step = step_of(&run.plan, &id);
            if !self.is_open(&next, &run, &step) {
                run.schedule.end(&id, Status::Waiting);
                continue;
            }
            if let Some(found) = self.unfounded(&next, &run, &step) {
                return wrong(next, Wrong::Unfounded, &found);
            }
            run.schedule.begin(&id);
            run.schedule.end(&id, Status::Done);
            run.done = run.done.saturating_add(1);
        }
        next.run = Some(run);
        next
    }

    fn context<'a>(&'a self, state: &'a State, observed: &'a Observed) -> Context<'a> {
        static NO_WORKSPACES: std::collections::BTreeMap<keyless_state::Address, String> =
            std::collections::BTreeMap::new();
        Context { configuration: &self.configuration, state, observed, workspaces: &NO_WORKSPACES }
    }

    /// Ends a step in flight.
    pub(super) fn end_step(&self, world: &World, id: &str, how: How) -> Option<World> {
        let mut next = world.clone();
        let mut run = next.run.take()?;
        run.flying.retain(|flying| flying != id);
        let step = step_of(&run.plan, id);
        run.faulted |= how != How::Lands;
        if how == How::Fails {
            run.schedule.end(id, Status::Failed);
            next.run = Some(run);
            return Some(next);
        }
        let given = self.take_effect(&mut next, &run, &step);
        if how == How::AnswerLost && !self.without.doubting {
            run.doubts.push(id.to_owned());
        }
        if next.wrong.is_some() {
            return Some(next);
        }
        match given {
            Ok(given) if how == How::Lands => {
                let mut changes: Vec<Mutation> =
                    given.evidence.into_iter().map(|evidence| Mutation::PutEvidence { evidence }).collect();
                if !given.failure {
                    let context = self.context(&next.state, &run.observed);
                    let receipt = None;
                    let now = at(next.hour);
                    changes.extend(record::effects(
                        &step.operation,
                        given.answer.as_ref(),
                        receipt,
                        &context,
                        now,
                    ));
                }
                next.state.edit(|state| changes.iter().for_each(|change| state.apply(change)));
                run.schedule.end(id, if given.failure { Status::Failed } else { Status::Done });
                if !given.failure {
                    run.done = run.done.saturating_add(1);
                    self.note(&next, &mut run, &step, given.answer.as_ref());
                }
            }
            _ => run.schedule.end(id, Status::Failed),
        }
        next.run = Some(run);
        Some(next)
    }

    fn note(&self, world: &World, run: &mut Run, step: &Step, answer: Option<&crate::platform::Answer>) {
        if let Some(answer) = answer {
            run.observed.edit(|observed| record::observe_change(observed, answer));
        }
        let wanted = matches!(step.operation, Operation::Configure { .. })
            .then(|| self.wanted(&world.state, &run.observed));
        let mut seen: Sightings = (*run.sightings).clone();
        sightings::after_step(step, &run.plan.steps, &run.schedule, wanted, &mut seen);
        run.sightings = Sealed::new(seen);
    }

    /// What a step does outside; it must harm nobody.
    fn take_effect(&self, world: &mut World, run: &Run, step: &Step) -> Result<outside::Given, String> {
        let before = self.workers(world);
        let overrides = match &step.operation {
            Operation::Enable { id, .. } | Operation::ArchiveKey { id, .. } => {
                let lane = self.key_index(id);
                !world.keys[lane].ours && self.status(world, lane) == KeyStatus::Inactive
            }
            // Somebody needed the key, so every workload has to show anew that it does not.
            Operation::Disable { id, .. } => {
                let key = &world.keys[self.key_index(id)];
                let needed = key.brought_back.max(key.back.map(|(hour, _)| hour));
                let since =
                    |place: &super::world::Place| place.report.as_ref().map(|(hour, ..)| *hour) > needed;
                self.is_held(world, step) || (needed.is_some() && !key.places.iter().all(since))
            }
            Operation::Remove { .. } => self.is_held(world, step),
            Operation::Configure { address, consumer } => {
                let (lane, place) = self.place_index(address, consumer);
                self.is_held(world, step) && world.keys[lane].places[place].holds_key
            }
            _ => false,
        };
        let task = prepare::prepare(&step.operation, &self.context(&world.state, &run.observed))?;
        let given = perform(self, world, &task);
        if given.is_ok() && is_way_back(&step.operation) {
            let lane = self.lane_index(step.operation.target().address);
            world.keys[lane].back = Some((world.hour, true));
        }
        let after = self.workers(world);
        if before.iter().zip(&after).any(|(before, after)| *before && !after) {
            *world = wrong(world.clone(), Wrong::Harmed, &step.id);
        } else if overrides && given.is_ok() {
            *world = wrong(world.clone(), Wrong::Overridden, &step.id);
        }
        given
    }

    /// Whether a step is in a lane that was rolled back and not resumed.
    fn is_held(&self, world: &World, step: &Step) -> bool {
        let lane = self.lane_index(step.operation.target().address);
        world.keys[lane].back.is_some_and(|(_, held)| held)
    }

    fn workers(&self, world: &World) -> Vec<bool> {
        let places = world
            .keys
            .iter()
            .enumerate()
            .flat_map(|(lane, key)| (0..key.places.len()).map(move |place| (lane, place)));
        places.map(|(lane, place)| can_work(self, world, lane, place)).collect()
    }

    /// The process dies. Each step in flight took effect or not, by the bits of `effects`.
    pub(super) fn crash(&self, world: &World, effects: u8) -> Option<World> {
        let mut next = world.clone();
        let run = next.run.take()?;
        let mut doubts: Vec<InDoubt> = Vec::new();
        for (nth, id) in run.flying.iter().enumerate() {
            let step = step_of(&run.plan, id);
            if effects & (1 << nth) != 0 {
                let _ = self.take_effect(&mut next, &run, &step);
            }
            if !self.without.announcing {
                doubts.push(in_doubt(&step));
            }
        }
        doubts.extend(self.left_open(&run));
        next.doubts = Sealed::new(doubts);
        next.rested = false;
        Some(next)
    }

    /// Steps whose answer was lost.
    fn left_open(&self, run: &Run) -> Vec<InDoubt> {
        run.doubts.iter().map(|id| in_doubt(&step_of(&run.plan, id))).collect()
    }

    fn end_run(&self, mut next: World, run: Run) -> World {
        next.doubts = Sealed::new(self.left_open(&run));
        if run.faulted {
            return next;
        }
        let back = run.plan.mode == Mode::Rollback;
        next.rested = !back;
        let state = (*next.state).clone();
        if !back {
            return self.at_rest(next, &state, &run.sightings, run.done > 0);
        }
        for (lane, key) in next.keys.iter().enumerate() {
            let by_hand = self.status(&next, lane) == KeyStatus::Inactive && !key.ours;
            let all_back = key.places.iter().all(|place| place.holds_key || !place.taken);
            if !by_hand && (self.status(&next, lane) != KeyStatus::Active || !all_back) {
                return wrong(next, Wrong::NotBack, &self.lane(lane));
            }
        }
        next
    }
}

fn in_doubt(step: &Step) -> InDoubt {
    let operation = serde_json::to_value(&step.operation).expect("an operation is plain data");
    // Everything of its name was made by keyless, so that the hour need not be told apart.
    InDoubt { run: String::new(), step: step.id.clone(), operation, since: at(0) }
}

fn step_of(plan: &Plan, id: &str) -> Step {
    plan.steps.iter().find(|step| step.id == id).expect("a step of the plan").clone()
}

/// A state in which a property does not hold; nothing follows it. Told where asked for.
pub(super) fn wrong(mut world: World, what: Wrong, why: &impl std::fmt::Debug) -> World {
    world.wrong = Some((what, format!("{why:?}")));
    world
}
