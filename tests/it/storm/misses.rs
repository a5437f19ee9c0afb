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

/// What the lists do not show yet counts as archived by somebody: the next run refuses to plan, and
/// advises to give the object up. Once the lists have caught up everything goes on.
const LATE_LISTS: [&str; 4] = [
    "POST /v1/organizations/federation_issuers",
    "POST /v1/organizations/federation_rules",
    "POST /v1/organizations/service_accounts",
    "POST /v1/organizations/service_accounts/{id}/workspaces",
];

/// A key that is still shown as active after it was set inactive counts as switched on again by somebody.
const LATE_STATUS: [&str; 1] = ["POST /v1/organizations/api_keys/{id}"];

fn all() -> impl Iterator<Item = Miss> {
    LATE_LISTS.into_iter().chain(LATE_STATUS).map(|call| Miss {
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
