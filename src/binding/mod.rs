//! What workloads live off.
//!
//! A binding says which rule a workload federates through, as whom and where. It is recorded when
//! settings are written beside its key, and outlives every block: [`learn`] keeps it in step with what is
//! seen, and [`live`] tells which still count. Pure.

mod asks;
mod by_hand;
mod doubt;
mod grant;
mod in_use;
mod learn;
mod live;
mod moved;
mod place;
mod trial;
mod unrecorded;

pub use asks::{Ask, asks};
pub use by_hand::{by_hand, coming_back, is_coming_back};
pub use doubt::{Doubt, doubt};
pub use grant::grant;
pub use in_use::{Lack, Seen, in_use, in_use_again, restored};
pub use learn::{Found, Marked, learn, unsaid};
pub use live::{Word, live, words};
pub use moved::{displaced, renamed_consumers};
pub use place::place;
pub use trial::{Reader, SharedToken, lives_off, living_reader, shared_tokens};
pub use unrecorded::{UnrecordedUse, unrecorded_use};
