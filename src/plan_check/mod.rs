//! The plan checker: a second opinion on a finished plan.
//!
//! It holds a plan against the invariants that every plan keeps, and shares no judgement with the
//! planner or the gates: it reads configuration, record and what was observed by itself. So a
//! mistake there, or an edit of a saved plan, is met by something that does not make the same
//! mistake. It shares data types and the vocabulary of attributes, and the bounds in
//! [`limits`](crate::limits).
//!
//! [`check`] judges a whole plan. [`contained`] holds a saved plan against the one that would be made now.
//! [`breaks`] judges one step at the moment at which it is about to
//! run; tests and the model ask it before every step.

mod circles;
mod contained;
mod evidence;
mod grants;
mod invariant;
mod keys;
mod known;
mod objects;
mod running;
mod secrets;
mod shape;
mod shown;
mod steps;
mod way_back;

use std::fmt;

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, State};

pub use contained::{Departure, How, Place, contained};
pub use invariant::{Invariant, Violation};
pub use running::breaks;

use crate::config::{Configuration, PlatformSettings};
use crate::lane::Sightings;
use crate::plan::{Mode, Plan};
use crate::resource::Observed;
use known::Known;
use steps::Steps;

/// What is so at the moment of judging.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded, evidence included.
    pub state: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// What was seen in the consumers.
    pub sightings: &'a Sightings,
    /// The platform's time.
    pub now: Timestamp,
}

impl Moment<'_> {
    /// Tells whether a consumer lives off its key as far as is recorded.
    fn has_key(&self, lane: &Address, consumer: &ConsumerId) -> bool {
        let key = self.configuration.api_keys.get(lane);
        let binding = key.and_then(|key| self.state.binding(&key.id, consumer));
        binding.is_none_or(|binding| binding.has_key())
    }

    /// Tells whether a consumer has its key again, used or not.
    fn is_key_back(&self, lane: &Address, consumer: &ConsumerId) -> bool {
        let record = self.state.lanes.get(lane);
        let binding = record.and_then(|record| self.state.binding(&record.key_id, consumer));
        binding.is_some_and(|binding| binding.key_back_at().is_some())
    }

    /// Tells whether a lane was rolled back and not resumed since.
    fn is_held(&self, lane: &Address) -> bool {
        self.state.lanes.get(lane).is_some_and(|record| record.held)
    }

    /// Tells whether the simulated clock moves instead of a wait.
    fn skips_waits(&self) -> bool {
        matches!(&self.configuration.settings.platform, PlatformSettings::Simulator(it) if it.skip_waits)
    }
}

/// Everything in which a plan breaks an invariant, in the order of its steps.
///
/// Without a moment, as for a plan that is only shown, what can be told from the plan alone is
/// judged. Evidence is judged as of the time at which the plan was made: what has aged since is for
/// the gates, which are asked again when a step is about to run.
pub fn check(plan: &Plan, moment: Option<&Moment<'_>>) -> Vec<Violation> {
    let mut found = Vec::new();
    let steps = Steps::new(plan);
    shape::check(&steps, &mut found);
    secrets::check(plan, &mut found);
    if !found.is_empty() {
        // What follows leans on ids, order and guards.
        return found;
    }
    // A time to come would let waits count as over.
    let made = moment.map(|moment| Known::new(Moment { now: plan.created_at.min(moment.now), ..*moment }));
    let made = made.as_ref();
    match plan.mode {
        Mode::Apply => {
            keys::check(&steps, made, &mut found);
            objects::check(&steps, made, &mut found);
        }
        Mode::Destroy | Mode::Rollback => way_back::check(&steps, made, &mut found),
        Mode::RefreshOnly => {}
    }
    shown::check(&steps, made, &mut found);
    found
}

/// What to tell of a fresh plan that breaks an invariant, which is an error of the program itself;
/// nothing when it breaks none.
///
/// # Errors
/// The words for the user.
pub fn demand(plan: &Plan, moment: &Moment<'_>) -> Result<(), String> {
    match &check(plan, Some(moment))[..] {
        [] => Ok(()),
        found => Err(format!(
            "the plan that was just made breaks what every plan keeps, which is an error in keyless itself. Nothing was changed; please report this:\n{}",
            listed(found)
        )),
    }
}

/// What to tell of a saved plan that breaks an invariant, as far as the plan alone tells.
///
/// # Errors
/// The words for the user.
pub fn refuse(plan: &Plan) -> Result<(), String> {
    refused(&check(plan, None), &[], "breaks what every plan keeps, so it is not as keyless made it")
}

/// What to tell of a saved plan that breaks an invariant as things are now, or is no part of the one that would be
/// made now.
///
/// # Errors
/// The words for the user, with all that is wrong.
pub fn refuse_saved(saved: &Plan, fresh: &Plan, moment: &Moment<'_>) -> Result<(), String> {
    let broken = "would break what every plan keeps, as things are now: they are not what they were when it was made, or the file is not";
    refused(&check(saved, Some(moment)), &contained(saved, fresh), broken)
}

fn refused(broken: &[Violation], departures: &[Departure], breaks: &str) -> Result<(), String> {
    let why = match (broken, departures) {
        ([], []) => return Ok(()),
        ([], _) => "is not part of the plan that would be made now",
        _ => breaks,
    };
    let advice = match departures {
        [] => "make a new plan",
        // What a person chose for it is not in the file.
        _ => {
            "make a new plan, or, where this one was made with -resume, -replace or -approve-archive, give these to apply as well"
        }
    };
    let broken = broken.iter().map(Violation::to_string);
    let found: Vec<String> = broken.chain(departures.iter().map(Departure::to_string)).collect();
    Err(format!("the saved plan {why}. Nothing was changed; {advice}:\n{}", listed(&found)))
}

/// More than these say no more.
const LISTED_MAX: usize = 10;

fn listed(found: &[impl fmt::Display]) -> String {
    let mut lines: Vec<String> = found.iter().take(LISTED_MAX).map(|found| format!("  {found}")).collect();
    if found.len() > LISTED_MAX {
        lines.push(format!("  and {} more", found.len() - LISTED_MAX));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
