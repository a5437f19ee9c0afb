//! Carrying out one plan, and only that plan.
//!
//! [`schedule`] says what may run next, as plain data. [`prepare`](mod@prepare) turns a step into calls with
//! every id filled in, and [`record`] turns their outcome into changes of the state; [`recover`] settles
//! what a crash left in doubt, and [`sightings`] keeps what was seen up to date. [`stakes`] says what a step
//! rests on that takes a credential away, [`moved`](mod@moved) whether that is still as it was, and [`looks`]
//! when it was last looked at. All of these are pure. [`run`] is the one async loop: it announces each step in
//! the journal, durably, before the call it stands for is made.

mod before;
mod bindings;
pub mod looks;
pub mod moved;
pub mod prepare;
pub mod record;
pub mod recover;
pub mod run;
pub mod schedule;
mod set_back;
pub mod sightings;
pub mod stakes;

mod carry_out;
mod in_use;
mod look_again;
mod wait;

pub use run::{Event, Options, Outcome, StepFailure, run};
