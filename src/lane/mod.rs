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

pub use facts::{ConsumerFacts, OtherRule, Presence, ReportFacts, Returned, RuleFacts, UsageFacts};
pub use facts::{ExchangeFacts, FeedFacts, KeyFacts, LaneFacts};
pub use gate::{
    Assessment, Gate, Need, Refusal, Supplier, assess, people_have_to_remove, permits, rule_is_verified,
};
pub use gather::{Sightings, gather, rule_digest};
pub use stage::Stage;
