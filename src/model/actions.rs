//! What can happen in a state, and what must hold in each.

use stateright::{Model, Property};

use super::engine::How;
use super::outside::{live_rule, pass_hour, sends, set_status};
use super::scope::Scope;
use super::world::{World, Wrong};
use crate::lane::blindfold;
use crate::plan::Operation;
use crate::resource::KeyStatus;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// `keyless apply` is started.
    Apply,
    /// `keyless rollback` to the first checkpoint is started.
    Back,
    /// The run goes on.
    GoOn,
    /// A step in flight ends.
    End(String, How),
    /// The process dies; the bits tell which steps in flight took effect.
    Crash(u8),
    /// An hour passes.
    Hour,
    /// An hour passes in which no workload does anything.
    IdleHour,
    /// A day passes; the first rule may break in it.
    Day { breaks: bool },
    /// Somebody mends the first rule at its identity provider.
    Mend,
    /// A workload reports what it sends.
    Report(usize, usize),
    /// All workloads of a lane report.
    ReportAll(usize),
    /// A report is withdrawn.
    Withdraw(usize, usize),
    /// A person gives a key the other status.
    SetStatus(usize),
    /// A person puts the key back into a consumer.
    PutBack(usize, usize),
    /// A person writes the settings that keyless does not write.
    Tell(usize, usize),
    /// A person takes the federation settings out of a consumer.
    TakeSettings(usize, usize),
    /// A person changes a rule at the API.
    EditRule,
    /// Somebody undeclared uses a key.
    Stranger(usize),
    /// A person approves the archive of a key.
    Approve(usize),
    /// A person says that a lane goes on that was rolled back.
    Resume(usize),
}

impl Model for Scope {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.start()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.wrong.is_some() {
            return;
        }
        match &world.run {
            Some(run) => {
                if run.flying.len() < self.parallelism {
                    actions.push(Action::GoOn);
                }
                for id in &run.flying {
                    actions.push(Action::End(id.clone(), How::Lands));
                    if world.left.lost > 0 && self.can_be_lost(world, id) {
                        actions.push(Action::End(id.clone(), How::AnswerLost));
                    }
                    if world.left.failures > 0 {
                        actions.push(Action::End(id.clone(), How::Fails));
                    }
                }
                if world.left.crashes > 0 {
                    actions.extend((0..1 << run.flying.len()).map(Action::Crash));
                }
            }
            None => self.between_runs(world, actions),
        }
        if world.left.status_by_hand > 0 {
            actions.extend((0..world.keys.len()).map(Action::SetStatus));
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        blindfold::with(self.without.gate, || self.happens(world, action)).filter(|next| next != world)
    }

    fn properties(&self) -> Vec<Property<Scope>> {
        fn is(world: &World, what: Wrong) -> bool {
            world.wrong.as_ref().is_some_and(|(wrong, _)| *wrong == what)
        }
        vec![
            Property::always("no consumer is without a working credential", |_, it| !is(it, Wrong::Harmed)),
            Property::always("no step runs without its evidence", |_, it| !is(it, Wrong::Unfounded)),
            Property::always("every plan keeps the invariants", |_, it| !is(it, Wrong::Plan)),
            Property::always("nothing that was done is forgotten", |_, it| !is(it, Wrong::Lost)),
            Property::always("only missing evidence stops a lane", |_, it| !is(it, Wrong::Stuck)),
            Property::always("a way back brings every key back", |_, it| !is(it, Wrong::NotBack)),
            Property::always("what a person did stays", |_, it| !is(it, Wrong::Overridden)),
            Property::sometimes("a key is revoked", |scope: &Scope, it: &World| {
                (0..it.keys.len())
                    .any(|lane| it.keys[lane].ours && scope.status(it, lane) == KeyStatus::Inactive)
            }),
        ]
    }
}

impl Scope {
    fn can_be_lost(&self, world: &World, id: &str) -> bool {
        let step = world.run.as_ref().and_then(|run| run.plan.steps.iter().find(|step| step.id == *id));
        !step.is_some_and(|step| matches!(step.operation, Operation::Verify { .. }))
    }

    fn between_runs(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        if !world.rested {
            actions.push(Action::Apply);
        }
        if left.backs > 0 && world.checkpoint.is_some() {
            actions.push(Action::Back);
        }
        if left.hours > 0 {
            actions.push(Action::Hour);
            if left.idle > 0 {
                actions.push(Action::IdleHour);
            }
        }
        if left.days > 0 {
            actions.push(Action::Day { breaks: false });
            actions.push(Action::Day { breaks: true });
        }
        if world.broken[0] {
            actions.push(Action::Mend);
        }
        if left.rules_by_hand > 0 {
            actions.push(Action::EditRule);
        }
        for (lane, key) in world.keys.iter().enumerate() {
            if left.strangers > 0 && self.status(world, lane) != KeyStatus::Archived {
                actions.push(Action::Stranger(lane));
            }
            if world.state.lanes.get(self.lane(lane)).is_some_and(|record| record.held) {
                actions.push(Action::Resume(lane));
            }
            let archives = self.configuration.api_keys[self.lane(lane)].archive_after.is_some();
            if archives && key.approved.is_none() {
                actions.push(Action::Approve(lane));
            }
            if self.report_together && left.reports > 0 {
                actions.push(Action::ReportAll(lane));
            }
            for (place, it) in key.places.iter().enumerate() {
                if !self.report_together && left.reports > 0 {
                    actions.push(Action::Report(lane, place));
                }
                if left.withdrawn > 0 && it.report.is_some() {
                    actions.push(Action::Withdraw(lane, place));
                }
                if left.keys_put_back > 0 && !it.holds_key {
                    actions.push(Action::PutBack(lane, place));
                }
                let rule = live_rule(self, world, self.rule_of(lane, place));
                if self.by_hand && rule.is_some_and(|id| it.settings.as_ref() != Some(id)) {
                    actions.push(Action::Tell(lane, place));
                }
                if left.settings_by_hand > 0 && it.settings.is_some() {
                    actions.push(Action::TakeSettings(lane, place));
                }
            }
        }
    }

