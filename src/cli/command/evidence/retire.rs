//! `evidence add -retire`: the word of a named person that workloads are gone.

use jiff::Timestamp;
use keyless_state::{Address, Binding, ConsumerId, Ended, Evidence, Fact, Grant, Kind, Mutation, State};

use super::Said;
use crate::binding;
use crate::cli::args::EvidenceAdd;
use crate::limits;

/// The word about the workloads of a key, which ends what is recorded of them, or about a rule, which
/// counts for a while.
///
/// # Errors
/// When the rule is not recorded, or no workload is known to live without the key.
pub(super) fn retire(
    arguments: &EvidenceAdd,
    grant: &Address,
    state: &State,
    now: Timestamp,
) -> Result<Said, String> {
    let by = arguments.by.trim();
    let consumer = arguments.consumer.as_ref();
    let (object_id, gone) = match grant.kind() {
        Kind::ApiKey => of_key(grant, consumer, state)?,
        Kind::FederationRule if consumer.is_none() => of_rule(grant, state)?,
        Kind::FederationRule => return Err("-consumer goes with a key: -retire=api_key.NAME".to_owned()),
        _ => return Err(format!("{grant} is neither a federation rule nor a key; workloads live off these")),
    };
    let mut told = match gone.is_empty() {
        true => format!(
            "Recorded: {by} says at {now} that nobody needs {grant}. No workload is recorded that lives off it.\n"
        ),
        false => format!("Recorded: {by} says at {now} that these workloads are gone.\n"),
    };
    for binding in &gone {
        told.push_str(&format!(
            "  {} of {}, without its key since {}\n",
            binding.consumer, binding.lane, binding.since
        ));
    }
    told.push_str(&match grant.kind() {
        Kind::ApiKey => "That counts until one of them is seen again.".to_owned(),
        _ => format!(
            "That counts for the archive of {grant} ({object_id}), for {} days, as long as {} again.",
            limits::RETIREMENT_COUNTS.as_hours() / 24,
            if gone.is_empty() { "its account is not used" } else { "none of them is seen" }
        ),
    });
    told.push_str(" Run `keyless apply` to go on, or `keyless destroy` again where that waits.\n");
    let ended = Ended { at: now, by: by.to_owned() };
    let changes = match grant.kind() {
        Kind::ApiKey => {
            let ends = gone.iter().map(|it| Binding { ended: Some(ended.clone()), ..(*it).clone() }.put());
            // Who comes back has settings of which nothing is known.
            let is_meant = |it: &&Evidence| {
                matches!(&it.fact, Fact::SettingsStatement { key_id, place, .. }
                    if gone.iter().any(|gone| gone.key_id == *key_id && gone.place.as_ref() == Some(place)))
            };
            let words = state.evidence.iter().filter(is_meant);
            ends.chain(words.map(|it| Mutation::DropEvidence { id: it.id.clone() })).collect()
        }
        _ => Vec::new(),
    };
    let fact = Fact::Retirement {
        grant: grant.clone(),
        object_id,
        consumer: consumer.cloned(),
        by: by.to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    let part = consumer.map_or(String::new(), |id| format!("/{id}"));
    Ok(Said { id: format!("retirement/{grant}{part}"), fact, changes, told })
}

/// The id of a key, and those of its workloads that are meant.
fn of_key<'a>(
    lane: &Address,
    consumer: Option<&ConsumerId>,
    state: &'a State,
) -> Result<(String, Vec<&'a Binding>), String> {
    let is_meant = |it: &&Binding| it.lane == *lane && consumer.is_none_or(|id| *id == it.consumer);
    let gone: Vec<&Binding> = binding::live(state).filter(is_meant).collect();
    match gone.first() {
        None => Err(format!(
            "no workload of {}{lane} is known to live without its key, so nothing is to be stated",
            consumer.map_or(String::new(), |id| format!("{id} of "))
        )),
        Some(first) => Ok((first.key_id.clone(), gone)),
    }
}

/// The id of a rule, and the workloads that may live off it.
fn of_rule<'a>(rule: &Address, state: &'a State) -> Result<(String, Vec<&'a Binding>), String> {
    let record = state.records.get(rule).ok_or_else(|| format!("{rule} is not recorded"))?;
    let is_it = |grant: &Grant| matches!(grant, Grant::Rule { rule_id, .. } if *rule_id == record.id);
    let gone: Vec<&Binding> = binding::live(state).filter(|it| it.grants().any(is_it)).collect();
    Ok((record.id.clone(), gone))
}
