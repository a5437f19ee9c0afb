//! `evidence add -rule`: the word of a named person that the settings of a workload name a rule.

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, Fact, State};

use super::{Said, declared};
use crate::cli::args::EvidenceAdd;
use crate::config::{Configuration, ConsumerDriver};

/// The word about one consumer. It counts for the rule of that id alone.
///
/// # Errors
/// When keyless sees to these settings itself, or none of the rules that replace the key has that id.
pub(super) fn named(
    arguments: &EvidenceAdd,
    (key, consumer): (&Address, &ConsumerId),
    rule_id: &str,
    configuration: &Configuration,
    state: &State,
    now: Timestamp,
) -> Result<Said, String> {
    let (lane, found) = declared(key, consumer, configuration)?;
    match &found.driver {
        ConsumerDriver::Dotenv { identity_token_file: Some(_), .. } => {
            return Err(format!(
                "keyless writes the settings of {consumer} itself and reads them; no word is needed"
            ));
        }
        ConsumerDriver::Manual { .. } => {
            return Err(format!(
                "{consumer} is in a person's hands; say without -rule that its workload federates and the key is out"
            ));
        }
        _ => {}
    }
    let ids = lane.replaced_by.iter().filter_map(|rule| Some((rule, &state.records.get(rule)?.id)));
    let known: Vec<String> = ids.clone().map(|(rule, id)| format!("{id} ({rule})")).collect();
    let Some((rule, _)) = ids.clone().find(|(_, id)| *id == rule_id) else {
        return Err(match known.is_empty() {
            true => format!(
                "no rule that replaces {key} exists yet, so no settings can name one; run `keyless apply` first"
            ),
            false => format!("{rule_id} is no rule that replaces {key}; these are: {}", known.join(", ")),
        });
    };
    let by = arguments.by.trim();
    let told = format!(
        "Recorded: {by} says at {now} that the settings of {consumer} of {key} name {rule} ({rule_id}). Run `keyless apply` to go on.\n"
    );
    let fact = Fact::SettingsStatement {
        key: key.clone(),
        consumer: consumer.clone(),
        rule_id: rule_id.to_owned(),
        by: by.to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok(Said { id: format!("settings/{key}/{consumer}"), fact, changes: Vec::new(), told })
}
