//! `evidence add -absent`: the word of a named person that a key never was where it is not found.

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, Fact, State};

use super::{Said, declared};
use crate::binding;
use crate::cli::args::EvidenceAdd;
use crate::cli::session::Session;
use crate::lane::Presence;
use crate::refresh;

/// The word about one consumer. It counts for this key in this place alone.
///
/// # Errors
/// When no file tells whether the key is there, the key is there, or keyless took it out.
pub(super) async fn absent(
    arguments: &EvidenceAdd,
    (key, consumer): (&Address, &ConsumerId),
    session: &Session,
    state: &State,
    now: Timestamp,
) -> Result<Said, String> {
    let (lane, found) = declared(key, consumer, &session.configuration)?;
    let places = refresh::places(&session.configuration, state, &session.base);
    let place = places.iter().find(|place| place.key == *key && place.id == *consumer);
    let place = place.expect("what is declared has a place");
    let Some(parked) = place.parked() else {
        return Err(format!(
            "-absent is said of files; keyless is told otherwise whether the key is in {consumer}"
        ));
    };
    match place.check().await {
        _ if !parked.is_empty() => {
            return Err(format!("the key of {key} is parked in {consumer}, so that it was there"));
        }
        Presence::Present => return Err(format!("the key is in {consumer} ({})", found.driver.place())),
        Presence::Unknown(why) => {
            return Err(format!("it cannot be told whether the key is in {consumer}: {why}"));
        }
        Presence::Absent => {}
    }
    let by = arguments.by.trim();
    let place = binding::place(consumer, &found.driver);
    let told = format!(
        "Recorded: {by} says at {now} that the key of {key} never was in {consumer}. Run `keyless apply` to go on.\n"
    );
    let fact = Fact::AbsenceStatement {
        key: key.clone(),
        consumer: consumer.clone(),
        key_id: lane.id.clone(),
        place: place.clone(),
        by: by.to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok(Said { id: format!("absent/{}/{place}", lane.id), fact, changes: Vec::new(), told })
}
