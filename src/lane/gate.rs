//! The gates: what must be true to leave a stage, and what is missing.

mod archive;
mod disturbed;
mod named;
mod verify;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{ConsumerId, Winner};

use archive::archive_gate;
use disturbed::{bare, displaced, doubted, lost, watch_gate};
pub use named::is_known_since;
use named::{by_person, named_gate, names_again, to_be_shown};
use verify::verify_gate;
pub use verify::{awaits_workload, rule_is_verified, was_proven};

use super::facts::{ConsumerFacts, LaneFacts, Presence, RuleFacts};
use super::stage::Stage;
use crate::limits;
use crate::resource::{KeyStatus, next_hour};

/// Where a lane stands and whether it may go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The stage the lane is in: the first whose work is not finished.
    pub stage: Stage,
    /// Whether the lane may leave that stage.
    pub gate: Gate,
}

/// Whether a lane may leave its stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// All evidence is in: the next step may run.
    Open,
    /// Evidence is not in yet; a normal outcome that may last days.
    Waiting(Vec<Need>),
    /// Evidence speaks against it; somebody has to mend something first.
    Refused(Vec<Refusal>),
    /// It was rolled back at this time, and stays back until somebody says that it goes on.
    Held(Timestamp),
    /// The lane has reached its end: nothing is left to do, for the reason given.
    Finished(String),
}

/// A piece of evidence that is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// What is missing, as a sentence without a full stop.
    pub what: String,
    /// Who can supply it.
    pub supplier: Supplier,
    /// The earliest time at which it can be there, where that is known.
    pub earliest: Option<Timestamp>,
    /// The consumer it is about, if any.
    pub consumer: Option<ConsumerId>,
    /// A command or text that helps.
    pub remedy: Option<String>,
}

/// Who can supply a missing piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supplier {
    /// The engine, in the next apply.
    Engine,
    /// The workload, by running.
    Workload,
    /// A person.
    Person,
    /// Time in which nothing happens.
    Time,
}

/// Evidence that speaks against going on.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What was seen and why it matters.
    pub why: String,
    /// Where, such as a file and line.
    pub place: Option<String>,
    /// How to mend it.
    pub fix: String,
}

/// Judges one lane at one moment.
pub fn assess(facts: &LaneFacts, now: Timestamp) -> Assessment {
    let judged = judge(facts, now);
    let stays = match &judged.gate {
        // What is wrong with the key or its place is worth knowing whatever comes.
        Gate::Refused(_) => !matches!(judged.stage, Stage::Configure | Stage::Revoke),
        Gate::Open | Gate::Waiting(_) => true,
        Gate::Held(_) | Gate::Finished(_) => false,
    };
    match facts.rolled_back_at.filter(|_| facts.held && stays) {
        Some(_) if facts.consumers.iter().any(|consumer| consumer.bare) => {
            Assessment { stage: Stage::Configure, gate: Gate::Refused(bare(facts)) }
        }
        Some(since) => Assessment { stage: judged.stage, gate: Gate::Held(since) },
        None => judged,
    }
}

fn judge(facts: &LaneFacts, now: Timestamp) -> Assessment {
    let judged = |stage, gate| Assessment { stage, gate };
    if let Some(why) = &facts.key.unreadable {
        let why = format!("the key cannot be read: {why}");
        let fix = "Plan again in a moment; if it stays so, look at the key in the Console.".to_owned();
        return judged(Stage::Configure, Gate::Refused(vec![Refusal { why, place: None, fix }]));
    }
    match &facts.key.status {
        None => {
            return judged(Stage::Configure, Gate::Refused(vec![unknown_key(facts)]));
        }
        Some(KeyStatus::Archived) => {
            let end = Gate::Finished("the key is archived".to_owned());
            return judged(Stage::Revoke, watch_gate(facts, now, end));
        }
        Some(KeyStatus::Expired) => {
            let end = Gate::Finished("the key has expired".to_owned());
            return judged(Stage::Revoke, watch_gate(facts, now, end));
        }
        Some(KeyStatus::Inactive) => {
            return judged(Stage::Revoke, watch_gate(facts, now, archive_gate(facts, now)));
        }
        Some(KeyStatus::Other(word)) => {
            let why = format!("the key has the status `{word}`, which this version does not know");
            let fix = "Look at the key in the Console, and upgrade keyless.".to_owned();
            return judged(Stage::Configure, Gate::Refused(vec![Refusal { why, place: None, fix }]));
        }
        Some(KeyStatus::Active) => {}
    }
    if !facts.refused.is_empty() {
        return judged(Stage::Configure, Gate::Refused(facts.refused.clone()));
    }
    let displaced = displaced(facts);
    if !displaced.is_empty() {
        return judged(Stage::Configure, Gate::Refused(displaced));
    }
    let configure = configure_gate(facts);
    if configure != Gate::Open {
        return judged(Stage::Configure, configure);
    }
    let all_removed = facts.consumers.iter().all(is_removed);
    let verify = verify_gate(facts, now);
    if !all_removed {
        // The engine removes on a fresh proof. While only people have removals left, an aging proof
        // changes nothing; it is renewed before the key goes.
        let by_engine = facts.consumers.iter().any(|consumer| !is_removed(consumer) && !consumer.manual);
        let proven_once = facts.rules.iter().all(was_proven);
        let left = facts.consumers.iter().filter(|consumer| !is_removed(consumer));
        let named = left.map(|consumer| named_gate(facts, consumer, now)).fold(Gate::Open, join);
        if named == Gate::Open && !by_engine && proven_once {
            return judged(Stage::Remove, remove_gate(facts));
        }
        return match join(verify, named) {
            Gate::Open => judged(Stage::Remove, remove_gate(facts)),
            closed => judged(Stage::Verify, closed),
        };
    }
    // The proof of the rules must still be fresh when the key goes, not only when it was removed.
    judged(Stage::Confirm, join(verify, confirm_gate(facts, now)))
}

