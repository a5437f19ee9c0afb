//! The gate of the final archive: time, silence and a named approval.

use jiff::{SignedDuration, Timestamp};

use super::{Gate, Need, Refusal, Supplier, gate_of, later, need};
use crate::lane::facts::{LaneFacts, UsageFacts};
use crate::limits;
use crate::resource::next_hour;

pub(super) fn archive_gate(facts: &LaneFacts, now: Timestamp) -> Gate {
    let Some(disabled_at) = facts.key.disabled_at else {
        return Gate::Finished("somebody else set the key inactive, and it is left as it is".to_owned());
    };
    let Some(archive_after) = facts.archive_after else {
        return Gate::Finished("the key is inactive".to_owned());
    };
    let earliest = later(disabled_at, archive_after);
    let mut needs = Vec::new();
    if now < earliest {
        let what = format!("the key inactive for {archive_after:#} (archive_after)");
        needs.push(Need { earliest: Some(earliest), ..need(what, Supplier::Time) });
    }
    let used = facts
        .usage
        .as_ref()
        .and_then(|usage| usage.last_used_before)
        .filter(|used| *used > next_hour(disabled_at));
    let refusals = used
        .map(|used| Refusal {
            why: format!("the key was used after it was disabled, last before {used}"),
            place: None,
            fix: "Look at the usage report in the Console before the key is archived for good.".to_owned(),
        })
        .into_iter()
        .collect();
    // A report read before the time was over says nothing of the rest of it.
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    let covers = |usage: &UsageFacts| {
        usage.since <= next_hour(disabled_at) && later(usage.complete_until, delay) >= earliest
    };
    if now >= earliest && !facts.usage.as_ref().is_some_and(covers) {
        let what = "a usage report over the time for which the key was inactive".to_owned();
        needs.push(need(what, Supplier::Engine));
    }
    // An approval covers the archive of this one disabling; one given before it says nothing.
    if facts.key.approval.as_ref().is_none_or(|(_, at)| *at < disabled_at) {
        let what = "a named approval: archiving is final".to_owned();
        let remedy = Some(format!("keyless apply -approve-archive={} -by=\"YOUR NAME\"", facts.address));
        needs.push(Need { remedy, ..need(what, Supplier::Person) });
    }
    gate_of(needs, refusals)
}
