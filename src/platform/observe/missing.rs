//! Recorded objects that no list shows: lists may lag, and the API archives but never deletes.

use std::collections::BTreeSet;

use super::get;
use super::listed::Listed;
use crate::limits;
use crate::platform::transport::Transport;
use crate::platform::wire::Wire;
use crate::platform::{ApiError, ErrorKind};

/// Looks at what is recorded and not listed by its id. What is not found there either is looked for
/// a few times more, since it may have been created a moment ago; then it counts as not understood.
pub(super) async fn find<W: Wire>(
    transport: &Transport,
    collection: &str,
    recorded: &BTreeSet<String>,
    listed: &mut Listed<W::Object>,
) -> Result<(), ApiError> {
    let mut tries = 0;
    loop {
        let missing = read::<W>(transport, collection, recorded, listed).await?;
        if missing.is_empty() {
            return Ok(());
        }
        if tries == limits::MISSING_TRIES_MAX {
            missing.iter().for_each(|id| listed.spoil(W::NOUN, id, None, NOT_SHOWN.to_owned()));
            return Ok(());
        }
        if tries == 0 {
            transport.notice(&format!(
                "the API shows no {} {}, which is recorded; it may not show yet and is looked for again for a moment",
                W::NOUN,
                missing.join(", ")
            ));
        }
        tries += 1;
        transport.back_off(tries).await;
    }
}

const NOT_SHOWN: &str = "no list of the API shows it and it is not found by its id, although the API archives and never deletes; it may show later";

/// Reads by id what is recorded and not known yet; the ids that are not found.
async fn read<W: Wire>(
    transport: &Transport,
    collection: &str,
    recorded: &BTreeSet<String>,
    listed: &mut Listed<W::Object>,
) -> Result<Vec<String>, ApiError> {
    let mut missing = Vec::new();
    for id in recorded {
        if listed.has(id) {
            continue;
        }
        let operation = format!("read {} {id}", W::NOUN);
        match get::<W>(transport, &operation, &[collection, id]).await {
            Ok(object) => {
                listed.objects.insert(id.clone(), object);
            }
            Err(error) if error.kind == ErrorKind::NotFound => missing.push(id.clone()),
            Err(error) if error.kind == ErrorKind::Malformed => {
                listed.spoil(W::NOUN, id, None, error.message);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}
