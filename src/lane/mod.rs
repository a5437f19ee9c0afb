//! Lanes: one key each, on its way through five stages.
//!
//! The gates here are the heart of the program, and the only place where they are judged: the
//! planner, `apply`, `status` and the tests all call [`assess`]. Pure: facts and a time go in, a
//! judgement comes out. No gate opens because time has passed; it opens because of evidence.

#[cfg(test)]
pub(crate) mod blindfold;
mod facts;
mod gate;
mod gather;
mod stage;

pub use facts::{ConsumerFacts, NamedRule, OtherRule, Presence, ReportFacts, Returned, RuleFacts};
pub use facts::{ExchangeFacts, FeedFacts, KeyFacts, LaneFacts, SparedFacts, UsageFacts};
pub use gate::{
    Assessment, Gate, Need, Refusal, Supplier, asked_of_others, assess, awaits_workload, is_known_since,
    permits, rule_is_verified, was_proven,
};
pub use gather::{Sightings, gather, rule_digest};
pub use stage::Stage;
