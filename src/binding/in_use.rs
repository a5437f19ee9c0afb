//! Whether a workload whose key is back uses it again: until it is seen to, it may live off its rule.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{
    Address, Binding, ConsumerId, Evidence, Fact, Grant, LaneRecord, Mutation, State, Winner,
};

use super::by_hand::{by_hand, coming_back, is_asked_back, lane_of};
use super::{displaced, live};
use crate::config::Configuration;
use crate::lane::Presence;
use crate::limits;
use crate::resource::{KeyStatus, Observed, next_hour};

/// How long a reporting bucket is.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is known of a key that was put back.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded, evidence included.
    pub state: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// Whether the key is in each consumer.
    pub presence: &'a BTreeMap<(Address, ConsumerId), Presence>,
}

/// What is missing before it is known that a workload uses its key again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Its block: without it nobody looks for its key.
    Block,
    /// A key that works.
    Active(Option<KeyStatus>),
    /// The key in its place.
    Key,
    /// The key in its place, which only a person can put there, and how.
    ByHand(String),
    /// A look into its place, and why there was none.
    Look(String),
    /// Use of the key in an hour that begins then or later, or a report after that.
    Sign(Timestamp),
    /// A report after then that the key wins.
    Report(Timestamp),
}

impl Lack {
    /// The earliest time at which it can be there, where that is known.
    pub fn earliest(&self) -> Option<Timestamp> {
        let Lack::Sign(from) = self else { return None };
        let delay = SignedDuration::from_secs(limits::USAGE_DELAY_SECONDS);
        next_hour(*from).checked_add(HOUR).and_then(|at| at.checked_add(delay)).ok()
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Block => f.write_str("its block, without which nobody looks for its key: declare it again"),
            Lack::Active(None) => f.write_str("an active key (the API does not list it)"),
            Lack::Active(Some(status)) => write!(f, "an active key (it is {})", status.word()),
            Lack::Key => f.write_str("the key in its place (it does not hold it)"),
            Lack::ByHand(how) => write!(f, "the key in its place, where only a person can put it: {how}"),
            Lack::Look(why) => write!(f, "a look into its place ({why})"),
            Lack::Sign(from) => write!(
                f,
                "use of its key, where no other place holds that, in an hour that begins at {} or later, or a report of its own after {from} that the key wins",
                next_hour(*from)
            ),
            Lack::Report(from) => write!(f, "a report of its own after {from} that the key wins"),
        }
    }
}

/// Workloads whose keys are back and that may live off something else yet.
pub fn restored(state: &State) -> impl Iterator<Item = &Binding> {
    live(state).filter(|binding| binding.key_back_at().is_some())
}

/// By when a workload uses its key again; else what is missing. None of a workload whose key is neither back
/// nor asked back of a person.
///
/// # Errors
/// What is missing; never empty.
pub fn in_use(binding: &Binding, seen: &Seen<'_>) -> Option<Result<Timestamp, Vec<Lack>>> {
    let is_asked = is_asked_back(binding, seen.state, seen.configuration);
    let asked_at = lane_of(binding, seen.state).and_then(|lane| lane.rolled_back_at).max(Some(binding.since));
    let back = binding.key_back_at().or_else(|| asked_at.filter(|_| is_asked))?;
    let (lane, id) = (&binding.lane, &binding.consumer);
    let key = seen.configuration.api_keys.get(lane).filter(|key| key.id == binding.key_id);
    let Some(consumer) = key.and_then(|key| key.consumers.get(id)) else {
        return Some(Err(vec![Lack::Block]));
    };
    if let Some(place) = displaced(id, consumer, Some(binding)) {
        return Some(Err(vec![Lack::Look(format!("its block names another place than `{place}` by now"))]));
    }
    let mut lacks = Vec::new();
    let status = seen.observed.api_keys.get(&binding.key_id).map(|key| key.status.clone());
    if status != Some(KeyStatus::Active) {
        lacks.push(Lack::Active(status));
    }
    // Nobody knows since when a key is back that a person put there, so that its use may be of before.
    let sign = if is_asked { reported(binding, back, seen) } else { sign(binding, back, seen) };
    let by_hand = by_hand(binding, seen.configuration).filter(|_| is_asked);
    let only_person_looks = consumer.driver.is_manual();
    match (seen.presence.get(&(lane.clone(), id.clone())), by_hand) {
        (Some(Presence::Present), _) => {}
        (_, Some(how)) if only_person_looks => lacks.extend(sign.is_err().then_some(Lack::ByHand(how))),
        (Some(Presence::Absent), Some(how)) => lacks.push(Lack::ByHand(how)),
        (Some(Presence::Absent), None) => lacks.push(Lack::Key),
        (Some(Presence::Unknown(why)), _) => lacks.push(Lack::Look(why.clone())),
        (None, _) => lacks.push(Lack::Look("it was not looked into".to_owned())),
    }
    if let Err(from) = sign {
        lacks.push(if is_asked { Lack::Report(from) } else { Lack::Sign(from) });
    }
    Some(match (sign, lacks.is_empty()) {
        (Ok(at), true) => Ok(at),
        _ => Err(lacks),
    })
}