/// Tells whether a step of `stage` may run in a lane that stands as `assessment` says; otherwise
/// the gate that is closed to it.
pub fn permits(assessment: &Assessment, stage: Stage) -> Result<(), Gate> {
    let open = match stage {
        Stage::Configure | Stage::Verify => true,
        _ if matches!(assessment.gate, Gate::Held(_)) => false,
        // The removal is what the remove stage is about; its gate opens only afterwards.
        Stage::Remove => assessment.stage == Stage::Remove || assessment.stage == Stage::Confirm,
        Stage::Confirm => assessment.stage == Stage::Confirm && assessment.gate == Gate::Open,
        Stage::Revoke => assessment.stage >= Stage::Confirm && assessment.gate == Gate::Open,
    };
    if open { Ok(()) } else { Err(assessment.gate.clone()) }
}

/// Two gates in a row: a refusal outweighs a wait, and all needs are told at once.
fn join(first: Gate, second: Gate) -> Gate {
    match (first, second) {
        (Gate::Refused(mut a), Gate::Refused(b)) => {
            a.extend(b);
            Gate::Refused(a)
        }
        (refused @ Gate::Refused(_), _) | (_, refused @ Gate::Refused(_)) => refused,
        (Gate::Waiting(mut a), Gate::Waiting(b)) => {
            a.extend(b);
            Gate::Waiting(a)
        }
        (waiting @ Gate::Waiting(_), _) | (_, waiting @ Gate::Waiting(_)) => waiting,
        (_, last) => last,
    }
}

fn gate_of(needs: Vec<Need>, refusals: Vec<Refusal>) -> Gate {
    if !refusals.is_empty() {
        Gate::Refused(refusals)
    } else if !needs.is_empty() {
        Gate::Waiting(needs)
    } else {
        Gate::Open
    }
}

fn unknown_key(facts: &LaneFacts) -> Refusal {
    Refusal {
        why: format!("the API lists no key with the id {}", facts.key.id),
        place: None,
        fix: "Compare the id with the Console (Settings, API keys); is the credential of the right organization?"
            .to_owned(),
    }
}

fn configure_gate(facts: &LaneFacts) -> Gate {
    let lost: Vec<Refusal> = facts.rules.iter().filter(|rule| !rule.lost.is_empty()).map(lost).collect();
    if !lost.is_empty() {
        return Gate::Refused(lost);
    }
    let doubted: Vec<Refusal> = facts.consumers.iter().filter_map(doubted).collect();
    if !doubted.is_empty() {
        return Gate::Refused(doubted);
    }
    let rules = facts.rules.iter().filter_map(|rule| rule.unconfigured.clone());
    let consumers = facts.consumers.iter().filter_map(|consumer| consumer.unconfigured.clone());
    let needs = rules.chain(consumers).map(|what| need(what, Supplier::Engine)).collect();
    gate_of(needs, Vec::new())
}

fn need(what: String, supplier: Supplier) -> Need {
    Need { what, supplier, earliest: None, consumer: None, remedy: None }
}

/// Tells whether the key is out of a consumer, by its own reading or a person's word.
fn is_removed(consumer: &ConsumerFacts) -> bool {
    match (&consumer.presence, consumer.manual) {
        (Presence::Absent, _) => consumer.removed_at.is_some(),
        (Presence::Unknown(_), true) => consumer.removed_at.is_some(),
        _ => false,
    }
}

