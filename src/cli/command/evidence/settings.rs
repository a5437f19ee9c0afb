//! `evidence add -rule`: the word of a named person that the settings of a workload name a rule.

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, Fact, State};

use super::{Said, declared};
use crate::binding;
use crate::cli::args::EvidenceAdd;
use crate::config::{Configuration, ConsumerDriver};

/// The word about one consumer. It counts for the rule of that id alone.
///
/// # Errors
/// When keyless sees to these settings itself, or the rule of the consumer does not have that id.
pub(super) fn named(
    arguments: &EvidenceAdd,
    (key, consumer): (&Address, &ConsumerId),
    rule_id: &str,
    configuration: &Configuration,
    state: &State,
    now: Timestamp,
) -> Result<Said, String> {
    let (lane, found) = declared(key, consumer, configuration)?;
    if matches!(&found.driver, ConsumerDriver::Dotenv { identity_token_file: Some(_), .. }) {
        return Err(format!(
            "keyless writes the settings of {consumer} itself and reads them; no word is needed"
        ));
    }
    let rule = &found.rule;
    match state.records.get(rule).map(|record| record.id.as_str()) {
        Some(own) if own == rule_id => {}
        Some(own) => {
            return Err(format!(
                "the block of {consumer} lets it federate through {rule} ({own}), not {rule_id}"
            ));
        }
        None => {
            return Err(format!(
                "{rule} does not exist yet, so no settings can name it; run `keyless apply` first"
            ));
        }
    }
    let by = arguments.by.trim();
    let place = binding::place(consumer, &found.driver);
    let id = format!("settings/{}/{place}", lane.id);
    let told = format!(
        "Recorded: {by} says at {now} that the settings of {consumer} of {key} name {rule} ({rule_id}). Run `keyless apply` to go on.\n"
    );
    let fact = Fact::SettingsStatement {
        key: key.clone(),
        consumer: consumer.clone(),
        key_id: lane.id.clone(),
        place,
        rule_id: rule_id.to_owned(),
        by: by.to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok(Said { id, fact, changes: Vec::new(), told })
}