/// When a key that is back since `back` was reported to win; else from when on a sign would count.
///
/// A report that something else wins was seen later than the restore, so the sign has to be newer still.
fn reported(binding: &Binding, back: Timestamp, seen: &Seen<'_>) -> Result<Timestamp, Timestamp> {
    let (lane, id) = (&binding.lane, &binding.consumer);
    let reports = seen.state.evidence.iter().filter_map(|evidence| match &evidence.fact {
        Fact::CredentialReport { winner, .. } if evidence.fact.is_about(lane, &binding.key_id, id) => {
            Some((evidence.observed_at, *winner))
        }
        _ => None,
    });
    match reports.max_by_key(|(at, _)| *at) {
        Some((at, Winner::ApiKey)) if at > back => Ok(at),
        Some((at, _)) => Err(at.max(back)),
        None => Err(back),
    }
}

/// When a key that is back since `back` was used, or reported to win; else from when on that would count.
fn sign(binding: &Binding, back: Timestamp, seen: &Seen<'_>) -> Result<Timestamp, Timestamp> {
    let from = match reported(binding, back, seen) {
        Ok(at) => return Ok(at),
        Err(from) => from,
    };
    // Use of a key that several places hold says nothing of one of them.
    if others_hold(binding, seen) {
        return Err(from);
    }
    let used = seen.state.evidence.iter().filter_map(|evidence| used_before(evidence, &binding.lane)).max();
    // The hour in which the key came back may hold use from before.
    used.filter(|used| used.checked_sub(HOUR).is_ok_and(|begins| begins >= from)).ok_or(from)
}

/// Whether other workloads may use the same key.
fn others_hold(binding: &Binding, seen: &Seen<'_>) -> bool {
    let Some(key) = seen.configuration.api_keys.get(&binding.lane) else { return true };
    let holds =
        |id: &ConsumerId| seen.presence.get(&(binding.lane.clone(), id.clone())) != Some(&Presence::Absent);
    key.consumers.keys().any(|id| *id != binding.consumer && holds(id))
}

/// The end of the last hour in which the key of a lane was used, as far as it is over.
fn used_before(evidence: &Evidence, lane: &Address) -> Option<Timestamp> {
    match &evidence.fact {
        // The hour that runs is not over.
        Fact::KeyUsage { key, last_used_before, .. } if key == lane => {
            last_used_before.map(|at| at.min(evidence.observed_at))
        }
        _ => None,
    }
}

/// What records that workloads use their keys again, whoever put them back. Until then they may have used tokens of
/// the accounts that they had before.
pub fn in_use_again(seen: &Seen<'_>) -> Vec<Mutation> {
    let mut changes = Vec::new();
    let mut lanes: BTreeMap<&Address, LaneRecord> = BTreeMap::new();
    for known in coming_back(seen.state, seen.configuration) {
        let Some(Ok(at)) = in_use(known, seen) else { continue };
        if let Some(lane) = lane_of(known, seen.state) {
            let lane = lanes.entry(&known.lane).or_insert_with(|| lane.clone());
            if let Some(record) = lane.consumers.get_mut(&known.consumer) {
                (record.removed_at, record.receipt) = (None, None);
            }
            for grant in known.grants() {
                if let Grant::Rule { service_account_id, .. } = grant {
                    let left = lane.left.entry(service_account_id.clone()).or_insert(at);
                    *left = at.max(*left);
                }
            }
        }
        // What was said of it before would bind it again.
        let is_over = |it: &&Evidence| {
            let is_said = matches!(it.fact, Fact::Statement { .. });
            is_said && it.observed_at <= at && it.fact.is_about(&known.lane, &known.key_id, &known.consumer)
        };
        let over = seen.state.evidence.iter().filter(is_over);
        let forgotten: Vec<Mutation> = over.map(|it| Mutation::DropEvidence { id: it.id.clone() }).collect();
        let mut binding = known.clone();
        binding.settle(Grant::Key, at);
        changes.push(match binding.settings.is_empty() {
            true => Mutation::DropBinding { id: binding.id() },
            false => binding.put(),
        });
        changes.extend(forgotten);
    }
    changes.extend(
        lanes.into_iter().map(|(address, lane)| Mutation::PutLane { address: address.clone(), lane }),
    );
    changes
}

#[cfg(test)]
mod tests;
