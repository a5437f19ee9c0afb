//! The hours by which the API reports use.

use jiff::Timestamp;

/// The first whole hour that is not before a time: use from then on is told apart from what was before.
pub fn next_hour(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    let into = seconds.rem_euclid(3_600);
    let forward = if into == 0 && at.subsec_nanosecond() == 0 { 0 } else { 3_600 - into };
    Timestamp::from_second(seconds + forward).unwrap_or(at)
}
