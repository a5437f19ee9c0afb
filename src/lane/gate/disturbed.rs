//! What stands against a lane because its places are not as keyless left them.

use jiff::Timestamp;

use super::named::moves_by_hand;
use super::verify::rule_gate;
use super::{Gate, Need, Refusal, Supplier, gate_of, join, need};
use crate::binding::Doubt;
use crate::lane::facts::{ConsumerFacts, LaneFacts, Presence, RuleFacts};

/// Consumers whose blocks name another place than the one in which keyless has changed something.
pub(super) fn displaced(facts: &LaneFacts) -> Vec<Refusal> {
    let of = |consumer: &ConsumerFacts| {
        let recorded = consumer.displaced.as_ref()?;
        Some(Refusal {
            why: format!(
                "{} names another place by now; under that name is recorded what keyless changed in `{recorded}`",
                consumer.id
            ),
            place: Some(consumer.place.clone()),
            fix: "Name the old place again, and give the new one a consumer block with a name of its own."
                .to_owned(),
        })
    };
    facts.consumers.iter().filter_map(of).collect()
}

/// What to tell of a place of a lane that was taken back and from which somebody took the key since.
pub(super) fn bare(facts: &LaneFacts) -> Vec<Refusal> {
    let of = |consumer: &ConsumerFacts| Refusal {
        why: format!(
            "{} holds neither its key nor federation settings, so that its workload has no credential",
            consumer.id
        ),
        place: Some(consumer.place.clone()),
        fix: format!(
            "Put the key back there; or let the lane go on, which writes the settings: keyless apply -resume={}",
            facts.address
        ),
    };
    facts.consumers.iter().filter(|consumer| consumer.bare).map(of).collect()
}

/// What to tell of a workload whose settings are to name a rule that may not let it in.
pub(super) fn doubted(consumer: &ConsumerFacts) -> Option<Refusal> {
    let doubt = consumer.doubt.as_ref().filter(|_| consumer.unconfigured.is_some())?;
    let (id, rule) = (&consumer.id, &consumer.rule);
    let named = consumer.rule_id.as_ref().map_or_else(String::new, |rule_id| format!(" to {rule_id}"));
    let (why, fix) = match doubt {
        Doubt::Denied { seen_at, why } => (
            format!("{rule} would not let {id} in as whom it showed itself at {seen_at}: {why}"),
            format!(
                "Let {rule} let in both for the time of the move, as with `condition = \"claims.sub in ['OLD', 'NEW']\"`; or change as whom the workload shows itself and ANTHROPIC_FEDERATION_RULE_ID there{named} in one go, and let it report."
            ),
        ),
        Doubt::Unknown => (
            format!(
                "as whom {id} shows itself is not known, and {rule} lets in others than what it lives off"
            ),
            format!(
                "Let it write a signed credential report (`report` in its block), so that this is known; or let the trial exchange be made with its own token (`identity_token` of {rule}); or set ANTHROPIC_FEDERATION_RULE_ID there{named} yourself, and see that it works."
            ),
        ),
    };
    let why = format!("{why}. Its settings stay as they are");
    Some(Refusal { why, place: Some(consumer.place.clone()), fix })
}

/// What to tell of a rule that somebody archived.
pub(super) fn lost(rule: &RuleFacts) -> Refusal {
    let replaces: Vec<String> = rule.lost.iter().map(|it| format!("-replace={it}")).collect();
    Refusal {
        why: format!(
            "{}, or what it stands on, was archived by somebody, and no exchange through it is accepted any more",
            rule.address
        ),
        place: None,
        fix: format!(
            "keyless apply {} makes a successor; settings that keyless does not write need its new id. Or name another rule.",
            replaces.join(" ")
        ),
    }
}

/// The end of a lane whose key does not work any more: `end`, once nothing is wrong in its places.
pub(super) fn watch_gate(facts: &LaneFacts, now: Timestamp, end: Gate) -> Gate {
    let lives_off = |rule: &&RuleFacts| {
        facts.consumers.iter().any(|it| it.removed_at.is_some() && it.rule == rule.address)
    };
    let lost = facts.rules.iter().filter(|rule| !rule.lost.is_empty()).filter(lives_off).map(lost);
    let displaced = gate_of(Vec::new(), lost.chain(displaced(facts)).collect());
    // A key that somebody else switched off may lie wherever it does.
    let ours = facts.consumers.iter().filter(|it| it.removed_at.is_some() && it.displaced.is_none());
    let gates = ours.map(|it| join(place_gate(facts, it, now), moves_by_hand(facts, it)));
    match gates.fold(displaced, join) {
        Gate::Open => end,
        closed => closed,
    }
}

fn place_gate(facts: &LaneFacts, consumer: &ConsumerFacts, now: Timestamp) -> Gate {
    let id = &consumer.id;
    let refused = |why: String, fix: &str| {
        let place = Some(match &consumer.returned {
            Some(returned) => format!("{}:{}", consumer.place, returned.line),
            None => consumer.place.clone(),
        });
        Gate::Refused(vec![Refusal { why, place, fix: fix.to_owned() }])
    };
    let dead = consumer.returned.as_ref().and_then(|line| Some((line.line, line.dead.as_ref()?)));
    match (&consumer.presence, &consumer.unconfigured) {
        (Presence::Present, _) if dead.is_some() => {
            let (line, key) = dead.expect("it is some");
            let what = format!(
                "the line of the dead key {key} out of {id} again ({}:{line}): it wins over federation, and every call fails",
                consumer.place
            );
            Gate::Waiting(vec![Need { consumer: Some(id.clone()), ..need(what, Supplier::Engine) }])
        }
        (Presence::Present, _) => refused(
            format!(
                "{id} holds a key again, which wins over federation; if it is the one of this lane, every call fails"
            ),
            "Take it out there, and find out what puts it back.",
        ),
        (Presence::Unknown(_), None) if consumer.blocked.is_some() => refused(
            format!(
                "it cannot be told whether a key is in {id} again: {}",
                consumer.blocked.as_deref().unwrap_or_default()
            ),
            "Mend that line.",
        ),
        (_, None) => Gate::Open,
        (Presence::Unknown(why), Some(_)) => refused(
            format!("it cannot be told off what {id} lives: {why}"),
            "Make the place readable, or correct the consumer block.",
        ),
        (Presence::Absent, Some(what)) if consumer.differs_otherwise => refused(
            format!("{what} name its rule and are otherwise not what its block asks for"),
            "Once what is asked for works there, change that line yourself; or ask for what is there.",
        ),
        (Presence::Absent, Some(_)) if consumer.doubt.is_some() => {
            Gate::Refused(doubted(consumer).into_iter().collect())
        }
        (Presence::Absent, Some(what)) => {
            let lacking = Need { consumer: Some(id.clone()), ..need(what.clone(), Supplier::Engine) };
            let proved = facts.rules.iter().filter(|rule| rule.address == consumer.rule);
            let proved = proved.map(|rule| rule_gate(rule, now)).fold(Gate::Open, join);
            join(proved, Gate::Waiting(vec![lacking]))
        }
    }
}