    fn happens(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Apply => return self.begin_run(world, false),
            Action::Back => {
                next.left.backs -= 1;
                return self.begin_run(&next, true);
            }
            Action::GoOn => return self.go_on(world),
            Action::End(id, how) => {
                match how {
                    How::Lands => {}
                    How::AnswerLost => next.left.lost -= 1,
                    How::Fails => next.left.failures -= 1,
                }
                return self.end_step(&next, &id, how);
            }
            Action::Crash(effects) => {
                next.left.crashes -= 1;
                return self.crash(&next, effects);
            }
            other => self.by_others(&mut next, other),
        }
        next.rested = false;
        Some(next)
    }

    fn by_others(&self, next: &mut World, action: Action) {
        match action {
            Action::Hour => {
                next.left.hours -= 1;
                pass_hour(self, next);
            }
            Action::IdleHour => {
                next.left.hours -= 1;
                next.left.idle -= 1;
                next.hour += 1;
            }
            Action::Day { breaks } => {
                next.left.days -= 1;
                next.broken[0] |= breaks;
                next.hour += 24;
                pass_hour(self, next);
            }
            Action::Mend => next.broken[0] = false,
            Action::Report(lane, place) => {
                next.left.reports -= 1;
                self.report(next, lane, place);
            }
            Action::ReportAll(lane) => {
                next.left.reports -= 1;
                (0..next.keys[lane].places.len()).for_each(|place| self.report(next, lane, place));
            }
            Action::Withdraw(lane, place) => {
                next.left.withdrawn -= 1;
                next.keys[lane].places[place].report = None;
                let id = format!("report/{}/{}", self.lane(lane), self.consumer(lane, place));
                next.state.edit(|state| state.evidence.retain(|evidence| evidence.id != id));
            }
            Action::SetStatus(lane) => {
                next.left.status_by_hand -= 1;
                let other = match self.status(next, lane) {
                    KeyStatus::Active => KeyStatus::Inactive,
                    _ => KeyStatus::Active,
                };
                // After a crash in the very step it cannot be told from a step that had no effect.
                let known = next.doubts.is_empty();
                let hour = next.hour;
                if set_status(next, self.key_id(lane), other).is_ok() {
                    let key = &mut next.keys[lane];
                    key.brought_back =
                        (std::mem::take(&mut key.ours) && known).then_some(hour).or(key.brought_back);
                }
                // What becomes of a run in which that happens is seen once it has ended.
                if let Some(run) = &mut next.run {
                    run.faulted = true;
                }
            }
            Action::PutBack(lane, place) => {
                next.left.keys_put_back -= 1;
                next.keys[lane].places[place].holds_key = true;
            }
            Action::Tell(lane, place) => {
                let rule = live_rule(self, next, self.rule_of(lane, place)).cloned();
                next.keys[lane].places[place].settings = rule;
            }
            Action::TakeSettings(lane, place) => {
                next.left.settings_by_hand -= 1;
                next.keys[lane].places[place].settings = None;
            }
            Action::EditRule => {
                next.left.rules_by_hand -= 1;
                next.observed.edit(|observed| {
                    if let Some(rule) = observed.rules.values_mut().next() {
                        rule.arguments.description = "by hand".to_owned();
                    }
                });
            }
            Action::Stranger(lane) => {
                next.left.strangers -= 1;
                next.keys[lane].used = Some(next.hour + 1);
            }
            Action::Approve(lane) => next.keys[lane].approved = Some(next.hour),
            Action::Resume(lane) => {
                next.keys[lane].back = next.keys[lane].back.map(|(hour, _)| (hour, false));
                let address = self.lane(lane).clone();
                next.state.edit(|state| {
                    if let Some(record) = state.lanes.get_mut(&address) {
                        record.held = false;
                    }
                });
            }
            other => unreachable!("{other:?} is of keyless"),
        }
    }

    fn report(&self, world: &mut World, lane: usize, place: usize) {
        let settings = world.keys[lane].places[place].settings.clone();
        let report = (world.hour, sends(self, world, lane, place), settings);
        world.keys[lane].places[place].report = Some(report);
    }
}