fn remove_gate(facts: &LaneFacts) -> Gate {
    let mut needs = Vec::new();
    let mut refusals = Vec::new();
    for consumer in facts.consumers.iter().filter(|consumer| !is_removed(consumer)) {
        match &consumer.presence {
            Presence::Unknown(_) if consumer.manual => needs.push(removal_by_hand(facts, consumer)),
            Presence::Unknown(why) => refusals.push(Refusal {
                why: format!("it cannot be told whether the key is in {}: {why}", consumer.id),
                place: Some(consumer.place.clone()),
                fix: "Make the place readable, or correct the consumer block.".to_owned(),
            }),
            Presence::Absent if consumer.not_found => needs.push(not_found(facts, consumer)),
            Presence::Present | Presence::Absent => needs.push(Need {
                consumer: Some(consumer.id.clone()),
                ..need(format!("{} free of the key", consumer.id), Supplier::Engine)
            }),
        }
    }
    gate_of(needs, refusals)
}

/// What others have to do before the remove stage of a lane is over.
pub fn asked_of_others(facts: &LaneFacts, now: Timestamp) -> Vec<Need> {
    let by_hand = facts.consumers.iter().filter(|consumer| consumer.manual && !is_removed(consumer));
    let by_hand = by_hand.map(|consumer| removal_by_hand(facts, consumer));
    let nowhere = facts.consumers.iter().filter(|consumer| consumer.not_found);
    let by_hand = by_hand.chain(nowhere.map(|consumer| not_found(facts, consumer)));
    let left = facts.consumers.iter().filter(|consumer| !is_removed(consumer));
    let shown = left.clone().filter_map(|consumer| to_be_shown(facts, consumer, now));
    by_hand.chain(shown).chain(left.filter_map(|consumer| names_again(facts, consumer))).collect()
}

fn removal_by_hand(facts: &LaneFacts, consumer: &ConsumerFacts) -> Need {
    let what = format!("a named person who took the key out of {} ({})", consumer.id, consumer.place);
    Need {
        consumer: Some(consumer.id.clone()),
        remedy: Some(statement_command(facts, consumer)),
        ..need(what, Supplier::Person)
    }
}

/// A place where the key never was seen may be the wrong one, so that it is out nowhere.
fn not_found(facts: &LaneFacts, consumer: &ConsumerFacts) -> Need {
    let LaneFacts { address, .. } = facts;
    let ConsumerFacts { id, place, .. } = consumer;
    let what = format!(
        "the key, which is not found in {id} ({place}): correct the consumer block, or have a named person say that it never was there"
    );
    let command = format!(
        "keyless evidence add -manual -absent -key={address} -consumer={id} -by=\"YOUR NAME\" -statement=\"…\""
    );
    Need { consumer: Some(id.clone()), remedy: Some(command), ..need(what, Supplier::Person) }
}

fn statement_command(facts: &LaneFacts, consumer: &ConsumerFacts) -> String {
    // Which rule it has moved to is said where it lived off another one.
    let rule = consumer.rule_id.as_ref().filter(|_| consumer.left_behind.is_some());
    let rule = rule.map_or(String::new(), |id| format!(" -rule={id}"));
    format!(
        "keyless evidence add -manual -key={} -consumer={}{rule} -by=\"YOUR NAME\" -statement=\"…\"",
        facts.address, consumer.id
    )
}

/// The moment from which silence and reports count: the last removal, or the last time somebody
/// brought the key back, whichever is later.
fn cut_over(facts: &LaneFacts) -> Option<Timestamp> {
    let removed = facts.consumers.iter().filter_map(|consumer| consumer.removed_at);
    removed.chain(facts.key.reactivated_at).chain(facts.rolled_back_at).max()
}

fn confirm_gate(facts: &LaneFacts, now: Timestamp) -> Gate {
    let Some(since) = cut_over(facts) else {
        return Gate::Waiting(vec![need("a time of removal".to_owned(), Supplier::Engine)]);
    };
    let reports =
        facts.consumers.iter().map(|consumer| confirm_consumer(facts, consumer)).fold(Gate::Open, join);
    let silence = silence_gate(facts, since, now);
    let traffic = facts.rules.iter().map(|rule| traffic_gate(rule, since, now)).fold(Gate::Open, join);
    join(reports, join(silence, traffic))
}

