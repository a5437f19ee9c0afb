//! Whether a workload knows the rule that replaces its key, where keyless does not write its settings.

use jiff::Timestamp;
use keyless_state::Winner;

use super::{Gate, Need, Refusal, Supplier, gate_of, need, no_credential, statement_command};
use crate::lane::facts::{ConsumerFacts, LaneFacts, NamedRule, OtherRule};
use crate::limits;

/// Whether the settings of a consumer that still has its key were shown to name its rule. That the rule lets
/// somebody in says nothing of a workload that was never told of it.
pub(super) fn named_gate(facts: &LaneFacts, consumer: &ConsumerFacts, now: Timestamp) -> Gate {
    if let NamedRule::Other(other) = &consumer.names {
        return Gate::Refused(vec![names_other(facts, consumer, other)]);
    }
    let Some(sign) = to_be_shown(facts, consumer, now) else { return Gate::Open };
    match &consumer.report {
        Some(report) if report.winner == Winner::Nothing => {
            Gate::Refused(vec![no_credential(&consumer.id, report)])
        }
        _ => Gate::Waiting(vec![sign]),
    }
}

/// Whether it still counts that a workload was shown to know its rule at a time.
pub fn is_known_since(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) <= limits::RULE_KNOWN_COUNTS
}

/// What has to show that a workload knows its rule.
pub(super) fn to_be_shown(facts: &LaneFacts, consumer: &ConsumerFacts, now: Timestamp) -> Option<Need> {
    let (id, rule) = (&consumer.id, &consumer.rule);
    let newer = match &consumer.names {
        NamedRule::Written | NamedRule::Other(_) => return None,
        NamedRule::Unknown if consumer.manual => return None,
        NamedRule::Own { at, .. } if is_known_since(*at, now) => return None,
        NamedRule::Own { at, .. } => format!(", newer than that of {at}"),
        NamedRule::Unknown => String::new(),
    };
    let set = "keyless does not write the settings there: set ANTHROPIC_FEDERATION_RULE_ID";
    let remedy = match &consumer.rule_id {
        None => format!("{set} once {rule} has an id"),
        Some(rule_id) if consumer.reports => format!(
            "{set}={rule_id} and the rest; where no report can come, whoever did can say so: {}",
            command(facts, consumer, rule_id)
        ),
        Some(rule_id) => {
            format!("{set}={rule_id} and the rest; then say so: {}", command(facts, consumer, rule_id))
        }
    };
    let (supplier, sign) = match consumer.reports {
        true => (Supplier::Workload, "a credential report that names it"),
        false => (Supplier::Person, "a named person who says that its settings name it"),
    };
    let what = format!("a sign that {id} knows {rule}: {sign}{newer}");
    Some(Need { consumer: Some(id.clone()), remedy: Some(remedy), ..need(what, supplier) })
}

/// How a person says that settings name a rule.
fn command(facts: &LaneFacts, consumer: &ConsumerFacts, rule_id: &str) -> String {
    format!(
        "keyless evidence add -manual -key={} -consumer={} -rule={rule_id} -by=\"YOUR NAME\" -statement=\"…\"",
        facts.address, consumer.id
    )
}

/// What to tell of a consumer whose settings name another rule than its own.
pub(super) fn names_other(facts: &LaneFacts, consumer: &ConsumerFacts, other: &OtherRule) -> Refusal {
    let instead = consumer.rule_id.as_ref().map(|rule_id| command(facts, consumer, rule_id));
    let instead =
        instead.map_or_else(String::new, |command| format!(" Where no report can come, say so: {command}"));
    let dead = if other.is_live { "" } else { ", which is archived" };
    Refusal {
        why: format!(
            "the settings of {} name {} by its newest report{dead}, and not {}; keyless does not write them, so without its key it would have nothing that this lane proves",
            consumer.id, other.id, consumer.rule
        ),
        place: Some(consumer.place.clone()),
        fix: format!(
            "Set ANTHROPIC_FEDERATION_RULE_ID and ANTHROPIC_SERVICE_ACCOUNT_ID there to the ids of {} and its account (`keyless show` has them), and let it report.{}",
            consumer.rule, instead
        ),
    }
}

/// Whether a workload lives off a rule that its block does not name any more, with settings that only a
/// person can change.
pub(super) fn moves_by_hand(facts: &LaneFacts, consumer: &ConsumerFacts) -> Gate {
    match &consumer.names {
        NamedRule::Other(other) if !other.is_live => Gate::Refused(vec![names_other(facts, consumer, other)]),
        _ => gate_of(names_again(facts, consumer).into_iter().collect(), Vec::new()),
    }
}

/// What a person does who moves a workload to the rule that its block names by now.
pub(super) fn by_person(facts: &LaneFacts, consumer: &ConsumerFacts, before: &str) -> Need {
    let (id, rule) = (&consumer.id, &consumer.rule);
    let rule_id = consumer.rule_id.as_deref().unwrap_or_default();
    let what = format!("a named person who moves {id} ({}) from {before} to {rule}", consumer.place);
    let remedy = format!(
        "set ANTHROPIC_FEDERATION_RULE_ID={rule_id} there, and account and workspace as `keyless show` has them; then: {}",
        statement_command(facts, consumer)
    );
    Need { consumer: Some(id.clone()), remedy: Some(remedy), ..need(what, Supplier::Person) }
}

/// What a person has to do about settings that name another rule.
pub(super) fn names_again(facts: &LaneFacts, consumer: &ConsumerFacts) -> Option<Need> {
    if let Some(before) = &consumer.left_behind {
        return Some(by_person(facts, consumer, before));
    }
    let NamedRule::Other(other) = &consumer.names else { return None };
    let what = format!("the settings of {} to name {} and not {}", consumer.id, consumer.rule, other.id);
    let remedy = Some(names_other(facts, consumer, other).fix);
    Some(Need { consumer: Some(consumer.id.clone()), remedy, ..need(what, Supplier::Person) })
}
