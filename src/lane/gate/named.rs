//! Whether a workload knows the rule that replaces its key, where keyless does not write its settings.

use super::{Gate, Need, Refusal, Supplier, gate_of, need};
use crate::lane::facts::{ConsumerFacts, LaneFacts, NamedRule, OtherRule};

/// Whether the settings of a consumer that still has its key were shown to name a rule of the lane. That the
/// rule lets somebody in says nothing of a workload that was never told of it.
pub(super) fn named_gate(facts: &LaneFacts, consumer: &ConsumerFacts) -> Gate {
    match &consumer.names {
        NamedRule::Other(other) => Gate::Refused(vec![names_other(consumer, other)]),
        NamedRule::Written | NamedRule::OfLane(_) => Gate::Open,
        NamedRule::Unknown => gate_of(to_be_shown(facts, consumer).into_iter().collect(), Vec::new()),
    }
}

/// What has to show that a workload knows its rule.
pub(super) fn to_be_shown(facts: &LaneFacts, consumer: &ConsumerFacts) -> Option<Need> {
    if consumer.names != NamedRule::Unknown || consumer.manual {
        return None;
    }
    let (id, rule) = (&consumer.id, &consumer.rule);
    let set = "keyless does not write the settings there: set ANTHROPIC_FEDERATION_RULE_ID";
    let remedy = match &consumer.rule_id {
        None => format!("{set} once {rule} has an id"),
        Some(rule_id) => format!(
            "{set}={rule_id} and the rest; instead of a report, whoever did can say so: keyless evidence add -manual -key={} -consumer={id} -rule={rule_id} -by=\"YOUR NAME\" -statement=\"…\"",
            facts.address
        ),
    };
    let supplier = if consumer.reports { Supplier::Workload } else { Supplier::Person };
    let what = format!("a sign that {id} knows {rule}: a credential report that names it beside the key");
    Some(Need { consumer: Some(id.clone()), remedy: Some(remedy), ..need(what, supplier) })
}

/// What to tell of a consumer whose settings name a rule that is none of the lane's.
pub(super) fn names_other(consumer: &ConsumerFacts, other: &OtherRule) -> Refusal {
    let dead = if other.is_live { "" } else { ", which is archived" };
    Refusal {
        why: format!(
            "the settings of {} name {} by its newest report{dead}, and not {}; keyless does not write them, so without its key it would have nothing that this lane proves",
            consumer.id, other.id, consumer.rule
        ),
        place: Some(consumer.place.clone()),
        fix: format!(
            "Set ANTHROPIC_FEDERATION_RULE_ID and ANTHROPIC_SERVICE_ACCOUNT_ID there to the ids of {} and its account (`keyless show` has them), and let it report.",
            consumer.rule
        ),
    }
}

/// Whether a workload lives off a rule that its block does not name any more, with settings that only a
/// person can change.
pub(super) fn moves_by_hand(consumer: &ConsumerFacts) -> Gate {
    match &consumer.names {
        NamedRule::Other(other) if !other.is_live => Gate::Refused(vec![names_other(consumer, other)]),
        _ => gate_of(names_again(consumer).into_iter().collect(), Vec::new()),
    }
}

/// What a person has to do about settings that name a rule which is none of the lane's.
pub(super) fn names_again(consumer: &ConsumerFacts) -> Option<Need> {
    let NamedRule::Other(other) = &consumer.names else { return None };
    let what = format!("the settings of {} to name {} and not {}", consumer.id, consumer.rule, other.id);
    let remedy = Some(names_other(consumer, other).fix);
    Some(Need { consumer: Some(consumer.id.clone()), remedy, ..need(what, Supplier::Person) })
}
