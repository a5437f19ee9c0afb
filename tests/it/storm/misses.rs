//! Storms that show what the engine does not get right yet. Each has its reason; one that passes, or
//! fails in another way, fails the test, so that the table says what is so.

use super::fault::{Fault, Reach};
use super::trial::Storm;

/// A known miss.
struct Miss {
    fault: Fault,
    reach: Reach,
    call: &'static str,
    /// What the check says of it, in part.
    sign: &'static str,
}

/// A membership that the lists do not show yet counts as taken away by somebody, and is given again,
/// which changes nothing. Nothing recorded tells how new it is.
const LATE_MEMBERSHIP: &str = "POST /v1/organizations/service_accounts/{id}/workspaces";

fn all() -> impl Iterator<Item = Miss> {
    [LATE_MEMBERSHIP].into_iter().map(|call| Miss {
        fault: Fault::StaleReads,
        reach: Reach::Always,
        call,
        sign: "a run takes a fault for the deed of a person",
    })
}

/// What the check is known to say of a storm, if anything.
pub(super) fn sign(storm: &Storm) -> Option<&'static str> {
    let is_it = |miss: &Miss| {
        storm.fault == miss.fault && storm.reach == miss.reach && storm.kind.name() == miss.call
    };
    all().find(is_it).map(|miss| miss.sign)
}

/// How many storms are known to end badly.
pub(super) fn count() -> usize {
    all().count()
}