fn confirm_consumer(facts: &LaneFacts, consumer: &ConsumerFacts) -> Gate {
    let id = &consumer.id;
    if let Some(before) = &consumer.left_behind {
        return Gate::Waiting(vec![by_person(facts, consumer, before)]);
    }
    // What a workload reported before its settings were written anew says nothing of these.
    let since = consumer.removed_at.max(facts.key.reactivated_at).max(consumer.configured_at);
    // A report of the very moment of removal may have been made before it. A person's statement is
    // about the removal, and so of the same moment.
    let counts = |at| if consumer.manual { Some(at) >= since } else { Some(at) > since };
    let Some(report) = consumer.report.as_ref().filter(|report| counts(report.at)) else {
        let supplier = if consumer.manual { Supplier::Person } else { Supplier::Workload };
        let remedy = consumer.manual.then(|| statement_command(facts, consumer));
        let what = format!("a credential report from {id}, newer than the removal of the key");
        return Gate::Waiting(vec![Need { consumer: Some(id.clone()), remedy, ..need(what, supplier) }]);
    };
    match report.winner {
        Winner::Federation if report.through_our_rule => Gate::Open,
        Winner::Federation => Gate::Refused(vec![Refusal {
            why: format!("{id} federates, but not through a rule of this lane"),
            place: Some(report.winner_source.clone()),
            fix: "Point ANTHROPIC_FEDERATION_RULE_ID of the workload at the rule of this lane.".to_owned(),
        }]),
        Winner::ApiKey | Winner::AuthToken => Gate::Refused(shadow_refusals(id, report)),
        Winner::Nothing => Gate::Refused(vec![no_credential(id, report)]),
    }
}

/// What to tell of a workload that reports that it has nothing.
fn no_credential(id: &ConsumerId, report: &super::facts::ReportFacts) -> Refusal {
    Refusal {
        why: format!("{id} has no working credential"),
        place: Some(report.winner_source.clone()).filter(|source| !source.is_empty()),
        fix: "Complete the federation variables of the workload, or bring the key back with `keyless rollback`."
            .to_owned(),
    }
}

fn shadow_refusals(id: &ConsumerId, report: &super::facts::ReportFacts) -> Vec<Refusal> {
    let why = |name: &str| {
        format!(
            "{id} still sends a static credential: {name} wins over federation, so the migration only looks done"
        )
    };
    if report.shadows.is_empty() {
        return vec![Refusal {
            why: why(&report.winner_source),
            place: Some(report.winner_source.clone()),
            fix: "Remove the static credential there.".to_owned(),
        }];
    }
    let refusal = |shadow: &keyless_state::Shadow| Refusal {
        why: why(&shadow.name),
        place: Some(shadow.place.clone()),
        fix: shadow.fix.clone(),
    };
    report.shadows.iter().map(refusal).collect()
}

/// A time that lies `by` later, as far as time goes.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Tells whether every consumer reported since a use of the key that it federates.
fn all_reported_since(facts: &LaneFacts, used: Timestamp) -> bool {
    facts.consumers.iter().all(|consumer| {
        consumer
            .report
            .as_ref()
            .is_some_and(|report| report.at >= used && report.winner == Winner::Federation)
    })
}

fn silence_gate(facts: &LaneFacts, since: Timestamp, now: Timestamp) -> Gate {
    let start = next_hour(since);
    let Some(usage) = facts.usage.as_ref().filter(|usage| usage.since <= start) else {
        return Gate::Waiting(vec![need("a usage report about the key".to_owned(), Supplier::Engine)]);
    };
    let used = usage.last_used_before.filter(|used| *used > start);
    let silent = usage.complete_until.duration_since(used.unwrap_or(start)) >= facts.quiet_period;
    if let Some(used) = used.filter(|_| !silent)
        && !all_reported_since(facts, used)
    {
        let why =
            format!("the key was used after it was removed everywhere that is declared, last before {used}");
        let fix = "Find who still holds the key (the usage report in the Console groups by key), declare that place as a consumer, and apply again."
            .to_owned();
        return Gate::Refused(vec![Refusal { why, place: None, fix }]);
    }
    let quiet_from = usage.last_used_before.map_or(start, |used| used.max(start));
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    let earliest = later(later(quiet_from, facts.quiet_period), delay);
    if usage.complete_until.duration_since(quiet_from) >= facts.quiet_period {
        return Gate::Open;
    }
    let counted = match used {
        Some(used) => format!(
            ", counted from its last use before {used}; every declared place federates by now, so if it is used again, somebody undeclared holds it"
        ),
        None => String::new(),
    };
    let what = format!("no use of the key for {:#} (quiet_period){counted}", facts.quiet_period);
    let supplier = if earliest > now { Supplier::Time } else { Supplier::Engine };
    Gate::Waiting(vec![Need { earliest: Some(earliest), ..need(what, supplier) }])
}

fn traffic_gate(rule: &RuleFacts, since: Timestamp, now: Timestamp) -> Gate {
    // The hour of the removal may hold traffic from before it, so the next whole hour counts.
    let start = next_hour(since);
    if rule.traffic_at.is_some_and(|at| at >= start) {
        return Gate::Open;
    }
    let what = format!("traffic of {} that no key authenticated, after the removal", rule.service_account);
    let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
    let earliest = Some(later(start, delay)).filter(|earliest| *earliest > now);
    Gate::Waiting(vec![Need { earliest, ..need(what, Supplier::Workload) }])
}

#[cfg(test)]
mod tests;
